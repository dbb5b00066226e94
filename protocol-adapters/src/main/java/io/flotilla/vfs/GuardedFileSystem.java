package io.flotilla.vfs;

/**
 * A tree of a guarded storage: nothing in it is changed unless its {@link StorageGuard} agrees, and the marker itself is
 * never touched. Files that are open may be written on, since they belong to the file system that was mounted. Used by one
 * thread at a time.
 */
final class GuardedFileSystem implements VirtualFileSystem {
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

  private void checkEntry(VirtualPath path) throws VfsException {
    guard.check();
    if (hasMarker && path.name().equals(guard.marker()) && files.canonical(path.parent()).isRoot()) {
      throw new VfsException(VfsError.PERMISSION_DENIED, path);
    }
  }

  @Override
  public FileAttributes stat(VirtualPath path) throws VfsException {
    return files.stat(path);
  }

  @Override
  public FileAttributes lstat(VirtualPath path) throws VfsException {
    return files.lstat(path);
  }

  @Override
  public OpenFile open(VirtualPath path, OpenMode mode, int permissions) throws VfsException {
    if (mode.write()) {
      checkEntry(path);
    }
    return files.open(path, mode, permissions);
  }

  @Override
  public DirectoryListing list(VirtualPath directory) throws VfsException {
    return files.list(directory);
  }

  @Override
  public void makeDirectory(VirtualPath path, int permissions) throws VfsException {
    guard.check();
    files.makeDirectory(path, permissions);
  }

  @Override
  public void removeFile(VirtualPath path) throws VfsException {
    checkEntry(path);
    files.removeFile(path);
  }

  @Override
  public void removeDirectory(VirtualPath path) throws VfsException {
    guard.check();
    files.removeDirectory(path);
  }

  @Override
  public void rename(VirtualPath from, VirtualPath to, boolean replace) throws VfsException {
    checkEntry(from);
    checkEntry(to);
    files.rename(from, to, replace);
  }

  @Override
  public void makeSymlink(String target, VirtualPath link) throws VfsException {
    guard.check();
    files.makeSymlink(target, link);
  }

  @Override
  public String readSymlink(VirtualPath link) throws VfsException {
    return files.readSymlink(link);
  }

  @Override
  public void makeHardLink(VirtualPath existing, VirtualPath link) throws VfsException {
    guard.check();
    files.makeHardLink(existing, link);
  }

  @Override
  public void setAttributes(VirtualPath path, AttributeChange change, boolean followLinks) throws VfsException {
    guard.check();
    files.setAttributes(path, change, followLinks);
  }

  @Override
  public SpaceInfo space(VirtualPath path) throws VfsException {
    return files.space(path);
  }

  @Override
  public VirtualPath canonical(VirtualPath path) throws VfsException {
    return files.canonical(path);
  }

  @Override
  public void syncDirectory(VirtualPath directory) throws VfsException {
    files.syncDirectory(directory);
  }

  @Override
  public VirtualFileSystem subtree(VirtualPath directory) throws VfsException {
    return new GuardedFileSystem(files.subtree(directory), guard, hasMarker && files.canonical(directory).isRoot());
  }

  @Override
  public void close() {
    files.close();
  }
}
