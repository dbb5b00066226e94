package io.flotilla.vfs;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Instant;
import java.util.Arrays;
import java.util.Optional;

/** An open file of Linux: a descriptor for its attributes and a channel, reopened from it, for its contents. */
final class LinuxFile extends ChannelFile {
  private static final byte[] EMPTY = {};

  private final int descriptor;

  private LinuxFile(int descriptor, FileChannel channel, VirtualPath path, OpenMode mode) {
    super(channel, path, mode);
    this.descriptor = descriptor;
  }

  /** Takes the descriptor over; closes it if this fails. */
  static LinuxFile of(int descriptor, VirtualPath path, OpenMode mode) throws VfsException {
    try {
      // The magic link leads to the very file the descriptor stands for, so nothing can be swapped in between.
      FileChannel channel = FileChannel.open(Path.of(Jail.procPath(descriptor)), options(mode));
      return new LinuxFile(descriptor, channel, path, mode);
    } catch (IOException e) {
      LinuxCalls.close(descriptor);
      throw VfsException.of(e, path);
    }
  }

  @Override
  public FileAttributes attributes() throws VfsException {
    return Jail.attributes(descriptor, path());
  }

  @Override
  public void setAttributes(AttributeChange change) throws VfsException {
    setAttributes(descriptor, path(), change);
  }

  static void setAttributes(int descriptor, VirtualPath path, AttributeChange change) throws VfsException {
    byte[] name = Jail.procPath(descriptor).getBytes(StandardCharsets.US_ASCII);
    if (change.size().isPresent()) {
      switch (Jail.attributes(descriptor, path).kind()) {
        case FILE -> Jail.check(LinuxCalls.truncate(name, change.size().getAsLong()), path);
        case DIRECTORY -> throw new VfsException(VfsError.IS_A_DIRECTORY, path);
        case SYMLINK, OTHER -> throw new VfsException(VfsError.UNSUPPORTED, path);
      }
    }
    if (change.permissions().isPresent()) {
      Jail.check(LinuxCalls.chmod(name, change.permissions().getAsInt()), path);
    }
    if (change.hasTimes()) {
      Jail.check(LinuxCalls.utimensat(
          descriptor, EMPTY, times(change), LinuxCalls.AT_EMPTY_PATH), path);
    }
  }

  /** Asks how much it is first, since most files have none. What comes meanwhile makes it be asked again. */
  static byte[] extraData(int descriptor, VirtualPath path, ExtraData name) throws VfsException {
    byte[] file = Jail.procPath(descriptor).getBytes(StandardCharsets.US_ASCII);
    int length = LinuxCalls.getxattr(file, name.linuxName(), EMPTY);
    while (length > 0) {
      byte[] data = new byte[length];
      int read = LinuxCalls.getxattr(file, name.linuxName(), data);
      if (read >= 0) {
        return Arrays.copyOf(data, read);
      }
      length = read == -LinuxCalls.ERANGE ? LinuxCalls.getxattr(file, name.linuxName(), EMPTY) : read;
    }
    if (length != -LinuxCalls.ENODATA && length != -LinuxCalls.EOPNOTSUPP) {
      Jail.check(length, path);
    }
    return EMPTY;
  }

  static void setExtraData(int descriptor, VirtualPath path, ExtraData name, byte[] data) throws VfsException {
    byte[] file = Jail.procPath(descriptor).getBytes(StandardCharsets.US_ASCII);
    int result = data.length == 0
        ? LinuxCalls.removexattr(file, name.linuxName()) : LinuxCalls.setxattr(file, name.linuxName(), data);
    if (data.length == 0 && result == -LinuxCalls.ENODATA) {
      return;
    }
    if (result == -LinuxCalls.E2BIG || result == -LinuxCalls.ERANGE) {
      throw new VfsException(VfsError.NO_SPACE, path);
    }
    Jail.check(result, path);
  }

  private static long[] times(AttributeChange change) {
    long[] times = new long[4];
    put(times, 0, change.accessed());
    put(times, 2, change.modified());
    return times;
  }

  private static void put(long[] times, int at, Optional<Instant> time) {
    times[at] = time.map(Instant::getEpochSecond).orElse(0L);
    times[at + 1] = time.map(instant -> (long) instant.getNano()).orElse(LinuxCalls.UTIME_OMIT);
  }

  @Override
  protected void release() {
    LinuxCalls.close(descriptor);
  }
}
