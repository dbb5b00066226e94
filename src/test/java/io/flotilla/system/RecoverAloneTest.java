package io.flotilla.system;

import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Comparator;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A majority of the voters' disks is lost; the cluster goes on from one that is left, and never twice. */
class RecoverAloneTest {
  private static final long SECOND_LINEAGE = 1_000_000_000;

  @TempDir private Path directory;

  @Test
  void twoOfThreeDisksLost_theThirdGoesOn_gatewaysFollow_andTheOthersJoinIt() throws Exception {
    try (TestCluster cluster = TestCluster.start(directory.resolve("cluster"), 3)) {
      try {
        cluster.startNode(4, List.of("--cluster-key", key(cluster, 1), "--roles", "gateway"));
        cluster.awaitConverged();
        cluster.api(4).put("/api/v1/config/users/kept?wait=applied", "{}").expect(201);
        assertRefused(cluster, 2, "another process uses", "of a node that runs");
        cluster.node(3).stop();
        assertRefused(cluster, 3, "has a leader", "while a majority lives");
        // Only nodes 1, 2 and the gateway ever hear of this.
        change(cluster, 1, "lost");
        await().atMost(TestCluster.SOON).until(() -> cluster.api(4).get("/api/v1/config/users/lost").status() == 200);
        long lost = cluster.api(4).version();
        cluster.node(1).kill();
        cluster.node(2).kill();
        delete(cluster.state(1));
        // With a new disk; it runs all the time, and can't do anything yet.
        cluster.startNode(1, List.of("--cluster-key", key(cluster, 3)));

        recover(cluster, 3);
        assertTrue(cluster.node(3).log().contains("log index"), cluster.node(3).tail());
        cluster.startNode(3, List.of());

        await().atMost(TestCluster.SOON).ignoreExceptions().until(() -> cluster.api(3).version() >= SECOND_LINEAGE);
        await().atMost(TestCluster.SOON).ignoreExceptions().until(() -> cluster.api(4).version() >= SECOND_LINEAGE);
        assertEquals(404, cluster.api(4).get("/api/v1/config/users/lost").status());
        assertTrue(cluster.node(4).log().contains("but this node had applied version " + lost), cluster.node(4).tail());
        assertTrue(cluster.node(4).log().contains("Entities that differ: users/lost"), cluster.node(4).tail());
        change(cluster, 4, "after");

        // One returns with its old disk.
        cluster.startNode(2, List.of());
        await().atMost(TestCluster.SOON).until(() -> cluster.node(2).log().contains("recovered as"));
        cluster.awaitConverged();
        awaitVoters(cluster, 4, Set.of("node-1", "node-2", "node-3"));
        for (int k = 1; k <= 4; k++) {
          assertEquals(404, cluster.api(k).get("/api/v1/config/users/lost").status());
          cluster.api(k).get("/api/v1/config/users/kept").expect(200);
          cluster.api(k).get("/api/v1/config/users/after").expect(200);
        }
        cluster.node(3).kill();
        change(cluster, 4, "by-the-others");
        assertNotEquals(200, cluster.api(4).get("/api/v1/config/versions/" + lost).status(), "a lost version is none");
      } catch (Throwable e) {
        System.err.println(cluster.logs());
        throw e;
      }
    }
  }

  @Test
  @Tag("long")
  void onlyVoter_withADamagedJournal_saysSo_andGoesOnFromItsBootCache() throws Exception {
    try (TestCluster cluster = TestCluster.start(directory.resolve("cluster"), 1)) {
      try {
        cluster.api(1).put("/api/v1/config/users/kept?wait=applied", "{}").expect(201);
        assertEquals(0, cluster.node(1).stop());
        damageJournal(cluster.state(1).resolve("raft"));

        cluster.startNode(1, List.of());
        await().atMost(TestCluster.SOON).ignoreExceptions().until(() -> {
          AdminApi.Answer refused = cluster.api(1).put("/api/v1/config/users/refused", "{}");
          return refused.status() == 503 && refused.body().path("detail").asText().contains("only voter")
              && refused.body().path("detail").asText().contains("--recover-alone");
        });
        cluster.api(1).get("/api/v1/config/users/kept").expect(200);
        assertEquals(0, cluster.node(1).stop());

        recover(cluster, 1);
        cluster.startNode(1, List.of());
        await().atMost(TestCluster.SOON).ignoreExceptions().until(() -> cluster.api(1).version() >= SECOND_LINEAGE);
        cluster.api(1).get("/api/v1/config/users/kept").expect(200);
        cluster.api(1).put("/api/v1/config/users/after", "{}").expect(201);
        JsonNode newest = cluster.api(1).get("/api/v1/config/history?limit=2").expect(200).body();
        assertTrue(newest.toString().contains("recovered alone"), newest.toString());
        assertEquals(0, cluster.node(1).stop());
        assertRefused(cluster, 1, "the only voter of its cluster already", "twice");

        delete(cluster.state(1).resolve("raft"));
        recover(cluster, 1);
        cluster.startNode(1, List.of());
        await().atMost(TestCluster.SOON).ignoreExceptions().until(() -> cluster.api(1).version() >= 2 * SECOND_LINEAGE);
        cluster.api(1).get("/api/v1/config/users/after").expect(200);
      } catch (Throwable e) {
        System.err.println(cluster.logs());
        throw e;
      }
    }
  }

  @Test
  @Tag("long")
  void allAddressesChange_oneNodeIsRecoveredAtItsNewOne_andTheOthersJoinIt() throws Exception {
    try (TestCluster cluster = TestCluster.start(directory.resolve("cluster"), 2)) {
      try {
        cluster.api(1).put("/api/v1/config/users/kept?wait=applied", "{}").expect(201);
        cluster.node(2).stop();
        cluster.node(1).stop();
        String old = cluster.seeds();
        String seeds = old.replace("127.0.0.1:", "127.0.1.1:").replace("127.0.0.2:", "127.0.1.2:");

        NodeProcess recovery = cluster.startNode(1, "127.0.1.1", List.of(), List.of("--seed-nodes", seeds, "--recover-alone", "--yes"));
        assertEquals(0, recovery.awaitExit(), recovery::tail);
        cluster.startNode(1, "127.0.1.1", List.of(), List.of("--seed-nodes", seeds));
        cluster.startNode(2, "127.0.1.2", List.of(), List.of("--seed-nodes", seeds));

        await().atMost(TestCluster.SOON).ignoreExceptions().until(() ->
            voters(cluster.apiAt("127.0.1.2")).equals(Set.of("node-1", "node-2")));
        await().atMost(TestCluster.SOON).ignoreExceptions().until(() ->
            cluster.apiAt("127.0.1.2").put("/api/v1/config/users/after", "{}").status() == 201);
        cluster.apiAt("127.0.1.2").get("/api/v1/config/users/kept").expect(200);
      } catch (Throwable e) {
        System.err.println(cluster.logs());
        throw e;
      }
    }
  }

  @Test
  @Tag("long")
  void formerVoters_thatWentOnWithoutTheRecoveredOne_giveWayToIt() throws Exception {
    try (TestCluster cluster = TestCluster.start(directory.resolve("cluster"), 3)) {
      try {
        cluster.api(1).put("/api/v1/config/users/kept?wait=applied", "{}").expect(201);
        for (int k = 3; k >= 1; k--) {
          cluster.node(k).stop();
        }
        recover(cluster, 3);
        // A mistake: the others were not lost, and are a majority of the former lineage.
        cluster.startNode(1, List.of());
        cluster.startNode(2, List.of());
        change(cluster, 1, "in-the-former");

        cluster.startNode(3, List.of());

        cluster.awaitConverged();
        awaitVoters(cluster, 1, Set.of("node-1", "node-2", "node-3"));
        for (int k = 1; k <= 3; k++) {
          assertTrue(cluster.api(k).version() >= SECOND_LINEAGE);
          assertEquals(404, cluster.api(k).get("/api/v1/config/users/in-the-former").status());
          cluster.api(k).get("/api/v1/config/users/kept").expect(200);
        }
        for (int k = 1; k <= 2; k++) {
          assertTrue(cluster.node(k).log().contains("users/in-the-former"), cluster.node(k).tail());
        }
      } catch (Throwable e) {
        System.err.println(cluster.logs());
        throw e;
      }
    }
  }

  @Test
  @Tag("long")
  void onlyTheBootCacheLeft_whileTheOthersLive_isRefused_andNothingIsChanged() throws Exception {
    try (TestCluster cluster = TestCluster.start(directory.resolve("cluster"), 3)) {
      try {
        cluster.api(1).put("/api/v1/config/users/kept?wait=applied", "{}").expect(201);
        for (int k = 3; k >= 1; k--) {
          cluster.node(k).stop();
        }
        Path raft = cluster.state(3).resolve("raft");
        delete(raft);
        String clusterId = Files.readString(cluster.state(3).resolve("cluster-id"));
        for (int k = 1; k <= 2; k++) {
          NodeProcess started = cluster.startNode(k, List.of());
          await().atMost(TestCluster.SOON).until(() -> started.log().contains("is REOPENED"));
        }
        assertRefused(cluster, 3, "nothing was changed: the voter", "beside two that have just started");
        assertFalse(Files.exists(raft), "raft");
        assertEquals(clusterId, Files.readString(cluster.state(3).resolve("cluster-id")));

        // Now the one that answers has no leader; the one that is frozen may be the majority's other half.
        cluster.node(2).freeze();
        await().atMost(TestCluster.SOON).ignoreExceptions().until(() ->
            cluster.api(1).put("/api/v1/config/users/while-frozen?timeout=2s", "{}").body().path("detail").asText()
                .contains("no Raft leader answered"));
        assertRefused(cluster, 3, "does not answer", "beside a frozen voter");
        assertFalse(Files.exists(raft), "raft");
        cluster.node(2).thaw();

        cluster.startNode(3, List.of());
        cluster.awaitConverged();
        awaitVoters(cluster, 3, Set.of("node-1", "node-2", "node-3"));
        cluster.api(3).get("/api/v1/config/users/kept").expect(200);
        assertTrue(cluster.api(3).version() < SECOND_LINEAGE);
      } catch (Throwable e) {
        System.err.println(cluster.logs());
        throw e;
      }
    }
  }

  private static void recover(TestCluster cluster, int k) throws IOException, InterruptedException {
    NodeProcess recovery = cluster.startNode(k, List.of("--recover-alone", "--yes"));
    assertEquals(0, recovery.awaitExit(), recovery::tail);
  }

  /** By a process beside the node's own, which may run. */
  private void assertRefused(TestCluster cluster, int k, String why, String when) throws Exception {
    Path log = directory.resolve("refused.log");
    Files.deleteIfExists(log);
    try (NodeProcess refused = NodeProcess.start(cluster.name(k), log, List.of(), List.of("--bind",
        cluster.host(k) + cluster.seeds().split(",")[0].substring(cluster.host(1).length()), "--seed-nodes", cluster.seeds(),
        "--data", cluster.state(k).toString(), "--recover-alone", "--yes"))) {
      assertEquals(1, refused.awaitExit(), when);
      assertTrue(refused.log().contains(why), when + ": " + refused.log());
    }
  }

  private static String key(TestCluster cluster, int k) {
    return cluster.state(k).resolve("cluster.key").toString();
  }

  private static void change(TestCluster cluster, int through, String user) {
    await().atMost(TestCluster.SOON).pollInterval(Duration.ofMillis(200)).ignoreExceptions().until(() ->
        Set.of(200, 201).contains(cluster.api(through).put("/api/v1/config/users/" + user, "{}").status()));
  }

  private static void awaitVoters(TestCluster cluster, int through, Set<String> names) {
    await().atMost(TestCluster.SOON).pollInterval(Duration.ofMillis(200)).ignoreExceptions()
        .until(() -> voters(cluster.api(through)).equals(names));
  }

  private static Set<String> voters(AdminApi api) throws IOException {
    Set<String> names = new TreeSet<>();
    for (JsonNode voter : api.get("/api/v1/voters").expect(200).body().path("voters")) {
      if (voter.path("votes").asBoolean()) {
        names.add(voter.path("node").asText());
      }
    }
    return names;
  }

  /** Turns bits near the beginning of every segment, so that hardly anything can be read. */
  private static void damageJournal(Path raft) throws IOException {
    try (Stream<Path> files = Files.walk(raft)) {
      for (Path segment : files.filter(file -> file.getFileName().toString().startsWith("log_")).toList()) {
        byte[] bytes = Files.readAllBytes(segment);
        for (int i = 200; i < 400; i++) {
          bytes[i] ^= 0x55;
        }
        Files.write(segment, bytes);
      }
    }
  }

  private static void delete(Path directory) throws IOException {
    try (Stream<Path> files = Files.walk(directory)) {
      for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
        Files.delete(file);
      }
    }
  }
}
