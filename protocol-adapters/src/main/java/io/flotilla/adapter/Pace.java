package io.flotilla.adapter;

import java.util.OptionalLong;

/**
 * Keeps what several transfers move together to a rate. A transfer tells what it has moved, and waits before it moves more as
 * long as it is told: so the rate holds on average, and a single part may go faster. Safe for all threads; never blocks.
 */
final class Pace {
  private static final long SECOND = 1_000_000_000;
  /** Parts of a transfer are at most what flows in this time, so that no pause is long. */
  private static final int PARTS_PER_SECOND = 4;
  private static final long LEAST_PART = 4096;

  private volatile long bytesPerSecond;
  /** When all that was moved so far will have had its time, as System.nanoTime. */
  private long over = System.nanoTime();

  /** @param rate bytes per second; none if there is no limit */
  synchronized void limitTo(OptionalLong rate) {
    long changed = rate.orElse(0);
    if (changed != bytesPerSecond) {
      bytesPerSecond = changed;
      over = System.nanoTime(); // what another rate has made of the time is past
    }
  }

  /** What holds now, 0 if there is no limit. */
  long bytesPerSecond() {
    return bytesPerSecond;
  }

  /**
   * Notes what was moved at a time.
   *
   * @param rateBefore what held when the moving began; a part that was begun under another rate may be far too large for this
   *     one, and then counts as one of this
   * @return how long to wait before more is moved, in nanoseconds, 0 or more
   */
  long moved(long bytes, long rateBefore, long now) {
    long rate = bytesPerSecond;
    if (rate == 0) {
      return 0;
    }
    long counted = rateBefore == rate ? bytes : part(bytes);
    synchronized (this) {
      over = (over - now > 0 ? over : now) + (long) ((double) counted / rate * SECOND);
      return over - now;
    }
  }

  /** The most bytes to move at once. */
  long part(long most) {
    long rate = bytesPerSecond;
    return rate == 0 ? most : Math.min(most, Math.max(rate / PARTS_PER_SECOND, LEAST_PART));
  }
}
