package io.flotilla.system;

import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Nodes that can't hear each other, and a primary that sleeps: nothing acknowledged is lost, and all come together again. */
class PartitionTest {
  @TempDir private Path directory;
  private TestCluster cluster;

  /** Users that were created with an acknowledgement. */
  private final ConcurrentLinkedQueue<String> acknowledged = new ConcurrentLinkedQueue<>();

  @BeforeEach
  void start() throws IOException {
    assumeTrue(Network.isAvailable(), "needs root, iproute2 and iptables");
    cluster = TestCluster.start(directory.resolve("cluster"), 3, Optional.of(Network.create(3)), List.of());
  }

  @AfterEach
  void stop() {
    if (cluster != null) {
      cluster.close();
    }
  }

  @Test
  void primaryCutOff_servesOn_refusesChanges_andRejoinsWithoutDroppingATransfer() throws Exception {
    OpenSsh ssh = new OpenSsh(directory);
    OpenSsh.Password password = new OpenSsh.Password("a good password");
    cluster.api(1).put("/api/v1/config/users/alice?wait=applied", "{\"password\":\"a good password\"}").expect(201);
    cluster.api(1).put("/api/v1/config/policies/health?wait=applied", "{\"isolatedAfter\":\"5s\"}").expect(201);
    int primary = cluster.primary(1);
    int other = primary % 3 + 1;
    byte[] content = new byte[2_500_000];
    new Random(42).nextBytes(content);
    Path file = Files.write(directory.resolve("slow.bin"), content);
    Process transfer = ssh.start("alice", password, cluster.host(primary), cluster.sftpPort(),
        "put " + file + " slow.bin\n", List.of("-l", "400"));
    try {
      await().atMost(TestCluster.SOON).until(() ->
          cluster.member(other, cluster.name(primary)).path("connections").path("sftp").asInt() > 0);

      network().isolate(primary);
      await().atMost(TestCluster.SOON).until(() -> create(other, "while-cut"));
      ssh.sftp("alice", password, cluster.host(primary), cluster.sftpPort(), "pwd\n").expectSuccess();
      await().atMost(TestCluster.SOON).untilAsserted(() -> {
        assertEquals("isolated", cluster.member(primary, cluster.name(primary)).path("state").asText());
        assertEquals(503, cluster.api(primary).put("/api/v1/config/users/refused?timeout=1s", "{}").status());
        // What a load balancer hears, as the policy has it.
        assertEquals(503, cluster.api(primary).get("/health/ready").status());
      });
      assertEquals(200, cluster.api(other).get("/health/ready").status());

      network().heal();
      cluster.awaitConverged();
      await().atMost(TestCluster.SOON).until(() -> cluster.api(primary).get("/health/ready").status() == 200);
      assertTrue(transfer.isAlive(), "the transfer should have outlived the cut; make it slower");
      OpenSsh.finish(transfer, new String(transfer.getInputStream().readAllBytes())).expectSuccess();
      assertArrayEquals(content, Files.readAllBytes(cluster.files().resolve("users/alice/slow.bin")));
      assertEquals(404, cluster.api(other).get("/api/v1/config/users/refused").status());
      assertNothingLost();
    } finally {
      transfer.destroyForcibly().waitFor();
    }
  }

  @Test
  @Tag("long")
  void primaryThatIsHeardButHearsNobody_isReplaced_andNothingIsLost() throws Exception {
    int primary = cluster.primary(1);
    int other = primary % 3 + 1;
    assertTrue(create(other, "before"));

    for (int deafTo : network().others(primary)) {
      network().cutOneWay(deafTo, primary);
    }
    await().atMost(TestCluster.SOON).until(() -> create(other, "while-deaf"));
    network().heal();

    cluster.awaitConverged();
    assertNothingLost();
  }

  @Test
  @Tag("long")
  void primaryThatHearsButIsNotHeard_isReplaced_andNothingIsLost() throws Exception {
    int primary = cluster.primary(1);
    int other = primary % 3 + 1;

    for (int mutedFor : network().others(primary)) {
      network().cutOneWay(primary, mutedFor);
    }
    await().atMost(TestCluster.SOON).until(() -> create(other, "while-mute"));
    network().heal();

    cluster.awaitConverged();
    assertNothingLost();
  }

  @Test
  void primaryFrozenUntilItIsReplaced_andWoken_doesNotForkTheConfiguration() throws Exception {
    int primary = cluster.primary(1);
    int other = primary % 3 + 1;
    assertTrue(create(other, "before"));

    cluster.node(primary).freeze();
    await().atMost(TestCluster.SOON).until(() -> create(other, "while-frozen"));
    cluster.node(primary).thaw();
    // What it thought to be true when it fell asleep must not be acknowledged by it.
    for (int i = 0; i < 5; i++) {
      create(primary, "woken-" + i);
      // Nor may it take the fence back from its successor, whose changes would then fail.
      assertTrue(create(other, "beside-the-woken-" + i));
    }

    cluster.awaitConverged();
    // The woken node may still be about to leave the cluster that went on without it, and to join again.
    await().atMost(TestCluster.SOON).until(() -> create(primary, "after"));
    cluster.awaitConverged();
    assertNothingLost();
  }

  @Test
  @Tag("long")
  void primaryFrozenForAMoment_goesOn() throws Exception {
    int primary = cluster.primary(1);
    int other = primary % 3 + 1;

    cluster.node(primary).freeze();
    TimeUnit.MILLISECONDS.sleep(1_000);
    cluster.node(primary).thaw();

    await().atMost(TestCluster.SOON).until(() -> create(other, "after"));
    cluster.awaitConverged();
    assertNothingLost();
  }

  private Network network() {
    return cluster.network().orElseThrow();
  }

  /** Creates a user of a new name through a node; true, and remembered, if that was acknowledged. */
  private boolean create(int node, String name) {
    String user = name + "-" + System.nanoTime();
    try {
      boolean done = cluster.api(node).put("/api/v1/config/users/" + user + "?timeout=2s", "{}").status() / 100 == 2;
      if (done) {
        acknowledged.add(user);
      }
      return done;
    } catch (IOException e) {
      return false;
    }
  }

  /** All nodes have one version and digest, and each has every user whose creation was acknowledged. */
  private void assertNothingLost() {
    await().atMost(TestCluster.SOON).pollInterval(Duration.ofMillis(200)).untilAsserted(() -> {
      Set<String> states = new HashSet<>();
      for (int k = 1; k <= cluster.size(); k++) {
        JsonNode head = cluster.api(k).get("/api/v1/config?limit=1").expect(200).body();
        states.add(head.path("version") + " " + head.path("digest"));
      }
      assertEquals(1, states.size(), states.toString());
    });
    for (int k = 1; k <= cluster.size(); k++) {
      for (String user : acknowledged) {
        assertExists(k, user);
      }
    }
  }

  private void assertExists(int node, String user) {
    try {
      cluster.api(node).get("/api/v1/config/users/" + user).expect(200);
    } catch (IOException e) {
      throw new AssertionError("node " + node + " does not answer", e);
    }
  }
}
