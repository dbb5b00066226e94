package io.flotilla.vfs;

import java.util.List;

/**
 * A file system whose every operation goes through one method of the subclass, which decides whether and how it is done. The
 * operations are final, and what they open is handed to the subclass as well, so nothing goes past it.
 */
abstract class InterceptedFileSystem implements VirtualFileSystem {
  /** What an operation means to do with the paths it names. */
  enum Use {
    /** Changes nothing. */
    LOOK,
    /** Changes contents or attributes of what the path leads to. */
    CHANGE_TARGET,
    /** Makes, changes, replaces or removes the entry itself, which may be a link. */
    CHANGE_ENTRY
  }

  interface Operation<T> {
    T on(VirtualFileSystem files) throws VfsException;
  }

  /** Does an operation, or throws. */
  abstract <T> T perform(Use use, List<VirtualPath> paths, Operation<T> operation) throws VfsException;

  /** What clients get of an open file. */
  abstract OpenFile opened(OpenFile file, OpenMode mode);

  abstract DirectoryListing opened(DirectoryListing listing);

  /** What clients get of a subtree; closes it if this fails. */
  abstract VirtualFileSystem opened(VirtualFileSystem subtree, VirtualPath directory) throws VfsException;

  private <T> T look(VirtualPath path, Operation<T> operation) throws VfsException {
    return perform(Use.LOOK, List.of(path), operation);
  }

  private interface Change {
    void on(VirtualFileSystem files) throws VfsException;
  }

  private void change(Use use, List<VirtualPath> paths, Change change) throws VfsException {
    perform(use, paths, files -> {
      change.on(files);
      return true;
    });
  }

  @Override
  public final FileAttributes stat(VirtualPath path) throws VfsException {
    return look(path, files -> files.stat(path));
  }

  @Override
  public final FileAttributes lstat(VirtualPath path) throws VfsException {
    return look(path, files -> files.lstat(path));
  }

  @Override
  public final OpenFile open(VirtualPath path, OpenMode mode, int permissions) throws VfsException {
    return opened(this.<OpenFile>perform(mode.write() ? Use.CHANGE_TARGET : Use.LOOK, List.of(path),
        files -> files.open(path, mode, permissions)), mode);
  }

  @Override
  public final DirectoryListing list(VirtualPath directory) throws VfsException {
    return opened(this.<DirectoryListing>look(directory, files -> files.list(directory)));
  }

  @Override
  public final void makeDirectory(VirtualPath path, int permissions) throws VfsException {
    change(Use.CHANGE_ENTRY, List.of(path), files -> files.makeDirectory(path, permissions));
  }

  @Override
  public final void removeFile(VirtualPath path) throws VfsException {
    change(Use.CHANGE_ENTRY, List.of(path), files -> files.removeFile(path));
  }

  @Override
  public final void removeDirectory(VirtualPath path) throws VfsException {
    change(Use.CHANGE_ENTRY, List.of(path), files -> files.removeDirectory(path));
  }

  @Override
  public final void rename(VirtualPath from, VirtualPath to, boolean replace) throws VfsException {
    change(Use.CHANGE_ENTRY, List.of(from, to), files -> files.rename(from, to, replace));
  }

  @Override
  public final void makeSymlink(String target, VirtualPath link) throws VfsException {
    change(Use.CHANGE_ENTRY, List.of(link), files -> files.makeSymlink(target, link));
  }

  @Override
  public final String readSymlink(VirtualPath link) throws VfsException {
    return look(link, files -> files.readSymlink(link));
  }

  @Override
  public final void makeHardLink(VirtualPath existing, VirtualPath link) throws VfsException {
    change(Use.CHANGE_ENTRY, List.of(existing, link), files -> files.makeHardLink(existing, link));
  }

  @Override
  public final void setAttributes(VirtualPath path, AttributeChange change, boolean followLinks) throws VfsException {
    change(followLinks ? Use.CHANGE_TARGET : Use.CHANGE_ENTRY, List.of(path),
        files -> files.setAttributes(path, change, followLinks));
  }

  @Override
  public final SpaceInfo space(VirtualPath path) throws VfsException {
    return look(path, files -> files.space(path));
  }

  @Override
  public final VirtualPath canonical(VirtualPath path) throws VfsException {
    return look(path, files -> files.canonical(path));
  }

  @Override
  public final void syncDirectory(VirtualPath directory) throws VfsException {
    change(Use.LOOK, List.of(directory), files -> files.syncDirectory(directory));
  }

  @Override
  public final VirtualFileSystem subtree(VirtualPath directory) throws VfsException {
    return opened(this.<VirtualFileSystem>look(directory, files -> files.subtree(directory)), directory);
  }

  @Override
  public final VirtualFileSystem staging(VirtualPath target, long room) throws VfsException {
    return opened(this.<VirtualFileSystem>perform(Use.CHANGE_ENTRY, List.of(target), files -> files.staging(target, room)),
        target.parent());
  }
}
