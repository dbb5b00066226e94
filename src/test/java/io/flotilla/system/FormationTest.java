package io.flotilla.system;

import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Ways in which a cluster is taken apart and started again; there is never a second one. */
class FormationTest {

  @TempDir private Path directory;

  @Test
  void dedicatedPrimary_theOnlyVoter_restartsWhileItsGatewaysStay() throws Exception {
    try (TestCluster cluster = TestCluster.start(directory.resolve("cluster"), 3)) {
      for (int k = 2; k <= 3; k++) {
        cluster.api(1).send("DELETE", "/api/v1/voters/" + cluster.name(k) + "?timeout=50s", "").expect(200);
        assertEquals(0, cluster.node(k).stop());
        cluster.startNode(k, List.of("--roles", "gateway"));
      }
      assertEquals(0, cluster.node(1).stop());
      cluster.startNode(1, List.of("--roles", "primary,voter"));
      cluster.awaitConverged();
      cluster.api(2).put("/api/v1/config/users/before", "{}").expect(201);
      assertEquals("[\"primary\",\"voter\"]", cluster.member(2, "node-1").path("roles").toString());

      for (boolean gently : List.of(true, false)) {
        if (gently) {
          assertEquals(0, cluster.node(1).stop());
        } else {
          cluster.node(1).kill();
        }
        await().atMost(TestCluster.SOON).until(() ->
            cluster.api(3).put("/api/v1/config/users/refused?timeout=1s", "{}").status() == 503);
        cluster.startNode(1, List.of("--roles", "primary,voter"));
        cluster.awaitConverged();
        cluster.api(3).put("/api/v1/config/users/after-" + gently, "{}").expect(201);
      }
      cluster.api(1).get("/api/v1/config/users/before").expect(200);
    }
  }

  @Tag("long")
  @Test
  void removedVoter_thatReturnsBesideOneThatIsCutOff_makesNoMajorityWithIt() throws Exception {
    assumeTrue(Network.isAvailable(), "needs root, iproute2 and iptables");
    Network network = Network.create(3);
    try (TestCluster cluster = TestCluster.start(directory.resolve("cluster"), 3, Optional.of(network), List.of())) {
      cluster.node(3).kill();
      await().atMost(TestCluster.SOON).until(() -> changes(cluster, 1, "without-3").startsWith("2"));
      cluster.api(1).send("DELETE", "/api/v1/voters/node-3?timeout=50s", "").expect(200);

      network.cut(1, 2);
      network.cut(1, 3);
      cluster.startNode(3, List.of());
      for (int k = 1; k <= 2; k++) {
        int node = k;
        await().atMost(TestCluster.SOON).until(() -> isIsolated(cluster, node));
      }
      // The returned node has to be up before it can do harm.
      await().atMost(TestCluster.SOON).until(() -> isIsolated(cluster, 3));
      for (int k = 1; k <= 3; k++) {
        assertEquals("503", changes(cluster, k, "refused-" + k));
      }

      network.heal();
      cluster.awaitConverged();
      assertTrue(changes(cluster, 3, "healed").startsWith("2"));
      assertEquals(Set.of("node-1", "node-2"), voters(cluster).keySet());
      for (int k = 1; k <= 3; k++) {
        cluster.api(1).get("/api/v1/config/users/refused-" + k).expect(404);
      }
    }
  }

  @Test
  @Tag("long")
  void firstSeedDead_newNodesFormNoCluster_andItAloneServesAndWaits() throws Exception {
    try (TestCluster cluster = TestCluster.start(directory.resolve("cluster"), 3)) {
      OpenSsh ssh = new OpenSsh(directory);
      cluster.api(1).put("/api/v1/config/users/alice?wait=applied", "{\"password\":\"a good password\"}").expect(201);
      for (int k = 1; k <= 3; k++) {
        cluster.node(k).kill();
      }

      List<String> key = List.of("--cluster-key", cluster.state(1).resolve("cluster.key").toString());
      try (NodeProcess second = cluster.startStranger("node-2", 2, directory.resolve("new-2/state"), key);
          NodeProcess third = cluster.startStranger("node-3", 3, directory.resolve("new-3/state"), key)) {
        for (NodeProcess node : List.of(second, third)) {
          await().atMost(TestCluster.SOON).until(() -> node.log().contains("start its first node with --form"));
          assertTrue(node.isAlive());
          assertFalse(node.log().contains("founds generation"), node.log());
        }
      }

      cluster.startNode(1, List.of());
      await().atMost(TestCluster.SOON).until(() -> cluster.node(1).log().contains("a majority of these voters must run"));
      ssh.sftp("alice", new OpenSsh.Password("a good password"), cluster.host(1), cluster.sftpPort(), "pwd\n").expectSuccess();
      await().atMost(TestCluster.SOON).until(() -> {
        AdminApi.Answer answer = cluster.api(1).put("/api/v1/config/users/refused?timeout=1s", "{}");
        return answer.status() == 503 && answer.body().path("detail").asText().contains("a majority of these voters must run");
      });
      cluster.startNode(2, List.of());
      cluster.startNode(3, List.of());
      cluster.awaitConverged();
      cluster.api(1).get("/api/v1/config/users/refused").expect(404);
      cluster.api(3).put("/api/v1/config/users/after", "{}").expect(201);
    }
  }

  @Test
  void firstSeedWiped_formsNoSecondCluster_whateverItsCommandSays_andIsAdmittedAgain() throws Exception {
    try (TestCluster cluster = TestCluster.start(directory.resolve("cluster"), 3)) {
      cluster.api(1).put("/api/v1/config/users/before?wait=applied", "{}").expect(201);
      Path key = Files.copy(cluster.state(1).resolve("cluster.key"), directory.resolve("cluster.key"));
      String peer = voters(cluster).get("node-1");
      int whole = cluster.node(1).log().length();
      cluster.node(1).kill();
      delete(cluster.state(1));
      await().atMost(TestCluster.SOON).until(() -> changes(cluster, 2, "without-1").startsWith("2"));

      // A unit that says --form for ever, while the others are there, and while they are but do not answer.
      List<String> forming = List.of("--form", "--cluster-key", key.toString());
      assertEquals(78, cluster.startNode(1, forming).awaitExit());
      cluster.node(2).freeze();
      cluster.node(3).freeze();
      cluster.startNode(1, forming);
      await().atMost(TestCluster.SOON).until(() -> cluster.node(1).log().contains("it forms no cluster as long as"));
      cluster.node(2).thaw();
      cluster.node(3).thaw();
      assertEquals(78, cluster.node(1).awaitExit());
      assertTrue(cluster.node(1).log().contains("so no other is formed beside it"), cluster.node(1).log());
      assertFalse(cluster.node(1).log().substring(whole).contains("was formed by this node"), cluster.node(1).log());

      // With nobody to ask it can't know better; but then it does not go unseen.
      cluster.node(2).kill();
      cluster.node(3).kill();
      cluster.startNode(1, forming);
      await().atMost(TestCluster.SOON).until(() -> cluster.node(1).log().contains("was formed by this node"));
      cluster.startNode(2, List.of());
      cluster.startNode(3, List.of());
      await().atMost(TestCluster.SOON).until(() -> (cluster.node(2).log() + cluster.node(3).log()).contains("they were formed apart"));
      await().atMost(TestCluster.SOON).until(() -> changes(cluster, 2, "beside").startsWith("2"));
      cluster.node(1).kill();
      delete(cluster.state(1));

      int logged = cluster.node(1).log().length();
      cluster.startNode(1, List.of("--cluster-key", key.toString()));
      cluster.awaitConverged();
      // The vote of what was wiped stays listed until the new one takes its place: under that id it could vote a change away.
      await().atMost(TestCluster.SOON).ignoreExceptions().until(() -> voters(cluster).size() == 3
          && !voters(cluster).getOrDefault("node-1", peer).equals(peer));
      String since = cluster.node(1).log().substring(logged);
      assertFalse(since.contains("The first configuration"), since);

      // Without node 1's vote there would be no majority now.
      cluster.node(3).kill();
      await().atMost(TestCluster.SOON).until(() -> changes(cluster, 1, "after").startsWith("2"));
      cluster.api(1).get("/api/v1/config/users/before").expect(200);
      cluster.api(1).get("/api/v1/config/users/without-1").expect(200);
    }
  }

  /** The nodes that have a vote, with their Raft ids. */
  private static Map<String, String> voters(TestCluster cluster) throws IOException {
    Map<String, String> voters = new TreeMap<>();
    cluster.api(2).get("/api/v1/voters").expect(200).body().path("voters").forEach(voter -> {
      if (voter.path("votes").asBoolean()) {
        voters.put(voter.path("node").asText(), voter.path("peerId").asText());
      }
    });
    return voters;
  }

  private static void delete(Path directory) throws IOException {
    try (Stream<Path> files = Files.walk(directory)) {
      for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
        Files.delete(file);
      }
    }
  }

  /** A primary that is cut off refuses changes with 503 as well, before it knows. */
  private static boolean isIsolated(TestCluster cluster, int k) {
    try {
      return cluster.api(k).put("/api/v1/config/users/cut?timeout=2s", "{}").body().path("detail").asText().contains("hears no primary");
    } catch (IOException notThere) {
      return false;
    }
  }

  /** The status of a change through a node, or "-" while it does not answer. */
  private static String changes(TestCluster cluster, int k, String user) {
    try {
      return Integer.toString(cluster.api(k).put("/api/v1/config/users/" + user + "?timeout=2s", "{}").status());
    } catch (IOException notThere) {
      return "-";
    }
  }
}
