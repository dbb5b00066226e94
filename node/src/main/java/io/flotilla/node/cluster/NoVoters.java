package io.flotilla.node.cluster;

import io.flotilla.http.admin.Voters;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.function.Supplier;

/** What is to be said about voters where the journal is in PostgreSQL: there are none. Dead nodes can be forgotten all the same. */
final class NoVoters implements Voters {
  private static final String REASON = "this cluster keeps its journal in PostgreSQL (flotilla.journal.engine), so it has no "
      + "voters; what you want to change is in the database";

  private final RegistryWork<DatabaseRegistry> work;

  NoVoters(Supplier<Optional<DatabaseRegistry>> registry) {
    this.work = new RegistryWork<>(registry, "this node does not reach the database yet");
  }

  @Override
  public CompletionStage<Report> list() {
    return CompletableFuture.failedFuture(new NoVotersException(REASON));
  }

  @Override
  public CompletionStage<Outcome> add(String node, Duration patience) {
    return CompletableFuture.failedFuture(new NoVotersException(REASON));
  }

  @Override
  public CompletionStage<Outcome> remove(String node, Duration patience) {
    return CompletableFuture.failedFuture(new NoVotersException(REASON));
  }

  @Override
  public CompletionStage<Outcome> replace(String node, String by, Duration patience) {
    return CompletableFuture.failedFuture(new NoVotersException(REASON));
  }

  @Override
  public CompletionStage<Outcome> forget(String node) {
    return work.run(opened -> forget(node, opened));
  }

  private static Outcome forget(String node, DatabaseRegistry opened) throws IOException {
    if (opened.entries().stream().noneMatch(entry -> entry.name().equals(node))) {
      return new Unknown("there is no node named " + node);
    }
    return opened.forget(node)
        ? new Settled(new Report(List.of(), Optional.empty()))
        : new Refused("node " + node + " lives; stop it first, and wait until it counts as dead");
  }
}
