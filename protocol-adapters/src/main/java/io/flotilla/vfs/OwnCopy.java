package io.flotilla.vfs;

/**
 * A storage as it is on this node, for another node: nothing of what is still to come, but a name that was freed elsewhere is free,
 * and what was removed elsewhere is not renamed along with its directory.
 */
final class OwnCopy extends FileSystemLayer {
  private final ArrivingFileSystem arriving;

  /** @param files closed with this */
  OwnCopy(RecordingFileSystem files, RecentChanges changes, OtherNodes others, String storage) {
    super(files);
    this.arriving = new ArrivingFileSystem(files, changes, others, storage);
  }

  @Override
  public void rename(VirtualPath from, VirtualPath to, boolean replace) throws VfsException {
    arriving.prepareRename(from, to);
    files.rename(from, to, replace);
  }

  @Override
  public VirtualFileSystem subtree(VirtualPath directory) throws VfsException {
    return files.subtree(directory);
  }

  @Override
  public VirtualFileSystem staging(VirtualPath target, long room) throws VfsException {
    return files.staging(target, room);
  }
}
