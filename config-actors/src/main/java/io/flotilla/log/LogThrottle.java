package io.flotilla.log;

import java.util.concurrent.atomic.AtomicLong;

/** Lets one line a second into the log of what anybody can cause as often as they like. Safe for all threads. */
public final class LogThrottle {
  private static final long NANOSECONDS = 1_000_000_000;
  private final AtomicLong last = new AtomicLong(System.nanoTime() - NANOSECONDS);

  /** Whether it is time for a line; who is told so writes one. */
  public boolean isDue() {
    long now = System.nanoTime();
    long before = last.get();
    return now - before >= NANOSECONDS && last.compareAndSet(before, now);
  }
}
