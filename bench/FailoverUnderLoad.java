import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Queue;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Measures what clients meet when nodes of a cluster of three fail or restart, behind HAProxy with the configuration that the cluster
 * prints for it. Clients of SFTP, FTP and HTTPS send and fetch one file after another, and try once more what has failed; large uploads are
 * under way, and resumed if they break; and at short intervals a client of each protocol comes anew. One row is one fault.
 */
final class FailoverUnderLoad {
  private static final List<String> ROWS = List.of(
      "secondary killed (SIGKILL)", "primary killed (SIGKILL)",
      "secondary stopped (SIGTERM)", "primary stopped (SIGTERM)",
      "secondary frozen for 10 s (SIGSTOP)", "primary frozen for 10 s (SIGSTOP)",
      "rolling restart of all", "the same with changes every second");
  private static final int NODES = 3;
  private static final String BALANCER = "127.0.0.9";
  /** Where the balancer comes from, as the nodes see it. */
  private static final String PROXY = "127.0.0.1";
  private static final int CLIENTS = 2;
  /** Of each protocol; so many that each node very likely has one. */
  private static final int LARGE_UPLOADS = 3;
  private static final int FILE = 400_000;
  private static final int LARGE_FILE = 8_000_000;
  /** Bytes per second of a client, so that a transfer takes a second and a large one ten, and the machine is not busy. */
  private static final int RATE = 500_000;
  private static final int LARGE_RATE = 800_000;
  private static final long BEFORE_MILLIS = 4_000;
  private static final long FREEZE_MILLIS = 10_000;
  private static final long AFTER_MILLIS = 10_000;
  private static final long PROBE_MILLIS = 500;
  private static final long CONVERGED_NANOS = TimeUnit.SECONDS.toNanos(90);
  private static final long RESUME_NANOS = TimeUnit.SECONDS.toNanos(120);
  private static final double GOAL_SECONDS = 3;

  private final BenchCluster cluster;
  private final Path directory;
  private final BenchBalancer balancer;
  private final Path file;
  private final Path largeFile;
  private final AtomicInteger numbers = new AtomicInteger();
  private final Queue<String> failures = new ConcurrentLinkedQueue<>();
  private final List<String> explanations = new ArrayList<>();
  private boolean good = true;

  private FailoverUnderLoad(BenchCluster cluster, Path directory, BenchBalancer balancer) throws IOException {
    this.cluster = cluster;
    this.directory = directory;
    this.balancer = balancer;
    this.file = random("file.bin", FILE);
    this.largeFile = random("large.bin", LARGE_FILE);
  }

  private Path random(String name, int size) throws IOException {
    byte[] content = new byte[size];
    new Random(size).nextBytes(content);
    return Files.write(directory.resolve(name), content);
  }

  /**
   * Prints a table.
   *
   * @param wanted what the names of the rows wanted contain; all, if there is none
   * @return whether all goals were met
   */
  static boolean run(Path home, List<String> wanted) throws Exception {
    Path directory = Files.createTempDirectory("flotilla-bench");
    try (BenchCluster cluster = new BenchCluster(home, directory, BenchCluster.freePorts(26_000))) {
      cluster.up(NODES);
      String text = configure(cluster);
      try (BenchBalancer balancer = BenchBalancer.start(directory, text, BALANCER, cluster.basePort() + 22)) {
        return new FailoverUnderLoad(cluster, Files.createDirectories(directory.resolve("clients")), balancer).all(wanted);
      }
    }
  }

  /** Real addresses by the PROXY protocol, and passive ports of its own for each node; what HAProxy then runs with. */
  private static String configure(BenchCluster cluster) throws Exception {
    int base = cluster.basePort();
    String proxied = "\"proxyProtocol\":\"required\",\"trustedProxies\":[\"" + PROXY + "\"]";
    List<String> operations = new ArrayList<>();
    operations.add(put("listeners", "sftp", "{\"protocol\":\"sftp\",\"port\":" + (base + 22) + "," + proxied + "}"));
    operations.add(put("listeners", "ftp", "{\"protocol\":\"ftp\",\"port\":" + (base + 21) + "," + proxied + "}"));
    operations.add(put("listeners", "https", "{\"protocol\":\"http\",\"port\":" + (base + 43) + "," + proxied
        + ",\"http\":{\"certificate\":\"local\"}}"));
    operations.add("{\"op\":\"delete\",\"kind\":\"listeners\",\"name\":\"ftps\"}");
    operations.add("{\"op\":\"delete\",\"kind\":\"listeners\",\"name\":\"http\"}");
    for (int k = 1; k <= NODES; k++) {
      int first = base + 50 + 10 * (k - 1);
      operations.add(put("nodes", "node-" + k, "{\"listeners\":{\"ftp\":{\"passivePorts\":\"" + first + "-" + (first + 9) + "\"}}}"));
    }
    operations.add(put("users", BenchClient.USER, "{\"password\":\"" + BenchClient.PASSWORD + "\"}"));
    cluster.send("POST", 1, "/api/v1/config/changes?wait=applied&timeout=20s", "{\"operations\":[" + String.join(",", operations) + "]}");
    String text = cluster.launcher("lb", "haproxy", "--address", BALANCER, "--dir", cluster.directory().toString());
    if (text.contains("# Warning")) {
      throw new IllegalStateException("the printed configuration has warnings:\n" + text);
    }
    return text.replace("  option dontlognull\n", ""); // connections that a dead node ended before a word count, too
  }

  private static String put(String kind, String name, String value) {
    return "{\"op\":\"put\",\"kind\":\"" + kind + "\",\"name\":\"" + name + "\",\"value\":" + value + "}";
  }

  private BenchClient client(String protocol, String address) {
    int base = cluster.basePort();
    return switch (protocol) {
      case "sftp" -> new BenchClient.Sftp(directory, address, BALANCER, base + 22);
      case "ftp" -> new BenchClient.Ftp(directory, address, BALANCER, base + 21);
      case "https" -> new BenchClient.Https(directory, address, BALANCER, base + 43);
      default -> throw new IllegalArgumentException(protocol);
    };
  }

  private boolean all(List<String> wanted) throws Exception {
    String busy = Files.readString(Path.of("/proc/loadavg")).split(" ")[0];
    System.out.printf("The machine's load average is %s: much over the number of processors, waiting for them is what is measured.%n", busy);
    System.out.printf("Clients: %d each of SFTP, FTP and HTTPS with files of %d KB, %d large uploads each of %d MB%n%n", CLIENTS, FILE / 1000,
        LARGE_UPLOADS, LARGE_FILE / 1_000_000);
    System.out.printf("%-34s %9s  %-25s %5s  %-22s %-24s %-12s %s%n", "", "", "failed at first", "after", "new connections served",
        "large uploads", "", "clients'");
    System.out.printf("%-34s %9s  %-25s %5s  %-22s %-24s %-12s %s%n", "fault", "transfers", "(there/led there/else)", "retry",
        "SFTP/FTP/HTTPS, slowest", "whole (broken, slowest)", "converged", "addresses");
    if (!wanted.isEmpty() && wanted.stream().noneMatch(text -> ROWS.stream().anyMatch(name -> name.contains(text)))) {
      throw new IllegalArgumentException("no row is called like " + wanted + "; there are " + ROWS);
    }
    row(wanted, "secondary killed (SIGKILL)", new Kill(false, true));
    row(wanted, "primary killed (SIGKILL)", new Kill(true, true));
    row(wanted, "secondary stopped (SIGTERM)", new Kill(false, false));
    row(wanted, "primary stopped (SIGTERM)", new Kill(true, false));
    row(wanted, "secondary frozen for 10 s (SIGSTOP)", new Freeze(false));
    row(wanted, "primary frozen for 10 s (SIGSTOP)", new Freeze(true));
    row(wanted, "rolling restart of all", new Restart(false));
    row(wanted, "the same with changes every second", new Restart(true));
    System.out.printf("%nFailed at first: there = on the node of the fault, with a connection from before it was gone; led there = with a later one.%n"
        + "Goals: else 0 (where nodes let their clients go a second try may do), after retry 0, new connections within %.0f s, uploads whole, "
        + "converged, real addresses; led there 0 unless frozen; "
        + "no upload broken where a node lets its clients go.%n", GOAL_SECONDS);
    return good;
  }

  /** Something that befalls a node; what may be waited for meanwhile is bounded. */
  private sealed interface Fault {
    /** Which node; 0 for all. */
    int node() throws Exception;

    /**
     * Returns when it is over.
     *
     * @param struck is told when the node has been struck, so that nothing that comes later may be led to it
     */
    void strike(int node, Runnable struck) throws Exception;

    /** Makes all well again. */
    void heal(int node) throws Exception;

    default boolean isOrderly() {
      return false;
    }
  }

  private int find(boolean isPrimary) throws Exception {
    int primary = Failover.primary(cluster, 1);
    return isPrimary ? primary : primary % NODES + 1;
  }

  private final class Kill implements Fault {
    private final boolean primary;
    private final boolean forcibly;
    private List<String> command = List.of();

    Kill(boolean primary, boolean forcibly) {
      this.primary = primary;
      this.forcibly = forcibly;
    }

    /** Looks up beforehand how to start it again, since the fault begins with what comes next. */
    @Override
    public int node() throws Exception {
      int node = find(primary);
      command = cluster.command(node);
      return node;
    }

    @Override
    public void strike(int node, Runnable struck) throws Exception {
      ProcessHandle process = cluster.process(node);
      if (forcibly) {
        process.destroyForcibly();
        // The system frees its memory first; until then its ports take connections, which end with it.
        while (process.isAlive()) {
          pause(1);
        }
        struck.run();
        pause(AFTER_MILLIS);
      } else {
        struck.run();
        process.destroy();
        process.onExit().get(2, TimeUnit.MINUTES);
      }
    }

    @Override
    public void heal(int node) throws Exception {
      cluster.startAgain(node, command);
    }

    @Override
    public boolean isOrderly() {
      return !forcibly;
    }
  }

  private final class Freeze implements Fault {
    private final boolean primary;

    Freeze(boolean primary) {
      this.primary = primary;
    }

    @Override
    public int node() throws Exception {
      return find(primary);
    }

    @Override
    public void strike(int node, Runnable struck) throws Exception {
      signal(node, "-STOP");
      struck.run();
      try {
        pause(FREEZE_MILLIS);
      } finally {
        signal(node, "-CONT");
      }
    }

    private void signal(int node, String signal) throws Exception {
      new ProcessBuilder("kill", signal, Long.toString(cluster.process(node).pid())).start().waitFor(10, TimeUnit.SECONDS);
    }

    @Override
    public void heal(int node) {
      // It goes on by itself.
    }
  }

  private final class Restart implements Fault {
    private final boolean changing;
    private final AtomicBoolean going = new AtomicBoolean();
    private final Set<String> acknowledged = Collections.synchronizedSet(new TreeSet<>());
    private Thread changes;

    Restart(boolean changing) {
      this.changing = changing;
    }

    @Override
    public int node() {
      return 0;
    }

    @Override
    public void strike(int node, Runnable struck) throws Exception {
      struck.run();
      if (changing) {
        going.set(true);
        changes = Thread.ofVirtual().start(this::change);
      }
      cluster.launcher("cluster", "restart", "--rolling", "--deadline", "1m", "--dir", cluster.directory().toString());
    }

    private void change() {
      for (int i = 0; going.get(); i++) {
        String group = "group-" + i;
        try {
          if (cluster.trySend("PUT", i % NODES + 1, "/api/v1/config/groups/" + group + "?timeout=2s", "{}").statusCode() / 100 == 2) {
            acknowledged.add(group);
          }
          pause(1000);
        } catch (Exception notAcknowledged) {
          // That node is away.
        }
      }
    }

    /** Each change that was acknowledged has to be on every node. */
    @Override
    public void heal(int node) throws Exception {
      if (changing) {
        going.set(false);
        changes.join();
        awaitConverged();
        for (int k = 1; k <= NODES; k++) {
          for (String group : acknowledged) {
            if (cluster.trySend("GET", k, "/api/v1/config/groups/" + group, "").statusCode() != 200) {
              missed("the change that made " + group + " was acknowledged, and is not on node-" + k);
            }
          }
        }
        explanations.add(acknowledged.size() + " changes were acknowledged during the rolling restart.");
        if (acknowledged.isEmpty()) {
          missed("no change was acknowledged during the rolling restart");
        }
      }
    }

    @Override
    public boolean isOrderly() {
      return true;
    }
  }

  private void missed(String what) {
    good = false;
    explanations.add("MISSED: " + what);
  }

  private static void pause(long millis) throws InterruptedException {
    TimeUnit.MILLISECONDS.sleep(millis);
  }

  /**
   * A client's try, between two times in milliseconds since 1970.
   *
   * @param why it failed; empty if it didn't
   */
  private record Attempt(String protocol, String address, long begun, long ended, String why) {
    boolean isGood() {
      return why.isEmpty();
    }
  }

  /** What was to be moved, with one or two tries. */
  private record Moved(String name, List<Attempt> attempts) {}

  /** A large upload: its tries, and whether the file is what was sent. */
  private record Large(String name, int tries, double seconds, boolean whole, String why) {}

  private interface Move {
    BenchClient.Result go() throws IOException, InterruptedException;
  }

  private static Attempt attempt(BenchClient client, String protocol, Move move) throws InterruptedException {
    long begun = System.currentTimeMillis();
    String why;
    try {
      BenchClient.Result result = move.go();
      why = result.isGood() ? "" : "status " + result.status() + ": " + result.output();
    } catch (IOException e) {
      why = e.toString();
    }
    return new Attempt(protocol, client.address, begun, System.currentTimeMillis(), why);
  }

  /** Sends a file, fetches it, and so on. */
  private void load(String protocol, int number, AtomicBoolean going, List<Moved> moved) throws InterruptedException, IOException {
    BenchClient client = client(protocol, "127.0.1." + (number * 10 + protocol.length()));
    Path back = directory.resolve(protocol + number + ".back");
    while (going.get()) {
      String name = protocol + "-" + numbers.incrementAndGet() + ".bin";
      if (moved(client, protocol, "put " + name, () -> client.put(file, name, RATE), moved)) {
        moved(client, protocol, "get " + name, () -> {
          Files.deleteIfExists(back);
          BenchClient.Result result = client.get(name, back, RATE);
          return result.isGood() && Files.mismatch(file, back) >= 0 ? new BenchClient.Result(1, "other bytes came back") : result;
        }, moved);
      }
    }
  }

  private static boolean moved(BenchClient client, String protocol, String what, Move move, List<Moved> moved) throws InterruptedException {
    List<Attempt> attempts = new ArrayList<>(List.of(attempt(client, protocol, move)));
    if (!attempts.getFirst().isGood()) {
      attempts.add(attempt(client, protocol, move));
    }
    moved.add(new Moved(what, attempts));
    return attempts.getLast().isGood();
  }

  private Large large(String protocol, int number) throws InterruptedException, IOException {
    BenchClient client = client(protocol, "127.0.2." + (number * 10 + protocol.length()));
    String name = protocol + "-large-" + numbers.incrementAndGet() + ".bin";
    long begun = System.nanoTime();
    BenchClient.Result result = client.begin(largeFile, name, LARGE_RATE);
    int tries = 1;
    StringBuilder why = new StringBuilder();
    while (!result.isGood() && System.nanoTime() - begun < RESUME_NANOS) {
      why.append(" | ").append(result.output());
      pause(1000);
      result = client.resume(largeFile, name, LARGE_RATE);
      tries++;
    }
    Path sent = cluster.directory().resolve("files/users/" + BenchClient.USER + "/" + name);
    boolean whole = result.isGood() && Files.exists(sent) && Files.mismatch(largeFile, sent) < 0;
    return new Large(name, tries, (System.nanoTime() - begun) / 1e9, whole, why.toString());
  }

  private Thread start(List<Thread> threads, Run run) {
    Thread thread = Thread.ofVirtual().start(() -> {
      try {
        run.go();
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      } catch (Exception e) {
        failures.add(e.toString());
      }
    });
    threads.add(thread);
    return thread;
  }

  private interface Run {
    void go() throws Exception;
  }

  private void row(List<String> wanted, String name, Fault fault) throws Exception {
    if (!wanted.isEmpty() && wanted.stream().noneMatch(name::contains)) {
      return;
    }
    awaitConverged();
    int node = fault.node();
    List<Moved> moved = Collections.synchronizedList(new ArrayList<>());
    List<Large> large = Collections.synchronizedList(new ArrayList<>());
    Map<String, List<Double>> probes = new LinkedHashMap<>();
    Set<String> addresses = Collections.synchronizedSet(new TreeSet<>());
    AtomicBoolean loading = new AtomicBoolean(true);
    AtomicBoolean probing = new AtomicBoolean(true);
    List<Thread> threads = new ArrayList<>();
    List<Thread> uploads = new ArrayList<>();
    List<Thread> asking = Collections.synchronizedList(new ArrayList<>());
    for (String protocol : List.of("sftp", "ftp", "https")) {
      for (int i = 0; i < CLIENTS; i++) {
        int number = i;
        start(threads, () -> load(protocol, number, loading, moved));
      }
    }
    pause(BEFORE_MILLIS);
    for (String protocol : List.of("sftp", "ftp", "https")) {
      for (int i = 0; i < LARGE_UPLOADS; i++) {
        int number = i;
        start(uploads, () -> large.add(large(protocol, number)));
      }
    }
    pause(BEFORE_MILLIS);
    long begun = System.currentTimeMillis();
    for (String protocol : List.of("sftp", "ftp", "https")) {
      List<Double> times = Collections.synchronizedList(new ArrayList<>());
      probes.put(protocol, times);
      start(threads, () -> {
        BenchProbe probe = new BenchProbe(protocol, BALANCER, client(protocol, "").port);
        while (probing.get()) {
          start(asking, () -> times.add(probe.secondsUntilServed()));
          pause(PROBE_MILLIS);
        }
      });
    }
    start(threads, () -> {
      while (probing.get()) {
        addresses(node % NODES + 1, addresses);
        pause(PROBE_MILLIS);
      }
    });
    AtomicLong struck = new AtomicLong();
    fault.strike(node, () -> struck.set(System.currentTimeMillis()));
    long healed = System.currentTimeMillis();
    fault.heal(node);
    String converged = awaitConverged();
    pause(BEFORE_MILLIS);
    loading.set(false);
    probing.set(false);
    long ended = System.currentTimeMillis();
    for (Thread thread : threads) {
      thread.join();
    }
    for (Thread thread : uploads) {
      thread.join();
    }
    for (Thread thread : List.copyOf(asking)) {
      thread.join();
    }
    pause(PROBE_MILLIS); // until HAProxy has written its last lines
    print(name, fault, node, new Times(begun, struck.get(), healed, ended), moved, large, probes, converged, addresses);
  }

  /** Waits until every node sees all converged, and says how long; a goal is missed if it takes too long. */
  private String awaitConverged() throws InterruptedException {
    long begun = System.nanoTime();
    while (System.nanoTime() - begun < CONVERGED_NANOS) {
      try {
        if (cluster.isConverged(1) && cluster.isConverged(2) && cluster.isConverged(3)) {
          return String.format("%.1f s", (System.nanoTime() - begun) / 1e9);
        }
      } catch (InterruptedException e) {
        throw e;
      } catch (Exception notYet) {
        // A node is not there yet.
      }
      pause(100);
    }
    missed("the nodes are not converged after " + CONVERGED_NANOS / 1_000_000_000 + " s");
    return "NO";
  }

  /** Whom the nodes have as clients, as one node tells it. */
  private void addresses(int asked, Set<String> addresses) {
    try {
      for (JsonNode one : BenchCluster.JSON.readTree(cluster.trySend("GET", asked, "/api/v1/connections", "").body()).path("items")) {
        addresses.add(one.path("address").asText());
      }
    } catch (Exception notNow) {
      // It may be the one that restarts.
    }
  }

  /**
   * In milliseconds since 1970.
   *
   * @param begun when the fault began
   * @param struck when it had happened
   * @param healed when the node was to serve again
   * @param ended when the load ended
   */
  private record Times(long begun, long struck, long healed, long ended) {}

  private void print(String name, Fault fault, int node, Times at, List<Moved> moved, List<Large> large,
      Map<String, List<Double>> probes, String converged, Set<String> addresses) throws Exception {
    List<BenchBalancer.Connection> connections = balancer.connections();
    for (String failure = failures.poll(); failure != null; failure = failures.poll()) {
      missed("a client of the bench failed: " + failure);
    }
    List<Moved> during = moved.stream()
        .filter(one -> one.attempts().getLast().ended() >= at.begun() && one.attempts().getFirst().begun() <= at.ended()).toList();
    if (during.isEmpty() || large.size() != 3 * LARGE_UPLOADS) {
      missed("there was no load to measure by");
    }
    int there = 0;
    int led = 0;
    int elsewhere = 0;
    int afterRetry = 0;
    for (Moved one : during) {
      Attempt first = one.attempts().getFirst();
      if (first.isGood()) {
        continue;
      }
      Optional<BenchBalancer.Connection> on = connections.stream().filter(connection -> connection.client().equals(first.address())
          && connection.accepted() >= first.begun() && connection.accepted() <= first.ended())
          .min(Comparator.comparingLong(BenchBalancer.Connection::accepted)); // FTP's data come after; HAProxy logs in the order of ends
      boolean isThere = on.isPresent() && on.get().node().equals("node-" + node) && on.get().accepted() <= at.healed();
      String where = on.map(connection -> connection.node() + " by " + connection.frontend() + ", HAProxy " + connection.state() + " after "
              + connection.totalMillis() + " ms")
          .orElse("no connection of HAProxy");
      if (isThere && on.get().accepted() <= at.struck()) {
        there++;
      } else if (isThere) {
        led++;
      } else {
        elsewhere++;
      }
      boolean isLost = !one.attempts().getLast().isGood();
      afterRetry += isLost ? 1 : 0;
      if (isLost || !isThere || on.get().accepted() > at.struck()) {
        explanations.add(one.name() + " (" + first.address() + ", " + (first.begun() - at.begun()) + " to "
            + (first.ended() - at.begun()) + " ms, " + where + "): " + first.why()
            + (isLost ? "; and again: " + one.attempts().getLast().why() : ""));
      }
    }
    if (elsewhere > 0 && !fault.isOrderly() || afterRetry > 0 || led > 0 && !(fault instanceof Freeze)) {
      missed("transfers that failed without need");
    }
    StringBuilder times = new StringBuilder();
    for (Map.Entry<String, List<Double>> one : probes.entrySet()) {
      double slowest = one.getValue().stream().mapToDouble(Double::doubleValue).max().orElse(Double.NaN);
      times.append(times.isEmpty() ? "" : "/").append(String.format("%.1f", slowest));
      if (!(slowest <= GOAL_SECONDS)) {
        missed("a new connection by " + one.getKey() + " was served after " + String.format("%.1f s", slowest));
      }
    }
    long whole = large.stream().filter(Large::whole).count();
    long broken = large.stream().filter(one -> one.tries() > 1).count();
    double slowest = large.stream().mapToDouble(Large::seconds).max().orElse(0);
    large.stream().filter(one -> !one.whole() || fault.isOrderly() && one.tries() > 1)
        .forEach(one -> missed(one.name() + " after " + one.tries() + " tries" + one.why()));
    Set<String> strangers = new TreeSet<>(addresses);
    strangers.removeIf(address -> address.startsWith("127.0.1.") || address.startsWith("127.0.2.") || address.equals(BenchProbe.ADDRESS));
    if (!strangers.isEmpty() || addresses.isEmpty()) {
      missed("connections of " + addresses + " instead of the clients' own addresses");
    }
    System.out.printf("%-34s %9d  %-25s %5d  %-22s %-24s %-12s %s%n", name, during.size(), there + there(led, elsewhere), afterRetry,
        times + " s", whole + "/" + large.size() + " (" + broken + String.format(", %.0f s)", slowest), converged,
        addresses.size() - strangers.size() + " real" + (strangers.isEmpty() ? "" : ", " + strangers.size() + " NOT"));
    explanations.forEach(line -> System.out.println("    " + line));
    explanations.clear();
  }

  private static String there(int led, int elsewhere) {
    return "/" + led + "/" + elsewhere;
  }
}
