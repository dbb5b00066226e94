package io.flotilla.vfs;

import java.time.Duration;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Which partial of this process belongs to which running upload, by the file's key. An upload that takes a partial over
 * ends the former one, whose client most likely lost its connection without the server knowing yet. One per process, for
 * all sessions and threads; it holds one entry for each running upload, and one for each name that is being opened or published.
 */
public final class ActiveUploads {
  private static final Duration PATIENCE = Duration.ofSeconds(3);

  private final ConcurrentHashMap<Object, PartialUpload> uploads = new ConcurrentHashMap<>();
  private final ConcurrentHashMap<Name, NameLock> names = new ConcurrentHashMap<>();

  /** The name of a partial in a directory, by the directory's key. */
  record Name(Object directory, String partial) {}

  private static final class NameLock {
    private final ReentrantLock lock = new ReentrantLock();
    /** Those who hold or want it. */
    private int users;
  }

  /** A held lock, given back by the same thread. */
  interface Held extends AutoCloseable {
    @Override
    void close();
  }

  /**
   * The lock under which a partial of this name is found, made, taken over, published or removed. Each has its own, so that a
   * storage that hangs holds up no upload elsewhere.
   */
  Held lock(Name name) {
    NameLock own = want(name);
    own.lock.lock();
    return held(name, own);
  }

  /**
   * The same for those who must not wait as long as publishing a large file may take.
   *
   * @throws VfsException BUSY if it is not free in {@link #PATIENCE}
   */
  Held lockSoon(Name name, VirtualPath shown) throws VfsException {
    NameLock own = want(name);
    boolean isMine = false;
    try {
      isMine = own.lock.tryLock(PATIENCE.toMillis(), TimeUnit.MILLISECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } finally {
      if (!isMine) {
        leave(name);
      }
    }
    if (!isMine) {
      throw busy(shown);
    }
    return held(name, own);
  }

  static VfsException busy(VirtualPath shown) {
    return new VfsException(VfsError.BUSY, shown, "another upload of this name is being finished; try again later");
  }

  private NameLock want(Name name) {
    return names.compute(name, (_, old) -> {
      NameLock wanted = old == null ? new NameLock() : old;
      wanted.users++;
      return wanted;
    });
  }

  private Held held(Name name, NameLock own) {
    return () -> {
      own.lock.unlock();
      leave(name);
    };
  }

  private void leave(Name name) {
    names.computeIfPresent(name, (_, same) -> --same.users == 0 ? null : same);
  }

  /** Makes an upload the only one that writes to a file. */
  void take(Object key, PartialUpload upload) throws VfsException {
    revoke(key);
    uploads.put(key, upload);
  }

  /**
   * Ends whatever upload writes to a file.
   *
   * @throws VfsException BUSY if it does not come to an end in {@link #PATIENCE}
   */
  void revoke(Object key) throws VfsException {
    PartialUpload former = uploads.get(key);
    if (former != null) {
      former.revoke(PATIENCE);
      uploads.remove(key, former);
    }
  }

  void release(Object key, PartialUpload upload) {
    uploads.remove(key, upload);
  }

  boolean isActive(Object key) {
    return uploads.containsKey(key);
  }

  /** The running uploads, and the names that are being opened or published. */
  int size() {
    return uploads.size() + names.size();
  }
}
