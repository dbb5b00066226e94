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
 * Where an entry stands among those of its directory: by its group, then by a key, and by its name among those with the same key.
 *
 * @param group 0 for what comes first in either order, else 1
 * @param key 0 if they are sorted by name
 * @param fraction what the key has besides whole numbers
 * @param text the name as it counts before the name itself does; empty if it doesn't
 */
record PagePosition(int group, long key, int fraction, String text, String name) {
  private static final Comparator<PagePosition> IN_GROUP = Comparator.comparingLong(PagePosition::key)
      .thenComparingInt(PagePosition::fraction).thenComparing(PagePosition::text).thenComparing(PagePosition::name);
  private static final Pattern CURSOR = Pattern.compile("([a-z]+) ([01]) (-?[0-9]{1,18}) ([0-9]{1,9})");

  static Comparator<PagePosition> order(boolean isDescending) {
    return Comparator.comparingInt(PagePosition::group).thenComparing(isDescending ? IN_GROUP.reversed() : IN_GROUP);
  }

  /** What the key is. */
  enum Sort {
    /** By the bytes of the name. */
    NAME,
    /** By the name, whatever its case. */
    TEXT,
    SIZE,
    MODIFIED;

    static Optional<Sort> of(String text) {
      return Arrays.stream(values()).filter(sort -> sort.word().equals(text)).findFirst();
    }

    private String word() {
      return name().toLowerCase(Locale.ROOT);
    }

    PagePosition position(int group, String name, FileAttributes attributes) {
      return switch (this) {
        case NAME, TEXT -> at(group, 0, 0, name);
        case SIZE -> at(group, size(attributes), 0, name);
        case MODIFIED -> at(group, attributes.modified().getEpochSecond(), attributes.modified().getNano(), name);
      };
    }

    private PagePosition at(int group, long key, int fraction, String name) {
      return new PagePosition(group, key, fraction, this == TEXT ? name.toLowerCase(Locale.ROOT) : "", name);
    }
  }

  /** Only a file has a size that means anything to a client. */
  static long size(FileAttributes attributes) {
    return attributes.kind() == FileAttributes.Kind.FILE ? attributes.size() : 0;
  }

  String toCursor(Sort sort) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    out.writeBytes((sort.word() + " " + group + " " + key + " " + fraction + "/").getBytes(StandardCharsets.US_ASCII));
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
        ? Optional.of(sort.at(Integer.parseInt(matcher.group(2)),
            Long.parseLong(matcher.group(3)), Integer.parseInt(matcher.group(4)), text.substring(slash + 1)))
        : Optional.empty();
  }
}
