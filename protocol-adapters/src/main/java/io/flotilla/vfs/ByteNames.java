package io.flotilla.vfs;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharsetDecoder;
import java.nio.charset.CoderResult;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;

/**
 * File names are bytes on Linux and on the wire, text in Java. Valid UTF-8 becomes that text; each byte that is not part
 * of valid UTF-8 becomes one lone surrogate U+DC80 to U+DCFF (as in Python's PEP 383), so that every name round-trips.
 * The mapping is one to one: a text that is not what its own bytes decode to is refused, or one file would have two
 * spellings. Stateless.
 */
public final class ByteNames {
  private static final int ESCAPE = 0xDC00;

  private ByteNames() {}

  /** Never fails: every byte sequence has a text. */
  public static String decode(byte[] bytes) {
    CharsetDecoder decoder = StandardCharsets.UTF_8.newDecoder()
        .onMalformedInput(CodingErrorAction.REPORT).onUnmappableCharacter(CodingErrorAction.REPORT);
    ByteBuffer in = ByteBuffer.wrap(bytes);
    CharBuffer out = CharBuffer.allocate(bytes.length);
    CoderResult result = decoder.decode(in, out, true);
    while (result.isError()) {
      for (int i = 0; i < result.length(); i++) {
        out.put((char) (ESCAPE + (in.get() & 0xFF)));
      }
      decoder.reset();
      result = decoder.decode(in, out, true);
    }
    return out.flip().toString();
  }

  /**
   * @throws IllegalArgumentException if the text has no bytes, or is not the canonical text of its bytes
   */
  public static byte[] encode(String text) {
    byte[] bytes = bytesOf(text);
    if (hasSurrogate(text) && !decode(bytes).equals(text)) {
      throw new IllegalArgumentException("the name is not the canonical text of its bytes");
    }
    return bytes;
  }

  private static byte[] bytesOf(String text) {
    if (!hasSurrogate(text)) {
      return text.getBytes(StandardCharsets.UTF_8);
    }
    ByteArrayOutputStream out = new ByteArrayOutputStream(text.length() * 3);
    for (int i = 0; i < text.length(); ) {
      int point = text.codePointAt(i);
      i += Character.charCount(point);
      if (point >= ESCAPE + 0x80 && point <= ESCAPE + 0xFF) {
        out.write(point - ESCAPE);
      } else if (point >= Character.MIN_SURROGATE && point <= Character.MAX_SURROGATE) {
        throw new IllegalArgumentException("the name has a lone surrogate, which no file name can hold");
      } else {
        out.writeBytes(Character.toString(point).getBytes(StandardCharsets.UTF_8));
      }
    }
    return out.toByteArray();
  }

  private static boolean hasSurrogate(String text) {
    for (int i = 0; i < text.length(); i++) {
      if (Character.isSurrogate(text.charAt(i))) {
        return true;
      }
    }
    return false;
  }
}
