package io.flotilla.vfs;

import java.util.List;

/**
 * What one node tells the others of the homes with quotas that its sessions use on shared storages. All of it is a sum since
 * a beginning, so that news which are lost are made up for by the next.
 *
 * @param changes what the node's sessions have changed
 * @param wanted homes of which the node wants to be told what others have changed, because it begins to count them
 */
public record UsageNews(List<Change> changes, List<Home> wanted) {
  /** The most bytes that news may take, which then fit into a message between nodes. */
  static final int MOST_BYTES = 180_000;

  /** A home as all nodes know it. */
  public record Home(String storage, String path) {
    /** The most bytes that it takes with a change in a message. */
    int size() {
      return 200 + 3 * (storage.length() + path.length());
    }
  }

  /**
   * What sessions have changed in a home, in bytes and files, which may be below zero.
   *
   * @param origin tells this sum from another that the same node began earlier
   * @param isFirst whether nobody has been told of this sum before
   */
  public record Change(Home home, String origin, long bytes, long files, boolean isFirst) {}

  public boolean isEmpty() {
    return changes.isEmpty() && wanted.isEmpty();
  }
}
