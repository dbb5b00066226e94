package io.flotilla.system;

import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Ways in which a cluster is taken apart and started again; there is never a second one. */
class FormationTest {
  private static final String CUT_OFF = "503";

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
        await().atMost(TestCluster.SOON).until(() -> changes(cluster, node, "cut").equals(CUT_OFF));
      }
      // The returned node has to be up before it can do harm.
      await().atMost(TestCluster.SOON).until(() -> changes(cluster, 3, "cut").equals(CUT_OFF));
      for (int k = 1; k <= 3; k++) {
        assertEquals(CUT_OFF, changes(cluster, k, "refused-" + k));
      }

      network.heal();
      cluster.awaitConverged();
      assertTrue(changes(cluster, 3, "healed").startsWith("2"));
      Set<String> voters = new HashSet<>();
      cluster.api(2).get("/api/v1/voters").expect(200).body().path("voters").forEach(voter -> {
        if (voter.path("votes").asBoolean()) {
          voters.add(voter.path("node").asText());
        }
      });
      assertEquals(Set.of("node-1", "node-2"), voters);
      for (int k = 1; k <= 3; k++) {
        cluster.api(1).get("/api/v1/config/users/refused-" + k).expect(404);
      }
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
