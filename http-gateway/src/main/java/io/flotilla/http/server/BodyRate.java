package io.flotilla.http.server;

import java.util.function.LongSupplier;

/**
 * How fast a client moves one body, in the time in which it is waited for: what the server makes it wait for, such as the user's speed or
 * a storage that hangs, is not held against it. One thread tells what was moved, and the timer judges by windows of such time, one after
 * the other. It may see a wait that has just ended not at all, but never twice.
 */
final class BodyRate {
  private final long since;

  // Written by the thread that moves, in this order.
  private volatile long moved;
  private volatile long waited;

  // Of the timer: what there was when the present window began.
  private long movedBefore;
  private long waitedBefore;

  /** All times are of System.nanoTime. */
  BodyRate(long now) {
    this.since = now;
  }

  /**
   * Bytes were moved.
   *
   * @param waitingSince since when the client was waited for, or 0 if it wasn't
   * @param pausedUntil when the server last ceased, or will cease, to hold the client up
   */
  void moved(long bytes, long waitingSince, long pausedUntil, long now) {
    moved += bytes;
    waited += waiting(waitingSince, pausedUntil, now);
  }

  private long waiting(long waitingSince, long pausedUntil, long now) {
    return waitingSince == 0 ? 0 : Math.max(0, now - later(since, later(waitingSince, pausedUntil)));
  }

  private static long later(long one, long other) {
    return one - other > 0 ? one : other;
  }

  /**
   * Whether the client was slower than it may be. The timer's.
   *
   * @param waitingSince since when the client is waited for, or 0; set to 0 before the wait is told to {@link #moved}
   * @param unseen bytes that it may have moved though nobody has told so
   */
  boolean isBelow(HttpSettings.LeastRate least, LongSupplier waitingSince, long pausedUntil, LongSupplier unseen, long now) {
    long ended = waited; // before it is seen whether one is going on
    long waitedNow = ended + waiting(waitingSince.getAsLong(), pausedUntil, now);
    long time = waitedNow - waitedBefore;
    if (least.bytesPerSecond() == 0 || time < least.window().toNanos()) {
      return false;
    }
    long movedNow = moved;
    double wanted = (double) least.bytesPerSecond() * time / 1e9;
    if (movedNow - movedBefore >= wanted) {
      movedBefore = movedNow;
      waitedBefore = waitedNow;
      return false;
    }
    return movedNow - movedBefore + unseen.getAsLong() < wanted; // else nobody knows, and the window is longer
  }
}
