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

/** The client connections of all nodes. */
@Command(name = "connections", description = "Lists the client connections of all nodes, and ends one.",
    mixinStandardHelpOptions = true, synopsisSubcommandLabel = "COMMAND")
final class ConnectionsCommand {
  private static final String PATH = "/api/v1/connections";

  @Command(name = "list", description = "Lists the connections that are logged in, the oldest first.", mixinStandardHelpOptions = true)
  int list(@Mixin AdminOptions options,
      @Option(names = "--node", paramLabel = "NODE", description = "only those of a node") Optional<String> node,
      @Option(names = "--user", paramLabel = "USER", description = "only those of a user") Optional<String> user,
      @Option(names = "--protocol", paramLabel = "PROTOCOL", description = "only those by a protocol") Optional<String> protocol)
      throws IOException {
    List<String> query = new ArrayList<>();
    node.ifPresent(name -> query.add("node=" + AdminClient.encode(name)));
    user.ifPresent(name -> query.add("user=" + AdminClient.encode(name)));
    protocol.ifPresent(name -> query.add("protocol=" + AdminClient.encode(name)));
    JsonNode body = options.client().send("GET", PATH + (query.isEmpty() ? "" : "?" + String.join("&", query)), Optional.empty())
        .orFail().body();
    System.out.print(options.isJson() ? body.toPrettyString() + "\n" : describe(body));
    body.path("silentNodes").forEach(name -> System.err.println("flotilla: node " + name.asText() + " did not answer"));
    return body.path("silentNodes").isEmpty() ? 0 : 1;
  }

  @Command(name = "close", description = "Ends a connection, with a word to its client.", mixinStandardHelpOptions = true)
  int close(@Mixin AdminOptions options, @Parameters(paramLabel = "ID") String id) throws IOException {
    JsonNode body = options.client().send("DELETE", PATH + "/" + AdminClient.encode(id), Optional.empty()).orFail().body();
    System.out.println(options.isJson() ? body.toPrettyString() : "Connection " + id + " is being ended");
    return 0;
  }

  /** What is being transferred, empty if nothing. */
  static String transfer(JsonNode connection) {
    JsonNode transfer = connection.path("transfer");
    return transfer.isObject() ? transfer.path("direction").asText() + " of " + transfer.path("path").asText() : "";
  }

  private static String describe(JsonNode body) {
    List<List<String>> rows = new ArrayList<>();
    rows.add(List.of("ID", "PROTOCOL", "USER", "ADDRESS", "SINCE", "BYTES", "TRANSFER"));
    for (JsonNode one : body.path("items")) {
      rows.add(List.of(one.path("id").asText(), one.path("protocol").asText(), one.path("user").asText(),
          one.path("address").asText(), one.path("since").asText(), one.path("bytes").asText(),
          transfer(one)));
    }
    return Table.of(rows) + (body.path("more").asBoolean()
        ? "There are more; name a node, a user or a protocol to see fewer.\n" : "");
  }
}
