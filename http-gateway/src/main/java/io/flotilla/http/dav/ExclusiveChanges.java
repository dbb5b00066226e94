package io.flotilla.http.dav;

import io.flotilla.vfs.VfsError;
import io.flotilla.vfs.VfsException;
import io.flotilla.vfs.VirtualPath;
import java.time.Duration;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;

/**
 * What is read, changed and written back as a whole is changed by one request of this node at a time, or the later one would undo what
 * the earlier one did. Other nodes are not kept apart. Safe for all threads; blocks the calling one.
 */
final class ExclusiveChanges {
  private static final Duration PATIENCE = Duration.ofSeconds(30);

  /** Of the places that are being changed, so there are never more than requests: no place waits for another, whose storage may be slow. */
  private final ConcurrentHashMap<LockPlace, Turns> turns = new ConcurrentHashMap<>();

  interface Change {
    void make() throws VfsException;
  }

  /** @param requests that use the lock or wait for it; at least one */
  private record Turns(ReentrantLock lock, int requests) {}

  /**
   * Makes a change when the earlier ones of the same place have been made.
   *
   * @param path what is said in a failure
   * @throws VfsException BUSY if they take too long; else what the change throws
   */
  void make(LockPlace place, VirtualPath path, Change change) throws VfsException {
    ReentrantLock lock = turns.compute(place, (_, there) -> there == null
        ? new Turns(new ReentrantLock(), 1) : new Turns(there.lock(), there.requests() + 1)).lock();
    try {
      make(lock, path, change);
    } finally {
      turns.computeIfPresent(place, (_, there) -> there.requests() == 1 ? null : new Turns(there.lock(), there.requests() - 1));
    }
  }

  private static void make(ReentrantLock lock, VirtualPath path, Change change) throws VfsException {
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
