package io.flotilla.vfs;

import java.util.Arrays;
import java.util.BitSet;

/**
 * A pattern for one name: {@code *} and {@code ?}, as clients send for {@code mget} and {@code scp}. Matching takes no more than
 * length times length steps. Immutable.
 */
public final class NamePattern {
  public static final NamePattern ALL = of("*");
  private static final int ANY_RUN = -1;
  private static final int ANY_ONE = -2;

  private final int[] symbols;

  private NamePattern(int[] symbols) {
    this.symbols = symbols;
  }

  public static boolean isPattern(String name) {
    return name.indexOf('*') >= 0 || name.indexOf('?') >= 0;
  }

  public static NamePattern of(String name) {
    return of(name, new BitSet());
  }

  /**
   * A pattern in which some characters stand for themselves.
   *
   * @param literal the places in the text of every {@code *} and {@code ?} that was quoted
   */
  public static NamePattern of(String name, BitSet literal) {
    int[] symbols = new int[name.length()];
    for (int i = 0; i < symbols.length; i++) {
      char c = name.charAt(i);
      boolean wild = !literal.get(i);
      symbols[i] = wild && c == '*' ? ANY_RUN : wild && c == '?' ? ANY_ONE : c;
    }
    return new NamePattern(symbols);
  }

  /** Whether it can match more than one name. */
  public boolean isWild() {
    return Arrays.stream(symbols).anyMatch(symbol -> symbol < 0);
  }

  public boolean matches(String name) {
    int at = 0;
    int in = 0;
    int star = -1;
    int retry = 0;
    while (in < name.length()) {
      if (at < symbols.length && symbols[at] == ANY_RUN) {
        star = at++;
        retry = in;
      } else if (at < symbols.length && (symbols[at] == ANY_ONE || symbols[at] == name.charAt(in))) {
        at++;
        in++;
      } else if (star >= 0) {
        at = star + 1;
        in = ++retry; // the last star takes one more; an earlier one never has to
      } else {
        return false;
      }
    }
    while (at < symbols.length && symbols[at] == ANY_RUN) {
      at++;
    }
    return at == symbols.length;
  }

  /** Whether it matches as a shell would: a name that begins with a dot only if the pattern says so. */
  public boolean matchesAsInShell(String name) {
    return (!name.startsWith(".") || symbols.length > 0 && symbols[0] == '.') && matches(name);
  }
}
