import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.net.BindException;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
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
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.function.LongConsumer;

/** A cluster that a measurement starts by the launcher, drives by the admin API, and stops; and how figures are printed. */
final class BenchCluster implements AutoCloseable {
  static final ObjectMapper JSON = new ObjectMapper();
  static final HttpClient HTTP = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
  /** A well-formed hash; nobody knows its password. */
  static final String HASH =
      "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

  private static final Path SETSID = Path.of("/usr/bin/setsid");

  private final Path home;
  private final Path directory;
  private final int basePort;
  private String token = "";
  private boolean hooked;

  BenchCluster(Path home, Path directory, int basePort) {
    this.home = home;
    this.directory = directory;
    this.basePort = basePort;
  }

  /** A base port whose successors are free on the addresses of three nodes, from the given one on. */
  static int freePorts(int from) throws IOException {
    for (int base = from; base < from + 5000; base += 100) {
      if (isFree(base)) {
        return base;
      }
    }
    throw new IOException("no free range of ports was found");
  }

  private static boolean isFree(int base) throws IOException {
    for (int k = 1; k <= 3; k++) {
      for (int port = base; port < base + 100; port++) {
        try (ServerSocket socket = new ServerSocket()) {
          socket.bind(new InetSocketAddress("127.0.0." + k, port));
        } catch (BindException taken) {
          return false;
        }
      }
    }
    return true;
  }

  Path directory() {
    return directory;
  }

  int basePort() {
    return basePort;
  }

  /** Starts the nodes, or starts them again, and waits until they are converged. */
  void up(int nodes) throws Exception {
    launcher("up", "--nodes", Integer.toString(nodes), "--detach", "--dir", directory.toString(),
        "--base-port", Integer.toString(basePort));
    token = Files.readString(directory.resolve("admin-token")).strip();
    if (!hooked) {
      hooked = true;
      Runtime.getRuntime().addShutdownHook(new Thread(this::downAtTheEnd));
    }
  }

  /** For a measurement that is broken off. */
  private void downAtTheEnd() {
    try {
      down();
    } catch (Exception e) {
      System.err.println("The cluster in " + directory + " could not be stopped: " + e.getMessage());
    }
  }

  void down() throws Exception {
    if (Files.exists(file())) {
      launcher("down", "--dir", directory.toString());
    }
  }

  /** Runs the launcher to its end and returns what it has printed. */
  String launcher(String... arguments) throws Exception {
    List<String> command = new ArrayList<>(List.of(home.resolve("flotilla").toString()));
    command.addAll(List.of(arguments));
    Files.createDirectories(directory);
    Path output = directory.resolve("launcher.txt");
    Process process = new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(output.toFile()).start();
    try {
      if (!process.waitFor(5, TimeUnit.MINUTES) || process.exitValue() != 0) {
        throw new IllegalStateException(command + " failed:\n" + Files.readString(output));
      }
    } finally {
      process.destroyForcibly();
    }
    return Files.readString(output);
  }

  /** The process of node k. */
  ProcessHandle process(int k) throws IOException {
    ProcessHandle supervisor = supervisor(k);
    return supervisor.children().findFirst().orElse(supervisor);
  }

  private ProcessHandle supervisor(int k) throws IOException {
    return ProcessHandle.of(entry(JSON.readTree(file().toFile()), k).path("pid").asLong())
        .orElseThrow(() -> new IllegalStateException("node-" + k + " does not run"));
  }

  private Path file() {
    return directory.resolve("cluster.json");
  }

  private ObjectNode entry(JsonNode cluster, int k) {
    for (JsonNode node : cluster.path("nodes")) {
      if (node.path("name").asText().equals("node-" + k)) {
        return (ObjectNode) node;
      }
    }
    throw new IllegalStateException("there is no node-" + k + " in " + directory);
  }

  /** The command by which node k runs, for {@link #startAgain}. */
  List<String> command(int k) throws IOException {
    String line = Files.readString(Path.of("/proc/" + supervisor(k).pid() + "/cmdline"));
    return List.of(line.split("\0"));
  }

  /** Starts a node that has ended, as {@code up} has started it. */
  void startAgain(int k, List<String> command) throws IOException {
    List<String> line = new ArrayList<>();
    if (Files.isExecutable(SETSID)) { // so that it competes for processors as the others do
      line.add(SETSID.toString());
    }
    line.addAll(command);
    Process process = new ProcessBuilder(line).redirectErrorStream(true)
        .redirectInput(ProcessBuilder.Redirect.from(Path.of("/dev/null").toFile()))
        .redirectOutput(ProcessBuilder.Redirect.appendTo(log(k).toFile())).start();
    JsonNode cluster = JSON.readTree(file().toFile());
    entry(cluster, k).put("pid", process.pid())
        .put("started", process.info().startInstant().orElseThrow().toEpochMilli());
    JSON.writeValue(file().toFile(), cluster);
  }

  Path log(int k) {
    return directory.resolve("node-" + k).resolve("node.log");
  }

  /** Whether node k sees all three nodes converged, at one version and digest. */
  boolean isConverged(int k) throws Exception {
    HttpResponse<byte[]> response = trySend("GET", k, "/api/v1/cluster", "");
    JsonNode members = JSON.readTree(response.body()).path("members");
    Set<String> states = new HashSet<>();
    for (JsonNode member : members) {
      states.add(member.path("state").asText() + member.path("version").asText() + member.path("digest").asText());
    }
    return members.size() == 3 && states.size() == 1 && states.iterator().next().startsWith("converged");
  }

  long residentMiB(int k) throws IOException {
    return Files.readAllLines(Path.of("/proc/" + process(k).pid() + "/status")).stream()
        .filter(line -> line.startsWith("VmRSS:"))
        .mapToLong(line -> Long.parseLong(line.replaceAll("\\D", "")) / 1024).findFirst().orElse(0);
  }

  /** Sends to node k and expects to be obeyed. */
  JsonNode send(String method, int k, String path, String body) throws Exception {
    HttpResponse<byte[]> response = trySend(method, k, path, body);
    if (response.statusCode() / 100 != 2 || response.statusCode() == 202) {
      throw new IllegalStateException(method + " " + path + " was answered by " + response.statusCode() + ": "
          + new String(response.body(), StandardCharsets.UTF_8));
    }
    return JSON.readTree(response.body());
  }

  HttpResponse<byte[]> trySend(String method, int k, String path, String body) throws Exception {
    return HTTP.send(request(k, path).method(method, HttpRequest.BodyPublishers.ofString(body))
        .timeout(Duration.ofMinutes(2)).build(), HttpResponse.BodyHandlers.ofByteArray());
  }

  private HttpRequest.Builder request(int k, String path) {
    return HttpRequest.newBuilder(URI.create("http://127.0.0." + k + ":" + basePort + path))
        .header("Authorization", "Bearer " + token);
  }

  /** Reads node k's event stream for as long as this program runs, and tells each version the node has applied. */
  void onApplied(int k, LongConsumer told) throws Exception {
    HttpResponse<InputStream> stream = HTTP.send(request(k, "/api/v1/events").GET().build(),
        HttpResponse.BodyHandlers.ofInputStream());
    BufferedReader lines = new BufferedReader(new InputStreamReader(stream.body(), StandardCharsets.UTF_8));
    lines.readLine();
    Thread.ofVirtual().start(() -> {
      try {
        for (String line = lines.readLine(); line != null; line = lines.readLine()) {
          if (line.startsWith("data: ") && line.contains("\"configuration-applied\"")) {
            told.accept(JSON.readTree(line.substring(6)).path("version").asLong());
          }
        }
      } catch (IOException endOfCluster) {
        // The measurement is over.
      }
    });
  }

  /** One change that puts users without a known password, by name prefix and number. */
  void importUsers(int k, String prefix, int from, int count) throws Exception {
    StringBuilder batch = new StringBuilder("{\"comment\":\"import\",\"operations\":[");
    for (int i = from; i < from + count; i++) {
      batch.append(i == from ? "" : ",").append("{\"op\":\"put\",\"kind\":\"users\",\"name\":\"").append(prefix).append(i)
          .append("\",\"value\":{\"passwordHash\":\"").append(HASH).append("\"}}");
    }
    send("POST", k, "/api/v1/config/changes?wait=applied&timeout=30s", batch.append("]}").toString());
  }

  @Override
  public void close() throws Exception {
    down();
    try (var files = Files.walk(directory)) {
      files.sorted(Comparator.reverseOrder()).forEach(file -> file.toFile().delete());
    }
  }

  static String percentiles(double[] values) {
    double[] sorted = values.clone();
    Arrays.sort(sorted);
    return String.format("p50 %.1f ms, p99 %.1f ms, max %.1f ms", sorted[sorted.length / 2],
        sorted[sorted.length * 99 / 100], sorted[sorted.length - 1]);
  }

  static double median(double[] values) {
    double[] sorted = values.clone();
    Arrays.sort(sorted);
    return sorted[sorted.length / 2];
  }

  static String secondsSince(long begunNanos) {
    return String.format("%.1f s", Duration.ofNanos(System.nanoTime() - begunNanos).toMillis() / 1e3);
  }

  static void print(String what, String figure, String goal) {
    System.out.printf("%-62s %-44s %s%n", what, figure, goal);
  }

  static void printMachine() {
    System.out.printf("%d processors, Java %s%n%n", Runtime.getRuntime().availableProcessors(),
        System.getProperty("java.version"));
  }
}
