package io.flotilla.system.chaos;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.function.Supplier;
import java.util.stream.Collectors;

/**
 * The faults of a run, one step after another. The same seed, number of nodes and duration always make the same plan.
 */
public record ChaosPlan(long seed, int nodes, Duration duration, List<Step> steps) {

  /** Whom a fault hits. */
  public sealed interface Target {}

  /** The node that is the primary when the fault is made. */
  public record Primary() implements Target {
    @Override
    public String toString() {
      return "the primary";
    }
  }

  public record Node(int number) implements Target {
    @Override
    public String toString() {
      return "node-" + number;
    }
  }

  /** What is done; it is undone at the end of the step. */
  public sealed interface Fault {
    Target target();
  }

  /** SIGKILL, and started again. */
  public record Kill(Target target) implements Fault {}

  /** SIGTERM, and started again. */
  public record Stop(Target target) implements Fault {}

  /** SIGSTOP, and SIGCONT. */
  public record Freeze(Target target) implements Fault {}

  /** The others neither hear it nor are heard. */
  public record Isolate(Target target) implements Fault {}

  /** It does not hear the others, but they hear it. */
  public record Deaf(Target target) implements Fault {}

  /** The others do not hear it, but it hears them. */
  public record Mute(Target target) implements Fault {}

  /** It and the next node do not hear each other; both hear all others. */
  public record Quarrel(Target target) implements Fault {}

  /** A share of what the others send it is lost. */
  public record Lossy(Target target, double share) implements Fault {}

  /**
   * @param hold how long the faults last
   * @param rest how long the cluster is left alone afterwards, which may be too short for it to recover
   */
  public record Step(List<Fault> faults, Duration hold, Duration rest) {
    @Override
    public String toString() {
      return (faults.isEmpty() ? "no fault" : faults.stream().map(Fault::toString).collect(Collectors.joining(" and ")))
          + " for " + hold.toMillis()
          + " ms, then " + rest.toMillis() + " ms in peace";
    }
  }

  public static ChaosPlan of(long seed, int nodes, Duration duration) {
    Random random = new Random(seed);
    List<Step> steps = new ArrayList<>();
    for (long planned = 0; planned < duration.toMillis(); ) {
      Step step = step(random, nodes);
      steps.add(step);
      planned += step.hold().plus(step.rest()).toMillis();
    }
    return new ChaosPlan(seed, nodes, duration, List.copyOf(steps));
  }

  private static Step step(Random random, int nodes) {
    List<Fault> faults = new ArrayList<>();
    int first = random.nextInt(1, nodes + 1);
    // The primary is where most can go wrong.
    faults.add(fault(random, random.nextInt(5) < 2 ? new Primary() : new Node(first)));
    if (random.nextInt(4) == 0) {
      faults.add(fault(random, new Node(first % nodes + 1)));
    }
    if (random.nextInt(12) == 0) {
      faults.clear();
      for (int k = 0; k < nodes; k++) {
        faults.add(new Kill(new Node((first + k - 1) % nodes + 1)));
      }
    }
    // Some faults end before anybody has noticed, most when the cluster is changing, some long after.
    Duration hold = Duration.ofMillis(switch (random.nextInt(4)) {
      case 0 -> random.nextInt(200, 2_000);
      case 1, 2 -> random.nextInt(2_000, 9_000);
      default -> random.nextInt(9_000, 16_000);
    });
    Duration rest = Duration.ofMillis(random.nextBoolean() ? random.nextInt(200, 3_000) : random.nextInt(3_000, 12_000));
    return new Step(List.copyOf(faults), hold, rest);
  }

  private static Fault fault(Random random, Target target) {
    List<Supplier<Fault>> kinds = List.of(
        () -> new Kill(target),
        () -> new Kill(target),
        () -> new Stop(target),
        () -> new Freeze(target),
        () -> new Freeze(target),
        () -> new Isolate(target),
        () -> new Isolate(target),
        () -> new Deaf(target),
        () -> new Mute(target),
        () -> new Quarrel(target),
        () -> new Lossy(target, (1 + random.nextInt(4)) / 10.0));
    return kinds.get(random.nextInt(kinds.size())).get();
  }
}
