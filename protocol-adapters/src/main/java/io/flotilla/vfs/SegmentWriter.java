package io.flotilla.vfs;

import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;

/**
 * An upload by segments that is gone on with, under a claim. Whoever had it before may be frozen at any point and go on later without
 * knowing that he has lost it; nothing he still does may harm. Time alone can't assure that, so names do:
 *
 * <ul>
 *   <li>Every file of the upload has in its name the number of the claim under which it was made or taken over. All are taken over by
 *       renaming them, the info as the last one: with that it is done. So a former owner finds no file of his that he could publish, set
 *       free, or remove, for he only uses names with his own number.
 *   <li>What he makes later has a smaller number than the info, and doesn't count. What he made before is found: files are looked for
 *       again until all have been taken over, and whoever puts a finished file together makes it before he opens what it is made of.
 *   <li>He may still write to a segment that he has open. So one that was not set free ({@code held}) is never written to again by
 *       others: it counts up to the size it was found with, which becomes its limit, and where the next segment begins. A file of
 *       several segments is copied, and what
 *       is published as it is was complete, so that nothing is left for him to write.
 *   <li>A segment also has a limit in its name while bytes come that count only when their checksum has been found right.
 * </ul>
 *
 * <p>Positions are those in the whole file. The lock covers writing against {@link #revoke}, which another thread calls.
 */
public final class SegmentWriter implements OpenFile {
  static final int MAX_TRIES = 20;
  private static final OpenMode MAKE = new OpenMode(true, true, false, true, false, true);
  private static final OpenMode GO_ON = new OpenMode(true, true, false, false, false, false);
  private static final int PERMISSIONS = 0666;
  private static final int COPY_BYTES = 1 << 20;
  private static final Duration PATIENCE = Duration.ofSeconds(3);
  /** Of files that are not written to meanwhile, so that they don't become too old. */
  private static final long RENEW_NANOS = Duration.ofMinutes(10).toNanos();

  private final SegmentedUpload upload;
  private final UploadClaim claim;
  private final ReentrantLock lock = new ReentrantLock();
  /** All that count, but for {@link #current}. */
  private final List<UploadLayout.Sized> segments;
  /** What is written to, or can be; null if a new one is needed. */
  private UploadPart.Segment current;
  /** Of {@link #current}; null while it is free. */
  private OpenFile file;
  private long offset;
  /** Whether the finished file has been put together. */
  private boolean isDone;
  private long renewedAt = System.nanoTime();
  private boolean revoked;
  /** Whether it was abandoned while it was open, so that nobody knows what of it should count. */
  private boolean isAbandoned;

  private SegmentWriter(SegmentedUpload upload, UploadClaim claim, List<UploadLayout.Sized> segments, UploadPart.Segment current,
      long offset, boolean isDone) {
    this.upload = upload;
    this.claim = claim;
    this.segments = segments;
    this.current = current;
    this.offset = offset;
    this.isDone = isDone;
  }

  static SegmentWriter take(SegmentedUpload upload, UploadClaim claim) throws VfsException {
    return begin(upload, claim, takeAll(upload, claim, false));
  }

  static void remove(SegmentedUpload upload, UploadClaim claim) throws VfsException {
    UploadLayout taken = takeAll(upload, claim, true);
    new SegmentWriter(upload, claim, List.of(), null, taken.offset(), taken.done().isPresent()).remove();
  }

  /** @param mayHaveGap else nothing is changed if there is one, so that it can be gone on with when what is missing has arrived */
  private static UploadLayout takeAll(SegmentedUpload upload, UploadClaim claim, boolean mayHaveGap) throws VfsException {
    for (int i = 0; i < MAX_TRIES; i++) {
      claim.check();
      Map<UploadPart, Long> parts = upload.find().parts();
      UploadLayout layout = UploadLayout.of(parts).orElseThrow(() -> new VfsException(VfsError.NOT_FOUND, upload.shown()));
      if (parts.keySet().stream().anyMatch(part -> part.number() > claim.number())) {
        throw lost(upload);
      }
      if (layout.hasGap() && !mayHaveGap) {
        throw new VfsException(VfsError.BUSY, upload.shown(), "not all of it has arrived at this node yet");
      }
      if (!takeParts(upload, claim, layout, parts) && rename(upload, new UploadPart.Info(layout.epoch()), claim.number())) {
        return layout;
      }
    }
    throw lost(upload);
  }

  /** @return whether there was something to take over, or to remove, so that it has to be looked again */
  private static boolean takeParts(SegmentedUpload upload, UploadClaim claim, UploadLayout layout, Map<UploadPart, Long> parts)
      throws VfsException {
    boolean isAny = false;
    for (UploadPart part : parts.keySet()) {
      if (part.number() == claim.number()) {
        continue;
      }
      switch (part) {
        case UploadPart.Info _ -> {
          if (part.number() < layout.epoch()) {
            remove(upload, part); // where renaming is linking and unlinking, one may have been frozen between the two
            isAny = true;
          }
        }
        case UploadPart.Whole _ -> {
          remove(upload, part);
          isAny = true;
        }
        case UploadPart.Segment _, UploadPart.Done _ -> {
          if (part.number() < layout.epoch()) {
            remove(upload, part);
          } else {
            rename(upload, part, claim.number());
          }
          isAny = true;
        }
      }
    }
    return isAny;
  }

  /** @return false if it isn't there, or isn't any more */
  private static boolean rename(SegmentedUpload upload, UploadPart part, long number) throws VfsException {
    return part.number() == number || rename(upload, part, part.takenBy(number));
  }

  private static boolean rename(SegmentedUpload upload, UploadPart from, UploadPart to) throws VfsException {
    try {
      upload.staging().rename(upload.path(from), upload.path(to), false);
      return true;
    } catch (VfsException e) {
      return switch (e.error()) {
        case NOT_FOUND -> false;
        case EXISTS -> renamedByHalf(upload, from, to);
        default -> throw upload.shown(e);
      };
    }
  }

  /**
   * Where renaming is linking and unlinking, somebody may have died between the two.
   *
   * @return false if what was to be renamed isn't there any more
   */
  private static boolean renamedByHalf(SegmentedUpload upload, UploadPart from, UploadPart to) throws VfsException {
    try {
      Object key = upload.staging().lstat(upload.path(from)).key();
      if (key == null || !key.equals(upload.staging().lstat(upload.path(to)).key())) {
        throw new VfsException(VfsError.EXISTS, upload.shown());
      }
      upload.staging().removeFile(upload.path(from));
      return true;
    } catch (VfsException e) {
      if (e.error() == VfsError.NOT_FOUND) {
        return false; // so it is looked for again
      }
      throw upload.shown(e);
    }
  }

  private static void remove(SegmentedUpload upload, UploadPart part) throws VfsException {
    try {
      upload.staging().removeFile(upload.path(part));
    } catch (VfsException e) {
      if (e.error() != VfsError.NOT_FOUND) {
        throw upload.shown(e);
      }
    }
  }

  private static VfsException lost(SegmentedUpload upload) {
    return new VfsException(VfsError.BUSY, upload.shown(), "somebody else goes on with this upload");
  }

  private static SegmentWriter begin(SegmentedUpload upload, UploadClaim claim, UploadLayout taken) throws VfsException {
    List<UploadLayout.Sized> segments = new ArrayList<>(taken.counted());
    UploadPart.Segment current = null;
    long offset = taken.offset();
    if (!segments.isEmpty()) {
      UploadPart.Segment last = segments.getLast().segment();
      if (last.isFree() && last.limit().isEmpty()) {
        segments.removeLast();
        current = last;
      } else {
        UploadLayout.Sized synced = synced(upload, last);
        segments.removeLast();
        offset = synced.end();
        if (offset > last.start()) {
          UploadPart.Segment ended = last.limitedTo(OptionalLong.of(offset));
          if (!ended.equals(last) && !rename(upload, last, ended)) {
            throw lost(upload);
          }
          segments.add(new UploadLayout.Sized(ended, synced.size()));
        } else {
          remove(upload, last); // there would be two that begin at the same place
        }
      }
    }
    upload.renew(new UploadPart.Info(claim.number()));
    return new SegmentWriter(upload, claim, segments, current, offset, taken.done().isPresent());
  }

  /** What its former owner has written is on disk up to the size that is told, whatever more may come. */
  private static UploadLayout.Sized synced(SegmentedUpload upload, UploadPart.Segment segment) throws VfsException {
    OpenFile opened = upload.staging().open(upload.path(segment), GO_ON, 0);
    try {
      long size = opened.attributes().size();
      opened.sync();
      return new UploadLayout.Sized(segment, size);
    } finally {
      opened.abandon();
    }
  }

  /** How many bytes there are. */
  public long offset() {
    lock.lock();
    try {
      return offset;
    } finally {
      lock.unlock();
    }
  }

  public boolean isComplete() {
    return offset() == upload.info().length();
  }

  /**
   * Makes ready to take more, from {@link #offset} on.
   *
   * @param isChecked whether it only counts after {@link #accept}
   */
  public void open(boolean isChecked) throws VfsException {
    change(() -> {
      if (isAbandoned) {
        throw new VfsException(VfsError.IO, upload.shown(), "it was abandoned; take the upload over again");
      }
      OptionalLong limit = isChecked ? OptionalLong.of(offset) : OptionalLong.empty();
      if (current == null) {
        UploadPart.Segment made = new UploadPart.Segment(offset, limit, false, claim.number());
        file = upload.staging().open(upload.path(made), MAKE, PERMISSIONS);
        current = made;
      } else {
        become(current.free(false).limitedTo(limit));
        file = upload.staging().open(upload.path(current), GO_ON, 0);
      }
      if (isChecked) {
        upload.staging().syncDirectory(VirtualPath.ROOT); // else a crash could make it count
      }
    });
  }

  /** Under the lock. */
  private void become(UploadPart.Segment next) throws VfsException {
    if (!next.equals(current) && !rename(upload, current, next)) {
      throw lost(upload);
    }
    current = next;
  }

  /** What came since {@link #open} is right, so that it counts. */
  public void accept() throws VfsException {
    change(() -> {
      file.sync();
      become(current.limitedTo(OptionalLong.empty()));
    });
  }

  /** What came since {@link #open} is wrong, or not whole: it is taken back, if it only counts after {@link #accept}. */
  public void takeBack() throws VfsException {
    change(() -> {
      if (file != null && current.limit().isPresent()) {
        long end = current.limit().getAsLong();
        file.setAttributes(AttributeChange.size(end - current.start()));
        offset = end;
        become(current.limitedTo(OptionalLong.empty()));
      }
    });
  }

  @Override
  public int read(ByteBuffer target, long position) throws VfsException {
    lock.lock();
    try {
      if (file == null) {
        throw new VfsException(VfsError.IO, upload.shown(), "it is not open");
      }
      return file.read(target, position - current.start());
    } finally {
      lock.unlock();
    }
  }

  /** @param position where the bytes that there are end */
  @Override
  public void write(ByteBuffer source, long position) throws VfsException {
    if (!source.hasRemaining()) {
      return;
    }
    change(() -> {
      if (position != offset || file == null) {
        throw new VfsException(VfsError.IO, upload.shown(), "its bytes come out of their order");
      }
      if (source.remaining() > upload.info().length() - offset) {
        throw new VfsException(VfsError.TOO_LARGE, upload.shown(), "more bytes come than it was said to have");
      }
      int count = source.remaining();
      file.write(source, offset - current.start());
      offset += count;
      renewOthers();
    });
  }

  private void renewOthers() throws VfsException {
    long now = System.nanoTime();
    if (now - renewedAt > RENEW_NANOS) {
      renewedAt = now;
      upload.renew(info());
      for (UploadLayout.Sized other : segments) {
        upload.renew(other.segment());
      }
    }
  }

  @Override
  public FileAttributes attributes() throws VfsException {
    lock.lock();
    try {
      if (file == null) {
        throw new VfsException(VfsError.IO, upload.shown(), "it is not open");
      }
      return file.attributes();
    } finally {
      lock.unlock();
    }
  }

  @Override
  public void setAttributes(AttributeChange change) throws VfsException {
    throw new VfsException(VfsError.UNSUPPORTED, upload.shown());
  }

  @Override
  public void sync() throws VfsException {
    change(() -> file.sync());
  }

  /** Ends it in order, so that whoever is next goes on in the same segment. What came counts, unless it has to be accepted. */
  @Override
  public void close() throws VfsException {
    change(this::setFree);
  }

  /** Under the lock. */
  private void setFree() throws VfsException {
    if (file == null) {
      return;
    }
    OpenFile open = file;
    try {
      if (current.limit().isPresent()) {
        long end = current.limit().getAsLong();
        open.setAttributes(AttributeChange.size(end - current.start()));
        offset = end;
      }
      open.sync();
      open.close();
    } finally {
      file = null;
      open.abandon();
    }
    become(current.limitedTo(OptionalLong.empty()).free(true));
    upload.staging().syncDirectory(VirtualPath.ROOT);
  }

  /** Releases the file and changes nothing; if it was open, it can't be opened again. */
  @Override
  public void abandon() {
    lock.lock();
    try {
      if (file != null) {
        file.abandon();
        file = null;
        isAbandoned = true;
      }
    } finally {
      lock.unlock();
    }
  }

  /**
   * Called from any thread: ends it for one that goes on in its place. When this returns nothing is being written, and nothing will be.
   *
   * @throws VfsException BUSY if it can't be ended soon
   */
  public void revoke() throws VfsException {
    boolean isMine = false;
    try {
      isMine = lock.tryLock(PATIENCE.toMillis(), TimeUnit.MILLISECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    if (!isMine) {
      throw new VfsException(VfsError.BUSY, upload.shown(), "an earlier request still goes on with this upload");
    }
    try {
      if (!revoked) {
        revoked = true;
        claim.check();
        setFree();
      }
    } catch (VfsException e) {
      abandon(); // so the next one begins a segment of its own
    } finally {
      lock.unlock();
    }
  }

  /**
   * Gives the file its name, in one step and when it is on disk. All of it must be there, and the upload closed.
   *
   * @throws VfsException EXISTS if the name has been taken meanwhile and what has it may not be replaced
   */
  public void publish() throws VfsException {
    change(() -> {
      if (file != null || offset != upload.info().length()) {
        throw new VfsException(VfsError.IO, upload.shown(), "not all of it has come");
      }
      VirtualPath name = VirtualPath.ROOT.child(upload.info().name());
      OptionalInt permissions = permissionsToInherit(name);
      UploadPart source = finished();
      if (permissions.isPresent()) {
        ExtraData.inherit(upload.staging(), name, upload.path(source));
      }
      removeAllBut(source); // before it has its name: if this is broken off, nobody gives it that name again
      OpenFile finished = upload.staging().open(upload.path(source), GO_ON, 0);
      try {
        if (permissions.isPresent()) {
          finished.setAttributes(AttributeChange.permissions(permissions.getAsInt()));
        }
        finished.sync();
        finished.close();
      } finally {
        finished.abandon();
      }
      claim.check();
      rename(source, name);
      upload.staging().syncDirectory(VirtualPath.ROOT);
      remove(upload, info());
      upload.staging().syncDirectory(VirtualPath.ROOT);
    });
  }

  private void rename(UploadPart source, VirtualPath name) throws VfsException {
    try {
      upload.staging().rename(upload.path(source), name, upload.info().overwrites());
    } catch (VfsException e) {
      throw e.error() == VfsError.EXISTS ? upload.taken() : e;
    }
  }

  private UploadPart.Info info() {
    return new UploadPart.Info(claim.number());
  }

  /** Those of a file that is replaced. */
  private OptionalInt permissionsToInherit(VirtualPath name) throws VfsException {
    FileAttributes replaced;
    try {
      replaced = upload.staging().lstat(name);
    } catch (VfsException e) {
      if (e.error() == VfsError.NOT_FOUND) {
        return OptionalInt.empty();
      }
      throw e;
    }
    if (!upload.info().overwrites()) {
      throw upload.taken();
    }
    return switch (replaced.kind()) {
      case FILE -> OptionalInt.of(replaced.permissions());
      case DIRECTORY -> throw new VfsException(VfsError.IS_A_DIRECTORY, upload.shown());
      case SYMLINK, OTHER -> throw new VfsException(VfsError.PERMISSION_DENIED, upload.shown());
    };
  }

  /** What holds the whole file and nothing else: its only segment, or else a copy of all. */
  private UploadPart finished() throws VfsException {
    if (isDone) {
      return new UploadPart.Done(claim.number());
    }
    List<UploadPart.Segment> all = new ArrayList<>();
    segments.forEach(sized -> all.add(sized.segment()));
    if (current != null) {
      all.add(current);
    }
    if (all.size() == 1 && all.getFirst().start() == 0
        && upload.staging().lstat(upload.path(all.getFirst())).size() == upload.info().length()) {
      return all.getFirst();
    }
    return copied(all);
  }

  private UploadPart copied(List<UploadPart.Segment> all) throws VfsException {
    UploadPart whole = new UploadPart.Whole(claim.number());
    OpenFile target = upload.staging().open(upload.path(whole), MAKE, PERMISSIONS); // before any of the segments, see above
    try {
      ByteBuffer buffer = ByteBuffer.allocate(COPY_BYTES);
      long reached = 0;
      for (int i = 0; i < all.size(); i++) {
        long end = i + 1 < all.size() ? all.get(i + 1).start() : offset;
        if (all.get(i).start() > reached || all.get(i).limit().orElse(end) < end) {
          throw missing();
        }
        copy(all.get(i), end, target, buffer);
        reached = end;
      }
      target.sync();
      target.close();
      UploadPart done = new UploadPart.Done(claim.number());
      if (!rename(upload, whole, done)) {
        throw lost(upload);
      }
      upload.staging().syncDirectory(VirtualPath.ROOT);
      isDone = true;
      return done;
    } finally {
      target.abandon();
      if (!isDone) {
        remove(upload, whole);
      }
    }
  }

  private void copy(UploadPart.Segment segment, long end, OpenFile target, ByteBuffer buffer) throws VfsException {
    OpenFile source = upload.staging().open(upload.path(segment), OpenMode.READ, 0);
    try {
      long position = segment.start();
      while (position < end) {
        claim.check();
        buffer.clear().limit((int) Math.min(buffer.capacity(), end - position));
        if (source.read(buffer, position - segment.start()) <= 0) {
          throw missing();
        }
        int count = buffer.flip().remaining();
        target.write(buffer, position);
        position += count;
        renewOthers();
      }
    } finally {
      source.abandon();
    }
  }

  private VfsException missing() {
    return new VfsException(VfsError.IO, upload.shown(), "some of what had come is missing; upload it anew");
  }

  /** Ends the upload without a file. */
  public void remove() throws VfsException {
    change(() -> {
      abandon();
      removeAllBut(info());
      remove(upload, info()); // the last, so that this can be done again
      upload.staging().syncDirectory(VirtualPath.ROOT);
    });
  }

  /** By their exact names, which are nobody else's. The info stays. */
  private void removeAllBut(UploadPart kept) throws VfsException {
    for (UploadPart part : upload.find().parts().keySet()) {
      if (part.number() == claim.number() && !part.equals(kept) && !part.equals(info())) {
        remove(upload, part);
      }
    }
  }

  private interface Change {
    void run() throws VfsException;
  }

  private void change(Change change) throws VfsException {
    lock.lock();
    try {
      if (revoked) {
        throw new VfsException(VfsError.BUSY, upload.shown(), "a newer request goes on with this upload");
      }
      claim.check();
      change.run();
    } catch (VfsException e) {
      throw switch (e.error()) {
        case BUSY -> e;
        case NOT_FOUND -> lost(upload); // its files are found by their names, which others change
        default -> upload.shown(e);
      };
    } finally {
      lock.unlock();
    }
  }
}
