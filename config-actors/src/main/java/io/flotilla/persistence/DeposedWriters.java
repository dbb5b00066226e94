package io.flotilla.persistence;

import com.typesafe.config.Config;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/**
 * The persistence ids that another writer has taken over from this actor system, with the pause that each must keep before a
 * recovery here may claim it again. A primary that was frozen and wakes is told by the fence that it was replaced, but by the
 * cluster only seconds later; if it recovered at once it would take the fence from the rightful one, whose next change would
 * fail. After the pause the membership has settled: who still runs is entitled. Safe for all threads.
 */
public final class DeposedWriters {
  private final Duration pause;
  private final Map<String, Long> since = new ConcurrentHashMap<>();

  public DeposedWriters(Duration pause) {
    this.pause = pause;
  }

  /** Reads {@code flotilla.journal.fenced-pause}. */
  public static DeposedWriters from(Config config) {
    return new DeposedWriters(config.getDuration("flotilla.journal.fenced-pause"));
  }

  /** Begins the pause. */
  public FencedException deposed(String persistenceId, String how) {
    since.put(persistenceId, System.nanoTime());
    return new FencedException(how + "; this node waits " + pause.toMillis() + " ms, until the cluster has settled who is the "
        + "rightful one, before it may claim " + persistenceId + " again");
  }

  /** Whether it was deposed and has not claimed since. */
  public boolean contains(String persistenceId) {
    return since.containsKey(persistenceId);
  }

  /** @throws FencedException in the pause */
  public void requireOver(String persistenceId) {
    Long begun = since.get(persistenceId);
    long left = begun == null ? 0 : pause.toNanos() - (System.nanoTime() - begun);
    if (left > 0) {
      throw new FencedException("Another writer has claimed " + persistenceId + "; this node may claim it again in "
          + Duration.ofNanos(left).toMillis() + " ms");
    }
  }

  public void claimed(String persistenceId) {
    since.remove(persistenceId);
  }
}
