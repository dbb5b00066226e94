package io.flotilla.http.admin;

import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.flotilla.config.cluster.ConfigClient;
import io.flotilla.config.cluster.ConfigPrimary;
import io.flotilla.config.model.Kind;
import io.flotilla.config.model.Operation;
import io.flotilla.config.model.User;
import io.flotilla.config.view.ReplicaStatus;
import io.flotilla.http.admin.AdminFixture.Answer;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpRequest;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.pekko.actor.typed.javadsl.Behaviors;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ImportApiTest {
  private static final String IMPORT = "/config/import";
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
  void export_isOneStableDocument_withoutSecrets() {
    node.put("/config/users/ann", "{\"password\":\"hunter2\"}").expect(201);

    Answer answer = node.get("/config/export").expect(200);

    assertEquals(answer.text(), node.get("/config/export").text());
    assertFalse(answer.text().contains("sealed\"") || answer.text().contains("argon2"), answer.text());
    JsonNode json = answer.json();
    assertEquals(1, json.get("format").intValue());
    assertEquals(AdminFixture.CLUSTER_ID.toString(), json.get("clusterId").textValue());
    assertEquals(node.live.view().config().version(), json.get("version").longValue());
    assertEquals(node.live.view().config().digest().toString(), json.get("digest").textValue());
    assertEquals("true", json.at("/entities/users/ann/hasPassword").toString());
    assertEquals(Kind.values().length, json.get("entities").size());
    assertTrue(json.at("/entities/listeners").isEmpty() && json.at("/entities/listeners").isObject());
    node.get("/config/export?secrets=clear").expect(400);
    node.as(AdminFixture.VIEWER, "GET", "/config/export", "").expect(200);
    node.as(AdminFixture.OPERATOR, "GET", "/config/export?secrets=sealed", "").expect(403);
  }

  @ParameterizedTest
  @CsvSource({"none", "sealed"})
  void import_ofAnExport_isAnEmptyPlan(String secrets) {
    node.put("/config/users/bea", "{\"password\":\"hunter2\",\"enabled\":false}");
    node.put("/config/host-keys/main", "{\"algorithm\":\"ed25519\"}");
    String export = node.get("/config/export?secrets=" + secrets).expect(200).text();
    long head = node.live.view().config().version();

    Answer answer = node.send("POST", IMPORT + "?delete=true", export).expect(200);

    assertEquals(head, answer.version());
    assertEquals("0", answer.json().get("changed").toString());
    assertEquals("[]", answer.json().get("warnings").toString());
    assertEquals(head, node.get("/config/history?limit=1").version());
  }

  @Test
  void import_ofAnEditedExport_changesOnlyThat_andKeepsTheSecrets() {
    node.put("/config/users/carl", "{\"password\":\"hunter2\"}").expect(201);
    node.put("/config/users/cora", "{}").expect(201);
    String hash = hash("carl");
    ObjectNode document = (ObjectNode) node.get("/config/export").expect(200).json();
    ((ObjectNode) document.at("/entities/users/carl")).put("enabled", false);
    ((ObjectNode) document.at("/entities/users")).remove("cora");
    ((ObjectNode) document.at("/entities/users")).putObject("chris").put("passwordHash", hash);
    long head = node.live.view().config().version();

    JsonNode plan = node.send("POST", IMPORT + "?dryRun=true&delete=true", document.toString()).expect(200).json();

    assertEquals(head, node.get("/config/history?limit=1").version());
    assertEquals(head, plan.get("base").longValue());
    assertEquals(head + 1, plan.get("version").longValue());
    assertEquals(List.of("change", "create", "delete"), plan.get("changes").findValuesAsText("op"));
    assertEquals(List.of("carl", "chris", "cora"), plan.get("changes").findValuesAsText("name"));
    assertEquals("[\"enabled\"]", plan.at("/changes/0/changed").toString());
    assertEquals("[]", plan.at("/changes/0/changedSecrets").toString());
    assertEquals("ready", plan.at("/nodes/node-1/state").textValue());
    assertFalse(plan.toString().contains("argon2") || plan.toString().contains("$sealed"), plan.toString());

    Answer done = node.send("POST", IMPORT + "?delete=true&comment=from%20git", document.toString(),
        "If-Match", "\"" + head + "\"").expect(200);

    assertEquals(head + 1, done.version());
    assertEquals("[1,1,1]", List.of(done.json().get("created"), done.json().get("changed"), done.json().get("deleted"))
        .toString().replace(" ", ""));
    assertEquals(hash, hash("carl"));
    assertEquals(hash, hash("chris"));
    node.get("/config/users/cora").expect(404);
    assertEquals("from git", node.get("/config/history?limit=1").json().at("/changes/0/comment").textValue());
    node.send("POST", IMPORT, document.toString(), "If-Match", "\"" + head + "\"").expect(412);
  }

  @Test
  void import_withoutDelete_keepsWhatTheDocumentDoesNotName() {
    node.put("/config/users/dora", "{}").expect(201);
    node.send("POST", IMPORT, document("\"users\":{\"dirk\":{}}")).expect(200);
    node.get("/config/users/dora").expect(200);
    node.get("/config/users/dirk").expect(200);
    // Kinds without a section are not meant.
    node.send("POST", IMPORT + "?delete=true", document("\"host-keys\":{}")).expect(200);
    node.get("/config/storages/main").expect(200);
  }

  @Test
  void import_ofPlainPasswordsThatAreValidAlready_changesNothing() {
    String document = document("\"users\":{\"eve\":{\"password\":\"hunter2\"}}");
    long made = node.send("POST", IMPORT, document).expect(200).version();

    assertEquals(made, node.send("POST", IMPORT, document).expect(200).version());
    assertEquals(made + 1, node.send("POST", IMPORT, document.replace("hunter2", "hunter3")).expect(200).version());
  }

  @Test
  void import_thatTakesTheLastAdminAway_isRefused_andOneThatTakesTheCaller_warns() {
    long head = node.live.view().config().version();
    String lastGone = "\"admins\":{\"helper\":{\"role\":\"operator\"}}";

    Answer refused = node.send("POST", IMPORT + "?delete=true", document(lastGone)).expect(409);

    assertTrue(refused.text().contains("last admin"), refused.text());
    assertEquals(head, node.get("/config/history?limit=1").version());
    JsonNode plan = node.send("POST", IMPORT + "?delete=true&dryRun=true", document(
        "\"admins\":{\"other\":{\"role\":\"admin\",\"token\":\"" + "t".repeat(40) + "\"}}")).expect(200).json();
    assertTrue(plan.get("warnings").toString().contains("admins/root is you"), plan.toString());
  }

  @Test
  void import_whoseDocumentTellsOfSecretsItDoesNotHold_warns_orIsRefusedForAHostKey() {
    JsonNode plan = node.send("POST", IMPORT + "?dryRun=true", document(
        "\"users\":{\"fay\":{\"hasPassword\":true}},\"admins\":{\"fred\":{\"role\":\"viewer\",\"hasToken\":true}}"))
        .expect(200).json();
    assertEquals(2, plan.get("warnings").size(), plan.toString());
    Answer refused = node.send("POST", IMPORT, document(
        "\"host-keys\":{\"old\":{\"algorithm\":\"ed25519\",\"fingerprint\":\"SHA256:abc\"}}")).expect(422);
    assertEquals(List.of("/entities/host-keys/old/privateKey"), refused.pointers());
  }

  @Test
  void import_ofSealedSecrets_restoresThem_butNotForAnotherEntity() {
    node.put("/config/users/gus", "{\"password\":\"hunter2\"}").expect(201);
    String hash = hash("gus");
    ObjectNode export = (ObjectNode) node.get("/config/export?secrets=sealed").expect(200).json();
    node.put("/config/users/gus", "{\"password\":\"hunter3\"}").expect(200);

    JsonNode plan = node.send("POST", IMPORT + "?dryRun=true", export.toString()).expect(200).json();
    assertEquals("[\"passwordHash\"]", plan.at("/changes/0/changedSecrets").toString());
    node.send("POST", IMPORT, export.toString()).expect(200);
    assertEquals(hash, hash("gus"));

    JsonNode sealed = export.at("/entities/users/gus/passwordHash");
    Answer moved = node.send("POST", IMPORT, document("\"users\":{\"mallory\":{\"passwordHash\":" + sealed + "}}")).expect(422);
    assertEquals(List.of("/entities/users/mallory/passwordHash"), moved.pointers());
    Answer foreign = node.send("POST", IMPORT, document(
        "\"users\":{\"gus\":{\"passwordHash\":{\"$sealed\":\"1.0123456789abcdef.AAAA\"}}}")).expect(422);
    assertTrue(foreign.text().contains("sealed with cluster key 0123456789abcdef"), foreign.text());
  }

  @ParameterizedTest
  @CsvSource(delimiter = '|', value = {
      "400||",
      "400|not json|",
      "400|[]|",
      "400|{\"format\":1,\"entities\":{\"users\":{\"hugo\":{}}}|",
      "400|{\"format\":1,\"entities\":{\"users\":{\"hugo\":{},\"hugo\":{}}}}|",
      "400|{\"format\":1,\"entities\":{\"users\":{\"hugo\":{}}}}{}|",
      "422|{\"entities\":{\"users\":{\"hugo\":{}}}}|/format",
      "422|{\"format\":2,\"entities\":{\"users\":{\"hugo\":{}}}}|/format",
      "422|{\"format\":\"1\",\"entities\":{\"users\":{\"hugo\":{}}}}|/format",
      "422|{\"format\":1}|/entities",
      "422|{\"format\":1,\"entities\":[]}|/entities",
      "422|{\"format\":1,\"entities\":{\"users\":[]}}|/entities/users",
      "422|{\"format\":1,\"nope\":1,\"entities\":{}}|/nope",
      "422|{\"format\":1,\"entities\":{\"planets\":{\"mars\":{}}}}|/entities/planets/mars",
      "422|{\"format\":1,\"entities\":{\"users\":{\"hugo\":1}}}|/entities/users/hugo",
      "422|{\"format\":1,\"entities\":{\"users\":{\"a/b\":{}}}}|/entities/users/a~1b",
      "422|{\"format\":1,\"entities\":{\"users\":{\"hugo\":{\"enabld\":true}}}}|/entities/users/hugo/enabld",
      "422|{\"format\":1,\"entities\":{\"users\":{\"ok\":{},\"hugo\":{\"home\":{\"storage\":\"x\"}}}}}|/entities/users/hugo/home/storage",
      "422|{\"format\":1,\"entities\":{\"users\":{\"hugo\":{\"passwordHash\":\"plain\"}}}}|/entities/users/hugo/passwordHash",
      "409|{\"format\":1,\"entities\":{\"storages\":{}}}|"})
  void import_ofABadDocument_isRefused_andChangesNothing(int status, String document, String pointer) {
    node.put("/config/users/holder", "{}");
    long head = node.live.view().config().version();

    Answer answer = node.send("POST", IMPORT + "?delete=true", document == null ? "" : document).expect(status);

    if (pointer != null) {
      assertEquals(List.of(pointer), answer.pointers(), answer.text());
    }
    assertEquals(head, node.get("/config/history?limit=1").version());
  }

  @Test
  void import_thatIsTooLarge_isRefusedWithTheBound_alsoInChunks() {
    String document = document("\"users\":{\"ida\":{}}") + " ".repeat(AdminFixture.MAX_IMPORT);

    Answer answer = node.send("POST", IMPORT, document).expect(413);
    assertTrue(answer.text().contains(Integer.toString(AdminFixture.MAX_IMPORT)), answer.text());
    node.send(node.request("POST", "/api/v1" + IMPORT, HttpRequest.BodyPublishers.ofInputStream(
        () -> new ByteArrayInputStream(document.getBytes(StandardCharsets.UTF_8))))
        .header("Authorization", "Bearer " + AdminFixture.ADMIN).build()).expect(413);
    // More than one request body may have, less than an import may.
    node.send("POST", IMPORT + "?dryRun=true", document.substring(0, AdminFixture.MAX_BODY + 10)).expect(200);
  }

  @Test
  void import_badRequests_areRefused() {
    String document = document("\"users\":{}");
    node.as(AdminFixture.OPERATOR, "POST", IMPORT, document).expect(403);
    node.get(IMPORT).expect(405);
    node.send("POST", "/config/export", document).expect(405);
    node.send("POST", IMPORT, document, "If-None-Match", "*").expect(400);
    node.send("POST", IMPORT + "?delete=maybe", document).expect(400);
    node.send("POST", IMPORT + "?wait=never", document).expect(400);
    // The place that each took was given back.
    node.send("POST", IMPORT, document).expect(200);
  }

  @Test
  void import_repeatedWithItsKey_isMadeOnce() {
    String document = document("\"users\":{\"jane\":{}}");
    long head = node.live.view().config().version();
    String[] headers = {"If-Match", "\"" + head + "\"", "Idempotency-Key", "once"};

    assertEquals(head + 1, node.send("POST", IMPORT, document, headers).expect(200).version());
    assertEquals(head + 1, node.send("POST", IMPORT, document, headers).expect(200).version());
    assertEquals(head + 1, node.get("/config/history?limit=1").version());
  }

  @Test
  void import_ofMoreThanABatchMayHave_isOneChange_andItsPlanIsCut() {
    StringBuilder users = new StringBuilder("\"users\":{\"kim\":{}");
    for (int i = 0; i < ConfigWrites.MAX_OPERATIONS; i++) {
      users.append(",\"kim-").append(i).append("\":{}");
    }
    JsonNode plan = node.send("POST", IMPORT + "?dryRun=true", document(users + "}")).expect(200).json();
    assertEquals(ImportPlan.MAX_LISTED, plan.get("changes").size());
    assertTrue(plan.get("truncated").booleanValue());

    long made = node.send("POST", IMPORT, document(users + "}")).expect(200).version();

    JsonNode change = node.get("/config/history?limit=1").json().at("/changes/0");
    assertEquals(made, change.get("version").longValue());
    assertEquals(ConfigWrites.MAX_OPERATIONS + 1, change.get("operationCount").intValue());
    assertTrue(change.get("operations").size() < ConfigWrites.MAX_OPERATIONS && change.get("truncated").booleanValue());
    node.send("POST", "/config/rollback", "{\"to\":" + (made - 1) + "}").expect(200);
    node.get("/config/users/kim").expect(404);
  }

  @Test
  void import_whoseBodyNeverEnds_keepsOthersOut_andItsEndChangesNothing() throws IOException {
    String document = document("\"users\":{\"lou\":{}}");
    try (Socket half = new Socket("127.0.0.1", node.server.port())) {
      half.getOutputStream().write(("POST /api/v1/config/import HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer "
          + AdminFixture.ADMIN + "\r\nContent-Type: application/json\r\nContent-Length: " + (document.length() + 1)
          + "\r\n\r\n" + document).getBytes(StandardCharsets.US_ASCII));
      await().atMost(AdminFixture.SOON).until(() ->
          node.send("POST", IMPORT + "?dryRun=true", document("\"users\":{}")).status() == 503);
    }
    await().atMost(AdminFixture.SOON).until(() ->
        node.send("POST", IMPORT + "?dryRun=true", document("\"users\":{}")).status() == 200);
    node.get("/config/users/lou").expect(404);
  }

  @Test
  void import_ofWhatIsChangedMeanwhile_isWorkedOutAgain_unlessTheHeadWasNamed() {
    node.put("/config/users/mia", "{}").expect(201);
    AtomicInteger changes = new AtomicInteger();
    ConfigClient client = new ConfigClient();
    client.attach(node.kit.system(), node.kit.<ConfigPrimary.Command>spawn(Behaviors.receiveMessage(command -> {
      if (command instanceof ConfigPrimary.SubmitChange submit && changes.getAndIncrement() == 0) {
        node.primary.tell(new ConfigPrimary.SubmitChange(UUID.randomUUID().toString(), submit.author(), "just before", 0, true,
            false, false, List.of(new Operation(Operation.Action.PUT, "users", "mia",
                "{\"enabled\":false}".getBytes(StandardCharsets.US_ASCII), Operation.ANY)),
            node.kit.<ConfigPrimary.SubmitReply>createTestProbe().ref()));
      }
      node.primary.tell(command);
      return Behaviors.same();
    })));
    client.heard(new ReplicaStatus(1, 1, System.nanoTime(), false));
    AdminServer server = node.open(client);
    try {
      long head = node.live.view().config().version();
      String document = document("\"users\":{\"mia\":{\"home\":{\"path\":\"/m\"}}}");
      assertEquals(head + 2, at(server, document).expect(200).version());
      assertEquals(2, changes.get());
      assertEquals("/m", node.get("/config/users/mia?minVersion=" + (head + 2)).json().at("/home/path").textValue());

      changes.set(0);
      at(server, document("\"users\":{\"mia\":{}}"), "If-Match", "\"" + (head + 2) + "\"").expect(412);
    } finally {
      server.close(Duration.ofSeconds(1)).toCompletableFuture().join();
    }
  }

  private static Answer at(AdminServer server, String document, String... headers) {
    HttpRequest.Builder request = HttpRequest.newBuilder(
        URI.create("http://127.0.0.1:" + server.port() + "/api/v1/config/import"))
        .header("Authorization", "Bearer " + AdminFixture.ADMIN).POST(HttpRequest.BodyPublishers.ofString(document));
    if (headers.length > 0) {
      request.headers(headers);
    }
    return node.send(request.build());
  }

  @Test
  void import_withoutPrimary_isRefusedWith503() {
    AdminServer alone = node.open(new ConfigClient());
    try {
      Answer answer = node.send(HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + alone.port() + "/api/v1/config/import"))
          .header("Authorization", "Bearer " + AdminFixture.ADMIN)
          .POST(HttpRequest.BodyPublishers.ofString(document("\"users\":{}"))).build());
      answer.expect(503);
    } finally {
      alone.close(Duration.ofSeconds(1)).toCompletableFuture().join();
    }
  }

  private static String document(String entities) {
    return "{\"format\":1,\"entities\":{" + entities + "}}";
  }

  private static String hash(String user) {
    return node.live.view().config().find(Kind.USERS, user, User.class).orElseThrow().passwordHash().orElseThrow().reveal();
  }
}
