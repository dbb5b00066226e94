package io.flotilla.http.admin;

import io.flotilla.adapter.LiveConnections;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletionStage;

/**
 * The nodes, as they are asked to let their clients go, and then to go on or to stop. Every node can be asked about each. Methods return at
 * once.
 */
public interface ClusterNodes {

  /** What a node lets its clients go for. */
  enum Purpose {
    /** To stay in the cluster without clients until it is resumed. */
    DRAIN,
    /** To leave the cluster and end. */
    LEAVE,
    /** To be started again by what supervises it. */
    RESTART,
    /** To end, as it was told by a signal. */
    STOP
  }

  /**
   * How a node lets its clients go.
   *
   * @param deadline when those that are left are ended
   * @param by who asked for it
   * @param over whether no client is left, and the role of the primary has been handed over or could not be
   * @param trouble what did not go as it should, empty if nothing
   */
  record Drain(Purpose purpose, Instant since, Instant deadline, String by, boolean over, String trouble) {}

  /**
   * A node at a moment.
   *
   * @param drain nothing while it serves
   * @param notReady why it is not ready, empty if it is
   * @param remaining how many clients it has, logged in or not
   * @param connections those that are logged in, the oldest first
   * @param more whether it has more of them than it told
   */
  record State(Optional<Drain> drain, List<String> notReady, int remaining, List<LiveConnections.Snapshot> connections, boolean more) {
    public State {
      notReady = List.copyOf(notReady);
      connections = List.copyOf(connections);
    }
  }

  sealed interface Answer {}

  record Told(State state) implements Answer {}

  /** Nothing was changed. */
  record Refused(String reason) implements Answer {}

  /** No member has that name. */
  record Unknown() implements Answer {}

  /** The node did not answer, or this one is in no cluster; it may have done what it was asked for. */
  record Silent() implements Answer {}

  CompletionStage<Answer> look(String node);

  /**
   * Has a node let its clients go. Asking again for the same is harmless, and with a deadline sets that.
   *
   * @param deadline from now on; nothing for the deadline that it has, or its default
   * @param keepVote whether a voter may leave though its vote stays
   * @param by who asks, for logs and events
   */
  CompletionStage<Answer> begin(String node, Purpose purpose, Optional<Duration> deadline, boolean keepVote, String by);

  /** Has a node take clients again. */
  CompletionStage<Answer> resume(String node, String by);
}
