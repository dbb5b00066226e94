package io.flotilla.journal.raft;

import io.flotilla.journal.raft.JournalCommand.Entry;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.function.Consumer;
import org.apache.pekko.persistence.AtomicWrite;
import org.apache.pekko.persistence.PersistentRepr;
import org.apache.pekko.persistence.journal.japi.AsyncWriteJournal;
import scala.concurrent.Future;
import scala.jdk.javaapi.CollectionConverters;

/**
 * The Pekko Persistence journal {@code flotilla.journal.raft}. An AtomicWrite is written whole or not at all, under this system's
 * epoch; short ones that come together are one append. What can't be serialized is rejected; a fenced or failed append fails the
 * whole call, because the writer must stop and recover.
 */
public final class RaftJournal extends AsyncWriteJournal {
    /** An append of several writes stays below the size that travels in parts, with what surrounds its events. */
    private static final int APPEND_BYTES = RaftQuorum.PART_BYTES / 2;
    /** A number and a length, at the most. */
    private static final int ENTRY_OVERHEAD = 16;

    private final RaftJournalExtension raft = RaftJournalExtension.get(context().system());
    private final EventCodec codec = new EventCodec(context().system());

    /** Per persistence id, completes (never exceptionally) when its writes so far have ended. Used by this actor's thread only. */
    private final Map<String, CompletionStage<Void>> ends = new HashMap<>();

    @Override
    public Future<Iterable<Optional<Exception>>> doAsyncWriteMessages(Iterable<AtomicWrite> messages) {
        List<Optional<Exception>> results = new ArrayList<>();
        List<List<Entry>> writes = new ArrayList<>();
        for (AtomicWrite message : messages) {
            try {
                writes.add(entries(message));
                results.add(Optional.empty());
            } catch (Exception e) {
                results.add(Optional.of(e));
            }
        }
        // One call comes from one persistent actor.
        String persistenceId = messages.iterator().next().persistenceId();
        // Taken now, not when it's this call's turn: a recovery that begins meanwhile must fence this write, not lend it its epoch.
        CompletionStage<EpochKeeper.Writer> writer = raft.epochs().writer(persistenceId);
        CompletionStage<Void> written = ends.getOrDefault(persistenceId, CompletableFuture.completedFuture(null));
        for (List<Entry> append : appends(writes)) {
            // After a failed append nothing more of this call is written, or there would be a gap.
            written = written.thenCompose(before -> writer).thenCompose(entitled -> entitled.append(append));
        }
        ends.put(persistenceId, written.exceptionally(failed -> null));
        return PluginFutures.of(written.thenApply(all -> results));
    }

    /** An actor that doesn't wait for each event has many ready at once: as many as fit into one log entry are one commit. */
    private static List<List<Entry>> appends(List<List<Entry>> writes) {
        List<List<Entry>> appends = new ArrayList<>();
        long bytes = 0;
        for (List<Entry> write : writes) {
            long size = write.stream().mapToLong(entry -> entry.bytes().size() + ENTRY_OVERHEAD).sum();
            if (appends.isEmpty() || bytes + size > APPEND_BYTES) {
                appends.add(new ArrayList<>());
                bytes = 0;
            }
            appends.getLast().addAll(write);
            bytes += size;
        }
        return appends;
    }

    private List<Entry> entries(AtomicWrite write) throws Exception {
        List<Entry> entries = new ArrayList<>();
        for (PersistentRepr event : CollectionConverters.asJava(write.payload())) {
            entries.add(new Entry(event.sequenceNr(), codec.toBytes(event)));
        }
        return entries;
    }

    @Override
    public Future<Void> doAsyncDeleteMessagesTo(String persistenceId, long toSequenceNr) {
        return PluginFutures.of(raft.epochs().writer(persistenceId)
                .thenCompose(writer -> raft.submit(new JournalCommand.DeleteTo(persistenceId, writer.epoch(), toSequenceNr)))
                .thenApply(RaftJournal::done));
    }

    static Void done(JournalReply reply) {
        return switch (reply) {
            case JournalReply.Done _ -> null;
            default -> throw EpochKeeper.failure(reply);
        };
    }

    @Override
    public Future<Long> doAsyncReadHighestSequenceNr(String persistenceId, long fromSequenceNr) {
        return PluginFutures.of(raft.epochs().claimForReplay(persistenceId).thenApply(EpochKeeper.Writer::highestAtClaim));
    }

    @Override
    public Future<Void> doAsyncReplayMessages(String persistenceId, long fromSequenceNr, long toSequenceNr, long max,
                                              Consumer<PersistentRepr> replayCallback) {
        return PluginFutures.of(replay(new JournalQuery.Replay(persistenceId, fromSequenceNr, toSequenceNr, max), replayCallback));
    }

    private CompletionStage<Void> replay(JournalQuery.Replay query, Consumer<PersistentRepr> callback) {
        return raft.query(query).thenCompose(reply -> switch (reply) {
            case JournalReply.ReplayPage page -> {
                page.entries().forEach(entry -> callback.accept(codec.fromBytes(entry.bytes())));
                yield page.complete() ? CompletableFuture.completedFuture(null)
                        : replay(new JournalQuery.Replay(query.persistenceId(), page.nextFrom(), query.to(),
                                query.max() - page.entries().size()), callback);
            }
            case JournalReply.EventPage first -> rest(query.persistenceId(), first, new byte[first.totalBytes()], 0)
                    .thenCompose(whole -> {
                        callback.accept(codec.fromBytes(whole));
                        return replay(new JournalQuery.Replay(query.persistenceId(), first.sequenceNr() + 1, query.to(),
                                query.max() - 1), callback);
                    });
            default -> throw EpochKeeper.failure(reply);
        });
    }

    /** An event that is too long for a page, from one of its pages on. */
    private CompletionStage<Bytes> rest(String persistenceId, JournalReply.EventPage page, byte[] received, int from) {
        page.bytes().copyTo(received, from);
        int to = from + page.bytes().size();
        if (to == received.length) {
            return CompletableFuture.completedFuture(Bytes.owning(received));
        }
        return raft.query(new JournalQuery.LoadEvent(persistenceId, page.sequenceNr(), to))
                .thenCompose(reply -> switch (reply) {
                    case JournalReply.EventPage next -> rest(persistenceId, next, received, to);
                    default -> throw EpochKeeper.failure(reply);
                });
    }
}
