package io.flotilla.vfs;

import java.io.Closeable;

/** A directory read entry by entry, without holding all of it in memory. Used by one thread at a time. */
public interface DirectoryListing extends Closeable {
  /** One entry; its attributes are those of a link itself. */
  record Entry(String name, FileAttributes attributes) {}

  /** The next entry, or null after the last. {@code .} and {@code ..} are left out. */
  Entry next() throws VfsException;

  @Override
  void close();
}
