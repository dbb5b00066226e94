package io.flotilla.node.cli;

import com.fasterxml.jackson.databind.JsonNode;
import io.flotilla.config.model.EntityCodec;
import java.io.IOException;
import java.util.Optional;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Parameters;

/** Which node is the primary, and moving that role. */
@Command(name = "primary", description = "Shows or moves the primary.", mixinStandardHelpOptions = true,
    synopsisSubcommandLabel = "COMMAND")
final class PrimaryCommand {

  @Command(name = "show", description = "Names the primary.", mixinStandardHelpOptions = true)
  int show(@Mixin AdminOptions options) throws IOException {
    JsonNode answer = options.client().send("GET", "/api/v1/cluster/primary", Optional.empty()).orFail().body();
    print(options, answer, answer.path("node").asText("none"));
    return 0;
  }

  @Command(name = "set", description = "Makes a node the primary, until it goes. No transfer is touched.",
      mixinStandardHelpOptions = true)
  int set(@Mixin AdminOptions options, @Parameters(paramLabel = "NODE") String node) throws IOException {
    JsonNode answer = options.client().send("POST", "/api/v1/cluster/primary",
        Optional.of(EntityCodec.JSON.createObjectNode().put("node", node).toString())).orFail().body();
    boolean done = answer.path("state").asText().equals("primary");
    print(options, answer, done ? node + " is the primary"
        : "the role is still on its way to " + node + "; see flotilla primary show");
    return done ? 0 : 1;
  }

  private static void print(AdminOptions options, JsonNode answer, String text) {
    System.out.println(options.isJson() ? answer.toPrettyString() : text);
  }
}
