package io.flotilla.http;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;

/** Bytes as a URI has them (RFC 3986, 2.1). Stateless. */
public final class PercentEncoding {
  private static final String UNRESERVED_MARKS = "-._~";

  private PercentEncoding() {}

  /**
   * The bytes of one segment of a path. What a URI can't hold unencoded, but no harm comes from, stands for itself.
   *
   * @throws IllegalArgumentException if an escape is broken, or for a character that ends a path or is not printable ASCII
   */
  public static byte[] decode(String text) {
    ByteArrayOutputStream out = new ByteArrayOutputStream(text.length());
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if (c == '%') {
        if (i + 2 >= text.length()) {
          throw new IllegalArgumentException("an escape is cut off");
        }
        out.write(digit(text.charAt(i + 1)) << 4 | digit(text.charAt(i + 2)));
        i += 2;
      } else if (c <= ' ' || c >= 0x7F || c == '?' || c == '#') {
        throw new IllegalArgumentException("a character has to be percent-encoded");
      } else {
        out.write(c);
      }
    }
    return out.toByteArray();
  }

  private static int digit(char c) {
    int digit = c < 0x80 ? Character.digit(c, 16) : -1;
    if (digit < 0) {
      throw new IllegalArgumentException("an escape has other digits than 0-9 and A-F");
    }
    return digit;
  }

  /** All but the unreserved characters encoded. */
  public static String encode(byte[] bytes) {
    return encode(bytes, UNRESERVED_MARKS);
  }

  /** @param marks what stands for itself besides letters and digits */
  public static String encode(byte[] bytes, String marks) {
    StringBuilder out = new StringBuilder(bytes.length * 3);
    for (byte b : bytes) {
      if (b >= '0' && b <= '9' || b >= 'A' && b <= 'Z' || b >= 'a' && b <= 'z' || b > 0 && marks.indexOf(b) >= 0) {
        out.append((char) b);
      } else {
        out.append('%').append(hex(b >> 4)).append(hex(b));
      }
    }
    return out.toString();
  }

  public static String encode(String text, String marks) {
    return encode(text.getBytes(StandardCharsets.UTF_8), marks);
  }

  private static char hex(int digit) {
    return "0123456789ABCDEF".charAt(digit & 0xF);
  }
}
