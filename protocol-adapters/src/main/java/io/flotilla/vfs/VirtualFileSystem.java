package io.flotilla.vfs;

import java.io.Closeable;
import java.nio.file.Path;

/**
 * One directory tree as protocols use it. No path, and no symbolic link in it, leads out of the root; an absolute link
 * begins at the root. Used by one thread at a time. Every operation throws {@link VfsException}, whose message holds
 * virtual paths only.
 */
public interface VirtualFileSystem extends Closeable {
  /** Opens the tree beneath an existing directory by the strongest means this platform has. */
  static VirtualFileSystem open(Path root) throws VfsException {
    return open(root, Links.FOLLOW);
  }

  /** The same with a choice for links, which its subtrees have too. */
  static VirtualFileSystem open(Path root, Links links) throws VfsException {
    return LinuxVirtualFileSystem.isSupported()
        ? LinuxVirtualFileSystem.open(root, links) : CheckedVirtualFileSystem.open(root, links);
  }

  /** The attributes of what a path leads to. */
  FileAttributes stat(VirtualPath path) throws VfsException;

  /** The attributes of the entry itself, even if it is a link. */
  FileAttributes lstat(VirtualPath path) throws VfsException;

  /**
   * Opens a regular file.
   *
   * @param permissions of a file that is created, before the process's umask; only the lower nine bits count
   */
  OpenFile open(VirtualPath path, OpenMode mode, int permissions) throws VfsException;

  DirectoryListing list(VirtualPath directory) throws VfsException;

  void makeDirectory(VirtualPath path, int permissions) throws VfsException;

  /** Removes a file or a link, never a directory. */
  void removeFile(VirtualPath path) throws VfsException;

  void removeDirectory(VirtualPath path) throws VfsException;

  /** Renames in one step; without replace a taken target is EXISTS and nothing is changed. */
  void rename(VirtualPath from, VirtualPath to, boolean replace) throws VfsException;

  /** Makes a link with the target text as given; it is resolved within the root when followed. */
  void makeSymlink(String target, VirtualPath link) throws VfsException;

  String readSymlink(VirtualPath link) throws VfsException;

  /** Gives a file another name. A link is not followed. */
  void makeHardLink(VirtualPath existing, VirtualPath link) throws VfsException;

  void setAttributes(VirtualPath path, AttributeChange change, boolean followLinks) throws VfsException;

  SpaceInfo space(VirtualPath path) throws VfsException;

  /** The path of an existing entry without links in it. */
  VirtualPath canonical(VirtualPath path) throws VfsException;

  /** Returns when the names in a directory are on disk. */
  void syncDirectory(VirtualPath directory) throws VfsException;

  /** A file system of its own, whose root is an existing directory of this one, wherever that is moved later. */
  VirtualFileSystem subtree(VirtualPath directory) throws VfsException;

  /**
   * The directory of a file that is being uploaded, as a root, with nothing in it but what unfinished uploads consist of, which no client
   * sees, and the file's own name, to which a finished upload may be renamed. For {@link SegmentedUpload}, with what the user may do and
   * store.
   *
   * @param target the file, which need not exist; no link
   * @param room bytes that have to be free for it, 0 if that is not asked; they are not reserved
   */
  VirtualFileSystem staging(VirtualPath target, long room) throws VfsException;

  @Override
  void close();
}
