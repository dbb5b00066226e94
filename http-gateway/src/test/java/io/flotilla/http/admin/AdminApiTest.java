package io.flotilla.http.admin;

import static io.flotilla.http.admin.AdminFixture.ADMIN;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.flotilla.http.admin.AdminFixture.Answer;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.net.Socket;
import java.net.URLEncoder;
import java.net.http.HttpRequest;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.net.URI;
import java.time.Duration;
import java.util.Optional;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Who may ask, and what becomes of requests that are wrong. */
class AdminApiTest {
  @TempDir private static Path directory;
  private static AdminFixture node;

  @BeforeAll
  static void start() throws IOException {
    node = new AdminFixture(directory);
  }

  @AfterAll
  static void stop() throws IOException {
    node.close();
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "Bearer wrong-token-wrong-token-wrong-token", "Bearer ", "Basic cm9vdDpyb290", "Bearer \u00e9"})
  void withoutAGoodToken_401(String authorization) {
    HttpRequest.Builder request = node.request("GET", "/api/v1/config", HttpRequest.BodyPublishers.noBody());
    if (!authorization.isEmpty()) {
      request.header("Authorization", authorization);
    }

    Answer answer = node.send(request.build()).expect(401);

    assertTrue(answer.header("WWW-Authenticate").orElse("").startsWith("Bearer"));
  }

  @Test
  void withoutAToken_aChangeChangesNothing() {
    long before = node.live.view().config().version();

    node.send(node.request("PUT", "/api/v1/config/users/mallory", HttpRequest.BodyPublishers.ofString("{}")).build())
        .expect(401);

    assertEquals(before, node.get("/config").expect(200).version());
  }

  @ParameterizedTest
  @ValueSource(strings = {"/nothing", "/config/cats", "/config/cats/tom", "/config/users/nobody",
      "/config/users/a/b", "/config/changes/unknown-id", "/cluster/x"})
  void unknownPathKindOrEntity_404(String path) {
    node.get(path).expect(404);
  }

  @Test
  void unknownPathOutsideTheApi_404WithoutAToken() {
    for (String path : List.of("/", "/health/other", "/api", "/api/v2/config", "/metrics/x")) {
      Answer answer = node.send(node.request("GET", path, HttpRequest.BodyPublishers.noBody()).build());
      answer.expect(404);
    }
  }

  @Test
  void otherMethod_405SaysWhichAreAllowed() {
    assertEquals("GET, HEAD, PUT, PATCH, DELETE",
        node.send("POST", "/config/users/alice", "{}").expect(405).header("Allow").orElse(""));
    assertEquals("GET, HEAD", node.put("/config/users", "{}").expect(405).header("Allow").orElse(""));
    assertEquals("GET, HEAD", node.send("DELETE", "/cluster", "").expect(405).header("Allow").orElse(""));
    assertEquals("POST", node.get("/config/changes").expect(405).header("Allow").orElse(""));
    node.send(node.request("POST", "/health/live", HttpRequest.BodyPublishers.noBody()).build()).expect(405);
  }

  @Test
  void headIsAnsweredLikeGetWithoutABody() {
    Answer answer = node.send("HEAD", "/config/storages/main", "").expect(200);
    assertEquals("\"1\"", answer.header("ETag").orElse(""));
    assertEquals("", answer.text());
  }

  @Test
  void malformedJson_400WithLineAndColumn() {
    Answer answer = node.put("/config/users/alice", "{\n  \"enabled\": true,\n  oops\n}").expect(400);
    assertTrue(answer.json().get("detail").textValue().contains("line 3, column"), answer.text());
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "[]", "7", "null", "{", "{} {}", "{\"a\":1,\"a\":2}", "\"text\"",
      "{\"a\":01}", "{\"a\":NaN}"})
  void notOneJsonObject_400(String body) {
    node.put("/config/users/alice", body).expect(400);
    node.send("POST", "/config/changes", body).expect(400);
  }

  @Test
  void notUtf8_400() {
    for (byte[] body : List.of(new byte[] {'{', '"', (byte) 0xff, '"', ':', '1', '}'},
        new byte[] {0, 0, 0, '{', (byte) 0x7f, (byte) 0xff, (byte) 0xff, (byte) 0xff})) {
      node.send(node.request("PUT", "/api/v1/config/users/alice", HttpRequest.BodyPublishers.ofByteArray(body),
          "Authorization", "Bearer " + ADMIN).build()).expect(400);
    }
  }

  @Test
  void jsonNestedVeryDeep_400() {
    String deep = "{\"home\":" + "[".repeat(10_000) + "]".repeat(10_000) + "}";
    node.put("/config/users/alice", deep).expect(400);
    node.put("/config/users/alice", "{\"a\":".repeat(10_000) + "1" + "}".repeat(10_000)).expect(400);
  }

  @Test
  void malformedJson_isNotQuoted() {
    Answer answer = node.put("/config/users/alice", "{\"password\": hunter2isSecret}").expect(400);
    assertFalse(answer.text().contains("hunter2"), answer.text());
  }

  @Test
  void bodyOverTheLimit_413() {
    byte[] large = ("{\"password\":\"" + "x".repeat(AdminFixture.MAX_BODY) + "\"}").getBytes(StandardCharsets.UTF_8);

    Answer withoutLength = node.send(node.request("PUT", "/api/v1/config/users/alice",
        HttpRequest.BodyPublishers.ofInputStream(() -> new ByteArrayInputStream(large)),
        "Authorization", "Bearer " + ADMIN).build()).expect(413);
    assertTrue(withoutLength.text().contains("at most " + AdminFixture.MAX_BODY + " bytes"), withoutLength.text());

    // The answer comes before the body is sent, which java.net.http doesn't wait for.
    String answer = raw("PUT /api/v1/config/users/alice HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer " + ADMIN
        + "\r\nContent-Length: " + large.length + "\r\n\r\n{");
    assertTrue(answer.startsWith("HTTP/1.1 413 "), answer);
    assertTrue(answer.contains("application/problem+json"), answer);
  }

  @Test
  void bodyAtTheLimit_isRead() {
    String body = "{\"comment\":\"" + "x".repeat(AdminFixture.MAX_BODY - 14) + "\"}";
    assertEquals(AdminFixture.MAX_BODY, body.length());
    assertEquals(List.of("/comment", "/operations"), node.send("POST", "/config/changes", body).expect(422).pointers());
  }

  @ParameterizedTest
  @ValueSource(strings = {
      "GET /api/v1/config?limit=%zz HTTP/1.1\r\nHost: a\r\n", "GET /%zz HTTP/1.1\r\nHost: a\r\n", "GET / HTTP/9.9\r\nHost: a\r\n",
      "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n", "OOPS / HTTP/1.1\r\nHost: a\r\n"})
  void notHttp_isAProblemToo(String head) {
    String answer = raw(head + "Authorization: Bearer " + ADMIN + "\r\nConnection: close\r\n\r\n");
    assertTrue(answer.matches("(?s)HTTP/1\\.1 (4..|50[15]) .*"), answer);
    assertTrue(answer.contains("application/problem+json"), answer);
  }

  @Test
  void wrongFields_422WithPointersIntoTheEntity() {
    Answer user = node.put("/config/users/alice",
        "{\"enabled\":\"yes\",\"colour\":\"red\",\"a/b\":1,\"home\":{\"path\":7,\"x\":1},\"publicKeys\":[1]}").expect(422);
    assertEquals(java.util.Set.of("/enabled", "/colour", "/a~1b", "/home/path", "/home/x", "/publicKeys/0"),
        java.util.Set.copyOf(user.pointers()));
    assertFalse(user.text().contains("operations"), user.text());

    assertEquals(List.of("/password"), node.put("/config/users/alice", "{\"password\":7}").expect(422).pointers());
    assertEquals(List.of("/password"),
        node.put("/config/users/alice", "{\"password\":\"" + "x".repeat(1_025) + "\"}").expect(422).pointers());
    assertEquals(List.of("/port"), node.put("/config/listeners/l",
        "{\"protocol\":\"sftp\",\"port\":70000}").expect(422).pointers());
    assertEquals(List.of("/protocol", "/port"), node.put("/config/listeners/l", "{}").expect(422).pointers());
    assertEquals(List.of("/path"), node.put("/config/storages/s", "{\"path\":\"../x\"}").expect(422).pointers());
    assertEquals(List.of("/listeners/none~1here"),
        node.put("/config/nodes/node-1", "{\"listeners\":{\"none/here\":{\"port\":1}}}").expect(422).pointers());
  }

  @Test
  void wrongBatch_422WithPointersIntoTheBatch() {
    assertEquals(List.of("/operations/1/value/enabled", "/operations/1/value/a~1b"), node.send("POST", "/config/changes",
        batch("{\"op\":\"put\",\"kind\":\"users\",\"name\":\"a\",\"value\":{}}",
            "{\"op\":\"put\",\"kind\":\"users\",\"name\":\"b\",\"value\":{\"enabled\":3,\"a/b\":1}}")).expect(422).pointers());
    assertEquals(List.of("/operations/0/value/password"), node.send("POST", "/config/changes",
        batch("{\"op\":\"put\",\"kind\":\"users\",\"name\":\"a\",\"value\":{\"password\":\"\"}}")).expect(422).pointers());
    assertEquals(java.util.Set.of("/operations/0/x~1y", "/operations/0/op", "/operations/0/kind", "/operations/0/name",
            "/operations/0/value", "/operations/0/ifVersion", "/operations/1"),
        java.util.Set.copyOf(node.send("POST", "/config/changes",
            batch("{\"op\":\"x\",\"kind\":1,\"x/y\":1,\"ifVersion\":18446744073709551616}", "7")).expect(422).pointers()));
    assertEquals(List.of("/operations"), node.send("POST", "/config/changes", "{\"operations\":[]}").expect(422).pointers());
    assertEquals(List.of("/more"), node.send("POST", "/config/changes",
        "{\"more\":1,\"operations\":[{\"op\":\"delete\",\"kind\":\"users\",\"name\":\"x\"}]}").expect(422).pointers());
    node.send("POST", "/config/changes",
        batch("{\"op\":\"put\",\"kind\":\"cats\",\"name\":\"tom\",\"value\":{}}")).expect(422);
    node.send("POST", "/config/changes",
        batch("{\"op\":\"put\",\"kind\":\"users\",\"name\":\"a\",\"value\":{}}",
            "{\"op\":\"delete\",\"kind\":\"users\",\"name\":\"a\"}")).expect(422);
  }

  @ParameterizedTest
  @ValueSource(strings = {"a/b", "a\u0000b", "a\nb", "a\u007fb", " a", "a\\b", "a%b", "a\u202eb", "/etc/passwd"})
  void badName_422(String name) {
    String path = "/config/users/" + URLEncoder.encode(name, StandardCharsets.UTF_8).replace("+", "%20");
    Answer answer = node.put(path, "{}").expect(422);
    assertEquals(List.of(""), answer.pointers());
    node.get(path).expect(404);
  }

  @Test
  void stepBack_isNeverAName() {
    long before = node.live.view().config().version();
    // A path is normalized (RFC 3986) before it is looked at, so this one is that of the collection's parent.
    node.put("/config/users/%2E%2E", "{}").expect(405);
    for (String name : List.of("..", ".")) {
      assertEquals(List.of("/operations/0/value"), node.send("POST", "/config/changes",
          batch("{\"op\":\"put\",\"kind\":\"users\",\"name\":\"" + name + "\",\"value\":{}}")).expect(422).pointers());
    }
    assertEquals(before, node.get("/config").expect(200).version());
  }

  @Test
  void longName_422_andTheLongestIsTaken() {
    String longest = "\u00fc".repeat(128);
    node.put("/config/users/" + URLEncoder.encode(longest, StandardCharsets.UTF_8), "{}").expect(201);
    assertEquals(longest, node.get("/config/users/" + URLEncoder.encode(longest, StandardCharsets.UTF_8)).expect(200)
        .json().get("name").textValue());
    node.put("/config/users/" + "x".repeat(129), "{}").expect(422);
  }

  @ParameterizedTest
  @ValueSource(strings = {"timeout=0s", "timeout=61s", "timeout=5", "timeout=-1s", "timeout=1h", "wait=forever", "dryRun=maybe"})
  void badParameterOfAChange_400AndNothingIsChanged(String parameter) {
    node.put("/config/users/parametric?" + parameter, "{}").expect(400);
    node.get("/config/users/parametric").expect(404);
  }

  @ParameterizedTest
  @ValueSource(strings = {"limit=0", "limit=1001", "limit=x", "limit=", "minVersion=-1", "minVersion=9223372036854775808",
      "minVersion=1.5", "timeout=61s"})
  void badParameterOfARead_400(String parameter) {
    node.get("/config/users?" + parameter).expect(400);
  }

  private static String batch(String... operations) {
    return "{\"operations\":[" + String.join(",", operations) + "]}";
  }

  private static String raw(String request) {
    try (Socket socket = new Socket("127.0.0.1", node.server.port())) {
      socket.setSoTimeout(20_000);
      socket.getOutputStream().write(request.getBytes(StandardCharsets.ISO_8859_1));
      return new String(socket.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new AssertionError("the connection was not answered and closed: " + e, e);
    }
  }

  @Test
  void voters_areListed_withWhatIsUnknownAsNull() {
    String text = node.get("/voters").expect(200).text();

    assertTrue(text.contains("\"node\":\"node-1\"") && text.contains("\"appliedIndex\":7"), text);
    assertTrue(text.contains("\"snapshotIndex\":null") && text.contains("\"warning\":null"), text);
  }

  @Test
  void voterChanges_answerDoneUnderWayOrWhyNot() {
    assertTrue(node.send("POST", "/voters", "{\"node\":\"node-2\"}").expect(200).text().contains("\"state\":\"done\""));
    assertTrue(node.send("POST", "/voters", "{\"node\":\"node-slow\"}").expect(202).text().contains("under-way"));
    node.send("POST", "/voters", "{\"node\":\"nobody\"}").expect(404);
    node.send("POST", "/voters", "{\"name\":\"node-2\"}").expect(400);
    assertTrue(node.send("DELETE", "/voters/node-1", "").expect(409).text().contains("last voter"));
    node.send("POST", "/voters/node-1/replace", "{\"by\":\"node-2\"}").expect(200);
    node.send("POST", "/voters/node-1/replace", "{\"by\":\"nobody\"}").expect(404);
    node.send("PUT", "/voters/node-1", "{}").expect(405);
    node.send("DELETE", "/nodes/node-9", "").expect(503);
  }

  @Test
  void voterChanges_byAViewer_403() {
    node.as(AdminFixture.VIEWER, "POST", "/voters", "{\"node\":\"node-2\"}").expect(403);
    node.as(AdminFixture.VIEWER, "DELETE", "/voters/node-1", "").expect(403);
    node.as(AdminFixture.VIEWER, "DELETE", "/nodes/node-9", "").expect(403);
    node.as(AdminFixture.VIEWER, "GET", "/voters", "").expect(200);
  }

  @Test
  void whatTakesTooLong_hasAnUnknownOutcome() {
    AdminServer impatient = AdminServer.open(node.kit.system(), "127.0.0.1", 0, node.context(node.client), Optional.empty(),
        Duration.ofMillis(300), AdminConnections.Limits.DEFAULT).toCompletableFuture().join();
    try {
      Answer late = node.send(HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + impatient.port() + "/api/v1/cluster/primary"))
          .header("Authorization", "Bearer " + AdminFixture.ADMIN).POST(HttpRequest.BodyPublishers.ofString("{\"node\":\"silent\"}")).build());
      assertEquals("urn:flotilla:problem:outcome-unknown", late.expect(504).json().get("type").textValue());
    } finally {
      impatient.close(Duration.ofSeconds(1)).toCompletableFuture().join();
    }
  }
}
