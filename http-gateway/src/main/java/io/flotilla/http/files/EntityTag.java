package io.flotilla.http.files;

import io.flotilla.vfs.FileAttributes;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;

/**
 * Tells one state of a file from others (RFC 9110, 8.8.3).
 *
 * @param opaque without the quotes
 */
public record EntityTag(boolean isWeak, String opaque) {
  private static final int BYTES = 16;

  /**
   * The tag of a file as it is: the same by every node that has the file, which neither its number in the file system nor the time of its
   * last change of attributes would be. Hashed, since a client has no use for the parts.
   */
  public static EntityTag of(FileAttributes file) {
    String state = file.size() + "\n" + file.modified().getEpochSecond() + "." + file.modified().getNano();
    try {
      byte[] hash = MessageDigest.getInstance("SHA-256").digest(state.getBytes(StandardCharsets.UTF_8));
      return new EntityTag(false, HexFormat.of().formatHex(Arrays.copyOf(hash, BYTES)));
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java has SHA-256", e);
    }
  }

  /** Reads one tag and nothing else. */
  public static Optional<EntityTag> parse(String text) {
    return parseList(text).filter(tags -> tags.size() == 1).map(List::getFirst);
  }

  /** Reads a list of one or more tags; empty elements are passed over (RFC 9110, 5.6.1.2). */
  static Optional<List<EntityTag>> parseList(String text) {
    List<EntityTag> tags = new ArrayList<>();
    boolean isExpected = true; // after a comma, or at the start
    int i = 0;
    while (i < text.length()) {
      char c = text.charAt(i);
      if (c == ',' || c == ' ' || c == '\t') {
        isExpected |= c == ',';
        i++;
        continue;
      }
      boolean isWeak = text.startsWith("W/", i);
      int start = i + (isWeak ? 2 : 0);
      int end = start < text.length() && text.charAt(start) == '"' ? text.indexOf('"', start + 1) : -1;
      if (!isExpected || end < 0 || !isOpaque(text, start + 1, end)) {
        return Optional.empty();
      }
      tags.add(new EntityTag(isWeak, text.substring(start + 1, end)));
      isExpected = false;
      i = end + 1;
    }
    return tags.isEmpty() ? Optional.empty() : Optional.of(List.copyOf(tags));
  }

  private static boolean isOpaque(String text, int start, int end) {
    return text.substring(start, end).chars().allMatch(c -> c > ' ' && c != 0x7F);
  }

  /** Strong comparison (RFC 9110, 8.8.3.2): byte for byte the same. */
  public boolean isSame(EntityTag other) {
    return !isWeak && !other.isWeak && opaque.equals(other.opaque);
  }

  /** Weak comparison: as good as the same. */
  boolean isEquivalent(EntityTag other) {
    return opaque.equals(other.opaque);
  }

  /** As a header has it. */
  @Override
  public String toString() {
    return (isWeak ? "W/" : "") + '"' + opaque + '"';
  }
}
