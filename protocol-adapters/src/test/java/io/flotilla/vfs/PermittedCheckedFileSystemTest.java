package io.flotilla.vfs;

import io.flotilla.config.model.PathPermissions;
import io.flotilla.config.model.Permission;
import java.nio.file.Path;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

/** Permissions by path where the kernel can't keep links out. */
class PermittedCheckedFileSystemTest extends FileSystemContract {
  @Override
  VirtualFileSystem open(Path root) throws VfsException {
    PathPermissions permissions = new PathPermissions(new TreeMap<>(Map.of("/", Permission.all(), "/locked", Set.of())));
    return new PermittedFileSystem(new PublishingFileSystem(CheckedVirtualFileSystem.open(root, Links.ONLY_CANONICAL),
        Links.ONLY_CANONICAL, "ann",
        new ActiveUploads()), PathRules.of(permissions), Links.ONLY_CANONICAL);
  }

  @Test
  void link_leadsToNothingLocked() throws VfsException {
    files.makeDirectory(path("/locked"), 0755);
    files.makeSymlink("/locked", path("/way"));
    assertError(VfsError.PERMISSION_DENIED, () -> files.open(path("/way/new"), OpenMode.CREATE_NEW, 0600));
    assertError(VfsError.PERMISSION_DENIED, () -> files.list(path("/way")));
  }
}
