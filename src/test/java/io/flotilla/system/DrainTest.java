package io.flotilla.system;

import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.ConnectException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Nodes let their clients go, take them again, leave and restart, with real clients and load balancers. */
class DrainTest {
  private static final String CONFIG = "/api/v1/config/";
  private static final OpenSsh.Password PASSWORD = new OpenSsh.Password(CurlHttp.PASSWORD);

  @TempDir private static Path directory;
  private static TestCluster cluster;
  private static OpenSsh ssh;

  @BeforeAll
  static void start() throws IOException {
    // What supervises nodes, so that they may end in order to restart, is the test itself.
    cluster = TestCluster.start(directory.resolve("cluster"), 3, Optional.empty(),
        List.of("--set", "flotilla.supervised=true"));
    ssh = new OpenSsh(directory);
    cluster.api(1).put(CONFIG + "listeners/ftp?wait=applied", "{\"protocol\":\"ftp\",\"port\":" + cluster.ftpPort()
        + ",\"ftp\":{\"passivePorts\":\"" + cluster.passivePorts() + "\"}}").expect(201);
    cluster.api(1).put(CONFIG + "listeners/http?wait=applied",
        "{\"protocol\":\"http\",\"port\":" + cluster.httpPort() + ",\"http\":{\"tls\":false}}").expect(201);
    cluster.api(1).put(CONFIG + "users/ann?wait=applied", "{\"password\":\"" + CurlHttp.PASSWORD + "\"}").expect(201);
  }

  @AfterAll
  static void stop() {
    cluster.close();
  }

  @AfterEach
  void serveAgain() throws IOException {
    for (int k = 1; k <= 3; k++) {
      order(k, k, "resume");
    }
    cluster.awaitConverged();
  }

  private static String path(int k, String order) {
    return "/api/v1/nodes/" + cluster.name(k) + (order.isEmpty() ? "" : "/" + order);
  }

  private static JsonNode node(int asked, int k) throws IOException {
    return cluster.api(asked).get(path(k, "")).body();
  }

  private static int transfers(JsonNode node) {
    int running = 0;
    for (JsonNode connection : node.path("connections")) {
      running += connection.path("transfer").isObject() ? 1 : 0;
    }
    return running;
  }

  private static void awaitState(int asked, int k, String state) {
    // While a primary hands over it is out of the cluster for a moment.
    await().atMost(TestCluster.SOON).until(() -> node(asked, k).path("state").asText().equals(state));
  }

  /** Waits until node k is in a state as another one sees it; what that one says then. On a busy machine it may be silent for a moment. */
  private static JsonNode awaitMember(int asked, int k, String state) {
    return await().atMost(TestCluster.SOON).ignoreExceptions().until(() -> cluster.member(asked, cluster.name(k)),
        member -> member.path("state").asText().equals(state));
  }

  /** Gives node k an order by way of another one, again if it can't be reached just then, and returns the answer. */
  private static JsonNode order(int asked, int k, String order) {
    return await().atMost(TestCluster.SOON).ignoreExceptions().until(() -> cluster.api(asked).send("POST", path(k, order), ""),
        answer -> answer.status() / 100 == 2).body();
  }

  /** As {@link #order}, of which the node may end before its answer has come. */
  private static void orderToEnd(int k, String order) {
    await().atMost(TestCluster.SOON).ignoreExceptions()
        .until(() -> cluster.api(1).send("POST", path(k, order), "").status() / 100 == 2 || !cluster.node(k).isAlive());
  }

  private static byte[] random(int size) {
    byte[] bytes = new byte[size];
    new Random(size).nextBytes(bytes);
    return bytes;
  }

  private static Process curl(String... arguments) throws IOException {
    return new CurlHttp("ann", List.of()).start(List.of(arguments));
  }

  private static String agent(int k) throws IOException {
    try (Socket socket = new Socket(cluster.host(k), cluster.agentPort())) {
      return new String(socket.getInputStream().readAllBytes(), StandardCharsets.US_ASCII);
    }
  }

  private static void assertRefused(int k, int port) {
    assertThrows(ConnectException.class, () -> new Socket(cluster.host(k), port).close());
  }

  @Test
  void transfersFinish_newClientsAreRefused_idleOnesAreTold_andChangesCountAfterwards() throws Exception {
    byte[] content = random(4_000_000);
    Path file = Files.write(directory.resolve("slow.bin"), content);
    assertTrue(agent(2).matches("up( ready)? [1-9][0-9]?0?%\n"), agent(2));
    List<Process> transfers = new ArrayList<>();
    List<Process> held = new ArrayList<>();
    try (Socket idle = new Socket(cluster.host(2), cluster.ftpPort())) {
      BufferedReader replies = new BufferedReader(new InputStreamReader(idle.getInputStream(), StandardCharsets.US_ASCII));
      replies.readLine();
      // These have sent a half, and wait for the rest.
      held.add(curl("-T", "-", "ftp://" + cluster.host(2) + ":" + cluster.ftpPort() + "/by-ftp.bin"));
      held.add(curl("-f", "-T", "-", "http://" + cluster.host(2) + ":" + cluster.httpPort() + "/files/by-http.bin"));
      transfers.addAll(held);
      for (Process transfer : held) {
        transfer.getOutputStream().write(content, 0, content.length / 2);
        transfer.getOutputStream().flush();
      }
      await().atMost(TestCluster.SOON).until(() -> transfers(node(1, 2)) == 2);
      transfers.add(ssh.start("ann", PASSWORD, cluster.host(2), cluster.sftpPort(), "put " + file + " by-sftp.bin\n",
          List.of("-l", "3000")));
      await().atMost(TestCluster.SOON).until(() -> transfers(node(1, 2)) == 3);

      JsonNode begun = order(1, 2, "drain?deadline=5m");

      assertEquals("draining", begun.path("state").asText());
      assertEquals("drain", begun.at("/drain/purpose").asText());
      for (int port : new int[] {cluster.sftpPort(), cluster.ftpPort(), cluster.httpPort()}) {
        assertRefused(2, port);
      }
      assertTrue(transfers.stream().allMatch(Process::isAlive), "the transfers should still run");
      assertEquals(503, cluster.api(2).get("/health/ready").status());
      assertTrue(cluster.api(2).text("/health/ready").contains("it is drained (by "), cluster.api(2).text("/health/ready"));
      assertEquals(200, cluster.api(2).get("/health/live").status());
      await().atMost(TestCluster.SOON).until(() -> agent(2).equals("drain\n"));
      JsonNode seen = awaitMember(3, 2, "draining");
      assertTrue(seen.at("/reasons/0").asText().contains("clients have until"), seen.toString());
      assertTrue(cluster.api(2).text("/metrics").contains("flotilla_node_draining 1.0"));
      assertTrue(replies.readLine().startsWith("421"), "who is idle is told");
      // If the node was the primary, there is none for a moment.
      await().atMost(TestCluster.SOON).until(() -> cluster.api(2).put(CONFIG + "listeners/sftp?wait=applied",
          "{\"protocol\":\"sftp\",\"port\":" + cluster.otherSftpPort() + "}").status() == 200);
      assertRefused(2, cluster.otherSftpPort());
      for (Process transfer : held) {
        transfer.getOutputStream().write(content, content.length / 2, content.length - content.length / 2);
        transfer.getOutputStream().close();
      }
      for (Process transfer : transfers) {
        CurlHttp.finish(transfer).expectSuccess();
      }
      awaitState(3, 2, "drained");
      assertEquals(0, node(3, 2).path("remaining").asInt());
      for (String name : List.of("by-sftp.bin", "by-ftp.bin", "by-http.bin")) {
        assertArrayEquals(content, Files.readAllBytes(cluster.files().resolve("users/ann/" + name)));
      }

      assertEquals("serving", order(3, 2, "resume").path("state").asText());
      ssh.sftp("ann", PASSWORD, cluster.host(2), cluster.otherSftpPort(), "ls\n").expectSuccess();
      await().atMost(TestCluster.SOON).until(() -> agent(2).startsWith("up ready "));
      assertTrue(cluster.node(2).log().contains("This node takes clients again"));
    } finally {
      transfers.forEach(Process::destroyForcibly);
      await().atMost(TestCluster.SOON).until(() -> cluster.api(1).put(CONFIG + "listeners/sftp?wait=applied",
          "{\"protocol\":\"sftp\",\"port\":" + cluster.sftpPort() + "}").status() == 200);
    }
  }

  @Test
  void httpConnectionThatIsKept_isServedOnceMore_andToldToGoElsewhere() throws Exception {
    try (Socket socket = new Socket(cluster.host(3), cluster.httpPort())) {
      byte[] request = "GET /files/nothing HTTP/1.1\r\nHost: a\r\n\r\n".getBytes(StandardCharsets.US_ASCII);
      socket.getOutputStream().write(request);
      byte[] first = new byte[12];
      assertEquals(first.length, socket.getInputStream().readNBytes(first, 0, first.length));
      assertEquals("HTTP/1.1 401", new String(first, StandardCharsets.US_ASCII));
      order(1, 3, "drain");
      socket.getOutputStream().write(request);
      String rest = new String(socket.getInputStream().readAllBytes(), StandardCharsets.US_ASCII);
      String last = rest.substring(Math.max(0, rest.lastIndexOf("HTTP/1.1 ")));
      assertTrue(last.startsWith("HTTP/1.1 401") && last.contains("Connection: close"), last);
    }
  }

  @Test
  void deadlineThatPasses_endsWhoIsLeft() throws Exception {
    Path file = Files.write(directory.resolve("endless.bin"), random(20_000_000));
    Process transfer = ssh.start("ann", PASSWORD, cluster.host(3), cluster.sftpPort(), "put " + file + " endless.bin\n",
        List.of("-l", "1000"));
    try {
      await().atMost(TestCluster.SOON).until(() -> node(1, 3).at("/connections/0/transfer/path").asText().equals("/endless.bin"));
      order(1, 3, "drain?deadline=1s");
      awaitState(1, 3, "drained");
      assertNotEquals(0, CurlHttp.finish(transfer).exit());
      assertTrue(Files.notExists(cluster.files().resolve("users/ann/endless.bin")));
      assertTrue(cluster.node(3).log().contains("1 clients were ended at the deadline"), cluster.node(3).tail());
    } finally {
      transfer.destroyForcibly();
    }
  }

  @Test
  void portThatIsTakenWhileDrained_isAProblemOnResume_untilItIsFree() throws Exception {
    order(2, 2, "drain");
    awaitState(2, 2, "drained");
    try (ServerSocket thief = new ServerSocket()) {
      thief.setReuseAddress(true);
      thief.bind(new InetSocketAddress(InetAddress.getByName(cluster.host(2)), cluster.sftpPort()));
      order(1, 2, "resume");
      JsonNode seen = awaitMember(1, 2, "degraded");
      assertTrue(seen.path("reasons").toString().contains("port " + cluster.sftpPort() + " is in use"), seen.toString());
      new Socket(cluster.host(2), cluster.ftpPort()).close();
    }
    cluster.awaitConverged();
  }

  @Test
  void primaryThatIsDrained_handsOver_andGoesOnVoting() throws Exception {
    int primary = cluster.primary(1);
    int other = primary % 3 + 1;
    order(other, primary, "drain");
    awaitState(other, primary, "drained");
    JsonNode drained = node(primary, primary);
    assertTrue(drained.at("/drain/trouble").isNull(), drained.toString());
    await().atMost(TestCluster.SOON).until(() -> cluster.primary(other) != 0 && cluster.primary(other) != primary);
    await().atMost(TestCluster.SOON).until(() ->
        cluster.api(other).put(CONFIG + "groups/after-" + primary + "?wait=applied", "{}").status() / 100 == 2);
    await().atMost(TestCluster.SOON).until(() -> {
      for (JsonNode voter : cluster.api(other).get("/api/v1/voters").expect(200).body().path("voters")) {
        if (voter.path("node").asText().equals(cluster.name(primary))) {
          return voter.path("votes").asBoolean() && voter.path("reachable").asBoolean();
        }
      }
      return false;
    });
    awaitMember(other, primary, "draining");
  }

  @Tag("long")
  @Test
  void voterLeaves_onlyIfItsVoteIsKept_withStatus0_andServesWhenItIsStartedAgain() throws Exception {
    int k = cluster.primary(1) == 3 ? 2 : 3;
    await().atMost(TestCluster.SOON).until(() -> cluster.api(1).send("POST", path(k, "leave"), ""), answer -> answer.status() == 409
        && answer.body().path("detail").asText().contains("voters remove"));
    assertEquals("serving", node(1, k).path("state").asText());
    orderToEnd(k, "leave?keepVote=true&deadline=5s");
    assertEquals(0, cluster.node(k).awaitExit());
    int witness = k % 3 + 1;
    await().atMost(TestCluster.SOON).until(() -> cluster.member(witness, cluster.name(k)).path("status").asText().equals("away"));
    assertTrue(cluster.api(witness).get(path(k, "")).status() == 404);
    cluster.startNode(k, List.of());
    cluster.awaitConverged();
    assertEquals("serving", node(witness, k).path("state").asText());
  }

  @Tag("long")
  @Test
  void nodeThatIsToldToRestart_endsWithTheStatusForIt_andItsDrainDoesNotOutliveIt() throws Exception {
    int k = cluster.primary(1) == 3 ? 2 : 3;
    orderToEnd(k, "restart?deadline=5s");
    assertEquals(75, cluster.node(k).awaitExit());
    cluster.startNode(k, List.of());
    cluster.awaitConverged();
    ssh.sftp("ann", PASSWORD, cluster.host(k), cluster.sftpPort(), "ls\n").expectSuccess();
  }

  @Tag("long")
  @Test
  void rollingRestart_stopsAtTheFirstNodeThatDoesNotComeBack() throws Exception {
    Path token = Files.writeString(directory.resolve("token"), cluster.api(1).token());
    int primary = cluster.primary(1);
    int first = primary == 1 ? 2 : 1;
    try {
      String told = command("cluster", "restart", "--rolling", "--deadline", "1s", "--return", "5s", "--server", cluster.api(primary).url(),
          "--token-file", token.toString());
      assertEquals(75, cluster.node(first).awaitExit());
      assertTrue(told.contains("the restart stops at node-" + first + ", which has not come back converged within 6 s"), told);
      assertTrue(told.contains("not restarted: node-" + (6 - first - primary) + ", node-" + primary), told);
      assertTrue(cluster.node(primary).isAlive() && cluster.node(6 - first - primary).isAlive());

      told = command("cluster", "restart", "--rolling", "--server", cluster.api(primary).url(), "--token-file", token.toString());
      assertTrue(told.contains("nothing was restarted: node-" + first + " is unreachable (it is not in the cluster"), told);
      assertTrue(told.contains("; the voter node-" + first + " does not answer"), told);
    } finally {
      cluster.startNode(first, List.of());
    }
  }

  /** What a command that has to fail prints. */
  private static String command(String... arguments) throws IOException, InterruptedException {
    List<String> command = new ArrayList<>(List.of(Path.of(System.getProperty("java.home"), "bin", "java").toString(),
        "-XX:TieredStopAtLevel=1", "-cp", NodeProcess.classPath(), "io.flotilla.node.cli.FlotillaCommand"));
    command.addAll(List.of(arguments));
    Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
    CurlHttp.Result result = CurlHttp.finish(process);
    assertEquals(1, result.exit(), result.output());
    return result.output();
  }

  @Test
  void haProxy_obeysTheAgent_andTakesTheNodeBack() throws Exception {
    try (TcpBalancer balancer = TcpBalancer.start(directory.resolve("agent"), List.of(backend("sftp", cluster.sftpPort(),
        "check inter 300ms weight 100 agent-check agent-addr %h agent-port " + cluster.agentPort() + " agent-inter 200ms")), List.of())) {
      await().atMost(TestCluster.SOON)
          .until(() -> balancer.state("sftp", "node-2").startsWith("UP") && balancer.weight("sftp", "node-2") > 0);
      order(1, 2, "drain");
      await().atMost(TestCluster.SOON).until(() -> balancer.state("sftp", "node-2").startsWith("DRAIN"));
      for (int i = 0; i < 6; i++) {
        ssh.sftp("ann", PASSWORD, balancer.host(), balancer.port("sftp"), "pwd\n", List.of("-o", "StrictHostKeyChecking=no"))
            .expectSuccess();
      }
      order(1, 2, "resume");
      await().atMost(TestCluster.SOON).until(() -> balancer.state("sftp", "node-2").startsWith("UP"));
      assertTrue(balancer.weight("sftp", "node-2") > 0);
    }
  }

  @Test
  void loadBalancerThatDoesNotCheck_givesClientsOfADrainedNodeToAnother_orAClosedConnection() throws Exception {
    order(1, 2, "drain");
    awaitState(1, 2, "drained");
    List<String> onlyNode2 = List.of(cluster.host(2) + ":" + cluster.ftpPort());
    List<String> both = List.of(cluster.host(2) + ":" + cluster.ftpPort(), cluster.host(3) + ":" + cluster.ftpPort());
    try (TcpBalancer balancer = TcpBalancer.start(directory.resolve("unchecked"), List.of(new TcpBalancer.Backend("alone", onlyNode2, ""),
        new TcpBalancer.Backend("both", both, "")), List.of("retries 3", "option redispatch 1"))) {
      try (Socket alone = new Socket(balancer.host(), balancer.port("alone"))) {
        alone.setSoTimeout((int) Duration.ofSeconds(60).toMillis());
        assertEquals(-1, alone.getInputStream().read(), "nobody is there, and the client learns it soon");
      }
      for (int i = 0; i < 4; i++) {
        try (Socket client = new Socket(balancer.host(), balancer.port("both"))) {
          client.setSoTimeout((int) Duration.ofSeconds(60).toMillis());
          assertEquals('2', client.getInputStream().read(), "another node greets the client");
        }
      }
    }
  }

  private static TcpBalancer.Backend backend(String name, int port, String server) {
    return new TcpBalancer.Backend(name, IntStream.rangeClosed(1, 3).mapToObj(k -> cluster.host(k) + ":" + port).toList(), server);
  }
}
