package io.flotilla.system;

import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What nodes say about the journal: in status, in metrics, on the command line, and while a voter does not answer. */
class JournalStatusTest {
  private static final long SNAPSHOT_BYTES = 64 << 10;
  @TempDir private Path directory;

  @Test
  void threeVoters_tellWhatTheyKeep_alsoWhileOneIsFrozen_andARestartKeepsItAll() throws Exception {
    try (TestCluster cluster = TestCluster.start(directory.resolve("cluster"), 3, Optional.empty(),
        List.of("--set", "flotilla.primary.snapshot-bytes=" + SNAPSHOT_BYTES))) {
      try {
        cluster.api(1).put("/api/v1/config/policies/history", "{\"changes\":20}").expect(201);
        for (int i = 0; i < 60; i++) {
          cluster.api(1).put("/api/v1/config/users/u" + i, largeUser()).expect(201);
        }
        long head = cluster.api(1).version();
        int primary = cluster.primary(1);
        JsonNode journal = await().atMost(TestCluster.SOON).until(() -> journal(cluster, 2),
            now -> now.path("events").asLong() <= 30 && now.path("snapshots").asLong() == 2);

        assertEquals("embedded", journal.path("engine").asText());
        assertTrue(journal.path("bytes").asLong() <= 2 * (SNAPSHOT_BYTES + 8_000), journal.toString());
        assertEquals(head, journal.path("newestEvent").asLong());
        assertEquals(head - journal.path("events").asLong() + 1, journal.path("oldestEvent").asLong());
        assertTrue(journal.path("lastSnapshot").path("version").asLong() > head - 15, journal.toString());
        assertTrue(journal.path("trouble").isNull(), journal.toString());
        assertEquals(List.of("node-1 true", "node-2 true", "node-3 true"), voters(journal));
        JsonNode history = cluster.api(2).get("/api/v1/cluster").expect(200).body().path("history");
        assertEquals(20, history.path("changes").asInt());
        assertEquals(20, history.path("maxChanges").asInt());
        assertEquals(head - 20, history.path("oldest").asLong());
        assertEquals(head, history.path("lookups").asLong(), "all changes of today can be looked up");

        // What the last snapshot made needless may still be on its way out.
        await().atMost(TestCluster.SOON).untilAsserted(() -> {
          JsonNode now = journal(cluster, 2);
          for (int k = 1; k <= 3; k++) {
            TreeMap<String, Double> metrics = metrics(cluster, k);
            assertEquals(now.path("events").asDouble(), metrics.get("flotilla_journal_events"));
            assertEquals(now.path("bytes").asDouble(), metrics.get("flotilla_journal_bytes"));
            assertEquals(2, metrics.get("flotilla_journal_snapshots"));
            assertTrue(metrics.get("flotilla_raft_log_bytes") > 0);
            assertTrue(metrics.containsKey("flotilla_raft_snapshot_bytes"));
            assertEquals(k == primary ? 20.0 : null, metrics.get("flotilla_config_history_changes"));
          }
        });
        String status = status(cluster.api(3));
        assertTrue(status.contains("Journal: embedded, " + journal(cluster, 2).path("events").asLong() + " changes ("), status);
        assertTrue(status.contains("On disk: node-1 "), status);
        assertTrue(status.contains("History: 20 changes (at most 20), "), status);

        int frozen = primary == 3 ? 2 : 3;
        cluster.node(frozen).freeze();
        try {
          long begun = System.nanoTime();
          JsonNode voters = cluster.api(1).get("/api/v1/voters").expect(200).body().path("voters");
          assertEquals(List.of("node-" + frozen + " false"), voters(voters).stream().filter(one -> one.endsWith("false")).toList());
          long listed = System.nanoTime();
          JsonNode without = journal(cluster, 1);
          System.out.printf("with a frozen voter: voters list %d ms, status %d ms%n", (listed - begun) / 1_000_000,
              (System.nanoTime() - listed) / 1_000_000);
          assertEquals(List.of("node-" + frozen + " false"), voters(without).stream().filter(one -> one.endsWith("false")).toList());
          assertEquals(head, without.path("newestEvent").asLong());
          assertTrue(without.path("trouble").asText().startsWith("voters that do not answer: node-" + frozen), without.toString());
        } finally {
          cluster.node(frozen).thaw();
        }

        for (int k = 1; k <= 3; k++) {
          cluster.node(k).kill();
        }
        for (int k = 1; k <= 3; k++) {
          cluster.startNode(k, List.of());
        }
        cluster.awaitConverged();
        assertEquals(head, cluster.api(1).version());
        for (int i = 0; i < 60; i++) {
          cluster.api(2).get("/api/v1/config/users/u" + i).expect(200);
        }
        assertEquals(20, cluster.api(3).get("/api/v1/cluster").expect(200).body().path("history").path("changes").asInt());
        assertEquals(head, cluster.api(3).get("/api/v1/cluster").expect(200).body().path("history").path("lookups").asLong());
      } catch (Throwable e) {
        System.err.println(cluster.logs());
        throw e;
      }
    }
  }

  private static String largeUser() {
    String key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f ";
    List<String> keys = new ArrayList<>();
    for (int i = 0; i < 60; i++) {
      keys.add("\"" + key + "key-" + i + "\"");
    }
    return "{\"publicKeys\":[" + String.join(",", keys) + "]}";
  }

  private static JsonNode journal(TestCluster cluster, int through) throws IOException {
    return cluster.api(through).get("/api/v1/cluster").expect(200).body().path("journal");
  }

  private static List<String> voters(JsonNode journalOrList) {
    List<String> voters = new ArrayList<>();
    for (JsonNode voter : journalOrList.isArray() ? journalOrList : journalOrList.path("voters")) {
      voters.add(voter.path("node").asText() + " " + voter.path("reachable").asBoolean());
    }
    return voters;
  }

  private static TreeMap<String, Double> metrics(TestCluster cluster, int k) throws IOException {
    TreeMap<String, Double> metrics = new TreeMap<>();
    cluster.api(k).text("/metrics").lines().filter(line -> line.startsWith("flotilla_") && !line.contains("{"))
        .map(line -> line.split(" ")).forEach(parts -> metrics.put(parts[0], Double.valueOf(parts[1])));
    return metrics;
  }

  private String status(AdminApi api) throws Exception {
    Path token = Files.writeString(directory.resolve("token"), api.token());
    Path output = directory.resolve("status.txt");
    Process process = new ProcessBuilder(Path.of(System.getProperty("java.home"), "bin", "java").toString(), "-Xmx128m",
        "-XX:TieredStopAtLevel=1", "-cp", NodeProcess.home().resolve("node/target/node.jar") + ":"
        + NodeProcess.home().resolve("node/target/lib") + "/*", "io.flotilla.node.cli.FlotillaCommand", "status",
        "--server", api.url(), "--token-file", token.toString()).redirectErrorStream(true).redirectOutput(output.toFile()).start();
    assertTrue(process.waitFor(1, TimeUnit.MINUTES), "flotilla status should end");
    assertEquals(0, process.exitValue(), Files.readString(output));
    return Files.readString(output);
  }
}
