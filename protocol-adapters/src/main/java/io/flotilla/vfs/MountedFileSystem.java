package io.flotilla.vfs;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.WritableByteChannel;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * A home with other file systems mounted in it. What is mounted stands in place of what the home has there, shows in the
 * listing of its directory, and can't be removed or renamed, nor can a directory on the way to it; directories on the way
 * that the home hasn't got are shown too. Links stay within the file system that holds them. Names are not moved or linked
 * from one file system to another: OTHER_DEVICE, and clients copy. Used by one thread at a time.
 */
final class MountedFileSystem implements VirtualFileSystem {
  private static final int SHOWN_PERMISSIONS = 0755;

  private final VirtualFileSystem home;
  private final Map<VirtualPath, VirtualFileSystem> mounts;
  /** Every directory that has a mount directly or farther beneath it, with the names that lead there. */
  private final Map<VirtualPath, Set<String>> waysDown = new HashMap<>();

  /** A path as one of the file systems has it. */
  private record Place(VirtualPath root, VirtualFileSystem files, VirtualPath path) {}

  /**
   * @param home closed with this, as is what is mounted
   * @param mounts by path, never the root. One that can't be used is shown all the same, and every use of it fails
   */
  MountedFileSystem(VirtualFileSystem home, Map<VirtualPath, VirtualFileSystem> mounts) {
    this.home = home;
    this.mounts = Map.copyOf(mounts);
    for (VirtualPath mount : mounts.keySet()) {
      for (VirtualPath path = mount; !path.isRoot(); path = path.parent()) {
        waysDown.computeIfAbsent(path.parent(), directory -> new HashSet<>()).add(path.name());
      }
    }
  }

  private Place place(VirtualPath path) {
    for (VirtualPath at = path; !at.isRoot(); at = at.parent()) {
      VirtualFileSystem mounted = mounts.get(at);
      if (mounted != null) {
        return new Place(at, mounted, path.from(at));
      }
    }
    return new Place(VirtualPath.ROOT, home, path);
  }

  /** Whether a path is a mount, or a directory on the way to one. */
  private boolean isHeld(VirtualPath path) {
    return mounts.containsKey(path) || waysDown.containsKey(path);
  }

  private VirtualPath notHeld(VirtualPath path) throws VfsException {
    if (isHeld(path) && !path.isRoot()) {
      throw new VfsException(VfsError.PERMISSION_DENIED, path, "a folder is mounted there");
    }
    return path;
  }

  private interface Action<T> {
    T on(VirtualFileSystem files, VirtualPath path) throws VfsException;
  }

  private interface Change {
    void on(VirtualFileSystem files, VirtualPath path) throws VfsException;
  }

  /** Runs an action where the path belongs; what fails is told by the path that the client knows. */
  private <T> T run(VirtualPath path, Action<T> action) throws VfsException {
    Place place = place(path);
    try {
      return action.on(place.files(), place.path());
    } catch (VfsException e) {
      throw e.in(place.root());
    }
  }

  private void change(VirtualPath path, Change change) throws VfsException {
    run(path, (files, inner) -> {
      change.on(files, inner);
      return null;
    });
  }

  private FileAttributes look(VirtualPath path, Action<FileAttributes> look) throws VfsException {
    try {
      return run(path, look);
    } catch (VfsException e) {
      // One folder whose storage fails must not take the listing around it away.
      boolean shown = mounts.containsKey(path)
          || e.error() == VfsError.NOT_FOUND && waysDown.containsKey(path);
      if (!shown) {
        throw e;
      }
      return new FileAttributes(
          FileAttributes.Kind.DIRECTORY, 0, SHOWN_PERMISSIONS, 1, Instant.EPOCH, Instant.EPOCH, Instant.EPOCH, path);
    }
  }

  @Override
  public FileAttributes stat(VirtualPath path) throws VfsException {
    return look(path, VirtualFileSystem::stat);
  }

  @Override
  public FileAttributes lstat(VirtualPath path) throws VfsException {
    return look(path, VirtualFileSystem::lstat);
  }

  @Override
  public OpenFile open(VirtualPath path, OpenMode mode, int permissions) throws VfsException {
    if (isHeld(path)) {
      throw new VfsException(VfsError.IS_A_DIRECTORY, path);
    }
    OpenFile file = run(path, (files, inner) -> files.open(inner, mode, permissions));
    VirtualPath root = place(path).root();
    return root.isRoot() ? file : new MountedFile(file, root);
  }

  @Override
  public DirectoryListing list(VirtualPath directory) throws VfsException {
    Set<String> below = waysDown.getOrDefault(directory, Set.of());
    if (below.isEmpty()) {
      return listOwn(directory);
    }
    List<DirectoryListing.Entry> shown = new ArrayList<>();
    for (String name : below) {
      shown.add(new DirectoryListing.Entry(name, stat(directory.child(name))));
    }
    DirectoryListing own;
    try {
      own = listOwn(directory);
    } catch (VfsException e) {
      if (e.error() != VfsError.NOT_FOUND) {
        throw e;
      }
      own = null;
    }
    return new WithMounts(own, shown, below);
  }

  private DirectoryListing listOwn(VirtualPath directory) throws VfsException {
    DirectoryListing listing = run(directory, VirtualFileSystem::list);
    VirtualPath root = place(directory).root();
    return root.isRoot() ? listing : new MountedListing(listing, root);
  }

  @Override
  public void makeDirectory(VirtualPath path, int permissions) throws VfsException {
    if (isHeld(path)) {
      throw new VfsException(VfsError.EXISTS, path);
    }
    change(path, (files, inner) -> files.makeDirectory(inner, permissions));
  }

  @Override
  public void removeFile(VirtualPath path) throws VfsException {
    change(notHeld(path), VirtualFileSystem::removeFile);
  }

  @Override
  public void removeDirectory(VirtualPath path) throws VfsException {
    change(notHeld(path), VirtualFileSystem::removeDirectory);
  }

  @Override
  public void rename(VirtualPath from, VirtualPath to, boolean replace) throws VfsException {
    Place target = sameFileSystem(notHeld(from), notHeld(to));
    change(from, (files, inner) -> files.rename(inner, target.path(), replace));
  }

  private Place sameFileSystem(VirtualPath from, VirtualPath to) throws VfsException {
    Place target = place(to);
    if (!place(from).root().equals(target.root())) {
      throw new VfsException(VfsError.OTHER_DEVICE, from);
    }
    return target;
  }

  @Override
  public void makeSymlink(String target, VirtualPath link) throws VfsException {
    change(notHeld(link), (files, inner) -> files.makeSymlink(target, inner));
  }

  @Override
  public String readSymlink(VirtualPath link) throws VfsException {
    return run(link, VirtualFileSystem::readSymlink);
  }

  @Override
  public void makeHardLink(VirtualPath existing, VirtualPath link) throws VfsException {
    Place target = sameFileSystem(notHeld(existing), notHeld(link));
    change(existing, (files, inner) -> files.makeHardLink(inner, target.path()));
  }

  @Override
  public void setAttributes(VirtualPath path, AttributeChange change, boolean followLinks) throws VfsException {
    change(path, (files, inner) -> files.setAttributes(inner, change, followLinks));
  }

  @Override
  public SpaceInfo space(VirtualPath path) throws VfsException {
    return run(path, VirtualFileSystem::space);
  }

  @Override
  public VirtualPath canonical(VirtualPath path) throws VfsException {
    if (mounts.containsKey(path)) {
      return path; // also of one that doesn't answer, or it could not be shown
    }
    Place place = place(path);
    try {
      return place.files().canonical(place.path()).under(place.root());
    } catch (VfsException e) {
      if (e.error() == VfsError.NOT_FOUND && waysDown.containsKey(path)) {
        return path;
      }
      throw e.in(place.root());
    }
  }

  @Override
  public void syncDirectory(VirtualPath directory) throws VfsException {
    change(directory, VirtualFileSystem::syncDirectory);
  }

  @Override
  public VirtualFileSystem subtree(VirtualPath directory) throws VfsException {
    VirtualFileSystem root = run(directory, VirtualFileSystem::subtree);
    Map<VirtualPath, VirtualFileSystem> beneath = new HashMap<>();
    try {
      for (Map.Entry<VirtualPath, VirtualFileSystem> mount : mounts.entrySet()) {
        if (mount.getKey().isWithin(directory) && !mount.getKey().equals(directory)) {
          beneath.put(mount.getKey().from(directory), mount.getValue().subtree(VirtualPath.ROOT));
        }
      }
      return beneath.isEmpty() ? root : new MountedFileSystem(root, beneath);
    } catch (VfsException e) {
      new MountedFileSystem(root, beneath).close();
      throw e;
    }
  }

  @Override
  public VirtualFileSystem staging(VirtualPath target, long room) throws VfsException {
    if (isHeld(target)) {
      throw new VfsException(VfsError.IS_A_DIRECTORY, target);
    }
    return run(target, (files, inner) -> files.staging(inner, room));
  }

  @Override
  public void close() {
    home.close();
    mounts.values().forEach(VirtualFileSystem::close);
  }

  /** An open file whose failures are told by the path that the client knows. */
  private record MountedFile(OpenFile file, VirtualPath root) implements OpenFile {
    @Override
    public int read(ByteBuffer target, long position) throws VfsException {
      try {
        return file.read(target, position);
      } catch (VfsException e) {
        throw e.in(root);
      }
    }

    @Override
    public long transferTo(long position, long count, WritableByteChannel target) throws IOException {
      try {
        return file.transferTo(position, count, target);
      } catch (VfsException e) {
        throw e.in(root);
      }
    }

    @Override
    public void write(ByteBuffer source, long position) throws VfsException {
      try {
        file.write(source, position);
      } catch (VfsException e) {
        throw e.in(root);
      }
    }

    @Override
    public FileAttributes attributes() throws VfsException {
      try {
        return file.attributes();
      } catch (VfsException e) {
        throw e.in(root);
      }
    }

    @Override
    public void setAttributes(AttributeChange change) throws VfsException {
      try {
        file.setAttributes(change);
      } catch (VfsException e) {
        throw e.in(root);
      }
    }

    @Override
    public void sync() throws VfsException {
      try {
        file.sync();
      } catch (VfsException e) {
        throw e.in(root);
      }
    }

    @Override
    public void close() throws VfsException {
      try {
        file.close();
      } catch (VfsException e) {
        throw e.in(root);
      }
    }

    @Override
    public void abandon() {
      file.abandon();
    }
  }

  private record MountedListing(DirectoryListing listing, VirtualPath root) implements DirectoryListing {
    @Override
    public Entry next() throws VfsException {
      try {
        return listing.next();
      } catch (VfsException e) {
        throw e.in(root);
      }
    }

    @Override
    public void close() {
      listing.close();
    }
  }

  /** The mounts first, then what the directory itself has under other names. */
  private static final class WithMounts implements DirectoryListing {
    private final DirectoryListing own;
    private final List<Entry> shown;
    private final Set<String> hidden;
    private int next;

    /** @param own null if the directory is there only for the mounts */
    WithMounts(DirectoryListing own, List<Entry> shown, Set<String> hidden) {
      this.own = own;
      this.shown = shown;
      this.hidden = hidden;
    }

    @Override
    public Entry next() throws VfsException {
      if (next < shown.size()) {
        return shown.get(next++);
      }
      Entry entry = own == null ? null : own.next();
      while (entry != null && hidden.contains(entry.name())) {
        entry = own.next();
      }
      return entry;
    }

    @Override
    public void close() {
      if (own != null) {
        own.close();
      }
    }
  }
}
