package io.flotilla.vfs;

import io.flotilla.config.model.UserSettings.Quota;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.WritableByteChannel;
import java.util.Optional;
import java.util.function.BooleanSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A tree that takes no more than its user's quota: what would go over it is QUOTA_EXCEEDED, and an upload that met it is not
 * published and leaves no partial. What replaces a file counts by the difference. Directories count nothing, links count as
 * files, and what only another node has takes no room here. It stands above the publication of uploads, so that it knows what an
 * upload replaces. Used by one thread at a time; the usage is shared.
 */
final class QuotaFileSystem extends FileSystemLayer {
  private static final Logger log = LoggerFactory.getLogger(QuotaFileSystem.class);

  private final Usage usage;
  private final Quota quota;
  private final Usage.Source source;
  private final Runnable giveBack;
  private boolean closed;

  /**
   * @param files closed with this
   * @param source opens the whole tree that the usage is of, to count it again
   * @param giveBack run once when this is closed and no longer needs the usage
   */
  QuotaFileSystem(VirtualFileSystem files, Usage usage, Quota quota, Usage.Source source, Runnable giveBack) {
    super(files);
    this.usage = usage;
    this.quota = quota;
    this.source = source;
    this.giveBack = giveBack;
  }

  private void reserve(long bytes, long count, VirtualPath path) throws VfsException {
    refuseIfNot(() -> usage.reserve(bytes, count, quota.bytes(), quota.files()), path);
  }

  /** Nothing is refused by an old count, as long as the tree is quick to count. */
  private void refuseIfNot(BooleanSupplier reserve, VirtualPath path) throws VfsException {
    if (!reserve.getAsBoolean() && !(usage.recount(source) && reserve.getAsBoolean())) {
      throw new VfsException(VfsError.QUOTA_EXCEEDED, path);
    }
  }

  private static long bytes(FileAttributes attributes) {
    return attributes.kind() == FileAttributes.Kind.FILE ? attributes.size() : 0;
  }

  @Override
  public OpenFile open(VirtualPath path, OpenMode mode, int permissions) throws VfsException {
    if (!mode.write()) {
      return files.open(path, mode, permissions);
    }
    usage.refresh(source);
    Optional<FileAttributes> old = find(path, files::stat).filter(FileAttributes::isHere);
    long count = old.isPresent() || !mode.create() ? 0 : 1;
    reserve(0, count, path);
    OpenFile file = null;
    try {
      file = files.open(path, mode, permissions);
      long size = old.map(QuotaFileSystem::bytes).orElse(0L);
      return file instanceof PartialUpload partial ? upload(partial, path, mode, size) : new InPlace(file, path, mode, size);
    } catch (VfsException e) {
      usage.change(0, -count);
      if (file != null) {
        file.abandon();
      }
      throw e;
    }
  }

  /** @param size of what the path showed before: a finished file, or a partial, which is counted already */
  private OpenFile upload(PartialUpload file, VirtualPath path, OpenMode mode, long size) throws VfsException {
    Object partial = file.attributes().key();
    VirtualPath target = target(path);
    Optional<FileAttributes> replaced = finished(target);
    Usage.Upload counted = replaced.isPresent() ? usage.begin(partial, 0, 0) : usage.begin(partial, size, 1);
    return new Upload(file, path, mode, size, counted, target, replaced, replaced.isPresent() ? 0 : size);
  }

  /** Where an upload is published: a link is not replaced, but what it leads to. */
  private VirtualPath target(VirtualPath path) throws VfsException {
    try {
      return files.canonical(path);
    } catch (VfsException e) {
      if (e.error() == VfsError.NOT_FOUND) {
        return path;
      }
      throw e;
    }
  }

  /** What has a name by itself, and is here. A session is also shown its running upload there, or what a broken one left. */
  private Optional<FileAttributes> finished(VirtualPath path) throws VfsException {
    return path.isRoot() ? Optional.empty() : find(path, _ -> {
      VirtualPath name = VirtualPath.ROOT.child(path.name());
      try (VirtualFileSystem directory = files.subtree(path.parent())) { // it knows nothing of running uploads
        FileAttributes shown = directory.lstat(name);
        if (!shown.isSymlink()) {
          directory.canonical(name); // what has no name itself has no canonical one
        }
        return shown;
      }
    }).filter(FileAttributes::isHere);
  }

  @Override
  public void removeFile(VirtualPath path) throws VfsException {
    Optional<FileAttributes> finished = finished(path);
    Optional<FileAttributes> old = finished.isPresent() ? finished : find(path, files::lstat).filter(FileAttributes::isHere);
    files.removeFile(path);
    old.ifPresent(gone -> usage.change(-bytes(gone), -1));
  }

  @Override
  public void rename(VirtualPath from, VirtualPath to, boolean replace) throws VfsException {
    Optional<FileAttributes> replaced = replace && !from.equals(to) ? finished(to) : Optional.empty();
    Optional<FileAttributes> moved = replaced.isPresent() ? find(from, files::lstat) : Optional.empty();
    files.rename(from, to, replace);
    // Two names of one file stay two, and what another node moves there does not take the place of what is here yet.
    replaced.filter(gone -> !gone.isDirectory() && moved.filter(file -> !file.isHere() || file.key().equals(gone.key())).isEmpty())
        .ifPresent(gone -> usage.change(-bytes(gone), -1));
  }

  @Override
  public void makeSymlink(String target, VirtualPath link) throws VfsException {
    named(0, link, () -> files.makeSymlink(target, link));
  }

  @Override
  public void makeHardLink(VirtualPath existing, VirtualPath link) throws VfsException {
    named(bytes(files.lstat(existing)), link, () -> files.makeHardLink(existing, link));
  }

  private interface Change {
    void run() throws VfsException;
  }

  private void named(long bytes, VirtualPath path, Change change) throws VfsException {
    grow(bytes, 1, path, change);
  }

  private void grow(long bytes, long count, VirtualPath path, Change change) throws VfsException {
    reserve(bytes, count, path);
    try {
      change.run();
    } catch (VfsException e) {
      usage.change(-bytes, -count);
      throw e;
    }
  }

  @Override
  public void setAttributes(VirtualPath path, AttributeChange change, boolean followLinks) throws VfsException {
    if (change.size().isEmpty()) {
      files.setAttributes(path, change, followLinks);
      return;
    }
    long old = bytes(followLinks ? files.stat(path) : files.lstat(path));
    long more = change.size().getAsLong() - old;
    grow(more, 0, path, () -> files.setAttributes(path, change, followLinks));
    usage.resized();
  }

  @Override
  public VirtualFileSystem subtree(VirtualPath directory) throws VfsException {
    return new QuotaFileSystem(files.subtree(directory), usage, quota, source, () -> { });
  }

  /** What is staged is counted as it comes, beside what it will replace. */
  @Override
  public VirtualFileSystem staging(VirtualPath target, long room) throws VfsException {
    usage.refresh(source);
    if (room > 0) {
      reserve(room, 1, target);
      usage.change(-room, -1);
    }
    return new QuotaFileSystem(files.staging(target, room), usage, quota, source, () -> { });
  }

  @Override
  public void close() {
    super.close();
    if (!closed) {
      closed = true;
      giveBack.run();
    }
  }

  /** A file that is written. It gives back when it ends what it has reserved and doesn't need. */
  private abstract class QuotaFile extends FileLayer {
    final VirtualPath path;
    private final boolean append;
    long size;
    boolean isOver;
    private long resizes = usage.resizes();
    private boolean closed;

    QuotaFile(OpenFile file, VirtualPath path, OpenMode mode, long old) {
      super(file);
      this.path = path;
      this.append = mode.append();
      this.size = mode.truncate() ? 0 : old;
    }

    /** Reserves what the file needs to have this size. */
    abstract void reserveTo(long end) throws VfsException;

    /** Notes bytes that somebody else counted for this file, or less than 0 if he gave them back. */
    abstract void add(long bytes);

    /** Counts the file as it is when it has been closed or abandoned. */
    abstract void count(boolean isPublished);

    private void growTo(long end) throws VfsException {
      try {
        if (resizes != usage.resizes()) {
          resizes = usage.resizes();
          long now = file.attributes().size();
          add(now - size);
          size = now;
        }
        reserveTo(end);
      } catch (VfsException e) {
        isOver |= e.error() == VfsError.QUOTA_EXCEEDED;
        throw e;
      }
    }

    @Override
    public long transferTo(long position, long count, WritableByteChannel target)
        throws IOException {
      return file.transferTo(position, count, target);
    }

    @Override
    public void write(ByteBuffer source, long position) throws VfsException {
      long end = (append ? size : position) + source.remaining();
      if (end > 0) { // else the position is beyond all, and the file refuses it
        growTo(end);
      }
      file.write(source, position);
      size = Math.max(size, end);
    }

    @Override
    public void setAttributes(AttributeChange change) throws VfsException {
      if (change.size().isPresent()) {
        growTo(change.size().getAsLong());
      }
      file.setAttributes(change);
      size = change.size().orElse(size);
    }

    @Override
    public void close() throws VfsException {
      if (closed) {
        return;
      }
      if (isOver) {
        abandon();
        throw new VfsException(VfsError.QUOTA_EXCEEDED, path);
      }
      try {
        publish();
        closed = true;
        count(true);
      } finally {
        abandon();
      }
    }

    void publish() throws VfsException {
      file.close();
    }

    @Override
    public void abandon() {
      if (!closed) {
        closed = true;
        count(false);
      }
      file.abandon();
    }
  }

  private final class InPlace extends QuotaFile {
    private long counted;

    InPlace(OpenFile file, VirtualPath path, OpenMode mode, long old) {
      super(file, path, mode, old);
      this.counted = old;
    }

    @Override
    void reserveTo(long end) throws VfsException {
      if (end > counted) {
        reserve(end - counted, 0, path);
        counted = end;
      }
    }

    @Override
    void add(long bytes) {
      counted += bytes;
    }

    @Override
    void count(boolean isPublished) {
      usage.change(size - counted, 0);
    }
  }

  /** As long as it runs, what it replaces is still counted, and only what is more is added. */
  private final class Upload extends QuotaFile {
    private final PartialUpload partial;
    private final Usage.Upload counted;
    private final VirtualPath target;
    private Optional<FileAttributes> replaced;
    private long room;

    /** @param held what is counted for it already */
    Upload(PartialUpload partial, VirtualPath path, OpenMode mode, long old, Usage.Upload counted, VirtualPath target,
        Optional<FileAttributes> replaced, long held) {
      super(partial, path, mode, old);
      this.partial = partial;
      this.counted = counted;
      this.target = target;
      this.replaced = replaced;
      this.room = replacedBytes() + held;
    }

    private long replacedBytes() {
      return replaced.map(QuotaFileSystem::bytes).orElse(0L);
    }

    @Override
    void reserveTo(long end) throws VfsException {
      if (end > room) {
        refuseIfNot(() -> counted.reserve(end - room, quota.bytes()), path);
        room = end;
      }
    }

    @Override
    void add(long bytes) {
      counted.add(bytes);
      room += bytes;
    }

    /** Others may have removed what it replaces since it began, or made what it replaces now, and have counted so. */
    @Override
    void publish() throws VfsException {
      Optional<FileAttributes> now = replaced;
      try {
        now = finished(target);
      } catch (VfsException e) {
        log.debug("What {} replaces is counted as it was: {}", path, e.getMessage());
      }
      super.publish();
      replaced = now;
    }

    /**
     * What a new upload has got stays, as a partial; that of a replacement is counted by the next scan. What met the quota
     * is not kept, since it would fill the home with what no listing shows.
     */
    @Override
    void count(boolean isPublished) {
      if (isOver && isDiscarded()) {
        counted.end(0, 0);
      } else if (isPublished) {
        counted.end(size - replacedBytes(), replaced.isPresent() ? 0 : 1);
      } else {
        counted.end(replaced.isPresent() ? 0 : size, replaced.isPresent() ? 0 : 1);
      }
    }

    private boolean isDiscarded() {
      try {
        return partial.discard();
      } catch (VfsException e) {
        log.debug("The partial of {} stays: {}", path, e.getMessage());
        return false;
      }
    }
  }
}
