package io.flotilla.node.cli;

import com.fasterxml.jackson.databind.JsonNode;
import io.flotilla.config.model.EntityCodec;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.URISyntaxException;
import java.net.URLEncoder;
import java.net.UnknownHostException;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.nio.file.attribute.UserPrincipal;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import javax.net.ssl.SSLHandshakeException;

/** The admin API as the command line uses it. */
final class AdminClient {
  private static final Duration TIMEOUT = Duration.ofSeconds(70);
  private static final Duration LONG_TIMEOUT = Duration.ofMinutes(6);
  /** Half of a command's heap; what may be longer is written to a stream. */
  private static final int MAX_ANSWER = 64 << 20;
  private static final int MAX_ERROR = 1 << 20;
  private static final int HTTP = 80;

  private final String server;
  private final boolean isClear;
  private final String token;
  private final Set<UserPrincipal> trusted;
  private final HttpClient http;

  private AdminClient(String server, boolean isClear, String token, Set<UserPrincipal> trusted, Optional<String> fingerprint) {
    HttpClient.Builder builder = HttpClient.newBuilder().connectTimeout(Duration.ofSeconds(5));
    fingerprint.ifPresent(text -> builder.sslContext(PinnedCertificate.context(text)));
    this.http = builder.build();
    this.server = server.endsWith("/") ? server.substring(0, server.length() - 1) : server;
    this.isClear = isClear;
    this.token = token;
    this.trusted = trusted;
  }

  /**
   * @param fingerprint of the server's certificate; without it that is judged as Java judges them
   * @param nodeUsers who may run a node on this machine, besides this process's user, root and whoever has the token
   */
  static AdminClient of(String server, OwnedFile token, Optional<String> fingerprint, Set<UserPrincipal> nodeUsers) throws IOException {
    boolean isClear = isClear(server, fingerprint.isPresent());
    Set<UserPrincipal> trusted = new HashSet<>(nodeUsers);
    trusted.addAll(List.of(LocalUsers.self(), LocalUsers.root(), token.owner()));
    return new AdminClient(server, isClear, token.text().strip(), trusted, fingerprint);
  }

  /** A token is sent in clear only to this machine, and a fingerprint is never asked for in vain. */
  private static boolean isClear(String server, boolean isPinned) throws IOException {
    URI uri;
    try {
      uri = new URI(server);
    } catch (URISyntaxException e) {
      throw new CommandFailedException("the server " + server + " is no URL (" + e.getMessage() + "); it has the form https://HOST:PORT");
    }
    if ("https".equalsIgnoreCase(uri.getScheme()) && uri.getHost() != null) {
      return false;
    }
    if (!"http".equalsIgnoreCase(uri.getScheme()) || uri.getHost() == null) {
      throw new CommandFailedException("the server " + server + " is no URL of the form https://HOST:PORT");
    }
    if (isPinned) {
      throw new CommandFailedException("the server " + server + " has no certificate that --fingerprint could hold for; begin its URL with https");
    }
    if (!isLoopback(uri.getHost())) {
      throw new CommandFailedException("the token would go to " + server + " in clear; begin its URL with https");
    }
    return true;
  }

  /** In clear nothing proves who answers. Before a node has opened its port, and when it is stopped or restarts, that is anybody's. */
  private void requireNode() throws IOException {
    URI uri = URI.create(server);
    Optional<Set<Integer>> users =
        ListeningUsers.at(new InetSocketAddress(InetAddress.getByName(uri.getHost()), uri.getPort() < 0 ? HTTP : uri.getPort()));
    if (users.isPresent() && users.get().isEmpty()) {
      throw new IOException("nothing listens at " + server + "; is the node running? Right after its start that takes some seconds");
    }
    for (int user : users.orElse(Set.of())) {
      if (!trusted.contains(LocalUsers.of(user))) {
        throw new CommandFailedException("nothing was sent to " + server + ": the user with the id " + user + " listens there, who is neither you nor "
            + "root, nor has the token or the data directory of this machine's node. Find out by 'ss -ltnp' who it is; if it is your node, name its "
            + "settings by --node-config");
      }
    }
  }

  private static boolean isLoopback(String host) throws IOException {
    try {
      return InetAddress.getByName(host).isLoopbackAddress();
    } catch (UnknownHostException e) {
      throw new CommandFailedException("the server " + host + " is not known by that name; correct it, or name its address");
    }
  }

  /** An answer: status and JSON body. */
  record Answer(int status, JsonNode body) {
    boolean isSuccess() {
      return status / 100 == 2;
    }

    Answer orFail() {
      if (!isSuccess()) {
        StringBuilder message = new StringBuilder(body.path("detail").asText("the server answered " + status));
        body.path("errors").forEach(error -> message.append("\n  ")
            .append(error.path("pointer").asText()).append(' ').append(error.path("detail").asText()));
        throw new CommandFailedException(message.toString());
      }
      return this;
    }
  }

  Answer send(String method, String path, Optional<String> body) throws IOException {
    return change(method, path, body, Optional.empty());
  }

  /** Sends a request that counts only if the entity's last change is a version, if one is given. */
  Answer change(String method, String path, Optional<String> body, Optional<Long> ifVersion) throws IOException {
    HttpRequest.Builder builder = HttpRequest.newBuilder(URI.create(server + path));
    ifVersion.ifPresent(version -> builder.header("If-Match", "\"" + version + "\""));
    return send(builder, method, body);
  }

  /** Puts an entity that must not exist yet; 412 if it does. */
  Answer create(String path, String body) throws IOException {
    return send(HttpRequest.newBuilder(URI.create(server + path)).header("If-None-Match", "*"), "PUT", Optional.of(body));
  }

  /** Sends a file, which may be large and take its time; the server is asked first whether it takes it. */
  Answer upload(String path, Path file, Optional<Long> ifVersion) throws IOException {
    HttpRequest.Builder builder = HttpRequest.newBuilder(URI.create(server + path))
        .version(HttpClient.Version.HTTP_1_1).expectContinue(true);
    ifVersion.ifPresent(version -> builder.header("If-Match", "\"" + version + "\""));
    return send(builder, "POST", HttpRequest.BodyPublishers.ofFile(file), LONG_TIMEOUT);
  }

  /** Writes an answer's body to a stream, however large it is. */
  void download(String path, OutputStream to) throws IOException {
    HttpRequest request = HttpRequest.newBuilder(URI.create(server + path))
        .timeout(LONG_TIMEOUT).header("Authorization", "Bearer " + token).build();
    HttpResponse<InputStream> response = exchange(request, HttpResponse.BodyHandlers.ofInputStream());
    try (InputStream body = response.body()) {
      if (response.statusCode() / 100 != 2) {
        answer(response.statusCode(), body.readNBytes(MAX_ERROR)).orFail();
      }
      body.transferTo(to);
    }
  }

  private Answer send(HttpRequest.Builder builder, String method, Optional<String> body) throws IOException {
    return send(builder, method,
        body.map(HttpRequest.BodyPublishers::ofString).orElse(HttpRequest.BodyPublishers.noBody()), TIMEOUT);
  }

  private Answer send(HttpRequest.Builder builder, String method, HttpRequest.BodyPublisher body, Duration timeout)
      throws IOException {
    HttpRequest request = builder
        .timeout(timeout)
        .header("Authorization", "Bearer " + token)
        .header("Content-Type", "application/json")
        .method(method, body)
        .build();
    HttpResponse<byte[]> response = exchange(request, HttpResponse.BodyHandlers.limiting(HttpResponse.BodyHandlers.ofByteArray(), MAX_ANSWER));
    return answer(response.statusCode(), response.body());
  }

  private static Answer answer(int status, byte[] body) throws IOException {
    return new Answer(status, body.length == 0 ? EntityCodec.JSON.createObjectNode() : EntityCodec.JSON.readTree(body));
  }

  private <T> HttpResponse<T> exchange(HttpRequest request, HttpResponse.BodyHandler<T> handler) throws IOException {
    if (isClear) {
      requireNode();
    }
    try {
      return http.send(request, handler);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException("interrupted", e);
    } catch (SSLHandshakeException e) {
      throw new IOException("the server " + server + " is not trusted (" + e.getMessage() + "); say what its certificate is by --fingerprint, "
          + "as its log tells it", e);
    } catch (IOException e) {
      throw new IOException("the server " + server + " cannot be reached (" + e + "); is it running?", e);
    }
  }

  static String encode(String segment) {
    return URLEncoder.encode(segment, StandardCharsets.UTF_8).replace("+", "%20");
  }
}
