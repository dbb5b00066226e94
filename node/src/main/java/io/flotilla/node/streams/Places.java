package io.flotilla.node.streams;

import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.locks.ReentrantLock;

/** Places for what other nodes ask for, of which no node gets more than some, so that it leaves others room. Safe for all threads. */
public final class Places {
  private final int most;
  private final int mostOfOne;
  private final ReentrantLock lock = new ReentrantLock();
  private final Map<String, Integer> taken = new HashMap<>();
  private int all;

  /**
   * @param most of all nodes
   * @param mostOfOne of each
   */
  public Places(int most, int mostOfOne) {
    this.most = most;
    this.mostOfOne = mostOfOne;
  }

  /** Takes a place, unless the node has as many as it may, or all are taken. */
  public boolean take(String node) {
    lock.lock();
    try {
      int own = taken.getOrDefault(node, 0);
      if (all >= most || own >= mostOfOne) {
        return false;
      }
      taken.put(node, own + 1);
      all++;
      return true;
    } finally {
      lock.unlock();
    }
  }

  /** To be called once for each place that was taken. */
  public void giveBack(String node) {
    lock.lock();
    try {
      taken.computeIfPresent(node, (_, own) -> own == 1 ? null : own - 1);
      all--;
    } finally {
      lock.unlock();
    }
  }
}
