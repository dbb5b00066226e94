package io.flotilla.adapter;

import io.flotilla.vfs.FileAttributes;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.Locale;

/** The line of {@code ls -l} that SFTP and FTP show for a name; the owner in it is the virtual user. */
public final class LongName {
  private static final DateTimeFormatter RECENT =
      DateTimeFormatter.ofPattern("MMM ppd HH:mm", Locale.ROOT).withZone(ZoneOffset.UTC);
  private static final DateTimeFormatter OLD =
      DateTimeFormatter.ofPattern("MMM ppd  yyyy", Locale.ROOT).withZone(ZoneOffset.UTC);
  private static final Duration HALF_A_YEAR = Duration.ofDays(182);
  private static final String BITS = "rwxrwxrwx";

  private LongName() {}

  /**
   * Without an end of line.
   *
   * @param now tells whether the time of day or the year is shown
   */
  public static String of(String name, FileAttributes attributes, String user, Instant now) {
    return of(attributes, user, now) + name;
  }

  private static String of(FileAttributes attributes, String user, Instant now) {
    StringBuilder line = new StringBuilder(80);
    line.append(switch (attributes.kind()) {
      case FILE -> '-';
      case DIRECTORY -> 'd';
      case SYMLINK -> 'l';
      case OTHER -> 'p';
    });
    for (int i = 0; i < BITS.length(); i++) {
      line.append((attributes.permissions() & 0400 >> i) != 0 ? BITS.charAt(i) : '-');
    }
    Instant time = attributes.modified();
    boolean recent = time.isAfter(now.minus(HALF_A_YEAR)) && time.isBefore(now.plus(HALF_A_YEAR));
    pad(line.append(' '), Long.toString(attributes.links()), -4).append(' ');
    pad(line, user, 8).append(' ');
    pad(line, user, 8).append(' ');
    pad(line, Long.toString(attributes.size()), -8).append(' ');
    return line.append((recent ? RECENT : OLD).format(time)).append(' ').toString();
  }

  private static StringBuilder pad(StringBuilder line, String text, int width) {
    String spaces = " ".repeat(Math.max(0, Math.abs(width) - text.length()));
    return width < 0 ? line.append(spaces).append(text) : line.append(text).append(spaces);
  }
}
