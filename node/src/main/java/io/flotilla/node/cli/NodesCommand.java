package io.flotilla.node.cli;

import java.io.IOException;
import java.util.Optional;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Parameters;

/** The cluster's registry of nodes. */
@Command(name = "nodes", description = "Forgets dead nodes.", mixinStandardHelpOptions = true,
    synopsisSubcommandLabel = "COMMAND")
final class NodesCommand {

  @Command(name = "forget", description = "Takes a dead node without a vote out of the registry.",
      mixinStandardHelpOptions = true)
  int forget(@Mixin AdminOptions options, @Parameters(paramLabel = "NODE") String node) throws IOException {
    options.client().send("DELETE", "/api/v1/nodes/" + AdminClient.encode(node), Optional.empty()).orFail();
    System.out.println(node + " is forgotten");
    return 0;
  }
}
