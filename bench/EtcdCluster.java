import com.fasterxml.jackson.databind.JsonNode;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.net.ServerSocket;
import java.net.URI;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.LongConsumer;

/** Three members of etcd on this machine, the peer that commits are compared with; driven by its HTTP gateway. */
final class EtcdCluster implements AutoCloseable {
  private static final int MEMBERS = 3;
  private static final Duration PATIENCE = Duration.ofSeconds(30);

  private final Path directory = Files.createTempDirectory("flotilla-bench-etcd");
  private final List<Process> members = new ArrayList<>();
  private final List<Integer> ports = new ArrayList<>();

  EtcdCluster() throws IOException {
    StringBuilder initial = new StringBuilder();
    List<Integer> peers = new ArrayList<>();
    for (int k = 1; k <= MEMBERS; k++) {
      ports.add(freePort());
      peers.add(freePort());
      initial.append(k == 1 ? "" : ",").append("e").append(k).append("=http://127.0.0.1:").append(peers.getLast());
    }
    for (int k = 1; k <= MEMBERS; k++) {
      String client = "http://127.0.0.1:" + ports.get(k - 1);
      String peer = "http://127.0.0.1:" + peers.get(k - 1);
      members.add(new ProcessBuilder("etcd", "--name", "e" + k, "--data-dir", directory.resolve("e" + k).toString(),
          "--listen-client-urls", client, "--advertise-client-urls", client, "--listen-peer-urls", peer,
          "--initial-advertise-peer-urls", peer, "--initial-cluster", initial.toString(),
          "--initial-cluster-state", "new", "--logger", "zap", "--log-level", "error")
          .redirectErrorStream(true).redirectOutput(directory.resolve("e" + k + ".log").toFile()).start());
    }
  }

  /** Until a put by a member is acknowledged. */
  void awaitReady(int member) throws Exception {
    long deadline = System.nanoTime() + PATIENCE.toNanos();
    while (!tryPut(member, "ready", "1")) {
      if (System.nanoTime() > deadline) {
        throw new IllegalStateException("etcd did not start; its logs are in " + directory);
      }
      TimeUnit.MILLISECONDS.sleep(20);
    }
  }

  /** Whether a put by a member (1 to 3) was acknowledged. */
  boolean tryPut(int member, String key, String value) throws InterruptedException {
    try {
      return post(member, "/v3/kv/put", "{\"key\":\"" + base64(key) + "\",\"value\":\"" + base64(value) + "\"}", Duration.ofSeconds(1))
          .statusCode() == 200;
    } catch (IOException refusedOrSilent) {
      return false;
    }
  }

  /** Tells the value of each change of a key, a number, as a member's watch tells it. */
  void watch(int member, String key, LongConsumer told) throws Exception {
    HttpResponse<InputStream> stream = BenchCluster.HTTP.send(HttpRequest.newBuilder(uri(member, "/v3/watch"))
        .POST(HttpRequest.BodyPublishers.ofString("{\"create_request\":{\"key\":\"" + base64(key) + "\"}}")).build(),
        HttpResponse.BodyHandlers.ofInputStream());
    BufferedReader lines = new BufferedReader(new InputStreamReader(stream.body(), StandardCharsets.UTF_8));
    lines.readLine();
    Thread.ofVirtual().start(() -> {
      try {
        for (String line = lines.readLine(); line != null; line = lines.readLine()) {
          for (JsonNode event : BenchCluster.JSON.readTree(line).path("result").path("events")) {
            told.accept(Long.parseLong(new String(
                Base64.getDecoder().decode(event.path("kv").path("value").asText()), StandardCharsets.UTF_8)));
          }
        }
      } catch (IOException endOfCluster) {
        // The measurement is over.
      }
    });
  }

  /** The number of the member that leads; 0 if none says so. */
  int leader() throws InterruptedException {
    for (int k = 1; k <= MEMBERS; k++) {
      try {
        JsonNode status = BenchCluster.JSON.readTree(post(k, "/v3/maintenance/status", "{}", Duration.ofSeconds(1)).body());
        if (status.path("leader").asText("-").equals(status.path("header").path("member_id").asText())) {
          return k;
        }
      } catch (IOException notThere) {
        // Ask the next.
      }
    }
    return 0;
  }

  void kill(int member) throws InterruptedException {
    members.get(member - 1).destroyForcibly().waitFor();
  }

  private HttpResponse<byte[]> post(int member, String path, String body, Duration timeout)
      throws IOException, InterruptedException {
    return BenchCluster.HTTP.send(HttpRequest.newBuilder(uri(member, path)).timeout(timeout)
        .POST(HttpRequest.BodyPublishers.ofString(body)).build(), HttpResponse.BodyHandlers.ofByteArray());
  }

  private URI uri(int member, String path) {
    return URI.create("http://127.0.0.1:" + ports.get(member - 1) + path);
  }

  private static String base64(String text) {
    return Base64.getEncoder().encodeToString(text.getBytes(StandardCharsets.UTF_8));
  }

  private static int freePort() throws IOException {
    try (ServerSocket socket = new ServerSocket(0)) {
      return socket.getLocalPort();
    }
  }

  @Override
  public void close() throws Exception {
    for (Process member : members) {
      member.destroyForcibly().waitFor();
    }
    try (var files = Files.walk(directory)) {
      files.sorted(Comparator.reverseOrder()).forEach(file -> file.toFile().delete());
    }
  }
}
