package io.flotilla.system.chaos;

import io.flotilla.system.Network;
import io.flotilla.system.TestCluster;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Comparator;
import java.util.Optional;
import java.util.Random;

/**
 * Runs of the checker as long and as many as wanted: {@code --minutes N --seed S --runs K}. Later runs have the seeds after
 * the first. Ends with status 1 if a guarantee was broken; the logs and what was observed are then kept.
 */
public final class ChaosBench {
  private static final int NODES = 3;
  private static final int SHOWN = 20;

  private ChaosBench() {}

  public static void main(String[] arguments) throws Exception {
    int minutes = 2;
    int runs = 1;
    long seed = new Random().nextInt(1, 1_000_000);
    for (int i = 0; i < arguments.length; i += 2) {
      int value = i + 1 < arguments.length && arguments[i + 1].matches("\\d{1,9}") ? Integer.parseInt(arguments[i + 1]) : 0;
      if (arguments[i].equals("--minutes") && value > 0) {
        minutes = value;
      } else if (arguments[i].equals("--runs") && value > 0) {
        runs = value;
      } else if (arguments[i].equals("--seed") && value > 0) {
        seed = value;
      } else {
        System.err.println("flotilla: bench chaos takes --minutes N, --seed S and --runs K, each a whole number above 0");
        System.exit(2);
      }
    }
    int broken = 0;
    for (int run = 0; run < runs; run++) {
      broken += run(seed + run, Duration.ofMinutes(minutes)) ? 0 : 1;
    }
    System.out.printf("%d runs of %d min, seeds %d to %d: %d with violations%n", runs, minutes, seed, seed + runs - 1, broken);
    System.exit(broken == 0 ? 0 : 1);
  }

  private static boolean run(long seed, Duration duration) throws IOException, InterruptedException {
    Path directory = Files.createTempDirectory("flotilla-chaos-" + seed + "-");
    Optional<Network> network = Network.isAvailable() ? Optional.of(Network.create(NODES)) : Optional.empty();
    ChaosRun.Result result;
    try (TestCluster cluster = TestCluster.start(directory.resolve("cluster"), NODES, network, ChaosRun.NODE_OPTIONS)) {
      Thread atExit = new Thread(cluster::close);
      Runtime.getRuntime().addShutdownHook(atExit);
      result = ChaosRun.run(cluster, ChaosPlan.of(seed, NODES, duration), ChaosRun.CONVERGENCE, System.out);
      Runtime.getRuntime().removeShutdownHook(atExit);
    }
    System.out.println(result);
    if (result.violations().isEmpty()) {
      try (var files = Files.walk(directory)) {
        files.sorted(Comparator.reverseOrder()).forEach(file -> file.toFile().delete());
      }
      return true;
    }
    result.violations().stream().limit(SHOWN).forEach(violation -> System.out.println("  " + violation));
    Path observed = directory.resolve("observed.txt");
    try (var lines = Files.newBufferedWriter(observed)) {
      for (Object one : result.everything()) {
        lines.write(one + "\n");
      }
    }
    System.out.println("  the nodes' logs and what was observed are kept in " + directory);
    return false;
  }
}
