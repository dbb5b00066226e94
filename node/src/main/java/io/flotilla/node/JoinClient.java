package io.flotilla.node;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.flotilla.config.model.ClusterKey;
import io.flotilla.config.model.EntityCodec;
import io.flotilla.config.model.JoinToken;
import java.io.IOException;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.security.GeneralSecurityException;
import java.security.cert.X509Certificate;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.TrustManager;
import javax.net.ssl.X509ExtendedTrustManager;

/** Gets the cluster's key, and where its nodes are, for a join token, by the admin API of a node. Blocks the calling thread. */
public final class JoinClient {
  private static final Duration CONNECT = Duration.ofSeconds(5);
  private static final Duration ANSWER = Duration.ofSeconds(20);
  private static final Duration PATIENCE = Duration.ofSeconds(60);
  private static final long PAUSE_MILLISECONDS = 1_000;

  private final JoinToken token;
  private final String node;
  private final JoinToken.Ask ask;
  private final HttpClient http;

  private JoinClient(JoinToken token, String node, HttpClient http) {
    this.token = token;
    this.node = node;
    this.ask = token.ask(node); // once, so that a request whose answer was lost can be repeated
    this.http = http;
  }

  /** Not now; perhaps by another node, or a moment later. */
  private static final class UnavailableException extends IOException {
    private static final long serialVersionUID = 1L;

    UnavailableException(String message) {
      super(message);
    }
  }

  private record Joined(ClusterKey key, List<String> seedNodes) {}

  /**
   * Makes the data directory that of a node of the token's cluster, unless it is that of one already.
   *
   * @throws IOException with words for the operator, if the cluster does not take the node
   */
  public static void join(NodeSettings settings, String text, Clock clock) throws IOException {
    try (DataDirectory data = DataDirectory.open(settings.dataDirectory())) {
      if (Files.exists(data.clusterKeyFile())) {
        return;
      }
      JoinToken token;
      try {
        token = JoinToken.parse(text);
      } catch (IllegalArgumentException e) {
        throw new IOException(e.getMessage(), e);
      }
      if (!token.expiresAt().isAfter(clock.instant())) {
        throw new IOException("the join token ran out at " + token.expiresAt() + "; make another by 'flotilla join-token'");
      }
      try (HttpClient http = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).connectTimeout(CONNECT)
          .sslContext(trustingAnybody()).build()) {
        Joined joined = new JoinClient(token, settings.name(), http).join();
        data.keepSeedNodes(joined.seedNodes());
        joined.key().writeTo(data.clusterKeyFile()); // the last, since it says that this is done
      }
    }
  }

  private Joined join() throws IOException {
    long deadline = System.nanoTime() + PATIENCE.toNanos();
    while (true) {
      List<String> problems = new ArrayList<>();
      for (String address : token.addresses()) {
        try {
          return ask(address);
        } catch (UnavailableException e) {
          problems.add(e.getMessage());
        }
      }
      if (System.nanoTime() > deadline) {
        throw new IOException("the cluster could not be asked to let node " + node + " in: " + String.join("; ", problems)
            + ". The token can still be used");
      }
      pause();
    }
  }

  private Joined ask(String address) throws IOException {
    ObjectNode body = EntityCodec.JSON.createObjectNode().put("id", ask.id()).put("expires", ask.expires()).put("node", ask.node())
        .put("nonce", ask.nonce()).put("proof", ask.proof());
    HttpRequest request = HttpRequest.newBuilder(URI.create(address).resolve("/api/v1/join")).timeout(ANSWER)
        .header("Content-Type", "application/json").POST(HttpRequest.BodyPublishers.ofString(body.toString())).build();
    HttpResponse<byte[]> response;
    JsonNode json;
    try {
      response = http.send(request, HttpResponse.BodyHandlers.ofByteArray());
      json = EntityCodec.JSON.readTree(response.body());
    } catch (IOException e) {
      throw new UnavailableException(address + " does not answer (" + e + ")");
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException("interrupted", e);
    }
    if (response.statusCode() == 503) {
      throw new UnavailableException(address + " can't say now: " + json.path("detail").asText());
    }
    if (response.statusCode() != 200) {
      throw new IOException("node " + node + " was not let into the cluster by " + address + ": "
          + json.path("detail").asText("status " + response.statusCode()));
    }
    List<String> seedNodes = new ArrayList<>();
    json.path("seedNodes").forEach(seed -> seedNodes.add(HostPort.parse("seedNodes", seed.asText()).toString()));
    ClusterKey key = token.open(ask, new JoinToken.Answer(json.path("nonce").binaryValue(), json.path("sealedKey").binaryValue()))
        .orElseThrow(() -> new IOException("what answers at " + address + " is no node of the token's cluster"));
    return new Joined(key, seedNodes);
  }

  private static void pause() throws IOException {
    try {
      TimeUnit.MILLISECONDS.sleep(PAUSE_MILLISECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException("interrupted", e);
    }
  }

  /** Each node has a certificate of its own, which nobody signed. Nothing secret is said, and only the token's cluster can answer. */
  private static SSLContext trustingAnybody() {
    try {
      SSLContext context = SSLContext.getInstance("TLS");
      context.init(null, new TrustManager[] {new Anybody()}, null);
      return context;
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("every Java platform has TLS", e);
    }
  }

  private static final class Anybody extends X509ExtendedTrustManager {
    @Override
    public void checkClientTrusted(X509Certificate[] chain, String type) {}

    @Override
    public void checkServerTrusted(X509Certificate[] chain, String type) {}

    @Override
    public void checkClientTrusted(X509Certificate[] chain, String type, Socket socket) {}

    @Override
    public void checkServerTrusted(X509Certificate[] chain, String type, Socket socket) {}

    @Override
    public void checkClientTrusted(X509Certificate[] chain, String type, SSLEngine engine) {}

    @Override
    public void checkServerTrusted(X509Certificate[] chain, String type, SSLEngine engine) {}

    @Override
    public X509Certificate[] getAcceptedIssuers() {
      return new X509Certificate[0];
    }
  }
}
