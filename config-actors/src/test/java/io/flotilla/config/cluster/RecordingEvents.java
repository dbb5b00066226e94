package io.flotilla.config.cluster;

import io.flotilla.config.event.Author;
import io.flotilla.config.event.ConfigChanged;
import io.flotilla.config.model.Refusal;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;

/** Keeps what it is told, as words. */
final class RecordingEvents implements ConfigEvents {
  final List<String> told = new CopyOnWriteArrayList<>();

  @Override
  public void primaryStarted(long epoch, long version) {
    told.add("primary started " + epoch + " " + version);
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
