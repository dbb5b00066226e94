package io.flotilla.vfs;

import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * What a node did to one path of a storage. Immutable.
 *
 * @param sequence of the changes of that node, from 1 on; a later one of the same path takes the place of an earlier one
 * @param stamp orders the changes of all nodes: higher than any that the node had made or heard of before (a hybrid logical clock, in
 *     microseconds; Kulkarni and others, "Logical Physical Clocks", 2014)
 * @param known the stamp of the newest change of that path that the node had heard of when it made this one; 0 if it knew none
 * @param path in the storage, links resolved
 * @param replaced versions of a file that this change put an end to, and those before it, the latest first: only these, where they are
 *     still somewhere, are older than the change for sure; anything else may be newer
 */
public record RecentChange(long sequence, long stamp, long known, String storage, VirtualPath path, State state, List<Version> replaced) {
  /** Of one path, as they are told: the latest, and the oldest, which other nodes may still have. */
  public static final int MAX_REPLACED = 8;

  public RecentChange {
    replaced = List.copyOf(replaced);
  }

  RecentChange as(long number) {
    return new RecentChange(number, stamp, known, storage, path, state, replaced);
  }

  /** Whether what is somewhere else is what this change has left. */
  boolean hasArrivedAs(FileAttributes there) {
    return state instanceof Written written && (written.isDirectory() ? there.isDirectory() : written.version().isOf(there));
  }

  /** The version of the file that it left; nothing of a directory. */
  Optional<Version> left() {
    return state instanceof Written written && !written.isDirectory() ? Optional.of(written.version()) : Optional.empty();
  }

  /** The versions that are older than it for sure, the latest first. */
  Stream<Version> ended() {
    return Stream.concat(state instanceof Removed removed && !removed.isDirectory() ? Stream.of(removed.version()) : Stream.empty(),
        replaced.stream());
  }

  /**
   * What a change puts an end to.
   *
   * @param older all that is older for sure, the latest first
   */
  static List<Version> replacedBy(State state, Stream<Version> older) {
    return atMost(MAX_REPLACED, older.distinct()
        .filter(version -> !(state instanceof Written written && !written.isDirectory() && written.version().equals(version))).toList());
  }

  /** The latest of them, and the oldest. */
  static List<Version> atMost(int most, List<Version> versions) {
    return versions.size() <= most ? versions
        : Stream.concat(versions.stream().limit(most - 1), Stream.of(versions.getLast())).toList();
  }

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

    Removed asRemoved() {
      return new Removed(isDirectory, version);
    }

    boolean isSame(Removed removed) {
      return isDirectory ? removed.isDirectory() : !removed.isDirectory() && version.isSame(removed.version());
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

  /**
   * What a node is going to tell of one path.
   *
   * @param found the version of the file that was there before
   * @param over the file of another node that had not arrived, and was shown and replaced all the same
   */
  record Draft(VirtualPath path, State state, Optional<Version> found, Optional<RecentChanges.Known> over) {
    /** Of what was not there, or was no file. */
    Draft(VirtualPath path, State state) {
      this(path, state, Optional.empty(), Optional.empty());
    }
  }
}
