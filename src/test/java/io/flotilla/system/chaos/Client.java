package io.flotilla.system.chaos;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.flotilla.system.AdminApi;
import io.flotilla.system.SelfSigned;
import io.flotilla.system.TestCluster;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.Map;

/** The admin APIs of a cluster as an impatient program uses them: short timeouts, and no repetition by itself. */
final class Client {
  static final ObjectMapper JSON = new ObjectMapper();
  private final TestCluster cluster;
  private final HttpClient http = HttpClient.newBuilder()
      .version(HttpClient.Version.HTTP_1_1)
      .connectTimeout(Duration.ofSeconds(2))
      .sslContext(SelfSigned.trusted())
      .build();

  record Answer(int status, JsonNode body, String entityTag) {}

  Client(TestCluster cluster) {
    this.cluster = cluster;
  }

  Answer get(int node, String path) throws IOException {
    return send(node, "GET", path, Map.of(), "", Duration.ofSeconds(4));
  }

  Answer send(int node, String method, String path, Map<String, String> headers, String body, Duration patience)
      throws IOException {
    AdminApi api = cluster.api(node);
    HttpRequest.Builder request = HttpRequest.newBuilder(URI.create(api.url() + path))
        .timeout(patience)
        .header("Authorization", "Bearer " + api.token())
        .method(method, body.isEmpty() ? HttpRequest.BodyPublishers.noBody() : HttpRequest.BodyPublishers.ofString(body));
    headers.forEach(request::header);
    try {
      HttpResponse<byte[]> response = http.send(request.build(), HttpResponse.BodyHandlers.ofByteArray());
      return new Answer(response.statusCode(), JSON.readTree(response.body()), response.headers().firstValue("ETag").orElse(""));
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException(e);
    }
  }
}
