package io.flotilla.vfs;

import java.util.HashMap;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.Supplier;

/**
 * What trees with a quota hold: one {@link Usage} for each, since the sessions of all protocols count as one. Those that no
 * session has are kept for the next login, the latest few of them. One per process, safe for all threads.
 */
final class Usages {
  static final int MAX_UNUSED = 1000;

  private final Map<Object, Usage> unused = new LinkedHashMap<>();
  private final Map<Object, Lent> lent = new HashMap<>();

  private static final class Lent {
    private final Usage usage;
    private int sessions;

    Lent(Usage usage) {
      this.usage = usage;
    }
  }

  /** The usage of a tree, to be given back by {@link #giveBack} once. */
  synchronized Usage take(Object tree, Supplier<Usage> anew) {
    Lent found = lent.computeIfAbsent(tree, key -> {
      Usage kept = unused.remove(key);
      return new Lent(kept == null ? anew.get() : kept);
    });
    found.sessions++;
    return found.usage;
  }

  synchronized void giveBack(Object tree) {
    Lent found = lent.get(tree);
    if (--found.sessions > 0) {
      return;
    }
    lent.remove(tree);
    unused.put(tree, found.usage);
    if (unused.size() > MAX_UNUSED) {
      Iterator<Object> oldest = unused.keySet().iterator();
      oldest.next();
      oldest.remove();
    }
  }

  synchronized int size() {
    return lent.size() + unused.size();
  }
}
