package io.flotilla.http.files;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Some bytes of a file, one at least.
 *
 * @param last included
 */
record ByteRange(long first, long last) {
  private static final Pattern SPEC = Pattern.compile("([0-9]*)-([0-9]*)");
  private static final String UNIT = "bytes=";

  ByteRange {
    if (first < 0 || last < first) {
      throw new IllegalArgumentException("no range: " + first + "-" + last);
    }
  }

  /** What of a file a client gets. */
  sealed interface Selection {
    /** All of it, as if no range had been asked for. */
    record Whole() implements Selection {}

    record Part(ByteRange range) implements Selection {}

    record Unsatisfiable() implements Selection {}
  }

  /**
   * What a Range header selects (RFC 9110, 14.1.2 and 14.2); one that is malformed, or of another unit, selects nothing in
   * particular. Ranges that overlap or touch are one. If more than one is left, the whole file is the answer, which the RFC
   * allows: nobody can make this server send the same bytes many times, and no client needs multipart/byteranges.
   */
  static Selection select(String header, long size) {
    String text = header.strip();
    if (!text.regionMatches(true, 0, UNIT, 0, UNIT.length())) {
      return new Selection.Whole();
    }
    List<ByteRange> ranges = new ArrayList<>();
    boolean isAny = false;
    for (String element : text.substring(UNIT.length()).split(",")) {
      String spec = element.strip();
      if (spec.isEmpty()) {
        continue;
      }
      Matcher matcher = SPEC.matcher(spec);
      if (!matcher.matches() || isReversed(matcher.group(1), matcher.group(2))) {
        return new Selection.Whole();
      }
      if (size == 0 && matcher.group(1).isEmpty() && number(matcher.group(2)) > 0) {
        return new Selection.Whole(); // the last bytes of nothing are all of it, which Content-Range can't say
      }
      isAny = true;
      range(matcher.group(1), matcher.group(2), size).ifPresent(ranges::add);
    }
    if (!isAny) {
      return new Selection.Whole();
    }
    return ranges.isEmpty() ? new Selection.Unsatisfiable() : merged(ranges);
  }

  private static boolean isReversed(String first, String last) {
    return first.isEmpty() ? last.isEmpty() : !last.isEmpty() && number(last) < number(first);
  }

  private static Optional<ByteRange> range(String first, String last, long size) {
    long from = first.isEmpty() ? Math.max(0, size - number(last)) : number(first);
    long to = first.isEmpty() || last.isEmpty() ? size - 1 : Math.min(number(last), size - 1);
    return from > to ? Optional.empty() : Optional.of(new ByteRange(from, to));
  }

  private static Selection merged(List<ByteRange> ranges) {
    ranges.sort(Comparator.comparingLong(ByteRange::first));
    ByteRange all = ranges.getFirst();
    for (ByteRange range : ranges) {
      if (range.first > all.last + 1) {
        return new Selection.Whole();
      }
      all = new ByteRange(all.first, Math.max(all.last, range.last));
    }
    return new Selection.Part(all);
  }

  /** A number of any length; no file reaches the largest. */
  private static long number(String digits) {
    try {
      return Long.parseLong(digits);
    } catch (NumberFormatException e) {
      return Long.MAX_VALUE;
    }
  }

  long length() {
    return last - first + 1;
  }

  /** As a Content-Range header has it. */
  String of(long size) {
    return "bytes " + first + "-" + last + "/" + size;
  }
}
