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
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.TrustManager;
import javax.net.ssl.X509ExtendedTrustManager;

/**
 * Gets the cluster's key, and where its nodes are, for a join token, by the admin API of a node. Whatever stands between can keep it from
 * joining, and no more: nothing counts that is not sealed for it by the token's cluster. Blocks the calling thread.
 */
public final class JoinClient {
  private static final Duration CONNECT = Duration.ofSeconds(5);
  private static final Duration ANSWER = Duration.ofSeconds(20);
  private static final Duration PATIENCE = Duration.ofSeconds(60);
  private static final long PAUSE_MILLISECONDS = 1_000;
  private static final int MAX_ANSWER_BYTES = 64 * 1024;

  private final JoinToken token;
  private final String node;
  private final JoinToken.Asking asking;
  private final HttpClient http;

  private JoinClient(JoinToken token, String node, HttpClient http) {
    this.token = token;
    this.node = node;
    this.asking = token.ask(node); // once, so that a request whose answer was lost can be repeated
    this.http = http;
  }

  /** Not now; perhaps by another node, or a moment later. */
  private static final class UnavailableException extends IOException {
    private static final long serialVersionUID = 1L;

    UnavailableException(String message) {
      super(message);
    }
  }

  /**
   * Makes the data directory that of a node of the token's cluster, unless it is that already.
   *
   * @throws IOException with words for the operator, if the cluster does not take the node
   */
  public static void join(NodeSettings settings, String text, Clock clock) throws IOException {
    JoinToken token;
    try {
      token = JoinToken.parse(text.strip());
    } catch (IllegalArgumentException e) {
      throw new IOException(e.getMessage(), e);
    }
    try (DataDirectory data = DataDirectory.open(settings.dataDirectory())) {
      if (Files.exists(data.clusterKeyFile())) {
        requireSame(token, data);
        return;
      }
      if (!token.expiresAt().isAfter(clock.instant())) {
        throw new IOException("the join token ran out at " + token.expiresAt() + "; make another by 'flotilla join-token'");
      }
      try (HttpClient http = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).connectTimeout(CONNECT)
          .sslContext(trustingAnybody()).build()) {
        JoinToken.Welcome welcome = new JoinClient(token, settings.name(), http).join();
        data.keepSeedNodes(welcome.seedNodes());
        welcome.key().writeTo(data.clusterKeyFile()); // the last, since it says that this is done
      }
    }
  }

  private static void requireSame(JoinToken token, DataDirectory data) throws IOException {
    if (!token.isOf(ClusterKey.read(data.clusterKeyFile()))) {
      throw new IOException("the data directory " + data.path() + " is that of a node of another cluster than the join token's; give the node "
          + "an empty one, or leave the token out");
    }
  }

  private JoinToken.Welcome join() throws IOException {
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
            + ". If an answer was lost on its way the token is used now, and another is needed");
      }
      pause();
    }
  }

  private JoinToken.Welcome ask(String address) throws IOException {
    JoinToken.Ask ask = asking.ask();
    ObjectNode body = EntityCodec.JSON.createObjectNode().put("id", ask.id()).put("maker", ask.maker()).put("expires", ask.expires())
        .put("node", ask.node()).put("publicKey", ask.publicKey()).put("proof", ask.proof());
    HttpRequest request = HttpRequest.newBuilder(URI.create(address).resolve("/api/v1/join")).timeout(ANSWER)
        .header("Content-Type", "application/json").POST(HttpRequest.BodyPublishers.ofString(body.toString())).build();
    HttpResponse<byte[]> response;
    JsonNode json;
    try {
      response = http.send(request, HttpResponse.BodyHandlers.limiting(HttpResponse.BodyHandlers.ofByteArray(), MAX_ANSWER_BYTES));
      json = EntityCodec.JSON.readTree(response.body());
    } catch (IOException e) {
      throw new UnavailableException(address + " does not answer as a node does (" + e + ")");
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException("interrupted", e);
    }
    String detail = json.path("detail").asText("status " + response.statusCode());
    return switch (response.statusCode()) {
      case 200 -> opened(address, json);
      case 403, 409, 410 -> throw new IOException("node " + node + " was not let into the cluster by " + address + ": " + detail);
      default -> throw new UnavailableException(address + " can't say now: " + detail);
    };
  }

  private JoinToken.Welcome opened(String address, JsonNode json) throws IOException {
    byte[] publicKey = json.path("publicKey").binaryValue();
    byte[] sealed = json.path("sealed").binaryValue();
    JoinToken.Welcome welcome = Optional.ofNullable(publicKey).filter(_ -> sealed != null)
        .flatMap(present -> asking.open(new JoinToken.Answer(present, sealed)))
        .orElseThrow(() -> new UnavailableException("what answers at " + address + " is no node of the token's cluster"));
    if (welcome.seedNodes().isEmpty()) {
      throw new UnavailableException("the node at " + address + " knows no seed nodes");
    }
    welcome.seedNodes().forEach(seed -> HostPort.parse("seedNodes", seed));
    return welcome;
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
