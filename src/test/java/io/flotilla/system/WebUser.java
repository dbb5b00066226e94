package io.flotilla.system;

import static org.junit.jupiter.api.Assertions.assertEquals;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;

/**
 * What a browser and its page keep of a session.
 *
 * @param id as administrators see it
 */
record WebUser(String cookie, String csrfToken, String id) {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final HttpClient HTTP = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();

  /** @param at scheme, host and port */
  static WebUser logIn(String at, String user, String password) throws IOException, InterruptedException {
    HttpResponse<byte[]> answer = tryLogIn(at, user, password);
    assertEquals(201, answer.statusCode(), () -> new String(answer.body()));
    JsonNode json = JSON.readTree(answer.body());
    String cookie = answer.headers().firstValue("Set-Cookie").orElseThrow();
    return new WebUser(cookie.substring(0, cookie.indexOf(';')), json.path("csrfToken").asText(), json.path("id").asText());
  }

  static HttpResponse<byte[]> tryLogIn(String at, String user, String password) throws IOException, InterruptedException {
    return send(HttpRequest.newBuilder(URI.create(at + "/session")).header("Content-Type", "application/json")
        .POST(HttpRequest.BodyPublishers.ofString("{\"user\":\"" + user + "\",\"password\":\"" + password + "\"}")));
  }

  HttpResponse<byte[]> get(String at, String path) throws IOException, InterruptedException {
    return send(request(at, path).GET());
  }

  HttpResponse<byte[]> put(String at, String path, byte[] content) throws IOException, InterruptedException {
    return send(request(at, path).PUT(HttpRequest.BodyPublishers.ofByteArray(content)));
  }

  HttpResponse<byte[]> logOut(String at) throws IOException, InterruptedException {
    return send(request(at, "/session").DELETE());
  }

  /** Of a harmless request: 200 while the session counts there, 401 when it doesn't. */
  int status(String at) throws IOException, InterruptedException {
    return get(at, "/files/").statusCode();
  }

  private HttpRequest.Builder request(String at, String path) {
    return HttpRequest.newBuilder(URI.create(at + path)).header("Cookie", cookie).header("X-CSRF-Token", csrfToken);
  }

  private static HttpResponse<byte[]> send(HttpRequest.Builder request) throws IOException, InterruptedException {
    return HTTP.send(request.timeout(Duration.ofSeconds(60)).build(), HttpResponse.BodyHandlers.ofByteArray());
  }
}
