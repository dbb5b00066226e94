package io.flotilla.sftp;

import io.flotilla.sftp.SftpRequest.Attributes;
import io.flotilla.vfs.AttributeChange;
import io.flotilla.vfs.ByteNames;
import java.nio.ByteBuffer;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;

/**
 * Reads one packet. Whatever the bytes are, the outcome is a request or an {@link SftpProtocolException}; no length in
 * the packet is trusted before it is compared with what is there. What follows a complete request is ignored, as OpenSSH
 * does.
 */
final class SftpParser {
  private static final int MAX_EXTENDED_ATTRIBUTES = 64;

  private final ByteBuffer in;

  private SftpParser(ByteBuffer in) {
    this.in = in;
  }

  /** Parses the contents of a packet, without its length. */
  static SftpRequest parse(byte[] packet, int length) throws SftpProtocolException {
    return new SftpParser(ByteBuffer.wrap(packet, 0, length)).request();
  }

  private SftpRequest request() throws SftpProtocolException {
    int type = Byte.toUnsignedInt(need(1).get());
    int id = number();
    return switch (type) {
      case Sftp.INIT -> new SftpRequest.Init(id); // the first field is the version here
      case Sftp.OPEN -> new SftpRequest.Open(id, text(), number(), attributes());
      case Sftp.CLOSE -> new SftpRequest.Close(id, handle());
      case Sftp.READ -> new SftpRequest.Read(id, handle(), longNumber(), length(number()));
      case Sftp.WRITE -> new SftpRequest.Write(id, handle(), longNumber(), bytes());
      case Sftp.LSTAT -> new SftpRequest.Lstat(id, text());
      case Sftp.FSTAT -> new SftpRequest.Fstat(id, handle());
      case Sftp.SETSTAT -> new SftpRequest.SetStat(id, text(), attributes(), true);
      case Sftp.FSETSTAT -> new SftpRequest.FsetStat(id, handle(), attributes());
      case Sftp.OPENDIR -> new SftpRequest.OpenDirectory(id, text());
      case Sftp.READDIR -> new SftpRequest.ReadDirectory(id, handle());
      case Sftp.REMOVE -> new SftpRequest.Remove(id, text());
      case Sftp.MKDIR -> new SftpRequest.MakeDirectory(id, text(), attributes());
      case Sftp.RMDIR -> new SftpRequest.RemoveDirectory(id, text());
      case Sftp.REALPATH -> new SftpRequest.RealPath(id, text());
      case Sftp.STAT -> new SftpRequest.Stat(id, text());
      case Sftp.RENAME -> new SftpRequest.Rename(id, text(), text(), false);
      case Sftp.READLINK -> new SftpRequest.ReadLink(id, text());
      case Sftp.SYMLINK -> new SftpRequest.Symlink(id, text(), text());
      case Sftp.EXTENDED -> extended(id, text());
      default -> new SftpRequest.Unknown(id, "packet type " + type);
    };
  }

  private SftpRequest extended(int id, String name) throws SftpProtocolException {
    return switch (name) {
      case "posix-rename@openssh.com" -> new SftpRequest.Rename(id, text(), text(), true);
      case "statvfs@openssh.com" -> new SftpRequest.Space(id, text());
      case "fstatvfs@openssh.com" -> new SftpRequest.SpaceOfHandle(id, handle());
      case "hardlink@openssh.com" -> new SftpRequest.HardLink(id, text(), text());
      case "fsync@openssh.com" -> new SftpRequest.Sync(id, handle());
      case "lsetstat@openssh.com" -> new SftpRequest.SetStat(id, text(), attributes(), false);
      case "limits@openssh.com" -> new SftpRequest.Limits(id);
      case "expand-path@openssh.com" -> new SftpRequest.ExpandPath(id, text());
      case "copy-data" -> new SftpRequest.Copy(id, handle(), longNumber(), longNumber(), handle(), longNumber());
      case "users-groups-by-id@openssh.com" -> new SftpRequest.NamesById(id, numbers(), numbers());
      default -> new SftpRequest.Unknown(id, "extension");
    };
  }

  private Attributes attributes() throws SftpProtocolException {
    int flags = number();
    OptionalLong size = has(flags, Sftp.ATTR_SIZE) ? OptionalLong.of(longNumber()) : OptionalLong.empty();
    if (has(flags, Sftp.ATTR_OWNER)) {
      number();
      number();
    }
    OptionalInt permissions = has(flags, Sftp.ATTR_PERMISSIONS) ? OptionalInt.of(number()) : OptionalInt.empty();
    Optional<Instant> accessed = Optional.empty();
    Optional<Instant> modified = Optional.empty();
    if (has(flags, Sftp.ATTR_TIMES)) {
      accessed = Optional.of(Instant.ofEpochSecond(Integer.toUnsignedLong(number())));
      modified = Optional.of(Instant.ofEpochSecond(Integer.toUnsignedLong(number())));
    }
    if (has(flags, Sftp.ATTR_EXTENDED)) {
      int count = number();
      if (count < 0 || count > MAX_EXTENDED_ATTRIBUTES) {
        throw new SftpProtocolException("a packet has over " + MAX_EXTENDED_ATTRIBUTES + " extended attributes");
      }
      for (int i = 0; i < count; i++) {
        bytes();
        bytes();
      }
    }
    return new Attributes(new AttributeChange(size, permissions, accessed, modified), has(flags, Sftp.ATTR_OWNER));
  }

  private static boolean has(int flags, int flag) {
    return (flags & flag) != 0;
  }

  /** A handle of this server has four bytes; any other string is none. */
  private int handle() throws SftpProtocolException {
    ByteBuffer bytes = bytes();
    return bytes.remaining() == Integer.BYTES ? Math.max(-1, bytes.getInt()) : -1;
  }

  private String text() throws SftpProtocolException {
    ByteBuffer bytes = bytes();
    byte[] copy = new byte[bytes.remaining()];
    bytes.get(copy);
    return ByteNames.decode(copy);
  }

  private ByteBuffer bytes() throws SftpProtocolException {
    int length = number();
    if (length < 0 || length > in.remaining()) {
      throw new SftpProtocolException("a string in a packet is longer than the packet");
    }
    ByteBuffer bytes = in.slice(in.position(), length);
    in.position(in.position() + length);
    return bytes;
  }

  private List<Integer> numbers() throws SftpProtocolException {
    ByteBuffer bytes = bytes();
    if (bytes.remaining() % Integer.BYTES != 0) {
      throw new SftpProtocolException("a list of numbers in a packet has a part of one");
    }
    List<Integer> numbers = new ArrayList<>();
    while (bytes.hasRemaining()) {
      numbers.add(bytes.getInt());
    }
    return numbers;
  }

  private static int length(int unsigned) {
    return unsigned < 0 ? Integer.MAX_VALUE : unsigned;
  }

  private int number() throws SftpProtocolException {
    return need(Integer.BYTES).getInt();
  }

  private long longNumber() throws SftpProtocolException {
    return need(Long.BYTES).getLong();
  }

  private ByteBuffer need(int bytes) throws SftpProtocolException {
    if (in.remaining() < bytes) {
      throw new SftpProtocolException("a packet ends before its contents do");
    }
    return in;
  }
}
