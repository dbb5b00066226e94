package io.flotilla.node.recent;

import io.flotilla.vfs.RecentChanges;
import io.flotilla.vfs.RecentChanges.Aged;
import io.flotilla.vfs.RecentChanges.Batch;
import io.flotilla.vfs.RecentChanges.Position;
import java.io.IOException;
import java.time.Duration;
import java.util.List;

/** Tells another node of this node's changes, as they are made, as long as it listens. Safe for all threads. */
final class ChangesService {
  /** How long nothing is said if there is nothing to say. */
  static final Duration HEARTBEAT = Duration.ofSeconds(3);

  private final RecentChanges changes;

  ChangesService(RecentChanges changes) {
    this.changes = changes;
  }

  void serve(Link link) throws IOException {
    Position position = ChangesMessages.from(Frame.read(link.in()));
    if (ChangesMessages.isNew(position)) {
      giveBack(link);
    }
    // Who begins to listen waits to know that it has heard all there is.
    Duration wait = Duration.ZERO;
    try {
      while (true) {
        Batch batch = changes.after(position, ChangesMessages.MAX_CHANGES, wait);
        ChangesMessages.batch(batch).writeTo(link.out());
        position = batch.position();
        wait = HEARTBEAT;
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /** Of a node that has just started, what it told before. */
  private void giveBack(Link link) throws IOException {
    List<Aged> former = changes.heardFrom(link.peer());
    int at = 0;
    do {
      int end = Math.min(former.size(), at + ChangesMessages.MAX_CHANGES);
      ChangesMessages.batch(new Batch(new Position(ChangesMessages.NOBODY, former.size() - end), former.subList(at, end))).writeTo(link.out());
      at = end;
    } while (at < former.size());
  }
}
