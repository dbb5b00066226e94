package io.flotilla.vfs;

import java.nio.file.Path;

class CheckedVirtualFileSystemTest extends FileSystemContract {
  @Override
  VirtualFileSystem open(Path root) throws VfsException {
    return CheckedVirtualFileSystem.open(root, Links.FOLLOW);
  }
}
