package io.flotilla.system;

import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** FTP and FTPS on three nodes with one storage, while the configuration changes. The client is curl. */
class FtpTest {
  private static final long PATIENCE_SECONDS = 90;
  /** What curl makes of reply 552. */
  private static final int CURL_QUOTA_EXCEEDED = 70;

  @TempDir private static Path directory;
  private static TestCluster cluster;
  private static Path certificate;

  @BeforeAll
  static void start() throws IOException {
    cluster = TestCluster.start(directory.resolve("cluster"), 3);
    cluster.api(1).put("/api/v1/config/certificates/ftp?wait=applied",
        "{\"selfSigned\":{\"names\":[\"127.0.0.1\",\"127.0.0.2\",\"127.0.0.3\"]}}").expect(201);
    certificate = Files.writeString(directory.resolve("ftp.pem"),
        cluster.api(2).get("/api/v1/config/certificates/ftp").expect(200).body().path("certificate").asText());
    // Nodes that have just started may take longer over their first certificate than they are given for an answer.
    await().atMost(TestCluster.SOON).until(() ->
        cluster.api(2).put("/api/v1/config/listeners/ftp?wait=applied", listener(cluster.ftpPort())).status() == 201);
  }

  @AfterAll
  static void stop() {
    cluster.close();
  }

  private static String listener(int port) {
    return "{\"protocol\":\"ftp\",\"port\":" + port + ",\"ftp\":{\"tls\":\"explicit\",\"certificate\":\"ftp\","
        + "\"passivePorts\":\"" + cluster.passivePorts() + "\"}}";
  }

  @Test
  void everyNode_showsTheSameCertificate_andServesWhatCameInByAnother() throws Exception {
    user("partner");
    byte[] content = random(3_000_000);
    Path file = Files.write(directory.resolve("partner.bin"), content);
    for (int k = 1; k <= 3; k++) {
      List<String> secured = List.of("--ssl-reqd", "--cacert", certificate.toString());
      curl("partner", secured, "-T", file.toString(), url(k, "dir/from-" + k + ".bin"), "--ftp-create-dirs").expectSuccess();
      Path back = directory.resolve("partner-" + k);
      curl("partner", secured, "-o", back.toString(), url(k % 3 + 1, "dir/from-" + k + ".bin")).expectSuccess();
      assertArrayEquals(content, Files.readAllBytes(back));
    }
    assertEquals(3, children(cluster.files().resolve("users/partner/dir")).size(), "nothing but the three files");
  }

  @Test
  void whereTlsIsRequired_nothingGoesInClear_onAnyNode_fromTheChangeOn() throws Exception {
    user("careful");
    cluster.api(1).send("PATCH", "/api/v1/config/listeners/ftp?wait=applied", "{\"ftp\":{\"tls\":\"required\"}}").expect(200);
    try {
      for (int k = 1; k <= 3; k++) {
        assertNotEquals(0, curl("careful", List.of(), url(k, "")).status());
        curl("careful", List.of("--ssl-reqd", "--cacert", certificate.toString()), url(k, "")).expectSuccess();
      }
    } finally {
      cluster.api(1).send("PATCH", "/api/v1/config/listeners/ftp?wait=applied", "{\"ftp\":{\"tls\":\"explicit\"}}").expect(200);
    }
  }

  @Test
  void sftpAndFtp_exchangeTheirPorts_inOneChange() throws Exception {
    user("both");
    exchange(cluster.sftpPort(), cluster.ftpPort());
    try {
      OpenSsh ssh = new OpenSsh(directory);
      for (int k = 1; k <= 3; k++) {
        ssh.sftp("both", new OpenSsh.Password("correct horse"), cluster.host(k), cluster.ftpPort(), "pwd\n").expectSuccess();
        curl("both", List.of(), "ftp://" + cluster.host(k) + ":" + cluster.sftpPort() + "/").expectSuccess();
      }
    } finally {
      exchange(cluster.ftpPort(), cluster.sftpPort());
    }
  }

  private static void exchange(int ftp, int sftp) throws IOException {
    cluster.api(3).send("POST", "/api/v1/config/changes?wait=applied", "{\"comment\":\"exchange\",\"operations\":["
        + "{\"op\":\"put\",\"kind\":\"listeners\",\"name\":\"sftp\",\"value\":{\"protocol\":\"sftp\",\"port\":" + sftp + "}},"
        + "{\"op\":\"put\",\"kind\":\"listeners\",\"name\":\"ftp\",\"value\":" + listener(ftp) + "}]}").expect(200);
  }

  @Test
  void movedPortAndPassivePorts_letARunningUploadFinish() throws Exception {
    user("mover");
    byte[] content = random(3_000_000);
    Path file = Files.write(directory.resolve("slow.bin"), content);
    Process transfer = start("mover", List.of("--limit-rate", "500k"), "-T", file.toString(), url(2, "slow.bin"));
    try {
      await().atMost(TestCluster.SOON).until(() -> connections(2) > 0);

      cluster.api(3).send("PATCH", "/api/v1/config/listeners/ftp?wait=applied",
          "{\"port\":" + cluster.otherFtpPort() + ",\"ftp\":{\"passivePorts\":null}}").expect(200);
      for (int k = 1; k <= 3; k++) {
        curl("mover", List.of(), "ftp://" + cluster.host(k) + ":" + cluster.otherFtpPort() + "/").expectSuccess();
        assertNotEquals(0, curl("mover", List.of(), url(k, "")).status());
      }
      assertTrue(transfer.isAlive(), "the upload should still run; make it slower");

      finish(transfer).expectSuccess();
      assertArrayEquals(content, Files.readAllBytes(cluster.files().resolve("users/mover/slow.bin")));
    } finally {
      transfer.destroyForcibly().waitFor();
      cluster.api(3).put("/api/v1/config/listeners/ftp?wait=applied", listener(cluster.ftpPort())).expect(200);
    }
  }

  @Test
  void deletingAUser_breaksTheirUploadOff_onAnotherNode_andPublishesNothing() throws Exception {
    user("leaver");
    Path file = Files.write(directory.resolve("leaver.bin"), random(4_000_000));
    Process transfer = start("leaver", List.of("--limit-rate", "50k"), "-T", file.toString(), url(3, "leaver.bin"));
    try {
      await().atMost(TestCluster.SOON).until(() -> connections(3) > 0);

      cluster.api(1).send("DELETE", "/api/v1/config/users/leaver?wait=applied", "").expect(200);

      assertNotEquals(0, finish(transfer).status(), "the upload should have been broken off");
      assertTrue(Files.notExists(cluster.files().resolve("users/leaver/leaver.bin")), "a broken upload must not be published");
    } finally {
      transfer.destroyForcibly().waitFor();
    }
  }

  @Test
  void nodeBehindNat_tellsAnAddressOfItsOwn() throws Exception {
    user("outside");
    cluster.api(1).put("/api/v1/config/nodes/node-2?wait=applied",
        "{\"listeners\":{\"ftp\":{\"passiveAddress\":\"192.0.2.7\"}}}").expect(201);
    try {
      for (int k = 1; k <= 3; k++) {
        // curl is told to use the address it is told, which only node 2's can't reach.
        Result listing = curl("outside", List.of("--disable-epsv", "--no-ftp-skip-pasv-ip", "--connect-timeout", "2", "-v"), url(k, ""));
        assertEquals(k == 2, listing.output().contains("227 Entering Passive Mode (192,0,2,7,"), listing.output());
      }
    } finally {
      cluster.api(1).send("DELETE", "/api/v1/config/nodes/node-2?wait=applied", "").expect(200);
    }
  }

  /** Of each node one session by either protocol, and what they come to by a change that another node takes. */
  @ParameterizedTest
  @CsvSource(delimiter = '|', value = {
      "disabled|users/disabled|{\"enabled\":false}|0|0",
      "rekeyed|users/rekeyed|{\"password\":\"another horse\"}|0|0",
      "unwanted|users/unwanted|{\"protocols\":[\"sftp\"]}|0|3",
      "abroad|users/abroad|{\"allowFrom\":[\"192.0.2.0/24\"]}|0|0",
      "one|users/one|{\"denyFrom\":[\"127.0.0.1\"]}|0|0",
      "banned|access-rules/banned|{\"action\":\"deny\",\"from\":[\"127.0.0.0/8\"],\"protocols\":[\"sftp\"]}|3|0",
      "closed|listeners/ftp|{\"enabled\":false}|0|3"})
  void whatIsRevoked_endsItsSessionsOnAllNodes_andNoOthers(String name, String entity, String change, int ftp, int sftp)
      throws Exception {
    user(name);
    List<Socket> sockets = new ArrayList<>();
    List<Process> clients = new ArrayList<>();
    try {
      for (int k = 1; k <= 3; k++) {
        sockets.add(idleFtp(name, k));
        clients.add(new OpenSsh(directory).start(name, new OpenSsh.Password("correct horse"), cluster.host(k), cluster.sftpPort(),
            "pwd\n!sleep 60\n", List.of()));
      }
      await().atMost(TestCluster.SOON).until(() -> sessions(name, "ftp") == 3 && sessions(name, "sftp") == 3);

      cluster.api(2).send(entity.startsWith("access-rules") ? "PUT" : "PATCH", "/api/v1/config/" + entity + "?wait=applied", change);

      await().atMost(TestCluster.SOON).untilAsserted(() -> {
        assertEquals(ftp, sessions(name, "ftp"));
        assertEquals(sftp, sessions(name, "sftp"));
      });
    } finally {
      for (Socket socket : sockets) {
        socket.close();
      }
      for (Process client : clients) {
        client.descendants().forEach(ProcessHandle::destroyForcibly);
        client.destroyForcibly().waitFor();
      }
      cluster.api(1).send("DELETE", "/api/v1/config/access-rules/banned?wait=applied", "");
      cluster.api(1).put("/api/v1/config/listeners/ftp?wait=applied", listener(cluster.ftpPort())).expect(200);
    }
  }

  @Test
  void twoNodesThatWriteOneName_publishWholeFilesOnly() throws Exception {
    user("twice");
    List<byte[]> contents = List.of(random(1_500_000), random(1_500_001));
    List<Process> uploads = new ArrayList<>();
    for (int k = 1; k <= 2; k++) {
      Path file = Files.write(directory.resolve("twice-" + k), contents.get(k - 1));
      uploads.add(start("twice", List.of("--limit-rate", "1M"), "-T", file.toString(), url(k, "same.bin")));
    }
    for (Process upload : uploads) {
      finish(upload).expectSuccess();
    }
    byte[] published = Files.readAllBytes(cluster.files().resolve("users/twice/same.bin"));
    assertTrue(contents.stream().anyMatch(content -> Arrays.equals(content, published)), "it is one of the two");
    assertEquals(1, children(cluster.files().resolve("users/twice")).size(), "nothing is left beside it");
  }

  /** Node 3 counts the home before the others change it, and does not scan it again within the minute. */
  @Test
  void quota_holdsForAllNodesTogether() throws Exception {
    cluster.api(1).put("/api/v1/config/users/saver?wait=applied",
        "{\"password\":\"correct horse\",\"limits\":{\"quotaBytes\":1000000}}").expect(201);
    Path file = Files.write(directory.resolve("saver.bin"), random(600_000));
    try (Socket session = idleFtp("saver", 3)) {
      curl("saver", List.of(), "-T", file.toString(), url(1, "one.bin")).expectSuccess();
      await().atMost(Duration.ofSeconds(30)).untilAsserted(() -> {
        Result refused = curl("saver", List.of(), "-T", file.toString(), url(3, "two.bin"));
        if (refused.status() == 0) { // it has not heard of the first one yet
          curl("saver", List.of("-Q", "DELE two.bin"), url(3, "")).expectSuccess();
        }
        assertEquals(CURL_QUOTA_EXCEEDED, refused.status(), refused.output());
      });
      assertTrue(Files.notExists(cluster.files().resolve("users/saver/two.bin")));
      curl("saver", List.of("-Q", "DELE one.bin"), url(2, "")).expectSuccess();
      await().atMost(TestCluster.SOON).untilAsserted(() ->
          curl("saver", List.of(), "-T", file.toString(), url(3, "two.bin")).expectSuccess());
      assertTrue(session.isConnected());
    }
  }

  private static Socket idleFtp(String user, int k) throws IOException {
    Socket socket = new Socket(cluster.host(k), cluster.ftpPort());
    BufferedReader replies = new BufferedReader(new InputStreamReader(socket.getInputStream(), StandardCharsets.US_ASCII));
    replies.readLine();
    socket.getOutputStream().write(("USER " + user + "\r\nPASS correct horse\r\n").getBytes(StandardCharsets.US_ASCII));
    assertTrue(replies.readLine().startsWith("331"));
    assertTrue(replies.readLine().startsWith("230"));
    return socket;
  }

  private static long sessions(String user, String protocol) throws IOException {
    long count = 0;
    for (JsonNode one : cluster.api(3).get("/api/v1/connections").expect(200).body().path("items")) {
      count += one.path("user").asText().equals(user) && one.path("protocol").asText().equals(protocol) ? 1 : 0;
    }
    return count;
  }

  private static void user(String name) throws IOException {
    cluster.api(1).put("/api/v1/config/users/" + name + "?wait=applied", "{\"password\":\"correct horse\"}").expect(201);
  }

  private static int connections(int k) throws IOException {
    return cluster.member(1, "node-" + k).path("connections").path("ftp").asInt();
  }

  private static String url(int k, String path) {
    return "ftp://" + cluster.host(k) + ":" + cluster.ftpPort() + "/" + path;
  }

  private record Result(int status, String output) {
    void expectSuccess() {
      assertEquals(0, status, output);
    }
  }

  private static Result curl(String user, List<String> options, String... arguments) throws IOException, InterruptedException {
    return finish(start(user, options, arguments));
  }

  private static Process start(String user, List<String> options, String... arguments) throws IOException {
    List<String> command = new ArrayList<>(List.of("curl", "-q", "-sS", "--max-time", "60", "-u", user + ":correct horse"));
    command.addAll(options);
    command.addAll(List.of(arguments));
    return new ProcessBuilder(command).redirectErrorStream(true).start();
  }

  private static Result finish(Process process) throws IOException, InterruptedException {
    String output = new String(process.getInputStream().readAllBytes());
    if (!process.waitFor(PATIENCE_SECONDS, TimeUnit.SECONDS)) {
      process.destroyForcibly();
      throw new AssertionError("curl did not end:\n" + output);
    }
    return new Result(process.exitValue(), output);
  }

  private static List<Path> children(Path folder) throws IOException {
    try (var files = Files.list(folder)) {
      return files.toList();
    }
  }

  private static byte[] random(int size) {
    byte[] bytes = new byte[size];
    new Random(size).nextBytes(bytes);
    return bytes;
  }
}
