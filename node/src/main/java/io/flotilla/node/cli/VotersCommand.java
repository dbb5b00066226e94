package io.flotilla.node.cli;

import com.fasterxml.jackson.databind.JsonNode;
import io.flotilla.config.model.EntityCodec;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Parameters;

/** Which nodes keep the journal and vote about it. */
@Command(name = "voters", description = "Shows and changes which nodes keep the journal and vote.",
    mixinStandardHelpOptions = true, synopsisSubcommandLabel = "COMMAND")
final class VotersCommand {
  private static final String PATH = "/api/v1/voters";

  @Command(name = "list", description = "Lists the voters, and how far each is.", mixinStandardHelpOptions = true)
  int list(@Mixin AdminOptions options) throws IOException {
    JsonNode body = options.client().send("GET", PATH, Optional.empty()).orFail().body();
    System.out.print(options.isJson() ? body.toPrettyString() + "\n" : describe(body));
    return 0;
  }

  @Command(name = "add", description = "Gives a running node a vote.", mixinStandardHelpOptions = true)
  int add(@Mixin AdminOptions options, @Parameters(paramLabel = "NODE") String node) throws IOException {
    return change(options, "POST", PATH, body("node", node));
  }

  @Command(name = "remove", description = "Takes a node's vote away for good. The node may be dead.",
      mixinStandardHelpOptions = true)
  int remove(@Mixin AdminOptions options, @Parameters(paramLabel = "NODE") String node) throws IOException {
    return change(options, "DELETE", PATH + "/" + AdminClient.encode(node), Optional.empty());
  }

  @Command(name = "replace", description = "Gives another node a vote, and then takes this one's away for good.",
      mixinStandardHelpOptions = true)
  int replace(@Mixin AdminOptions options, @Parameters(paramLabel = "NODE") String node,
      @Parameters(paramLabel = "BY") String by) throws IOException {
    return change(options, "POST", PATH + "/" + AdminClient.encode(node) + "/replace", body("by", by));
  }

  private static Optional<String> body(String field, String value) {
    return Optional.of(EntityCodec.JSON.createObjectNode().put(field, value).toString());
  }

  private static int change(AdminOptions options, String method, String path, Optional<String> body) throws IOException {
    JsonNode answer = options.client().send(method, path, body).orFail().body();
    boolean done = answer.path("state").asText().equals("done");
    System.out.print(options.isJson() ? answer.toPrettyString() + "\n" : describe(answer)
        + (done ? "" : "The change was accepted and is under way; see flotilla voters list.\n"));
    return done ? 0 : 1;
  }

  private static String describe(JsonNode body) {
    List<List<String>> rows = new ArrayList<>();
    rows.add(List.of("NODE", "RAFT ADDRESS", "VOTES", "REACHABLE", "APPLIED", "COMMITTED", "SNAPSHOT", "LOG BYTES", "WISH", ""));
    for (JsonNode voter : body.path("voters")) {
      rows.add(List.of(voter.path("node").asText(), voter.path("raftAddress").asText(), yes(voter.path("votes")),
          yes(voter.path("reachable")), text(voter.path("appliedIndex")), text(voter.path("committedIndex")),
          text(voter.path("snapshotIndex")), text(voter.path("logBytes")), text(voter.path("wish")),
          voter.path("leader").asBoolean() ? "leader" : ""));
    }
    return Table.of(rows) + (body.path("warning").isTextual() ? "Warning: " + body.path("warning").asText() + "\n" : "");
  }

  private static String yes(JsonNode flag) {
    return flag.asBoolean() ? "yes" : "no";
  }

  private static String text(JsonNode value) {
    return value.isNull() || value.isMissingNode() ? "-" : value.asText();
  }
}
