package io.flotilla.http.balancer;

import io.flotilla.config.model.Listener;
import java.time.Duration;

/**
 * Writes the configuration of HAProxy (2.6 or newer). All is TCP to it: TLS ends on the nodes, and sessions need no cookie of its own.
 */
public final class HaProxyConfig extends BalancerText {
  /** What the agents' percentages are of, and by how many points a consistent hash knows a server: by one it may get twice what another gets. */
  private static final String WEIGHT = " weight 100";

  private HaProxyConfig(BalancerPlan plan, BalancerOptions options) {
    super(plan, options);
  }

  public static String of(BalancerPlan plan, BalancerOptions options) {
    return new HaProxyConfig(plan, options).write();
  }

  private String write() {
    head("HAProxy", "haproxy");
    plan.warnings().forEach(this::warn);
    plan.services().stream().flatMap(service -> service.servers().stream()).filter(server -> isName(server.host()))
        .map(server -> "node '" + server.node().name() + "' is known by the name " + server.host() + ", which is looked up at the start only; "
            + "if it does not resolve then, the node gets nobody until HAProxy is loaded again (or add a 'resolvers' section)")
        .distinct().forEach(this::warn);
    text.append("""

        global
          log stdout format raw local0
        """);
    options.runAs().ifPresent(runAs -> {
      line("  # It is started as root, for ports such as 22, and goes on as this user ('flotilla lb haproxy --run-as').");
      line("  user " + runAs.user());
      line("  group " + runAs.group());
    });
    text.append("""
          # How many connections there may be follows from the limit of open files (LimitNOFILE of the systemd unit): a client needs two
          # of them, and two more for a transfer by FTP.

        defaults
          mode tcp
          log global
          option tcplog
          option dontlognull
          # Who is gone without a word is noticed by the system: clients after two minutes, nodes (whose machine has lost power) after 25 s,
          # but by connections that bring them data only when 'timeout server' is over. There is no tcp-ut here: it would also end what is
          # sent to a node that lives and waits for its storage, and it sets aside how often the system asks (srvtcpka-cnt).
          option clitcpka
          clitcpka-idle 60s
          clitcpka-intvl 15s
          clitcpka-cnt 4
          option srvtcpka
          srvtcpka-idle 10s
          srvtcpka-intvl 5s
          srvtcpka-cnt 3
          # A packet may be lost; a node that has lost its power answers none.
          timeout connect 2s
          timeout check 2s
          timeout client 11m
          timeout server 11m
          # A node that does not answer is not the last one.
          retries 3
          option redispatch 1
        """);
    options.source().ifPresent(source -> {
      line("  # What the nodes have to have among the trustedProxies of their listeners.");
      line("  source " + BalancerOptions.at(source, 0));
    });
    checks();
    plan.services().forEach(this::service);
    return text.toString();
  }

  private void checks() {
    line("  # A node that is down, or drained, gets nobody new; those who are there stay with it until they, or it, have done.");
    options.health().ifPresentOrElse(health -> {
      line("  # Whether a node is ready is asked at its admin port, which has to be reachable from here.");
      line("  option httpchk");
      line("  http-check send meth GET uri /health/ready ver HTTP/1.1 hdr Host health-check");
      line("  http-check expect status 200");
    }, () -> {
      line("  # Whether a node is ready is seen from its listeners: they are closed while it is drained. Admin ports are often bound to");
      line("  # loopback; where they can be reached from here, --health-port (and --health-tls) asks /health/ready instead, which also");
      line("  # knows of missing storages.");
    });
    if (options.agent()) {
      line("  # The agent of each node, at its remoting port + 3, says 'up' with a weight from its load, 'drain' or 'down'. Where it");
      line("  # can't be reached, HAProxy goes by the checks alone.");
    }
    line("  default-server inter 2s fastinter 500ms downinter 1s fall 2 rise 2 init-addr last,libc,none"
        + (options.agent() ? " agent-inter 2s" : ""));
  }

  private void service(BalancerPlan.Service service) {
    Listener listener = service.listener();
    String timeout = seconds(silence(service));
    line("");
    line("# Listener " + listener.name() + ", " + listener.protocol().id());
    line("frontend " + service.label());
    line("  bind " + bind(service.port()));
    line("  timeout client " + timeout);
    line("  default_backend " + service.label());
    line("");
    boolean isTracking = service.isSticky() && options.agent();
    if (isTracking) {
      line("# Nobody is led by this one. It asks the nodes and their agents; so their state counts for the next one, and their weights don't.");
      line("backend " + state(service));
      line("  timeout server " + timeout);
      greeting(service);
      service.servers().forEach(server -> line("  server " + server.label() + " " + BalancerOptions.at(server.host(), server.port())
          + check(service, server) + agent(server) + proxy(service)));
      line("");
    }
    line("backend " + service.label());
    if (service.isSticky()) {
      line("  # What a client has begun may be at one node only. When a node goes or returns, and whatever its load, clients of the others stay.");
      line("  balance source");
      line("  hash-type consistent");
    } else {
      line("  balance leastconn");
    }
    line("  timeout server " + timeout);
    if (!isTracking) {
      greeting(service);
    }
    service.servers().forEach(server -> line("  server " + server.label() + " " + BalancerOptions.at(server.host(), server.port())
        + (isTracking ? " track " + state(service) + "/" + server.label() : check(service, server) + (options.agent() ? agent(server) : ""))
        + (service.isSticky() ? WEIGHT : "") + proxy(service)));
    // No listener's or node's label has a colon.
    line("  # When no node counts as up, perhaps because all are too busy to answer checks in time, all are tried.");
    line("  option allbackups");
    service.servers().forEach(server -> line("  server " + server.label() + ":unchecked " + BalancerOptions.at(server.host(), server.port())
        + " backup" + proxy(service)));
    service.servers().forEach(server -> data(service, server));
  }

  /** What a listener says to whoever comes. */
  private void greeting(BalancerPlan.Service service) {
    if (options.health().isPresent()) {
      return;
    }
    if (service.is(Listener.Protocol.HTTP)) {
      line("  option httpchk");
      line("  http-check send meth GET uri / ver HTTP/1.1 hdr Host health-check");
      line("  http-check expect status 200,401"); // the page for people, or the question who it is
    } else {
      line("  option tcp-check");
      line("  tcp-check expect " + (service.is(Listener.Protocol.SFTP) ? "string SSH-2.0-" : "rstring ^220"));
    }
  }

  private String check(BalancerPlan.Service service, BalancerPlan.Server server) {
    return options.health()
        .map(health -> " check" + elsewhere("addr", server) + " port " + health.port() + (health.tls() ? " check-ssl verify none" : ""))
        .orElse(service.isTlsFromTheStart() ? " check check-ssl verify none" : " check");
  }

  private static String state(BalancerPlan.Service service) {
    return service.label() + ":state";
  }

  private static String agent(BalancerPlan.Server server) {
    return WEIGHT + " agent-check" + elsewhere("agent-addr", server) + " agent-port " + server.node().agentPort();
  }

  /** A listener may have another address than the node's own services. */
  private static String elsewhere(String keyword, BalancerPlan.Server server) {
    String host = server.node().host();
    return host.equals(server.host()) ? "" : " " + keyword + " " + host;
  }

  private static String proxy(BalancerPlan.Service service) {
    return service.isProxied() ? " send-proxy-v2" : "";
  }

  /** Of a node that is drained transfers still run, so these servers are always taken for up. */
  private void data(BalancerPlan.Service service, BalancerPlan.Server server) {
    server.passivePorts().ifPresent(range -> {
      String label = service.label() + ":data:" + server.label(); // no listener has a colon in its label
      line("");
      line("# Passive data connections to node " + server.node().name() + ", to the same port there");
      line("frontend " + label);
      line("  bind " + bind(range));
      line("  timeout client " + seconds(DATA_TIMEOUT));
      line("  default_backend " + label);
      line("");
      line("backend " + label);
      line("  timeout server " + seconds(DATA_TIMEOUT));
      line("  server " + server.label() + " " + (server.host().contains(":") ? "[" + server.host() + "]" : server.host()) + proxy(service));
    });
  }

  private static String seconds(Duration duration) {
    return duration.toSeconds() + "s";
  }

  /** Where IPv6 is asked for at every address, IPv4 is taken with it. */
  private String bind(Object ports) {
    return options.isEverywhereByIpv6() ? ":::" + ports + " v4v6" : BalancerOptions.at(options.address(), ports);
  }
}
