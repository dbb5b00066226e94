package io.flotilla.system;

import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The primary's role moves on request, and changes go on. */
class PrimaryMoveTest {
  private static final OpenSsh.Password PASSWORD = new OpenSsh.Password("a good password");

  @TempDir private Path directory;
  private TestCluster cluster;
  private OpenSsh ssh;

  @BeforeEach
  void start() throws IOException {
    // What supervises nodes, so that they may end in order to restart, is the test itself.
    cluster = TestCluster.start(directory.resolve("cluster"), 3, Optional.empty(), List.of("--set", "flotilla.supervised=true"));
    ssh = new OpenSsh(directory);
  }

  @AfterEach
  void stop() {
    cluster.close();
  }

  @Test
  void designatedNode_becomesThePrimary_whileChangesAndTransfersGoOn() throws Exception {
    cluster.api(1).put("/api/v1/config/users/mover?wait=applied", "{\"password\":\"a good password\"}").expect(201);
    int primary = cluster.primary(1);
    int target = primary == 3 ? 2 : 3;
    AtomicBoolean going = new AtomicBoolean(true);
    AtomicInteger acknowledged = new AtomicInteger();
    Thread changes = Thread.ofVirtual().start(() -> {
      for (int i = 0; going.get(); i++) {
        try {
          acknowledged.addAndGet(cluster.api(i % 3 + 1)
              .put("/api/v1/config/users/user-" + i + "?timeout=2s", "{}").status() == 201 ? 1 : 0);
        } catch (IOException e) {
          // Not acknowledged.
        }
      }
    });
    await().atMost(TestCluster.SOON).until(() -> acknowledged.get() > 10);
    byte[] content = new byte[5_000_000];
    Files.write(directory.resolve("slow.bin"), content);
    Process transfer = ssh.start("mover", PASSWORD, cluster.host(primary), cluster.sftpPort(),
        "put " + directory.resolve("slow.bin") + " slow.bin\n", List.of("-l", "2000"));
    try {
      JsonNode answer = cluster.api(target).send("POST", "/api/v1/cluster/primary?timeout=60s",
          "{\"node\":\"" + cluster.name(target) + "\"}").expect(200).body();
      assertEquals("primary", answer.path("state").asText());
      assertTrue(transfer.isAlive(), "the transfer should have outlived the move; make it slower");
      // The former primary's node knows no primary until it has joined again.
      await().atMost(TestCluster.SOON).until(() -> cluster.name(target).equals(
          cluster.api(primary).get("/api/v1/cluster/primary").body().path("node").asText()));
      int before = acknowledged.get();
      await().atMost(TestCluster.SOON).until(() -> acknowledged.get() > before + 10);
      OpenSsh.finish(transfer, new String(transfer.getInputStream().readAllBytes())).expectSuccess();
    } finally {
      going.set(false);
      changes.join();
      transfer.destroyForcibly().waitFor();
    }
    assertEquals(content.length, Files.size(cluster.files().resolve("users/mover/slow.bin")));
    cluster.awaitConverged();
    assertEquals(target, cluster.primary(1));
    await().atMost(TestCluster.SOON).until(() -> leader().equals(cluster.name(target)));
  }

  @Test
  void primaryRestartedWhileChangesAreUnderWay_whatWasAcknowledgedIsThere_andWhatWasRefusedIsNot() throws Exception {
    int primary = cluster.primary(1);
    int other = primary % 3 + 1;
    AtomicBoolean going = new AtomicBoolean(true);
    AtomicInteger acknowledged = new AtomicInteger();
    Map<String, Integer> answers = new ConcurrentHashMap<>();
    List<Thread> changes = IntStream.rangeClosed(1, 3).mapToObj(k -> Thread.ofVirtual().start(() -> {
      for (int i = 0; going.get(); i++) {
        String user = "user-" + k + "-" + i;
        try {
          int status = cluster.api(k).put("/api/v1/config/users/" + user + "?timeout=2s", "{}").status();
          answers.put(user, status);
          acknowledged.addAndGet(status == 201 ? 1 : 0);
        } catch (IOException e) {
          // Not answered: it may have been committed.
        }
      }
    })).toList();
    try {
      await().atMost(TestCluster.SOON).until(() -> acknowledged.get() > 20);
      cluster.api(other).send("POST", "/api/v1/nodes/" + cluster.name(primary) + "/restart?deadline=5s", "").expect(202);
      assertEquals(75, cluster.node(primary).awaitExit());
      int before = acknowledged.get();
      await().atMost(TestCluster.SOON).until(() -> acknowledged.get() > before + 20);
      cluster.startNode(primary, List.of());
      await().atMost(TestCluster.SOON).until(() -> cluster.api(primary).version() > 0);
    } finally {
      going.set(false);
      for (Thread one : changes) {
        one.join();
      }
    }
    cluster.awaitConverged();
    assertTrue(cluster.primary(other) != primary);
    String digest = cluster.api(other).get("/api/v1/config?limit=1").body().path("digest").asText();
    for (int k = 1; k <= 3; k++) {
      assertEquals(digest, cluster.api(k).get("/api/v1/config?limit=1").body().path("digest").asText());
    }
    for (Map.Entry<String, Integer> answer : answers.entrySet()) {
      int found = cluster.api(primary).get("/api/v1/config/users/" + answer.getKey()).status();
      switch (answer.getValue()) {
        case 201 -> assertEquals(200, found, answer.getKey());
        case 503 -> assertEquals(404, found, answer.getKey());
        case 202, 504 -> { } // not known when it was answered
        default -> throw new AssertionError(answer.toString());
      }
    }
  }

  /** The node that leads the voters, empty if none does. */
  private String leader() throws IOException {
    for (JsonNode voter : cluster.api(1).get("/api/v1/voters").expect(200).body().path("voters")) {
      if (voter.path("leader").asBoolean()) {
        return voter.path("node").asText();
      }
    }
    return "";
  }

  @Test
  @Tag("long")
  void nodeThatCannot_isRefusedWithTheReason() throws Exception {
    JsonNode refusal = cluster.api(2).send("POST", "/api/v1/cluster/primary", "{\"node\":\"node-9\"}").expect(409).body();

    assertTrue(refusal.path("detail").asText().contains("node-1, node-2, node-3"), refusal.toString());
    cluster.api(2).send("POST", "/api/v1/cluster/primary", "{\"nod\":\"node-1\"}").expect(400);
  }

  @Test
  @Tag("long")
  void preferredPrimary_takesTheRoleBackWhenItReturns() throws Exception {
    int preferred = cluster.primary(1);
    int other = preferred % 3 + 1;
    cluster.api(other).put("/api/v1/config/policies/primary",
        "{\"preferred\":\"" + cluster.name(preferred) + "\"}").expect(201);
    assertEquals(0, cluster.node(preferred).stop());
    await().atMost(TestCluster.SOON).until(() -> cluster.primary(other) != preferred && cluster.primary(other) != 0);

    cluster.startNode(preferred, List.of());

    await().atMost(TestCluster.SOON.multipliedBy(2)).ignoreExceptions().until(() -> cluster.primary(other) == preferred);
    cluster.awaitConverged();
  }
}
