package io.flotilla.vfs;

import java.nio.ByteBuffer;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;

/**
 * An upload that nobody else sees until it is closed: it is written to a hidden partial in the final directory, and
 * closing it makes file, name and directory durable in that order (fsync, rename, fsync), so a crash leaves the old file
 * or the whole new one. After a failed write, or when a newer upload took the partial over, closing fails and publishes
 * nothing. The lock covers writing against {@link #revoke}, which another session's thread calls.
 */
final class PartialUpload implements OpenFile {
  private final PublishingFileSystem.Place place;
  private final VirtualPath shown;
  private final OpenFile file;
  private final Object key;
  private final boolean replace;
  private final ActiveUploads active;
  private final Consumer<PartialUpload> ended;
  private final ReentrantLock lock = new ReentrantLock();
  private boolean revoked;
  private boolean broken;
  private boolean closed;

  /**
   * @param place has the target's directory as a root of its own, so that publishing works wherever it is moved
   * @param shown the path the client used, for messages
   * @param replace whether an existing target may be replaced when publishing
   */
  PartialUpload(PublishingFileSystem.Place place, VirtualPath shown, OpenFile file, boolean replace, ActiveUploads active,
      Consumer<PartialUpload> ended) throws VfsException {
    this.place = place;
    this.shown = shown;
    this.file = file;
    this.key = file.attributes().key();
    this.replace = replace;
    this.active = active;
    this.ended = ended;
    active.take(key, this);
  }

  VirtualPath shown() {
    return shown;
  }

  /** Opens the same contents for reading, independent of this upload. */
  OpenFile reopen(OpenMode mode) throws VfsException {
    return place.directory().open(place.partial(), mode, 0);
  }

  /** Marks what is gone on with as used, though nothing may be written for a while. */
  void renew() throws VfsException {
    file.setAttributes(new AttributeChange(
        OptionalLong.empty(), OptionalInt.empty(), Optional.empty(), Optional.of(Instant.now())));
  }

  void inherit(OptionalInt permissions) throws VfsException {
    if (permissions.isPresent()) {
      file.setAttributes(AttributeChange.permissions(permissions.getAsInt()));
    }
  }

  @Override
  public int read(ByteBuffer buffer, long position) throws VfsException {
    try {
      return file.read(buffer, position);
    } catch (VfsException e) {
      throw shown(e);
    }
  }

  /** The same failure under the name the client knows. */
  private VfsException shown(VfsException e) {
    return new VfsException(e.error(), shown);
  }

  @Override
  public void write(ByteBuffer source, long position) throws VfsException {
    change(() -> file.write(source, position));
  }

  @Override
  public FileAttributes attributes() throws VfsException {
    try {
      return file.attributes();
    } catch (VfsException e) {
      throw shown(e);
    }
  }

  @Override
  public void setAttributes(AttributeChange change) throws VfsException {
    if (change.size().isPresent()) {
      change(() -> file.setAttributes(change));
    } else {
      try {
        file.setAttributes(change); // a refused time stamp does not make the contents wrong
      } catch (VfsException e) {
        throw shown(e);
      }
    }
  }

  @Override
  public void sync() throws VfsException {
    change(file::sync);
  }

  @Override
  public void close() throws VfsException {
    if (closed) {
      return;
    }
    ActiveUploads.Held name = active.lock(place.lock());
    lock.lock();
    try {
      if (revoked) {
        throw replaced();
      }
      if (broken) {
        throw new VfsException(VfsError.IO, shown, "a write failed, so the upload stays unfinished");
      }
      publish();
    } finally {
      lock.unlock();
      name.close();
      abandon();
    }
  }

  private void publish() throws VfsException {
    if (replace) {
      ExtraData.inherit(place.directory(), place.name(), place.partial());
    }
    try {
      file.sync();
      place.directory().rename(place.partial(), place.name(), replace);
      place.directory().syncDirectory(VirtualPath.ROOT);
    } catch (VfsException e) {
      throw shown(e);
    }
  }

  @Override
  public void abandon() {
    if (!closed) {
      closed = true;
      active.release(key, this);
      file.abandon();
      place.directory().close();
      ended.accept(this);
    }
  }

  /**
   * Ends it and removes what came, so that nobody goes on with it.
   *
   * @return false if that is another's now: a newer upload took it over, or somebody removed it
   */
  boolean discard() throws VfsException {
    if (closed) {
      return false;
    }
    try (ActiveUploads.Held _ = active.lockSoon(place.lock(), shown)) {
      // By the name, which may be another file's meanwhile.
      boolean isOwn = !revoked && place.directory().lstat(place.partial()).key().equals(key);
      if (isOwn) {
        place.directory().removeFile(place.partial());
      }
      return isOwn;
    } catch (VfsException e) {
      throw shown(e);
    } finally {
      abandon();
    }
  }

  /**
   * Called from any thread: returns when no write is running, and none will run again.
   *
   * @throws VfsException BUSY if one still runs then; it is not revoked
   */
  void revoke(Duration patience) throws VfsException {
    boolean isMine = false;
    try {
      isMine = lock.tryLock(patience.toMillis(), TimeUnit.MILLISECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    if (!isMine) {
      throw ActiveUploads.busy(shown);
    }
    try {
      revoked = true;
    } finally {
      lock.unlock();
    }
  }

  private interface Change {
    void run() throws VfsException;
  }

  private void change(Change change) throws VfsException {
    lock.lock();
    try {
      if (revoked) {
        throw replaced();
      }
      change.run();
    } catch (VfsException e) {
      broken = true;
      throw revoked ? e : shown(e);
    } finally {
      lock.unlock();
    }
  }

  private VfsException replaced() {
    return new VfsException(VfsError.BUSY, shown, "a newer upload of the same user took this one over");
  }
}
