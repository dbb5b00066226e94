package io.flotilla.http.files;

import java.util.Optional;
import java.util.OptionalLong;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Which bytes of a file a body has (RFC 9110, 14.4), as PUT may say it (14.5).
 *
 * @param size of the whole file, if the client knows it
 */
record ContentRange(ByteRange range, OptionalLong size) {
  private static final Pattern FORM = Pattern.compile("(?i)bytes +([0-9]{1,18})-([0-9]{1,18})/([0-9]{1,18}|\\*)");

  static Optional<ContentRange> parse(String text) {
    Matcher matcher = FORM.matcher(text.strip());
    if (!matcher.matches()) {
      return Optional.empty();
    }
    long first = Long.parseLong(matcher.group(1));
    long last = Long.parseLong(matcher.group(2));
    OptionalLong size = matcher.group(3).equals("*") ? OptionalLong.empty() : OptionalLong.of(Long.parseLong(matcher.group(3)));
    return last < first || size.isPresent() && size.getAsLong() <= last
        ? Optional.empty() : Optional.of(new ContentRange(new ByteRange(first, last), size));
  }

  /** Whether nothing of the file comes after it. */
  boolean isLast() {
    return size.isPresent() && size.getAsLong() == range.last() + 1;
  }
}
