package io.flotilla.vfs;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_SHORT_UNALIGNED;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.function.Predicate;

/** A directory read by getdents64(2) into one buffer, so that memory does not grow with the directory. */
final class LinuxListing implements DirectoryListing {
  private static final long BUFFER_BYTES = 32 * 1024;
  private static final int NAME_OFFSET = 19; // in struct linux_dirent64: d_ino 8, d_off 8, d_reclen 2, d_type 1

  private final int descriptor;
  private final VirtualPath path;
  private final Predicate<String> wanted;
  private MemorySegment buffer;
  private int position;
  private int limit;
  private boolean closed;

  /** @param wanted the names that are listed; of others no attributes are asked for, as that takes most of the time */
  LinuxListing(int descriptor, VirtualPath path, Predicate<String> wanted) {
    this.descriptor = descriptor;
    this.path = path;
    this.wanted = wanted;
  }

  @Override
  public Entry next() throws VfsException {
    if (closed) {
      return null;
    }
    while (true) {
      if (position == limit && !fill()) {
        return null;
      }
      int start = position;
      position += Short.toUnsignedInt(buffer.get(JAVA_SHORT_UNALIGNED, start + 16));
      byte[] name = nameAt(start + NAME_OFFSET);
      if (isDots(name)) {
        continue;
      }
      String text = ByteNames.decode(name);
      if (!wanted.test(text)) {
        continue;
      }
      LinuxCalls.Stat[] stat = new LinuxCalls.Stat[1];
      if (LinuxCalls.statx(descriptor, name, 0, stat) >= 0) { // else it was removed meanwhile
        return new Entry(text, Jail.attributes(stat[0]));
      }
    }
  }

  @Override
  public void close() {
    if (!closed) {
      closed = true;
      LinuxCalls.close(descriptor);
    }
  }

  private boolean fill() throws VfsException {
    if (buffer == null) {
      buffer = Arena.ofAuto().allocate(BUFFER_BYTES, 8);
    }
    limit = Jail.check(LinuxCalls.getdents64(descriptor, buffer), path);
    position = 0;
    return limit > 0;
  }

  private byte[] nameAt(int start) {
    int end = start;
    while (buffer.get(JAVA_BYTE, end) != 0) {
      end++;
    }
    return buffer.asSlice(start, end - start).toArray(JAVA_BYTE);
  }

  private static boolean isDots(byte[] name) {
    return name[0] == '.' && (name.length == 1 || name.length == 2 && name[1] == '.');
  }
}
