package io.flotilla.system;

import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Three nodes behind load balancers that run with exactly what {@code flotilla lb} prints. Clients are at addresses of their own, which
 * is what nodes have to know them by.
 */
class BalancerTest {
  private static final long PATIENCE_SECONDS = 120;
  private static final String HAPROXY = "127.0.0.9";
  private static final String PASSWORD = "correct horse";

  @TempDir private static Path directory;
  private static TestCluster cluster;
  private static Path certificate;

  @BeforeAll
  static void start() throws IOException {
    cluster = TestCluster.start(directory.resolve("cluster"), 3);
    cluster.api(1).put("/api/v1/config/certificates/front?wait=applied",
        "{\"selfSigned\":{\"names\":[\"127.0.0.9\",\"127.0.0.10\",\"127.0.0.11\",\"127.0.0.13\"]}}").expect(201);
    certificate = Files.writeString(directory.resolve("front.pem"),
        cluster.api(1).get("/api/v1/config/certificates/front").expect(200).body().path("certificate").asText());
    // Nodes that have just started may take longer over their first certificate than they are given for an answer.
    change("POST", "changes", changes());
    cluster.api(1).put("/api/v1/config/users/ann?wait=applied", "{\"password\":\"" + PASSWORD + "\"}").expect(201);
  }

  /** Nodes that are busy may not answer in time whether they can do it; then nothing has changed. */
  private static void change(String method, String what, String json) {
    await().atMost(TestCluster.SOON).until(() ->
        cluster.api(1).send(method, "/api/v1/config/" + what + "?wait=applied", json).status() / 100 == 2);
  }

  @AfterAll
  static void stop() {
    cluster.close();
  }

  /** All listeners by proxies alone, and passive ports of its own for each node. */
  private static String changes() {
    String proxied = "\"proxyProtocol\":\"required\",\"trustedProxies\":[\"127.0.0.1\"]";
    int first = Integer.parseInt(cluster.passivePorts().split("-")[0]);
    List<String> operations = new ArrayList<>(List.of(
        put("listeners", "sftp", "{\"protocol\":\"sftp\",\"port\":" + cluster.sftpPort() + "," + proxied + "}"),
        put("listeners", "ftp", "{\"protocol\":\"ftp\",\"port\":" + cluster.ftpPort() + "," + proxied
            + ",\"ftp\":{\"tls\":\"explicit\",\"certificate\":\"front\",\"requireSessionReuse\":true}}"),
        put("listeners", "ftps", "{\"protocol\":\"ftp\",\"port\":" + cluster.otherFtpPort() + "," + proxied
            + ",\"nodes\":[\"node-1\",\"node-2\"],\"ftp\":{\"tls\":\"implicit\",\"certificate\":\"front\"}}"),
        put("listeners", "http", "{\"protocol\":\"http\",\"port\":" + cluster.httpPort() + "," + proxied + ",\"http\":{\"tls\":false}}"),
        put("listeners", "https", "{\"protocol\":\"http\",\"port\":" + cluster.httpsPort() + "," + proxied
            + ",\"http\":{\"certificate\":\"front\"}}")));
    for (int k = 1; k <= 3; k++) {
      int at = first + 2 * (k - 1);
      operations.add(put("nodes", "node-" + k, "{\"listeners\":{\"ftp\":{\"passivePorts\":\"" + at + "-" + (at + 1) + "\"}"
          + (k == 3 ? "" : ",\"ftps\":{\"passivePorts\":\"" + (first + 5 + k) + "-" + (first + 5 + k) + "\"}") + "}}"));
    }
    return "{\"operations\":[" + String.join(",", operations) + "]}";
  }

  private static String put(String kind, String name, String value) {
    return "{\"op\":\"put\",\"kind\":\"" + kind + "\",\"name\":\"" + name + "\",\"value\":" + value + "}";
  }

  private record Result(int status, String output, String errors) {
    Result expectSuccess() {
      assertEquals(0, status, output + errors);
      return this;
    }
  }

  private static Result run(List<String> command) throws IOException, InterruptedException {
    Path errors = Files.createTempFile(directory, "errors", ".txt");
    Process process = new ProcessBuilder(command).redirectError(errors.toFile()).start();
    String output = new String(process.getInputStream().readAllBytes());
    if (!process.waitFor(PATIENCE_SECONDS, TimeUnit.SECONDS)) {
      process.destroyForcibly();
      throw new AssertionError(command + " still runs: " + output + Files.readString(errors));
    }
    return new Result(process.exitValue(), output, Files.readString(errors));
  }

  private static Result lb(String... arguments) throws IOException, InterruptedException {
    List<String> command = new ArrayList<>(List.of(Path.of(System.getProperty("java.home"), "bin", "java").toString(),
        "-cp", NodeProcess.classPath(), "io.flotilla.node.cli.FlotillaCommand", "lb"));
    command.addAll(List.of(arguments));
    command.addAll(List.of("--server", cluster.api(2).url(), "--token-file", cluster.state(1).resolve("admin-token").toString()));
    return run(command);
  }

  private static Result curl(String from, String... arguments) throws IOException, InterruptedException {
    List<String> command = new ArrayList<>(List.of("curl", "-q", "-sS", "--max-time", "60", "--interface", from, "--cacert",
        certificate.toString(), "-u", "ann:" + PASSWORD));
    command.addAll(List.of(arguments));
    return run(command);
  }

  private static Balancer haproxy(String address, Result printed, String version1) throws IOException {
    assertEquals("", printed.errors(), "nothing is wrong with this configuration");
    return Balancer.haproxy(directory, "haproxy-" + address, version1.isEmpty() ? printed.output()
        : printed.output().replace("send-proxy-v2", version1)).awaitOpen(address, cluster.sftpPort());
  }

  private static byte[] random(int size) {
    byte[] bytes = new byte[size];
    new Random(size).nextBytes(bytes);
    return bytes;
  }

  /**
   * Each protocol there and back through a load balancer, by clients at one address.
   *
   * @param rounds of all; with three, each protocol comes to each node
   * @param versions of TLS with which data connections have to resume the session of their control connection
   */
  private static void transfers(int rounds, String balancer, String from, String... versions) throws Exception {
    byte[] content = random(700_000);
    Path file = Files.write(directory.resolve("up.bin"), content);
    Path back = directory.resolve("back.bin");
    OpenSsh ssh = new OpenSsh(directory);
    for (int i = 0; i < rounds; i++) {
      Files.deleteIfExists(back);
      ssh.sftp("ann", new OpenSsh.Password(PASSWORD), balancer, cluster.sftpPort(),
          "put " + file + " sftp.bin\nget sftp.bin " + back + "\n", List.of("-o", "BindAddress=" + from)).expectSuccess();
      assertArrayEquals(content, Files.readAllBytes(back));
      for (String mode : List.of("--disable-epsv", "--ftp-pasv")) {
        there(content, file, from, "ftp://" + balancer + ":" + cluster.ftpPort() + "/ftp.bin", mode);
      }
      for (String version : versions) {
        there(content, file, from, "ftp://" + balancer + ":" + cluster.ftpPort() + "/tls.bin", "--ssl-reqd",
            "--tlsv" + version, "--tls-max", version);
      }
      there(content, file, from, "ftps://" + balancer + ":" + cluster.otherFtpPort() + "/ftps.bin");
      there(content, file, from, "http://" + balancer + ":" + cluster.httpPort() + "/files/http.bin");
      there(content, file, from, "https://" + balancer + ":" + cluster.httpsPort() + "/files/https.bin");
    }
    Path tree = Files.createDirectories(directory.resolve("tree-" + from));
    Path down = directory.resolve("down-" + from);
    for (int i = 0; i < 12; i++) {
      Files.write(tree.resolve("file-" + i), random(i * 3_000));
    }
    run(List.of("lftp", "--norc", "-c", "set net:socket-bind-ipv4 " + from + "; set ssl:ca-file " + certificate
        + "; set ssl:check-hostname no; set ftp:ssl-force yes; set ftp:ssl-protect-data yes; set net:reconnect-interval-base 1; "
        + "set net:max-retries 6; set cmd:fail-exit yes; open -u ann,'" + PASSWORD + "' ftp://" + balancer + ":" + cluster.ftpPort()
        + "; mirror -R " + tree + " tree; mirror tree " + down))
        .expectSuccess();
    for (int i = 0; i < 12; i++) {
      assertArrayEquals(random(i * 3_000), Files.readAllBytes(down.resolve("file-" + i)));
    }
  }

  private static void there(byte[] content, Path file, String from, String url, String... options) throws Exception {
    Path back = Files.createTempFile(directory, "back", ".bin");
    List<String> up = new ArrayList<>(List.of(options));
    up.addAll(List.of("-T", file.toString(), url));
    Result sent = curl(from, up.toArray(String[]::new));
    // A data connection of TLS 1.3 that has to resume brings a ticket after the handshake. To a client that has sent all and closed its socket by
    // then it comes as to nobody: the reset costs what was still on its way, and the client has to send again. All else is sent once.
    for (int i = 0; i < 5 && up.contains("--tlsv1.3") && sent.errors().contains("got 426"); i++) {
      sent = curl(from, up.toArray(String[]::new));
    }
    sent.expectSuccess();
    List<String> down = new ArrayList<>(List.of(options));
    down.addAll(List.of("-o", back.toString(), url));
    curl(from, down.toArray(String[]::new)).expectSuccess();
    assertArrayEquals(content, Files.readAllBytes(back), url);
  }

  /** Lines of all nodes' logs about clients, after the start. */
  private static List<String> clientLines() throws IOException {
    List<String> lines = new ArrayList<>();
    for (int k = 1; k <= 3; k++) {
      lines.addAll(Files.readAllLines(cluster.log(k)).stream().filter(line -> line.contains("flotilla.client")).toList());
    }
    return lines;
  }

  private static long lines(String address, String words) throws IOException {
    Pattern whole = Pattern.compile("(?<![0-9.])" + Pattern.quote(address) + "(?![0-9.])");
    return clientLines().stream().filter(line -> line.contains(words) && whole.matcher(line).find()).count();
  }

  @Test
  void everyProtocol_goesThroughHaProxy_andNodesKnowTheClientsAddress() throws Exception {
    try (Balancer balancer = haproxy(HAPROXY, lb("haproxy", "--address", HAPROXY), "")) {
      balancer.awaitOpen(HAPROXY, cluster.httpsPort());
      balancer.play(() -> transfers(3, HAPROXY, "127.0.0.77", "1.2", "1.3"));
      assertEquals(0, lines("127.0.0.1", " from "), "the balancer itself is no client: " + clientLines());
      assertTrue(lines("127.0.0.77", "") > 20, clientLines().toString());

      Process waiting = new OpenSsh(directory).start("ann", new OpenSsh.Password(PASSWORD), HAPROXY, cluster.sftpPort(),
          "pwd\n!sleep 60\n", List.of("-o", "BindAddress=127.0.0.78"));
      try {
        await().atMost(TestCluster.SOON).until(() -> addresses().equals(List.of("127.0.0.78")));
      } finally {
        waiting.descendants().forEach(ProcessHandle::destroyForcibly);
        waiting.destroyForcibly().waitFor();
      }
      change("PUT", "access-rules/not", "{\"action\":\"deny\",\"from\":[\"127.0.0.79\"]}");
      try {
        assertTrue(curl("127.0.0.79", "ftp://" + HAPROXY + ":" + cluster.ftpPort() + "/").status() != 0);
        curl("127.0.0.77", "ftp://" + HAPROXY + ":" + cluster.ftpPort() + "/").expectSuccess();
      } finally {
        change("DELETE", "access-rules/not", "");
      }
      await().atMost(TestCluster.SOON).until(() -> lines("127.0.0.79", "") > 0);
    }
  }

  @Test
  void drainedNode_getsNobodyNew_andItsTransfersFinish() throws Exception {
    byte[] content = random(600_000);
    try (Balancer balancer = haproxy("127.0.0.13", lb("haproxy", "--address", "127.0.0.13"), "")) {
      String url = "ftp://127.0.0.13:" + cluster.ftpPort() + "/slow.bin";
      balancer.awaitOpen("127.0.0.13", cluster.ftpPort());
      Process slow = new ProcessBuilder("curl", "-q", "-sS", "--max-time", "300", "--interface", "127.0.0.83",
          "-u", "ann:" + PASSWORD, "-T", "-", url).redirectErrorStream(true).start();
      try (OutputStream rest = slow.getOutputStream()) {
        rest.write(content, 0, content.length / 2);
        rest.flush();
        await().atMost(TestCluster.SOON).until(() -> nodeOf("127.0.0.83").isPresent());
        String node = nodeOf("127.0.0.83").orElseThrow();
        await().atMost(TestCluster.SOON)
            .until(() -> cluster.api(1).send("POST", "/api/v1/nodes/" + node + "/drain?deadline=5m", "").status() / 100 == 2);
        try {
          balancer.play(() -> {
            for (int i = 0; i < 6; i++) {
              curl("127.0.0.84", "ftp://127.0.0.13:" + cluster.ftpPort() + "/").expectSuccess();
              curl("127.0.0.84", "https://127.0.0.13:" + cluster.httpsPort() + "/files/").expectSuccess();
            }
          });
          assertTrue(slow.isAlive(), "the transfer should still run");
          rest.write(content, content.length / 2, content.length - content.length / 2);
          rest.close();
          assertTrue(slow.waitFor(PATIENCE_SECONDS, TimeUnit.SECONDS));
          assertEquals(0, slow.exitValue(), new String(slow.getInputStream().readAllBytes()));
          assertArrayEquals(content, Files.readAllBytes(cluster.files().resolve("users/ann/slow.bin")));
        } finally {
          await().atMost(TestCluster.SOON)
              .until(() -> cluster.api(1).send("POST", "/api/v1/nodes/" + node + "/resume", "").status() == 200);
          cluster.awaitConverged();
        }
      } finally {
        slow.destroyForcibly().waitFor();
      }
    }
  }

  /** Where a client that transfers is connected. */
  private static Optional<String> nodeOf(String address) throws IOException {
    for (JsonNode one : cluster.api(1).get("/api/v1/connections").expect(200).body().path("items")) {
      if (one.path("address").asText().equals(address) && one.path("transfer").isObject()) {
        return Optional.of(one.path("node").asText());
      }
    }
    return Optional.empty();
  }

  private static List<String> addresses() throws IOException {
    List<String> addresses = new ArrayList<>();
    for (JsonNode one : cluster.api(3).get("/api/v1/connections").expect(200).body().path("items")) {
      addresses.add(one.path("address").asText());
    }
    return addresses;
  }

  @Tag("long")
  @Test
  void version1OfTheProxyProtocol_doesAsWell() throws Exception {
    try (Balancer balancer = haproxy("127.0.0.10", lb("haproxy", "--address", "127.0.0.10", "--no-agent"), "send-proxy")) {
      balancer.awaitOpen("127.0.0.10", cluster.httpsPort());
      balancer.play(() -> transfers(1, "127.0.0.10", "127.0.0.80", "1.2", "1.3"));
      assertTrue(lines("127.0.0.80", "") > 10, clientLines().toString());
    }
  }

  @Tag("long")
  @Test
  void nginx_leadsToTheNodes_withWhatIsPrintedForIt() throws Exception {
    Result printed = lb("nginx", "--address", "127.0.0.11").expectSuccess();
    assertTrue(printed.errors().startsWith("flotilla: listener 'ftp' has requireSessionReuse") && printed.errors().lines().count() == 1,
        printed.errors());
    try (Balancer balancer = Balancer.nginx(directory, "nginx", printed.output())) {
      balancer.awaitOpen("127.0.0.11", cluster.sftpPort()).awaitOpen("127.0.0.11", cluster.httpsPort());
      // Under TLS 1.3 curl closes before the ticket of its data connection has come, and nginx then drops the end of the upload.
      balancer.play(() -> transfers(2, "127.0.0.11", "127.0.0.81", "1.2"));
      assertTrue(lines("127.0.0.81", "") > 20, clientLines().toString());
    }
  }

  /** As when all nodes are too busy to answer in time: then refusing everybody would help nobody. */
  @Test
  void clientsAreServed_thoughNoNodeCountsAsUp() throws Exception {
    String printed = lb("haproxy", "--address", "127.0.0.14", "--no-agent").expectSuccess().output().replace("inter 2s", "inter 100ms")
        .replace("expect string SSH-2.0-", "expect string never");
    try (Balancer balancer = Balancer.haproxy(directory, "down", printed).awaitOpen("127.0.0.14", cluster.sftpPort())) {
      balancer.awaitLine("Server sftp/", "Running on backup");
      balancer.play(() -> new OpenSsh(directory).sftp("ann", new OpenSsh.Password(PASSWORD), "127.0.0.14", cluster.sftpPort(), "pwd\n",
          List.of("-o", "BindAddress=127.0.0.85")).expectSuccess());
    }
  }

  /** Checks by the printed configuration, by plain connections, and by those with a header of which nothing else follows. */
  @ParameterizedTest
  @ValueSource(strings = {"as printed", "without a header", "with a header"})
  void healthChecks_findTheNodes_andLeaveNoTrace(String how) throws Exception {
    String printed = lb("haproxy", "--address", "127.0.0.12").expectSuccess().output().replace("inter 2s", "inter 100ms");
    if (!how.equals("as printed")) {
      // Without a greeting to wait for.
      printed = printed.lines().filter(line -> !line.strip().startsWith("tcp-check") && !line.strip().startsWith("option tcp-check")
          && !line.strip().startsWith("option httpchk") && !line.strip().startsWith("http-check"))
          .map(line -> line.replace(" check-ssl verify none", ""))
          .map(line -> how.equals("with a header") ? line : line.replace(" send-proxy-v2", ""))
          .reduce("", (text, line) -> text + line + "\n");
    }
    List<Long> marks = marks();
    String stats = "\nfrontend stats\n  mode http\n  bind 127.0.0.12:" + cluster.otherHttpsPort() + "\n  stats enable\n  stats uri /\n";
    try (Balancer balancer = Balancer.haproxy(directory, "checks-" + how.replace(' ', '-'), printed + stats)) {
      balancer.awaitOpen("127.0.0.12", cluster.otherHttpsPort());
      await().atMost(TestCluster.SOON).pollInterval(Duration.ofMillis(200)).untilAsserted(() -> {
        Result csv = run(List.of("curl", "-q", "-sS", "http://127.0.0.12:" + cluster.otherHttpsPort() + "/;csv"));
        List<String[]> servers = csv.output().lines().map(line -> line.split(",", -1))
            .filter(cells -> cells.length > 36 && cells[1].startsWith("node-") && !cells[1].contains(":")
                && !cells[0].contains(":data:")).toList();
        assertEquals(14, servers.size(), csv.output());
        assertTrue(servers.stream().allMatch(cells -> cells[17].equals("UP")), csv.output());
        // The time of the last state change, in seconds: they have been checked again and again since.
        assertTrue(servers.stream().allMatch(cells -> Integer.parseInt(cells[23]) >= 3), csv.output());
      });
    }
    List<String> traces = traces(marks);
    assertEquals(List.of(), traces);
  }

  private static List<Long> marks() throws IOException {
    List<Long> marks = new ArrayList<>();
    for (int k = 1; k <= 3; k++) {
      marks.add(Files.size(cluster.log(k)));
    }
    return marks;
  }

  /** What logs say of clients, or as a warning, since then. */
  private static List<String> traces(List<Long> marks) throws IOException {
    List<String> traces = new ArrayList<>();
    for (int k = 1; k <= 3; k++) {
      byte[] log = Files.readAllBytes(cluster.log(k));
      String more = new String(log, marks.get(k - 1).intValue(), log.length - marks.get(k - 1).intValue());
      try (Stream<String> lines = more.lines()) {
        // What a busy machine makes the cluster say is not about clients.
        lines.filter(line -> !line.contains("luster")).filter(line -> line.contains("flotilla.client") || line.contains(" WARN ")
            || line.contains(" ERROR ")).forEach(traces::add);
      }
    }
    return traces;
  }

  @Test
  void whatStandsInTheWay_isToldOnStandardErrorToo() throws Exception {
    change("PUT", "listeners/open", "{\"protocol\":\"sftp\",\"port\":" + cluster.otherSftpPort() + "}");
    try {
      Result printed = lb("haproxy", "--only", "open").expectSuccess();
      assertTrue(printed.errors().contains("flotilla: listener 'open' has proxyProtocol 'off'"), printed.errors());
      assertTrue(printed.output().contains("# Warning: listener 'open' has proxyProtocol 'off'"), printed.output());
      assertTrue(!printed.output().contains("frontend sftp"), printed.output());
    } finally {
      change("DELETE", "listeners/open", "");
    }
    Result unknown = lb("haproxy", "--only", "nowhere");
    assertEquals(1, unknown.status());
    assertTrue(unknown.errors().contains("there is no listener named 'nowhere'"), unknown.errors());
    assertTrue(lb("nginx", "--address", "x; }").errors().contains("must be an IPv4 or IPv6 address"));
  }
}
