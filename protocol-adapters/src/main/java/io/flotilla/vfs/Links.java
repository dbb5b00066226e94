package io.flotilla.vfs;

/** What a file system does with symbolic links on the way of a path. */
public enum Links {
  /** They are followed, within the root. */
  FOLLOW,
  /**
   * Only {@link VirtualFileSystem#canonical} follows them; elsewhere a path with a link in it, other than the named entry
   * itself where that is meant, is TOO_MANY_LINKS. So a rule for a canonical path holds for what is then done with it, even
   * if somebody puts a link in its way between the two.
   */
  ONLY_CANONICAL
}
