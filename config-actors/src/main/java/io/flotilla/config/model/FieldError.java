package io.flotilla.config.model;

/** One fault of a document: a JSON pointer (RFC 6901) to where it is, and what is wrong there. */
public record FieldError(String pointer, String detail) {
  /** The pointer to a field of an object. */
  public static String pointer(String field) {
    return "/" + escape(field);
  }

  static String escape(String field) {
    return field.replace("~", "~0").replace("/", "~1");
  }
}
