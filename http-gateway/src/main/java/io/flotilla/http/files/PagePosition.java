package io.flotilla.http.files;

import io.flotilla.vfs.ByteNames;
import io.flotilla.vfs.FileAttributes;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Base64;
import java.util.Comparator;
import java.util.Locale;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Where an entry stands among those of its directory: by a key, and by its name among those with the same key.
 *
 * @param key 0 if they are sorted by name
 * @param fraction what the key has besides whole numbers
 */
record PagePosition(long key, int fraction, String name) implements Comparable<PagePosition> {
  private static final Comparator<PagePosition> ORDER = Comparator.comparingLong(PagePosition::key)
      .thenComparingInt(PagePosition::fraction).thenComparing(PagePosition::name);
  private static final Pattern CURSOR = Pattern.compile("([a-z]+) (-?[0-9]{1,18}) ([0-9]{1,9})");

  /** What the key is. */
  enum Sort {
    NAME, SIZE, MODIFIED;

    static Optional<Sort> of(String text) {
      return Arrays.stream(values()).filter(sort -> sort.word().equals(text)).findFirst();
    }

    private String word() {
      return name().toLowerCase(Locale.ROOT);
    }

    PagePosition position(String name, FileAttributes attributes) {
      return switch (this) {
        case NAME -> new PagePosition(0, 0, name);
        case SIZE -> new PagePosition(size(attributes), 0, name);
        case MODIFIED -> new PagePosition(attributes.modified().getEpochSecond(), attributes.modified().getNano(), name);
      };
    }
  }

  /** Only a file has a size that means anything to a client. */
  static long size(FileAttributes attributes) {
    return attributes.kind() == FileAttributes.Kind.FILE ? attributes.size() : 0;
  }

  String toCursor(Sort sort) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    out.writeBytes((sort.word() + " " + key + " " + fraction + "/").getBytes(StandardCharsets.US_ASCII));
    out.writeBytes(ByteNames.encode(name));
    return Base64.getUrlEncoder().withoutPadding().encodeToString(out.toByteArray());
  }

  /** Nothing if it is no cursor, or one of another sort. */
  static Optional<PagePosition> parse(String cursor, Sort sort) {
    String text;
    try {
      text = ByteNames.decode(Base64.getUrlDecoder().decode(cursor));
    } catch (IllegalArgumentException e) {
      return Optional.empty();
    }
    int slash = text.indexOf('/');
    Matcher matcher = CURSOR.matcher(text.substring(0, Math.max(0, slash)));
    return matcher.matches() && matcher.group(1).equals(sort.word())
        ? Optional.of(new PagePosition(
            Long.parseLong(matcher.group(2)), Integer.parseInt(matcher.group(3)), text.substring(slash + 1)))
        : Optional.empty();
  }

  @Override
  public int compareTo(PagePosition other) {
    return ORDER.compare(this, other);
  }
}
