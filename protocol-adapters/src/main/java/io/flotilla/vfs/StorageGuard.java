package io.flotilla.vfs;

import java.nio.file.Path;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Tells a storage from the empty place where it should be mounted (guarantee 8): a marker file has to be in its root, and
 * what is at its path has to be the directory that was opened. A directory that is held open goes on to exist after its
 * file system was unmounted or another one mounted over it, so the path is looked at again while a session lasts. Used by
 * one thread at a time.
 */
final class StorageGuard {
  private static final Logger log = LoggerFactory.getLogger(StorageGuard.class);
  private static final long RECHECK_NANOS = 1_000_000_000;

  private final String storage;
  private final Path directory;
  private final String marker;
  private final Object opened;
  /** The file that is the marker; an operator may have made it anew while a session lasts. */
  private Object markerKey;
  private long checkedAt = System.nanoTime();
  private boolean isLost;

  private StorageGuard(String storage, Path directory, String marker, Object opened, Object markerKey) {
    this.storage = storage;
    this.directory = directory;
    this.marker = marker;
    this.opened = opened;
    this.markerKey = markerKey;
  }

  /**
   * Guards a storage that has just been opened.
   *
   * @param files the storage itself
   * @throws VfsException with IO if the marker is not there; the message is for the operator
   */
  static StorageGuard of(String storage, Path directory, String marker, VirtualFileSystem files) throws VfsException {
    Object markerKey = markerKey(files, marker).orElseThrow(
        () -> new VfsException(VfsError.IO, "storage '" + storage + "': " + missing(directory, marker)));
    return new StorageGuard(storage, directory, marker, files.stat(VirtualPath.ROOT).key(), markerKey);
  }

  /** What to tell the operator about a directory without its marker. */
  static String missing(Path directory, String marker) {
    return "its marker file '" + marker + "' is not in " + directory + ", so it may be unmounted, or another file system be "
        + "mounted there; nothing in it is served; mount the right one, or create the file in it";
  }

  private static Optional<Object> markerKey(VirtualFileSystem files, String marker) throws VfsException {
    try {
      FileAttributes found = files.lstat(VirtualPath.ROOT.child(marker));
      return found.kind() == FileAttributes.Kind.FILE ? Optional.of(found.key()) : Optional.empty();
    } catch (VfsException e) {
      if (e.error() == VfsError.NOT_FOUND) {
        return Optional.empty();
      }
      throw e;
    }
  }

  String marker() {
    return marker;
  }

  /** Whether a file's key is the marker's. */
  boolean isMarker(Object key) {
    return key.equals(markerKey);
  }

  /** Before something is written: looks at the storage's path again, once a second at most. */
  void check() throws VfsException {
    if (!isLost && System.nanoTime() - checkedAt < RECHECK_NANOS) {
      return;
    }
    String problem = problem();
    if (!problem.isEmpty()) {
      if (!isLost) {
        log.error("Storage {} is no longer what it was when a session opened it: {}. The session may not write to it any more.",
            storage, problem);
      }
      isLost = true;
      throw new VfsException(VfsError.IO, "the storage is not available");
    }
    isLost = false;
    checkedAt = System.nanoTime();
  }

  private String problem() {
    try (VirtualFileSystem now = VirtualFileSystem.open(directory)) {
      Optional<Object> found = markerKey(now, marker);
      if (found.isEmpty()) {
        return missing(directory, marker);
      }
      markerKey = found.get();
      return now.stat(VirtualPath.ROOT).key().equals(opened)
          ? "" : "another file system is mounted at " + directory + " meanwhile";
    } catch (VfsException e) {
      return directory + " can't be opened (" + e.error().words() + ")";
    }
  }
}
