package io.flotilla.http.files;

import java.io.ByteArrayOutputStream;
import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Instant;
import java.time.LocalDateTime;
import java.time.ZoneId;
import java.util.Arrays;
import java.util.zip.CRC32;
import java.util.zip.Deflater;
import org.apache.pekko.util.ByteString;

/**
 * A ZIP archive, made as it is read (PKWARE's APPNOTE.TXT, 6.3.10), with Zip64 where a size, an offset or the number of entries needs
 * it. What the directory at its end will say of each entry goes to a temporary file as it grows, where java.util.zip.ZipOutputStream
 * would hold all of it in memory: a tree may have millions of files. Used by one thread at a time.
 */
final class ZipWriter implements Closeable {
  private static final int LOCAL_HEADER = 0x04034b50;
  private static final int DESCRIPTOR = 0x08074b50;
  private static final int CENTRAL_HEADER = 0x02014b50;
  private static final int ZIP64_END = 0x06064b50;
  private static final int ZIP64_LOCATOR = 0x07064b50;
  private static final int END = 0x06054b50;
  private static final int EXTENDED_TIME = 0x5455;
  private static final int ZIP64_EXTRA = 0x0001;
  private static final int STORED = 0;
  private static final int DEFLATED = 8;
  private static final int UTF8_NAME = 0x0800;
  private static final int SIZES_FOLLOW = 0x0008;
  private static final int VERSION = 20;
  private static final int ZIP64_VERSION = 45;
  private static final int UNIX = 3 << 8;
  private static final int UNIX_FILE = 0100644;
  private static final int UNIX_DIRECTORY = 040755;
  private static final int EXECUTABLE = 0111;
  private static final int DOS_DIRECTORY = 0x10;
  private static final long MAX_32 = 0xFFFFFFFFL;
  private static final int MAX_16 = 0xFFFF;
  /** From which size on a file gets 64 bits: it may grow a little, and what can't be compressed becomes a little larger. */
  private static final long LARGE = 0xF0000000L;
  private static final int DOS_FIRST_YEAR = 1980;
  private static final LocalDateTime DOS_FIRST = LocalDateTime.of(DOS_FIRST_YEAR, 1, 1, 0, 0);
  private static final LocalDateTime DOS_LAST = LocalDateTime.of(2107, 12, 31, 23, 59, 58);
  /** Of the directory at the end, in memory. */
  private static final int SPOOL_BYTES = 256 * 1024;
  private static final int PART_BYTES = 64 * 1024;
  private static final int DEFLATED_BYTES = 16 * 1024;

  private final Deflater deflater = new Deflater(Deflater.BEST_SPEED, true);
  private final CRC32 crc = new CRC32();
  private final byte[] deflated = new byte[DEFLATED_BYTES];
  private final ByteArrayOutputStream made = new ByteArrayOutputStream(PART_BYTES);
  private final ByteArrayOutputStream spool = new ByteArrayOutputStream();
  /** The directory's beginning, if it has become too large; else null. */
  private FileChannel spooled;
  /** Of all that was made so far. */
  private long position;
  private long entries;
  private Entry current;
  /** Where the directory begins, and how much of it has been made; -1 before its turn. */
  private long directoryAt = -1;
  private long directoryMade;
  private boolean isComplete;

  /** An entry whose contents are being written. */
  private record Entry(byte[] name, Instant modified, int mode, boolean isLarge, long offset) {}

  /** How many bytes are waiting to be taken. */
  int available() {
    return made.size();
  }

  /** All that has been made since this was last called. */
  ByteString take() {
    ByteString part = ByteString.fromArrayUnsafe(made.toByteArray());
    made.reset();
    return part;
  }

  /**
   * Begins a file, whose contents follow.
   *
   * @param permissions of which only those to execute it are told
   * @param size that it has now
   */
  void beginFile(String name, Instant modified, int permissions, long size) {
    current = new Entry(name.getBytes(StandardCharsets.UTF_8), modified, UNIX_FILE | permissions & EXECUTABLE, size >= LARGE, position);
    deflater.reset();
    crc.reset();
    long unknown = current.isLarge() ? MAX_32 : 0;
    ByteBuffer header = header(current, LOCAL_HEADER, current.isLarge() ? ZIP64_VERSION : VERSION, SIZES_FOLLOW | UTF8_NAME, DEFLATED);
    header.putInt(0).putInt((int) unknown).putInt((int) unknown);
    byte[] extra = extra(modified, current.isLarge() ? new long[2] : new long[0]);
    putNames(header, current.name(), extra);
    make(header);
  }

  void write(byte[] bytes, int count) throws IOException {
    crc.update(bytes, 0, count);
    deflater.setInput(bytes, 0, count);
    while (!deflater.needsInput()) {
      deflate();
    }
    checkSize();
  }

  private void checkSize() throws IOException {
    if (!current.isLarge() && Math.max(deflater.getBytesRead(), deflater.getBytesWritten()) >= MAX_32) {
      throw new IOException("a file has grown to more than 4 GiB while it was read");
    }
  }

  private void deflate() {
    int count = deflater.deflate(deflated);
    made.write(deflated, 0, count);
    position += count;
  }

  void endFile() throws IOException {
    deflater.finish();
    while (!deflater.finished()) {
      deflate();
    }
    checkSize();
    long compressed = deflater.getBytesWritten();
    long size = deflater.getBytesRead();
    ByteBuffer descriptor = buffer(24).putInt(DESCRIPTOR).putInt((int) crc.getValue());
    if (current.isLarge()) {
      descriptor.putLong(compressed).putLong(size);
    } else {
      descriptor.putInt((int) compressed).putInt((int) size);
    }
    make(descriptor);
    enter(current, SIZES_FOLLOW | UTF8_NAME, DEFLATED, crc.getValue(), compressed, size);
    current = null;
  }

  /** Adds a directory. */
  void directory(String name, Instant modified) {
    Entry entry = new Entry((name + "/").getBytes(StandardCharsets.UTF_8), modified, UNIX_DIRECTORY, false, position);
    ByteBuffer header = header(entry, LOCAL_HEADER, VERSION, UTF8_NAME, STORED).putInt(0).putInt(0).putInt(0);
    putNames(header, entry.name(), extra(modified));
    make(header);
    enter(entry, UTF8_NAME, STORED, 0, 0, 0);
  }

  /** What comes after all entries: makes the next part of it, until {@link #isComplete}. */
  void end() throws IOException {
    if (directoryAt < 0) {
      directoryAt = position;
    }
    long inFile = spooled == null ? 0 : spooled.size();
    long size = inFile + spool.size();
    if (directoryMade < inFile) {
      ByteBuffer part = buffer((int) Math.min(PART_BYTES, inFile - directoryMade));
      while (part.hasRemaining()) {
        if (spooled.read(part, directoryMade + part.position()) < 0) {
          throw new IOException("the temporary file of a ZIP has become shorter");
        }
      }
      directoryMade += part.position();
      make(part);
    } else if (directoryMade < size) {
      directoryMade += spool.size();
      position += spool.size();
      made.writeBytes(spool.toByteArray());
    } else {
      trailer(size);
      isComplete = true;
    }
  }

  boolean isComplete() {
    return isComplete;
  }

  private void trailer(long size) {
    ByteBuffer end = buffer(100);
    if (entries >= MAX_16 || size >= MAX_32 || directoryAt >= MAX_32) {
      long at = position;
      end.putInt(ZIP64_END).putLong(44).putShort((short) (UNIX | ZIP64_VERSION)).putShort((short) ZIP64_VERSION).putInt(0).putInt(0)
          .putLong(entries).putLong(entries).putLong(size).putLong(directoryAt)
          .putInt(ZIP64_LOCATOR).putInt(0).putLong(at).putInt(1);
    }
    short count = (short) Math.min(entries, MAX_16);
    end.putInt(END).putShort((short) 0).putShort((short) 0).putShort(count).putShort(count)
        .putInt((int) Math.min(size, MAX_32)).putInt((int) Math.min(directoryAt, MAX_32)).putShort((short) 0);
    make(end);
  }

  private void enter(Entry entry, int flags, int method, long checksum, long compressed, long size) {
    entries++;
    boolean isLarge = entry.isLarge() || entry.offset() >= MAX_32;
    ByteBuffer header = header(entry, CENTRAL_HEADER, isLarge ? ZIP64_VERSION : VERSION, flags, method).putInt((int) checksum)
        .putInt((int) (isLarge ? MAX_32 : compressed)).putInt((int) (isLarge ? MAX_32 : size));
    byte[] extra = isLarge ? extra(entry.modified(), size, compressed, entry.offset()) : extra(entry.modified());
    boolean isDirectory = entry.mode() == UNIX_DIRECTORY;
    header.putShort((short) entry.name().length).putShort((short) extra.length).putShort((short) 0).putShort((short) 0)
        .putShort((short) 0).putInt(entry.mode() << 16 | (isDirectory ? DOS_DIRECTORY : 0))
        .putInt((int) (isLarge ? MAX_32 : entry.offset())).put(entry.name()).put(extra);
    spool.write(header.array(), 0, header.position());
  }

  /** Called between entries: what would be too much to hold goes to the file. */
  void spool() throws IOException {
    if (spool.size() < SPOOL_BYTES) {
      return;
    }
    if (spooled == null) {
      Path file = Files.createTempFile("flotilla-zip-", ".tmp");
      spooled = FileChannel.open(
          file, StandardOpenOption.READ, StandardOpenOption.WRITE, StandardOpenOption.DELETE_ON_CLOSE);
    }
    ByteBuffer bytes = ByteBuffer.wrap(spool.toByteArray());
    long at = spooled.size();
    while (bytes.hasRemaining()) {
      at += spooled.write(bytes, at);
    }
    spool.reset();
  }

  /** What local headers and those of the directory begin with, up to the checksum. */
  private static ByteBuffer header(Entry entry, int signature, int version, int flags, int method) {
    ByteBuffer header = buffer(128 + entry.name().length).putInt(signature);
    if (signature == CENTRAL_HEADER) {
      header.putShort((short) (UNIX | version));
    }
    int[] time = dosTime(entry.modified());
    return header.putShort((short) version).putShort((short) flags).putShort((short) method).putShort((short) time[1])
        .putShort((short) time[0]);
  }

  private static void putNames(ByteBuffer header, byte[] name, byte[] extra) {
    header.putShort((short) name.length).putShort((short) extra.length).put(name).put(extra);
  }

  /** Date and time as a clock on the wall of this server had them, which is all that the format's first version knows. */
  private static int[] dosTime(Instant instant) {
    ZoneId zone = ZoneId.systemDefault();
    LocalDateTime time = instant.isBefore(DOS_FIRST.atZone(zone).toInstant()) ? DOS_FIRST
        : instant.isAfter(DOS_LAST.atZone(zone).toInstant()) ? DOS_LAST : LocalDateTime.ofInstant(instant, zone);
    return new int[] {time.getYear() - DOS_FIRST_YEAR << 9 | time.getMonthValue() << 5 | time.getDayOfMonth(),
        time.getHour() << 11 | time.getMinute() << 5 | time.getSecond() / 2};
  }

  /** The time in seconds of UTC, if they fit, and numbers of 64 bits, if there are any. */
  private static byte[] extra(Instant modified, long... large) {
    ByteBuffer extra = buffer(64);
    long seconds = modified.getEpochSecond();
    if (seconds == (int) seconds) {
      extra.putShort((short) EXTENDED_TIME).putShort((short) 5).put((byte) 1).putInt((int) seconds);
    }
    if (large.length > 0) {
      extra.putShort((short) ZIP64_EXTRA).putShort((short) (large.length * Long.BYTES));
      Arrays.stream(large).forEach(extra::putLong);
    }
    return Arrays.copyOf(extra.array(), extra.position());
  }

  private static ByteBuffer buffer(int size) {
    return ByteBuffer.allocate(size).order(ByteOrder.LITTLE_ENDIAN);
  }

  private void make(ByteBuffer bytes) {
    made.write(bytes.array(), 0, bytes.position());
    position += bytes.position();
  }

  @Override
  public void close() throws IOException {
    deflater.end();
    if (spooled != null) {
      spooled.close();
    }
  }
}
