package io.flotilla.system;

import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Files by HTTP and HTTPS on three nodes with one storage, while the configuration changes. The client is curl. */
class HttpTest {
  private static final String CONFIG = "/api/v1/config/";
  private static final String NAMES = "{\"selfSigned\":{\"names\":[\"127.0.0.1\",\"127.0.0.2\",\"127.0.0.3\"]}}";

  @TempDir private static Path directory;
  private static TestCluster cluster;
  private static Path certificate;

  @BeforeAll
  static void start() throws IOException {
    cluster = TestCluster.start(directory.resolve("cluster"), 3);
    cluster.api(1).put(CONFIG + "certificates/web?wait=applied", NAMES).expect(201);
    certificate = certificate();
    // Nodes that have just started may take longer over their first certificate than they are given for an answer.
    await().atMost(TestCluster.SOON).until(() -> cluster.api(2).put(CONFIG + "listeners/https?wait=applied",
        "{\"protocol\":\"http\",\"port\":" + cluster.httpsPort() + ",\"http\":{\"certificate\":\"web\"}}").status() == 201);
    cluster.api(3).put(CONFIG + "listeners/http?wait=applied",
        "{\"protocol\":\"http\",\"port\":" + cluster.httpPort() + ",\"http\":{\"tls\":false}}").expect(201);
  }

  @AfterAll
  static void stop() {
    cluster.close();
  }

  private static Path certificate() throws IOException {
    return Files.writeString(directory.resolve("web.pem"),
        cluster.api(2).get(CONFIG + "certificates/web").expect(200).body().path("certificate").asText());
  }

  @Test
  void everyNode_servesWhatCameInByAnother_byBothProtocols() throws Exception {
    user("partner");
    byte[] content = random(3_000_000);
    Path file = Files.write(directory.resolve("partner.bin"), content);
    curl("partner", "-X", "MKCOL", https(1, "dir")).expectSuccess();
    for (int k = 1; k <= 3; k++) {
      curl("partner", "-T", file.toString(), https(k, "dir/from-" + k + ".bin")).expectSuccess();
      Path back = directory.resolve("partner-" + k);
      curl("partner", "-o", back.toString(), http(k % 3 + 1, "dir/from-" + k + ".bin")).expectSuccess();
      assertArrayEquals(content, Files.readAllBytes(back));
    }
    String listing = curl("partner", https(2, "dir/?limit=2")).expectSuccess().output();
    assertTrue(listing.contains("\"name\":\"from-1.bin\"") && listing.contains("\"name\":\"from-2.bin\"")
        && !listing.contains("from-3.bin"), listing);
    String tag = curl("partner", "-I", https(1, "dir/from-1.bin")).expectSuccess().field("etag");
    for (int k = 2; k <= 3; k++) {
      assertEquals(tag, curl("partner", "-I", https(k, "dir/from-1.bin")).expectSuccess().field("etag"));
    }
  }

  @Test
  void aBrokenDownload_goesOnByAnotherNode() throws Exception {
    user("reader");
    byte[] content = random(5_000_000);
    curl("reader", "-T", Files.write(directory.resolve("reader.bin"), content).toString(), https(1, "a.bin")).expectSuccess();
    Path back = Files.write(directory.resolve("reader.back"), java.util.Arrays.copyOf(content, 1_234_567));
    curl("reader", "-C", "-", "-o", back.toString(), https(2, "a.bin")).expectSuccess();
    assertArrayEquals(content, Files.readAllBytes(back));
  }

  @Test
  void aMovedPort_letsARunningUploadFinish() throws Exception {
    user("mover");
    byte[] content = random(6_000_000);
    Path file = Files.write(directory.resolve("mover.bin"), content);
    Process upload = start("mover", "--limit-rate", "2M", "-T", file.toString(), https(1, "slow.bin"));
    await().atMost(TestCluster.SOON).until(() -> cluster.api(1).get("/api/v1/connections").expect(200).body().toString().contains("slow.bin"));
    cluster.api(1).send("PATCH", CONFIG + "listeners/https?wait=applied", "{\"port\":" + cluster.otherHttpsPort() + "}").expect(200);
    try {
      CurlHttp.finish(upload).expectSuccess();
      assertArrayEquals(content, Files.readAllBytes(cluster.files().resolve("users/mover/slow.bin")));
      assertNotEquals(0, curl("mover", https(1, "slow.bin")).exit());
    } finally {
      cluster.api(1).send("PATCH", CONFIG + "listeners/https?wait=applied", "{\"port\":" + cluster.httpsPort() + "}").expect(200);
    }
  }

  @Test
  void aDisabledUser_losesTheUploadOnAnotherNode_andIsNotLetInAgain() throws Exception {
    user("leaver");
    Path file = Files.write(directory.resolve("leaver.bin"), random(20_000_000));
    Process upload = start("leaver", "--limit-rate", "1M", "-T", file.toString(), https(3, "slow.bin"));
    await().atMost(TestCluster.SOON).until(() -> cluster.api(1).get("/api/v1/connections").expect(200).body().toString().contains("slow.bin"));
    cluster.api(1).send("PATCH", CONFIG + "users/leaver?wait=applied", "{\"enabled\":false}").expect(200);
    assertNotEquals(0, CurlHttp.finish(upload).exit());
    assertEquals("401", curl("leaver", "-o", "/dev/null", "-w", "%{http_code}", https(3, "")).output());
    assertTrue(Files.notExists(cluster.files().resolve("users/leaver/slow.bin")));
  }

  @Test
  void aNewCertificate_isShownToWhoComesThen() throws Exception {
    user("careful");
    curl("careful", https(1, "")).expectSuccess();
    // For the same names it would be kept.
    cluster.api(1).put(CONFIG + "certificates/web?wait=applied", NAMES.replace("[", "[\"localhost\",")).expect(200);
    assertNotEquals(0, curl("careful", https(1, "")).exit());
    certificate = certificate();
    for (int k = 1; k <= 3; k++) {
      curl("careful", https(k, "")).expectSuccess();
    }
  }

  private static void user(String name) throws IOException {
    cluster.api(1).put(CONFIG + "users/" + name + "?wait=applied", "{\"password\":\"correct horse\"}").expect(201);
  }

  private static String https(int k, String path) {
    return "https://" + cluster.host(k) + ":" + cluster.httpsPort() + "/files/" + path;
  }

  private static String http(int k, String path) {
    return "http://" + cluster.host(k) + ":" + cluster.httpPort() + "/files/" + path;
  }

  private static CurlHttp.Result curl(String user, String... arguments) throws IOException, InterruptedException {
    return CurlHttp.finish(start(user, arguments));
  }

  private static Process start(String user, String... arguments) throws IOException {
    List<String> options = new ArrayList<>(List.of("--cacert", certificate.toString()));
    if (!List.of(arguments).contains("-w")) {
      options.add("--fail");
    }
    return new CurlHttp(user, options).start(List.of(arguments));
  }

  private static byte[] random(int size) {
    byte[] data = new byte[size];
    new Random(size).nextBytes(data);
    return data;
  }
}
