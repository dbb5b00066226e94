package io.flotilla.vfs;

import java.io.Closeable;
import java.nio.ByteBuffer;
import java.time.Instant;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.regex.Pattern;

/**
 * An upload that lies beside the file it becomes, so that whoever sees the directory can go on with it, at whatever node: an info that
 * never changes, and segments of the contents. Going on with it takes a claim ({@link #take}); looking at it doesn't. Used by one thread
 * at a time.
 */
public final class SegmentedUpload implements Closeable {
  private static final Pattern ID = Pattern.compile("[0-9a-f]{32}");
  private static final String UNFINISHED = "making";
  private static final OpenMode EXISTING = new OpenMode(false, true, false, false, false, false);
  private static final int MAX_INFO_BYTES = 64 * 1024;
  private static final int PERMISSIONS = 0600;

  private final VirtualFileSystem staging;
  private final VirtualPath shown;
  private final String prefix;
  private final UploadInfo info;
  private final State state;

  /**
   * What there is of it.
   *
   * @param offset bytes from the beginning on
   * @param hasGap whether some after them are missing here, before others that are there, so that nobody can go on with it now
   * @param changed when somebody last went on with it
   */
  public record State(long offset, boolean hasGap, Instant changed) {}

  /** @param changed of the part that was changed last */
  record Found(Map<UploadPart, Long> parts, Instant changed) {}

  /** @param state when it was read, with the info */
  private record Read(UploadInfo info, State state) {}

  private SegmentedUpload(VirtualFileSystem staging, VirtualPath shown, String prefix, Read read) {
    this.staging = staging;
    this.shown = shown;
    this.prefix = prefix;
    this.info = read.info();
    this.state = read.state();
  }

  /** Whether it is an id: 128 bits, that nobody can guess. */
  public static boolean isId(String text) {
    return ID.matcher(text).matches();
  }

  /** Where a file is written that is uploaded to a path: what a link leads to is replaced, and not the link. */
  public static VirtualPath target(VirtualFileSystem files, VirtualPath path) throws VfsException {
    try {
      return files.canonical(path);
    } catch (VfsException e) {
      boolean isUnseen = e.error() == VfsError.NOT_FOUND || e.error() == VfsError.PERMISSION_DENIED;
      if (!isUnseen || path.isRoot()) {
        throw e;
      }
      return files.canonical(path.parent()).child(path.name());
    }
  }

  /** @throws VfsException if there is something that is no file, or that may not be replaced */
  public static void needReplaceable(VirtualFileSystem files, VirtualPath target) throws VfsException {
    try {
      files.open(target, EXISTING, 0).abandon();
    } catch (VfsException e) {
      if (e.error() != VfsError.NOT_FOUND) {
        throw e;
      }
    }
  }

  /**
   * Begins one, for whose length there must be room, and whose name must not be that of something that may not be replaced.
   *
   * @param target as {@link #target} has it
   */
  public static SegmentedUpload create(VirtualFileSystem files, VirtualPath target, String id, UploadInfo info) throws VfsException {
    needReplaceable(files, target);
    SegmentedUpload upload = new SegmentedUpload(files.staging(target, info.length()), target, prefix(info.user(), id),
        new Read(info, new State(0, false, info.created())));
    try {
      upload.writeInfo();
      return upload;
    } catch (VfsException | RuntimeException e) {
      upload.close();
      throw e;
    }
  }

  private void writeInfo() throws VfsException {
    VirtualPath unfinished = VirtualPath.ROOT.child(prefix + UNFINISHED);
    OpenFile file = staging.open(unfinished, OpenMode.CREATE_NEW, PERMISSIONS);
    try {
      file.write(ByteBuffer.wrap(info.toBytes()), 0);
      file.sync();
      file.close();
      staging.rename(unfinished, path(new UploadPart.Info(0)), false);
      staging.syncDirectory(VirtualPath.ROOT);
    } catch (VfsException e) {
      file.abandon();
      try {
        staging.removeFile(unfinished);
      } catch (VfsException stays) {
        e.addSuppressed(stays); // until it is too old
      }
      throw e;
    }
  }

  /**
   * Finds a user's.
   *
   * @param target as {@link #target} has it
   * @return nothing if there is none; else to be closed
   */
  public static Optional<SegmentedUpload> find(VirtualFileSystem files, VirtualPath target, String user, String id) throws VfsException {
    if (!isId(id)) {
      return Optional.empty();
    }
    VirtualFileSystem staging = files.staging(target, 0);
    Optional<SegmentedUpload> found = Optional.empty();
    try {
      String prefix = prefix(user, id);
      found = read(staging, prefix).filter(read -> read.info().name().equals(target.name()) && read.info().user().equals(user))
          .map(read -> new SegmentedUpload(staging, target, prefix, read));
      return found;
    } finally {
      if (found.isEmpty()) {
        staging.close();
      }
    }
  }

  /** How many a user has in the directory of a file. */
  public static int count(VirtualFileSystem files, VirtualPath target, String user) throws VfsException {
    Pattern infos = Pattern.compile(Pattern.quote(Partials.ofSegments(user)) + ID + "\\.info\\.[0-9]+");
    int count = 0;
    try (VirtualFileSystem staging = files.staging(target, 0); DirectoryListing listing = staging.list(VirtualPath.ROOT)) {
      for (DirectoryListing.Entry entry = listing.next(); entry != null; entry = listing.next()) {
        count += infos.matcher(entry.name()).matches() ? 1 : 0;
      }
    }
    return count;
  }

  private static String prefix(String user, String id) {
    return Partials.ofSegments(user) + id + ".";
  }

  /** Looked for again if it is taken over meanwhile. */
  private static Optional<Read> read(VirtualFileSystem staging, String prefix) throws VfsException {
    for (int i = 0; i < SegmentWriter.MAX_TRIES; i++) {
      Found found = find(staging, prefix);
      Optional<UploadLayout> layout = UploadLayout.of(found.parts());
      if (layout.isEmpty()) {
        return Optional.empty();
      }
      State state = new State(layout.get().offset(), layout.get().hasGap(), found.changed());
      try {
        return UploadInfo.parse(readAll(staging, VirtualPath.ROOT.child(prefix + new UploadPart.Info(layout.get().epoch()).suffix())))
            .map(info -> new Read(info, state));
      } catch (VfsException e) {
        if (e.error() != VfsError.NOT_FOUND) {
          throw e;
        }
      }
    }
    return Optional.empty();
  }

  private static byte[] readAll(VirtualFileSystem staging, VirtualPath path) throws VfsException {
    OpenFile file = staging.open(path, OpenMode.READ, 0);
    try {
      ByteBuffer buffer = ByteBuffer.allocate((int) Math.min(file.attributes().size(), MAX_INFO_BYTES));
      while (buffer.hasRemaining() && file.read(buffer, buffer.position()) > 0) {
        // goes on where it is
      }
      byte[] bytes = new byte[buffer.flip().remaining()];
      buffer.get(bytes);
      return bytes;
    } finally {
      file.abandon();
    }
  }

  private static Found find(VirtualFileSystem staging, String prefix) throws VfsException {
    Map<UploadPart, Long> parts = new HashMap<>();
    Instant changed = Instant.EPOCH;
    try (DirectoryListing listing = staging.list(VirtualPath.ROOT)) {
      for (DirectoryListing.Entry entry = listing.next(); entry != null; entry = listing.next()) {
        Optional<UploadPart> part = entry.name().startsWith(prefix)
            ? UploadPart.parse(entry.name().substring(prefix.length())) : Optional.empty();
        if (part.isPresent()) {
          parts.put(part.get(), entry.attributes().size());
          changed = entry.attributes().changed().isAfter(changed) ? entry.attributes().changed() : changed;
        }
      }
    }
    return new Found(parts, changed);
  }

  Found find() throws VfsException {
    return find(staging, prefix);
  }

  VirtualPath path(UploadPart part) throws VfsException {
    return VirtualPath.ROOT.child(prefix + part.suffix());
  }

  VirtualFileSystem staging() {
    return staging;
  }

  /** The file as the client knows it. */
  public VirtualPath shown() {
    return shown;
  }

  public UploadInfo info() {
    return info;
  }

  /** What there was of it when it was found; whoever goes on with it takes it first. */
  public State state() {
    return state;
  }

  /**
   * Takes it over from whoever had it.
   *
   * @param claim held for the upload of this id
   * @throws VfsException NOT_FOUND if it was ended meanwhile, BUSY if somebody has it under a later claim, or if some of it is missing
   *     here: then nothing is changed
   */
  public SegmentWriter take(UploadClaim claim) throws VfsException {
    return SegmentWriter.take(this, claim);
  }

  /** Removes one that was begun by {@link #create} and that nobody has taken; one that was taken stays. */
  public void withdraw() throws VfsException {
    try {
      staging.removeFile(path(new UploadPart.Info(0)));
      staging.syncDirectory(VirtualPath.ROOT);
    } catch (VfsException e) {
      throw shown(e);
    }
  }

  /**
   * Ends it without a file, whoever had it, and even if some of it is missing.
   *
   * @param claim held for the upload of this id
   * @throws VfsException as {@link #take}
   */
  public void remove(UploadClaim claim) throws VfsException {
    SegmentWriter.remove(this, claim);
  }

  /** Marks a part as used, so that it doesn't become too old. */
  void renew(UploadPart part) throws VfsException {
    staging.setAttributes(path(part), new AttributeChange(
        OptionalLong.empty(), OptionalInt.empty(), Optional.empty(), Optional.of(Instant.now())), false);
  }

  /** Somebody else has a file of its name, which it may not replace. */
  public VfsException taken() {
    return new VfsException(VfsError.EXISTS, shown,
        "the name has been taken meanwhile, and what has it may not be replaced; end this upload and begin one with another name");
  }

  /** The same failure under the name the client knows. */
  VfsException shown(VfsException e) {
    return e.getMessage().startsWith(shown + ": ") ? e : new VfsException(e.error(), shown);
  }

  @Override
  public void close() {
    staging.close();
  }
}
