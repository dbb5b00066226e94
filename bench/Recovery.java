import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Comparator;
import java.util.concurrent.TimeUnit;

/**
 * Measures a large configuration on three nodes: 100,000 users and 10,000 changes of single users after their import. What a
 * change costs with 100 and with all users, how long another node takes to be primary when the primary is killed, and how long
 * a node takes to catch up from nothing.
 */
class Recovery {
  private static final int FEW = 100;
  private static final int USERS = 100_000;
  private static final int BATCH = 2_000;
  private static final int CHANGES = 10_000;
  private static final int SAMPLE = 500;
  private static final long PATIENCE_NANOS = TimeUnit.SECONDS.toNanos(180);

  private final BenchCluster cluster;
  private final Path directory;

  private Recovery(BenchCluster cluster, Path directory) {
    this.cluster = cluster;
    this.directory = directory;
  }

  public static void main(String[] arguments) throws Exception {
    BenchCluster.printMachine();
    Path directory = Files.createTempDirectory("flotilla-bench");
    try (BenchCluster cluster = new BenchCluster(Path.of(arguments[0]), directory, 26_000)) {
      cluster.up(3);
      new Recovery(cluster, directory).run();
    }
  }

  private void run() throws Exception {
    cluster.importUsers(1, "few-", 0, FEW);
    changes(2_000);
    double few = BenchCluster.median(changes(SAMPLE));
    long begun = System.nanoTime();
    for (int i = 0; i < USERS; i += BATCH) {
      cluster.importUsers(1, "many-", i, BATCH);
    }
    BenchCluster.print("import of 100,000 users, 50 batches", BenchCluster.secondsSince(begun), "");
    double[] all = changes(CHANGES);
    double many = BenchCluster.median(Arrays.copyOfRange(all, all.length - SAMPLE, all.length));
    BenchCluster.print("one user's change, p50 with 100 users", String.format("%.1f ms", few), "");
    BenchCluster.print("one user's change, p50 with 100,000 users",
        String.format("%.1f ms, %.2f times as much", many, many / few), "goal: at most 2 times");
    for (int k = 1; k <= 3; k++) {
      BenchCluster.print("node " + k + ", resident", cluster.residentMiB(k) + " MiB", "");
    }
    takeOver();
    catchUp();
  }

  private double[] changes(int count) throws Exception {
    double[] times = new double[count];
    for (int i = 0; i < count; i++) {
      long sent = System.nanoTime();
      cluster.send("PUT", 2, "/api/v1/config/users/few-" + i % FEW, "{\"enabled\":" + (i / FEW % 2 == 0) + "}");
      times[i] = (System.nanoTime() - sent) / 1e6;
    }
    return times;
  }

  private void takeOver() throws Exception {
    int primary = primary(2);
    int other = primary % 3 + 1;
    long begun = System.nanoTime();
    cluster.process(primary).destroyForcibly();
    await(begun, () -> cluster.trySend("PUT", other, "/api/v1/config/users/after?timeout=1s", "{}").statusCode() / 100 == 2);
    BenchCluster.print("primary killed to next change acknowledged", BenchCluster.secondsSince(begun), "goal: under 15 s");
    cluster.down();
  }

  /** A node that lost everything but its key comes back to the others, which run already. */
  private void catchUp() throws Exception {
    Path state = directory.resolve("node-3/state");
    try (var files = Files.walk(state)) {
      files.sorted(Comparator.reverseOrder()).filter(file -> !file.equals(state) && !file.endsWith("cluster.key"))
          .forEach(file -> file.toFile().delete());
    }
    cluster.up(3);
    JsonNode events = cluster.send("GET", 3, "/api/v1/cluster", "");
    String log = Files.readString(directory.resolve("node-3/node.log"));
    String caughtUp = log.lines().filter(line -> line.contains("Caught up")).reduce((one, two) -> two).orElse("?");
    BenchCluster.print("a node from nothing", caughtUp.replaceFirst(".*(Caught up)", "$1") + " of "
        + events.path("version").asLong(), "goal: under 20 s");
  }

  private int primary(int k) throws Exception {
    for (JsonNode member : cluster.send("GET", k, "/api/v1/cluster", "").path("members")) {
      if (member.path("isPrimary").asBoolean()) {
        return Integer.parseInt(member.path("name").asText().substring("node-".length()));
      }
    }
    throw new IllegalStateException("there is no primary");
  }

  private interface Condition {
    boolean holds() throws Exception;
  }

  private static void await(long begun, Condition condition) throws Exception {
    while (System.nanoTime() - begun < PATIENCE_NANOS) {
      try {
        if (condition.holds()) {
          return;
        }
      } catch (IOException notYet) {
        // Asked again.
      }
      TimeUnit.MILLISECONDS.sleep(50);
    }
    throw new IllegalStateException("it did not happen within " + PATIENCE_NANOS / 1_000_000_000L + " s");
  }
}
