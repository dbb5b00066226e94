package io.flotilla.node.cli;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;

/** What a node is told by the admin API to do with its clients, and what is shown of it. */
final class NodeOrders {
  /** A node that hands the primary over is out of the cluster for a moment; so is one that restarts. */
  private static final int SILENT_LOOKS = 60;

  private final AdminOptions options;
  private final AdminClient client;

  NodeOrders(AdminOptions options) throws IOException {
    this.options = options;
    this.client = options.client();
  }

  /** Gives an order and shows what came of it. */
  int give(String node, String order, List<String> query) throws IOException {
    AdminClient.Answer answer = client.send("POST", path(node) + "/" + order
        + (query.isEmpty() ? "" : "?" + String.join("&", query)), Optional.empty()).orFail();
    show(answer.body());
    return 0;
  }

  /** Shows a node until no client is left on it, whenever something has changed. */
  int awaitDrained(String node) throws IOException, InterruptedException {
    String shown = "";
    int silent = 0;
    while (silent < SILENT_LOOKS) {
      AdminClient.Answer answer = client.send("GET", path(node), Optional.empty());
      if (answer.isSuccess()) {
        silent = 0;
        String now = describe(answer.body());
        if (!now.equals(shown)) {
          show(answer.body());
          shown = now;
        }
        switch (answer.body().path("state").asText()) {
          case "drained" -> {
            return 0;
          }
          case "serving" -> throw new CommandFailedException(node + " takes clients again: it was resumed, or has restarted");
          default -> { }
        }
      } else if (answer.status() == 404 || answer.status() == 503) {
        silent++;
      } else {
        answer.orFail();
      }
      TimeUnit.SECONDS.sleep(1);
    }
    throw new CommandFailedException(node + " has not been heard of for " + SILENT_LOOKS + " s; see flotilla status");
  }

  private static String path(String node) {
    return "/api/v1/nodes/" + AdminClient.encode(node);
  }

  private void show(JsonNode node) {
    System.out.print(options.isJson() ? node.toPrettyString() + "\n" : describe(node));
    System.out.flush();
  }

  static String describe(JsonNode node) {
    JsonNode drain = node.path("drain");
    StringBuilder text = new StringBuilder(node.path("name").asText()).append(" is ").append(node.path("state").asText());
    if (drain.isObject()) {
      text.append(" (").append(drain.path("purpose").asText()).append(", by ").append(drain.path("by").asText()).append(" since ")
          .append(drain.path("since").asText()).append(')');
      int remaining = node.path("remaining").asInt();
      text.append(remaining == 0 ? "; no client is left" : "; " + remaining + (remaining == 1 ? " client has" : " clients have")
          + " until " + drain.path("deadline").asText());
    }
    text.append('\n');
    if (drain.path("trouble").isTextual()) {
      text.append("Trouble: ").append(drain.path("trouble").asText()).append('\n');
    }
    if (drain.isObject() && !node.path("connections").isEmpty()) {
      List<List<String>> rows = new ArrayList<>();
      rows.add(List.of("ID", "PROTOCOL", "USER", "ADDRESS", "BYTES", "TRANSFER"));
      for (JsonNode one : node.path("connections")) {
        rows.add(List.of(one.path("id").asText(), one.path("protocol").asText(), one.path("user").asText(), one.path("address").asText(),
            one.path("bytes").asText(), ConnectionsCommand.transfer(one)));
      }
      text.append(Table.of(rows)).append(node.path("more").asBoolean() ? "There are more.\n" : "");
    }
    return text.toString();
  }
}
