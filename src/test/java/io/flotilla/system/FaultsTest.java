package io.flotilla.system;

import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Nodes die; what was acknowledged stays, and everybody agrees again. */
class FaultsTest {
  @TempDir private Path directory;
  private TestCluster cluster;
  private OpenSsh ssh;

  @BeforeEach
  void start() throws IOException {
    cluster = TestCluster.start(directory.resolve("cluster"), 3);
    ssh = new OpenSsh(directory);
  }

  @AfterEach
  void stop() {
    cluster.close();
  }

  @Test
  void primaryKilledWhileChangesGoOn_nothingAcknowledgedIsLost_andItConvergesWhenItReturns() throws Exception {
    cluster.api(1).put("/api/v1/config/users/alice?wait=applied", "{\"password\":\"a good password\"}").expect(201);
    int primary = cluster.primary(1);
    int other = primary % 3 + 1;
    List<String> acknowledged = new ArrayList<>();
    AtomicBoolean going = new AtomicBoolean(true);
    Thread changes = Thread.ofVirtual().start(() -> {
      for (int i = 0; going.get(); i++) {
        String user = "user-" + i;
        try {
          if (cluster.api(other).put("/api/v1/config/users/" + user + "?timeout=2s", "{}").status() / 100 == 2) {
            synchronized (acknowledged) {
              acknowledged.add(user);
            }
          }
        } catch (IOException e) {
          // Not acknowledged.
        }
      }
    });
    await().atMost(TestCluster.SOON).until(() -> count(acknowledged) > 20);

    cluster.node(primary).kill();
    int before = count(acknowledged);
    ssh.sftp("alice", new OpenSsh.Password("a good password"), cluster.host(other), cluster.sftpPort(), "pwd\n")
        .expectSuccess();
    await().atMost(TestCluster.SOON).until(() -> count(acknowledged) > before + 20);
    // It still belongs to the cluster: whoever restarts nodes or makes a load balancer's configuration has to know.
    await().atMost(TestCluster.SOON).until(() -> cluster.member(other, cluster.name(primary)).path("status").asText().equals("away"));
    String balancer = cluster.api(other).text("/api/v1/lb/haproxy");
    assertTrue(balancer.contains("# Warning: node '" + cluster.name(primary) + "' is not in the cluster now")
        && balancer.contains("server " + cluster.name(primary) + " " + cluster.host(primary) + ":"), balancer);
    cluster.startNode(primary, List.of());
    await().atMost(TestCluster.SOON).until(() -> cluster.api(primary).version() > 0);
    going.set(false);
    changes.join();
    cluster.awaitConverged();

    for (int k = 1; k <= 3; k++) {
      for (String user : acknowledged) {
        cluster.api(k).get("/api/v1/config/users/" + user).expect(200);
      }
    }
    assertEquals(1, digests().size());
  }

  @Test
  void allKilledAtOnce_andStartedInAnotherOrder_haveEverything() throws Exception {
    cluster.api(2).put("/api/v1/config/users/alice?wait=applied", "{\"password\":\"a good password\"}").expect(201);
    long version = cluster.api(1).version();
    for (int k = 1; k <= 3; k++) {
      cluster.node(k).kill();
    }

    for (int k : List.of(3, 2, 1)) {
      cluster.startNode(k, List.of());
    }
    cluster.awaitConverged();

    assertEquals(version, cluster.api(1).version());
    assertEquals(1, digests().size());
    cluster.api(3).put("/api/v1/config/users/bob?wait=applied", "{}").expect(201);
  }

  @Tag("long")
  @Test
  void firstSeedStaysDead_theOthersFormTheClusterAgain() throws Exception {
    for (int k = 1; k <= 3; k++) {
      cluster.node(k).kill();
    }

    cluster.startNode(2, List.of());
    cluster.startNode(3, List.of());

    await().atMost(TestCluster.SOON).ignoreExceptionsInstanceOf(IOException.class).until(() ->
        cluster.api(3).put("/api/v1/config/users/bob?timeout=2s", "{}").status() / 100 == 2);
    cluster.startNode(1, List.of());
    cluster.awaitConverged();
    cluster.api(1).get("/api/v1/config/users/bob").expect(200);
  }

  @Test
  void nodeAlone_refusesChanges_andServesFiles() throws Exception {
    cluster.api(1).put("/api/v1/config/users/alice?wait=applied", "{\"password\":\"a good password\"}").expect(201);
    cluster.node(1).kill();
    cluster.node(2).kill();

    await().atMost(TestCluster.SOON).until(() -> cluster.api(3).put("/api/v1/config/users/bob?timeout=1s", "{}")
        .status() == 503);
    // Who the others are it can't know now; without them it would be alone behind the load balancer.
    cluster.api(3).get("/api/v1/lb/haproxy").expect(503);

    ssh.sftp("alice", new OpenSsh.Password("a good password"), cluster.host(3), cluster.sftpPort(), "pwd\n")
        .expectSuccess();
    cluster.startNode(1, List.of());
    await().atMost(TestCluster.SOON).until(() ->
        cluster.api(3).put("/api/v1/config/users/bob?timeout=2s", "{}").status() / 100 == 2);
  }

  @Test
  @Tag("long")
  void sameNodeAtAnotherAddress_replacesItsDeadSelf() throws Exception {
    cluster.node(3).kill();

    cluster.startNode(3, cluster.host(4), List.of(), List.of("--roles", "gateway"));

    await().atMost(TestCluster.SOON).pollInterval(Duration.ofMillis(200)).untilAsserted(() -> {
      JsonNode members = cluster.api(1).get("/api/v1/cluster").body().path("members");
      assertEquals(3, members.size(), members.toString());
      assertTrue(cluster.member(1, "node-3").path("address").asText().startsWith(cluster.host(4)));
      assertEquals("converged", cluster.member(1, "node-3").path("state").asText());
    });
  }

  /** Two nodes for the clients and a small third one that only votes. */
  @Tag("long")
  @Test
  void witness_votesAndNothingElse_soThatEitherOfTwoNodesMayDie() throws Exception {
    cluster.api(1).put("/api/v1/config/users/alice?wait=applied", "{\"password\":\"a good password\"}").expect(201);
    assertEquals(0, cluster.node(3).stop());
    cluster.startNode(3, List.of("--roles", "voter"));
    cluster.awaitConverged();
    assertEquals("[\"voter\"]", cluster.member(1, "node-3").path("roles").toString());
    assertTrue(ssh.sftp("alice", new OpenSsh.Password("a good password"), cluster.host(3), cluster.sftpPort(), "pwd\n")
        .status() != 0, "a witness serves no clients");

    for (int dead : List.of(1, 2)) {
      int other = 3 - dead;
      cluster.node(dead).kill();
      await().atMost(TestCluster.SOON).ignoreExceptionsInstanceOf(IOException.class).until(() ->
          cluster.api(other).put("/api/v1/config/users/without-" + dead + "?timeout=2s", "{}").status() / 100 == 2);
      assertEquals(other, cluster.primary(3));
      cluster.startNode(dead, List.of());
      cluster.awaitConverged();
    }
    assertEquals(1, digests().size());
  }

  private List<String> digests() throws IOException {
    List<String> digests = new ArrayList<>();
    for (int k = 1; k <= 3; k++) {
      digests.add(cluster.api(k).get("/api/v1/config?limit=1").body().path("digest").asText());
    }
    return digests.stream().distinct().toList();
  }

  private static int count(List<String> list) {
    synchronized (list) {
      return list.size();
    }
  }
}
