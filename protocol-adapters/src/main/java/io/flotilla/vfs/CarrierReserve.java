package io.flotilla.vfs;

import java.lang.management.ManagementFactory;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.BooleanSupplier;
import java.util.function.IntSupplier;
import jdk.management.VirtualThreadSchedulerMXBean;

/**
 * Keeps carriers for virtual threads, though reads and writes of a storage that hangs hold theirs. The scheduler gets
 * {@link #SPARE} more than it has by itself, and one more for each call that is found to hang, ten times a second. It has to be
 * ahead of them: while all carriers are held, a higher number has no effect, because only a running one starts others. No
 * storage holds as many at once as there are beyond {@link #MOST_OF_A_STORAGE}. One per process, since the scheduler is; safe for all
 * threads.
 */
final class CarrierReserve {
  static final Duration INTERVAL = Duration.ofMillis(100);
  private static final VirtualThreadSchedulerMXBean SCHEDULER =
      ManagementFactory.getPlatformMXBean(VirtualThreadSchedulerMXBean.class);
  /** Read once, before it is changed. */
  private static final int USUAL = SCHEDULER.getParallelism();
  private static final int SPARE = 48;
  /** How many reads and writes may be under way in one storage, that is, hang before it is known: two thirds may still go on. */
  static final int MOST_OF_A_STORAGE = USUAL + SPARE / 3;

  private final BooleanSupplier hasOpenData;
  private final IntSupplier countPinned;
  private final AtomicBoolean watching = new AtomicBoolean();

  /**
   * @param hasOpenData whether there is a need to look
   * @param countPinned counts the calls that hold a carrier for longer than {@link #INTERVAL}
   */
  CarrierReserve(BooleanSupplier hasOpenData, IntSupplier countPinned) {
    this.hasOpenData = hasOpenData;
    this.countPinned = countPinned;
    SCHEDULER.setParallelism(USUAL + SPARE);
  }

  /** A file was opened: looks as long as there are any, by a thread of its own. */
  void watch() {
    if (!watching.get() && watching.compareAndSet(false, true)) {
      Thread.ofPlatform().daemon().name("carrier-reserve").start(this::run);
    }
  }

  private void run() {
    int held = 0;
    try {
      while (hasOpenData.getAsBoolean()) {
        int now = countPinned.getAsInt();
        if (now != held) {
          held = now;
          SCHEDULER.setParallelism(USUAL + SPARE + held);
        }
        Thread.sleep(INTERVAL);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt(); // nobody does that; the next file starts another
    } finally {
      if (held > 0) {
        SCHEDULER.setParallelism(USUAL + SPARE);
      }
      watching.set(false);
    }
    if (hasOpenData.getAsBoolean()) { // one was opened in the moment of the end
      watch();
    }
  }
}
