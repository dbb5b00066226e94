package io.flotilla.node.cli;

import java.io.IOException;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** What is done to all nodes. */
@Command(name = "cluster", description = "Restarts all nodes, one after another.", mixinStandardHelpOptions = true,
    synopsisSubcommandLabel = "COMMAND")
final class ClusterCommand {

  @Command(name = "restart", description = "Drains and restarts node by node, the primary last, and waits for each to be converged.",
      mixinStandardHelpOptions = true)
  int restart(@Mixin AdminOptions options,
      @Option(names = "--rolling", required = true, description = "One node after another; there is no other way.") boolean rolling,
      @Option(names = "--deadline", paramLabel = "TIME", defaultValue = "5m",
          description = "How long a node's clients may go on; default: ${DEFAULT-VALUE}.") String deadline,
      @Option(names = "--return", paramLabel = "TIME", defaultValue = "2m",
          description = "How long a node may then take to end, start and catch up; default: ${DEFAULT-VALUE}.") String back,
      @Option(names = "--settle", paramLabel = "TIME", defaultValue = "5s",
          description = "How long a node serves before the next one goes, so that load balancers, which ask at intervals, have taken it up; "
              + "default: ${DEFAULT-VALUE}.") String settle)
      throws IOException, InterruptedException {
    return new RollingRestart(options, deadline, back, settle).run();
  }
}
