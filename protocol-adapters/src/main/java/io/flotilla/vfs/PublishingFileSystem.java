package io.flotilla.vfs;

import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * One session's view of a file system, in which new and truncating writes become visible to others only when they are
 * closed (guarantee 7). The session itself sees its running uploads in stat and list under their final names. What a
 * broken upload left shows in stat to the same owner while no finished file has its name, and opening that name for
 * writing without truncation goes on with it. Partials have names that no client can see or reach. An existing file
 * opened without truncation is edited in place. Used by one thread at a time.
 */
public final class PublishingFileSystem extends FileSystemLayer {
  /** How many leftovers one removal of a directory clears at most. */
  private static final int MAX_LEFTOVERS = 10_000;
  /** How long after its last change a part of an upload by segments is taken to be in use. */
  private static final Duration IN_USE = Duration.ofMinutes(1);

  private final Links links;
  private final String owner;
  private final Partials partials;
  private final ActiveUploads active;
  private final Map<VirtualPath, PartialUpload> mine = new HashMap<>();

  /**
   * @param files closed with this one
   * @param links what it does
   * @param owner whose partials are shown and resumed: the user, and on which node after a line feed, if that matters
   */
  public PublishingFileSystem(VirtualFileSystem files, Links links, String owner, ActiveUploads active) {
    super(files);
    this.links = links;
    this.owner = owner;
    this.partials = new Partials(owner);
    this.active = active;
  }

  @Override
  public FileAttributes stat(VirtualPath path) throws VfsException {
    return look(path, files::stat);
  }

  @Override
  public FileAttributes lstat(VirtualPath path) throws VfsException {
    return look(path, files::lstat);
  }

  private FileAttributes look(VirtualPath path, Look look) throws VfsException {
    visible(path);
    PartialUpload upload = mine.get(path);
    if (upload != null) {
      return upload.attributes();
    }
    try {
      return look.at(path);
    } catch (VfsException e) {
      if (e.error() != VfsError.NOT_FOUND || path.isRoot()) {
        throw e;
      }
      // A dangling link is a name that is taken, and no partial of that name is meant.
      return find(path, files::lstat).isPresent() ? rethrow(e)
          : find(partialOf(path), files::lstat).orElseThrow(() -> e);
    }
  }

  private static FileAttributes rethrow(VfsException e) throws VfsException {
    throw e;
  }

  @Override
  public OpenFile open(VirtualPath path, OpenMode mode, int permissions) throws VfsException {
    visible(path);
    if (!mode.write()) {
      PartialUpload upload = mine.get(path);
      return upload == null ? files.open(path, mode, permissions) : upload.reopen(mode);
    }
    Optional<FileAttributes> entry = find(path, files::lstat);
    boolean isLink = entry.filter(found -> found.kind() == FileAttributes.Kind.SYMLINK).isPresent();
    Optional<FileAttributes> old = isLink ? find(path, files::stat) : entry;
    if (entry.isPresent() && mode.exclusive()) {
      throw new VfsException(VfsError.EXISTS, path);
    }
    if (old.isEmpty() && entry.isPresent()) {
      throw new VfsException(VfsError.NOT_FOUND, path); // a dangling link
    }
    boolean hasUpload = mine.containsKey(path);
    if (old.isPresent() && !mode.truncate() && !hasUpload) {
      return new InPlaceEdit(files.open(path, mode.asExisting(), permissions));
    }
    if (old.isPresent()) {
      switch (old.get().kind()) {
        case FILE -> { }
        case DIRECTORY -> throw new VfsException(VfsError.IS_A_DIRECTORY, path);
        case SYMLINK, OTHER -> throw new VfsException(VfsError.PERMISSION_DENIED, path);
      }
      needWritable(path);
    } else if (!mode.create() && find(partialOf(path), files::lstat).isEmpty()) {
      throw new VfsException(VfsError.NOT_FOUND, path);
    }
    return upload(path, mode, permissions, old);
  }

  private void needWritable(VirtualPath path) throws VfsException {
    try {
      files.open(path, new OpenMode(false, true, false, false, false, false), 0).abandon();
    } catch (VfsException e) {
      if (e.error() != VfsError.NOT_ARRIVED) { // what another node has can be replaced here all the same
        throw e;
      }
    }
  }

  private OpenFile upload(VirtualPath path, OpenMode mode, int permissions, Optional<FileAttributes> old)
      throws VfsException {
    if (path.isRoot()) {
      throw new VfsException(VfsError.IS_A_DIRECTORY, path);
    }
    // The target of a link is replaced, not the link, as if the file had been truncated. Where no link is followed there was
    // none, and one that has come since must not lead elsewhere.
    VirtualPath target = old.isPresent() && links == Links.FOLLOW ? files.canonical(path) : path;
    VirtualPath name = VirtualPath.ROOT.child(target.name());
    VirtualPath partial = VirtualPath.ROOT.child(partials.nameFor(target.name()));
    VirtualFileSystem directory = files.subtree(target.parent());
    ActiveUploads.Name lockName;
    try {
      lockName = new ActiveUploads.Name(directory.stat(VirtualPath.ROOT).key(), partial.name());
    } catch (VfsException e) {
      directory.close();
      throw new VfsException(e.error(), path);
    }
    return upload(path, mode, permissions, old, new Place(directory, partial, name, lockName));
  }

  /**
   * Where an upload is written and published.
   *
   * @param directory closed with the upload
   */
  record Place(VirtualFileSystem directory, VirtualPath partial, VirtualPath name, ActiveUploads.Name lock) {}

  private OpenFile upload(VirtualPath path, OpenMode mode, int permissions, Optional<FileAttributes> old, Place place)
      throws VfsException {
    VirtualFileSystem directory = place.directory();
    VirtualPath partial = place.partial();
    OpenFile opened = null;
    try (ActiveUploads.Held _ = active.lockSoon(place.lock(), path)) {
      boolean goOn = !mode.truncate();
      Optional<FileAttributes> leftover = find(directory, partial);
      if (leftover.isPresent() && mode.exclusive() && active.isActive(leftover.get().key())) {
        throw new VfsException(VfsError.EXISTS, path);
      }
      if (leftover.isPresent() && !goOn) {
        active.revoke(leftover.get().key());
        directory.removeFile(partial);
      }
      OpenMode how = new OpenMode(mode.read(), true, mode.append(), true, false, !goOn);
      opened = directory.open(partial, how, permissions);
      OpenFile file = opened;
      PartialUpload upload = new PartialUpload(
          place, path, file, mode.replace(), active, ended -> mine.remove(path, ended));
      opened = upload; // from here on it is what has to be released
      if (goOn && leftover.isPresent()) {
        upload.renew();
      }
      upload.inherit(old.map(a -> OptionalInt.of(a.permissions())).orElse(OptionalInt.empty()));
      mine.put(path, upload);
      return upload;
    } catch (VfsException e) {
      if (opened != null) {
        opened.abandon();
      }
      if (!(opened instanceof PartialUpload)) {
        directory.close(); // an upload closes it itself
      }
      throw e.error() == VfsError.BUSY ? e : new VfsException(e.error(), path);
    }
  }

  @Override
  public DirectoryListing list(VirtualPath directory) throws VfsException {
    visible(directory);
    Map<String, FileAttributes> uploads = new HashMap<>();
    for (PartialUpload upload : mine.values()) {
      if (upload.shown().parent().equals(directory)) {
        uploads.put(upload.shown().name(), upload.attributes());
      }
    }
    return new VisibleListing(files.list(directory), uploads);
  }

  @Override
  public void makeDirectory(VirtualPath path, int permissions) throws VfsException {
    creatable(path);
    files.makeDirectory(path, permissions);
  }

  @Override
  public void removeFile(VirtualPath path) throws VfsException {
    visible(path);
    try {
      files.removeFile(path);
    } catch (VfsException e) {
      if (e.error() != VfsError.NOT_FOUND || path.isRoot() || !removeLeftover(partialOf(path), path)) {
        throw e;
      }
    }
  }

  private boolean removeLeftover(VirtualPath partial, VirtualPath shown) throws VfsException {
    ActiveUploads.Name name = new ActiveUploads.Name(files.stat(partial.parent()).key(), partial.name());
    try (ActiveUploads.Held _ = active.lockSoon(name, shown)) {
      Optional<FileAttributes> leftover = find(partial, files::lstat);
      if (leftover.isPresent()) {
        active.revoke(leftover.get().key());
        files.removeFile(partial);
      }
      return leftover.isPresent();
    }
  }

  @Override
  public void removeDirectory(VirtualPath path) throws VfsException {
    visible(path);
    try {
      files.removeDirectory(path);
    } catch (VfsException e) {
      if (e.error() != VfsError.NOT_EMPTY || !clearLeftovers(path)) {
        throw e;
      }
      files.removeDirectory(path);
    }
  }

  /** A directory that looks empty to its owner can be removed: what broken uploads of his left goes with it. */
  private boolean clearLeftovers(VirtualPath directory) throws VfsException {
    List<String> leftovers = new ArrayList<>();
    try (DirectoryListing listing = files.list(directory)) {
      for (DirectoryListing.Entry entry = listing.next(); entry != null; entry = listing.next()) {
        if (!partials.isMine(entry.name()) || active.isActive(entry.attributes().key()) || isUsedElsewhere(entry)
            || leftovers.size() == MAX_LEFTOVERS) {
          return false;
        }
        leftovers.add(entry.name());
      }
    }
    for (String name : leftovers) {
      removeLeftover(directory.child(name), directory);
    }
    return !leftovers.isEmpty();
  }

  /** Another node may be writing to what an upload by segments consists of. */
  private static boolean isUsedElsewhere(DirectoryListing.Entry entry) {
    return Partials.isSegmented(entry.name()) && entry.attributes().changed().isAfter(Instant.now().minus(IN_USE));
  }

  @Override
  public void rename(VirtualPath from, VirtualPath to, boolean replace) throws VfsException {
    visible(from);
    creatable(to);
    if (mine.containsKey(from)) {
      throw new VfsException(VfsError.BUSY, from, "it is still being uploaded");
    }
    files.rename(from, to, replace);
  }

  @Override
  public void makeSymlink(String target, VirtualPath link) throws VfsException {
    creatable(link);
    for (String name : target.split("/")) {
      if (Partials.isHidden(name)) {
        throw new VfsException(VfsError.INVALID_NAME, link);
      }
    }
    files.makeSymlink(target, link);
  }

  @Override
  public String readSymlink(VirtualPath link) throws VfsException {
    visible(link);
    return files.readSymlink(link);
  }

  @Override
  public void makeHardLink(VirtualPath existing, VirtualPath link) throws VfsException {
    visible(existing);
    creatable(link);
    files.makeHardLink(existing, link);
  }

  @Override
  public void setAttributes(VirtualPath path, AttributeChange change, boolean followLinks) throws VfsException {
    visible(path);
    PartialUpload upload = mine.get(path);
    if (upload != null) {
      upload.setAttributes(change);
    } else {
      files.setAttributes(path, change, followLinks);
    }
  }

  @Override
  public byte[] extraData(VirtualPath path, ExtraData name) throws VfsException {
    visible(path);
    return files.extraData(path, name);
  }

  @Override
  public void setExtraData(VirtualPath path, ExtraData name, byte[] data) throws VfsException {
    visible(path);
    files.setExtraData(path, name, data);
  }

  @Override
  public SpaceInfo space(VirtualPath path) throws VfsException {
    visible(path);
    return files.space(path);
  }

  @Override
  public VirtualPath canonical(VirtualPath path) throws VfsException {
    visible(path);
    return files.canonical(path);
  }

  @Override
  public void syncDirectory(VirtualPath directory) throws VfsException {
    visible(directory);
    files.syncDirectory(directory);
  }

  @Override
  public VirtualFileSystem subtree(VirtualPath directory) throws VfsException {
    visible(directory);
    return new PublishingFileSystem(files.subtree(directory), links, owner, active);
  }

  /** Of what is uploaded there nothing is shown before it has its name. */
  @Override
  public VirtualFileSystem staging(VirtualPath target, long room) throws VfsException {
    creatable(target);
    return files.staging(target, room);
  }

  /** Abandons running uploads: they stay as partials. */
  @Override
  public void close() {
    List.copyOf(mine.values()).forEach(PartialUpload::abandon);
    files.close();
  }

  private VirtualPath partialOf(VirtualPath path) throws VfsException {
    return path.parent().child(partials.nameFor(path.name()));
  }

  private static void visible(VirtualPath path) throws VfsException {
    if (Partials.isHidden(path)) {
      throw new VfsException(VfsError.NOT_FOUND, path);
    }
  }

  private static void creatable(VirtualPath path) throws VfsException {
    if (Partials.isHidden(path)) {
      throw new VfsException(VfsError.INVALID_NAME, path);
    }
  }

  private static Optional<FileAttributes> find(VirtualFileSystem directory, VirtualPath path) throws VfsException {
    return find(path, directory::lstat);
  }

  /** Leaves hidden names out and puts the session's uploads in, each name once. */
  private static final class VisibleListing implements DirectoryListing {
    private final DirectoryListing all;
    private final Map<String, FileAttributes> uploads;
    private Iterator<Map.Entry<String, FileAttributes>> rest;

    VisibleListing(DirectoryListing all, Map<String, FileAttributes> uploads) {
      this.all = all;
      this.uploads = uploads;
    }

    @Override
    public Entry next() throws VfsException {
      while (rest == null) {
        Entry entry = all.next();
        if (entry == null) {
          rest = uploads.entrySet().iterator();
        } else if (!Partials.isHidden(entry.name())) {
          FileAttributes upload = uploads.remove(entry.name());
          return upload == null ? entry : new Entry(entry.name(), upload);
        }
      }
      if (!rest.hasNext()) {
        return null;
      }
      Map.Entry<String, FileAttributes> upload = rest.next();
      return new Entry(upload.getKey(), upload.getValue());
    }

    @Override
    public void close() {
      all.close();
    }
  }
}
