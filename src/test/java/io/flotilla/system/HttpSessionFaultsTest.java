package io.flotilla.system;

import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** HTTP sessions while nodes can't hear each other, and while their clocks differ. */
class HttpSessionFaultsTest {
  private static final String PASSWORD = "correct horse";

  @TempDir private Path directory;

  private static void configure(TestCluster cluster) throws IOException {
    cluster.api(1).put("/api/v1/config/users/ann?wait=applied", "{\"password\":\"" + PASSWORD + "\"}").expect(201);
    cluster.api(1).put("/api/v1/config/listeners/http?wait=applied",
        "{\"protocol\":\"http\",\"port\":" + cluster.httpPort() + ",\"http\":{\"tls\":false}}").expect(201);
  }

  private static String at(TestCluster cluster, int k) {
    return "http://" + cluster.host(k) + ":" + cluster.httpPort();
  }

  @Test
  void aNodeThatIsCutOff_goesOnWithSessionsItKnows_andLearnsTheRestWhenItReturns() throws Exception {
    assumeTrue(Network.isAvailable(), "needs root, iproute2 and iptables");
    try (TestCluster cluster = TestCluster.start(directory.resolve("cluster"), 3, Optional.of(Network.create(3)), List.of())) {
      configure(cluster);
      WebUser before = WebUser.logIn(at(cluster, 1), "ann", PASSWORD);
      WebUser ended = WebUser.logIn(at(cluster, 1), "ann", PASSWORD);
      for (WebUser session : List.of(before, ended)) {
        assertEquals(200, session.status(at(cluster, 3)));
      }

      cluster.network().orElseThrow().isolate(3);
      await().atMost(TestCluster.SOON).until(() ->
          cluster.member(3, cluster.name(3)).path("state").asText().equals("isolated"));
      WebUser during = WebUser.logIn(at(cluster, 1), "ann", PASSWORD);
      assertEquals(200, during.status(at(cluster, 2)));
      assertEquals(401, during.status(at(cluster, 3)));
      assertEquals(200, before.status(at(cluster, 3)));
      WebUser alone = WebUser.logIn(at(cluster, 3), "ann", PASSWORD);
      assertEquals(200, alone.status(at(cluster, 3)));
      assertEquals(204, ended.logOut(at(cluster, 2)).statusCode());
      assertEquals(200, ended.status(at(cluster, 3)));

      cluster.network().orElseThrow().heal();
      cluster.awaitConverged();
      await().atMost(TestCluster.SOON).until(() -> during.status(at(cluster, 3)) == 200 && alone.status(at(cluster, 1)) == 200
          && ended.status(at(cluster, 3)) == 401 && before.status(at(cluster, 2)) == 200);
    }
  }

  @Test
  @Tag("long")
  void clocksThatDifferByAMinute_endNoSession() throws Exception {
    assumeTrue(FakeClock.at(directory).isPresent(), "libfaketime is not installed");
    try (TestCluster cluster = TestCluster.start(directory.resolve("cluster"), 3)) {
      configure(cluster);
      cluster.api(1).put("/api/v1/config/policies/sessions?wait=applied", "{\"idleTimeout\":\"20s\",\"lifetime\":\"10m\"}").expect(201);
      for (int k = 2; k <= 3; k++) {
        assertEquals(0, cluster.node(k).stop());
        FakeClock clock = FakeClock.at(directory.resolve("clock-" + k)).orElseThrow();
        clock.jump(k == 2 ? "+60s" : "-60s");
        cluster.startNode(k, cluster.host(k), clock.prefix(), List.of());
        cluster.awaitConverged();
      }
      for (int k = 1; k <= 3; k++) {
        WebUser session = WebUser.logIn(at(cluster, k), "ann", PASSWORD);
        for (int other = 1; other <= 3; other++) {
          assertEquals(200, session.status(at(cluster, other)), "of node " + k + " on node " + other);
        }
        assertEquals(204, session.logOut(at(cluster, k % 3 + 1)).statusCode());
        await().atMost(TestCluster.SOON).until(() -> session.status(at(cluster, 1)) == 401 && session.status(at(cluster, 2)) == 401
            && session.status(at(cluster, 3)) == 401);
      }
    }
  }
}
