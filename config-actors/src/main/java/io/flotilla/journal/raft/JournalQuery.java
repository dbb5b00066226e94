package io.flotilla.journal.raft;

import java.util.Objects;

/** What reads the journal. */
public sealed interface JournalQuery {

    /** Answer: {@link JournalReply.HighestSequenceNr}. */
    record HighestSequenceNr(String persistenceId) implements JournalQuery {
        public HighestSequenceNr {
            Objects.requireNonNull(persistenceId);
        }
    }

    /**
     * Events in ascending order, both ends inclusive, at most {@code max}. Answer: {@link JournalReply.ReplayPage}; ask again
     * from its {@code nextFrom} until it is complete. If the first one is too long for a page, {@link JournalReply.EventPage};
     * ask for its rest by {@link LoadEvent}, and then for what follows it.
     */
    record Replay(String persistenceId, long from, long to, long max) implements JournalQuery {
        public Replay {
            Objects.requireNonNull(persistenceId);
        }
    }

    /** One event from a byte offset on. Answer: {@link JournalReply.EventPage}. */
    record LoadEvent(String persistenceId, long sequenceNr, int offset) implements JournalQuery {
        public LoadEvent {
            Objects.requireNonNull(persistenceId);
        }
    }

    /**
     * The newest snapshot in a range, from a byte offset on. Answer: {@link JournalReply.SnapshotPage} or
     * {@link JournalReply.NoSnapshot}. For the following pages name exactly the snapshot that the first page showed.
     */
    record LoadSnapshot(String persistenceId, SnapshotRange range, int offset) implements JournalQuery {
        public LoadSnapshot {
            Objects.requireNonNull(persistenceId);
            Objects.requireNonNull(range);
        }
    }

    /** Answer: {@link JournalReply.CurrentGeneration}. */
    record CurrentGeneration() implements JournalQuery {}

    /** Answer: {@link JournalReply.Nodes}. */
    record ListNodes() implements JournalQuery {}

    /** Which commands the asked voter knows. Answer: {@link JournalReply.FormatLevel}; of a voter of release 1: Refused. */
    record FormatLevel() implements JournalQuery {}

    /** Answer: {@link JournalReply.Wishes}. */
    record ListWishes() implements JournalQuery {}

    /** How far the asked voter is and what it holds on disk. Answer: {@link JournalReply.VoterProgress}. */
    record VoterProgress() implements JournalQuery {}

    /**
     * What the asked voter holds, on disk and of one persistence id. Answer: {@link JournalReply.VoterStorage}; of a voter of an
     * earlier release: Refused.
     */
    record VoterStorage(String persistenceId) implements JournalQuery {
        public VoterStorage {
            Objects.requireNonNull(persistenceId);
        }
    }

    /** What the asked voter itself knows, without asking the others. Answer: {@link JournalReply.LocalStatus}. */
    record LocalStatus() implements JournalQuery {}
}
