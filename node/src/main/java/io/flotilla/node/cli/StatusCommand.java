package io.flotilla.node.cli;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Shows the cluster: its nodes, what each serves, and what keeps it from more. */
@Command(name = "status", description = "Shows the cluster and its nodes.", mixinStandardHelpOptions = true)
final class StatusCommand implements Callable<Integer> {
  @Mixin private AdminOptions options;

  @Option(names = "--watch", description = "Shows it again every second.")
  private boolean watch;

  @Override
  public Integer call() throws IOException, InterruptedException {
    AdminClient client = options.client();
    while (true) {
      JsonNode cluster = client.send("GET", "/api/v1/cluster", Optional.empty()).orFail().body();
      System.out.print(options.isJson() ? cluster.toPrettyString() + "\n" : describe(cluster));
      if (!watch) {
        return 0;
      }
      TimeUnit.SECONDS.sleep(1);
      System.out.println();
    }
  }

  private static String describe(JsonNode cluster) {
    List<List<String>> rows = new ArrayList<>();
    rows.add(List.of("NODE", "ADDRESS", "ROLES", "STATUS", "VERSION", "STATE", "CONNECTIONS", ""));
    StringBuilder reasons = new StringBuilder();
    for (JsonNode member : cluster.path("members")) {
      int connections = 0;
      for (JsonNode count : member.path("connections")) {
        connections += count.asInt();
      }
      List<String> roles = new ArrayList<>();
      member.path("roles").forEach(role -> roles.add(role.asText()));
      rows.add(List.of(member.path("name").asText(), member.path("address").asText(), String.join(",", roles),
          member.path("status").asText(), member.path("version").asText(), member.path("state").asText(),
          Integer.toString(connections), member.path("isPrimary").asBoolean() ? "primary" : ""));
      member.path("reasons").forEach(reason ->
          reasons.append(member.path("name").asText()).append(": ").append(reason.asText()).append('\n'));
    }
    String digest = cluster.path("digest").asText();
    return "Configuration version " + cluster.path("version").asText() + ", digest "
        + (digest.isEmpty() ? "unknown" : digest.substring(0, Math.min(12, digest.length()))) + "\n" + Table.of(rows) + reasons
        + describeJournal(cluster.path("journal")) + describeHistory(cluster.path("history"));
  }

  private static String describeJournal(JsonNode journal) {
    StringBuilder text = new StringBuilder("Journal: ").append(journal.path("engine").asText("unknown"));
    if (journal.path("events").isNumber()) {
      text.append(", ").append(journal.path("events").asLong()).append(" changes (").append(bytes(journal.path("bytes")))
          .append(") and ").append(journal.path("snapshots").asLong()).append(" snapshots (")
          .append(bytes(journal.path("snapshotBytes"))).append(')');
    }
    if (journal.path("lastSnapshot").isObject()) {
      text.append(", the last of version ").append(journal.path("lastSnapshot").path("version").asText()).append(" at ")
          .append(journal.path("lastSnapshot").path("at").asText());
    }
    text.append('\n');
    List<String> disks = new ArrayList<>();
    for (JsonNode voter : journal.path("voters")) {
      String name = voter.path("node").asText().isEmpty() ? voter.path("raftAddress").asText() : voter.path("node").asText();
      disks.add(name + (voter.path("logBytes").isNumber()
          ? " " + bytes(voter.path("logBytes")) + " of log, " + bytes(voter.path("snapshotBytes")) + " of snapshots" : " unknown"));
    }
    text.append(disks.isEmpty() ? "" : "On disk: " + String.join("; ", disks) + "\n");
    return text + (journal.path("trouble").isTextual() ? "Journal: " + journal.path("trouble").asText() + "\n" : "");
  }

  private static String describeHistory(JsonNode history) {
    return !history.isObject() ? "" : "History: " + history.path("changes").asLong() + " changes (at most "
        + history.path("maxChanges").asLong() + "), " + bytes(history.path("bytes")) + " (at most "
        + bytes(history.path("maxBytes")) + "), back to version " + history.path("oldest").asLong() + "\n";
  }

  private static String bytes(JsonNode number) {
    long bytes = number.asLong();
    return bytes < 1 << 10 ? bytes + " B"
        : bytes < 1 << 20 ? bytes / (1 << 10) + " KiB" : String.format(Locale.ROOT, "%.1f MiB", bytes / (double) (1 << 20));
  }
}
