package io.flotilla.config.cluster;

import static org.awaitility.Awaitility.await;

import io.flotilla.config.event.Author;
import io.flotilla.config.event.ConfigChanged;
import io.flotilla.config.model.Refusal;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;

/** Keeps what it is told, as words. */
final class RecordingEvents implements ConfigEvents {
  final List<String> told = new CopyOnWriteArrayList<>();
  private volatile HistoryStatus kept = new HistoryStatus(0, 0, 0, 0, 0, 0);

  /** The first status with so many lookups. */
  HistoryStatus awaitKept(int lookups) {
    return await().until(() -> kept, status -> status.lookups() >= lookups);
  }

  @Override
  public void primaryStarted(long epoch, long version) {
    told.add("primary started " + epoch + " " + version);
  }

  @Override
  public void historyKept(HistoryStatus status) {
    kept = status;
  }

  @Override
  public void primaryStopped() {
    told.add("primary stopped");
  }

  @Override
  public void committed(ConfigChanged change, long milliseconds) {
    told.add("committed " + change.version());
  }

  @Override
  public void rejected(String id, Author author, Refusal refusal) {
    told.add("rejected " + id);
  }

  @Override
  public void applied(long version) {
    told.add("applied " + version);
  }

  @Override
  public void catchingUp(long from, long to) {
    told.add("catching up " + from + " " + to);
  }

  @Override
  public void caughtUp(long from, long to, long milliseconds) {
    told.add("caught up " + from + " " + to);
  }

  @Override
  public void degraded(long version, List<String> problems) {
    told.add("degraded " + version + " " + problems);
  }
}
