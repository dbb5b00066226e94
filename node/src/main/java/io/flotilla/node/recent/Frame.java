package io.flotilla.node.recent;

import io.flotilla.vfs.RecentChange;
import io.flotilla.vfs.RecentChange.Version;
import io.flotilla.vfs.VfsException;
import io.flotilla.vfs.VirtualPath;
import java.io.ByteArrayOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.Arrays;
import java.util.UUID;

/**
 * Messages on a link: the length in four bytes, big endian, and as many bytes. A message may have more at its end than this release knows.
 */
final class Frame {
  /** Of a message, in bytes. */
  static final int MAX_BYTES = 1024 * 1024;
  private static final int MAX_TEXT = 4096;
  private static final int NANOS = 1_000_000_000;

  private Frame() {}

  /** A message being made. */
  static final class Writer {
    private final ByteArrayOutputStream bytes = new ByteArrayOutputStream(256);

    Writer int8(int value) {
      bytes.write(value);
      return this;
    }

    Writer int16(int value) {
      return int8(value >> 8).int8(value);
    }

    Writer int32(int value) {
      return int16(value >> 16).int16(value);
    }

    Writer int64(long value) {
      return int32((int) (value >> 32)).int32((int) value);
    }

    Writer uuid(UUID id) {
      return int64(id.getMostSignificantBits()).int64(id.getLeastSignificantBits());
    }

    Writer bytes(byte[] value) {
      bytes.writeBytes(value);
      return this;
    }

    /** With its length before it, in two bytes. */
    Writer text(String text) {
      byte[] encoded = text.getBytes(StandardCharsets.UTF_8);
      byte[] cut = encoded.length > MAX_TEXT ? Arrays.copyOf(encoded, MAX_TEXT) : encoded;
      return int16(cut.length).bytes(cut);
    }

    Writer path(VirtualPath path) {
      byte[] encoded = path.bytes();
      return int16(encoded.length).bytes(encoded);
    }

    Writer version(Version version) {
      return int64(version.size()).int64(version.modified().getEpochSecond()).int32(version.modified().getNano());
    }

    int size() {
      return bytes.size();
    }

    byte[] toBytes() {
      return bytes.toByteArray();
    }

    void writeTo(OutputStream out) throws IOException {
      Frame.write(out, bytes.toByteArray());
    }
  }

  static void write(OutputStream out, byte[] message) throws IOException {
    byte[] framed = new byte[Integer.BYTES + message.length];
    ByteBuffer.wrap(framed).putInt(message.length).put(message);
    out.write(framed);
  }

  /** @throws IOException also at the end of the stream, and if the message is empty or too large */
  static Reader read(InputStream in) throws IOException {
    byte[] header = in.readNBytes(Integer.BYTES);
    if (header.length < Integer.BYTES) {
      throw new EOFException("the other node ended the stream");
    }
    int length = ByteBuffer.wrap(header).getInt();
    if (length < 1 || length > MAX_BYTES) {
      throw new IOException("the other node sent a message of " + length + " bytes; it has 1 to " + MAX_BYTES);
    }
    byte[] message = in.readNBytes(length);
    if (message.length < length) {
      throw new EOFException("the other node ended the stream within a message");
    }
    return new Reader(ByteBuffer.wrap(message));
  }

  /** A message that has come. What is not in it as it should be is an IOException. */
  static final class Reader {
    private final ByteBuffer bytes;

    Reader(ByteBuffer bytes) {
      this.bytes = bytes;
    }

    private interface Get<T> {
      T from(ByteBuffer bytes);
    }

    private <T> T get(Get<T> get) throws IOException {
      try {
        return get.from(bytes);
      } catch (BufferUnderflowException e) {
        throw new IOException("the other node sent a message that is too short", e);
      }
    }

    int int8() throws IOException {
      return get(ByteBuffer::get) & 0xFF;
    }

    int int16() throws IOException {
      return get(ByteBuffer::getShort) & 0xFFFF;
    }

    int int32() throws IOException {
      return get(ByteBuffer::getInt);
    }

    long int64() throws IOException {
      return get(ByteBuffer::getLong);
    }

    UUID uuid() throws IOException {
      return new UUID(int64(), int64());
    }

    ByteBuffer rest() {
      return bytes;
    }

    private byte[] sized() throws IOException {
      byte[] sized = new byte[Math.min(int16(), bytes.remaining() + 1)];
      get(from -> from.get(sized));
      return sized;
    }

    String text() throws IOException {
      return new String(sized(), StandardCharsets.UTF_8);
    }

    VirtualPath path() throws IOException {
      byte[] encoded = sized();
      VirtualPath path;
      try {
        path = VirtualPath.parse(encoded);
      } catch (VfsException e) {
        throw new IOException("the other node sent a path that is none: " + e.getMessage(), e);
      }
      if (!Arrays.equals(path.bytes(), encoded)) {
        throw new IOException("the other node sent a path that is not canonical");
      }
      return path;
    }

    Version version() throws IOException {
      long size = int64();
      long seconds = int64();
      int nanos = int32();
      if (size < 0 || nanos < 0 || nanos >= NANOS || seconds < Instant.MIN.getEpochSecond() || seconds > Instant.MAX.getEpochSecond()) {
        throw new IOException("the other node sent a version that no file has");
      }
      return new Version(size, Instant.ofEpochSecond(seconds, nanos));
    }

    /** A part of the message that has its own length before it, in two bytes. */
    Reader part() throws IOException {
      return new Reader(ByteBuffer.wrap(sized()));
    }
  }

  /** What a change is on the wire; a kind that a newer release has says at least that what was told before holds no longer. */
  static void put(Writer to, RecentChange.State state) {
    switch (state) {
      case RecentChange.Written written ->
          to.int8(written.isDirectory() ? 2 : 1).version(written.version()).int32(written.permissions());
      case RecentChange.Removed removed -> to.int8(removed.isDirectory() ? 4 : 3).version(removed.version());
      case RecentChange.Other _ -> to.int8(0);
    }
  }

  static RecentChange.State state(Reader from) throws IOException {
    int kind = from.int8();
    return switch (kind) {
      case 1, 2 -> new RecentChange.Written(kind == 2, from.version(), from.int32() & 0777);
      case 3, 4 -> new RecentChange.Removed(kind == 4, from.version());
      default -> new RecentChange.Other();
    };
  }
}
