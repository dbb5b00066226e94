package io.flotilla.http.files;

/** Text that JSON can carry (RFC 8259, 8.2). Stateless. */
final class WellFormed {
  private static final char REPLACEMENT = '\uFFFD';

  private WellFormed() {}

  /** The same with U+FFFD for every surrogate that stands alone. */
  static String text(String text) {
    StringBuilder out = new StringBuilder(text.length());
    text.codePoints().forEach(point -> {
      if (point >= Character.MIN_SURROGATE && point <= Character.MAX_SURROGATE) {
        out.append(REPLACEMENT);
      } else {
        out.appendCodePoint(point);
      }
    });
    return out.toString();
  }
}
