package io.flotilla.system.chaos;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.flotilla.system.Network;
import io.flotilla.system.TestCluster;
import java.nio.file.Path;
import java.time.Duration;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.CleanupMode;
import org.junit.jupiter.api.io.TempDir;

/** The guarantees under random faults, for about a minute; {@code ./flotilla bench chaos} does it for longer. */
class ChaosTest {
  @TempDir(cleanup = CleanupMode.ON_SUCCESS)
  private Path directory;

  @Test
  void threeNodesUnderRandomFaults_keepTheGuarantees() throws Exception {
    long seed = new Random().nextInt(1_000_000);
    Optional<Network> network = Network.isAvailable() ? Optional.of(Network.create(3)) : Optional.empty();
    try (TestCluster cluster = TestCluster.start(directory.resolve("cluster"), 3, network, ChaosRun.NODE_OPTIONS)) {
      ChaosRun.Result result = ChaosRun.run(cluster, ChaosPlan.of(seed, 3, Duration.ofSeconds(50)),
          ChaosRun.CONVERGENCE, System.out);

      System.out.println(result);
      assertEquals(List.of(), result.violations(), () -> result + "; again with ./flotilla bench chaos --minutes 1 --seed "
          + seed + "\n" + cluster.logs());
      assertTrue(result.seen().changes().stream().anyMatch(change -> change.acknowledgedAt().isPresent()));
    }
  }

  @Test
  void votersThatEachTakeThemselvesForTheMajority_areFoundOut() throws Exception {
    try (TestCluster cluster = TestCluster.startEachAlone(directory.resolve("cluster"), 3, ChaosRun.NODE_OPTIONS)) {
      ChaosRun.Result result = ChaosRun.run(
          cluster, new ChaosPlan(1, 3, Duration.ofSeconds(3), List.of(new ChaosPlan.Step(
              List.of(), Duration.ofSeconds(3), Duration.ZERO))), Duration.ofSeconds(5), System.out);

      Set<Violation.Kind> found = result.violations().stream().map(Violation::kind).collect(Collectors.toSet());
      assertTrue(found.containsAll(EnumSet.of(Violation.Kind.LOST, Violation.Kind.TWO_CONTENTS, Violation.Kind.NOT_CONVERGED,
          Violation.Kind.WRONG_CONTENT, Violation.Kind.REORDERED)), result + ": " + found);
    }
  }
}
