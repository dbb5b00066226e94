package io.flotilla.http.admin;

import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.flotilla.config.cluster.ConfigClient;
import io.flotilla.http.admin.AdminFixture.Answer;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Changes that are made, and those that are refused. */
class ConfigWritesTest {
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

  @Test
  void whatWasRead_isEditedAndPutBack_unlessItHasChangedMeanwhile() {
    node.put("/config/users/rita", "{\"password\":\"first secret\"}").expect(201);
    ObjectNode read = (ObjectNode) node.get("/config/users/rita").json();
    long first = read.get("version").longValue();
    read.put("enabled", false);
    long second = node.put("/config/users/rita", read.toString(), "If-Match", "\"" + first + "\"").expect(200).version();
    assertFalse(node.get("/config/users/rita").json().get("enabled").booleanValue());
    assertTrue(node.get("/config/users/rita").json().get("hasPassword").booleanValue());

    node.put("/config/users/rita", read.toString()).expect(412);
    node.put("/config/users/rita", read.toString(), "If-Match", "\"" + second + "\"").expect(400);
    node.put("/config/users/rita", read.toString(), "If-None-Match", "*").expect(400);
    node.put("/config/users/other", read.toString()).expect(412);
    for (String garbage : List.of("0", "-1", "1.5", "\"7\"", "null", "99999999999999999999")) {
      Answer refused = node.put("/config/users/rita", "{\"version\":" + garbage + "}").expect(422);
      assertEquals("/version", refused.json().at("/errors/0/pointer").textValue());
    }
    node.send("PATCH", "/config/users/rita", "{\"enabled\":true,\"version\":" + first + "}").expect(412);
    node.send("PATCH", "/config/users/rita", "{\"enabled\":true,\"version\":" + second + "}", "If-Match", "*").expect(200);
    long third = node.get("/config/users/rita").json().get("version").longValue();
    String operation = "{\"operations\":[{\"op\":\"put\",\"kind\":\"users\",\"name\":\"rita\",\"ifVersion\":%d,\"value\":{\"version\":%d}}]}";
    node.send("POST", "/config/changes", operation.formatted(second, third)).expect(400);
    node.send("POST", "/config/changes", operation.formatted(second, second)).expect(412);
    assertEquals("/operations/0/value/version", node.send("POST", "/config/changes", operation.formatted(third, 0)).expect(422)
        .json().at("/errors/0/pointer").textValue());
    node.send("POST", "/config/changes", operation.formatted(third, third)).expect(200);
  }

  @Test
  void put_creates_thenChanges_andStalePreconditionsAreRefused() {
    long created = node.put("/config/users/ann", "{\"password\":\"first secret\"}", "If-None-Match", "*").expect(201).version();
    String tag = node.get("/config/users/ann").expect(200).header("ETag").orElseThrow();
    assertEquals("\"" + created + "\"", tag);

    node.put("/config/users/ann", "{}", "If-None-Match", "*").expect(412);
    long changed = node.put("/config/users/ann", "{\"enabled\":false}", "If-Match", tag).expect(200).version();
    assertEquals(created + 1, changed);
    assertTrue(node.get("/config/users/ann").json().get("hasPassword").booleanValue());
    node.put("/config/users/ann", "{}", "If-Match", tag).expect(412);
    for (String garbage : List.of("42", "\"x\"", "\"0\"", "W/\"1\"")) {
      node.put("/config/users/ann", "{}", "If-Match", garbage).expect(400);
    }
    node.put("/config/users/nobody", "{}", "If-Match", "*").expect(412);
    node.put("/config/users/ann", "{}", "If-None-Match", tag).expect(400);

    node.send("PATCH", "/config/users/ann", "{\"enabled\":null}").expect(200);
    assertTrue(node.get("/config/users/ann").json().get("enabled").booleanValue());
    node.send("DELETE", "/config/users/ann", "").expect(200);
    node.get("/config/users/ann").expect(404);
    node.send("DELETE", "/config/users/ann", "").expect(404);
  }

  @Test
  void batch_isAllOrNothing_andReferencesHold() {
    long before = node.get("/config").version();
    node.send("POST", "/config/changes", "{\"operations\":[" + user("bea", "{}") + ","
        + user("ben", "{\"home\":{\"storage\":\"none\"}}") + "]}").expect(422);
    node.get("/config/users/bea").expect(404);
    node.put("/config/users/bea?dryRun=true", "{}").expect(200);
    assertEquals(before, node.get("/config").version());

    node.put("/config/users/bea", "{}").expect(201);
    node.send("DELETE", "/config/storages/main", "").expect(409);
    node.send("PATCH", "/config/admins/root", "{\"role\":\"viewer\"}").expect(409);
    node.send("PATCH", "/config/admins/root", "{\"token\":null}").expect(409);
  }

  @Test
  void whatCannotBeSentToThePrimary_isRefusedHere() {
    String key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5" + "AAAA".repeat(2_000);
    String large = "{\"publicKeys\":[" + ("\"" + key + "\",").repeat(39) + "\"" + key + "\"]}";
    node.put("/config/users/large", large).expect(422);
    node.put("/config/users/x?dryrun=true", "{}").expect(400);
    node.put("/config/users/x", "{\"home\":{\"path\":\"/\\ud800\"}}").expect(422);
    node.send("POST", "/config/changes", "{\"comment\":\"\\ud800\",\"operations\":[" + user("x", "{}") + "]}").expect(422);
    node.send("POST", "/config/changes", "{\"operations\":[" + user("\\ud800", "{}") + "]}").expect(422);
    node.get("/config/users/x").expect(404);
  }

  @Test
  void manyFaults_areToldInPart() {
    StringBuilder batch = new StringBuilder("{\"operations\":[" + user("bad-0", "{\"nope\":1}"));
    for (int i = 1; i < 300; i++) {
      batch.append(',').append(user("bad-" + i, "{\"nope\":1}"));
    }
    assertEquals(100, node.send("POST", "/config/changes", batch + "]}").expect(422).json().get("errors").size());
  }

  @Test
  void roles_bindWhatMayBeChanged() {
    node.as(AdminFixture.VIEWER, "PUT", "/config/users/rolf", "{}").expect(403);
    node.as(AdminFixture.OPERATOR, "PUT", "/config/storages/s", "{\"path\":\"/s\"}").expect(403);
    node.as(AdminFixture.OPERATOR, "PUT", "/config/users/rolf", "{}").expect(201);
    node.as(AdminFixture.VIEWER, "GET", "/config/users/rolf", "").expect(200);
  }

  @Test
  void waitApplied_tellsEveryNode_andTheSameIdempotencyKeyIsTheSameChange() {
    Answer first = node.put("/config/users/ida?wait=applied&timeout=20s", "{}", "Idempotency-Key", "k/1").expect(201);
    assertEquals("applied", first.json().at("/nodes/node-1/state").textValue());
    assertTrue(first.json().at("/nodes/node-1/milliseconds").isIntegralNumber(), first.text());
    assertEquals(first.version(), node.put("/config/users/ida", "{}", "Idempotency-Key", "k/1").expect(200).version());
    assertEquals(first.version(), node.get("/config").version());
  }

  @Test
  void passwordsAndHashes_areNeverShown() {
    node.put("/config/users/a-sec", "{\"password\":\"hunter2\"}").expect(201);
    node.put("/config/users/a-sec", "{\"passwordHash\":\"hunter3\"}").expect(422);
    for (String path : List.of("/config", "/config/users", "/config/users/a-sec", "/config/history?limit=1000")) {
      String text = node.get(path).expect(200).text();
      assertTrue(text.contains("a-sec"), text);
      assertFalse(text.contains("hunter") || text.contains("argon2") || text.contains("$sealed"), text);
    }
  }

  @Test
  void moreThanAThousandPlainPasswords_422() {
    Answer answer = node.send("POST", "/config/changes", passwords("many", 1_001)).expect(422);
    assertEquals(List.of("/operations"), answer.pointers());
    assertTrue(answer.text().contains("use passwordHash"), answer.text());
    node.get("/config/users/many0").expect(404);
  }

  @Test
  void morePasswordsThanTheHasherLetsWait_areAllHashed_inOrder() {
    long version = node.send("POST", "/config/changes?timeout=20s", passwords("few", AdminFixture.MAX_HASHES_WAITING + 30)).expect(200).version();
    assertTrue(node.get("/config/users/few" + (AdminFixture.MAX_HASHES_WAITING + 29) + "?timeout=20s&minVersion=" + version).expect(200)
        .json().get("hasPassword").booleanValue());
    List<String> committed = node.get("/config/history?limit=1&before=" + (version + 1)).expect(200)
        .json().at("/changes/0/operations").findValuesAsText("name");
    assertTrue(committed.size() > ConfigWrites.MAX_PREPARING, "history shows only " + committed);
    assertEquals(IntStream.range(0, committed.size()).mapToObj(i -> "few" + i).toList(), committed);
  }

  @Test
  void withoutAPrimary_changesAre503_andReadsGoOn() throws IOException {
    AdminServer alone = node.open(new ConfigClient());
    try {
      String base = "http://127.0.0.1:" + alone.port() + "/api/v1/config/storages/main";
      Answer refused = node.send(HttpRequest.newBuilder(java.net.URI.create(base)).DELETE()
          .header("Authorization", "Bearer " + AdminFixture.ADMIN).build()).expect(503);
      assertEquals("1", refused.header("Retry-After").orElse(""));
      node.send(HttpRequest.newBuilder(URI.create(base))
          .header("Authorization", "Bearer " + AdminFixture.VIEWER).build()).expect(200);
    } finally {
      alone.close(Duration.ofSeconds(1)).toCompletableFuture().join();
    }
  }

  @Test
  void eventStream_tellsWhatHappens_andEndsWithItsAdmin() throws Exception {
    String token = "passing-token-".repeat(4);
    node.put("/config/admins/passing?wait=applied", "{\"role\":\"viewer\",\"token\":\"" + token + "\"}").expect(201);
    HttpResponse<InputStream> stream = node.http.send(node.request("GET", "/api/v1/events",
        HttpRequest.BodyPublishers.noBody(), "Authorization", "Bearer " + token).build(), HttpResponse.BodyHandlers.ofInputStream());
    assertEquals(200, stream.statusCode());
    node.feed.publish("test-event", "{\"a\":1}");
    CompletableFuture<String> all = CompletableFuture.supplyAsync(() -> {
      try (InputStream in = stream.body()) {
        return new String(in.readAllBytes(), StandardCharsets.UTF_8);
      } catch (IOException e) {
        throw new java.io.UncheckedIOException(e);
      }
    });
    node.send("DELETE", "/config/admins/passing", "").expect(200);

    String text = all.get(20, java.util.concurrent.TimeUnit.SECONDS);

    assertTrue(text.contains("event: test-event\ndata: {\"a\":1}\n\n"), text);
    await().atMost(AdminFixture.SOON).until(() -> node.feed.subscribers().isEmpty());
  }

  @Test
  void eventStream_ofAClientThatHasGone_endsSoon() throws Exception {
    URI uri = node.request("GET", "/api/v1/events", HttpRequest.BodyPublishers.noBody()).build().uri();
    try (Socket socket = new Socket(uri.getHost(), uri.getPort())) {
      socket.getOutputStream().write(("GET " + uri.getPath() + " HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer " + AdminFixture.VIEWER
          + "\r\n\r\n").getBytes(StandardCharsets.US_ASCII));
      assertTrue(new BufferedReader(new InputStreamReader(socket.getInputStream(), StandardCharsets.US_ASCII)).lines()
          .anyMatch(line -> line.startsWith(": events of this node")));
      assertEquals(1, node.feed.subscribers().size());
    }
    await().atMost(AdminFixture.SOON).until(() -> node.feed.subscribers().isEmpty());
  }

  private static String user(String name, String value) {
    return "{\"op\":\"put\",\"kind\":\"users\",\"name\":\"" + name + "\",\"value\":" + value + "}";
  }

  private static String passwords(String name, int count) {
    return "{\"operations\":[" + IntStream.range(0, count)
        .mapToObj(i -> user(name + i, "{\"password\":\"p" + i + "\"}")).collect(Collectors.joining(",")) + "]}";
  }
}
