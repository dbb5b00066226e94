package io.flotilla.config.model;

import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Ports from {@code first} to {@code last}, both included; its text is {@code 20050-20079}. */
public record PortRange(int first, int last) {
  private static final Pattern TEXT = Pattern.compile("([0-9]{1,5})-([0-9]{1,5})");
  private static final int MAX_PORT = 65535;

  public PortRange {
    if (first < 1 || last > MAX_PORT || first > last) {
      throw malformed();
    }
  }

  static PortRange parse(String text) {
    Matcher matcher = TEXT.matcher(text);
    if (!matcher.matches()) {
      throw malformed();
    }
    return new PortRange(Integer.parseInt(matcher.group(1)), Integer.parseInt(matcher.group(2)));
  }

  private static IllegalArgumentException malformed() {
    return new IllegalArgumentException(
        "must be a range of ports such as 20050-20079, from 1 to " + MAX_PORT + " and the lower first");
  }

  public boolean contains(int port) {
    return first <= port && port <= last;
  }

  public boolean overlaps(PortRange other) {
    return first <= other.last && other.first <= last;
  }

  @Override
  public String toString() {
    return first + "-" + last;
  }
}
