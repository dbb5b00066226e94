package io.flotilla.system;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;

/** One node's admin API as a program outside uses it. */
public record AdminApi(String url, String token) {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final HttpClient HTTP = HttpClient.newBuilder().connectTimeout(Duration.ofSeconds(5))
      .version(HttpClient.Version.HTTP_1_1).sslContext(SelfSigned.trusted()).build();

  public record Answer(int status, JsonNode body) {
    public Answer expect(int expected) {
      if (status != expected) {
        throw new AssertionError("expected " + expected + ", got " + status + ": " + body);
      }
      return this;
    }
  }

  public Answer get(String path) throws IOException {
    return send("GET", path, "");
  }

  public Answer put(String path, String json) throws IOException {
    return send("PUT", path, json);
  }

  public Answer send(String method, String path, String json, String... headers) throws IOException {
    HttpRequest.Builder request = HttpRequest.newBuilder(URI.create(url + path))
        .timeout(Duration.ofSeconds(60))
        .header("Authorization", "Bearer " + token)
        .method(method, HttpRequest.BodyPublishers.ofString(json));
    if (headers.length > 0) {
      request.headers(headers);
    }
    try {
      HttpResponse<byte[]> response = HTTP.send(request.build(), HttpResponse.BodyHandlers.ofByteArray());
      return new Answer(response.statusCode(), JSON.readTree(response.body()));
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException(e);
    }
  }

  String text(String path) throws IOException {
    try {
      return HTTP.send(HttpRequest.newBuilder(URI.create(url + path))
          .header("Authorization", "Bearer " + token).build(), HttpResponse.BodyHandlers.ofString()).body();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException(e);
    }
  }

  /** The node's configuration version, -1 while it does not answer. */
  public long version() {
    try {
      return get("/api/v1/config?limit=1").body().path("version").asLong(-1);
    } catch (IOException e) {
      return -1;
    }
  }
}
