package io.flotilla.journal.raft;

import java.util.Optional;

/**
 * What a voter holds of one persistence id.
 *
 * @param events how many are kept
 * @param eventBytes what they take
 * @param oldest the number of the oldest one kept; the highest number if none is
 * @param highest the highest number ever written
 * @param snapshots how many are kept
 * @param snapshotBytes what they take
 * @param newest the newest snapshot
 */
public record StoredJournal(long events, long eventBytes, long oldest, long highest, long snapshots, long snapshotBytes,
                            Optional<Snapshot> newest) {
    public static final StoredJournal NOTHING = new StoredJournal(0, 0, 0, 0, 0, 0, Optional.empty());

    /**
     * @param sequenceNr of the last event in it
     * @param timestamp when it was taken, in milliseconds since 1970
     * @param bytes what it takes
     */
    public record Snapshot(long sequenceNr, long timestamp, long bytes) {}
}
