package io.flotilla.system;

import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Three nodes, one configuration, SFTP users live on all of them. */
class ThreeNodesTest {
  @TempDir private static Path directory;
  private static TestCluster cluster;
  private static OpenSsh ssh;

  @BeforeAll
  static void start() throws IOException {
    cluster = TestCluster.start(directory.resolve("cluster"), 3);
    ssh = new OpenSsh(directory);
  }

  @AfterAll
  static void stop() {
    cluster.close();
  }

  @Test
  void userCreatedThroughNode2_transfersOnEveryNode_whichShowOneHostKey() throws Exception {
    AdminApi.Answer created = cluster.api(2).put(
        "/api/v1/config/users/alice?wait=applied", "{\"password\":\"correct horse\"}").expect(201);
    assertEquals(Set.of("node-1", "node-2", "node-3"), names(created.body().path("nodes")));
    byte[] content = randomBytes(300_000);
    Path file = Files.write(directory.resolve("alice.bin"), content);
    Set<String> hostKeys = new HashSet<>();
    for (int k = 1; k <= 3; k++) {
      Path back = directory.resolve("alice-" + k + ".bin");
      ssh.sftp("alice", new OpenSsh.Password("correct horse"), cluster.host(k), cluster.sftpPort(),
          "put " + file + " up-" + k + ".bin\nget up-" + k + ".bin " + back + "\n").expectSuccess();
      assertArrayEquals(content, Files.readAllBytes(back));
      hostKeys.add(ssh.hostKey(cluster.host(k)));
    }
    assertEquals(1, hostKeys.size(), "all nodes must show the same host key");
    assertTrue(Files.exists(cluster.files().resolve("users/alice/up-3.bin")));
  }

  @Test
  void publicKeyLogin_works_andAnUnknownKeyDoesNot() throws Exception {
    OpenSsh.Key known = ssh.generateKey("known");
    OpenSsh.Key unknown = ssh.generateKey("unknown");
    String publicKey = Files.readString(Path.of(known.file() + ".pub")).strip();
    cluster.api(3).put("/api/v1/config/users/keyed?wait=applied", "{\"publicKeys\":[\"" + publicKey + "\"]}").expect(201);

    ssh.sftp("keyed", known, cluster.host(1), cluster.sftpPort(), "pwd\n").expectSuccess();
    assertNotEquals(0, ssh.sftp("keyed", unknown, cluster.host(2), cluster.sftpPort(), "pwd\n").status());
  }

  @Test
  void wayOutOfTheHome_isClosed() throws Exception {
    cluster.api(1).put("/api/v1/config/users/prisoner?wait=applied", "{\"password\":\"let me out\"}").expect(201);
    Files.writeString(cluster.files().resolve("outside.txt"), "not yours");
    OpenSsh.Password password = new OpenSsh.Password("let me out");
    ssh.sftp("prisoner", password, cluster.host(1), cluster.sftpPort(), "pwd\n").expectSuccess();
    Files.createSymbolicLink(cluster.files().resolve("users/prisoner/link"), Path.of("../../outside.txt"));

    for (String path : List.of("../../outside.txt", "/../../outside.txt", "link", "/etc/passwd")) {
      Path loot = directory.resolve("loot");
      ssh.sftp("prisoner", password, cluster.host(2), cluster.sftpPort(), "get " + path + " " + loot + "\n");
      assertTrue(Files.notExists(loot), path + " led out of the home");
    }
  }

  @Test
  void deletingAUser_endsTheirSessionsOnOtherNodes() throws Exception {
    cluster.api(1).put("/api/v1/config/users/leaver?wait=applied", "{\"password\":\"goodbye\"}").expect(201);
    Path big = Files.write(directory.resolve("big.bin"), randomBytes(4_000_000));
    Process session = ssh.start("leaver", new OpenSsh.Password("goodbye"), cluster.host(3), cluster.sftpPort(),
        "put " + big + " big.bin\n", List.of("-l", "400"));
    try {
      await().atMost(TestCluster.SOON).until(() ->
          cluster.member(1, "node-3").path("connections").path("sftp").asInt() > 0);

      cluster.api(2).send("DELETE", "/api/v1/config/users/leaver?wait=applied", "").expect(200);

      OpenSsh.Result result = OpenSsh.finish(session, new String(session.getInputStream().readAllBytes()));
      assertNotEquals(0, result.status(), "the session should have been ended");
      assertTrue(Files.notExists(cluster.files().resolve("users/leaver/big.bin")), "a broken upload must not be published");
    } finally {
      session.destroyForcibly().waitFor();
    }
  }

  @Test
  void movingThePort_letsTheRunningTransferFinish_andServesTheNewOneEverywhere() throws Exception {
    cluster.api(1).put("/api/v1/config/users/mover?wait=applied", "{\"password\":\"on the way\"}").expect(201);
    OpenSsh.Password password = new OpenSsh.Password("on the way");
    byte[] content = randomBytes(1_500_000);
    Path file = Files.write(directory.resolve("slow.bin"), content);
    Process transfer = ssh.start("mover", password, cluster.host(2), cluster.sftpPort(),
        "put " + file + " slow.bin\n", List.of("-l", "2000"));
    try {
      await().atMost(TestCluster.SOON).until(() ->
          cluster.member(1, "node-2").path("connections").path("sftp").asInt() > 0);

      cluster.api(3).send("PATCH", "/api/v1/config/listeners/sftp?wait=applied",
          "{\"port\":" + cluster.otherSftpPort() + "}").expect(200);
      for (int k = 1; k <= 3; k++) {
        ssh.sftp("mover", password, cluster.host(k), cluster.otherSftpPort(), "pwd\n").expectSuccess();
        assertNotEquals(0, ssh.sftp("mover", password, cluster.host(k), cluster.sftpPort(), "pwd\n").status());
      }
      assertTrue(transfer.isAlive(), "the transfer should still run; make it slower");

      OpenSsh.finish(transfer, new String(transfer.getInputStream().readAllBytes())).expectSuccess();
      assertArrayEquals(content, Files.readAllBytes(cluster.files().resolve("users/mover/slow.bin")));
    } finally {
      transfer.destroyForcibly().waitFor();
      cluster.api(1).send("PATCH", "/api/v1/config/listeners/sftp?wait=applied",
          "{\"port\":" + cluster.sftpPort() + "}").expect(200);
    }
  }

  @Test
  void portInUseOnOneNode_refusesTheChange_andForcedDegradesThatNodeOnly_untilThePortIsFree() throws Exception {
    int port;
    try (ServerSocket taken = new ServerSocket()) {
      taken.bind(new InetSocketAddress(cluster.host(2), 0));
      port = taken.getLocalPort();
      String listener = "{\"protocol\":\"sftp\",\"port\":" + port + "}";
      long before = cluster.api(1).version();
      for (String parameters : List.of("", "?dryRun=true")) {
        JsonNode refusal = cluster.api(1).put("/api/v1/config/listeners/second" + parameters, listener).expect(409).body();
        assertEquals("urn:flotilla:problem:not-prepared", refusal.path("type").asText());
        assertEquals(Set.of("node-2"), names(refusal.path("nodes")));
        assertTrue(refusal.path("nodes").path("node-2").asText().contains(port + " is in use"), refusal.toString());
      }
      assertEquals(before, cluster.api(1).version());
      cluster.api(3).get("/api/v1/config/listeners/second").expect(404);

      JsonNode nodes = cluster.api(1).put("/api/v1/config/listeners/second?wait=applied&force=true", listener)
          .expect(201).body().path("nodes");

      assertEquals("applied", nodes.path("node-1").path("state").asText());
      assertEquals("degraded", nodes.path("node-2").path("state").asText());
      JsonNode member = cluster.member(3, "node-2");
      assertEquals("degraded", member.path("state").asText());
      assertTrue(member.path("reasons").toString().contains(Integer.toString(port)), member.toString());
    }
    await().atMost(TestCluster.SOON).until(() -> cluster.member(3, "node-2").path("state").asText().equals("converged"));
    cluster.api(1).send("DELETE", "/api/v1/config/listeners/second?wait=applied", "").expect(200);
  }

  @Test
  void dryRun_tellsThatEveryNodeIsReady_andChangesNothing() throws Exception {
    long before = cluster.api(2).version();

    JsonNode answer = cluster.api(2).send("PATCH", "/api/v1/config/listeners/sftp?dryRun=true",
        "{\"maxConnections\":77}").expect(200).body();

    assertEquals(Set.of("node-1", "node-2", "node-3"), names(answer.path("nodes")));
    answer.path("nodes").forEach(node -> assertEquals("ready", node.path("state").asText()));
    assertEquals(before, cluster.api(2).version());
  }


  @Test
  void anotherNodeWithANameInUse_isRefused() throws Exception {
    try (NodeProcess stranger = cluster.startStranger("node-2", 4, directory.resolve("stranger"),
        List.of("--cluster-key", cluster.state(1).resolve("cluster.key").toString()))) {
      assertEquals(78, stranger.awaitExit());
      assertTrue(stranger.log().contains("the name node-2 is in use"), stranger.log());
    }
    assertEquals("converged", cluster.member(1, "node-2").path("state").asText());
  }

  @Test
  void nodeWithAnotherClusterKey_isRefused_andOneWithoutIsTold() throws Exception {
    Path key = directory.resolve("other.key");
    io.flotilla.config.model.ClusterKey.generate().writeTo(key);
    try (NodeProcess stranger = cluster.startStranger("node-9", 4, directory.resolve("wrong-key"),
        List.of("--cluster-key", key.toString()))) {
      assertEquals(78, stranger.awaitExit());
      assertTrue(stranger.log().contains("give it the cluster's key file"), stranger.log());
    }
    try (NodeProcess stranger = cluster.startStranger("node-9", 4, directory.resolve("no-key"), List.of())) {
      assertEquals(1, stranger.awaitExit());
      assertTrue(stranger.log().contains("this node has no cluster key"), stranger.log());
    }
  }

  @Test
  void gatewayThatJoins_catchesUp_andLeavesWithStatus0() throws Exception {
    try (NodeProcess gateway = cluster.startStranger("gateway-4", 4, directory.resolve("gateway"),
        List.of("--cluster-key", cluster.state(1).resolve("cluster.key").toString()))) {
      await().atMost(TestCluster.SOON).until(() -> {
        JsonNode cluster1 = cluster.api(1).get("/api/v1/cluster").body();
        for (JsonNode member : cluster1.path("members")) {
          if (member.path("name").asText().equals("gateway-4")) {
            assertEquals("[\"gateway\"]", member.path("roles").toString());
            return member.path("state").asText().equals("converged");
          }
        }
        return false;
      });
      assertEquals(cluster.api(1).version(), cluster.apiAt("127.0.0.4").version());

      assertEquals(0, gateway.stop());
    }
    await().atMost(TestCluster.SOON).until(() -> cluster.member(1, "gateway-4").path("status").asText().equals("away"));
    assertEquals("unreachable", cluster.member(1, "gateway-4").path("state").asText());
    cluster.api(2).send("DELETE", "/api/v1/nodes/gateway-4", "").expect(200);
    assertEquals(3, cluster.api(1).get("/api/v1/cluster").body().path("members").size());
  }

  @Test
  void logsAndMetrics_tellWhatHappened() throws Exception {
    cluster.api(1).put("/api/v1/config/users/watched?wait=applied", "{\"password\":\"seen by all\"}").expect(201);
    Path file = Files.write(directory.resolve("watched.bin"), randomBytes(1000));
    ssh.sftp("watched", new OpenSsh.Password("seen by all"), cluster.host(2), cluster.sftpPort(),
        "put " + file + "\n").expectSuccess();
    ssh.sftp("watched", new OpenSsh.Password("wrong"), cluster.host(2), cluster.sftpPort(), "pwd\n");

    await().atMost(TestCluster.SOON).untilAsserted(() -> {
      String log = cluster.node(2).log();
      assertTrue(log.contains("Login of watched by sftp from 127.0.0.1 with password"), log);
      assertTrue(log.contains("upload of /watched.bin by watched"), log);
      assertTrue(log.contains("Logout of watched"), log);
      assertTrue(log.contains("failed: the password is wrong"), log);
      assertTrue(!log.contains("seen by all") && !log.contains("argon2"), "a secret is in the log");
    });
    String metrics = cluster.api(2).text("/metrics");
    assertTrue(metrics.contains("flotilla_logins_total{outcome=\"succeeded\",protocol=\"sftp\"}"), metrics);
    assertTrue(metrics.contains("flotilla_transfers_total{direction=\"upload\",outcome=\"completed\",protocol=\"sftp\"}"));
    assertTrue(cluster.api(2).text("/health/ready").contains("\"ready\""));
  }

  @Test
  void twoAdmins_changeOneEntityAtTheSameMoment_oneOfThemIsStale() throws Exception {
    cluster.api(1).put("/api/v1/config/users/contested", "{}").expect(201);
    for (int round = 0; round < 20; round++) {
      long version = cluster.api(1).get("/api/v1/config/users/contested?minVersion=" + cluster.api(2).version())
          .expect(200).body().path("version").asLong();
      String body = "{\"operations\":[{\"op\":\"patch\",\"kind\":\"users\",\"name\":\"contested\",\"ifVersion\":" + version
          + ",\"value\":{\"enabled\":" + (round % 2 == 0) + "}}]}";
      List<CompletableFuture<Integer>> answers = IntStream.of(1, 2).mapToObj(k -> CompletableFuture.supplyAsync(() -> {
        try {
          return cluster.api(k).send("POST", "/api/v1/config/changes", body).status();
        } catch (IOException e) {
          throw new UncheckedIOException(e);
        }
      })).toList();

      assertEquals(List.of(200, 412), answers.stream().map(CompletableFuture::join).sorted().toList());
    }
  }

  @Test
  void changeLargerThanARemotingFrame_isAppliedEverywhere() throws Exception {
    String key = "ssh-ed25519 " + "AAAAC3NzaC1lZDI1NTE5".repeat(300);
    StringBuilder batch = new StringBuilder("{\"operations\":[");
    for (int i = 0; i < 100; i++) {
      batch.append(i == 0 ? "" : ",").append("{\"op\":\"put\",\"kind\":\"users\",\"name\":\"large-").append(i)
          .append("\",\"value\":{\"publicKeys\":[\"").append(key).append("\"]}}");
    }

    JsonNode answer = cluster.api(2).send("POST", "/api/v1/config/changes?wait=applied&timeout=30s", batch + "]}")
        .expect(200).body();

    Set<String> digests = new HashSet<>();
    for (int k = 1; k <= 3; k++) {
      JsonNode config = cluster.api(k).get("/api/v1/config?limit=1&minVersion=" + answer.path("version").asLong()).expect(200).body();
      digests.add(config.path("version") + " " + config.path("digest").asText());
      cluster.api(k).get("/api/v1/config/users/large-99").expect(200);
    }
    assertEquals(1, digests.size(), digests.toString());
  }

  private static Set<String> names(JsonNode object) {
    Set<String> names = new HashSet<>();
    object.fieldNames().forEachRemaining(names::add);
    return names;
  }

  private static byte[] randomBytes(int length) {
    byte[] bytes = new byte[length];
    new Random(42).nextBytes(bytes);
    return bytes;
  }

}
