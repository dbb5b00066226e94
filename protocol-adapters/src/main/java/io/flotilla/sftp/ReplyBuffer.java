package io.flotilla.sftp;

import io.flotilla.vfs.ByteNames;
import io.flotilla.vfs.FileAttributes;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;

/** Builds one reply, length first. Reused for all of a channel's small replies; used by its thread only. */
final class ReplyBuffer {
  private static final int INITIAL = 1024;

  private byte[] bytes = new byte[INITIAL];
  private int length;

  ReplyBuffer begin(int type) {
    length = Integer.BYTES;
    return putByte(type);
  }

  ReplyBuffer begin(int type, int id) {
    return begin(type).putInt(id);
  }

  ReplyBuffer putByte(int value) {
    room(1);
    bytes[length++] = (byte) value;
    return this;
  }

  ReplyBuffer putInt(int value) {
    room(Integer.BYTES);
    setInt(length, value);
    length += Integer.BYTES;
    return this;
  }

  ReplyBuffer putLong(long value) {
    return putInt((int) (value >>> 32)).putInt((int) value);
  }

  ReplyBuffer putBytes(byte[] value) {
    putInt(value.length);
    room(value.length);
    System.arraycopy(value, 0, bytes, length, value.length);
    length += value.length;
    return this;
  }

  ReplyBuffer putText(String value) {
    return putBytes(value.getBytes(StandardCharsets.UTF_8));
  }

  /** A file name, byte for byte. */
  ReplyBuffer putName(String name) {
    return putBytes(ByteNames.encode(name));
  }

  /** Section 5. The owner is always 0: numbers of the server's users are nobody's business. */
  ReplyBuffer putAttributes(FileAttributes attributes) {
    int type = switch (attributes.kind()) {
      case FILE -> 0100000;
      case DIRECTORY -> 0040000;
      case SYMLINK -> 0120000;
      case OTHER -> 0010000;
    };
    return putInt(Sftp.ATTR_SIZE | Sftp.ATTR_OWNER | Sftp.ATTR_PERMISSIONS | Sftp.ATTR_TIMES)
        .putLong(attributes.size()).putInt(0).putInt(0)
        .putInt(type | attributes.permissions())
        .putInt((int) attributes.accessed().getEpochSecond())
        .putInt((int) attributes.modified().getEpochSecond());
  }

  /** Texts as one string that holds strings. */
  ReplyBuffer putTexts(List<String> values) {
    int at = length;
    putInt(0);
    values.forEach(this::putText);
    setInt(at, length - at - Integer.BYTES);
    return this;
  }

  int length() {
    return length;
  }

  /** Sets a number that was put before. */
  void setInt(int at, int value) {
    bytes[at] = (byte) (value >>> 24);
    bytes[at + 1] = (byte) (value >>> 16);
    bytes[at + 2] = (byte) (value >>> 8);
    bytes[at + 3] = (byte) value;
  }

  /** The finished packet; valid until the next begin. */
  byte[] finish() {
    setInt(0, length - Integer.BYTES);
    return bytes;
  }

  private void room(int more) {
    if (bytes.length - length < more) {
      bytes = Arrays.copyOf(bytes, Math.max(bytes.length * 2, length + more));
    }
  }
}
