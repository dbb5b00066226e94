package io.flotilla.journal.raft;

import io.flotilla.journal.StoredJournal;
import java.util.List;
import java.util.Objects;
import java.util.Optional;

/** The answers to {@link JournalCommand}s and {@link JournalQuery}s. */
public sealed interface JournalReply {

    /** A reason may name a persistence id of any length, but must always fit a reply. */
    private static String shortened(String reason) {
        int max = 2000;
        if (reason.length() <= max) {
            return reason;
        }
        int end = Character.isHighSurrogate(reason.charAt(max - 1)) ? max - 1 : max;
        return reason.substring(0, end);
    }

    record EpochClaimed(long epoch, long highestSequenceNr) implements JournalReply {}

    record Appended(long highestSequenceNr) implements JournalReply {}

    /** Nothing was changed, because another writer is entitled, or because the numbers don't follow. */
    record Fenced(String reason) implements JournalReply {
        public Fenced {
            reason = shortened(reason);
        }
    }

    record Done() implements JournalReply {}

    /** A part was kept; the command isn't complete yet. */
    record PartStored(int nextIndex) implements JournalReply {}

    /** Nothing was changed, because the request itself is wrong or can't be kept. */
    record Refused(String reason) implements JournalReply {
        public Refused {
            reason = shortened(reason);
        }
    }

    /** The voter asked hasn't applied yet what the asker has written already: a deposed leader, or a slow one. */
    record Behind(long appliedIndex) implements JournalReply {}

    record HighestSequenceNr(long sequenceNr) implements JournalReply {}

    /** @param nextFrom where to go on, if not complete */
    record ReplayPage(List<JournalCommand.Entry> entries, long nextFrom, boolean complete) implements JournalReply {
        public ReplayPage {
            entries = List.copyOf(entries);
        }
    }

    /** @param totalBytes length of the whole snapshot, of which {@code bytes} is the piece that was asked for */
    record SnapshotPage(long sequenceNr, long timestamp, int totalBytes, Bytes bytes) implements JournalReply {
        public SnapshotPage {
            Objects.requireNonNull(bytes);
        }
    }

    /** A part of an event that is too long for a {@link ReplayPage}. */
    record EventPage(long sequenceNr, int totalBytes, Bytes bytes) implements JournalReply {
        public EventPage {
            Objects.requireNonNull(bytes);
        }
    }

    record NoSnapshot() implements JournalReply {}

    record GenerationFounded(Generation generation) implements JournalReply {
        public GenerationFounded {
            Objects.requireNonNull(generation);
        }
    }

    /** Somebody else was faster; this is what holds. */
    record GenerationConflict(Optional<Generation> current) implements JournalReply {
        public GenerationConflict {
            Objects.requireNonNull(current);
        }
    }

    record CurrentGeneration(Optional<Generation> generation) implements JournalReply {
        public CurrentGeneration {
            Objects.requireNonNull(generation);
        }
    }

    record NodeRegistered(NodeRecord node) implements JournalReply {
        public NodeRegistered {
            Objects.requireNonNull(node);
        }
    }

    record NameTaken(NodeRecord holder) implements JournalReply {
        public NameTaken {
            Objects.requireNonNull(holder);
        }
    }

    record Nodes(List<NodeRecord> nodes) implements JournalReply {
        public Nodes {
            nodes = List.copyOf(nodes);
        }
    }

    /** @param level the highest {@link JournalCommand#level()} that the voter can execute */
    record FormatLevel(int level) implements JournalReply {}

    record Wishes(List<VoterWish> wishes) implements JournalReply {
        public Wishes {
            wishes = List.copyOf(wishes);
        }
    }

    /**
     * One voter's own state.
     *
     * @param peerId who answers
     * @param appliedIndex log index up to which its journal is
     * @param committedIndex log index up to which it knows that a majority has the log
     * @param snapshotIndex log index of its newest Raft snapshot, -1 if there is none
     * @param logBytes its Raft log on disk
     * @param settled whether that membership is committed and no change of it is under way
     * @param voters the membership it knows
     */
    record VoterProgress(String peerId, long appliedIndex, long committedIndex, long snapshotIndex, long logBytes,
                         boolean settled, List<VoterPeer> voters) implements JournalReply {
        public VoterProgress {
            Objects.requireNonNull(peerId);
            voters = List.copyOf(voters);
        }
    }

    /**
     * What one voter holds.
     *
     * @param logBytes its Raft log on disk
     * @param snapshotBytes its Raft snapshots on disk
     * @param journal what it holds of the persistence id that was asked for
     */
    record VoterStorage(long logBytes, long snapshotBytes, StoredJournal journal) implements JournalReply {
        public VoterStorage {
            Objects.requireNonNull(journal);
        }
    }

    /**
     * One voter's own view, possibly behind.
     *
     * @param peerId who answers
     * @param leaderId whom it follows, or itself; empty if it knows no leader
     * @param term the Raft term of that view
     * @param configurationIndex log index of the membership it knows
     * @param voters that membership; empty if it was never admitted
     * @param appliedIndex how far its journal is
     * @param generation as far as its journal is
     * @param nodeAnswer what the node itself wants to say about the Pekko cluster, opaque here
     */
    record LocalStatus(String peerId, Optional<String> leaderId, long term, long configurationIndex, List<VoterPeer> voters,
                       long appliedIndex, Optional<Generation> generation, Bytes nodeAnswer) implements JournalReply {
        public LocalStatus {
            Objects.requireNonNull(peerId);
            Objects.requireNonNull(leaderId);
            voters = List.copyOf(voters);
            Objects.requireNonNull(generation);
            Objects.requireNonNull(nodeAnswer);
        }
    }
}
