package io.flotilla.http.sessions;

import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;

/**
 * How the nodes tell each other of sessions. Safe for all threads; nothing blocks, and nothing fails: what can't be told now is told when
 * nodes meet again, and who can't be asked knows nothing.
 */
public interface SessionReplication {
  /** How many nodes are to know a record before it counts as told. */
  enum Reach { MAJORITY, ALL }

  /** Completes when the nodes know it, or after a second. */
  CompletionStage<Void> publish(SessionRecord record, Reach reach);

  /** Tells all of them, some time. */
  void publishAll(List<SessionRecord> records);

  /** What a majority of the nodes knows of a session. */
  CompletionStage<Optional<SessionRecord>> fetch(String id);

  /** While there is no other node to tell. */
  SessionReplication NONE = new SessionReplication() {
    @Override
    public CompletionStage<Void> publish(SessionRecord record, Reach reach) {
      return CompletableFuture.completedFuture(null);
    }

    @Override
    public void publishAll(List<SessionRecord> records) {}

    @Override
    public CompletionStage<Optional<SessionRecord>> fetch(String id) {
      return CompletableFuture.completedFuture(Optional.empty());
    }
  };
}
