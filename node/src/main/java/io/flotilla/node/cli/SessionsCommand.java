package io.flotilla.node.cli;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** The HTTP sessions of the cluster. */
@Command(name = "sessions", description = "Lists the HTTP sessions of the cluster, and ends them.",
    mixinStandardHelpOptions = true, synopsisSubcommandLabel = "COMMAND")
final class SessionsCommand {
  private static final String PATH = "/api/v1/sessions";

  @Command(name = "list", description = "Lists the sessions that are alive, the oldest first.", mixinStandardHelpOptions = true)
  int list(@Mixin AdminOptions options,
      @Option(names = "--user", paramLabel = "USER", description = "only those of a user") Optional<String> user) throws IOException {
    List<List<String>> rows = new ArrayList<>();
    rows.add(List.of("ID", "USER", "USE", "NODE", "ADDRESS", "SINCE", "LAST USED"));
    Optional<String> after = Optional.empty();
    do {
      List<String> query = new ArrayList<>(List.of("limit=1000"));
      user.ifPresent(name -> query.add("user=" + AdminClient.encode(name)));
      after.ifPresent(position -> query.add("after=" + AdminClient.encode(position)));
      JsonNode body = options.client().send("GET", PATH + "?" + String.join("&", query), Optional.empty()).orFail().body();
      if (options.isJson()) {
        System.out.println(body.toPrettyString());
      }
      for (JsonNode one : body.path("items")) {
        rows.add(List.of(one.path("id").asText(), one.path("user").asText(), one.path("use").asText(), one.path("node").asText(),
            one.path("address").asText(), one.path("since").asText(), one.path("lastUsed").asText()));
      }
      after = Optional.ofNullable(body.path("next").textValue());
    } while (after.isPresent());
    if (!options.isJson()) {
      System.out.print(Table.of(rows));
    }
    return 0;
  }

  @Command(name = "close", description = "Ends a session, on all nodes.", mixinStandardHelpOptions = true)
  int close(@Mixin AdminOptions options, @Parameters(paramLabel = "ID") String id) throws IOException {
    JsonNode body = options.client().send("DELETE", PATH + "/" + AdminClient.encode(id), Optional.empty()).orFail().body();
    System.out.println(options.isJson() ? body.toPrettyString() : "Session " + id + " has ended");
    return 0;
  }
}
