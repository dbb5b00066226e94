package io.flotilla.vfs;

/**
 * A directory in which only what uploads by segments consist of can be seen and changed, and to one name of which a finished upload may
 * be renamed. Used by one thread at a time.
 */
final class StagingFileSystem extends FileSystemLayer {
  private final String target;
  private final boolean mayReplace;

  /**
   * @param files the directory; closed with this
   * @param target the name that a finished upload gets
   * @param mayReplace whether it may take the place of a file
   */
  StagingFileSystem(VirtualFileSystem files, String target, boolean mayReplace) {
    super(files);
    this.target = target;
    this.mayReplace = mayReplace;
  }

  static StagingFileSystem of(VirtualFileSystem files, VirtualPath target) throws VfsException {
    if (target.isRoot()) {
      throw new VfsException(VfsError.IS_A_DIRECTORY, target);
    }
    return new StagingFileSystem(files.subtree(target.parent()), target.name(), true);
  }

  /** Other nodes are told nothing of what an upload consists of, so that these layers show of it what is beneath. */
  private static VirtualFileSystem bottom(VirtualFileSystem files) {
    return switch (files) {
      case ArrivingFileSystem arriving -> bottom(arriving.files);
      case RecordingFileSystem recording -> bottom(recording.files);
      default -> files;
    };
  }

  private static boolean isStaged(VirtualPath path) {
    return !path.isRoot() && path.parent().isRoot() && Partials.isSegmented(path.name());
  }

  private boolean isTarget(VirtualPath path) {
    return !path.isRoot() && path.parent().isRoot() && path.name().equals(target);
  }

  private VirtualPath staged(VirtualPath path) throws VfsException {
    if (!isStaged(path)) {
      throw denied(path);
    }
    return path;
  }

  private VirtualPath known(VirtualPath path) throws VfsException {
    return path.isRoot() || isTarget(path) ? path : staged(path);
  }

  private static VfsException denied(VirtualPath path) {
    return new VfsException(VfsError.PERMISSION_DENIED, path);
  }

  @Override
  public FileAttributes stat(VirtualPath path) throws VfsException {
    return files.stat(known(path));
  }

  @Override
  public FileAttributes lstat(VirtualPath path) throws VfsException {
    return files.lstat(known(path));
  }

  @Override
  public OpenFile open(VirtualPath path, OpenMode mode, int permissions) throws VfsException {
    return files.open(staged(path), mode, permissions);
  }

  @Override
  public DirectoryListing list(VirtualPath directory) throws VfsException {
    if (bottom(files) instanceof LinuxVirtualFileSystem linux) {
      return linux.list(directory, Partials::isSegmented);
    }
    DirectoryListing all = files.list(directory);
    return new DirectoryListing() {
      @Override
      public Entry next() throws VfsException {
        Entry entry = all.next();
        while (entry != null && !Partials.isSegmented(entry.name())) {
          entry = all.next();
        }
        return entry;
      }

      @Override
      public void close() {
        all.close();
      }
    };
  }

  @Override
  public void makeDirectory(VirtualPath path, int permissions) throws VfsException {
    throw denied(path);
  }

  @Override
  public void removeFile(VirtualPath path) throws VfsException {
    files.removeFile(staged(path));
  }

  @Override
  public void removeDirectory(VirtualPath path) throws VfsException {
    throw denied(path);
  }

  @Override
  public void rename(VirtualPath from, VirtualPath to, boolean replace) throws VfsException {
    staged(from);
    files.rename(from, isTarget(to) ? to : staged(to), replace && mayReplace);
  }

  @Override
  public void makeSymlink(String linkTarget, VirtualPath link) throws VfsException {
    throw denied(link);
  }

  @Override
  public String readSymlink(VirtualPath link) throws VfsException {
    throw denied(link);
  }

  @Override
  public void makeHardLink(VirtualPath existing, VirtualPath link) throws VfsException {
    throw denied(link);
  }

  @Override
  public void setAttributes(VirtualPath path, AttributeChange change, boolean followLinks) throws VfsException {
    files.setAttributes(staged(path), change, followLinks);
  }

  @Override
  public byte[] extraData(VirtualPath path, ExtraData name) throws VfsException {
    return files.extraData(known(path), name);
  }

  @Override
  public void setExtraData(VirtualPath path, ExtraData name, byte[] data) throws VfsException {
    files.setExtraData(staged(path), name, data);
  }

  @Override
  public SpaceInfo space(VirtualPath path) throws VfsException {
    return files.space(known(path));
  }

  @Override
  public void syncDirectory(VirtualPath directory) throws VfsException {
    files.syncDirectory(known(directory));
  }

  @Override
  public VirtualPath canonical(VirtualPath path) throws VfsException {
    return files.canonical(known(path));
  }

  @Override
  public VirtualFileSystem subtree(VirtualPath directory) throws VfsException {
    if (!directory.isRoot()) {
      throw denied(directory);
    }
    return new StagingFileSystem(files.subtree(directory), target, mayReplace);
  }

  @Override
  public VirtualFileSystem staging(VirtualPath path, long room) throws VfsException {
    throw denied(path);
  }
}
