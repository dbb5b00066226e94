package io.flotilla.vfs;

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
  private final Map<VirtualPath, Mounted> mounts;
  /** Every directory that has a mount directly or farther beneath it, with the names that lead there. */
  private final Map<VirtualPath, Set<String>> waysDown = new HashMap<>();

  /** What is mounted at a path. A storage that can't be opened is still shown, and every use of it fails. */
  sealed interface Mounted {
    record Open(VirtualFileSystem files) implements Mounted {}

    record Unavailable() implements Mounted {}
  }

  /** A path as one of the file systems has it. */
  private record Place(VirtualPath root, VirtualFileSystem files, VirtualPath path) {}

  /**
   * @param home closed with this, as is what is mounted
   * @param mounts by path, never the root
   */
  MountedFileSystem(VirtualFileSystem home, Map<VirtualPath, Mounted> mounts) {
    this.home = home;
    this.mounts = Map.copyOf(mounts);
    for (VirtualPath mount : mounts.keySet()) {
      for (VirtualPath path = mount; !path.isRoot(); path = path.parent()) {
        waysDown.computeIfAbsent(path.parent(), directory -> new HashSet<>()).add(path.name());
      }
    }
  }

  private Place place(VirtualPath path) throws VfsException {
    for (VirtualPath at = path; !at.isRoot(); at = at.parent()) {
      switch (mounts.get(at)) {
        case null -> { }
        case Mounted.Open open -> {
          return new Place(at, open.files(), path.from(at));
        }
        case Mounted.Unavailable _ -> throw new VfsException(VfsError.IO, path + ": the storage is not available");
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
      throw new VfsException(VfsError.PERMISSION_DENIED, path + ": a folder is mounted there");
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
      throw place.root().isRoot() ? e : new VfsException(e.error(), path);
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
          FileAttributes.Kind.DIRECTORY, 0, SHOWN_PERMISSIONS, 1, Instant.EPOCH, Instant.EPOCH, path);
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
    return run(path, (files, inner) -> files.open(inner, mode, permissions));
  }

  @Override
  public DirectoryListing list(VirtualPath directory) throws VfsException {
    Set<String> below = waysDown.getOrDefault(directory, Set.of());
    if (below.isEmpty()) {
      return run(directory, VirtualFileSystem::list);
    }
    List<DirectoryListing.Entry> shown = new ArrayList<>();
    for (String name : below) {
      shown.add(new DirectoryListing.Entry(name, stat(directory.child(name))));
    }
    DirectoryListing own;
    try {
      own = run(directory, VirtualFileSystem::list);
    } catch (VfsException e) {
      if (e.error() != VfsError.NOT_FOUND) {
        throw e;
      }
      own = null;
    }
    return new WithMounts(own, shown, below);
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
    if (mounts.get(path) instanceof Mounted.Unavailable) {
      return path;
    }
    Place place = place(path);
    try {
      return place.files().canonical(place.path()).under(place.root());
    } catch (VfsException e) {
      if (e.error() == VfsError.NOT_FOUND && waysDown.containsKey(path)) {
        return path;
      }
      throw place.root().isRoot() ? e : new VfsException(e.error(), path);
    }
  }

  @Override
  public void syncDirectory(VirtualPath directory) throws VfsException {
    change(directory, VirtualFileSystem::syncDirectory);
  }

  @Override
  public VirtualFileSystem subtree(VirtualPath directory) throws VfsException {
    VirtualFileSystem root = run(directory, VirtualFileSystem::subtree);
    Map<VirtualPath, Mounted> beneath = new HashMap<>();
    try {
      for (Map.Entry<VirtualPath, Mounted> mount : mounts.entrySet()) {
        if (mount.getKey().isWithin(directory) && !mount.getKey().equals(directory)) {
          beneath.put(mount.getKey().from(directory), switch (mount.getValue()) {
            case Mounted.Open open -> new Mounted.Open(open.files().subtree(VirtualPath.ROOT));
            case Mounted.Unavailable unavailable -> unavailable;
          });
        }
      }
      return beneath.isEmpty() ? root : new MountedFileSystem(root, beneath);
    } catch (VfsException e) {
      new MountedFileSystem(root, beneath).close();
      throw e;
    }
  }

  @Override
  public void close() {
    home.close();
    for (Mounted mount : mounts.values()) {
      if (mount instanceof Mounted.Open open) {
        open.files().close();
      }
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
