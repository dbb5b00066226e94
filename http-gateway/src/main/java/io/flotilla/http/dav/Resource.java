package io.flotilla.http.dav;

import io.flotilla.http.files.FileTarget;
import io.flotilla.vfs.FileAttributes;
import io.flotilla.vfs.VirtualFileSystem;
import io.flotilla.vfs.VirtualPath;

/**
 * A file or a directory that has properties.
 *
 * @param attributes of what the path leads to
 * @param canonicalParent the directory that it is in, without links; null if that is not known
 */
record Resource(VirtualFileSystem files, VirtualPath path, FileAttributes attributes, VirtualPath canonicalParent) {
  /** Whether it has no link in its path but in its known parent's. */
  boolean isPlain() {
    return canonicalParent != null;
  }

  boolean isCollection() {
    return attributes.isDirectory();
  }

  /** The path of its URL; a directory's ends with a slash (RFC 4918, 5.2). */
  String href() {
    return href(path, isCollection());
  }

  static String href(VirtualPath path, boolean isCollection) {
    String uri = FileTarget.uriOf(path);
    return isCollection ? uri + "/" : uri;
  }
}
