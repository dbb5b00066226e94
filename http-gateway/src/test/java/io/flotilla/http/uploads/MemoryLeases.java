package io.flotilla.http.uploads;

import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;

/** Leases as a cluster would grant them, that run out when a test says so. */
public final class MemoryLeases implements Leases {
  private final Map<String, Long> held = new HashMap<>();
  private long last = 100;
  private int renewals;
  private boolean isUnavailable;
  private boolean failsToRelease;

  synchronized void unavailable(boolean now) {
    isUnavailable = now;
  }

  /** The next release fails at once. */
  synchronized void failToRelease() {
    failsToRelease = true;
  }

  synchronized void runOut() {
    held.clear();
  }

  synchronized int heldNow() {
    return held.size();
  }

  synchronized int renewals() {
    return renewals;
  }

  @Override
  public synchronized Answer acquire(String key, String holder, Duration time) {
    if (isUnavailable) {
      return new Answer.Unavailable("no quorum");
    }
    if (held.containsKey(key)) {
      return new Answer.Held(Duration.ofSeconds(7));
    }
    held.put(key, ++last);
    return new Answer.Granted(last);
  }

  @Override
  public synchronized CompletionStage<Boolean> renew(String key, long number, Duration time) {
    renewals++;
    return isUnavailable ? CompletableFuture.failedFuture(new IllegalStateException("no quorum"))
        : CompletableFuture.completedFuture(held.getOrDefault(key, 0L) == number);
  }

  @Override
  public synchronized void release(String key, long number) {
    if (failsToRelease) {
      failsToRelease = false;
      throw new IllegalStateException("it has just ended");
    }
    held.remove(key, number);
  }
}
