package io.flotilla.http.dav;

import io.flotilla.vfs.VfsError;
import io.flotilla.vfs.VfsException;
import io.flotilla.vfs.VirtualPath;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;
import java.util.stream.Stream;

/**
 * What is read, changed and written back as a whole is changed by one request of this node at a time, or the later one would undo what
 * the earlier one did. Other nodes are not kept apart. Safe for all threads; blocks the calling one.
 */
final class ExclusiveChanges {
  /** Two places wait for each other without need if they share one of these. */
  private static final int LOCKS = 256;
  private static final Duration PATIENCE = Duration.ofSeconds(30);

  private final ReentrantLock[] locks = Stream.generate(ReentrantLock::new).limit(LOCKS).toArray(ReentrantLock[]::new);

  interface Change {
    void make() throws VfsException;
  }

  /**
   * Makes a change when the earlier ones of the same place have been made.
   *
   * @param path what is said in a failure
   * @throws VfsException BUSY if they take too long; else what the change throws
   */
  void make(LockPlace place, VirtualPath path, Change change) throws VfsException {
    ReentrantLock lock = locks[Math.floorMod(place.hashCode(), LOCKS)];
    boolean isMine = false;
    try {
      isMine = lock.tryLock(PATIENCE.toMillis(), TimeUnit.MILLISECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    if (!isMine) {
      throw new VfsException(VfsError.BUSY, path, "earlier requests are still changing it; try again later");
    }
    try {
      change.make();
    } finally {
      lock.unlock();
    }
  }
}
