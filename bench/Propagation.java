import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;

/**
 * Measures, on a cluster of three nodes that it starts and stops: how long a start takes, what an idle node weighs, how
 * long a change takes to be acknowledged and then to be applied on all nodes, an import of 10,000 users, and the same
 * again with them. "Acknowledged to applied" is timed outside the cluster: from the answer to a PUT on node 2 until all
 * three nodes' event streams have told that the version was applied; it is below zero where the events win the race.
 */
class Propagation {
  private static final int WARM_UP = 200;
  private static final int CHANGES = 500;
  private static final int USERS = 10_000;
  private static final int BATCH = 1_000;
  /** A well-formed hash; nobody knows its password. */
  private static final String HASH =
      "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final HttpClient HTTP = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();

  private final Path home;
  private final Path data;
  private final int basePort;
  private String token;
  private final Map<Long, long[]> appliedAt = new ConcurrentHashMap<>();

  private Propagation(Path home, Path data, int basePort) {
    this.home = home;
    this.data = data;
    this.basePort = basePort;
  }

  public static void main(String[] arguments) throws Exception {
    Path data = Files.createTempDirectory("flotilla-bench");
    Propagation bench = new Propagation(Path.of(arguments[0]), data, 26_000);
    System.out.printf("%d processors, Java %s%n%n", Runtime.getRuntime().availableProcessors(),
        System.getProperty("java.version"));
    try {
      bench.single();
      bench.run();
    } finally {
      bench.down(data.resolve("three"));
      bench.down(data.resolve("one"));
      try (var files = Files.walk(data)) {
        files.sorted(Comparator.reverseOrder()).forEach(file -> file.toFile().delete());
      }
    }
  }

  private void single() throws Exception {
    long begun = System.nanoTime();
    up(1, data.resolve("one"));
    print("single node, first start: command to ready", seconds(begun), "goal: under 5 s");
    down(data.resolve("one"));
    begun = System.nanoTime();
    up(1, data.resolve("one"));
    print("single node, later start: command to ready", seconds(begun), "goal: under 5 s");
    down(data.resolve("one"));
  }

  private void run() throws Exception {
    Path three = data.resolve("three");
    long begun = System.nanoTime();
    up(3, three);
    print("three nodes, first start: command to converged", seconds(begun), "goal: under 15 s");
    down(three);
    begun = System.nanoTime();
    up(3, three);
    print("three nodes, later start: command to converged", seconds(begun), "goal: under 15 s");
    token = Files.readString(three.resolve("admin-token")).strip();
    List<Long> pids = new ArrayList<>();
    JSON.readTree(three.resolve("cluster.json").toFile()).path("nodes").forEach(node -> pids.add(node.path("pid").asLong()));
    long largest = 0;
    for (long pid : pids) {
      largest = Math.max(largest, residentMiB(pid));
    }
    print("idle node, resident (largest of three)", largest + " MiB", "goal: under 400 MiB");
    for (int k = 1; k <= 3; k++) {
      follow(k);
    }
    changes("with 1 user", "user-0");
    begun = System.nanoTime();
    for (int i = 0; i < USERS; i += BATCH) {
      importUsers(i);
    }
    print("import of 10,000 users with passwordHash, 10 batches", seconds(begun), "goal: under 20 s");
    get("/api/v1/config/users?limit=50");
    double[] reads = new double[20];
    for (int i = 0; i < reads.length; i++) {
      begun = System.nanoTime();
      get("/api/v1/config/users?limit=50&after=import-" + i * 400);
      reads[i] = (System.nanoTime() - begun) / 1e6;
    }
    Arrays.sort(reads);
    print("GET users?limit=50 with 10,000 users", String.format("p50 %.1f ms, max %.1f ms", reads[10], reads[19]),
        "goal: under 50 ms");
    changes("with 10,000 users", "user-0");
    for (long pid : pids) {
      largest = Math.max(largest, residentMiB(pid));
    }
    print("node with 10,000 users, resident (largest of three)", largest + " MiB", "");
  }

  private void changes(String what, String user) throws Exception {
    for (int i = 0; i < WARM_UP; i++) {
      change(user, i);
    }
    double[] acknowledged = new double[CHANGES];
    double[] applied = new double[CHANGES];
    for (int i = 0; i < CHANGES; i++) {
      long sent = System.nanoTime();
      long version = change(user, i);
      long answered = System.nanoTime();
      acknowledged[i] = (answered - sent) / 1e6;
      applied[i] = (awaitApplied(version) - answered) / 1e6;
    }
    print("change acknowledged, " + what, percentiles(acknowledged), "");
    print("acknowledged to applied on all three, " + what, percentiles(applied), "goal: p50 under 10 ms, p99 under 50 ms");
  }

  private long change(String user, int i) throws Exception {
    JsonNode answer = send("PUT", 2, "/api/v1/config/users/" + user, "{\"enabled\":" + (i % 2 == 0) + "}");
    return answer.path("version").asLong();
  }

  private long awaitApplied(long version) throws InterruptedException {
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(20);
    long[] times = appliedAt.computeIfAbsent(version, v -> new long[4]);
    synchronized (times) {
      while (times[1] == 0 || times[2] == 0 || times[3] == 0) {
        if (System.nanoTime() > deadline) {
          throw new IllegalStateException("version " + version + " was not applied everywhere within 20 s");
        }
        times.wait(1_000);
      }
      appliedAt.remove(version);
      return Math.max(times[1], Math.max(times[2], times[3]));
    }
  }

  /** Reads a node's event stream for as long as this program runs. */
  private void follow(int k) throws Exception {
    HttpResponse<java.io.InputStream> stream = HTTP.send(request(k, "/api/v1/events").GET().build(),
        HttpResponse.BodyHandlers.ofInputStream());
    BufferedReader lines = new BufferedReader(new InputStreamReader(stream.body(), StandardCharsets.UTF_8));
    lines.readLine();
    Thread.ofVirtual().start(() -> {
      try {
        for (String line = lines.readLine(); line != null; line = lines.readLine()) {
          long now = System.nanoTime();
          if (line.startsWith("data: ") && line.contains("\"configuration-applied\"")) {
            long version = JSON.readTree(line.substring(6)).path("version").asLong();
            long[] times = appliedAt.computeIfAbsent(version, v -> new long[4]);
            synchronized (times) {
              times[k] = now;
              times.notifyAll();
            }
          }
        }
      } catch (IOException endOfCluster) {
        // The measurement is over.
      }
    });
  }

  private void importUsers(int from) throws Exception {
    StringBuilder batch = new StringBuilder("{\"comment\":\"import\",\"operations\":[");
    for (int i = from; i < from + BATCH; i++) {
      batch.append(i == from ? "" : ",").append("{\"op\":\"put\",\"kind\":\"users\",\"name\":\"import-").append(i)
          .append("\",\"value\":{\"passwordHash\":\"").append(HASH).append("\"}}");
    }
    send("POST", 1, "/api/v1/config/changes?wait=applied&timeout=30s", batch.append("]}").toString());
  }

  private void get(String path) throws Exception {
    send("GET", 3, path, "");
  }

  private JsonNode send(String method, int k, String path, String body) throws Exception {
    HttpResponse<byte[]> response = HTTP.send(
        request(k, path).method(method, HttpRequest.BodyPublishers.ofString(body)).build(),
        HttpResponse.BodyHandlers.ofByteArray());
    if (response.statusCode() / 100 != 2 || response.statusCode() == 202) {
      throw new IllegalStateException(method + " " + path + " was answered by " + response.statusCode() + ": "
          + new String(response.body(), StandardCharsets.UTF_8));
    }
    return JSON.readTree(response.body());
  }

  private HttpRequest.Builder request(int k, String path) {
    return HttpRequest.newBuilder(URI.create("http://127.0.0." + k + ":" + basePort + path))
        .header("Authorization", "Bearer " + token);
  }

  private void up(int nodes, Path directory) throws Exception {
    launcher("up", "--nodes", Integer.toString(nodes), "--detach", "--dir", directory.toString(),
        "--base-port", Integer.toString(basePort));
  }

  private void down(Path directory) throws Exception {
    if (Files.exists(directory.resolve("cluster.json"))) {
      launcher("down", "--dir", directory.toString());
    }
  }

  private void launcher(String... arguments) throws Exception {
    List<String> command = new ArrayList<>(List.of(home.resolve("flotilla").toString()));
    command.addAll(List.of(arguments));
    Path output = Files.createTempFile(data, "launcher", ".txt");
    Process process = new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(output.toFile()).start();
    if (!process.waitFor(5, TimeUnit.MINUTES) || process.exitValue() != 0) {
      throw new IllegalStateException(command + " failed:\n" + Files.readString(output));
    }
  }

  private static long residentMiB(long pid) throws IOException {
    return Files.readAllLines(Path.of("/proc/" + pid + "/status")).stream().filter(line -> line.startsWith("VmRSS:"))
        .mapToLong(line -> Long.parseLong(line.replaceAll("\\D", "")) / 1024).findFirst().orElse(0);
  }

  private static String percentiles(double[] values) {
    Arrays.sort(values);
    return String.format("p50 %.1f ms, p99 %.1f ms, max %.1f ms", values[values.length / 2],
        values[values.length * 99 / 100], values[values.length - 1]);
  }

  private static String seconds(long begun) {
    return String.format("%.1f s", Duration.ofNanos(System.nanoTime() - begun).toMillis() / 1e3);
  }

  private static void print(String what, String figure, String goal) {
    System.out.printf("%-62s %-44s %s%n", what, figure, goal);
  }
}
