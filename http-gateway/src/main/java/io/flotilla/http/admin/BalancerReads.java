package io.flotilla.http.admin;

import io.flotilla.config.cluster.ClusterStatus;
import io.flotilla.config.model.ClusterConfig;
import io.flotilla.config.model.Kind;
import io.flotilla.config.model.Listener;
import io.flotilla.http.Problem;
import io.flotilla.http.balancer.BalancerOptions;
import io.flotilla.http.balancer.BalancerPlan;
import io.flotilla.http.balancer.HaProxyConfig;
import io.flotilla.http.balancer.NginxConfig;
import java.net.InetAddress;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletionStage;
import org.apache.pekko.http.javadsl.model.ContentTypes;
import org.apache.pekko.http.javadsl.model.HttpEntities;
import org.apache.pekko.http.javadsl.model.HttpResponse;
import org.apache.pekko.util.ByteString;

/** Configurations of load balancers for the cluster as it is now, as the primary sees it. */
final class BalancerReads {
  private final AdminContext context;

  BalancerReads(AdminContext context) {
    this.context = context;
  }

  CompletionStage<HttpResponse> show(String product, RequestParameters parameters) {
    BalancerOptions options = options(parameters);
    Optional<String> only = parameters.text("listener");
    ClusterConfig config = context.live().view().config();
    only.filter(name -> config.find(Kind.LISTENERS, name, Listener.class).isEmpty()).ifPresent(name -> {
      throw new Problem.ProblemException(Problem.notFound("there is no listener named '" + name + "'"));
    });
    return ClusterSeen.by(context).thenApply(seen -> {
      if (!seen.isWhole()) {
        // Half a configuration would take the other nodes out of the load balancer.
        return Problem.of(503, "no-primary", "The nodes are not known now",
            "the primary can't be asked which nodes there are; try again when 'flotilla status' shows one").toResponse();
      }
      BalancerPlan plan = BalancerPlan.of(config, nodes(seen.status()), only);
      return HttpResponse.create().withEntity(HttpEntities.create(ContentTypes.TEXT_PLAIN_UTF8, ByteString.fromString(
          product.equals("haproxy") ? HaProxyConfig.of(plan, options) : NginxConfig.of(plan, options))));
    });
  }

  private static List<BalancerPlan.Node> nodes(ClusterStatus status) {
    return status.members().stream()
        .map(member -> BalancerPlan.Node.of(member.name(), member.address(), Set.copyOf(member.roles()),
            member.status().equals(ClusterSeen.AWAY))).toList();
  }

  private static BalancerOptions options(RequestParameters parameters) {
    String address = parameters.text("address").orElse(BalancerOptions.EVERYWHERE);
    int port = (int) parameters.number("healthPort", 1, 65_535, 0);
    if (port == 0 && parameters.flag("healthTls")) {
      throw new Problem.ProblemException(Problem.malformed("healthTls says how the healthPort is asked, so that is needed, too"));
    }
    return new BalancerOptions(address.equals(BalancerOptions.EVERYWHERE) ? address : literal("address", address, ", or *"),
        parameters.text("source").map(source -> literal("source", source, "")), runAs(parameters.text("runAs").orElse("haproxy")), parameters.flag("agent", true),
        port == 0 ? Optional.empty() : Optional.of(new BalancerOptions.Health(port, parameters.flag("healthTls"))));
  }

  private static Optional<BalancerOptions.RunAs> runAs(String text) {
    Optional<BalancerOptions.RunAs> runAs = text.equals("none") ? Optional.empty() : BalancerOptions.RunAs.of(text);
    if (runAs.isEmpty() && !text.equals("none")) {
      throw new Problem.ProblemException(Problem.malformed("the parameter runAs must be USER, USER:GROUP or none"));
    }
    return runAs;
  }

  private static String literal(String parameter, String address, String orElse) {
    try {
      return InetAddress.ofLiteral(address).getHostAddress();
    } catch (IllegalArgumentException e) {
      throw new Problem.ProblemException(Problem.malformed("the parameter " + parameter + " must be an IPv4 or IPv6 address" + orElse));
    }
  }
}
