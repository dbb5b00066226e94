package io.flotilla.http.uploads;

import java.time.Duration;
import java.util.concurrent.CompletionStage;

/** Grants what only one in the cluster may hold. Safe for all threads. */
public interface Leases {
  /** What is said to whoever asks for one. */
  sealed interface Answer {
    /** @param number greater than that of any lease that was granted before */
    record Granted(long number) implements Answer {}

    /** Somebody else has it. */
    record Held(Duration remaining) implements Answer {}

    /** Nobody can grant one now. */
    record Unavailable(String reason) implements Answer {}
  }

  /** Asks for one, which holds for its time from when it was asked for. Blocks for some seconds at most. */
  Answer acquire(String key, String holder, Duration time);

  /** Lets it hold for as long again, from now on. Doesn't block; completes with false if it is lost, and fails if nobody can say. */
  CompletionStage<Boolean> renew(String key, long number, Duration time);

  /** Gives it back. Doesn't block; if nobody can take it, it runs out. */
  void release(String key, long number);
}
