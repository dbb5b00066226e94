package io.flotilla.vfs;

import io.flotilla.vfs.OtherNodes.Location;
import io.flotilla.vfs.RecentChange.Other;
import io.flotilla.vfs.RecentChange.Removed;
import io.flotilla.vfs.RecentChange.Version;
import io.flotilla.vfs.RecentChange.Written;
import io.flotilla.vfs.RecentChanges.Known;
import java.nio.ByteBuffer;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A tree of a storage of which each node has a copy, as it will be when a synchroniser has brought what the other nodes changed lately:
 * what they wrote is shown, and read from the node that wrote it; what they removed is hidden, if it is that very version; anything else
 * is shown as it is here. What has not arrived is removed and renamed at the node that has it, and can't be changed in another way. Of a
 * file that has arrived what is here counts. Used by one thread at a time.
 */
final class ArrivingFileSystem extends FileSystemLayer {
  private static final Logger log = LoggerFactory.getLogger(ArrivingFileSystem.class);
  private static final int SHOWN_PERMISSIONS = 0755;
  /** How much is looked at to say whether a directory that another node removed is empty. */
  private static final int MAX_LOOKED = 10_000;
  /** How often a change is followed that comes while one is asked for. */
  private static final int MAX_TRIES = 3;

  private final RecordingFileSystem own;
  private final RecentChanges changes;
  private final OtherNodes others;
  private final String storage;

  /** @param files closed with this */
  ArrivingFileSystem(RecordingFileSystem files, RecentChanges changes, OtherNodes others, String storage) {
    super(files);
    this.own = files;
    this.changes = changes;
    this.others = others;
    this.storage = storage;
  }

  /** What another node did to a path that has not arrived: at most one of the two is there. */
  private sealed interface Expected {}

  /** It is as known there, or, where nothing is known of a directory itself, on the way to something that is. */
  private record Coming(VirtualPath at, Optional<Known> known, Written written) implements Expected {
    String node() {
      return known.orElseThrow().node();
    }
  }

  private record Going(Known known, Removed removed) implements Expected {}

  private record Nothing() implements Expected {}

  private static final Nothing NOTHING = new Nothing();

  private Expected expected(VirtualPath path) {
    if (!changes.hasForeign(storage) || path.isRoot() || Partials.isHidden(path)) {
      return NOTHING;
    }
    try {
      return expectedAt(located(path));
    } catch (VfsException e) {
      return NOTHING; // the operation itself says what is wrong with the path
    }
  }

  private Expected expectedAt(VirtualPath at) {
    Optional<Known> known = changes.expected(storage, at);
    if (known.isPresent()) {
      switch (known.get().state()) {
        case Written written -> {
          return new Coming(at, known, written);
        }
        case Removed removed -> {
          if (!isOnTheWay(at)) {
            return new Going(known.get(), removed);
          }
        }
        case Other _ -> {
          return NOTHING;
        }
      }
    }
    return isOnTheWay(at) ? new Coming(at, Optional.empty(),
        new Written(true, new Version(0, Instant.EPOCH), SHOWN_PERMISSIONS)) : NOTHING;
  }

  private boolean isOnTheWay(VirtualPath at) {
    return changes.isAnythingComing(storage, at);
  }

  /** Where a path is in the storage, links resolved as far as it exists here. */
  private VirtualPath located(VirtualPath path) throws VfsException {
    if (path.isRoot()) {
      return own.base();
    }
    for (VirtualPath at = path.parent(); ; at = at.parent()) {
      if (at.isRoot()) {
        return path.under(own.base());
      }
      try {
        return path.from(at).under(files.canonical(at)).under(own.base());
      } catch (VfsException e) {
        if (e.error() != VfsError.NOT_FOUND && e.error() != VfsError.NOT_A_DIRECTORY) {
          throw e;
        }
      }
    }
  }

  private interface Call<T> {
    T make() throws VfsException;
  }

  private static VfsException notFound(VirtualPath path) {
    return new VfsException(VfsError.NOT_FOUND, path);
  }

  private static VfsException notArrived(VirtualPath path) {
    return new VfsException(VfsError.NOT_ARRIVED, path);
  }

  private static FileAttributes shown(Coming coming) {
    Written written = coming.written();
    Instant modified = written.version().modified();
    return new FileAttributes(written.isDirectory() ? FileAttributes.Kind.DIRECTORY : FileAttributes.Kind.FILE, written.version().size(),
        written.permissions(), 1, modified, modified, modified, new FileAttributes.NotHere(coming.at(), written.version()));
  }

  /**
   * Whether what is here counts: it is what is expected, or it is not known to be older. What nobody has told of may be newer, and is
   * neither hidden nor taken away.
   */
  private boolean counts(Coming coming, FileAttributes here) {
    coming.known().filter(known -> known.change().hasArrivedAs(here)).ifPresent(changes::settle);
    return coming.known().filter(known -> !known.change().hasArrivedAs(here) && known.isNewerThan(here)).isEmpty();
  }

  private boolean isGone(Going going, VirtualPath path, FileAttributes here) throws VfsException {
    return going.removed().isDirectory() && here.isDirectory() ? isEmpty(path, new int[] {MAX_LOOKED})
        : going.known().isNewerThan(here); // a directory may have been in a file's place
  }

  /** Whether nothing in a directory is shown, not even what unfinished uploads consist of. */
  private boolean isEmpty(VirtualPath directory, int[] left) throws VfsException {
    VirtualPath at = located(directory);
    try (DirectoryListing listing = files.list(directory)) {
      for (DirectoryListing.Entry entry = listing.next(); entry != null; entry = listing.next()) {
        boolean isGone = left[0]-- > 0 && !Partials.isHidden(entry.name()) && expectedAt(at.child(entry.name())) instanceof Going going
            && (entry.attributes().isDirectory() ? going.removed().isDirectory() && isEmpty(directory.child(entry.name()), left)
                : going.known().isNewerThan(entry.attributes()));
        if (!isGone) {
          return false;
        }
      }
      return true;
    }
  }

  private FileAttributes here(VirtualPath path) throws VfsException {
    return here(path, () -> files.lstat(path));
  }

  /** Nothing is in a directory that is still to come, though there is a file in its place yet. */
  private <T> T here(VirtualPath path, Call<T> call) throws VfsException {
    try {
      return call.make();
    } catch (VfsException e) {
      throw e.error() == VfsError.NOT_A_DIRECTORY && isInWhatComes(path) ? notFound(path) : e;
    }
  }

  private boolean isInWhatComes(VirtualPath path) throws VfsException {
    for (VirtualPath at = path.isRoot() ? path : path.parent(); !at.isRoot(); at = at.parent()) {
      if (coming(at).filter(coming -> coming.written().isDirectory()).isPresent()) {
        return true;
      }
    }
    return false;
  }

  private FileAttributes look(VirtualPath path, Look look) throws VfsException {
    return switch (expected(path)) {
      case Nothing _ -> here(path, () -> look.at(path));
      case Coming coming -> find(path, at -> here(at, () -> look.at(at))).filter(here -> counts(coming, here)).orElseGet(() -> shown(coming));
      case Going going -> {
        FileAttributes here = here(path, () -> look.at(path));
        if (isGone(going, path, here)) {
          throw notFound(path);
        }
        yield here;
      }
    };
  }

  @Override
  public FileAttributes stat(VirtualPath path) throws VfsException {
    return look(followed(path), files::stat);
  }

  /** Where a link leads that is here; other nodes tell of what is there. */
  private VirtualPath followed(VirtualPath path) {
    if (!changes.hasForeign(storage) || path.isRoot()) {
      return path;
    }
    try {
      return files.lstat(path).kind() == FileAttributes.Kind.SYMLINK ? files.canonical(path) : path;
    } catch (VfsException e) {
      return path; // what it is for says what is wrong with it
    }
  }

  @Override
  public FileAttributes lstat(VirtualPath path) throws VfsException {
    return look(path, files::lstat);
  }

  /** What is expected of a path and has not arrived, now that it was looked at. */
  private Optional<Coming> coming(VirtualPath path) throws VfsException {
    if (expected(path) instanceof Coming coming) {
      return find(path, this::here).filter(here -> counts(coming, here)).isPresent() ? Optional.empty() : Optional.of(coming);
    }
    return Optional.empty();
  }

  /** Whether something is here that another node removed. */
  private boolean isGoing(VirtualPath path) throws VfsException {
    if (expected(path) instanceof Going going) {
      Optional<FileAttributes> here = find(path, this::here);
      return here.isPresent() && isGone(going, path, here.get());
    }
    return false;
  }

  @Override
  public OpenFile open(VirtualPath given, OpenMode mode, int permissions) throws VfsException {
    VirtualPath path = mode.exclusive() ? given : followed(given);
    for (int i = 0; i < MAX_TRIES; i++) {
      Optional<Coming> coming = coming(path);
      if (coming.isEmpty()) {
        if (isGoing(path)) {
          throw notFound(path);
        }
        return here(path, () -> files.open(path, mode, permissions));
      }
      if (coming.get().written().isDirectory()) {
        throw new VfsException(VfsError.IS_A_DIRECTORY, path);
      }
      if (mode.write()) {
        throw notArrived(path);
      }
      Coming asked = coming.get();
      Optional<OpenFile> there = named(path, () -> others.open(asked.node(), new Location(storage, asked.at()), asked.written().version()));
      if (there.isPresent()) {
        return new ArrivingFile(there.get(), path, shown(asked));
      }
      dropIfLast(path, asked);
    }
    throw notArrived(path);
  }

  /**
   * After a node has said that it does not have a version any longer: if it has told nothing newer, something was done past the cluster
   * there. Then what was told does not hold; but what is here is older than that, so it is not what is to be had either.
   */
  private void dropIfLast(VirtualPath path, Coming asked) throws VfsException {
    if (coming(path).filter(now -> now.known().equals(asked.known())).isPresent()) {
      if (find(path, this::here).isPresent()) {
        throw notArrived(path);
      }
      asked.known().ifPresent(changes::settle);
    }
  }

  /** Tells what fails by the path that is known here. */
  private static <T> T named(VirtualPath path, Call<T> call) throws VfsException {
    try {
      return call.make();
    } catch (VfsException e) {
      throw named(path, e);
    }
  }

  private static VfsException named(VirtualPath path, VfsException e) {
    return e.error() == VfsError.NOT_ARRIVED ? new VfsException(VfsError.NOT_ARRIVED, path, e.getMessage())
        : new VfsException(e.error(), path);
  }

  @Override
  public DirectoryListing list(VirtualPath directory) throws VfsException {
    if (!changes.hasForeign(storage)) {
      return files.list(directory);
    }
    Optional<Coming> coming = coming(directory);
    if (coming.isEmpty() && isGoing(directory)) {
      throw notFound(directory);
    }
    if (coming.isPresent() && !coming.get().written().isDirectory()) {
      throw new VfsException(VfsError.NOT_A_DIRECTORY, directory);
    }
    Map<String, Expected> entries = new HashMap<>();
    for (VirtualPath entry : changes.changedIn(storage, directory.isRoot() ? own.base() : located(directory.child("a")).parent())) {
      Expected expected = expectedAt(entry);
      if (!(expected instanceof Nothing)) {
        entries.put(entry.name(), expected);
      }
    }
    DirectoryListing here = coming.isPresent() && !isDirectoryHere(directory) ? null : files.list(directory);
    return entries.isEmpty() && here != null ? here : new ArrivingListing(here, entries, directory);
  }

  /** Makes a directory here that another node has made, and those above it, also in place of an older file; does nothing if it is here. */
  private void ensure(VirtualPath directory) throws VfsException {
    if (!changes.hasForeign(storage) || directory.isRoot()) {
      return;
    }
    Optional<Coming> coming = coming(directory);
    if (coming.isPresent() && coming.get().written().isDirectory()) {
      ensure(directory.parent());
      removeOlder(directory, coming.get());
      try {
        files.makeDirectory(directory, coming.get().written().permissions());
      } catch (VfsException e) {
        if (e.error() != VfsError.EXISTS) {
          throw e;
        }
      }
    }
  }

  @Override
  public void makeDirectory(VirtualPath path, int permissions) throws VfsException {
    if (coming(path).isPresent()) {
      throw new VfsException(VfsError.EXISTS, path);
    }
    ensure(path.parent());
    clear(path);
    files.makeDirectory(path, permissions);
  }

  /** Removes what another node removed, as the synchroniser would; the name stays taken if something else has come meanwhile. */
  private void clear(VirtualPath path) throws VfsException {
    if (!(expected(path) instanceof Going going)) {
      return;
    }
    Optional<FileAttributes> here = find(path, this::here);
    if (here.isEmpty() || !isGone(going, path, here.get())) {
      return;
    }
    if (!here.get().isDirectory()) {
      takeAway(path, here.get(), going.known());
      return;
    }
    clearBeneath(path);
    try {
      files.removeDirectory(path);
    } catch (VfsException e) {
      if (e.error() != VfsError.NOT_EMPTY && e.error() != VfsError.NOT_FOUND) {
        throw e;
      }
    }
  }

  /** Goes through what other nodes changed in a directory that is here, what is deepest first. */
  private void clearBeneath(VirtualPath directory) throws VfsException {
    for (VirtualPath changed : changes.changedIn(storage, located(directory.child("a")).parent())) {
      VirtualPath entry = directory.child(changed.name());
      if (isDirectoryHere(entry)) {
        clearBeneath(entry);
      }
      clear(entry);
    }
  }

  private boolean isDirectoryHere(VirtualPath path) throws VfsException {
    return find(path, this::here).filter(FileAttributes::isDirectory).isPresent();
  }

  /**
   * Removes a file that is known to be older than what another node did. It is moved aside first and looked at again there: a session that
   * was answered already, the synchroniser or a program may have put another one in its place since it was seen, and no system call
   * removes a name only if it is still that file's. Nobody is told, since all know that this version is gone.
   *
   * @param seen what it was when it was found to be older
   * @param newer what another node did
   */
  private void takeAway(VirtualPath path, FileAttributes seen, Known newer) throws VfsException {
    VirtualPath aside = path.parent().child(Partials.aside());
    try {
      files.rename(path, aside, true); // nothing has that name, and without a flag this is one step on every file system
    } catch (VfsException e) {
      if (e.error() == VfsError.NOT_FOUND) {
        return; // the synchroniser was faster
      }
      throw e;
    }
    boolean isRemoved = false;
    try {
      FileAttributes moved = files.lstat(aside);
      boolean isSameVersion = Version.of(moved).equals(Version.of(seen));
      // The synchroniser may have brought another version that is over as well. Another file that only looks like this one is somebody's.
      if (isSameVersion ? moved.key().equals(seen.key()) : newer.isNewerThan(moved)) {
        files.removeFile(aside);
        isRemoved = true;
      }
    } finally {
      if (!isRemoved) {
        putBack(aside, path);
      }
    }
  }

  /** Gives a file its name back, or one beside it if that was taken again. */
  private void putBack(VirtualPath aside, VirtualPath path) throws VfsException {
    try {
      files.rename(aside, path, false);
    } catch (VfsException e) {
      VirtualPath at = located(path);
      if (e.error() != VfsError.EXISTS) {
        log.error("A file of storage {} is at {} now instead of {}; move it back before it is deleted as an unfinished upload: {}",
            storage, at.parent().child(aside.name()), at, e.getMessage());
        throw e;
      }
      VirtualPath beside = path.parent().child(Partials.shown(aside.name()));
      log.warn("Two files came to {} of storage {} at the same moment, while an older one was taken away; the first is {} now",
          at, storage, beside.name());
      files.rename(aside, beside, false);
    }
  }

  @Override
  public void removeFile(VirtualPath path) throws VfsException {
    for (int i = 0; i < MAX_TRIES; i++) {
      Optional<Coming> coming = coming(path);
      if (coming.isEmpty()) {
        if (isGoing(path)) {
          throw notFound(path);
        }
        here(path, () -> {
          files.removeFile(path);
          return true;
        });
        return;
      }
      if (coming.get().written().isDirectory()) {
        throw new VfsException(VfsError.IS_A_DIRECTORY, path);
      }
      if (removeThere(path, coming.get())) {
        freed(path, coming.get());
        return;
      }
      dropIfLast(path, coming.get());
    }
    throw notArrived(path);
  }

  private boolean removeThere(VirtualPath path, Coming coming) throws VfsException {
    return named(path, () -> others.remove(coming.node(), new Location(storage, coming.at()), coming.written().asRemoved()));
  }

  /** Takes away what is known to be older than what another node has, or had a moment ago; anything else that has come meanwhile stays. */
  private void removeOlder(VirtualPath path, Coming newer) throws VfsException {
    Optional<FileAttributes> here = find(path, this::here);
    if (here.isPresent() && newer.known().isPresent() && newer.known().get().isNewerThan(here.get())) {
      takeAway(path, here.get(), newer.known().get());
    }
  }

  /** Another node has freed the name of a file that it had told of. It does not say so where it knows of a newer one, unknown here. */
  private void freed(VirtualPath path, Coming file) throws VfsException {
    removeOlder(path, file);
    file.known().ifPresent(changes::settle);
  }

  @Override
  public void removeDirectory(VirtualPath path) throws VfsException {
    for (int i = 0; i < MAX_TRIES; i++) {
      Optional<Coming> coming = coming(path);
      if (coming.isEmpty() && isGoing(path)) {
        throw notFound(path);
      }
      if (isAnythingStillComing(path)) {
        throw new VfsException(VfsError.NOT_EMPTY, path);
      }
      if (coming.isEmpty() || coming.get().known().isEmpty()) {
        removeDirectoryHere(path);
        return;
      }
      if (!coming.get().written().isDirectory()) {
        throw new VfsException(VfsError.NOT_A_DIRECTORY, path);
      }
      if (removeThere(path, coming.get())) {
        removeOlder(path, coming.get());
        return;
      }
      dropIfLast(path, coming.get());
    }
    throw notArrived(path);
  }

  /** Looks at all that is said to come beneath a directory, which may be here by now. */
  private boolean isAnythingStillComing(VirtualPath directory) throws VfsException {
    if (!changes.hasForeign(storage) || directory.isRoot() || Partials.isHidden(directory)) {
      return false;
    }
    VirtualPath at = located(directory);
    if (!isOnTheWay(at)) {
      return false;
    }
    for (Known known : changes.writtenBeneath(storage, at, MAX_LOOKED)) {
      VirtualPath path = known.path().from(at).under(directory);
      coming(path);
    }
    return isOnTheWay(at);
  }

  private void removeDirectoryHere(VirtualPath path) throws VfsException {
    try {
      files.removeDirectory(path);
    } catch (VfsException e) {
      if (e.error() != VfsError.NOT_EMPTY || !changes.hasForeign(storage)) {
        throw e;
      }
      clearBeneath(path);
      files.removeDirectory(path);
    }
  }

  @Override
  public void rename(VirtualPath from, VirtualPath to, boolean replace) throws VfsException {
    if (!changes.hasForeign(storage)) {
      files.rename(from, to, replace);
      return;
    }
    for (int i = 0; i < MAX_TRIES; i++) {
      Optional<Coming> target = coming(to);
      if (target.isPresent() && !replace) {
        throw new VfsException(VfsError.EXISTS, to);
      }
      if (target.isPresent() && target.get().written().isDirectory()) {
        throw new VfsException(VfsError.IS_A_DIRECTORY, to);
      }
      boolean isAnythingStillComing = isAnythingStillComing(from);
      Optional<Coming> moved = coming(from);
      if (moved.isEmpty()) {
        if (isGoing(from)) {
          throw notFound(from);
        }
        if (isAnythingStillComing) {
          throw notWhole(from);
        }
        renameHere(from, to, replace);
        return;
      }
      if (renameThere(from, moved.get(), to, replace)) {
        if (moved.get().written().isDirectory()) {
          removeOlder(from, moved.get());
        } else {
          freed(from, moved.get());
        }
        return;
      }
      dropIfLast(from, moved.get());
    }
    throw notArrived(from);
  }

  private static VfsException notWhole(VirtualPath directory) {
    return new VfsException(VfsError.NOT_ARRIVED, directory, "not all that is in it has arrived at this node yet; try again later");
  }

  private void renameHere(VirtualPath from, VirtualPath to, boolean replace) throws VfsException {
    prepareRename(from, to);
    ensure(to.parent());
    files.rename(from, to, replace);
  }

  /** Where it is; that node has all that is in a directory, or it is not done. */
  private boolean renameThere(VirtualPath from, Coming moved, VirtualPath to, boolean replace) throws VfsException {
    if (moved.known().isEmpty() || changes.writtenBeneath(storage, moved.at(), MAX_LOOKED).stream()
        .anyMatch(known -> !known.node().equals(moved.node()))) {
      throw notWhole(from);
    }
    if (!stat(to.parent()).isDirectory()) {
      throw new VfsException(VfsError.NOT_A_DIRECTORY, to);
    }
    if (!replace && find(to, this::lstat).isPresent()) {
      throw new VfsException(VfsError.EXISTS, to);
    }
    Location location = new Location(storage, moved.at());
    VirtualPath target = located(to);
    return named(from, () -> others.rename(moved.node(), location, target, replace, moved.written()));
  }

  /**
   * Removes what other nodes removed of the name that is to be taken, so that it can be, and of what is in a directory that gets it:
   * it would be seen again under the new path, of which nobody has told that it is gone.
   */
  void prepareRename(VirtualPath from, VirtualPath to) throws VfsException {
    if (changes.hasForeign(storage)) {
      clear(to);
      if (!Partials.isHidden(from) && isDirectoryHere(from)) {
        clearBeneath(from);
      }
    }
  }

  @Override
  public void makeSymlink(String target, VirtualPath link) throws VfsException {
    make(link);
    files.makeSymlink(target, link);
  }

  /** Prepares for a new name. */
  private void make(VirtualPath entry) throws VfsException {
    if (coming(entry).isPresent()) {
      throw new VfsException(VfsError.EXISTS, entry);
    }
    ensure(entry.parent());
    clear(entry);
  }

  @Override
  public String readSymlink(VirtualPath link) throws VfsException {
    if (coming(link).isPresent()) {
      throw new VfsException(VfsError.UNSUPPORTED, link, "it is not a symbolic link");
    }
    return files.readSymlink(link);
  }

  @Override
  public void makeHardLink(VirtualPath existing, VirtualPath link) throws VfsException {
    needHere(existing);
    make(link);
    files.makeHardLink(existing, link);
  }

  private void needHere(VirtualPath path) throws VfsException {
    ensure(path);
    if (coming(path).isPresent()) {
      throw notArrived(path);
    }
    if (isGoing(path)) {
      throw notFound(path);
    }
  }

  @Override
  public void setAttributes(VirtualPath path, AttributeChange change, boolean followLinks) throws VfsException {
    needHere(path);
    files.setAttributes(path, change, followLinks);
  }

  /** What is kept beside the contents comes with the file, if it does at all. */
  @Override
  public byte[] extraData(VirtualPath path, ExtraData name) throws VfsException {
    return coming(path).isPresent() ? new byte[0] : files.extraData(path, name);
  }

  @Override
  public void setExtraData(VirtualPath path, ExtraData name, byte[] data) throws VfsException {
    needHere(path);
    files.setExtraData(path, name, data);
  }

  @Override
  public SpaceInfo space(VirtualPath path) throws VfsException {
    return files.space(coming(path).isPresent() ? VirtualPath.ROOT : path);
  }

  @Override
  public VirtualPath canonical(VirtualPath path) throws VfsException {
    Optional<Coming> coming = coming(path);
    if (coming.isPresent()) {
      return coming.get().at().from(own.base());
    }
    if (isGoing(path)) {
      throw notFound(path);
    }
    return here(path, () -> files.canonical(path));
  }

  @Override
  public void syncDirectory(VirtualPath directory) throws VfsException {
    if (coming(directory).isEmpty()) {
      files.syncDirectory(directory);
    }
  }

  @Override
  public VirtualFileSystem subtree(VirtualPath directory) throws VfsException {
    ensure(directory);
    return new ArrivingFileSystem((RecordingFileSystem) own.subtree(directory), changes, others, storage);
  }

  @Override
  public VirtualFileSystem staging(VirtualPath target, long room) throws VfsException {
    return StagingFileSystem.of(this, target);
  }

  /** Leaves out what is gone elsewhere, and puts in what comes. */
  private final class ArrivingListing implements DirectoryListing {
    private final DirectoryListing here;
    private final Map<String, Expected> entries;
    private final VirtualPath directory;
    private Iterator<Map.Entry<String, Expected>> rest;

    /** @param here null if the directory has not arrived */
    ArrivingListing(DirectoryListing here, Map<String, Expected> entries, VirtualPath directory) {
      this.here = here;
      this.entries = entries;
      this.directory = directory;
    }

    @Override
    public Entry next() throws VfsException {
      for (Entry entry = here == null || rest != null ? null : here.next(); entry != null; entry = here.next()) {
        Expected expected = entries.remove(entry.name());
        switch (expected) {
          case null -> {
            return entry;
          }
          case Nothing _ -> {
            return entry;
          }
          case Coming coming -> {
            return counts(coming, entry.attributes()) ? entry : new Entry(entry.name(), shown(coming));
          }
          case Going going -> {
            if (!isGone(going, directory.child(entry.name()), entry.attributes())) {
              return entry;
            }
          }
        }
      }
      rest = rest == null ? entries.entrySet().iterator() : rest;
      while (rest.hasNext()) {
        Map.Entry<String, Expected> entry = rest.next();
        if (entry.getValue() instanceof Coming coming) {
          return new Entry(entry.getKey(), shown(coming));
        }
      }
      return null;
    }

    @Override
    public void close() {
      if (here != null) {
        here.close();
      }
    }
  }

  /** A file that another node has, told of by the path that is known here. */
  private static final class ArrivingFile extends FileLayer {
    private final VirtualPath path;
    private final FileAttributes shown;

    ArrivingFile(OpenFile file, VirtualPath path, FileAttributes shown) {
      super(file);
      this.path = path;
      this.shown = shown;
    }

    @Override
    public int read(ByteBuffer target, long position) throws VfsException {
      return named(path, () -> file.read(target, position));
    }

    @Override
    public void write(ByteBuffer source, long position) throws VfsException {
      throw new VfsException(VfsError.PERMISSION_DENIED, path);
    }

    @Override
    public FileAttributes attributes() {
      return shown;
    }

    @Override
    public void setAttributes(AttributeChange change) throws VfsException {
      throw notArrived(path);
    }

    @Override
    public void sync() {
      // Nothing was written.
    }
  }
}
