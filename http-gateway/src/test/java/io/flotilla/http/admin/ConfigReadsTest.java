package io.flotilla.http.admin;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import io.flotilla.config.cluster.ConfigClient;
import io.flotilla.config.event.Author;
import io.flotilla.config.model.Operation;
import io.flotilla.http.admin.AdminFixture.Answer;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ConfigReadsTest {
  private static final String HASH = "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$"
      + "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
  @TempDir private static Path directory;
  private static AdminFixture node;

  @BeforeAll
  static void start() throws IOException {
    node = new AdminFixture(directory);
    StringBuilder batch = new StringBuilder("{\"operations\":[");
    for (int i = 0; i < 250; i++) {
      batch.append(i == 0 ? "" : ",").append(String.format(
          "{\"op\":\"put\",\"kind\":\"users\",\"name\":\"user-%03d\",\"value\":{}}", i));
    }
    node.send("POST", "/config/changes", batch + "]}").expect(200);
  }

  @AfterAll
  static void stop() throws IOException {
    node.close();
  }

  @Test
  void claims_areListedByPrefix() throws Exception {
    for (String key : List.of("upload/a", "upload/b", "lock/a")) {
      node.claims.acquire(key, "node-1", Duration.ofMinutes(1), AdminFixture.SOON).toCompletableFuture().join();
    }

    JsonNode first = node.get("/claims?prefix=upload/&limit=1").expect(200).json();
    assertEquals("upload/a", first.path("items").path(0).path("key").asText());
    assertEquals("upload/a", first.path("next").asText());
    JsonNode rest = node.get("/claims?prefix=upload/&after=upload/a").expect(200).json();
    assertEquals(1, rest.path("items").size());
    assertTrue(rest.path("items").path(0).path("remainingMilliseconds").asLong() > 0);
  }

  @Test
  void list_comesInPages_thatTogetherAreAll() {
    List<String> seen = new ArrayList<>();
    String after = "";
    int pages = 0;
    do {
      JsonNode page = node.get("/config/users?limit=60&query=USER-&after=" + after).expect(200).json();
      page.get("items").forEach(item -> seen.add(item.get("name").textValue()));
      after = page.get("next").asText("");
      pages++;
    } while (!after.equals("null") && !after.isEmpty());

    assertEquals(5, pages);
    assertEquals(250, seen.size());
    assertEquals(seen.stream().sorted().distinct().toList(), seen);
  }

  @Test
  void list_filteredByName_findsOnlyThose() {
    JsonNode found = node.get("/config/users?query=er-24").expect(200).json().get("items");

    assertEquals(10, found.size());
    assertEquals("user-240", found.get(0).get("name").textValue());
  }

  @Test
  void minVersion_thatNeverComes_is504() {
    node.get("/config/users?limit=1&timeout=100ms&minVersion=999999").expect(504);
  }

  @Test
  void generatedHostKey_showsItsFingerprint_keepsItWhenPutAgain_andChangesWithTheAlgorithm() {
    node.put("/config/host-keys/main", "{\"algorithm\":\"ed25519\"}").expect(201);
    JsonNode first = node.get("/config/host-keys/main").expect(200).json();
    assertTrue(first.get("fingerprint").textValue().startsWith("SHA256:"), first.toString());
    assertFalse(first.has("privateKey"));

    node.put("/config/host-keys/main", "{\"algorithm\":\"ed25519\"}").expect(200);
    assertEquals(first.get("fingerprint"), node.get("/config/host-keys/main").json().get("fingerprint"));
    node.put("/config/host-keys/main", "{\"algorithm\":\"ecdsa-256\"}").expect(200);
    assertNotEquals(first.get("fingerprint"), node.get("/config/host-keys/main").json().get("fingerprint"));
    node.put("/config/host-keys/other", "{\"algorithm\":\"dsa\"}").expect(422);
    node.put("/config/host-keys/other", "{\"privateKey\":\"nonsense\"}").expect(422);
  }

  @Test
  void passwordHash_isTaken_andShownNowhere() {
    node.put("/config/users/hashed", "{\"passwordHash\":\"" + HASH + "\"}").expect(201);
    node.put("/config/users/clear", "{\"password\":\"never to be seen\"}").expect(201);

    for (String path : List.of("/config/users/hashed", "/config?limit=1000", "/config/history?limit=5")) {
      String text = node.get(path).expect(200).text();
      assertFalse(text.contains("argon2") || text.contains("never to be seen") || text.contains("$sealed"), path);
    }
    assertTrue(node.get("/config/users/hashed").json().get("hasPassword").booleanValue());
  }

  @Test
  void change_isFoundByItsId_andInHistory() {
    Answer made = node.put("/config/users/historic", "{\"enabled\":false}").expect(201);
    String id = made.json().get("id").textValue();

    assertEquals(made.version(), node.get("/config/changes/" + id).expect(200).version());
    node.get("/config/changes/unheard-of").expect(404);
    JsonNode latest = node.get("/config/history?limit=1&before=" + (made.version() + 1)).expect(200).json()
        .get("changes").get(0);
    assertEquals(made.version(), latest.get("version").longValue());
    assertEquals("root", latest.get("who").textValue());
    assertEquals("127.0.0.1", latest.get("from").textValue());
    assertTrue(latest.get("operations").get(0).get("before").isNull());
    assertFalse(latest.get("operations").get(0).get("after").get("enabled").booleanValue());
  }

  @Test
  void refusal_ofAnyKind_namesTheChange_soThatItCanBeLookedUp() {
    for (Answer refused : List.of(
        node.put("/config/users/nobody", "{\"home\":{\"storage\":\"none\"}}").expect(422),
        node.send("DELETE", "/config/admins/root", "").expect(409),
        node.send("DELETE", "/config/users/nobody", "").expect(404),
        node.send("PATCH", "/config/storages/main", "{}", "If-Match", "\"999\"").expect(412))) {
      String id = refused.json().path("id").asText();
      JsonNode found = node.get("/config/changes/" + id).expect(200).json();
      assertEquals("refused", found.get("state").textValue());
      assertFalse(found.get("detail").textValue().isEmpty());
    }
  }

  @Test
  void change_thatWasRefused_isFoundWithTheReason() {
    node.client.submit(new ConfigClient.Request("lost-answer", new Author("root", "127.0.0.1", "node-1"), "", false, false),
        List.of(new Operation(Operation.Action.PUT, "users", "lost",
            "{\"home\":{\"storage\":\"none\"}}".getBytes(StandardCharsets.UTF_8), Operation.ANY)), AdminFixture.SOON)
        .toCompletableFuture().join();

    JsonNode found = node.get("/config/changes/lost-answer").expect(200).json();

    assertEquals("refused", found.get("state").textValue());
    assertTrue(found.get("detail").textValue().contains("there is no storage named 'none'"), found.toString());
    assertFalse(found.has("version"), found.toString());
  }

  @Test
  void cluster_tellsWhatJournalAndHistoryHold() {
    JsonNode cluster = node.get("/cluster").expect(200).json();

    JsonNode journal = cluster.get("journal");
    assertEquals("""
        {"engine":"embedded","events":12,"bytes":3456,"oldestEvent":31,"newestEvent":42,"snapshots":2,"snapshotBytes":7890,\
        "lastSnapshot":{"version":40,"at":"2026-11-24T09:55:31Z","bytes":4000},"voters":[\
        {"node":"node-1","raftAddress":"127.0.0.1:1","reachable":true,"logBytes":65536,"snapshotBytes":1024},\
        {"node":"node-2","raftAddress":"127.0.0.2:1","reachable":false,"logBytes":null,"snapshotBytes":null}],\
        "trouble":"node-2 does not answer"}""", journal.toString());
    JsonNode history = cluster.get("history");
    assertEquals(cluster.get("version"), history.get("changes"), "nothing was forgotten yet");
    assertEquals(10_000, history.get("maxChanges").intValue());
    assertTrue(history.get("bytes").longValue() > 0 && history.get("maxBytes").longValue() == 16 << 20, history.toString());
    assertEquals(1, history.get("oldest").longValue());
    assertEquals(history.get("changes"), history.get("lookups"));
  }

  @Test
  void sameIdempotencyKey_forSomethingElse_isAnotherChange() {
    long first = node.put("/config/users/once", "{}", "Idempotency-Key", "key-1").expect(201).version();
    long second = node.put("/config/users/once", "{\"enabled\":false}", "Idempotency-Key", "key-1").expect(200).version();

    assertTrue(second > first);
    assertFalse(node.get("/config/users/once").json().get("enabled").booleanValue());
  }
}
