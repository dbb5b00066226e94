package io.flotilla.journal.raft;

import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.UUID;

/** What changes the journal; each becomes one Raft log entry, or several {@link Part}s. */
public sealed interface JournalCommand {

    /**
     * What every voter must know before this is written, see {@link JournalCodec#LEVEL}: a voter that can't execute a command
     * that the others did would part from them.
     */
    default int level() {
        return switch (this) {
            case ClaimEpoch _, Append _, DeleteTo _, SaveSnapshot _, DeleteSnapshots _, Part _, CompareAndSetGeneration _,
                    RegisterNode _ -> 1;
            case WishVoters _, ForgetNode _ -> 2;
        };
    }

    /** One event: its sequence number and the serialized PersistentRepr. */
    record Entry(long sequenceNr, Bytes bytes) {
        public Entry {
            Objects.requireNonNull(bytes);
        }
    }

    /** A command about one persistence id that counts only under the current epoch. */
    sealed interface Fenced extends JournalCommand {
        String persistenceId();

        long epoch();
    }

    /**
     * Makes the claimant the only writer of a persistence id. Answer: {@link JournalReply.EpochClaimed}. The claimant is there
     * so that a repeated claim gets the first answer instead of fencing itself.
     */
    record ClaimEpoch(String persistenceId, UUID claimant) implements JournalCommand {
        public ClaimEpoch {
            Objects.requireNonNull(persistenceId);
            Objects.requireNonNull(claimant);
        }
    }

    /** Appends events atomically. Numbers ascend from above {@code previousHighest}; rejected ones may be left out. */
    record Append(String persistenceId, long epoch, long previousHighest, List<Entry> entries) implements Fenced {
        public Append {
            Objects.requireNonNull(persistenceId);
            entries = List.copyOf(entries);
        }
    }

    /** Deletes events up to a number, inclusive. The highest number is kept. */
    record DeleteTo(String persistenceId, long epoch, long toSequenceNr) implements Fenced {
        public DeleteTo {
            Objects.requireNonNull(persistenceId);
        }
    }

    /** Keeps a snapshot; one with the same number and timestamp is replaced. */
    record SaveSnapshot(String persistenceId, long epoch, long sequenceNr, long timestamp, Bytes bytes) implements Fenced {
        public SaveSnapshot {
            Objects.requireNonNull(persistenceId);
            Objects.requireNonNull(bytes);
        }
    }

    /** Deletes all snapshots in a range. */
    record DeleteSnapshots(String persistenceId, long epoch, SnapshotRange range) implements Fenced {
        public DeleteSnapshots {
            Objects.requireNonNull(persistenceId);
            Objects.requireNonNull(range);
        }
    }

    /** A piece of a command that is too long for one log entry. The command is executed with its last part. */
    record Part(UUID uploadId, int index, int count, Bytes bytes) implements JournalCommand {
        public Part {
            Objects.requireNonNull(uploadId);
            Objects.requireNonNull(bytes);
        }
    }

    /**
     * Founds the next generation of the Pekko cluster, if the current one is still {@code expectedNumber} (0: none yet).
     * Answer: {@link JournalReply.GenerationFounded} or {@link JournalReply.GenerationConflict}.
     */
    record CompareAndSetGeneration(long expectedNumber, UUID founderNodeId, String founderAddress) implements JournalCommand {
        public CompareAndSetGeneration {
            Objects.requireNonNull(founderNodeId);
            Objects.requireNonNull(founderAddress);
        }
    }

    /**
     * Enters a node, or replaces what was known about it. A name that another node holds is taken over only if that node is
     * the expected holder. Answer: {@link JournalReply.NodeRegistered} or {@link JournalReply.NameTaken}.
     */
    record RegisterNode(NodeRecord node, Optional<UUID> expectedHolder) implements JournalCommand {
        public RegisterNode {
            Objects.requireNonNull(node);
            Objects.requireNonNull(expectedHolder);
        }
    }

    /** Keeps wishes, all of them or none; each replaces an earlier one about the same node. Answer: {@link JournalReply.Done}. */
    record WishVoters(List<VoterWish> wishes) implements JournalCommand {
        public WishVoters {
            wishes = List.copyOf(wishes);
        }
    }

    /** Takes a node out of the registry. That its vote was removed is still remembered. Answer: {@link JournalReply.Done}, also if it isn't there. */
    record ForgetNode(UUID nodeId) implements JournalCommand {
        public ForgetNode {
            Objects.requireNonNull(nodeId);
        }
    }
}
