package io.flotilla.http.admin;

import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;

/** A cluster whose only voter is node-1; node-2 can become one, and node-slow does not within any patience. */
final class OneVoter implements Voters {
  private static final Report REPORT = new Report(List.of(new Voter("node-1", "127.0.0.1:1", "peer", true, true, true,
      OptionalLong.of(7), OptionalLong.of(8), OptionalLong.empty(), OptionalLong.of(4096), "")), Optional.empty());

  @Override
  public CompletionStage<Report> list() {
    return CompletableFuture.completedFuture(REPORT);
  }

  @Override
  public CompletionStage<Outcome> add(String node, Duration patience) {
    return CompletableFuture.completedFuture(switch (node) {
      case "node-1", "node-2" -> new Settled(REPORT);
      case "node-slow" -> new UnderWay(REPORT);
      default -> new Unknown("there is no node named " + node);
    });
  }

  @Override
  public CompletionStage<Outcome> remove(String node, Duration patience) {
    return CompletableFuture.completedFuture(new Refused("it is the last voter"));
  }

  @Override
  public CompletionStage<Outcome> replace(String node, String by, Duration patience) {
    return add(by, patience);
  }

  @Override
  public CompletionStage<Outcome> forget(String node) {
    return CompletableFuture.failedFuture(new UnavailableException("no voter answers"));
  }
}
