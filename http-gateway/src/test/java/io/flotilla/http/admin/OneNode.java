package io.flotilla.http.admin;

import io.flotilla.adapter.ClientEvent;
import io.flotilla.adapter.LiveConnections;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;

/** node-1, on which alice uploads, a voter; and a node-2 that never answers. */
final class OneNode implements ClusterNodes {
  private static final Instant SINCE = Instant.parse("2026-11-01T12:00:00Z");
  private static final Duration USUAL = Duration.ofMinutes(30);
  private static final LiveConnections.Snapshot CONNECTION = new LiveConnections.Snapshot(17, "sftp", "alice", "192.0.2.1", SINCE,
      Optional.of(new LiveConnections.CurrentTransfer("/in/file", ClientEvent.Direction.UPLOAD)), 4096);
  private Optional<Drain> drain = Optional.empty();
  boolean isOver;

  @Override
  public CompletionStage<Answer> look(String node) {
    return CompletableFuture.completedFuture(switch (node) {
      case "node-1" -> new Told(new State(drain.map(this::present),
          drain.isPresent() ? List.of("it is drained") : List.of(), isOver ? 0 : 2, isOver ? List.of() : List.of(CONNECTION), false));
      case "node-2" -> new Silent();
      default -> new Unknown();
    });
  }

  private Drain present(Drain begun) {
    return new Drain(begun.purpose(), begun.since(), begun.deadline(), begun.by(), isOver, begun.trouble());
  }

  @Override
  public CompletionStage<Answer> begin(String node, Purpose purpose, Optional<Duration> deadline, boolean keepVote, String by) {
    if (node.equals("node-1") && purpose == Purpose.LEAVE && !keepVote) {
      return CompletableFuture.completedFuture(new Refused("this node is a voter"));
    }
    if (node.equals("node-1")) {
      drain = Optional.of(new Drain(purpose, SINCE, SINCE.plus(deadline.orElse(USUAL)), by, false, ""));
    }
    return look(node);
  }

  @Override
  public CompletionStage<Answer> resume(String node, String by) {
    drain = node.equals("node-1") ? Optional.empty() : drain;
    return look(node);
  }
}
