package io.flotilla.http.files;

import io.flotilla.vfs.VfsException;
import java.util.HashSet;
import java.util.Set;

/**
 * The names that the entries of one directory have in an archive: their own, but for what is no text, or what another system could take
 * for a way out of where it is unpacked (a backslash, a drive, only dots and spaces); there each such character becomes {@code _}. If
 * that is taken, a number follows. Used by one thread at a time.
 */
final class ZipNames {
  /** Of names that were changed, as far as they are remembered; those after them always have a number. */
  private static final int MAX_REMEMBERED = 100;
  private static final char SUBSTITUTE = '_';

  private final Directory directory;
  private final Set<String> given = new HashSet<>();
  private int changed;

  /** Whether the directory itself has an entry of a name. */
  interface Directory {
    boolean has(String name) throws VfsException;
  }

  ZipNames(Directory directory) {
    this.directory = directory;
  }

  /** To be asked once for each entry. */
  String nameOf(String name) throws VfsException {
    String safe = safe(name);
    if (safe.equals(name)) {
      return name;
    }
    changed++;
    if (given.size() < MAX_REMEMBERED && !directory.has(safe) && given.add(safe)) {
      return safe;
    }
    // The numbers only grow, so no two names with one are the same.
    while (true) {
      String numbered = numbered(safe, ++changed);
      if (!given.contains(numbered) && !directory.has(numbered)) {
        return numbered;
      }
    }
  }

  private static String numbered(String name, int number) {
    int dot = name.lastIndexOf('.');
    int end = dot < 0 ? name.length() : dot;
    return name.substring(0, end) + " (" + number + ")" + name.substring(end);
  }

  private static String safe(String name) {
    boolean isOnlyDots = name.chars().allMatch(c -> c == '.' || c == ' ');
    StringBuilder safe = new StringBuilder(name.length());
    for (int i = 0; i < name.length(); ) {
      int point = name.codePointAt(i);
      boolean isDrive = i == 1 && point == ':' && isLetter(name.charAt(0));
      boolean isHarmless = !isOnlyDots && !isDrive && point != '\\' && point != '/' && !Character.isISOControl(point)
          && !(point >= Character.MIN_SURROGATE && point <= Character.MAX_SURROGATE);
      safe.appendCodePoint(isHarmless ? point : SUBSTITUTE);
      i += Character.charCount(point);
    }
    return safe.toString();
  }

  private static boolean isLetter(char c) {
    return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z';
  }
}
