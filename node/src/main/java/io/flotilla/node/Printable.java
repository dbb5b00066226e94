package io.flotilla.node;

/** Makes text that came from outside safe for one line of a log: what could forge or hide a line is escaped. */
final class Printable {
  private static final int MAX_LENGTH = 512;

  private Printable() {}

  static String of(String text) {
    StringBuilder safe = new StringBuilder(Math.min(text.length(), MAX_LENGTH) + 8);
    text.codePoints().limit(MAX_LENGTH).forEach(point -> {
      int type = Character.getType(point);
      if (point == '\\') {
        safe.append("\\\\");
      } else if (type == Character.CONTROL || type == Character.FORMAT || type == Character.SURROGATE
          || type == Character.LINE_SEPARATOR || type == Character.PARAGRAPH_SEPARATOR) {
        safe.append(String.format("\\u%04x", point));
      } else {
        safe.appendCodePoint(point);
      }
    });
    if (text.codePointCount(0, text.length()) > MAX_LENGTH) {
      safe.append("...");
    }
    return safe.toString();
  }
}
