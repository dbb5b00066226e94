package io.flotilla.vfs;

import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executor;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Which partial of this process belongs to which running upload, by the file's key. An upload that takes a partial over
 * ends the former one, whose client most likely lost its connection without the server knowing yet. One per process, for
 * all sessions and threads; it holds one entry for each running upload. What trees with a quota hold is kept beside, since it
 * too is one for all sessions.
 */
public final class ActiveUploads {
  private static final int STRIPES = 64;

  private final ConcurrentHashMap<Object, PartialUpload> uploads = new ConcurrentHashMap<>();
  private final ReentrantLock[] stripes = new ReentrantLock[STRIPES];
  private final ConcurrentHashMap<Object, Usage> usages = new ConcurrentHashMap<>();
  private final Executor scanners = Usage.scanners();

  public ActiveUploads() {
    for (int i = 0; i < STRIPES; i++) {
      stripes[i] = new ReentrantLock();
    }
  }

  /** The lock under which a partial of this name is found, made, taken over, published or removed. */
  ReentrantLock lock(String partialName) {
    return stripes[Math.floorMod(partialName.hashCode(), STRIPES)];
  }

  /** Makes an upload the only one that writes to a file. */
  void take(Object key, PartialUpload upload) {
    PartialUpload former = uploads.put(key, upload);
    if (former != null) {
      former.revoke();
    }
  }

  /** Ends whatever upload writes to a file. */
  void revoke(Object key) {
    PartialUpload former = uploads.remove(key);
    if (former != null) {
      former.revoke();
    }
  }

  void release(Object key, PartialUpload upload) {
    uploads.remove(key, upload);
  }

  boolean isActive(Object key) {
    return uploads.containsKey(key);
  }

  /** What the tree of a key holds, one for each tree with a quota: the sessions of all protocols have to count as one. */
  Usage usage(Object tree) {
    return usages.computeIfAbsent(tree, _ -> new Usage(scanners));
  }

  public int size() {
    return uploads.size();
  }
}
