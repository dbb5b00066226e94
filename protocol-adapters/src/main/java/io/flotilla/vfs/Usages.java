package io.flotilla.vfs;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
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
  /** Those that other nodes may change as well; each is lent or unused. */
  private final Map<UsageNews.Home, Shared> shared = new LinkedHashMap<>();

  /** What was told of a home and what is to be told. */
  private static final class Shared {
    private final Object tree;
    private final Usage usage;
    private UsageNews.Change told;
    private boolean isWanted;
    private boolean wantsOthers = true;

    Shared(Object tree, Usage usage) {
      this.tree = tree;
      this.usage = usage;
    }
  }

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
      Object forgotten = oldest.next();
      oldest.remove();
      shared.values().removeIf(one -> one.tree.equals(forgotten));
    }
  }

  /** Has the usage of a tree exchanged with the other nodes from now on. */
  synchronized void share(UsageNews.Home home, Object tree, Usage usage) {
    Shared present = shared.get(home);
    if (present == null || present.usage != usage) {
      shared.put(home, new Shared(tree, usage));
    }
  }

  /** What is to be told to the other nodes since the last call; what does not fit is the first to be told by the next. */
  synchronized UsageNews news() {
    List<UsageNews.Change> changes = new ArrayList<>();
    List<UsageNews.Home> wanted = new ArrayList<>();
    Map<UsageNews.Home, Shared> told = new LinkedHashMap<>();
    int bytes = 0;
    for (Map.Entry<UsageNews.Home, Shared> entry : shared.entrySet()) {
      UsageNews.Home home = entry.getKey();
      Shared one = entry.getValue();
      UsageNews.Change now = one.usage.own(home, one.told == null);
      boolean isNews = one.told == null || one.isWanted || now.bytes() != one.told.bytes() || now.files() != one.told.files();
      if (!isNews && !one.wantsOthers) {
        continue;
      }
      bytes += 2 * home.size();
      if (bytes > UsageNews.MOST_BYTES) {
        break;
      }
      if (isNews) {
        changes.add(now);
        one.told = now;
        one.isWanted = false;
      }
      if (one.wantsOthers) {
        wanted.add(home);
        one.wantsOthers = false;
      }
      told.put(home, one);
    }
    shared.keySet().removeAll(told.keySet());
    shared.putAll(told);
    return new UsageNews(changes, wanted);
  }

  /** Counts what another node tells. */
  synchronized void heard(String node, UsageNews news) {
    news.changes().forEach(change -> {
      Shared one = shared.get(change.home());
      if (one != null) {
        one.usage.heard(node, change);
      }
    });
    news.wanted().forEach(home -> {
      Shared one = shared.get(home);
      if (one != null) {
        one.isWanted = true;
      }
    });
  }

  synchronized int size() {
    return lent.size() + unused.size();
  }
}
