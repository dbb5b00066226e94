package io.flotilla.journal.raft;

import io.flotilla.journal.StoredJournal;
import io.flotilla.journal.raft.JournalCommand.Append;
import io.flotilla.journal.raft.JournalCommand.ClaimEpoch;
import io.flotilla.journal.raft.JournalCommand.CompareAndSetGeneration;
import io.flotilla.journal.raft.JournalCommand.DeleteSnapshots;
import io.flotilla.journal.raft.JournalCommand.DeleteTo;
import io.flotilla.journal.raft.JournalCommand.Part;
import io.flotilla.journal.raft.JournalCommand.RegisterNode;
import io.flotilla.journal.raft.JournalCommand.SaveSnapshot;
import java.io.DataInput;
import java.io.DataOutput;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;

/**
 * All that the Raft group agrees about, in memory: the journal of each persistence id behind its fence, the generation of the
 * Pekko cluster, and the registry of nodes.
 *
 * <p>{@link #apply} is deterministic: the same commands in the same order give the same tables and the same replies on each
 * voter, so it reads no clock, no random number and no setting. Commands are applied by one thread; queries may come from others
 * at the same time, hence the lock. Nothing here knows Raft.
 */
final class JournalTables {
    /** Without wishes; still written while there are none, so that a voter of an older release can take it over. */
    private static final int FIRST_FORMAT = 1;
    private static final int FORMAT_WITH_WISHES = 2;

    private final Map<String, PersistenceTable> journals = new TreeMap<>();
    private final PartStaging staging = new PartStaging();
    private final NodeRegistry nodes = new NodeRegistry();
    /** Written under the lock; read without it, too. */
    private volatile Optional<Generation> generation = Optional.empty();
    /** What each of the journals holds, for readers that must not wait while a snapshot of all is written. */
    private final Map<String, StoredJournal> stored = new ConcurrentHashMap<>();

    synchronized JournalReply apply(JournalCommand command) {
        return switch (command) {
            case Part part -> switch (staging.add(part)) {
                case PartStaging.Complete complete -> execute(complete.command());
                case PartStaging.Answered answered -> answered.reply();
            };
            default -> execute(command);
        };
    }

    private JournalReply execute(JournalCommand command) {
        return switch (command) {
            case ClaimEpoch c -> journals.computeIfAbsent(c.persistenceId(), PersistenceTable::new).claim(c.claimant());
            case JournalCommand.Fenced c -> executeFenced(c);
            case CompareAndSetGeneration c -> {
                long current = generation.map(Generation::number).orElse(0L);
                if (current != c.expectedNumber()) {
                    yield new JournalReply.GenerationConflict(generation);
                }
                Generation founded = new Generation(current + 1, c.founderNodeId(), c.founderAddress());
                generation = Optional.of(founded);
                yield new JournalReply.GenerationFounded(founded);
            }
            case RegisterNode c -> nodes.register(c.node(), c.expectedHolder());
            case JournalCommand.WishVoters c -> nodes.wish(c.wishes());
            case JournalCommand.ForgetNode c -> nodes.forget(c.nodeId());
            case Part _ -> new JournalReply.Refused("A part can't hold parts");
        };
    }

    private JournalReply executeFenced(JournalCommand.Fenced command) {
        PersistenceTable table = journals.get(command.persistenceId());
        if (table == null) {
            return new JournalReply.Fenced("Nobody has claimed " + command.persistenceId() + " yet");
        }
        JournalReply reply = switch (command) {
            case Append c -> table.append(c);
            case DeleteTo c -> table.fenced(c, () -> table.deleteTo(c.toSequenceNr()));
            case SaveSnapshot c -> table.fenced(c, () -> table.saveSnapshot(c));
            case DeleteSnapshots c -> table.fenced(c, () -> table.deleteSnapshots(c.range()));
        };
        stored.put(command.persistenceId(), table.stored());
        return reply;
    }

    /** Never waits for a command or a snapshot. */
    StoredJournal stored(String persistenceId) {
        return stored.getOrDefault(persistenceId, StoredJournal.NOTHING);
    }

    /** Answers everything but what a voter says about itself, which isn't about the tables. */
    synchronized JournalReply answer(JournalQuery query) {
        return switch (query) {
            case JournalQuery.HighestSequenceNr q ->
                    new JournalReply.HighestSequenceNr(journal(q.persistenceId()).map(PersistenceTable::highest).orElse(0L));
            case JournalQuery.Replay q -> journal(q.persistenceId()).map(table -> table.replay(q))
                    .orElseGet(() -> new JournalReply.ReplayPage(List.of(), q.from(), true));
            case JournalQuery.LoadEvent q -> journal(q.persistenceId()).map(table -> table.loadEvent(q.sequenceNr(), q.offset()))
                    .orElseGet(() -> new JournalReply.Refused("Nobody has claimed " + q.persistenceId() + " yet"));
            case JournalQuery.LoadSnapshot q -> journal(q.persistenceId()).map(table -> table.loadSnapshot(q))
                    .orElseGet(JournalReply.NoSnapshot::new);
            case JournalQuery.CurrentGeneration _ -> new JournalReply.CurrentGeneration(generation);
            case JournalQuery.ListNodes _ -> new JournalReply.Nodes(nodes.list());
            case JournalQuery.ListWishes _ -> new JournalReply.Wishes(nodes.wishes());
            case JournalQuery.FormatLevel _, JournalQuery.LocalStatus _, JournalQuery.VoterProgress _, JournalQuery.VoterStorage _ ->
                    new JournalReply.Refused("Only a voter itself can answer this");
        };
    }

    private Optional<PersistenceTable> journal(String persistenceId) {
        return Optional.ofNullable(journals.get(persistenceId));
    }

    /** Never waits for a command or a snapshot, so that a voter says where it stands while it writes one. */
    Optional<Generation> generation() {
        return generation;
    }

    /** Called by the applying thread only, so the lock is held for long without making any command wait. */
    synchronized void writeTo(DataOutput output) throws IOException {
        WireWriter out = new WireWriter(output);
        boolean withWishes = !nodes.wishes().isEmpty();
        out.tag(withWishes ? FORMAT_WITH_WISHES : FIRST_FORMAT);
        out.optional(generation, out::generation);
        nodes.writeTo(out);
        if (withWishes) {
            nodes.writeWishesTo(out);
        }
        staging.writeTo(out);
        out.number(journals.size());
        for (PersistenceTable table : journals.values()) {
            table.writeTo(out);
        }
    }

    /** @param length of the snapshot in bytes: the most that any length inside can be */
    static JournalTables readFrom(DataInput input, long length) throws IOException {
        WireReader in = new WireReader(input, length);
        int format = in.tag();
        if (format != FIRST_FORMAT && format != FORMAT_WITH_WISHES) {
            String message = "A Raft snapshot of format " + format + ", but this node knows formats "
                    + FIRST_FORMAT + " and " + FORMAT_WITH_WISHES + " only: was a newer Flotilla here? Then install it again";
            throw format > FORMAT_WITH_WISHES ? new NewerFormatException(message) : new JournalFormatException(message);
        }
        JournalTables tables = new JournalTables();
        tables.generation = in.optional(in::generation);
        tables.nodes.readFrom(in);
        if (format == FORMAT_WITH_WISHES) {
            tables.nodes.readWishesFrom(in);
        }
        tables.staging.readFrom(in);
        int count = in.count();
        for (int i = 0; i < count; i++) {
            PersistenceTable table = PersistenceTable.readFrom(in);
            tables.journals.put(table.persistenceId(), table);
            tables.stored.put(table.persistenceId(), table.stored());
        }
        in.end();
        return tables;
    }
}
