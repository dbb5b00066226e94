import java.io.IOException;
import java.net.http.HttpTimeoutException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;

/**
 * Measures how long no change is acknowledged after the primary's process was killed (SIGKILL): from the signal to the answer
 * to the first change that succeeds, sent again every 50 ms through another node. Beside it the same with the leader of three
 * members of etcd.
 */
class Failover {
  private static final int RUNS = 5;
  private static final long PAUSE_MILLIS = 50;
  private static final long PATIENCE_NANOS = TimeUnit.SECONDS.toNanos(90);

  public static void main(String[] arguments) throws Exception {
    BenchCluster.printMachine();
    double[] flotilla = new double[RUNS];
    double[] etcd = new double[RUNS];
    for (int run = 0; run < RUNS; run++) {
      flotilla[run] = flotilla(Path.of(arguments[0]));
      etcd[run] = etcd();
      System.out.printf("run %d: next change acknowledged after %.1f s, etcd's next put after %.1f s%n",
          run + 1, flotilla[run], etcd[run]);
    }
    BenchCluster.print("primary killed to next change acknowledged, median", seconds(flotilla), "goal: under 10 s");
    BenchCluster.print("etcd: leader killed to next put acknowledged, median", seconds(etcd), "");
  }

  private static String seconds(double[] values) {
    return String.format("%.1f s", BenchCluster.median(values));
  }

  private static double flotilla(Path home) throws Exception {
    try (BenchCluster cluster = new BenchCluster(home, Files.createTempDirectory("flotilla-bench"), 26_000)) {
      cluster.up(3);
      int primary = 0;
      for (var member : cluster.send("GET", 1, "/api/v1/cluster", "").path("members")) {
        primary = member.path("isPrimary").asBoolean()
            ? Integer.parseInt(member.path("name").asText().substring("node-".length())) : primary;
      }
      int other = primary % 3 + 1;
      cluster.send("PUT", other, "/api/v1/config/users/before?wait=applied", "{}");
      ProcessHandle process = cluster.process(primary);
      long killed = System.nanoTime();
      process.destroyForcibly();
      return until(killed, i -> cluster.trySend("PUT", other, "/api/v1/config/users/after-" + i + "?timeout=1s", "{}")
          .statusCode() / 100 == 2);
    }
  }

  private static double etcd() throws Exception {
    try (EtcdCluster etcd = new EtcdCluster()) {
      etcd.awaitReady(1);
      int leader = 0;
      while (leader == 0) {
        leader = etcd.leader();
      }
      int other = leader % 3 + 1;
      long killed = System.nanoTime();
      etcd.kill(leader);
      return until(killed, i -> etcd.tryPut(other, "key", Integer.toString(i)));
    }
  }

  private interface Attempt {
    boolean succeeds(int number) throws Exception;
  }

  private static double until(long begun, Attempt attempt) throws Exception {
    for (int i = 0; System.nanoTime() - begun < PATIENCE_NANOS; i++) {
      try {
        if (attempt.succeeds(i)) {
          return (System.nanoTime() - begun) / 1e9;
        }
      } catch (HttpTimeoutException silent) {
        // Not acknowledged; the next attempt is another change.
      } catch (IOException refused) {
        // The same.
      }
      TimeUnit.MILLISECONDS.sleep(PAUSE_MILLIS);
    }
    throw new IllegalStateException("nothing was acknowledged within " + PATIENCE_NANOS / 1_000_000_000L + " s");
  }
}
