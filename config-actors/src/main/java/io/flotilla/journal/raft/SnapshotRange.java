package io.flotilla.journal.raft;

/** Which snapshots are meant: all four bounds are inclusive. Timestamps are milliseconds since 1970. */
public record SnapshotRange(long minSequenceNr, long maxSequenceNr, long minTimestamp, long maxTimestamp) {
    boolean contains(long sequenceNr, long timestamp) {
        return sequenceNr >= minSequenceNr && sequenceNr <= maxSequenceNr
                && timestamp >= minTimestamp && timestamp <= maxTimestamp;
    }

    public static SnapshotRange exactly(long sequenceNr, long timestamp) {
        return new SnapshotRange(sequenceNr, sequenceNr, timestamp, timestamp);
    }
}
