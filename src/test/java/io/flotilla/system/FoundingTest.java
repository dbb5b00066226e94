package io.flotilla.system;

import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.net.ServerSocket;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The node that founds the next generation of the cluster is lost while it does so: there is one cluster in the end, without it. */
class FoundingTest {
  private static final Pattern FOUNDS = Pattern.compile("founds generation (\\d+)");
  private static final int ATTEMPTS = 5;

  @TempDir private Path directory;

  private interface Fault {
    void make(TestCluster cluster, int node) throws IOException, InterruptedException;
  }

  /** Its founding is committed and it is in no cluster yet. */
  private record Founder(int node, long generation, int logged) {}

  @Test
  void founderFrozenAfterTheCommit_isReplaced_andWhenItWakesItDoesNotGoOn() throws Exception {
    try (TestCluster cluster = TestCluster.start(directory.resolve("cluster"), 3)) {
      replaced(cluster, (own, node) -> own.node(node).freeze(), (own, node) -> own.node(node).thaw());
    }
  }

  @Test
  @Tag("long")
  void founderCutOffAfterTheCommit_isReplaced_andFoundsNoneOfItsOwn() throws Exception {
    assumeTrue(Network.isAvailable(), "needs root, iproute2 and iptables");
    Network network = Network.create(3);
    try (TestCluster cluster = TestCluster.start(directory.resolve("cluster"), 3, Optional.of(network), List.of())) {
      replaced(cluster, (own, node) -> network.isolate(node), (own, node) -> network.heal());
    }
  }

  private static void replaced(TestCluster cluster, Fault fault, Fault undone) throws Exception {
    cluster.api(1).put("/api/v1/config/users/before?wait=applied", "{}").expect(201);
    Founder founder = foundAnd(cluster, fault, undone);
    int other = founder.node() % 3 + 1;

    await().atMost(TestCluster.SOON).until(() -> isChanged(cluster, other, "without-the-founder"));
    long next = 0;
    for (int k = 1; k <= 3; k++) {
      next = Math.max(next, k == founder.node() ? 0 : lastFounded(cluster.node(k).log()));
    }
    assertTrue(next > founder.generation(), "the others should have founded a later generation than " + founder.generation());

    undone.make(cluster, founder.node());
    cluster.awaitConverged();
    // A node that joins has the configuration shortly before the others take it for up.
    String up = "Node " + cluster.name(founder.node()) + " is up";
    await().atMost(TestCluster.SOON).until(() -> loggedSince(cluster, founder).contains(up));
    String since = loggedSince(cluster, founder);
    int joined = since.indexOf(up);
    int gaveUp = Math.max(since.indexOf("too late to found generation " + founder.generation()),
        since.indexOf("could not be sure that generation " + founder.generation()));
    assertTrue(gaveUp >= 0 && joined > gaveUp, "it went on in generation " + founder.generation() + ":\n" + since);
    await().atMost(TestCluster.SOON).until(() -> isChanged(cluster, founder.node(), "through-the-founder"));
    for (int k = 1; k <= 3; k++) {
      cluster.api(k).get("/api/v1/config/users/before").expect(200);
      cluster.api(k).get("/api/v1/config/users/without-the-founder").expect(200);
    }
  }

  /** Starts all nodes until a founder is hit after its commit and before it is in the cluster that it founds. */
  private static Founder foundAnd(TestCluster cluster, Fault fault, Fault undone) throws Exception {
    for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
      Map<Integer, Integer> logged = new TreeMap<>();
      for (int k = 1; k <= 3; k++) {
        cluster.node(k).kill();
        logged.put(k, cluster.node(k).log().length());
      }
      for (int k = 1; k <= 3; k++) {
        cluster.startNode(k, List.of());
      }
      Founder founder = await().atMost(TestCluster.SOON).pollInterval(Duration.ofMillis(5)).pollDelay(Duration.ZERO)
          .until(() -> founder(cluster, logged), Optional::isPresent).orElseThrow();
      fault.make(cluster, founder.node());
      if (!loggedSince(cluster, founder).contains(" is up at ")) {
        return founder;
      }
      undone.make(cluster, founder.node());
    }
    throw new AssertionError("the founder was always up before it could be stopped");
  }

  private static String loggedSince(TestCluster cluster, Founder founder) throws IOException {
    return cluster.node(founder.node()).log().substring(founder.logged());
  }

  private static Optional<Founder> founder(TestCluster cluster, Map<Integer, Integer> logged) throws IOException {
    for (int k = 1; k <= 3; k++) {
      String since = cluster.node(k).log().substring(logged.get(k));
      long generation = lastFounded(since);
      if (generation > 0) {
        return Optional.of(new Founder(k, generation, logged.get(k)));
      }
    }
    return Optional.empty();
  }

  private static long lastFounded(String log) {
    Matcher matcher = FOUNDS.matcher(log);
    long last = 0;
    while (matcher.find()) {
      last = Long.parseLong(matcher.group(1));
    }
    return last;
  }

  /** Only the leader of the voters may found; if it never comes up, another has to lead. */
  @Test
  @Tag("long")
  void foundersThatCannotComeUp_makeWayForOneThatCan() throws Exception {
    try (TestCluster cluster = TestCluster.start(directory.resolve("cluster"), 3)) {
      for (int k = 1; k <= 3; k++) {
        cluster.node(k).kill();
      }
      try (ServerSocket first = cluster.occupyRemotingPort(1); ServerSocket second = cluster.occupyRemotingPort(2)) {
        cluster.startNode(1, List.of());
        cluster.startNode(2, List.of());
        await().atMost(TestCluster.SOON).until(() -> (cluster.node(1).log() + cluster.node(2).log())
            .contains("its clustered actor system failed"));
        assertTrue(first.isBound() && second.isBound());

        cluster.startNode(3, List.of());

        await().atMost(TestCluster.SOON).until(() -> isChanged(cluster, 3, "through-3"));
        assertFalse(isChanged(cluster, 1, "through-1"));
      }
      cluster.awaitConverged();
      assertEquals(3, cluster.primary(1));
      cluster.api(1).get("/api/v1/config/users/through-3").expect(200);
    }
  }

  private static boolean isChanged(TestCluster cluster, int k, String user) {
    try {
      return cluster.api(k).put("/api/v1/config/users/" + user + "?timeout=2s", "{}").status() / 100 == 2;
    } catch (IOException notThere) {
      return false;
    }
  }
}
