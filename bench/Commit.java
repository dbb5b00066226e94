import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;

/**
 * Measures one change at a time on three nodes, side by side with a put on three members of etcd, in turns: from sending it
 * through the second node to its acknowledgement, and to the event that tells of it at the third.
 */
class Commit {
  private static final int WARM_UP = 12_000;
  private static final int ROUNDS = 10;
  private static final int CHANGES = 200;

  private final BenchCluster flotilla;
  private final EtcdCluster etcd;
  private final Map<Long, CompletableFuture<Long>> applied = new ConcurrentHashMap<>();
  private final Map<Long, CompletableFuture<Long>> watched = new ConcurrentHashMap<>();
  private long puts;

  private Commit(BenchCluster flotilla, EtcdCluster etcd) {
    this.flotilla = flotilla;
    this.etcd = etcd;
  }

  public static void main(String[] arguments) throws Exception {
    BenchCluster.printMachine();
    try (BenchCluster flotilla = new BenchCluster(Path.of(arguments[0]), Files.createTempDirectory("flotilla-bench"), 26_000);
        EtcdCluster etcd = new EtcdCluster()) {
      flotilla.up(3);
      etcd.awaitReady(2);
      new Commit(flotilla, etcd).run();
    }
  }

  private void run() throws Exception {
    flotilla.onApplied(3, version -> at(applied, version).complete(System.nanoTime()));
    etcd.watch(3, "key", value -> at(watched, value).complete(System.nanoTime()));
    for (int i = 0; i < WARM_UP; i++) {
      flotilla(new double[1], new double[1], 0);
      etcd(new double[1], new double[1], 0);
    }
    double[] ack = new double[ROUNDS * CHANGES];
    double[] told = new double[ROUNDS * CHANGES];
    double[] etcdAck = new double[ROUNDS * CHANGES];
    double[] etcdTold = new double[ROUNDS * CHANGES];
    for (int i = 0; i < ROUNDS * CHANGES; i++) {
      if (i / CHANGES % 2 == 0) {
        flotilla(ack, told, i);
        etcd(etcdAck, etcdTold, i);
      } else {
        etcd(etcdAck, etcdTold, i);
        flotilla(ack, told, i);
      }
    }
    BenchCluster.print("change sent to acknowledged", BenchCluster.percentiles(ack), "goal: p50 under 6 ms, p99 under 30 ms");
    BenchCluster.print("change sent to applied on another node", BenchCluster.percentiles(told), "");
    BenchCluster.print("etcd: put sent to acknowledged", BenchCluster.percentiles(etcdAck), "");
    BenchCluster.print("etcd: put sent to watched at another member", BenchCluster.percentiles(etcdTold), "");
    BenchCluster.print("ratio of the p50: acknowledged to etcd's acknowledged",
        String.format("%.2f", BenchCluster.median(ack) / BenchCluster.median(etcdAck)), "");
    BenchCluster.print("ratio of the p50: acknowledged to etcd's watched",
        String.format("%.2f", BenchCluster.median(ack) / BenchCluster.median(etcdTold)), "goal: at most 1.5");
    BenchCluster.print("ratio of the p50: applied to etcd's watched",
        String.format("%.2f", BenchCluster.median(told) / BenchCluster.median(etcdTold)), "");
  }

  private void flotilla(double[] ack, double[] told, int i) throws Exception {
    long sent = System.nanoTime();
    long version = flotilla.send("PUT", 2, "/api/v1/config/users/user-0", "{\"enabled\":" + (sent % 2 == 0) + "}")
        .path("version").asLong();
    ack[i] = (System.nanoTime() - sent) / 1e6;
    told[i] = (at(applied, version).get(20, TimeUnit.SECONDS) - sent) / 1e6;
    applied.remove(version);
  }

  private void etcd(double[] ack, double[] told, int i) throws Exception {
    long value = ++puts;
    long sent = System.nanoTime();
    if (!etcd.tryPut(2, "key", Long.toString(value))) {
      throw new IllegalStateException("etcd refused a put");
    }
    ack[i] = (System.nanoTime() - sent) / 1e6;
    told[i] = (at(watched, value).get(20, TimeUnit.SECONDS) - sent) / 1e6;
    watched.remove(value);
  }

  private static CompletableFuture<Long> at(Map<Long, CompletableFuture<Long>> times, long number) {
    return times.computeIfAbsent(number, n -> new CompletableFuture<>());
  }
}
