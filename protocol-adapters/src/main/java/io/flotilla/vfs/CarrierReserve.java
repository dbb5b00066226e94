package io.flotilla.vfs;

import java.lang.management.ManagementFactory;
import java.time.Duration;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.BooleanSupplier;
import java.util.function.IntSupplier;
import jdk.management.VirtualThreadSchedulerMXBean;

/**
 * Keeps carriers for virtual threads, though reads and writes of a storage that hangs hold theirs. As many of them may run at
 * once as there are carriers usually; the scheduler has {@link #SPARE} more. What runs for longer than {@link #INTERVAL} holds its
 * carrier: it gives its place to another, and the scheduler gets one more carrier for it. So some are free at any time, whatever
 * hangs and however suddenly. That matters: while all are held, a higher number has no effect, because only a running carrier
 * starts others. One per process, since the scheduler is; safe for all threads.
 */
final class CarrierReserve {
  static final Duration INTERVAL = Duration.ofMillis(50);
  private static final VirtualThreadSchedulerMXBean SCHEDULER =
      ManagementFactory.getPlatformMXBean(VirtualThreadSchedulerMXBean.class);
  /** Read once, before it is changed. */
  private static final int USUAL = SCHEDULER.getParallelism();
  private static final int SPARE = 2;
  /** After which it is not looked any more, so that not every call needs a new thread for that. */
  private static final int QUIET_LOOKS = 40;

  /** In turn, so that a storage with many sessions lets those of others come by. */
  private final Semaphore places = new Semaphore(USUAL, true);
  private final BooleanSupplier hasCalls;
  private final IntSupplier countHeld;
  private final AtomicBoolean watching = new AtomicBoolean();

  /**
   * @param hasCalls whether there is a need to look
   * @param countHeld finds the calls that hold a carrier for longer than {@link #INTERVAL}, and has each new one {@link #leave}
   */
  CarrierReserve(BooleanSupplier hasCalls, IntSupplier countHeld) {
    this.hasCalls = hasCalls;
    this.countHeld = countHeld;
    SCHEDULER.setParallelism(USUAL + SPARE);
  }

  /** Takes a place for a call that may hold its carrier; false if there is none in time. */
  boolean enter(Duration wait) {
    try {
      return places.tryAcquire(wait.toMillis(), TimeUnit.MILLISECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return false;
    }
  }

  /** The call has ended, or is known to hold its carrier. */
  void leave() {
    places.release();
  }

  /** A call has begun: looks as long as there are any, and a little longer, by a thread of its own. */
  void watch() {
    if (!watching.get() && watching.compareAndSet(false, true)) {
      try {
        Thread.ofPlatform().daemon().name("carrier-reserve").start(this::run);
      } catch (OutOfMemoryError e) {
        watching.set(false); // there can be no more threads; the next call tries again
      }
    }
  }

  private void run() {
    int held = 0;
    int quiet = 0;
    try {
      while (quiet < QUIET_LOOKS) {
        quiet = hasCalls.getAsBoolean() ? 0 : quiet + 1;
        int now = countHeld.getAsInt();
        if (now != held) {
          held = now;
          SCHEDULER.setParallelism(USUAL + SPARE + held);
        }
        Thread.sleep(INTERVAL);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt(); // nobody does that; the next call starts another
    } finally {
      if (held > 0) {
        SCHEDULER.setParallelism(USUAL + SPARE);
      }
      watching.set(false);
    }
    if (hasCalls.getAsBoolean()) { // one began in the moment of the end
      watch();
    }
  }
}
