package io.flotilla.ftp;

/** A pattern for one name: {@code *} and {@code ?}, as clients send for {@code mget}. Matching takes no more than length times length steps. */
record NamePattern(String text) {
  static final NamePattern ALL = new NamePattern("*");

  static boolean isPattern(String name) {
    return name.indexOf('*') >= 0 || name.indexOf('?') >= 0;
  }

  static NamePattern of(String name) {
    return new NamePattern(name);
  }

  boolean matches(String name) {
    int at = 0;
    int in = 0;
    int star = -1;
    int retry = 0;
    while (in < name.length()) {
      if (at < text.length() && text.charAt(at) == '*') {
        star = at++;
        retry = in;
      } else if (at < text.length() && (text.charAt(at) == '?' || text.charAt(at) == name.charAt(in))) {
        at++;
        in++;
      } else if (star >= 0) {
        at = star + 1;
        in = ++retry; // the last star takes one more; an earlier one never has to
      } else {
        return false;
      }
    }
    while (at < text.length() && text.charAt(at) == '*') {
      at++;
    }
    return at == text.length();
  }
}
