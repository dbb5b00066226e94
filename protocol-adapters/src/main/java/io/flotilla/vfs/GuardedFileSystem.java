package io.flotilla.vfs;

import java.util.List;

/**
 * A tree of a guarded storage: nothing in it is changed unless its {@link StorageGuard} agrees, and the marker itself is
 * never touched, by whatever name or link it is reached. Files that are open may be written on, since they belong to the file
 * system that was mounted. Used by one thread at a time.
 */
final class GuardedFileSystem extends InterceptedFileSystem {
  private final VirtualFileSystem files;
  private final StorageGuard guard;
  /** Whether the root of this tree is the storage's, where the marker is. */
  private final boolean hasMarker;

  private GuardedFileSystem(VirtualFileSystem files, StorageGuard guard, boolean hasMarker) {
    this.files = files;
    this.guard = guard;
    this.hasMarker = hasMarker;
  }

  /** @param files the storage itself; closed with this */
  static GuardedFileSystem atRoot(VirtualFileSystem files, StorageGuard guard) {
    return new GuardedFileSystem(files, guard, true);
  }

  @Override
  <T> T perform(Use use, List<VirtualPath> paths, Operation<T> operation) throws VfsException {
    if (use != Use.LOOK) {
      guard.check();
      if (hasMarker) {
        for (VirtualPath path : paths) {
          refuseMarker(use, path);
        }
      }
    }
    return operation.on(files);
  }

  /**
   * By its identity, since links lead to it, and a storage may take names for the same that differ in case or in how they are
   * composed. By its name as well: nobody makes one in an empty place.
   */
  private void refuseMarker(Use use, VirtualPath path) throws VfsException {
    if (path.name().equalsIgnoreCase(guard.marker()) && files.canonical(path.parent()).isRoot()) {
      throw new VfsException(VfsError.PERMISSION_DENIED, path);
    }
    FileAttributes found;
    try {
      found = use == Use.CHANGE_TARGET ? files.stat(path) : files.lstat(path);
    } catch (VfsException e) {
      return; // there is nothing, or the operation itself says what is wrong
    }
    if (guard.isMarker(found.key())) {
      throw new VfsException(VfsError.PERMISSION_DENIED, path);
    }
  }

  @Override
  OpenFile opened(OpenFile file, OpenMode mode) {
    return file;
  }

  @Override
  DirectoryListing opened(DirectoryListing listing) {
    return listing;
  }

  @Override
  VirtualFileSystem opened(VirtualFileSystem subtree, VirtualPath directory) throws VfsException {
    boolean isRoot = false;
    try {
      isRoot = hasMarker && files.canonical(directory).isRoot();
    } catch (VfsException e) {
      subtree.close();
      throw e;
    }
    return new GuardedFileSystem(subtree, guard, isRoot);
  }

  @Override
  public void close() {
    files.close();
  }
}
