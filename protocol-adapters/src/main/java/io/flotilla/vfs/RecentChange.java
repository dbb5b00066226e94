package io.flotilla.vfs;

import java.time.Instant;

/**
 * What a node did to one path of a storage. Immutable.
 *
 * @param sequence of the changes of that node, from 1 on; a later one of the same path takes the place of an earlier one
 * @param stamp orders the changes of all nodes: higher than any that the node had made or heard of before (a hybrid logical clock, in
 *     microseconds; Kulkarni and others, "Logical Physical Clocks", 2014)
 * @param known the stamp of the newest change of that path that the node had heard of when it made this one; 0 if it knew none
 * @param path in the storage, links resolved
 */
public record RecentChange(long sequence, long stamp, long known, String storage, VirtualPath path, State state) {
  /** What the path has been since. */
  public sealed interface State {}

  /**
   * A file or directory with these attributes.
   *
   * @param version a directory's counts for nothing
   */
  public record Written(boolean isDirectory, Version version, int permissions) implements State {
    static Written of(FileAttributes attributes) {
      return new Written(attributes.isDirectory(), Version.of(attributes), attributes.permissions());
    }
  }

  /** Nothing, if it was that version; another one that is there somewhere is not meant. */
  public record Removed(boolean isDirectory, Version version) implements State {
    static Removed of(FileAttributes attributes) {
      return new Removed(attributes.isDirectory(), Version.of(attributes));
    }
  }

  /** Something of which other nodes are told no more, such as a link; what was told of the path before holds no longer. */
  public record Other() implements State {}

  /** Tells the contents of a file from others: synchronisers bring size and time, the latter as finely as they and the disk can. */
  public record Version(long size, Instant modified) {
    private static final int[] COARSE_NANOS = {1_000_000_000, 1_000_000, 1_000, 100};

    static Version of(FileAttributes attributes) {
      return new Version(attributes.size(), attributes.modified());
    }

    boolean isOf(FileAttributes attributes) {
      return attributes.kind() == FileAttributes.Kind.FILE && isSame(of(attributes));
    }

    boolean isSame(Version other) {
      return size == other.size && modified.getEpochSecond() == other.modified.getEpochSecond()
          && (modified.getNano() == other.modified.getNano() || isCut(modified.getNano(), other.modified.getNano())
              || isCut(other.modified.getNano(), modified.getNano()));
    }

    /** Whether it is what is left of another time where times are kept in seconds, or not much finer. */
    private static boolean isCut(int nanos, int fine) {
      for (int unit : COARSE_NANOS) {
        if (fine - fine % unit == nanos) {
          return true;
        }
      }
      return false;
    }
  }

  /** What a node is going to tell of one path. */
  record Draft(VirtualPath path, State state) {}
}
