package io.flotilla.journal;

import java.util.Optional;

/**
 * What is stored of one persistence id, in one place: a voter, or the database.
 *
 * @param events how many are kept
 * @param eventBytes what they take, uncompressed
 * @param oldest the number of the oldest one kept; the highest number if none is
 * @param highest the highest number ever written
 * @param snapshots how many are kept
 * @param snapshotBytes what they take, uncompressed
 * @param newest the newest snapshot
 */
public record StoredJournal(long events, long eventBytes, long oldest, long highest, long snapshots, long snapshotBytes,
    Optional<Snapshot> newest) {
  public static final StoredJournal NOTHING = new StoredJournal(0, 0, 0, 0, 0, 0, Optional.empty());

  /**
   * @param sequenceNr of the last event in it
   * @param timestamp when it was taken, in milliseconds since 1970
   * @param bytes what it takes, uncompressed
   */
  public record Snapshot(long sequenceNr, long timestamp, long bytes) {}
}
