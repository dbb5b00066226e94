package io.flotilla.http.admin;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.flotilla.config.model.ClusterKey;
import io.flotilla.config.model.EntityCodec;
import io.flotilla.config.model.JoinToken;
import io.flotilla.http.admin.AdminFixture.Answer;
import java.io.IOException;
import java.net.http.HttpRequest;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class JoinApiTest {
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

  private static JoinToken token(String body) {
    return JoinToken.parse(node.send("POST", "/join-tokens", body).expect(201).json().get("token").textValue());
  }

  private static ObjectNode body(JoinToken.Ask ask) {
    return EntityCodec.JSON.createObjectNode().put("id", ask.id()).put("maker", ask.maker()).put("expires", ask.expires())
        .put("node", ask.node()).put("publicKey", ask.publicKey()).put("proof", ask.proof());
  }

  /** Without any right of an admin. */
  private static Answer join(String body) {
    return node.send(node.request("POST", "/api/v1/join", HttpRequest.BodyPublishers.ofString(body)).build());
  }

  private static Answer join(JoinToken.Ask ask) {
    return join(body(ask).toString());
  }

  @Test
  void token_letsOneNodeIn_asOftenAsItsRequestIsRepeated() throws IOException {
    JoinToken token = token("");
    assertTrue(Duration.between(Instant.now(), token.expiresAt()).compareTo(Duration.ofMinutes(59)) > 0);
    assertEquals(List.of("https://10.0.0.1:20000"), token.addresses());
    JoinToken.Asking asking = token.ask("node-4");
    for (int i = 0; i < 2; i++) {
      JsonNode answer = join(asking.ask()).expect(200).json();
      assertEquals(Optional.of(new JoinToken.Welcome(node.key, List.of("10.0.0.1:20001", "10.0.0.2:20001"))),
          asking.open(new JoinToken.Answer(answer.get("publicKey").binaryValue(), answer.get("sealed").binaryValue())));
    }
    assertTrue(join(token.ask("node-5").ask()).expect(409).json().get("detail").textValue().contains("node node-4 has used it"));
    join(token.ask("node-4").ask()).expect(409); // another machine of that name
  }

  @Test
  void strangers_andLateOnes_areNotLetIn() {
    join(JoinToken.create(ClusterKey.generate(), "root", Instant.now().plusSeconds(60), List.of("https://x")).ask("node-4").ask()).expect(403);
    JoinToken late = JoinToken.create(node.key, "root", Instant.now().minusSeconds(5), List.of("https://x"));
    assertTrue(join(late.ask("node-4").ask()).expect(410).json().get("detail").textValue().contains("ran out"));
    JoinToken.Ask ask = token("").ask("node-4").ask();
    join(new JoinToken.Ask(ask.id(), ask.maker(), ask.expires() + 9000, ask.node(), ask.publicKey(), ask.proof())).expect(403);
    join(ask).expect(200); // what failed has not used it up
  }

  @Test
  void malformedRequests_areRefused() {
    ObjectNode good = body(token("{\"time\": \"5m\"}").ask("node-4").ask());
    for (String field : List.of("id", "maker", "expires", "node", "publicKey", "proof")) {
      ObjectNode body = good.deepCopy();
      body.remove(field);
      join(body.toString()).expect(400);
      join(good.deepCopy().put(field, 1.5).toString()).expect(400);
    }
    join(good.deepCopy().put("more", 1).toString()).expect(400);
    join("[]").expect(400);
    join("{").expect(400);
    join("\"" + "x".repeat(10_000) + "\"").expect(413);
    node.send(node.request("GET", "/api/v1/join", HttpRequest.BodyPublishers.noBody()).build()).expect(405);
    join(good.toString()).expect(200);
  }

  @Test
  void revokedToken_andThatOfARemovedAdmin_letNobodyIn() {
    JoinToken revoked = token("");
    remove(AdminFixture.OPERATOR, revoked.id()).expect(403);
    remove(AdminFixture.ADMIN, revoked.id()).expect(200);
    remove(AdminFixture.ADMIN, revoked.id()).expect(200);
    assertTrue(join(revoked.ask("node-4").ask()).expect(409).json().get("detail").textValue().contains("revoked"));
    JoinToken used = token("");
    join(used.ask("node-4").ask()).expect(200);
    remove(AdminFixture.ADMIN, used.id()).expect(409);
    remove(AdminFixture.ADMIN, "x").expect(404);

    String passing = "passing-token-".repeat(4);
    node.put("/config/admins/passing?wait=applied", "{\"role\":\"admin\",\"token\":\"" + passing + "\"}").expect(201);
    JoinToken theirs = JoinToken.parse(node.send(node.request("POST", "/api/v1/join-tokens", HttpRequest.BodyPublishers.noBody())
        .header("Authorization", "Bearer " + passing).build()).expect(201).json().get("token").textValue());
    node.send("PATCH", "/config/admins/passing?wait=applied", "{\"role\":\"viewer\"}").expect(200);
    assertTrue(join(theirs.ask("node-4").ask()).expect(403).json().get("detail").textValue().contains("any more"));
    node.send("DELETE", "/config/admins/passing?wait=applied", "").expect(200);
    join(theirs.ask("node-4").ask()).expect(403);
  }

  private static Answer remove(String admin, String id) {
    return node.send(node.request("DELETE", "/api/v1/join-tokens/" + id, HttpRequest.BodyPublishers.noBody())
        .header("Authorization", "Bearer " + admin).build());
  }

  @Test
  void tokens_areMadeByAdminsOnly_andAsTheySay() {
    for (String token : List.of(AdminFixture.OPERATOR, AdminFixture.VIEWER)) {
      node.send(node.request("POST", "/api/v1/join-tokens", HttpRequest.BodyPublishers.noBody())
          .header("Authorization", "Bearer " + token).build()).expect(403);
    }
    node.send(node.request("POST", "/api/v1/join-tokens", HttpRequest.BodyPublishers.noBody()).build()).expect(401);
    for (String body : List.of("{\"time\": \"8d\"}", "{\"time\": \"soon\"}", "{\"time\": 3}", "{\"addresses\": []}", "{\"addresses\": \"https://a\"}",
        "{\"addresses\": [\"10.0.0.1:20000\"]}", "{\"addresses\": [\"https://a/b\"]}", "{\"address\": \"https://a\"}", "[]")) {
      node.send("POST", "/join-tokens", body).expect(400);
    }
    JoinToken token = token("{\"time\": \"2h\", \"addresses\": [\"https://flotilla.example.org:20000\", \"http://10.0.0.9:20000/\"]}");
    assertEquals(2, token.addresses().size());
    assertFalse(token.expiresAt().isBefore(Instant.now().plus(Duration.ofMinutes(119))));
    node.get("/join-tokens").expect(405);
  }
}
