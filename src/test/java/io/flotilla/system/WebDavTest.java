package io.flotilla.system;

import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Base64;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** WebDAV on three nodes with one storage. */
class WebDavTest {
  private static final String CONFIG = "/api/v1/config/";
  private static final String PASSWORD = "correct horse";
  private static final String EXCLUSIVE = "<D:lockinfo xmlns:D='DAV:'><D:lockscope><D:exclusive/></D:lockscope><D:locktype><D:write/>"
      + "</D:locktype><D:owner>the test</D:owner></D:lockinfo>";
  private static final long LITMUS_SECONDS = 180;

  @TempDir private static Path directory;
  private static TestCluster cluster;
  private static HttpClient http;

  @BeforeAll
  static void start() throws IOException {
    http = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
    cluster = TestCluster.start(directory.resolve("cluster"), 3);
    cluster.api(3).put(CONFIG + "listeners/http?wait=applied",
        "{\"protocol\":\"http\",\"port\":" + cluster.httpPort() + ",\"http\":{\"tls\":false}}").expect(201);
  }

  @AfterAll
  static void stop() {
    http.close();
    cluster.close();
  }

  @Test
  void litmus_passesAllItsTests() throws Exception {
    user("litmus");
    Path work = Files.createDirectories(directory.resolve("litmus"));
    ProcessBuilder builder = new ProcessBuilder("litmus", "-k", url(2, ""), "litmus", PASSWORD)
        .directory(work.toFile()).redirectErrorStream(true).redirectOutput(work.resolve("output").toFile());
    builder.environment().put("TESTS", "http basic copymove props locks");
    Process litmus = builder.start();
    if (!litmus.waitFor(LITMUS_SECONDS, TimeUnit.SECONDS)) {
      litmus.destroyForcibly();
      throw new AssertionError("litmus did not end:\n" + Files.readString(work.resolve("output")));
    }
    String output = Files.readString(work.resolve("output")).replace('\r', '\n');
    assertEquals(0, litmus.exitValue(), output);
    assertEquals(5, output.split("100.0%", -1).length - 1, output);
    assertFalse(output.contains("FAIL") || output.contains("WARNING") || output.contains("SKIPPED"), output);
  }

  @Test
  void aLock_isHeldByAllNodes_andOutlivesTheOneThatGrantedIt() throws Exception {
    user("writer");
    assertEquals(201, send("writer", "PUT", url(1, "a"), "first").statusCode());
    HttpResponse<String> granted = send("writer", "LOCK", url(1, "a"), EXCLUSIVE, "Timeout", "Second-3600");
    assertEquals(200, granted.statusCode(), granted.body());
    String token = granted.headers().firstValue("Lock-Token").orElseThrow();
    for (int k : List.of(2, 3)) { // at once, as LOCK was answered
      assertEquals(423, send("writer", "PUT", url(k, "a"), "others").statusCode());
      assertEquals(423, send("writer", "POST", url(k, "a").replace("/files/a", "/uploads"), "", "Tus-Resumable", "1.0.0",
          "Upload-Length", "6", "Upload-Metadata", "path " + Base64.getEncoder().encodeToString("/a".getBytes())).statusCode());
      assertEquals(204, send("writer", "PUT", url(k, "a"), "mine " + k, "If", "(" + token + ")").statusCode());
    }
    cluster.node(1).kill();
    for (int k : List.of(2, 3)) {
      assertEquals(423, send("writer", "PUT", url(k, "a"), "others").statusCode());
    }
    // With the next keeper, too, which knows the claims by the journal.
    await().atMost(TestCluster.SOON).until(() -> send("writer", "LOCK", url(2, "b"), EXCLUSIVE).statusCode() == 201);
    assertEquals(423, send("writer", "LOCK", url(3, "a"), EXCLUSIVE).statusCode());
    assertEquals(423, send("writer", "DELETE", url(3, "a"), "").statusCode());
    cluster.startNode(1, List.of());
    cluster.awaitConverged();
    // One that was not there reads what there is.
    await().atMost(TestCluster.SOON).ignoreExceptions().until(() ->
        send("writer", "PROPFIND", url(1, "a"), "", "Depth", "0").body().contains("<D:activelock>"));
    assertEquals(423, send("writer", "DELETE", url(1, "a"), "").statusCode());
    assertEquals(204, send("writer", "UNLOCK", url(3, "a"), "", "Lock-Token", token).statusCode());
    for (int k : List.of(1, 2, 3)) {
      assertEquals(204, send("writer", "PUT", url(k, "a"), "all " + k).statusCode());
    }
    assertTrue(Files.readString(cluster.files().resolve("users/writer/a")).startsWith("all"));
  }

  @Test
  void properties_areOfTheFile_whicheverNodeIsAsked() throws Exception {
    user("owner");
    assertEquals(201, send("owner", "PUT", url(1, "a"), "first").statusCode());
    assertEquals(207, send("owner", "PROPPATCH", url(2, "a"), "<propertyupdate xmlns='DAV:'><set><prop>"
        + "<c xmlns='urn:c'>red</c></prop></set></propertyupdate>").statusCode());
    assertEquals(204, send("owner", "PUT", url(3, "a"), "second").statusCode());
    assertEquals(201, send("owner", "MOVE", url(1, "a"), "", "Destination", "/files/b").statusCode());
    String told = send("owner", "PROPFIND", url(2, "b"), "", "Depth", "0").body();
    assertTrue(told.contains(">red</c>"), told);
  }

  private static void user(String name) throws IOException {
    cluster.api(2).put(CONFIG + "users/" + name + "?wait=applied", "{\"password\":\"" + PASSWORD + "\"}").expect(201);
  }

  private static String url(int k, String path) {
    return "http://" + cluster.host(k) + ":" + cluster.httpPort() + "/files/" + path;
  }

  private static HttpResponse<String> send(String user, String method, String url, String body, String... headers)
      throws IOException, InterruptedException {
    HttpRequest.Builder request = HttpRequest.newBuilder(URI.create(url))
        .method(method, body.isEmpty() ? BodyPublishers.noBody() : BodyPublishers.ofString(body))
        .header("Authorization", "Basic " + Base64.getEncoder().encodeToString((user + ":" + PASSWORD).getBytes()));
    for (int i = 0; i < headers.length; i += 2) {
      request.header(headers[i], headers[i + 1]);
    }
    return http.send(request.build(), HttpResponse.BodyHandlers.ofString());
  }
}
