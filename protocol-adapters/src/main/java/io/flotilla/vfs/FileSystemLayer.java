package io.flotilla.vfs;

import java.util.Optional;

/**
 * A file system above another that does what the other does, but for what a subclass adds. Only for what protects nothing: a
 * new operation goes through it unseen. What protects is an {@link InterceptedFileSystem}, or says itself what each
 * operation does; the interface has no default methods, so that such a class can't forget one.
 */
abstract sealed class FileSystemLayer implements VirtualFileSystem
    permits PublishingFileSystem, QuotaFileSystem, StagingFileSystem, RecordingFileSystem, ArrivingFileSystem, OwnCopy {
  final VirtualFileSystem files;

  /** How an entry is looked at, links followed or not. */
  interface Look {
    FileAttributes at(VirtualPath path) throws VfsException;
  }

  /** @param files closed with this */
  FileSystemLayer(VirtualFileSystem files) {
    this.files = files;
  }

  /** The attributes of an entry; nothing if there is none. */
  static Optional<FileAttributes> find(VirtualPath path, Look look) throws VfsException {
    try {
      return Optional.of(look.at(path));
    } catch (VfsException e) {
      if (e.error() == VfsError.NOT_FOUND) {
        return Optional.empty();
      }
      throw e;
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
    return files.open(path, mode, permissions);
  }

  @Override
  public DirectoryListing list(VirtualPath directory) throws VfsException {
    return files.list(directory);
  }

  @Override
  public void makeDirectory(VirtualPath path, int permissions) throws VfsException {
    files.makeDirectory(path, permissions);
  }

  @Override
  public void removeFile(VirtualPath path) throws VfsException {
    files.removeFile(path);
  }

  @Override
  public void removeDirectory(VirtualPath path) throws VfsException {
    files.removeDirectory(path);
  }

  @Override
  public void rename(VirtualPath from, VirtualPath to, boolean replace) throws VfsException {
    files.rename(from, to, replace);
  }

  @Override
  public void makeSymlink(String target, VirtualPath link) throws VfsException {
    files.makeSymlink(target, link);
  }

  @Override
  public String readSymlink(VirtualPath link) throws VfsException {
    return files.readSymlink(link);
  }

  @Override
  public void makeHardLink(VirtualPath existing, VirtualPath link) throws VfsException {
    files.makeHardLink(existing, link);
  }

  @Override
  public void setAttributes(VirtualPath path, AttributeChange change, boolean followLinks) throws VfsException {
    files.setAttributes(path, change, followLinks);
  }

  @Override
  public byte[] extraData(VirtualPath path, ExtraData name) throws VfsException {
    return files.extraData(path, name);
  }

  @Override
  public void setExtraData(VirtualPath path, ExtraData name, byte[] data) throws VfsException {
    files.setExtraData(path, name, data);
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

  /** A layer's subtree needs the layer too. */
  @Override
  public abstract VirtualFileSystem subtree(VirtualPath directory) throws VfsException;

  @Override
  public VirtualFileSystem staging(VirtualPath target, long room) throws VfsException {
    return files.staging(target, room);
  }

  @Override
  public void close() {
    files.close();
  }
}
