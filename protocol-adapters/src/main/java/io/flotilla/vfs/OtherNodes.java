package io.flotilla.vfs;

import io.flotilla.vfs.RecentChange.Removed;
import io.flotilla.vfs.RecentChange.Version;
import io.flotilla.vfs.RecentChange.Written;
import java.util.Optional;

/**
 * What other nodes have in their copies of a storage. Safe for all threads; every call may block for some seconds. Calls throw
 * {@link VfsException} with NOT_ARRIVED if the node does not answer, and otherwise with what failed there.
 */
public interface OtherNodes {
  /** A file or directory of a storage, links resolved. */
  record Location(String storage, VirtualPath path) {}

  /** Opens a file to read; nothing if that node does not have that version of it any longer, and this node has heard why, if it was told. */
  Optional<OpenFile> open(String node, Location file, Version version) throws VfsException;

  /**
   * Removes a file, or an empty directory, and returns when this node has heard of it.
   *
   * @return false if it is not that version any longer; nothing is removed then
   */
  boolean remove(String node, Location entry, Removed what) throws VfsException;

  /**
   * Renames within the storage, and returns when this node has heard of it.
   *
   * @param replace whether what that node has under the new name may be replaced
   * @return false if it is not that version any longer; nothing is renamed then
   */
  boolean rename(String node, Location entry, VirtualPath to, boolean replace, Written what) throws VfsException;
}
