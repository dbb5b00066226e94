package io.flotilla.vfs;

import io.flotilla.vfs.RecentChange.Removed;
import io.flotilla.vfs.RecentChange.Version;
import io.flotilla.vfs.RecentChange.Written;
import java.nio.ByteBuffer;
import java.util.Optional;

/**
 * Other nodes, asked in the midst of calls into a storage of this one: whoever waits for them holds no place of that storage meanwhile, so
 * that a node which is slow to answer holds up nobody who wants only what is here. Safe for all threads.
 */
record OutsideNodes(OtherNodes nodes) implements OtherNodes {
  @Override
  public Optional<OpenFile> open(String node, Location file, Version version) throws VfsException {
    OpenFile opened = StorageBulkhead.outside(() -> nodes.open(node, file, version).orElse(null));
    return Optional.ofNullable(opened).map(OutsideFile::new);
  }

  @Override
  public boolean remove(String node, Location entry, Removed what) throws VfsException {
    return StorageBulkhead.outside(() -> nodes.remove(node, entry, what));
  }

  @Override
  public boolean rename(String node, Location entry, VirtualPath to, boolean replace, Written what) throws VfsException {
    return StorageBulkhead.outside(() -> nodes.rename(node, entry, to, replace, what));
  }

  private static final class OutsideFile extends FileLayer {
    OutsideFile(OpenFile file) {
      super(file);
    }

    @Override
    public int read(ByteBuffer target, long position) throws VfsException {
      return StorageBulkhead.outside(() -> file.read(target, position));
    }
  }
}
