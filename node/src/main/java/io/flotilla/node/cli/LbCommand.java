package io.flotilla.node.cli;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Configurations for load balancers: they go to standard output, and warnings to standard error as well. */
@Command(name = "lb", description = "Prints a configuration for a load balancer before the running cluster.",
    mixinStandardHelpOptions = true, synopsisSubcommandLabel = "COMMAND")
final class LbCommand {
  private static final String WARNING = "# Warning: ";

  /** What both have. */
  static final class BalancerArguments {
    @Option(names = "--address", paramLabel = "ADDRESS", description = "where the load balancer listens; default: *")
    private Optional<String> address;

    @Option(names = "--source", paramLabel = "ADDRESS", description = "from where it connects to the nodes, who have to trust this address; "
        + "default: the system's choice")
    private Optional<String> source;

    @Option(names = "--only", paramLabel = "LISTENER", description = "only for this listener")
    private Optional<String> only;

    private List<String> query() {
      List<String> query = new ArrayList<>();
      address.ifPresent(value -> query.add("address=" + AdminClient.encode(value)));
      source.ifPresent(value -> query.add("source=" + AdminClient.encode(value)));
      only.ifPresent(value -> query.add("listener=" + AdminClient.encode(value)));
      return query;
    }
  }

  @Command(name = "haproxy", description = "A complete haproxy.cfg.", mixinStandardHelpOptions = true)
  int haproxy(@Mixin AdminOptions options, @Mixin BalancerArguments arguments,
      @Option(names = "--run-as", paramLabel = "USER[:GROUP]", description = "as whom HAProxy goes on after it was started as root; none where it "
          + "is not; default: haproxy") Optional<String> runAs,
      @Option(names = "--no-agent", description = "does not ask the agent of each node how many clients it takes") boolean noAgent,
      @Option(names = "--health-port", paramLabel = "PORT", description = "asks /health/ready at this port of each node, its admin port")
      Optional<Integer> healthPort,
      @Option(names = "--health-tls", description = "that port speaks TLS") boolean healthTls) throws IOException {
    List<String> query = arguments.query();
    runAs.ifPresent(value -> query.add("runAs=" + AdminClient.encode(value)));
    if (noAgent) {
      query.add("agent=false");
    }
    healthPort.ifPresent(port -> query.add("healthPort=" + port));
    if (healthTls) {
      query.add("healthTls=true");
    }
    return print(options, "haproxy", query);
  }

  @Command(name = "nginx", description = "A complete nginx.conf, with its stream module.", mixinStandardHelpOptions = true)
  int nginx(@Mixin AdminOptions options, @Mixin BalancerArguments arguments) throws IOException {
    return print(options, "nginx", arguments.query());
  }

  private static int print(AdminOptions options, String product, List<String> query) throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    options.client().download("/api/v1/lb/" + product + (query.isEmpty() ? "" : "?" + String.join("&", query)), bytes);
    String text = bytes.toString(StandardCharsets.UTF_8);
    System.out.print(text);
    text.lines().filter(line -> line.startsWith(WARNING))
        .forEach(line -> System.err.println("flotilla: " + line.substring(WARNING.length())));
    return 0;
  }
}
