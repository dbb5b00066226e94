package io.flotilla.http;

import io.flotilla.vfs.ByteNames;
import java.util.ArrayList;
import java.util.List;

/** The fields of a query or of a body as {@code application/x-www-form-urlencoded} has them (WHATWG URL, 5.1). Stateless. */
public final class FormFields {
  private FormFields() {}

  /** One field. Bytes that are no UTF-8 are kept, as in the names of files ({@link ByteNames}), since it may be such a name. */
  public record Field(String name, String value) {}

  /**
   * All fields in their order.
   *
   * @throws IllegalArgumentException if an escape is broken, or for a character that is not printable ASCII
   */
  public static List<Field> parse(String text) {
    List<Field> fields = new ArrayList<>();
    int start = 0;
    while (start < text.length()) {
      int end = text.indexOf('&', start);
      String field = text.substring(start, end < 0 ? text.length() : end);
      start = end < 0 ? text.length() : end + 1;
      if (!field.isEmpty()) {
        int equals = field.indexOf('=');
        fields.add(equals < 0
            ? new Field(decode(field), "") : new Field(decode(field.substring(0, equals)), decode(field.substring(equals + 1))));
      }
    }
    return fields;
  }

  private static String decode(String text) {
    // What would end a path may stand for itself here.
    return ByteNames.decode(PercentEncoding.decode(text.replace("+", "%20").replace("?", "%3F")));
  }
}
