package io.flotilla.adapter;

/** Text that a client prints on a terminal. */
public final class TerminalText {
  private TerminalText() {}

  /** The text with a question mark for whatever a terminal would obey or could not show, such as in a file's name. */
  public static String of(String text) {
    StringBuilder out = new StringBuilder(text.length());
    text.codePoints().forEach(point -> out.appendCodePoint(
        Character.isISOControl(point) || Character.getType(point) == Character.SURROGATE
            || Character.getType(point) == Character.FORMAT ? '?' : point));
    return out.toString();
  }
}
