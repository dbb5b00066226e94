package io.flotilla.node.cluster;

import io.flotilla.http.admin.Journal;
import io.flotilla.journal.StoredJournal;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.function.Supplier;

/** The journal in PostgreSQL, as this node has last seen it: it looks every ten seconds, so nobody has to wait for the database. */
final class DatabaseJournal implements Journal {
  private final Supplier<Optional<DatabaseRegistry>> registry;

  DatabaseJournal(Supplier<Optional<DatabaseRegistry>> registry) {
    this.registry = registry;
  }

  @Override
  public CompletionStage<Report> report() {
    Optional<StoredJournal> stored = stored();
    return CompletableFuture.completedFuture(new Report("postgresql", stored, List.of(),
        registry.get().map(DatabaseRegistry::lastNodes).orElse(List.of()), stored.isPresent() ? "" : "this node has not reached the database lately"));
  }

  @Override
  public Optional<Own> own() {
    return stored().map(stored -> new Own(stored, OptionalLong.empty(), OptionalLong.empty()));
  }

  private Optional<StoredJournal> stored() {
    return registry.get().flatMap(DatabaseRegistry::stored);
  }
}
