package io.flotilla.system;

import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** One node for real: what it keeps, and what it says when its surroundings are not as they should be. */
class SingleNodeTest {
  private static final OpenSsh.Password PASSWORD = new OpenSsh.Password("a good password");
  @TempDir private Path directory;
  private TestCluster cluster;
  private OpenSsh ssh;

  @BeforeEach
  void start() throws IOException {
    cluster = TestCluster.start(directory.resolve("cluster"), 1);
    ssh = new OpenSsh(directory);
  }

  @AfterEach
  void stop() {
    cluster.close();
  }

  @Test
  void sigkillAndRestart_loseNothing_andSecretsAreNowhereInTheClear() throws Exception {
    cluster.api(1).put("/api/v1/config/users/alice", "{\"password\":\"a good password\"}").expect(201);
    byte[] content = "kept".repeat(10_000).getBytes();
    Path file = Files.write(directory.resolve("kept.txt"), content);
    ssh.sftp("alice", PASSWORD, cluster.host(1), cluster.sftpPort(), "put " + file + "\n").expectSuccess();
    String hostKey = ssh.hostKey(cluster.host(1));
    long version = cluster.api(1).version();

    cluster.node(1).kill();
    cluster.startNode(1, List.of());
    cluster.awaitConverged();

    assertEquals(version, cluster.api(1).version());
    Path back = directory.resolve("back.txt");
    ssh.sftp("alice", PASSWORD, cluster.host(1), cluster.sftpPort(), "get kept.txt " + back + "\n").expectSuccess();
    assertArrayEquals(content, Files.readAllBytes(back));
    assertEquals(hostKey, ssh.hostKey(cluster.host(1)));
    assertEquals("rw-------", PosixFilePermissions.toString(
        Files.getPosixFilePermissions(cluster.state(1).resolve("admin-token"))));
    try (var files = Files.walk(cluster.state(1))) {
      for (Path stored : files.filter(Files::isRegularFile).toList()) {
        String bytes = Files.readString(stored, java.nio.charset.StandardCharsets.ISO_8859_1);
        assertTrue(!bytes.contains("$argon2id$") && !bytes.contains("OPENSSH PRIVATE KEY"),
            stored + " holds a secret in the clear");
      }
    }
    assertEquals(0, cluster.node(1).stop());
  }

  @Test
  void corruptBootCache_isSetAside_andRebuilt() throws Exception {
    cluster.api(1).put("/api/v1/config/users/alice", "{}").expect(201);
    assertEquals(0, cluster.node(1).stop());
    Path cache = cluster.state(1).resolve("boot-cache");
    byte[] bytes = Files.readAllBytes(cache);
    bytes[bytes.length / 2] ^= 0x55;
    Files.write(cache, bytes);

    cluster.startNode(1, List.of());
    cluster.awaitConverged();

    assertTrue(cluster.node(1).log().contains("It was set aside as boot-cache.damaged"), cluster.node(1).tail());
    cluster.api(1).get("/api/v1/config/users/alice").expect(200);
    await().atMost(TestCluster.SOON).until(() -> Files.exists(cache));
  }

  @Test
  void seedNodesOutOfReach_areNamed_whileTheCachedConfigurationIsServed() throws Exception {
    cluster.api(1).put("/api/v1/config/users/alice?wait=applied", "{\"password\":\"a good password\"}").expect(201);
    Path data = directory.resolve("gateway");
    List<String> key = List.of("--cluster-key", cluster.state(1).resolve("cluster.key").toString());
    try (NodeProcess gateway = cluster.startStranger("gateway", 2, data, key)) {
      await().atMost(TestCluster.SOON).until(() -> cluster.apiAt("127.0.0.2").version() == cluster.api(1).version());
      await().atMost(TestCluster.SOON).until(() ->
          ssh.sftp("alice", PASSWORD, "127.0.0.2", cluster.sftpPort(), "pwd\n").status() == 0);
      assertEquals(0, gateway.stop());
    }
    cluster.node(1).kill();
    Files.writeString(data.resolve("voters"), "nonsense\n");
    try (NodeProcess gateway = cluster.startStranger("gateway", 2, data, List.of())) {
      await().atMost(TestCluster.SOON).untilAsserted(() -> assertTrue(
          gateway.log().contains("No seed node can be asked for the cluster (" + cluster.seeds()), gateway.tail()));
      // The line above may be of its first run, if node 1 was slow to answer then.
      await().atMost(TestCluster.SOON).untilAsserted(() -> assertTrue(gateway.log().contains("voters is damaged"), gateway.tail()));
      await().atMost(TestCluster.SOON).until(() ->
          ssh.sftp("alice", PASSWORD, "127.0.0.2", cluster.sftpPort(), "pwd\n").status() == 0);
      assertEquals(503, cluster.apiAt("127.0.0.2").put("/api/v1/config/users/bob", "{}").status());
      assertEquals("isolated", cluster.apiAt("127.0.0.2").get("/api/v1/cluster").body()
          .path("members").get(0).path("state").asText());
      assertEquals(0, gateway.stop());
    }
  }

  @Test
  void dataDirectoryThatCannotBeWritten_isExplained() throws Exception {
    // Nobody, not even root, can make a directory there.
    Path data = Path.of("/proc/flotilla");
    try (NodeProcess node = NodeProcess.start("other", directory.resolve("other.log"), List.of(),
        List.of("--form", "--data", data.toString()))) {
      assertEquals(1, node.awaitExit());
      assertTrue(node.log().contains("the data directory " + data + " cannot be written"), node.log());
    }
  }

  @Test
  void dataDirectoryInUse_isRefused() throws Exception {
    try (NodeProcess second = cluster.startStranger("second", 2, cluster.state(1), List.of())) {
      assertEquals(1, second.awaitExit());
      assertTrue(second.log().contains("another process uses the data directory"), second.log());
    }
  }

  @Test
  void portBelow1024_withoutTheRight_isAProblemOfThatListenerOnly() throws Exception {
    assertEquals(0, cluster.node(1).stop());
    cluster.startNode(1, cluster.host(1), List.of("setpriv", "--bounding-set=-net_bind_service",
        "--inh-caps=-net_bind_service"), List.of());
    cluster.awaitConverged();

    JsonNode refusal =
        cluster.api(1).put("/api/v1/config/listeners/low", "{\"protocol\":\"sftp\",\"port\":22}").expect(409).body();
    assertTrue(refusal.path("nodes").path("node-1").asText().contains("CAP_NET_BIND_SERVICE"), refusal.toString());
    cluster.api(1).put("/api/v1/config/listeners/low?force=true", "{\"protocol\":\"sftp\",\"port\":22}").expect(201);

    await().atMost(TestCluster.SOON).until(() -> cluster.member(1, "node-1").path("state").asText().equals("degraded"));
    String reasons = cluster.member(1, "node-1").path("reasons").toString();
    assertTrue(reasons.contains("low") && reasons.contains("22"), reasons);
    cluster.api(1).put("/api/v1/config/users/alice", "{\"password\":\"a good password\"}").expect(201);
    ssh.sftp("alice", PASSWORD, cluster.host(1), cluster.sftpPort(), "pwd\n").expectSuccess();
  }
}
