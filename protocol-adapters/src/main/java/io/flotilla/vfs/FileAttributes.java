package io.flotilla.vfs;

import java.time.Instant;

/**
 * What is known of a file.
 *
 * @param size in bytes
 * @param permissions the twelve mode bits
 * @param links the number of names the file has
 * @param changed when contents or attributes last changed; no client can set it
 * @param key identifies the file on this machine as long as it exists (equal keys, same file); of a file that only another node has, a
 *     {@link NotHere}
 */
public record FileAttributes(
    Kind kind, long size, int permissions, long links, Instant accessed, Instant modified, Instant changed, Object key) {
  public enum Kind { FILE, DIRECTORY, SYMLINK, OTHER }

  /** The key of what another node has and this one only shows: the same version of the same path is the same file. */
  record NotHere(VirtualPath path, RecentChange.Version version) {}

  /** Whether this node has it, so that it takes room here. */
  public boolean isHere() {
    return !(key instanceof NotHere);
  }

  public boolean isDirectory() {
    return kind == Kind.DIRECTORY;
  }

  public boolean isSymlink() {
    return kind == Kind.SYMLINK;
  }
}
