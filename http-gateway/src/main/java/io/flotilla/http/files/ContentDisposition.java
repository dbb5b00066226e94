package io.flotilla.http.files;

import io.flotilla.http.PercentEncoding;

/** Whether a browser shows a file or saves it, and under which name (RFC 6266). */
record ContentDisposition(boolean isInline, String name) {
  /** What stands for itself in an extended value besides letters and digits (attr-char of RFC 8187, 3.2.1). */
  private static final String ATTRIBUTE_MARKS = "!#$&+-.^_`|~";

  @Override
  public String toString() {
    String text = WellFormed.text(name);
    return (isInline ? "inline" : "attachment") + "; filename=\"" + fallback(text)
        + "\"; filename*=UTF-8''" + PercentEncoding.encode(text, ATTRIBUTE_MARKS);
  }

  /** For clients that don't know the extended form; some of them decode a percent sign (RFC 6266, appendix D). */
  private static String fallback(String text) {
    StringBuilder out = new StringBuilder(text.length());
    text.codePoints().forEach(point ->
        out.append(point >= ' ' && point < 0x7F && "\"\\%".indexOf(point) < 0 ? (char) point : '_'));
    return out.toString();
  }
}
