package io.flotilla.http.admin;

import io.flotilla.adapter.ClientEvent;
import io.flotilla.adapter.LiveConnections;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;

/** Alice's upload on node-1, and a node-2 that never answers. */
final class OneConnection implements ClusterConnections {
  private static final LiveConnections.Snapshot CONNECTION = new LiveConnections.Snapshot(17, "sftp", "alice", "192.0.2.1",
      Instant.parse("2026-11-01T12:00:00Z"),
      Optional.of(new LiveConnections.CurrentTransfer("/in/file", ClientEvent.Direction.UPLOAD)), 4096);
  private boolean closed;

  @Override
  public CompletionStage<Listing> find(Query query) {
    boolean asked = !closed && query.node().orElse("node-1").equals("node-1") && query.user().orElse("alice").equals("alice")
        && query.protocol().orElse("sftp").equals("sftp");
    return CompletableFuture.completedFuture(new Listing(asked ? List.of(new Found("node-1", CONNECTION)) : List.of(),
        query.node().orElse("node-2").equals("node-2") ? List.of("node-2") : List.of(), false));
  }

  @Override
  public CompletionStage<Closing> close(String node, long id, String reason) {
    boolean isThere = !closed && id == 17;
    if (node.equals("node-1")) {
      closed = true;
    }
    return CompletableFuture.completedFuture(
        !node.equals("node-1") ? Closing.NODE_SILENT : isThere ? Closing.CLOSED : Closing.NOT_FOUND);
  }
}
