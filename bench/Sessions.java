import java.io.IOException;
import java.net.URI;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;

/**
 * Measures HTTP sessions on a cluster of three nodes that it starts and stops: what a login takes, with the hash of the password and, while
 * the node still knows that the password is right, without it; how long a request takes on a node that has not served the session before;
 * and what 10,000 live sessions of one node weigh on it and on another one.
 */
class Sessions {
  private static final int USERS = 100;
  private static final int SESSIONS_OF_USER = 100;
  private static final int BASE_PORT = 26_000;
  private static final int WARM_UP = 500;
  /** What is only softly held goes in steps. */
  private static final int COLLECTIONS = 5;
  private static final String PASSWORD = "a good password";
  private static final Pattern USED = Pattern.compile("total \\d+K, used (\\d+)K");

  private final BenchCluster cluster;

  private Sessions(BenchCluster cluster) {
    this.cluster = cluster;
  }

  public static void main(String[] arguments) throws Exception {
    BenchCluster.printMachine();
    try (BenchCluster cluster = new BenchCluster(Path.of(arguments[0]), Files.createTempDirectory("flotilla-bench"), BASE_PORT)) {
      cluster.up(3);
      new Sessions(cluster).run();
    }
  }

  private void run() throws Exception {
    StringBuilder batch = new StringBuilder("{\"operations\":[");
    for (int i = 0; i <= USERS; i++) {
      batch.append(i == 0 ? "" : ",").append("{\"op\":\"put\",\"kind\":\"users\",\"name\":\"user-").append(i)
          .append("\",\"value\":{\"password\":\"" + PASSWORD + "\"}}");
    }
    cluster.send("POST", 1, "/api/v1/config/changes?wait=applied&timeout=60s", batch.append("]}").toString());
    for (int i = 0; i < WARM_UP; i++) {
      request(2, logIn(1, USERS)); // a user that is not counted
    }
    cluster.send("DELETE", 1, "/api/v1/sessions?user=user-" + USERS, "");
    long heap = heapKiB(1);
    long heapElsewhere = heapKiB(3);
    long resident = cluster.residentMiB(1);

    double[] hashed = new double[USERS];
    double[] known = new double[USERS * (SESSIONS_OF_USER - 1)];
    double[] adopted = new double[USERS];
    List<String> tokens = new ArrayList<>();
    for (int i = 0; i < USERS; i++) {
      for (int j = 0; j < SESSIONS_OF_USER; j++) {
        long begun = System.nanoTime();
        String token = logIn(1, i);
        double took = (System.nanoTime() - begun) / 1e6;
        if (j == 0) {
          hashed[i] = took;
          tokens.add(token);
        } else {
          known[i * (SESSIONS_OF_USER - 1) + j - 1] = took;
        }
      }
    }
    for (int i = 0; i < USERS; i++) {
      long begun = System.nanoTime();
      request(2, tokens.get(i));
      adopted[i] = (System.nanoTime() - begun) / 1e6;
    }
    BenchCluster.print("login with the password's hash", BenchCluster.percentiles(hashed), "");
    BenchCluster.print("login without it: what the session costs", BenchCluster.percentiles(known), "goal: p50 under 5 ms");
    BenchCluster.print("first request on another node", BenchCluster.percentiles(adopted), "");
    int sessions = USERS * SESSIONS_OF_USER;
    String metrics = new String(cluster.trySend("GET", 1, "/metrics", "").body());
    if (!metrics.contains("flotilla_http_sessions " + sessions + ".0")) {
      throw new IllegalStateException("the node does not know " + sessions + " sessions:\n"
          + metrics.lines().filter(line -> line.startsWith("flotilla_http_sessions")).toList());
    }
    BenchCluster.print(sessions + " sessions, in the heap of their node", mebibytes(heapKiB(1) - heap), "goal: under 100 MiB");
    BenchCluster.print(sessions + " sessions, in the heap of a node that serves none of them", mebibytes(heapKiB(3) - heapElsewhere), "");
    BenchCluster.print("their node, resident, before and after", resident + " MiB, " + cluster.residentMiB(1) + " MiB", "");
  }

  private static String mebibytes(long kibibytes) {
    return String.format("%.1f MiB", kibibytes / 1024.0);
  }

  private static String address(int k) {
    return "http://127.0.0." + k + ":" + (BASE_PORT + 80);
  }

  private static String logIn(int k, int user) throws Exception {
    HttpResponse<byte[]> answer = BenchCluster.HTTP.send(HttpRequest.newBuilder(URI.create(address(k) + "/session"))
        .header("Content-Type", "application/json").POST(HttpRequest.BodyPublishers.ofString(
            "{\"user\":\"user-" + user + "\",\"password\":\"" + PASSWORD + "\",\"token\":true}")).build(),
        HttpResponse.BodyHandlers.ofByteArray());
    return BenchCluster.JSON.readTree(expect(201, answer).body()).path("token").asText();
  }

  private static void request(int k, String token) throws Exception {
    expect(200, BenchCluster.HTTP.send(HttpRequest.newBuilder(URI.create(address(k) + "/session"))
        .header("Authorization", "Bearer " + token).build(), HttpResponse.BodyHandlers.ofByteArray()));
  }

  private static HttpResponse<byte[]> expect(int status, HttpResponse<byte[]> answer) {
    if (answer.statusCode() != status) {
      throw new IllegalStateException(answer.request().uri() + " was answered by " + answer.statusCode() + ": " + new String(answer.body()));
    }
    return answer;
  }

  /** What is in use after a collection. */
  private long heapKiB(int k) throws Exception {
    String pid = Long.toString(cluster.process(k).pid());
    for (int i = 0; i < COLLECTIONS; i++) {
      jcmd(pid, "GC.run");
    }
    return USED.matcher(jcmd(pid, "GC.heap_info")).results().mapToLong(generation -> Long.parseLong(generation.group(1))).sum();
  }

  private static String jcmd(String pid, String command) throws IOException, InterruptedException {
    Process process = new ProcessBuilder(Path.of(System.getProperty("java.home"), "bin", "jcmd").toString(), pid, command)
        .redirectErrorStream(true).start();
    String output = new String(process.getInputStream().readAllBytes());
    process.waitFor(30, TimeUnit.SECONDS);
    return output;
  }
}
