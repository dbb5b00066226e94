package io.flotilla.node.cluster;

import io.flotilla.journal.raft.Lineage;
import java.io.IOException;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicBoolean;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Looks whether the cluster was recovered into a newer lineage, of which the voters of the former one are told by nobody: they
 * look at each other's addresses, and every node does whose voters fall silent. It asks on a thread of its own, one at a time.
 */
final class LineageWatch {
  private static final Logger log = LoggerFactory.getLogger(LineageWatch.class);
  private static final Duration PAUSE = Duration.ofSeconds(10);
  private static final Duration PAUSE_IN_SILENCE = Duration.ofSeconds(2);

  /** Asks who is there; blocks. */
  interface Search {
    VoterSearch run() throws IOException;
  }

  private final Lineage own;
  private final Search search;
  private final AtomicBoolean busy = new AtomicBoolean();
  private volatile long askedNanos = System.nanoTime();
  private volatile Optional<Lineage> replacing = Optional.empty();
  private Optional<Lineage> told = Optional.empty();

  LineageWatch(Lineage own, Search search) {
    this.own = own;
    this.search = search;
  }

  /** The lineage that has replaced this node's, once it is found. */
  Optional<Lineage> replacing() {
    return replacing;
  }

  /**
   * Begins to ask, if it is time. Returns at once.
   *
   * @param silent whether the voters that this node knows don't answer
   */
  void tend(boolean silent) {
    if (System.nanoTime() - askedNanos > (silent ? PAUSE_IN_SILENCE : PAUSE).toNanos() && busy.compareAndSet(false, true)) {
      Thread.ofVirtual().name("lineage-watch").start(() -> {
        try {
          VoterSearch found = search.run();
          replacing = found.replacing(own);
          tellContradiction(found.contradicting(own));
        } catch (IOException | RuntimeException e) {
          log.debug("The voters' addresses could not be asked", e);
        } finally {
          askedNanos = System.nanoTime();
          busy.set(false);
        }
      });
    }
  }

  private void tellContradiction(Optional<Lineage> other) {
    if (other.isPresent() && !other.equals(told)) {
      log.error("The cluster was recovered twice: this node is in {}, but a voter answers that is in {}. They don't mix, and changes "
          + "made in one are not in the other. Decide for one, stop the nodes of the other, empty their data directories but for "
          + "cluster.key, and start them again", own, other.get());
    }
    told = other;
  }
}
