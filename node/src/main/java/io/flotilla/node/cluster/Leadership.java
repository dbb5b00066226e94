package io.flotilla.node.cluster;

import java.time.Duration;
import java.util.function.BooleanSupplier;
import java.util.function.LongSupplier;

/**
 * When this node asks for the leadership of the Raft group. Asking makes the present leader pause, so after each time in vain it
 * is asked for less often; and a node that goes must not take back what it hands over. Blocks as long as what it is given, so
 * that taking and handing over can't overtake each other. Safe for all threads.
 */
final class Leadership {
  /** A voter that is behind needs time before it can lead. */
  static final Duration FIRST_PAUSE = Duration.ofSeconds(5);
  static final Duration LONGEST_PAUSE = Duration.ofMinutes(5);

  private final LongSupplier nanoTime;
  private Duration pause = FIRST_PAUSE;
  private long notBeforeNanos;
  private boolean leaving;

  Leadership(LongSupplier nanoTime) {
    this.nanoTime = nanoTime;
    this.notBeforeNanos = nanoTime.getAsLong() + FIRST_PAUSE.toNanos();
  }

  /** @param attempt tries to lead; says whether this node does now */
  synchronized void take(BooleanSupplier attempt) {
    if (leaving || nanoTime.getAsLong() - notBeforeNanos < 0) {
      return;
    }
    if (attempt.getAsBoolean()) {
      pause = FIRST_PAUSE;
    } else {
      pause = pause.multipliedBy(2).compareTo(LONGEST_PAUSE) < 0 ? pause.multipliedBy(2) : LONGEST_PAUSE;
    }
    notBeforeNanos = nanoTime.getAsLong() + pause.toNanos();
  }

  /** For good. */
  synchronized void leave(Runnable handOver) {
    leaving = true;
    handOver.run();
  }
}
