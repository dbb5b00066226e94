package io.flotilla.http.server;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import io.flotilla.auth.PasswordHasher;
import io.flotilla.config.model.ConfigDelta;
import io.flotilla.config.model.EntityCodec;
import io.flotilla.config.model.EntityKey;
import io.flotilla.config.model.Kind;
import java.net.URI;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A user changes the own password. */
class PasswordChangeTest extends HttpFixture {
  private static final String NEW = "another horse";
  private final PasswordHasher hasher = new PasswordHasher(1, 10);
  private final List<String> asked = new ArrayList<>();

  private record Session(String cookie, String csrfToken) {}

  @AfterEach
  void closeHasher() {
    hasher.close();
  }

  private HttpRequest.Builder json(String path, String method, String body) {
    return HttpRequest.newBuilder(URI.create(url(false, path))).header("Content-Type", "application/json")
        .method(method, HttpRequest.BodyPublishers.ofString(body));
  }

  private HttpResponse<byte[]> logIn(String password) throws Exception {
    return send(json("/session", "POST", "{\"user\":\"ann\",\"password\":\"" + password + "\"}"));
  }

  private Session session() throws Exception {
    HttpResponse<byte[]> answer = logIn(PASSWORD);
    assertEquals(201, answer.statusCode());
    JsonNode json = EntityCodec.JSON.readTree(answer.body());
    return new Session(cookie(answer), json.path("csrfToken").asText());
  }

  private static String cookie(HttpResponse<byte[]> answer) {
    String cookie = answer.headers().firstValue("Set-Cookie").orElseThrow();
    return cookie.substring(0, cookie.indexOf(';'));
  }

  private HttpResponse<byte[]> change(Session session, String current, String wanted) throws Exception {
    return send(json("/session/password", "PUT",
        EntityCodec.JSON.createObjectNode().put("current", current).put("new", wanted).toString())
        .header("Cookie", session.cookie()).header("X-CSRF-Token", session.csrfToken()));
  }

  private int status(String cookie) throws Exception {
    return send(HttpRequest.newBuilder(URI.create(url(false, "/files/"))).header("Cookie", cookie)).statusCode();
  }

  private static String detail(HttpResponse<byte[]> answer) throws Exception {
    return EntityCodec.JSON.readTree(answer.body()).path("detail").asText();
  }

  /** As the cluster does it. */
  private void withCluster() {
    passwordChanges = (user, version, password) -> {
      asked.add(user + " " + version + " " + password);
      return hasher.hash(password).thenApply(hash -> {
        config.secret(Kind.USERS, user, "passwordHash", hash, fields -> { });
        ConfigDelta delta = config.commit();
        sessions.apply(delta, config.view());
        adapter.apply(delta, config.view());
        return new PasswordChanges.Outcome.Changed();
      });
    };
  }

  @Test
  void theNewPassword_counts_allSessionsEnd_andTheUserHasANewOne() throws Exception {
    withCluster();
    Session session = session();
    Session other = session();
    long version = config.view().config().stored(EntityKey.of(Kind.USERS, "ann")).orElseThrow().version();
    HttpResponse<byte[]> answer = change(session, PASSWORD, NEW);
    assertEquals(204, answer.statusCode(), () -> new String(answer.body()));
    assertEquals("no-store", answer.headers().firstValue("Cache-Control").orElseThrow());
    assertEquals(List.of("ann " + version + " " + NEW), asked);
    assertEquals(401, status(session.cookie()));
    assertEquals(401, status(other.cookie()));
    assertEquals(200, status(cookie(answer)));
    assertEquals(401, logIn(PASSWORD).statusCode());
    assertEquals(201, logIn(NEW).statusCode());
  }

  @Test
  void aWrongPassword_changesNothing_isHeldBack_andAtLastEndsTheConnection() throws Exception {
    withCluster();
    Session session = session();
    RawHttp connection = connect();
    String body = "{\"current\":\"wrong\",\"new\":\"another horse\"}";
    for (int i = 1; i <= 3; i++) {
      RawHttp.Answer answer = connection.say("PUT /session/password HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nCookie: "
          + session.cookie() + "\r\nX-CSRF-Token: " + session.csrfToken() + "\r\nContent-Length: " + body.length() + "\r\n\r\n" + body).answer();
      assertEquals(403, answer.status());
      assertEquals(i == 3 ? "close" : null, answer.field("Connection"));
      assertEquals("the current password is wrong", EntityCodec.JSON.readTree(answer.body()).path("detail").asText());
    }
    assertEquals(List.of(), asked);
    assertEquals(200, status(session.cookie()));
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "1234567", PASSWORD})
  void whatCanBeNoPassword_isRefused(String wanted) throws Exception {
    withCluster();
    Session session = session();
    assertEquals(422, change(session, PASSWORD, wanted).statusCode());
    assertEquals(422, change(session, PASSWORD, "x".repeat(1001)).statusCode());
    assertEquals(422, change(session, PASSWORD, "€".repeat(400)).statusCode());
    assertEquals(List.of(), asked);
    assertEquals(200, status(session.cookie()));
  }

  @Test
  void withoutThePrimary_nothingIsChanged_andTheSessionGoesOn() throws Exception {
    Session session = session();
    HttpResponse<byte[]> answer = change(session, PASSWORD, NEW);
    assertEquals(503, answer.statusCode());
    assertEquals("no cluster", detail(answer));
    passwordChanges = (_, _, _) -> CompletableFuture.completedFuture(new PasswordChanges.Outcome.Refused("not now"));
    assertEquals(422, change(session, PASSWORD, NEW).statusCode());
    passwordChanges = (_, _, _) -> CompletableFuture.completedFuture(new PasswordChanges.Outcome.Unknown("who knows"));
    assertEquals(504, change(session, PASSWORD, NEW).statusCode());
    assertEquals(200, status(session.cookie()));
  }

  @Test
  void onlyASessionByCookie_withItsToken_mayAsk() throws Exception {
    withCluster();
    Session session = session();
    String body = "{\"current\":\"" + PASSWORD + "\",\"new\":\"" + NEW + "\"}";
    assertEquals(403, send(json("/session/password", "PUT", body).header("Cookie", session.cookie())).statusCode());
    assertEquals(409, send(json("/session/password", "PUT", body).header("Authorization", basic("ann", PASSWORD))).statusCode());
    assertEquals(401, send(json("/session/password", "PUT", body)).statusCode());
    String token = EntityCodec.JSON.readTree(send(json("/session", "POST",
        "{\"user\":\"ann\",\"password\":\"" + PASSWORD + "\",\"token\":true}")).body()).path("token").asText();
    assertEquals(409, send(json("/session/password", "PUT", body).header("Authorization", "Bearer " + token)).statusCode());
    HttpRequest.Builder own = json("/session/password", "PUT", body).header("Cookie", session.cookie()).header("X-CSRF-Token", session.csrfToken());
    assertEquals(415, send(own.copy().setHeader("Content-Type", "text/plain")).statusCode());
    assertEquals(405, send(own.copy().GET()).statusCode());
    for (String malformed : List.of("", "{", "[]", "{\"current\":1,\"new\":\"" + NEW + "\"}", "{\"new\":\"" + NEW + "\"}")) {
      HttpResponse<byte[]> answer = send(own.copy().PUT(HttpRequest.BodyPublishers.ofString(malformed)));
      assertEquals(400, answer.statusCode());
      assertTrue(detail(answer).contains("current"), detail(answer));
    }
    assertEquals(400, send(own.copy().PUT(HttpRequest.BodyPublishers.ofString("{\"current\":\"" + "x".repeat(9000)))).statusCode());
    assertEquals(List.of(), asked);
  }
}
