package io.flotilla.http.admin;

import io.flotilla.adapter.LiveConnections;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletionStage;

/** The logged-in client connections of all nodes. Methods return at once. */
public interface ClusterConnections {
  /** The most connections that one answer holds of a node. */
  int MAX_LISTED = 1000;

  /** Which connections are asked for: those that fit in all that is given. */
  record Query(Optional<String> node, Optional<String> user, Optional<String> protocol) {}

  record Found(String node, LiveConnections.Snapshot connection) {}

  /**
   * @param silent the nodes that did not answer
   * @param more whether a node has more of them than it told
   */
  record Listing(List<Found> connections, List<String> silent, boolean more) {}

  /** What became of a connection that was to be ended. */
  enum Closing { CLOSED, NOT_FOUND, NODE_SILENT }

  CompletionStage<Listing> find(Query query);

  /**
   * Ends a connection.
   *
   * @param reason for the client
   */
  CompletionStage<Closing> close(String node, long id, String reason);
}
