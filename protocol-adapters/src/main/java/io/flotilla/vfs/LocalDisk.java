package io.flotilla.vfs;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Set;

/**
 * Tells what is on a disk of this machine from what is on a network or in a process: the latter can cease to answer at any time.
 * What isn't known to be local isn't. The numbers are those of statfs(2).
 */
final class LocalDisk {
  private static final Set<Long> LOCAL = Set.of(
      0xEF53L, // ext2, ext3, ext4
      0x58465342L, // XFS
      0x9123683EL, // Btrfs
      0x2FC12FC1L, // ZFS
      0xCA451A4EL, // bcachefs
      0xF2F52010L, // F2FS
      0x3153464AL, // JFS
      0x7366746EL, // NTFS by ntfs3
      0x794C7630L, // overlay, the root of containers
      0x01021994L, // tmpfs
      0x858458F6L); // ramfs

  private LocalDisk() {}

  /**
   * Whether a directory is on one; false as well if it can't be found out. Blocks as the directory's file system does.
   *
   * @param beneath the directory's path from another one on, with the names' very bytes
   */
  static boolean holds(Path from, String beneath) {
    if (!LinuxVirtualFileSystem.isSupported()) {
      return false;
    }
    ByteArrayOutputStream path = new ByteArrayOutputStream();
    path.writeBytes(from.toAbsolutePath().toString().getBytes(StandardCharsets.UTF_8));
    path.write('/');
    path.writeBytes(ByteNames.encode(beneath));
    long[] type = new long[1];
    return LinuxCalls.statfs(path.toByteArray(), type) == 0 && LOCAL.contains(type[0]);
  }
}
