package io.flotilla.http.admin;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import io.flotilla.config.cluster.ConfigClient;
import io.flotilla.config.model.EntityKey;
import io.flotilla.config.model.Kind;
import io.flotilla.http.admin.AdminFixture.Answer;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpRequest;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TimeTravelApiTest {
  @TempDir
  private static Path directory;
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
  void rollback_restoresExactly_sealedSecretsIncluded_asOneNewChange() {
    long then = node.put("/config/users/ann", "{\"password\":\"hunter2\"}").expect(201).version();
    byte[] document = document("ann");
    node.put("/config/users/ann", "{\"password\":\"hunter3\",\"enabled\":false}").expect(200);
    long head = node.put("/config/users/bob", "{}").expect(201).version();

    long dry = node.send("POST", "/config/rollback?dryRun=true", to(then)).expect(200).version();
    assertEquals(head + 1, dry);
    Answer answer = node.send("POST", "/config/rollback", to(then)).expect(200);

    assertEquals(head + 1, answer.version());
    assertArrayEquals(document, document("ann"));
    node.get("/config/users/bob").expect(404);
    JsonNode change = node.get("/config/history?limit=1").json().at("/changes/0");
    assertEquals("restore version " + then, change.get("comment").textValue());
    assertEquals(2, change.get("operationCount").intValue());
    assertFalse(answer.text().contains("sealed"), answer.text());
  }

  @Test
  void rollbackPlan_tellsWhomItLetsInAgain() {
    node.put("/config/users/rev-deleted", "{\"password\":\"hunter2\"}").expect(201);
    node.put("/config/users/rev-disabled", "{\"password\":\"hunter2\"}").expect(201);
    node.put("/config/users/rev-changed", "{\"password\":\"hunter2\"}").expect(201);
    node.put("/config/users/rev-harmless", "{\"enabled\":false,\"password\":\"hunter2\"}").expect(201);
    node.put("/config/users/rev-without", "{}").expect(201);
    node.put("/config/groups/rev-group", "{}").expect(201);
    node.put("/config/users/rev-member", "{\"password\":\"hunter2\",\"groups\":[\"rev-group\"]}").expect(201);
    node.put("/config/admins/rev-admin", "{\"role\":\"admin\",\"token\":\"" + "a".repeat(40) + "\"}").expect(201);
    long then = node.put("/config/admins/rev-gone", "{\"role\":\"viewer\",\"token\":\"" + "b".repeat(40) + "\"}")
        .expect(201).version();
    node.send("DELETE", "/config/users/rev-deleted", "").expect(200);
    node.send("PATCH", "/config/users/rev-disabled", "{\"enabled\":false}").expect(200);
    node.send("PATCH", "/config/users/rev-changed", "{\"password\":\"hunter3\"}").expect(200);
    node.send("DELETE", "/config/users/rev-harmless", "").expect(200);
    node.send("DELETE", "/config/users/rev-without", "").expect(200);
    node.send("PATCH", "/config/groups/rev-group", "{\"enabled\":false}").expect(200);
    node.send("PATCH", "/config/users/rev-member", "{\"expiresAt\":\"2100-01-01T00:00:00Z\"}").expect(200);
    node.send("PATCH", "/config/admins/rev-admin", "{\"role\":\"viewer\"}").expect(200);
    node.send("DELETE", "/config/admins/rev-gone", "").expect(200);
    long head = node.put("/config/users/rev-new", "{\"password\":\"hunter2\"}").expect(201).version();

    JsonNode plan = node.send("POST", "/config/rollback?dryRun=true", to(then)).expect(200).json();

    assertEquals(head, plan.get("base").longValue());
    assertEquals("""
        [{"kind":"admins","name":"rev-admin","what":["the role admin"]},\
        {"kind":"admins","name":"rev-gone","what":["the deleted admin","an old token"]},\
        {"kind":"groups","name":"rev-group","what":["the members of the disabled or expired group"]},\
        {"kind":"users","name":"rev-changed","what":["an old password"]},\
        {"kind":"users","name":"rev-deleted","what":["the deleted user","an old password"]},\
        {"kind":"users","name":"rev-disabled","what":["the disabled or expired user"]},\
        {"kind":"users","name":"rev-member","what":["the disabled or expired user"]}]""", plan.get("revives").toString());
    assertEquals(7, plan.get("revivesCount").intValue());
    assertEquals(head, node.get("/config/history?limit=1").version());
  }

  @Test
  void rollback_toThePresent_changesNothing_andSaysSo() {
    long head = node.put("/config/users/carl", "{}").expect(201).version();

    assertEquals(head, node.send("POST", "/config/rollback?dryRun=true", to(head)).expect(200).version());
    Answer answer = node.send("POST", "/config/rollback", to(head)).expect(200);

    assertEquals(head, answer.version());
    assertEquals(0, answer.json().get("changed").intValue());
    assertEquals(head, node.get("/config/history?limit=1").version());
  }

  @Test
  void rollback_badRequests_areRefused_andChangeNothing() {
    long head = node.put("/config/users/dora", "{}").expect(201).version();
    node.send("POST", "/config/rollback", "{}").expect(422);
    node.send("POST", "/config/rollback", "{\"to\":\"1\"}").expect(422);
    node.send("POST", "/config/rollback", "{\"to\":0}").expect(422);
    node.send("POST", "/config/rollback", "{\"to\":1,\"nope\":1}").expect(422);
    assertTrue(node.send("POST", "/config/rollback", to(head + 1)).expect(404).text().contains("versions 1 to " + head));
    node.send("POST", "/config/rollback", to(1), "If-Match", "\"1\"").expect(412);
    node.send("POST", "/config/rollback", to(1), "If-None-Match", "*").expect(400);
    node.as(AdminFixture.OPERATOR, "POST", "/config/rollback", to(1)).expect(403);
    node.get("/config/rollback").expect(405);

    assertEquals(head, node.get("/config/history?limit=1").version());
  }

  @Test
  void rollback_withTheHead_andTheSameKey_isMadeOnce() {
    long then = node.put("/config/users/eve", "{}").expect(201).version();
    long head = node.put("/config/users/eve", "{\"enabled\":false}").expect(200).version();
    String[] headers = {"If-Match", "\"" + head + "\"", "Idempotency-Key", "back"};

    assertEquals(head + 1, node.send("POST", "/config/rollback?wait=applied", to(then), headers).expect(200).version());
    assertEquals(head + 1, node.send("POST", "/config/rollback", to(then), headers).expect(200).version());
  }

  @Test
  void comment_ofASingleChange_isKept_andBounded() {
    node.put("/config/users/fred?comment=why%20not", "{}").expect(201);
    assertEquals("why not", node.get("/config/history?limit=1").json().at("/changes/0/comment").textValue());
    node.send("DELETE", "/config/users/fred?comment=" + "x".repeat(1_001), "").expect(400);
    node.send("DELETE", "/config/users/fred?comment=" + "x".repeat(1_000), "").expect(200);
  }

  @Test
  void version_isTheWholeConfigurationAsItWas_withoutSecrets() {
    long then = node.put("/config/users/gus", "{\"password\":\"hunter2\"}").expect(201).version();
    JsonNode expected = node.get("/config?minVersion=" + then).expect(200).json();
    node.put("/config/users/gus", "{\"enabled\":false}").expect(200);
    node.put("/config/users/gus", "{\"password\":\"hunter3\"}").expect(200);
    node.put("/config/users/hal", "{}").expect(201);

    Answer answer = node.get("/config/versions/" + then).expect(200);

    assertEquals(expected, answer.json());
    assertFalse(answer.text().contains("sealed") || answer.text().contains("argon2"), answer.text());
    JsonNode users = node.get("/config/versions/" + then + "?kind=users&query=gus&limit=1").expect(200).json().get("entities");
    assertEquals(1, users.size());
    assertEquals(then, users.at("/users/items/0/version").longValue());
    for (String none : List.of("0", "-1", "x", "1000000")) {
      node.get("/config/versions/" + none).expect(404);
    }
  }

  @Test
  void diff_tellsEveryEntity_changedFields_andSecretsByNameOnly() {
    node.put("/config/users/ida", "{\"password\":\"hunter2\"}").expect(201);
    long from = node.put("/config/users/jon", "{}").expect(201).version();
    node.put("/config/users/ida", "{\"password\":\"hunter3\",\"enabled\":false}").expect(200);
    node.send("DELETE", "/config/users/jon", "").expect(200);
    long to = node.put("/config/users/kim", "{}").expect(201).version();

    Answer answer = node.get("/config/diff?from=" + from).expect(200);

    JsonNode json = answer.json();
    assertEquals(to, json.get("to").longValue());
    assertEquals(3, json.get("count").intValue());
    assertEquals(List.of("change", "delete", "create"), json.findValuesAsText("op"));
    assertEquals("[\"enabled\"]", json.at("/changes/0/changed").toString());
    assertEquals("[\"passwordHash\"]", json.at("/changes/0/changedSecrets").toString());
    assertFalse(answer.text().contains("sealed") || answer.text().contains("argon2"), answer.text());
    assertEquals(List.of("change", "create", "delete"),
        node.get("/config/diff?from=" + to + "&to=" + from).expect(200).json().findValuesAsText("op"));
    JsonNode first = node.get("/config/diff?limit=2&from=" + from + "&to=" + to).expect(200).json();
    assertEquals("users/jon", first.get("next").textValue());
    assertEquals("[\"kim\"]", node.get("/config/diff?after=users/jon&from=" + from + "&to=" + to).expect(200)
        .json().findValues("name").toString());
    assertEquals(0, node.get("/config/diff?from=" + to + "&to=" + to).expect(200).json().get("count").intValue());
    node.get("/config/diff").expect(400);
    node.get("/config/diff?from=0").expect(400);
    node.get("/config/diff?from=1&to=1000000").expect(404);
  }

  @Test
  void largeChange_isUndoneFromItsParts() {
    long then = node.put("/config/users/lou", "{}").expect(201).version();
    JsonNode expected = node.get("/config?limit=1000&minVersion=" + then).expect(200).json();
    String operations = IntStream.range(0, 900).mapToObj(i -> "{\"op\":\"put\",\"kind\":\"users\",\"name\":\"many-" + i
        + "\",\"value\":{\"home\":{\"path\":\"/" + "x".repeat(200) + "\"}}}").collect(Collectors.joining(","));
    long head = node.send("POST", "/config/changes", "{\"operations\":[" + operations + "]}").expect(200).version();

    assertEquals(expected, node.get("/config/versions/" + then + "?limit=1000&minVersion=" + head).expect(200).json());
    assertEquals(900, node.get("/config/diff?from=" + then).expect(200).json().get("count").intValue());
    node.send("POST", "/config/rollback", to(then)).expect(200);
  }

  @Test
  void forgottenVersion_is404_namingThoseKept(@TempDir Path other) throws IOException {
    try (AdminFixture small = new AdminFixture(other)) {
      small.put("/config/policies/history", "{\"changes\":2}").expect(201);
      small.put("/config/users/ann", "{}").expect(201);
      small.put("/config/users/bob", "{}").expect(201);

      assertEquals(2, small.get("/config/history").expect(200).json().get("oldest").longValue());
      small.get("/config/versions/2?minVersion=4").expect(200);
      for (Answer answer : List.of(small.get("/config/versions/1"), small.get("/config/diff?from=1"),
          small.send("POST", "/config/rollback", to(1)))) {
        assertTrue(answer.expect(404).text().contains("versions 2 to 4"), answer.text());
      }
    }
  }

  @Test
  void withoutAPrimary_thePastIs503_andThePresentIsShown() throws IOException {
    long head = node.put("/config/users/moe", "{}").expect(201).version();
    AdminServer alone = node.open(new ConfigClient());
    try {
      String base = "http://127.0.0.1:" + alone.port() + "/api/v1/config/";
      ask(base + "versions/1", "GET", "").expect(503);
      ask(base + "diff?from=1", "GET", "").expect(503);
      ask(base + "rollback", "POST", to(1)).expect(503);
      ask(base + "versions/" + head, "GET", "").expect(200);
    } finally {
      alone.close(Duration.ofSeconds(1)).toCompletableFuture().join();
    }
  }

  private static Answer ask(String url, String method, String body) {
    return node.send(HttpRequest.newBuilder(URI.create(url)).header("Authorization", "Bearer " + AdminFixture.ADMIN)
        .method(method, HttpRequest.BodyPublishers.ofString(body)).build());
  }

  private static byte[] document(String user) {
    return node.live.view().config().stored(EntityKey.of(Kind.USERS, user)).orElseThrow().document();
  }

  private static String to(long version) {
    return "{\"to\":" + version + "}";
  }
}
