package io.flotilla.http.files;

import io.flotilla.vfs.FileAttributes;
import io.flotilla.vfs.OpenMode;
import io.flotilla.vfs.VfsError;
import io.flotilla.vfs.VfsException;
import io.flotilla.vfs.VirtualFileSystem;
import io.flotilla.vfs.VirtualPath;
import java.util.Optional;

/** What is there for those who ask by HTTP: all that can be got, so no rest of an upload that broke. Stateless. */
public final class Published {
  private Published() {}

  private interface Look {
    FileAttributes at(VirtualPath path) throws VfsException;
  }

  /** What a path leads to. */
  public static Optional<FileAttributes> at(VirtualFileSystem files, VirtualPath path) throws VfsException {
    return find(files, path, files::stat);
  }

  /** The entry itself, even if it is a link. */
  static Optional<FileAttributes> entry(VirtualFileSystem files, VirtualPath path) throws VfsException {
    return find(files, path, files::lstat);
  }

  private static Optional<FileAttributes> find(VirtualFileSystem files, VirtualPath path, Look look) throws VfsException {
    FileAttributes shown;
    try {
      shown = look.at(path);
    } catch (VfsException e) {
      if (e.error() == VfsError.NOT_FOUND) {
        return Optional.empty();
      }
      throw e;
    }
    return shown.kind() == FileAttributes.Kind.FILE && isUnfinished(files, path) ? Optional.empty() : Optional.of(shown);
  }

  /** The rest of a broken upload has attributes, but nobody can read it, and it has no canonical path. */
  private static boolean isUnfinished(VirtualFileSystem files, VirtualPath path) {
    try {
      files.open(path, OpenMode.READ, 0).abandon();
      return false;
    } catch (VfsException e) {
      return e.error() == VfsError.NOT_FOUND || e.error() == VfsError.PERMISSION_DENIED && isWithoutPath(files, path);
    }
  }

  private static boolean isWithoutPath(VirtualFileSystem files, VirtualPath path) {
    try {
      files.canonical(path);
      return false;
    } catch (VfsException e) {
      return e.error() == VfsError.NOT_FOUND;
    }
  }
}
