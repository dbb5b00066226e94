package io.flotilla.http.server;

import static java.util.concurrent.TimeUnit.SECONDS;
import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.flotilla.adapter.ClientEvent;
import io.flotilla.config.model.ConfigDelta;
import io.flotilla.config.model.EntityCodec;
import io.flotilla.config.model.Kind;
import io.flotilla.http.sessions.SessionRecord;
import java.net.URI;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Logging in once for many requests, over real connections. */
class SessionApiTest extends HttpFixture {
  /** What a client keeps of its login. */
  private record Session(String cookie, String csrfToken, String setCookie, JsonNode json) {}

  private static HttpRequest.Builder json(String url, String body) {
    return HttpRequest.newBuilder(URI.create(url)).header("Content-Type", "application/json").POST(HttpRequest.BodyPublishers.ofString(body));
  }

  private HttpResponse<byte[]> logIn(boolean tls, String user, String password, boolean token) throws Exception {
    ObjectNode form = EntityCodec.JSON.createObjectNode().put("user", user).put("password", password).put("token", token);
    return send(json(url(tls, "/session"), form.toString()));
  }

  private Session session(boolean tls, String user) throws Exception {
    HttpResponse<byte[]> answer = logIn(tls, user, PASSWORD, false);
    assertEquals(201, answer.statusCode());
    String cookie = answer.headers().firstValue("Set-Cookie").orElseThrow();
    JsonNode json = EntityCodec.JSON.readTree(answer.body());
    return new Session(cookie.substring(0, cookie.indexOf(';')), json.path("csrfToken").asText(), cookie, json);
  }

  private HttpRequest.Builder with(Session session, boolean tls, String path) {
    return HttpRequest.newBuilder(URI.create(url(tls, path))).header("Cookie", session.cookie());
  }

  private void commit() {
    ConfigDelta delta = config.commit();
    sessions.apply(delta, config.view());
    adapter.apply(delta, config.view());
  }

  @Test
  void aSession_servesManyRequests_withoutThePassword() throws Exception {
    Session session = session(true, "ann");
    assertTrue(session.setCookie().matches("__Host-flotilla=[A-Za-z0-9_-]{43}; Path=/; Max-Age=43200; HttpOnly; SameSite=Strict; Secure"));
    assertFalse(session.json().toString().contains(session.cookie().substring(session.cookie().indexOf('=') + 1)));
    byte[] data = random(100_000);
    assertEquals(201, send(with(session, true, "/files/a.bin").header("X-CSRF-Token", session.csrfToken())
        .PUT(HttpRequest.BodyPublishers.ofByteArray(data))).statusCode());
    assertArrayEquals(data, send(with(session, true, "/files/a.bin").GET()).body());
    JsonNode told = EntityCodec.JSON.readTree(send(with(session, true, "/session").GET()).body());
    assertEquals("ann", told.path("user").asText());
    assertEquals(session.csrfToken(), told.path("csrfToken").asText());
    assertEquals(1800, told.path("idleTimeoutSeconds").asInt());
    // One login, however many connections.
    assertEquals(1, events(ClientEvent.LoginSucceeded.class).size());
  }

  @Test
  void whoLogsInAnew_byTheConnectionOfTheFormerSession_isAnswered() throws Exception {
    Session session = session(false, "ann");
    RawHttp client = connect();
    assertEquals(200, client.say("GET /files/ HTTP/1.1\r\nHost: localhost\r\nCookie: " + session.cookie() + "\r\n\r\n").answer().status());
    String form = "{\"user\":\"ann\",\"password\":\"" + PASSWORD + "\"}";
    assertEquals(201, client.say("POST /session HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: "
        + form.length() + "\r\nCookie: " + session.cookie() + "\r\n\r\n" + form).answer().status());
    assertEquals(401, send(with(session, false, "/files/").GET()).statusCode());
  }

  @Test
  void logout_endsTheSession_andItsTransfersElsewhere() throws Exception {
    Files.createDirectories(home());
    Files.write(home().resolve("large"), new byte[48 << 20]);
    Session session = session(false, "ann");
    RawHttp download = connect().say("GET /files/large HTTP/1.1\r\nHost: localhost\r\nCookie: " + session.cookie() + "\r\n\r\n");
    await().atMost(30, SECONDS).until(() -> connections.list().stream().anyMatch(one -> one.transfer().isPresent()));
    HttpResponse<byte[]> answer = send(with(session, false, "/session").header("X-CSRF-Token", session.csrfToken()).DELETE());
    assertEquals(204, answer.statusCode());
    assertEquals("flotilla=; Path=/; Max-Age=0; HttpOnly; SameSite=Strict", answer.headers().firstValue("Set-Cookie").orElseThrow());
    assertTrue(download.drain() < 48 << 20);
    assertEquals(401, send(with(session, false, "/files/").GET()).statusCode());
    await().atMost(30, SECONDS).until(() -> connections.list().isEmpty());
    assertEquals(1, events(ClientEvent.LoggedOut.class).size());
  }

  @ParameterizedTest
  @ValueSource(strings = {"PUT", "DELETE", "MKCOL", "MOVE", "COPY", "PATCH", "PROPPATCH", "LOCK", "UNLOCK"})
  void whatChangesSomething_needsTheToken(String method) throws Exception {
    Session session = session(true, "ann");
    Session other = session(true, "ann");
    for (String token : List.of("", other.csrfToken(), session.csrfToken() + "A")) {
      HttpResponse<byte[]> refused = send(with(session, true, "/files/x").header("X-CSRF-Token", token)
          .header("Destination", "/files/y").method(method, HttpRequest.BodyPublishers.noBody()));
      assertEquals(403, refused.statusCode());
      assertTrue(new String(refused.body()).contains("X-CSRF-Token"));
    }
    assertEquals(403, send(with(session, true, "/session").DELETE()).statusCode());
    assertNotEquals(403, send(with(session, true, "/files/x").header("X-CSRF-Token", session.csrfToken())
        .header("Destination", "/files/y").method(method, HttpRequest.BodyPublishers.noBody())).statusCode());
  }

  @Test
  void aSelectionToDownload_changesNothing_soAFormMayAskForIt() throws Exception {
    Session session = session(true, "ann");
    HttpRequest.Builder form = with(session, true, "/files/?zip").header("Content-Type", "application/x-www-form-urlencoded")
        .POST(HttpRequest.BodyPublishers.ofString("name=none"));
    assertEquals(404, send(form).statusCode());
    assertEquals(403, send(with(session, true, "/files/?zap").POST(HttpRequest.BodyPublishers.ofString("name=none"))).statusCode());
  }

  @Test
  void aToken_isForPrograms_andNoCookie() throws Exception {
    HttpResponse<byte[]> answer = logIn(true, "ann", PASSWORD, true);
    assertEquals(201, answer.statusCode());
    assertTrue(answer.headers().firstValue("Set-Cookie").isEmpty());
    assertEquals("no-store", answer.headers().firstValue("Cache-Control").orElseThrow());
    String token = EntityCodec.JSON.readTree(answer.body()).path("token").asText();
    HttpRequest.Builder put = HttpRequest.newBuilder(URI.create(url(true, "/files/a"))).PUT(HttpRequest.BodyPublishers.ofString("a"));
    assertEquals(201, send(put.copy().header("Authorization", "Bearer " + token)).statusCode());
    assertEquals(401, send(put.copy().header("Cookie", "__Host-flotilla=" + token)).statusCode());
    assertEquals(204, send(HttpRequest.newBuilder(URI.create(url(true, "/session"))).DELETE()
        .header("Authorization", "Bearer " + token)).statusCode());
    assertEquals(401, send(put.copy().header("Authorization", "Bearer " + token)).statusCode());
  }

  @Test
  void aWrongPassword_anUnknownUser_andAForeignForm_getNoSession() throws Exception {
    for (HttpResponse<byte[]> refused : List.of(logIn(true, "ann", "wrong", false), logIn(true, "bob", PASSWORD, false))) {
      assertEquals(401, refused.statusCode());
      assertTrue(refused.headers().firstValue("Set-Cookie").isEmpty());
    }
    assertEquals(2, events(ClientEvent.LoginFailed.class).size());
    String form = "{\"user\":\"ann\",\"password\":\"" + PASSWORD + "\"}";
    assertEquals(415, send(HttpRequest.newBuilder(URI.create(url(true, "/session"))).header("Content-Type", "text/plain")
        .POST(HttpRequest.BodyPublishers.ofString(form))).statusCode());
    for (String malformed : List.of("", "{", "[]", "{\"user\":1,\"password\":\"x\"}", "{\"user\":\"ann\"}",
        "{\"user\":\"ann\",\"password\":\"x\",\"token\":\"yes\"}", "{\"user\":\"" + "a".repeat(9000) + "\",\"password\":\"\"}")) {
      assertEquals(400, send(json(url(true, "/session"), malformed)).statusCode());
    }
  }

  @Test
  void whatAClientInvents_orOthersSet_isNoSession() throws Exception {
    Session session = session(true, "ann");
    String name = "__Host-flotilla=";
    for (String cookie : List.of(name + "A".repeat(43), name, name + "../../x", name + "a".repeat(8000), session.cookie() + "x",
        "flotilla=" + session.cookie().substring(name.length()), session.cookie() + "; " + name + "A".repeat(43),
        name + session.json().path("id").asText())) {
      assertEquals(401, send(HttpRequest.newBuilder(URI.create(url(true, "/files/"))).header("Cookie", cookie).GET()).statusCode());
    }
    // A session that a client brings along when it logs in is not the one it gets, and has ended.
    HttpResponse<byte[]> anew = send(json(url(true, "/session"), "{\"user\":\"ann\",\"password\":\"" + PASSWORD + "\"}")
        .header("Cookie", session.cookie()));
    assertEquals(201, anew.statusCode());
    assertFalse(anew.headers().firstValue("Set-Cookie").orElseThrow().startsWith(session.cookie()));
    assertEquals(401, send(with(session, true, "/files/").GET()).statusCode());
  }

  @ParameterizedTest
  @ValueSource(strings = {"AWS4-HMAC-SHA256 Credential=ann/", "Negotiate abc", "Bearer", "Bearer ", "Bearer x", "bearer admin", "Basic", "Basic !"})
  void anUnknownScheme_isNobody_evenWithACookie(String authorization) throws Exception {
    Session session = session(true, "ann");
    assertEquals(401, send(with(session, true, "/files/").header("Authorization", authorization).GET()).statusCode());
  }

  @Test
  void aPage_isNotMadeToAskForAPassword() throws Exception {
    HttpRequest.Builder request = HttpRequest.newBuilder(URI.create(url(true, "/files/"))).GET();
    assertEquals(Set.of("Bearer realm=\"flotilla\"", "Basic realm=\"flotilla\", charset=\"UTF-8\""),
        Set.copyOf(send(request.copy()).headers().allValues("WWW-Authenticate")));
    assertEquals(List.of("Bearer realm=\"flotilla\""),
        send(request.copy().header("Sec-Fetch-Dest", "empty")).headers().allValues("WWW-Authenticate"));
    assertEquals(List.of("Bearer realm=\"flotilla\""),
        send(request.copy().header("X-CSRF-Token", "")).headers().allValues("WWW-Authenticate"));
  }

  @Test
  void oneConnection_servesTwoUsers_eachTheirOwn() throws Exception {
    user("bob", fields -> { });
    commit();
    Session ann = session(false, "ann");
    Session bob = session(false, "bob");
    RawHttp shared = connect();
    for (int i = 0; i < 3; i++) {
      for (Session session : List.of(ann, bob)) {
        String name = session.json().path("user").asText() + i;
        assertEquals(201, shared.say("PUT /files/" + name + " HTTP/1.1\r\nHost: localhost\r\nCookie: " + session.cookie()
            + "\r\nX-CSRF-Token: " + session.csrfToken() + "\r\nContent-Length: 1\r\n\r\nx").answer().status());
      }
    }
    assertEquals(List.of("ann0", "ann1", "ann2"), homeEntries());
  }

  @Test
  void aSessionByManyConnections_isOneSessionOfItsUser() throws Exception {
    user("ann", fields -> fields.putObject("limits").put("sessions", 1));
    commit();
    Session session = session(false, "ann");
    List<RawHttp> connections = List.of(connect(), connect(), connect());
    for (RawHttp connection : connections) {
      assertEquals(200, connection.say("GET /files/ HTTP/1.1\r\nHost: localhost\r\nCookie: " + session.cookie() + "\r\n\r\n").answer().status());
    }
    assertEquals(3, this.connections.list().size());
    assertEquals(429, get(false, "/files/").statusCode());
  }

  @Test
  void aChangedPassword_endsTheSession_butOtherPermissionsDont() throws Exception {
    Session session = session(true, "ann");
    assertEquals(200, send(with(session, true, "/files/").GET()).statusCode());
    user("ann", fields -> fields.putObject("permissions").putArray("/").add("list"));
    commit();
    assertEquals(200, send(with(session, true, "/files/").GET()).statusCode());
    assertEquals(403, send(with(session, true, "/files/x").header("X-CSRF-Token", session.csrfToken())
        .PUT(HttpRequest.BodyPublishers.noBody())).statusCode());
    config.secret(Kind.USERS, "ann", "passwordHash", "another", fields -> { });
    commit();
    assertEquals(401, send(with(session, true, "/files/").GET()).statusCode());
  }

  /** As other nodes tell of a session of ann. */
  private void hearOfEnded(int number) {
    long now = System.currentTimeMillis();
    sessions.heard(new SessionRecord(
        "id-" + number, "ann", "", SessionRecord.Use.TOKEN, "other", "192.0.2.1", now, now + 1_000_000, now, true));
  }

  @Test
  void whoHasLoggedInTooOften_isToldSo_andNobodyElseIs() throws Exception {
    user("bob", json -> { });
    commit();
    int most = 2_000; // with those that have ended, which are remembered
    for (int i = 0; i < most - 1; i++) {
      hearOfEnded(i);
    }
    Session last = session(false, "ann");
    HttpResponse<byte[]> refused = logIn(false, "ann", PASSWORD, true);
    assertEquals(429, refused.statusCode());
    assertEquals("application/problem+json", refused.headers().firstValue("Content-Type").orElseThrow());
    assertEquals(List.of(), refused.headers().allValues("Set-Cookie"));
    JsonNode problem = EntityCodec.JSON.readTree(refused.body());
    assertTrue(problem.path("type").asText().endsWith("too-many-sessions"), problem.toString());
    assertTrue(problem.path("token").isMissingNode());
    assertEquals(1, sessions.count());
    assertEquals(200, send(with(last, false, "/files/").GET()).statusCode());
    assertEquals(201, logIn(false, "bob", PASSWORD, true).statusCode());
  }

  @Test
  void withoutReplication_aCookieNamesTheNode() throws Exception {
    config.put(Kind.POLICIES, "sessions", json -> json.put("replicated", false));
    commit();
    HttpResponse<byte[]> answer = logIn(true, "ann", PASSWORD, false);
    assertEquals(List.of("flotilla-node=n1; Path=/; Max-Age=43200; HttpOnly; SameSite=Strict; Secure"),
        answer.headers().allValues("Set-Cookie").stream().filter(cookie -> cookie.startsWith("flotilla-node")).toList());
  }
}
