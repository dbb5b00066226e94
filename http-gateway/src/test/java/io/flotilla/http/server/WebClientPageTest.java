package io.flotilla.http.server;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.flotilla.config.model.Kind;
import java.io.ByteArrayInputStream;
import java.net.URI;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.zip.GZIPInputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The page and what it loads, for whoever comes, over real connections. */
class WebClientPageTest extends HttpFixture {
  private static final Pattern APP = Pattern.compile("src=\"(/client/[A-Za-z0-9_-]{16}/app\\.js)\"");

  private HttpRequest.Builder guest(String path) {
    return HttpRequest.newBuilder(URI.create(url(false, path)));
  }

  private String app() throws Exception {
    Matcher found = APP.matcher(new String(send(guest("/")).body()));
    assertTrue(found.find());
    return found.group(1);
  }

  private static String header(HttpResponse<?> response, String name) {
    return response.headers().firstValue(name).orElse("");
  }

  @Test
  void thePage_andItsModules_haveStrictHeaders() throws Exception {
    Map<String, String> strict = Map.of(
        "Content-Security-Policy", "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; connect-src 'self'; "
            + "frame-src blob:; object-src 'none'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
        "X-Content-Type-Options", "nosniff", "Referrer-Policy", "no-referrer", "Cross-Origin-Opener-Policy", "same-origin",
        "Cross-Origin-Resource-Policy", "same-origin", "X-Frame-Options", "DENY");
    HttpResponse<byte[]> page = send(guest("/"));
    HttpResponse<byte[]> module = send(guest(app()));
    for (HttpResponse<byte[]> answer : List.of(page, module)) {
      assertEquals(200, answer.statusCode());
      strict.forEach((name, value) -> assertEquals(value, header(answer, name)));
    }
    assertEquals("text/html; charset=UTF-8", header(page, "Content-Type"));
    assertEquals("no-cache", header(page, "Cache-Control"));
    assertEquals("text/javascript; charset=UTF-8", header(module, "Content-Type"));
    assertEquals("public, max-age=31536000, immutable", header(module, "Cache-Control"));
    assertTrue(new String(module.body()).contains("customElements.define('flotilla-app'"));
  }

  @Test
  void aModuleOfAnotherRelease_isWhatThisOneHas_andIsNotKept() throws Exception {
    HttpResponse<byte[]> module = send(guest("/client/AAAAAAAAAAAAAAAA/app.js"));
    assertEquals(200, module.statusCode());
    assertEquals("no-store", header(module, "Cache-Control"));
  }

  @Test
  void gzip_isForThoseWhoTakeIt_andEachFormHasItsTag() throws Exception {
    String app = app();
    HttpResponse<byte[]> plain = send(guest(app));
    assertEquals("", header(plain, "Content-Encoding"));
    assertEquals("", header(send(guest(app).header("Accept-Encoding", "br, gzip;q=0")), "Content-Encoding"));
    HttpResponse<byte[]> packed = send(guest(app).header("Accept-Encoding", "br, gzip;q=0.5"));
    assertEquals("gzip", header(packed, "Content-Encoding"));
    assertEquals("Accept-Encoding", header(packed, "Vary"));
    assertTrue(packed.body().length < plain.body().length);
    assertArrayEquals(plain.body(), new GZIPInputStream(new ByteArrayInputStream(packed.body())).readAllBytes());
    assertNotEquals(header(plain, "ETag"), header(packed, "ETag"));
  }

  @Test
  void whoHasThePage_isToldSo() throws Exception {
    String tag = header(send(guest("/")), "ETag");
    for (String known : List.of(tag, "W/" + tag, "\"other\", " + tag, "*")) {
      HttpResponse<byte[]> answer = send(guest("/").header("If-None-Match", known));
      assertEquals(304, answer.statusCode(), known);
      assertEquals(tag, header(answer, "ETag"));
      assertEquals(0, answer.body().length);
    }
    assertEquals(200, send(guest("/").header("If-None-Match", "\"other\"")).statusCode());
    assertEquals(200, send(guest("/").header("If-None-Match", tag).header("Accept-Encoding", "gzip")).statusCode());
  }

  @Test
  void head_tellsTheLength_andTheConnectionGoesOn() throws Exception {
    int length = send(guest("/")).body().length;
    RawHttp connection = connect();
    String head = connection.say("HEAD / HTTP/1.1\r\nHost: localhost\r\n\r\n").readHead();
    assertTrue(head.startsWith("HTTP/1.1 200 ") && head.contains("Content-Length: " + length + "\r\n"), head);
    assertEquals(length, connection.say("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n").answer().body().length);
  }

  @ParameterizedTest
  @ValueSource(strings = {"POST", "PUT", "DELETE", "OPTIONS", "PATCH", "MKCOL", "MOVE"})
  void otherMethods_areNotAllowed(String method) throws Exception {
    for (String path : List.of("/", app())) {
      HttpResponse<byte[]> answer = send(guest(path).method(method, HttpRequest.BodyPublishers.ofString("x")));
      assertEquals(405, answer.statusCode());
      assertEquals("GET, HEAD", header(answer, "Allow"));
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"/client", "/client/", "/client/app.js", "/client/x/", "/client/x/nothing.js", "/client/x/y/app.js",
      "/client/../x", "/client/x/../app.js", "/client/x/..%2Fapp.js", "/client/x/%61pp.js", "/client/x/app.js%00", "/client/x/WebClient.class",
      "/client/x/index.html", "/client/x/../../web/index.html", "/client/x/..\\\\app.js", "/client/x/app.js/"})
  void noPath_becomesAResource(String path) throws Exception {
    RawHttp.Answer answer = connect().say("GET " + path + " HTTP/1.1\r\nHost: localhost\r\n\r\n").answer();
    assertTrue(answer.status() == 404 || answer.status() == 400, path + ": " + answer.head());
    assertEquals("application/problem+json", answer.field("Content-Type"));
  }

  @Test
  void whereItIsSwitchedOff_thereIsNothing_andTheRestGoesOn() throws Exception {
    String app = app();
    config.change(Kind.LISTENERS, "http", json -> json.putObject("http").put("tls", false).put("webClient", false));
    config.commit(adapter);
    for (String path : List.of("/", app)) {
      assertEquals(404, send(guest(path)).statusCode());
    }
    assertEquals(401, send(navigation("/files/a")).statusCode());
    assertEquals(200, get(false, "/files/").statusCode());
    assertEquals(200, send(HttpRequest.newBuilder(URI.create(url(true, "/")))).statusCode(), "the other listener");
  }

  private HttpRequest.Builder navigation(String path) {
    return guest(path).header("Sec-Fetch-Mode", "navigate").header("Accept", "text/html,application/xhtml+xml,*/*;q=0.8");
  }

  @Test
  void aLinkToAFile_leadsABrowserToThePage_andProgramsToTheLogin() throws Exception {
    for (Map.Entry<String, String> link : Map.of("/files", "/#/", "/files/", "/#/", "/files/a%20b/c.txt?inline", "/#/a%20b/c.txt").entrySet()) {
      HttpResponse<byte[]> answer = send(navigation(link.getKey()));
      assertEquals(303, answer.statusCode());
      assertEquals(link.getValue(), header(answer, "Location"));
      assertEquals("no-store", header(answer, "Cache-Control"));
    }
    assertEquals(303, send(navigation("/files/a").header("Cookie", "flotilla=" + "A".repeat(43))).statusCode(), "the session has ended");
    assertEquals(401, send(guest("/files/a")).statusCode());
    assertEquals(401, send(guest("/files/a").header("Sec-Fetch-Mode", "navigate").header("Accept", "image/png")).statusCode());
    assertEquals(401, send(navigation("/files/a").method("DELETE", HttpRequest.BodyPublishers.noBody())).statusCode());
    assertEquals(401, send(navigation("/uploads/a")).statusCode());
    assertEquals(404, send(navigation("/files/a").header("Authorization", basic("ann", PASSWORD))).statusCode());
  }

  @Test
  void guests_areNobody() throws Exception {
    assertNull(connect().say("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n").answer().field("Set-Cookie"));
    RawHttp connection = connect();
    assertEquals(200, connection.say(RawHttp.head("GET", "/files/")).answer().status());
    assertEquals(200, connection.say("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n").answer().status());
    assertEquals(401, connection.say("GET /files/ HTTP/1.1\r\nHost: localhost\r\n\r\n").answer().status());
  }
}
