package io.flotilla.vfs;

import java.util.ArrayDeque;
import java.util.Deque;

/** Walks through whole trees, following no links. */
final class Trees {
  private Trees() {}

  interface Visitor {
    void entry(VirtualPath path, DirectoryListing.Entry entry) throws VfsException;
  }

  /**
   * Shows all that is not a directory to a visitor. Directories that went meanwhile or may not be read are left out.
   *
   * @throws VfsException if the root can't be read
   */
  static void walk(VirtualFileSystem tree, Visitor visitor) throws VfsException {
    Deque<VirtualPath> directories = new ArrayDeque<>();
    directories.add(VirtualPath.ROOT);
    while (!directories.isEmpty()) {
      VirtualPath directory = directories.removeLast();
      try (DirectoryListing listing = tree.list(directory)) {
        for (DirectoryListing.Entry entry = listing.next(); entry != null; entry = listing.next()) {
          if (entry.attributes().isDirectory()) {
            directories.add(directory.child(entry.name()));
          } else {
            visitor.entry(directory.child(entry.name()), entry);
          }
        }
      } catch (VfsException e) {
        if (directory.isRoot()) {
          throw e;
        }
      }
    }
  }
}
