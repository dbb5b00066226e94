package io.flotilla.http.admin;

import io.flotilla.journal.StoredJournal;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;

/** A journal of two voters, of which one does not answer. */
final class OneJournal implements Journal {
  private static final StoredJournal STORED = new StoredJournal(12, 3_456, 31, 42, 2, 7_890,
      Optional.of(new StoredJournal.Snapshot(40, Instant.parse("2026-11-24T09:55:31Z").toEpochMilli(), 4_000)));

  @Override
  public CompletionStage<Report> report() {
    return CompletableFuture.completedFuture(new Report("embedded", Optional.of(STORED), List.of(
        new Voter("node-1", "127.0.0.1:1", true, OptionalLong.of(65_536), OptionalLong.of(1_024)),
        new Voter("node-2", "127.0.0.2:1", false, OptionalLong.empty(), OptionalLong.empty())), List.of(), "node-2 does not answer"));
  }

  @Override
  public Optional<Own> own() {
    return Optional.empty();
  }
}
