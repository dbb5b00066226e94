package io.flotilla.vfs;

import java.io.Closeable;
import java.nio.charset.StandardCharsets;

/**
 * A directory that the kernel lets no path leave. Paths are resolved by openat2(2) with RESOLVE_IN_ROOT, so that
 * {@code ..} and absolute links stop at this root, even while another process moves directories about. An operation on a
 * name opens the parent this way and then names only the last component, which is never a path. So there is no moment
 * between a check and its use. Used by one thread at a time, which also closes it.
 */
final class Jail implements Closeable {
  /** openat2 answers EAGAIN when a rename crossed its walk; a hostile one can do so often, but not for ever. */
  private static final int MAX_RACES = 128;
  private static final byte[] EMPTY = {};

  private static final int FOLLOWING = LinuxCalls.RESOLVE_IN_ROOT | LinuxCalls.RESOLVE_NO_MAGICLINKS;

  private final int root;
  private final Links links;

  private Jail(int root, Links links) {
    this.root = root;
    this.links = links;
  }

  /** An action on an entry: the descriptor of its parent directory and its name; returns a result or a negated errno. */
  interface EntryCall {
    int apply(int directory, byte[] name) throws VfsException;
  }

  static Jail at(java.nio.file.Path directory, Links links) throws VfsException {
    int descriptor = LinuxCalls.openat2(LinuxCalls.AT_FDCWD,
        directory.toAbsolutePath().toString().getBytes(StandardCharsets.UTF_8),
        LinuxCalls.O_PATH | LinuxCalls.O_DIRECTORY, 0, 0);
    return new Jail(check(descriptor, VirtualPath.ROOT), links);
  }

  /** The jail of a directory in this one. */
  Jail beneath(VirtualPath directory) throws VfsException {
    return new Jail(open(directory, LinuxCalls.O_PATH | LinuxCalls.O_DIRECTORY, 0), links);
  }

  /** Opens a path beneath the root and returns a descriptor that the caller closes. */
  int open(VirtualPath path, int flags, int mode) throws VfsException {
    return check(tryOpen(path, flags, mode), path);
  }

  /** Like open, but a failure is the negated errno. */
  int tryOpen(VirtualPath path, int flags, int mode) {
    return tryOpen(path, flags, mode, switch (links) {
      case FOLLOW -> FOLLOWING;
      case ONLY_CANONICAL -> FOLLOWING | LinuxCalls.RESOLVE_NO_SYMLINKS;
    });
  }

  private int tryOpen(VirtualPath path, int flags, int mode, int resolve) {
    byte[] bytes = ByteNames.encode(path.isRoot() ? "." : String.join("/", path.names()));
    int result = -LinuxCalls.EAGAIN;
    for (int i = 0; i < MAX_RACES && result == -LinuxCalls.EAGAIN; i++) {
      result = LinuxCalls.openat2(root, bytes, flags, mode, resolve);
    }
    return result;
  }

  /** Runs a call on an entry; the root itself has no entry, and that is PERMISSION_DENIED. */
  int entry(VirtualPath path, EntryCall call) throws VfsException {
    return check(tryEntry(path, call), path);
  }

  int tryEntry(VirtualPath path, EntryCall call) throws VfsException {
    if (path.isRoot()) {
      throw new VfsException(VfsError.PERMISSION_DENIED, path);
    }
    byte[] name = ByteNames.encode(path.name());
    if (path.parent().isRoot()) {
      return call.apply(root, name);
    }
    int directory = open(path.parent(), LinuxCalls.O_PATH | LinuxCalls.O_DIRECTORY, 0);
    try {
      return call.apply(directory, name);
    } finally {
      LinuxCalls.close(directory);
    }
  }

  /** An action on an open descriptor. */
  interface DescriptorCall<T> {
    T apply(int descriptor) throws VfsException;
  }

  /** Runs an action on a descriptor of what a path leads to, which names it but can't read or write. */
  <T> T with(VirtualPath path, DescriptorCall<T> call) throws VfsException {
    return with(path, LinuxCalls.O_PATH, call);
  }

  /** The same of the named entry itself, which may be a link. */
  <T> T withEntry(VirtualPath path, DescriptorCall<T> call) throws VfsException {
    return with(path, LinuxCalls.O_PATH | LinuxCalls.O_NOFOLLOW, call);
  }

  private <T> T with(VirtualPath path, int flags, DescriptorCall<T> call) throws VfsException {
    if (path.isRoot()) {
      return call.apply(root);
    }
    int descriptor = open(path, flags, 0);
    try {
      return call.apply(descriptor);
    } finally {
      LinuxCalls.close(descriptor);
    }
  }

  /** The path of an existing entry, links resolved, as the kernel knows it. */
  VirtualPath canonical(VirtualPath path) throws VfsException {
    String base = linkOf(root, path);
    int descriptor = check(tryOpen(path, LinuxCalls.O_PATH, 0, FOLLOWING), path);
    String found;
    try {
      found = linkOf(descriptor, path);
    } finally {
      LinuxCalls.close(descriptor);
    }
    if (found.equals(base)) {
      return VirtualPath.ROOT;
    }
    String prefix = base.equals("/") ? base : base + "/";
    if (!found.startsWith(prefix)) {
      throw new VfsException(VfsError.NOT_FOUND, path); // moved out of the root or deleted meanwhile
    }
    return VirtualPath.parse(found.substring(prefix.length()));
  }

  /** The attributes of the named entry itself. */
  FileAttributes entryAttributes(VirtualPath path) throws VfsException {
    if (path.isRoot() || !path.parent().isRoot()) {
      return withEntry(path, descriptor -> attributes(descriptor, path));
    }
    LinuxCalls.Stat[] stat = new LinuxCalls.Stat[1];
    entry(path, (directory, name) -> LinuxCalls.statx(directory, name, 0, stat));
    return attributes(stat[0]);
  }

  static FileAttributes attributes(int descriptor, VirtualPath path) throws VfsException {
    LinuxCalls.Stat[] stat = new LinuxCalls.Stat[1];
    check(LinuxCalls.statx(descriptor, EMPTY, LinuxCalls.AT_EMPTY_PATH, stat), path);
    return attributes(stat[0]);
  }

  static FileAttributes attributes(LinuxCalls.Stat stat) {
    return new FileAttributes(
        switch (stat.mode() & 0170000) {
          case 0100000 -> FileAttributes.Kind.FILE;
          case 0040000 -> FileAttributes.Kind.DIRECTORY;
          case 0120000 -> FileAttributes.Kind.SYMLINK;
          default -> FileAttributes.Kind.OTHER;
        },
        stat.size(), stat.mode() & 07777, stat.links(),
        java.time.Instant.ofEpochSecond(stat.accessedSeconds(), stat.accessedNanos()),
        java.time.Instant.ofEpochSecond(stat.modifiedSeconds(), stat.modifiedNanos()),
        java.time.Instant.ofEpochSecond(stat.changedSeconds(), stat.changedNanos()),
        new Key(stat.device(), stat.inode()));
  }

  /** The name by which this process, and only it, can reach an open file again, whatever its path has become. */
  static String procPath(int descriptor) {
    return "/proc/self/fd/" + descriptor;
  }

  static int check(int result, VirtualPath path) throws VfsException {
    if (result < 0) {
      throw new VfsException(VfsError.ofErrno(-result), path);
    }
    return result;
  }

  @Override
  public void close() {
    LinuxCalls.close(root);
  }

  private static String linkOf(int descriptor, VirtualPath path) throws VfsException {
    byte[] target = new byte[VirtualPath.MAX_BYTES * 2];
    int length = check(LinuxCalls.readlinkat(
        LinuxCalls.AT_FDCWD, procPath(descriptor).getBytes(StandardCharsets.US_ASCII), target), path);
    return ByteNames.decode(java.util.Arrays.copyOf(target, length));
  }

  private record Key(long device, long inode) {}
}
