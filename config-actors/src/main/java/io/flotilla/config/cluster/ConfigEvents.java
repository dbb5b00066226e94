package io.flotilla.config.cluster;

import io.flotilla.config.event.Author;
import io.flotilla.config.event.ConfigChanged;
import io.flotilla.config.model.Refusal;

/** Is told what happens to the configuration, for logs, metrics and the event stream. Calls must not block. */
public interface ConfigEvents {
  void primaryStarted(long epoch, long version);

  /** Told by this node's primary, once a second while it runs. */
  void historyKept(HistoryStatus status);

  void primaryStopped();

  void committed(ConfigChanged change, long milliseconds);

  void rejected(String id, Author author, Refusal refusal);

  void applied(long version);

  void catchingUp(long from, long to);

  void caughtUp(long from, long to, long milliseconds);

  void degraded(long version, java.util.List<String> problems);
}
