package io.flotilla.system;

import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
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

  @Test
  @Tag("long")
  void changesGoOn_whileVotersAreAddedReplacedAndRemoved_andTheLeaderIsKilledInTheMiddle() throws Exception {
    try (TestCluster cluster = TestCluster.start(directory.resolve("cluster"), 1)) {
      for (int k = 2; k <= 4; k++) {
        cluster.startNode(k, List.of("--cluster-key", cluster.state(1).resolve("cluster.key").toString(),
            "--roles", "gateway,primary"));
      }
      cluster.awaitConverged();
      try (Load load = new Load(cluster, "steady", 2, 3, 4)) {
        load.awaitMore(10);
        wish(cluster, 2, "POST", "", "{\"node\":\"node-2\"}");
        wish(cluster, 3, "POST", "", "{\"node\":\"node-3\"}");
        awaitVoters(cluster, 4, Set.of("node-1", "node-2", "node-3"));
        load.awaitMore(10);
        // Node 1 leads the voters and is the primary.
        wish(cluster, 2, "POST", "/node-1/replace", "{\"by\":\"node-4\"}");
        awaitVoters(cluster, 2, Set.of("node-2", "node-3", "node-4"));
        load.awaitMore(10);
        wish(cluster, 3, "DELETE", "/node-4", "");
        awaitVoters(cluster, 2, Set.of("node-2", "node-3"));
        wish(cluster, 2, "POST", "", "{\"node\":\"node-4\"}");
        awaitVoters(cluster, 2, Set.of("node-2", "node-3", "node-4"));
        load.awaitMore(10);

        Set<String> expected = replaceWhileTheLeaderIsKilled(cluster);
        awaitVoters(cluster, 1, expected);
        load.awaitMore(10);
        load.close();
        for (int k = 1; k <= 4; k++) {
          if (!cluster.node(k).isAlive()) {
            cluster.startNode(k, List.of("--roles", "gateway,primary"));
          }
        }
        cluster.awaitConverged();
        load.check(1, 2, 3, 4);
        assertEquals(expected, voters(cluster, 2));
      } catch (Throwable e) {
        System.err.println(cluster.logs());
        throw e;
      }
    }
  }

  /** Replaces a follower by the node without a vote, kills the leader when that is wished and not done; the voters that must result. */
  private static Set<String> replaceWhileTheLeaderIsKilled(TestCluster cluster) throws Exception {
    for (int attempt = 0; attempt < 5; attempt++) {
      Set<String> before = voters(cluster, 1);
      JsonNode leader = report(cluster, 1, voter -> voter.path("leader").asBoolean()).orElseThrow();
      String replaced = before.stream().filter(node -> !node.equals(leader.path("node").asText())).findFirst().orElseThrow();
      String by = Stream.of("node-1", "node-2", "node-3", "node-4").filter(node -> !before.contains(node)).findFirst().orElseThrow();
      Set<String> expected = new TreeSet<>(before);
      expected.remove(replaced);
      expected.add(by);
      int through = number(by);
      CompletableFuture<Integer> answered = CompletableFuture.supplyAsync(() -> {
        try {
          return cluster.api(through).send("POST", "/api/v1/voters/" + replaced + "/replace?timeout=50s",
              "{\"by\":\"" + by + "\"}").status();
        } catch (IOException e) {
          return -1;
        }
      });
      await().atMost(TestCluster.SOON).pollInterval(Duration.ofMillis(10)).ignoreExceptions().until(() -> report(cluster, through,
          voter -> voter.path("node").asText().equals(replaced) && voter.path("wish").asText().equals("removed")).isPresent());
      boolean middle = !voters(cluster, through).equals(expected);
      if (middle) {
        cluster.node(number(leader.path("node").asText())).kill();
      }
      int status = answered.get(90, TimeUnit.SECONDS);
      assertTrue(Set.of(200, 202, 503).contains(status), "answered " + status);
      if (middle) {
        return expected;
      }
      awaitVoters(cluster, 1, expected);
    }
    throw new AssertionError("each replacement was done before the leader could be killed");
  }

  private static int number(String node) {
    return Integer.parseInt(node.substring("node-".length()));
  }

  /** Asks for a change of voters; a request that meets a change of the leader may be refused, and is repeated. */
  private static void wish(TestCluster cluster, int through, String method, String path, String body) {
    await().atMost(TestCluster.SOON).pollInterval(Duration.ofMillis(200)).ignoreExceptionsInstanceOf(IOException.class).until(() -> {
      int status = cluster.api(through).send(method, "/api/v1/voters" + path + "?timeout=50s", body).status();
      assertTrue(Set.of(200, 202, 503).contains(status), method + path + " was answered with " + status);
      return status == 200;
    });
  }

  private static Optional<JsonNode> report(TestCluster cluster, int through, Predicate<JsonNode> wanted) throws IOException {
    for (JsonNode voter : cluster.api(through).get("/api/v1/voters").expect(200).body().path("voters")) {
      if (wanted.test(voter)) {
        return Optional.of(voter);
      }
    }
    return Optional.empty();
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
