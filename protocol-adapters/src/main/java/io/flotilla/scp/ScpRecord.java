package io.flotilla.scp;

import java.time.Instant;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A line of the protocol that announces something, as scp.c writes them: {@code C0644 5 name}, {@code D0755 0 name},
 * {@code E} and {@code T1700000000 0 1700000000 0}.
 */
sealed interface ScpRecord {
  /** Of a line with its end, in bytes; a name has 255, and some encode it. */
  int MAX_LINE = 4096;
  int PERMISSION_BITS = 0777;

  /**
   * A file whose bytes follow.
   *
   * @param permissions the nine lower bits
   * @param size in bytes, 0 or more
   */
  record File(int permissions, long size, String name) implements ScpRecord {}

  /** What follows is in this directory, until its end. */
  record Directory(int permissions, String name) implements ScpRecord {}

  record EndOfDirectory() implements ScpRecord {}

  /** Those of the file or directory that is announced next. */
  record Times(Instant modified, Instant accessed) implements ScpRecord {}

  /**
   * Reads a line without its end.
   *
   * @throws ScpException if it is none of them, or has a size or a name that no file can have
   */
  static ScpRecord parse(String line) throws ScpException {
    if (line.equals("E")) {
      return new EndOfDirectory();
    }
    Matcher times = Format.TIMES.matcher(line);
    if (times.matches()) {
      return new Times(instant(times.group(1), times.group(2)), instant(times.group(3), times.group(4)));
    }
    Matcher entry = Format.ENTRY.matcher(line);
    if (!entry.matches()) {
      throw new ScpException("the protocol was broken: a line is none of C, D, E and T as they have to be");
    }
    int permissions = Integer.parseInt(entry.group(2), 8) & PERMISSION_BITS;
    String name = entry.group(4);
    if (name.equals(".") || name.equals("..") || name.indexOf('/') >= 0 || name.indexOf('\0') >= 0) {
      throw new ScpException("the protocol was broken: a file can't have the name that was sent");
    }
    long size;
    try {
      size = Long.parseLong(entry.group(3));
    } catch (NumberFormatException e) {
      throw new ScpException("the protocol was broken: the size of a file is too large");
    }
    return entry.group(1).equals("C") ? new File(permissions, size, name) : new Directory(permissions, name);
  }

  private static Instant instant(String seconds, String micros) {
    return Instant.ofEpochSecond(Long.parseLong(seconds), Long.parseLong(micros) * 1000);
  }

  /** Numbers have a sign nowhere. */
  final class Format {
    private static final Pattern ENTRY = Pattern.compile("([CD])([0-7]{4}) ([0-9]{1,19}) (.+)", Pattern.DOTALL);
    private static final Pattern TIMES = Pattern.compile("T([0-9]{1,11}) ([0-9]{1,6}) ([0-9]{1,11}) ([0-9]{1,6})");

    private Format() {}
  }
}
