package io.flotilla.system;

import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Who keeps the journal is changed while the cluster runs. Only node 1 is a seed node; the others begin without a vote. */
class VotersTest {
  @TempDir private Path directory;

  @Test
  void oneVoterGrowsToThree_andTheFirstIsReplacedForGood_whileChangesGoOn() throws Exception {
    try (TestCluster cluster = TestCluster.start(directory.resolve("cluster"), 1)) {
      try {
        for (int k = 2; k <= 4; k++) {
          cluster.startNode(k, List.of("--cluster-key", cluster.state(1).resolve("cluster.key").toString(),
              "--roles", "gateway,primary"));
        }
        cluster.awaitConverged();
        assertEquals(409, cluster.api(1).send("DELETE", "/api/v1/voters/node-1", "").status(), "the last voter must stay");
        assertEquals(404, cluster.api(1).send("POST", "/api/v1/voters", "{\"node\":\"nobody\"}").status());

        JsonNode two = cluster.api(2).send("POST", "/api/v1/voters?timeout=50s", "{\"node\":\"node-2\"}").expect(200).body();
        assertTrue(two.path("warning").isTextual(), "two voters are no better than one: " + two);
        change(cluster, 3, "two");
        cluster.api(4).send("POST", "/api/v1/voters?timeout=50s", "{\"node\":\"node-3\"}").expect(200);
        awaitVoters(cluster, 4, Set.of("node-1", "node-2", "node-3"));
        change(cluster, 4, "three");

        cluster.api(2).send("POST", "/api/v1/voters/node-1/replace?timeout=50s", "{\"by\":\"node-4\"}").expect(200);
        awaitVoters(cluster, 2, Set.of("node-2", "node-3", "node-4"));
        change(cluster, 1, "replaced");

        cluster.node(1).kill();
        change(cluster, 2, "without-node-1");
        cluster.startNode(1, List.of());
        cluster.awaitConverged();
        awaitVoters(cluster, 1, Set.of("node-2", "node-3", "node-4"));
        change(cluster, 1, "returned");

        cluster.node(2).kill();
        cluster.api(3).send("DELETE", "/api/v1/voters/node-2?timeout=50s", "").expect(200);
        awaitVoters(cluster, 4, Set.of("node-3", "node-4"));
        cluster.node(4).kill();
        // Refused for lack of living voters as long as node 3 still leads, then for lack of a leader.
        await().atMost(TestCluster.SOON).until(() -> {
          int status = cluster.api(3).send("DELETE", "/api/v1/voters/node-3?timeout=2s", "").status();
          assertTrue(status == 503 || status == 409, "without a majority nothing can be changed, but the answer was " + status);
          return status == 503;
        });
      } catch (Throwable e) {
        System.err.println(cluster.logs());
        throw e;
      }
    }
  }

  private static void change(TestCluster cluster, int through, String user) {
    await().atMost(TestCluster.SOON).pollInterval(Duration.ofMillis(200)).ignoreExceptions().until(() -> Set.of(200, 201).contains(
        cluster.api(through).put("/api/v1/config/users/" + user, "{\"password\":\"correct horse\"}").status()));
  }

  private static void awaitVoters(TestCluster cluster, int through, Set<String> names) {
    await().atMost(TestCluster.SOON).pollInterval(Duration.ofMillis(200)).ignoreExceptions()
        .until(() -> voters(cluster, through).equals(names));
  }

  private static Set<String> voters(TestCluster cluster, int through) throws IOException {
    Set<String> names = new TreeSet<>();
    for (JsonNode voter : cluster.api(through).get("/api/v1/voters").expect(200).body().path("voters")) {
      if (voter.path("votes").asBoolean()) {
        names.add(voter.path("node").asText());
      }
    }
    return names;
  }
}
