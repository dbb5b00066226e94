import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
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

  private final BenchCluster cluster;
  private final Map<Long, long[]> appliedAt = new ConcurrentHashMap<>();

  private Propagation(BenchCluster cluster) {
    this.cluster = cluster;
  }

  public static void main(String[] arguments) throws Exception {
    Path home = Path.of(arguments[0]);
    BenchCluster.printMachine();
    try (BenchCluster one = new BenchCluster(home, Files.createTempDirectory("flotilla-bench"), 26_000)) {
      starts(one, 1, "single node", "goal: under 5 s");
    }
    try (BenchCluster three = new BenchCluster(home, Files.createTempDirectory("flotilla-bench"), 26_000)) {
      starts(three, 3, "three nodes", "goal: under 15 s");
      new Propagation(three).run();
    }
  }

  private static void starts(BenchCluster cluster, int nodes, String what, String goal) throws Exception {
    long begun = System.nanoTime();
    cluster.up(nodes);
    BenchCluster.print(what + ", first start: command to converged", BenchCluster.secondsSince(begun), goal);
    cluster.down();
    begun = System.nanoTime();
    cluster.up(nodes);
    BenchCluster.print(what + ", later start: command to converged", BenchCluster.secondsSince(begun), goal);
  }

  private void run() throws Exception {
    BenchCluster.print("idle node, resident (largest of three)", largestResident() + " MiB", "goal: under 400 MiB");
    for (int k = 1; k <= 3; k++) {
      int node = k;
      cluster.onApplied(k, version -> applied(node, version));
    }
    changes("with 1 user");
    long begun = System.nanoTime();
    for (int i = 0; i < USERS; i += BATCH) {
      cluster.importUsers(1, "import-", i, BATCH);
    }
    BenchCluster.print("import of 10,000 users with passwordHash, 10 batches", BenchCluster.secondsSince(begun), "goal: under 20 s");
    cluster.send("GET", 3, "/api/v1/config/users?limit=50", "");
    double[] reads = new double[20];
    for (int i = 0; i < reads.length; i++) {
      begun = System.nanoTime();
      cluster.send("GET", 3, "/api/v1/config/users?limit=50&after=import-" + i * 400, "");
      reads[i] = (System.nanoTime() - begun) / 1e6;
    }
    Arrays.sort(reads);
    BenchCluster.print("GET users?limit=50 with 10,000 users", String.format("p50 %.1f ms, max %.1f ms", reads[10], reads[19]),
        "goal: under 50 ms");
    changes("with 10,000 users");
    BenchCluster.print("node with 10,000 users, resident (largest of three)", largestResident() + " MiB", "");
  }

  private long largestResident() throws Exception {
    return Math.max(cluster.residentMiB(1), Math.max(cluster.residentMiB(2), cluster.residentMiB(3)));
  }

  private void changes(String what) throws Exception {
    for (int i = 0; i < WARM_UP; i++) {
      change(i);
    }
    double[] acknowledged = new double[CHANGES];
    double[] applied = new double[CHANGES];
    for (int i = 0; i < CHANGES; i++) {
      long sent = System.nanoTime();
      long version = change(i);
      long answered = System.nanoTime();
      acknowledged[i] = (answered - sent) / 1e6;
      applied[i] = (awaitApplied(version) - answered) / 1e6;
    }
    BenchCluster.print("change acknowledged, " + what, BenchCluster.percentiles(acknowledged), "");
    BenchCluster.print("acknowledged to applied on all three, " + what, BenchCluster.percentiles(applied),
        "goal: p50 under 10 ms, p99 under 50 ms");
  }

  private long change(int i) throws Exception {
    return cluster.send("PUT", 2, "/api/v1/config/users/user-0", "{\"enabled\":" + (i % 2 == 0) + "}").path("version").asLong();
  }

  private void applied(int node, long version) {
    long now = System.nanoTime();
    long[] times = appliedAt.computeIfAbsent(version, v -> new long[4]);
    synchronized (times) {
      times[node] = now;
      times.notifyAll();
    }
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
}
