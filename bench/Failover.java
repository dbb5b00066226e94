import java.io.IOException;
import java.net.http.HttpTimeoutException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;

/**
 * Two measurements; with the name of one only that. "load": what becomes of transfers through a load balancer when nodes fail or restart,
 * by {@link FailoverUnderLoad}; it ends with status 1 if a goal was missed. "primary": how long no change is acknowledged when the primary moves. Killed (SIGKILL): from the signal to the answer to the first
 * change that succeeds, sent again every 50 ms through another node. Beside it the same with the leader of three members of etcd.
 * Moved by command, and stopped in order (SIGTERM): the longest pause between two acknowledgements, from the order until it is done.
 */
class Failover {
  private static final int RUNS = 3;
  private static final long PAUSE_MILLIS = 50;
  private static final long PATIENCE_NANOS = TimeUnit.SECONDS.toNanos(90);

  public static void main(String[] arguments) throws Exception {
    BenchCluster.printMachine();
    Path home = Path.of(arguments[0]);
    String wanted = arguments.length > 1 ? arguments[1] : "";
    if (!List.of("", "primary", "load").contains(wanted)) {
      System.err.println("flotilla: bench failover takes nothing, primary, or load");
      System.exit(2);
    }
    boolean good = true;
    if (!wanted.equals("primary")) {
      good = FailoverUnderLoad.run(home, List.of(arguments).subList(Math.min(2, arguments.length), arguments.length));
      System.out.println();
    }
    if (!wanted.equals("load")) {
      pauses(home);
    }
    if (!good) {
      System.exit(1);
    }
  }

  private static void pauses(Path home) throws Exception {
    double[] moved = new double[RUNS];
    double[] left = new double[RUNS];
    double[] killed = new double[RUNS];
    double[] etcd = new double[RUNS];
    for (int run = 0; run < RUNS; run++) {
      try (BenchCluster cluster = new BenchCluster(home, Files.createTempDirectory("flotilla-bench"), 26_000)) {
        cluster.up(3);
        moved[run] = move(cluster);
        left[run] = leave(cluster);
        cluster.down();
        cluster.up(3);
        killed[run] = kill(cluster);
      }
      etcd[run] = etcd();
      System.out.printf("run %d: moved %.2f s, stopped in order %.2f s, killed %.1f s; etcd's leader killed %.1f s%n",
          run + 1, moved[run], left[run], killed[run], etcd[run]);
    }
    BenchCluster.print("primary killed to next change acknowledged, median", seconds(killed), "goal: under 10 s");
    BenchCluster.print("etcd: leader killed to next put acknowledged, median", seconds(etcd), "");
    BenchCluster.print("longest pause while the primary is stopped in order, median", seconds(left), "goal: under 1 s");
    BenchCluster.print("longest pause while the primary is moved, median", seconds(moved), "goal: about 1 s");
  }

  private static String seconds(double[] values) {
    return String.format("%.1f s", BenchCluster.median(values));
  }

  /** The number of the primary, as node k sees it; waits until there is one. */
  static int primary(BenchCluster cluster, int k) throws Exception {
    long begun = System.nanoTime();
    while (System.nanoTime() - begun < PATIENCE_NANOS) {
      for (var member : cluster.send("GET", k, "/api/v1/cluster", "").path("members")) {
        if (member.path("isPrimary").asBoolean()) {
          return Integer.parseInt(member.path("name").asText().substring("node-".length()));
        }
      }
      Thread.sleep(PAUSE_MILLIS);
    }
    throw new IllegalStateException("node-" + k + " knows no primary");
  }

  private static double move(BenchCluster cluster) throws Exception {
    int next = primary(cluster, 1) % 3 + 1;
    return longestPause(cluster, next, "moved", () -> cluster.trySend(
        "POST", next, "/api/v1/cluster/primary", "{\"node\":\"node-" + next + "\"}"), () -> primary(cluster, next) == next);
  }

  private static double leave(BenchCluster cluster) throws Exception {
    int primary = primary(cluster, 1);
    ProcessHandle process = cluster.process(primary);
    return longestPause(cluster, primary % 3 + 1, "left", process::destroy, () -> !process.isAlive());
  }

  private static double kill(BenchCluster cluster) throws Exception {
    int primary = primary(cluster, 1);
    int other = primary % 3 + 1;
    cluster.send("PUT", other, "/api/v1/config/users/before?wait=applied", "{}");
    ProcessHandle process = cluster.process(primary);
    long killed = System.nanoTime();
    process.destroyForcibly();
    return until(killed, i -> change(cluster, other, "after-" + i));
  }

  private static boolean change(BenchCluster cluster, int via, String user) throws Exception {
    return cluster.trySend("PUT", via, "/api/v1/config/users/" + user + "?timeout=1s", "{}").statusCode() / 100 == 2;
  }

  private interface Order {
    void give() throws Exception;
  }

  private interface Condition {
    boolean holds() throws Exception;
  }

  /** Changes one after another, from an order on until it is done and a change was acknowledged after that. */
  private static double longestPause(BenchCluster cluster, int via, String name, Order order, Condition done) throws Exception {
    change(cluster, via, name);
    long last = System.nanoTime();
    long longest = 0;
    order.give();
    boolean over = false;
    for (int i = 0; i < 100_000; i++) {
      boolean acknowledged = change(cluster, via, name + "-" + i);
      long now = System.nanoTime();
      if (acknowledged) {
        longest = Math.max(longest, now - last);
        last = now;
        if (over) {
          return longest / 1e9;
        }
        over = done.holds();
      } else if (now - last > PATIENCE_NANOS) {
        break;
      }
    }
    throw new IllegalStateException("the primary was not " + name + " in time, or nothing was acknowledged any more");
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
