package io.flotilla.http.dav;

/** Text as XML 1.0 has it. Stateless. */
final class XmlText {
  private static final char REPLACEMENT = '\uFFFD';

  private XmlText() {}

  /** As the contents of an element. What XML can't hold is replaced by U+FFFD. */
  static String content(String text) {
    return escape(text, "\r");
  }

  /** As the value of an attribute in double quotes. */
  static String attribute(String text) {
    return escape(text, "\"\t\n\r");
  }

  private static String escape(String text, String special) {
    StringBuilder out = new StringBuilder(text.length() + 16);
    text.codePoints().forEach(point -> {
      switch (point) {
        case '&' -> out.append("&amp;");
        case '<' -> out.append("&lt;");
        case '>' -> out.append("&gt;");
        default -> {
          if (!isAllowed(point)) {
            out.append(REPLACEMENT);
          } else if (special.indexOf(point) >= 0) {
            out.append("&#").append(point).append(';');
          } else {
            out.appendCodePoint(point);
          }
        }
      }
    });
    return out.toString();
  }

  /** Char of XML 1.0, 2.2. */
  private static boolean isAllowed(int point) {
    return point == '\t' || point == '\n' || point == '\r' || point >= 0x20 && point <= 0xD7FF
        || point >= 0xE000 && point <= 0xFFFD || point >= 0x10000;
  }
}
