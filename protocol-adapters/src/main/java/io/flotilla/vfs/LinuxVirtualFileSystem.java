package io.flotilla.vfs;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.function.Predicate;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The file system of Linux 5.6 and newer: every path goes through a {@link Jail}. No operation follows a path twice: what
 * is opened once is then named by its descriptor.
 */
final class LinuxVirtualFileSystem implements VirtualFileSystem {
  private static final Logger log = LoggerFactory.getLogger(LinuxVirtualFileSystem.class);
  private static final int OPEN_RACES = 8;
  private static final byte[] EMPTY = {};

  private final Jail jail;

  private LinuxVirtualFileSystem(Jail jail) {
    this.jail = jail;
  }

  /** Asked once per process, because the answer can't change. */
  private static final class Support {
    static final boolean AVAILABLE = probe();

    private static boolean probe() {
      String problem;
      try {
        problem = LinuxCalls.problem().orElse(null);
      } catch (LinkageError | RuntimeException e) {
        problem = "the C library lacks a function: " + e;
      }
      if (problem != null) {
        log.warn("Paths can't be kept in their root by the kernel here ({}). Flotilla checks them itself, which is "
            + "weaker against local users who change directories at the same moment.", problem);
      }
      return problem == null;
    }
  }

  static boolean isSupported() {
    return Support.AVAILABLE;
  }

  static LinuxVirtualFileSystem open(Path root, Links links) throws VfsException {
    return new LinuxVirtualFileSystem(Jail.at(root, links));
  }

  @Override
  public FileAttributes stat(VirtualPath path) throws VfsException {
    return jail.with(path, descriptor -> Jail.attributes(descriptor, path));
  }

  @Override
  public FileAttributes lstat(VirtualPath path) throws VfsException {
    return jail.entryAttributes(path);
  }

  @Override
  public OpenFile open(VirtualPath path, OpenMode mode, int permissions) throws VfsException {
    for (int i = 0; i < OPEN_RACES; i++) {
      if (mode.create()) {
        int created = jail.tryOpen(path, LinuxCalls.O_CREAT | LinuxCalls.O_EXCL | LinuxCalls.O_NOFOLLOW
            | LinuxCalls.O_RDWR, permissions & AttributeChange.PERMISSION_BITS);
        if (created >= 0) {
          return LinuxFile.of(created, path, mode);
        }
        VfsError error = VfsError.ofErrno(-created);
        if (error != VfsError.EXISTS || mode.exclusive()) {
          throw new VfsException(path.isRoot() ? VfsError.IS_A_DIRECTORY : error, path);
        }
      }
      // O_PATH first: to open a pipe or a device would already have effects.
      int found = jail.tryOpen(path, LinuxCalls.O_PATH, 0);
      if (found >= 0) {
        return openFound(found, path, mode);
      }
      VfsError error = VfsError.ofErrno(-found);
      if (error != VfsError.NOT_FOUND || !mode.create()) {
        throw new VfsException(error, path);
      }
    }
    throw new VfsException(VfsError.NOT_FOUND, path); // a dangling link, or a name that comes and goes
  }

  private static OpenFile openFound(int descriptor, VirtualPath path, OpenMode mode) throws VfsException {
    try {
      switch (Jail.attributes(descriptor, path).kind()) {
        case FILE -> { }
        case DIRECTORY -> throw new VfsException(VfsError.IS_A_DIRECTORY, path);
        case SYMLINK, OTHER -> throw new VfsException(VfsError.PERMISSION_DENIED, path);
      }
    } catch (VfsException e) {
      LinuxCalls.close(descriptor);
      throw e;
    }
    return LinuxFile.of(descriptor, path, mode);
  }

  @Override
  public DirectoryListing list(VirtualPath directory) throws VfsException {
    return list(directory, _ -> true);
  }

  /** Of the entries with some names, whose others cost next to nothing. */
  DirectoryListing list(VirtualPath directory, Predicate<String> names) throws VfsException {
    return new LinuxListing(jail.open(directory, LinuxCalls.O_RDONLY | LinuxCalls.O_DIRECTORY, 0), directory, names);
  }

  @Override
  public void makeDirectory(VirtualPath path, int permissions) throws VfsException {
    if (path.isRoot()) {
      throw new VfsException(VfsError.EXISTS, path);
    }
    jail.entry(path, (directory, name) ->
        LinuxCalls.mkdirat(directory, name, permissions & AttributeChange.PERMISSION_BITS));
  }

  @Override
  public void removeFile(VirtualPath path) throws VfsException {
    jail.entry(path, (directory, name) -> LinuxCalls.unlinkat(directory, name, 0));
  }

  @Override
  public void removeDirectory(VirtualPath path) throws VfsException {
    jail.entry(path, (directory, name) -> LinuxCalls.unlinkat(directory, name, LinuxCalls.AT_REMOVEDIR));
  }

  @Override
  public void rename(VirtualPath from, VirtualPath to, boolean replace) throws VfsException {
    int result = renameat(from, to, replace ? 0 : LinuxCalls.RENAME_NOREPLACE);
    if (!replace && (result == -LinuxCalls.EINVAL || result == -LinuxCalls.ENOSYS) && !to.isWithin(from)) {
      renameWithoutFlag(from, to);
    } else {
      Jail.check(result, result == -17 ? to : from);
    }
  }

  /** For file systems without RENAME_NOREPLACE, such as NFS. */
  private void renameWithoutFlag(VirtualPath from, VirtualPath to) throws VfsException {
    if (!lstat(from).isDirectory()) {
      makeHardLink(from, to);
      removeFile(from);
      return;
    }
    // rename(2) itself refuses a target directory that has entries, or a file: only an empty one could be replaced.
    if (jail.tryEntry(to, (directory, name) ->
        LinuxCalls.statx(directory, name, 0, new LinuxCalls.Stat[1])) >= 0) {
      throw new VfsException(VfsError.EXISTS, to);
    }
    Jail.check(renameat(from, to, 0), from);
  }

  private int renameat(VirtualPath from, VirtualPath to, int flags) throws VfsException {
    return jail.tryEntry(from, (fromDirectory, fromName) -> jail.tryEntry(to, (toDirectory, toName) ->
        LinuxCalls.renameat2(fromDirectory, fromName, toDirectory, toName, flags)));
  }

  @Override
  public void makeSymlink(String target, VirtualPath link) throws VfsException {
    byte[] bytes = targetBytes(target, link);
    jail.entry(link, (directory, name) -> LinuxCalls.symlinkat(bytes, directory, name));
  }

  static byte[] targetBytes(String target, VirtualPath link) throws VfsException {
    try {
      byte[] bytes = ByteNames.encode(target);
      if (bytes.length > 0 && bytes.length < VirtualPath.MAX_BYTES && target.indexOf('\0') < 0) {
        return bytes;
      }
    } catch (IllegalArgumentException e) {
      throw new VfsException(VfsError.INVALID_NAME, e.getMessage());
    }
    throw new VfsException(VfsError.INVALID_NAME, link, "the target is empty, too long, or holds a NUL character");
  }

  @Override
  public String readSymlink(VirtualPath link) throws VfsException {
    byte[] target = new byte[VirtualPath.MAX_BYTES];
    int length = jail.withEntry(link, descriptor -> {
      if (!Jail.attributes(descriptor, link).isSymlink()) {
        throw new VfsException(VfsError.UNSUPPORTED, link, "it is not a symbolic link");
      }
      return Jail.check(LinuxCalls.readlinkat(descriptor, EMPTY, target), link);
    });
    return ByteNames.decode(Arrays.copyOf(target, length));
  }

  @Override
  public void makeHardLink(VirtualPath existing, VirtualPath link) throws VfsException {
    jail.entry(existing, (fromDirectory, fromName) -> jail.tryEntry(link, (toDirectory, toName) ->
        LinuxCalls.linkat(fromDirectory, fromName, toDirectory, toName)));
  }

  @Override
  public void setAttributes(VirtualPath path, AttributeChange change, boolean followLinks) throws VfsException {
    Jail.DescriptorCall<Boolean> set = descriptor -> {
      LinuxFile.setAttributes(descriptor, path, change);
      return true;
    };
    if (followLinks) {
      jail.with(path, set);
    } else {
      jail.withEntry(path, set);
    }
  }

  @Override
  public byte[] extraData(VirtualPath path, ExtraData name) throws VfsException {
    return jail.with(path, descriptor -> LinuxFile.extraData(descriptor, path, name));
  }

  @Override
  public void setExtraData(VirtualPath path, ExtraData name, byte[] data) throws VfsException {
    jail.with(path, descriptor -> {
      LinuxFile.setExtraData(descriptor, path, name, data);
      return true;
    });
  }

  @Override
  public SpaceInfo space(VirtualPath path) throws VfsException {
    SpaceInfo[] result = new SpaceInfo[1];
    jail.with(path, descriptor -> Jail.check(LinuxCalls.fstatvfs(descriptor, result), path));
    return result[0];
  }

  @Override
  public VirtualPath canonical(VirtualPath path) throws VfsException {
    return jail.canonical(path);
  }

  @Override
  public void syncDirectory(VirtualPath directory) throws VfsException {
    int descriptor = jail.open(directory, LinuxCalls.O_RDONLY | LinuxCalls.O_DIRECTORY, 0);
    try {
      Jail.check(LinuxCalls.fsync(descriptor), directory);
    } finally {
      LinuxCalls.close(descriptor);
    }
  }

  @Override
  public VirtualFileSystem subtree(VirtualPath directory) throws VfsException {
    return new LinuxVirtualFileSystem(jail.beneath(directory));
  }

  @Override
  public VirtualFileSystem staging(VirtualPath target, long room) throws VfsException {
    return StagingFileSystem.of(this, target);
  }

  @Override
  public void close() {
    jail.close();
  }
}
