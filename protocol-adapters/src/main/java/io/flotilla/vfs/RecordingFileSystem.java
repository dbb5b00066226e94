package io.flotilla.vfs;

import io.flotilla.vfs.RecentChange.Draft;
import io.flotilla.vfs.RecentChange.Other;
import io.flotilla.vfs.RecentChange.Removed;
import io.flotilla.vfs.RecentChange.State;
import io.flotilla.vfs.RecentChange.Version;
import io.flotilla.vfs.RecentChange.Written;
import io.flotilla.vfs.RecentChanges.Known;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.WritableByteChannel;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A tree of a storage of which each node has a copy: what is changed in it is told to the other nodes once it is done. Stands directly
 * above the storage, so that whatever protocol makes a file, it gets its name here. What is told fails nothing. Of partials nothing is
 * told. Used by one thread at a time.
 */
final class RecordingFileSystem extends FileSystemLayer {
  private static final Logger log = LoggerFactory.getLogger(RecordingFileSystem.class);
  /** How many entries of a directory that is renamed are told of one by one; more would push all else out. */
  static final int MAX_MOVED = 5_000;

  /** How often a path is looked at again of which another session tells; who is faster each time has looked later than what is told here. */
  private static final int MAX_LOOKS = 5;

  private final RecentChanges changes;
  private final String storage;
  private final VirtualPath base;

  /**
   * @param files closed with this
   * @param base where this tree is in the storage, links resolved
   */
  RecordingFileSystem(VirtualFileSystem files, RecentChanges changes, String storage, VirtualPath base) {
    super(files);
    this.changes = changes;
    this.storage = storage;
    this.base = base;
  }

  VirtualPath base() {
    return base;
  }

  /** Where an entry is in the storage, links on the way resolved; its directory must exist. */
  private VirtualPath located(VirtualPath entry) throws VfsException {
    VirtualPath own = entry.isRoot() || entry.parent().isRoot() ? entry : files.canonical(entry.parent()).child(entry.name());
    return own.under(base);
  }

  private interface Drafts {
    List<Draft> make() throws VfsException;
  }

  /** To be taken before anything is changed. */
  private long since() {
    return changes.sequence();
  }

  /** The change is done and must not seem to have failed. */
  private void tell(long since, Drafts drafts) {
    try {
      List<Draft> outdated = changes.made(storage, drafts.make(), since);
      for (int i = 0; i < MAX_LOOKS && !outdated.isEmpty(); i++) {
        long now = since();
        List<Draft> anew = new ArrayList<>();
        for (Draft draft : outdated) {
          anew.add(lookedAtAgain(draft));
        }
        outdated = changes.made(storage, anew, now);
      }
    } catch (VfsException e) {
      log.debug("A change in storage {} is not told to the other nodes: {}", storage, e.getMessage());
    }
  }

  /** Another session has changed the path meanwhile, and told of that: what is there now is told. */
  private Draft lookedAtAgain(Draft draft) throws VfsException {
    Optional<FileAttributes> here = look(draft.path().from(base));
    State gone = draft.state() instanceof Written written ? written.asRemoved() : draft.state();
    return new Draft(draft.path(), here.map(RecordingFileSystem::state).orElse(gone), draft.found(), draft.over());
  }

  private Optional<FileAttributes> look(VirtualPath entry) throws VfsException {
    try {
      return find(entry, files::lstat);
    } catch (VfsException e) {
      if (e.error() == VfsError.NOT_A_DIRECTORY) {
        return Optional.empty();
      }
      throw e;
    }
  }

  private static State state(FileAttributes attributes) {
    return switch (attributes.kind()) {
      case FILE, DIRECTORY -> Written.of(attributes);
      case SYMLINK, OTHER -> new Other();
    };
  }

  /** @param former what was there before */
  private static Draft written(VirtualPath path, FileAttributes attributes, Optional<FileAttributes> former) {
    return written(path, attributes, former, Optional.empty());
  }

  /** @param over what was shown there before instead */
  private static Draft written(VirtualPath path, FileAttributes attributes, Optional<FileAttributes> former, Optional<Known> over) {
    return new Draft(path, state(attributes), former.filter(found -> found.kind() == FileAttributes.Kind.FILE).map(Version::of), over);
  }

  private static Draft removed(VirtualPath path, FileAttributes attributes) {
    return new Draft(path, switch (attributes.kind()) {
      case FILE, DIRECTORY -> Removed.of(attributes);
      case SYMLINK, OTHER -> new Other();
    });
  }

  private void tellWritten(long since, VirtualPath entry, Optional<FileAttributes> former, Optional<Known> over) {
    tell(since, () -> List.of(written(located(entry), files.lstat(entry), former, over)));
  }

  /**
   * The file of another node that has not arrived and is shown under a name, because what is here is known to be older: to be asked before
   * it is replaced, since what is heard of meanwhile is not what the client saw.
   *
   * @param here what is there here
   */
  private Optional<Known> shown(VirtualPath entry, Optional<FileAttributes> here) {
    if (!changes.hasForeign(storage)) {
      return Optional.empty();
    }
    try {
      Optional<Known> coming = changes.expected(storage, located(entry)).filter(known -> known.change().left().isPresent());
      coming.filter(known -> here.filter(known.change()::hasArrivedAs).isPresent()).ifPresent(changes::settle);
      return coming.filter(known -> here.filter(file -> !known.isNewerThan(file)).isEmpty());
    } catch (VfsException e) {
      return Optional.empty(); // the operation itself says what is wrong with the path
    }
  }

  private static Optional<FileAttributes> found(OpenFile file) {
    try {
      return Optional.of(file.attributes());
    } catch (VfsException e) {
      return Optional.empty();
    }
  }

  /** Nothing of what is not there; the operation itself says so. */
  private Optional<FileAttributes> find(VirtualPath entry) {
    try {
      return Optional.of(files.lstat(entry));
    } catch (VfsException e) {
      return Optional.empty();
    }
  }

  @Override
  public OpenFile open(VirtualPath path, OpenMode mode, int permissions) throws VfsException {
    OpenFile file = files.open(path, mode, permissions);
    if (!mode.write() || Partials.isHidden(path)) {
      return file;
    }
    VirtualPath at;
    try {
      at = files.canonical(path).under(base);
    } catch (VfsException e) {
      return file; // it was removed meanwhile
    }
    return new RecordedFile(file, at, mode.exclusive() ? Optional.empty() : found(file));
  }

  @Override
  public void makeDirectory(VirtualPath path, int permissions) throws VfsException {
    long since = since();
    files.makeDirectory(path, permissions);
    tellWritten(since, path, Optional.empty(), Optional.empty());
  }

  @Override
  public void removeFile(VirtualPath path) throws VfsException {
    remove(path, () -> files.removeFile(path));
  }

  @Override
  public void removeDirectory(VirtualPath path) throws VfsException {
    remove(path, () -> files.removeDirectory(path));
  }

  private interface Change {
    void run() throws VfsException;
  }

  private void remove(VirtualPath path, Change removal) throws VfsException {
    long since = since();
    Optional<FileAttributes> former = Partials.isHidden(path) ? Optional.empty() : find(path);
    removal.run();
    former.ifPresent(gone -> tell(since, () -> List.of(left(path, located(path), gone))));
  }

  /** Of a name that was freed: another session may have made it anew meanwhile. */
  private Draft left(VirtualPath entry, VirtualPath at, FileAttributes gone) throws VfsException {
    Optional<FileAttributes> anew = look(entry);
    return anew.isPresent() ? written(at, anew.get(), Optional.of(gone)) : removed(at, gone);
  }

  @Override
  public void rename(VirtualPath from, VirtualPath to, boolean replace) throws VfsException {
    if (Partials.isHidden(to)) {
      files.rename(from, to, replace);
      return;
    }
    long since = since();
    Optional<FileAttributes> replaced = find(to);
    Optional<Known> over = replace ? shown(to, replaced) : Optional.empty();
    if (Partials.isHidden(from)) {
      files.rename(from, to, replace);
      tellWritten(since, to, replaced, over);
      return;
    }
    Optional<FileAttributes> moved = find(from);
    VirtualPath former = moved.isPresent() ? located(from) : from;
    List<Moved> beneath = moved.filter(FileAttributes::isDirectory).isPresent() ? tree(from, former) : List.of();
    files.rename(from, to, replace);
    moved.ifPresent(attributes -> tell(since, () -> {
      VirtualPath now = located(to);
      List<Draft> drafts = new ArrayList<>();
      // What is written comes first, so that nobody misses the file under both names.
      drafts.add(written(now, look(to).orElse(attributes), replaced, over));
      for (Moved entry : beneath) {
        drafts.add(written(entry.path().under(now), entry.attributes(), Optional.empty()));
      }
      if (!former.equals(now)) {
        for (Moved entry : beneath.reversed()) {
          drafts.add(removed(entry.path().under(former), entry.attributes()));
        }
        drafts.add(left(from, former, attributes)); // of two names of one file both stay
      }
      return drafts;
    }));
  }

  /** @param path from the directory that is moved */
  private record Moved(VirtualPath path, FileAttributes attributes) {}

  /** All that clients see in a directory, what is above first; nothing if that is too much. */
  private List<Moved> tree(VirtualPath root, VirtualPath shown) {
    List<Moved> found = new ArrayList<>();
    Deque<VirtualPath> directories = new ArrayDeque<>();
    directories.add(root);
    while (!directories.isEmpty()) {
      VirtualPath directory = directories.removeLast();
      try (DirectoryListing listing = files.list(directory)) {
        for (DirectoryListing.Entry entry = listing.next(); entry != null; entry = listing.next()) {
          if (!Partials.isHidden(entry.name())) {
            VirtualPath path = directory.child(entry.name());
            found.add(new Moved(path.from(root), entry.attributes()));
            if (entry.attributes().isDirectory()) {
              directories.add(path);
            }
          }
          if (found.size() > MAX_MOVED) {
            log.warn("The directory {} of storage {} was renamed; it has over {} entries, so the other nodes show that only when the "
                + "synchroniser has brought it", shown, storage, MAX_MOVED);
            return List.of();
          }
        }
      } catch (VfsException e) {
        log.debug("What is in a directory that is renamed can't be told to the other nodes: {}", e.getMessage());
      }
    }
    return found;
  }

  @Override
  public void makeSymlink(String target, VirtualPath link) throws VfsException {
    long since = since();
    files.makeSymlink(target, link);
    tellWritten(since, link, Optional.empty(), Optional.empty());
  }

  @Override
  public void makeHardLink(VirtualPath existing, VirtualPath link) throws VfsException {
    long since = since();
    files.makeHardLink(existing, link);
    tellWritten(since, link, Optional.empty(), Optional.empty());
  }

  @Override
  public void setAttributes(VirtualPath path, AttributeChange change, boolean followLinks) throws VfsException {
    long since = since();
    Optional<FileAttributes> former = Partials.isHidden(path) ? Optional.empty() : find(path);
    files.setAttributes(path, change, followLinks);
    if (!Partials.isHidden(path)) {
      tell(since, () -> {
        FileAttributes now = followLinks ? files.stat(path) : files.lstat(path);
        return now.kind() != FileAttributes.Kind.FILE ? List.of()
            : List.of(written(followLinks ? files.canonical(path).under(base) : located(path), now, former));
      });
    }
  }

  @Override
  public VirtualFileSystem subtree(VirtualPath directory) throws VfsException {
    VirtualFileSystem subtree = files.subtree(directory);
    try {
      return new RecordingFileSystem(subtree, changes, storage, files.canonical(directory).under(base));
    } catch (VfsException e) {
      subtree.close();
      throw e;
    }
  }

  @Override
  public VirtualFileSystem staging(VirtualPath target, long room) throws VfsException {
    return StagingFileSystem.of(this, target);
  }

  /** A file that is changed as it is: other nodes are told when that ends, however it does. */
  private final class RecordedFile extends FileLayer {
    private final VirtualPath at;
    private final Optional<FileAttributes> former;
    private boolean isChanged;
    private boolean ended;

    /** @param former as it was when it was opened */
    RecordedFile(OpenFile file, VirtualPath at, Optional<FileAttributes> former) {
      super(file);
      this.at = at;
      this.former = former;
    }

    @Override
    public long transferTo(long position, long count, WritableByteChannel target) throws IOException {
      return file.transferTo(position, count, target);
    }

    @Override
    public void write(ByteBuffer source, long position) throws VfsException {
      isChanged = true;
      file.write(source, position);
    }

    @Override
    public void setAttributes(AttributeChange change) throws VfsException {
      isChanged = true;
      file.setAttributes(change);
    }

    private void tellIfChanged() {
      if (isChanged && !ended) {
        tell(since(), () -> {
          Object key = file.attributes().key();
          // It may have another name by now, or none; what has this one is told of by who made it. What is written after a rename is not told.
          return look(at.from(base)).filter(now -> now.key().equals(key)).map(now -> written(at, now, former)).stream().toList();
        });
      }
      ended = true;
    }

    @Override
    public void close() throws VfsException {
      tellIfChanged();
      file.close();
    }

    @Override
    public void abandon() {
      tellIfChanged();
      file.abandon();
    }
  }
}
