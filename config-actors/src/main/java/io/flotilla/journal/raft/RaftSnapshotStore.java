package io.flotilla.journal.raft;

import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import org.apache.pekko.actor.ActorRef;
import org.apache.pekko.persistence.PersistentRepr;
import org.apache.pekko.persistence.SelectedSnapshot;
import org.apache.pekko.persistence.SnapshotMetadata;
import org.apache.pekko.persistence.SnapshotSelectionCriteria;
import org.apache.pekko.persistence.snapshot.japi.SnapshotStore;
import scala.concurrent.Future;

/**
 * The Pekko Persistence snapshot store {@code flotilla.snapshot-store.raft}. Loading a snapshot is the first step of a recovery,
 * so it claims the epoch first. A snapshot is kept as a PersistentRepr, which carries its serializer, manifest and metadata.
 */
public final class RaftSnapshotStore extends SnapshotStore {
    private final RaftJournalExtension raft = RaftJournalExtension.get(context().system());
    private final EventCodec codec = new EventCodec(context().system());

    @Override
    public Future<Optional<SelectedSnapshot>> doLoadAsync(String persistenceId, SnapshotSelectionCriteria criteria) {
        JournalQuery.LoadSnapshot query = new JournalQuery.LoadSnapshot(persistenceId, range(criteria), 0);
        return PluginFutures.of(raft.epochs().claimForSnapshot(persistenceId)
                .thenCompose(claimed -> raft.query(query))
                .thenCompose(reply -> switch (reply) {
                    case JournalReply.NoSnapshot _ -> CompletableFuture.completedFuture(Optional.empty());
                    case JournalReply.SnapshotPage first -> rest(persistenceId, first, new byte[first.totalBytes()], 0)
                            .thenApply(whole -> Optional.of(selected(persistenceId, first, whole)));
                    default -> throw EpochKeeper.failure(reply);
                }));
    }

    /** The snapshot that a page belongs to, from that page on; its length is known, so it is in memory once. */
    private CompletionStage<Bytes> rest(String persistenceId, JournalReply.SnapshotPage page, byte[] received, int from) {
        page.bytes().copyTo(received, from);
        int to = from + page.bytes().size();
        if (to == received.length) {
            return CompletableFuture.completedFuture(Bytes.owning(received));
        }
        return raft.query(new JournalQuery.LoadSnapshot(persistenceId, SnapshotRange.exactly(page.sequenceNr(), page.timestamp()), to))
                .thenCompose(reply -> switch (reply) {
                    case JournalReply.SnapshotPage next -> rest(persistenceId, next, received, to);
                    case JournalReply.NoSnapshot _ ->
                            throw new IllegalStateException("The snapshot of " + persistenceId + " was deleted while it was loaded");
                    default -> throw EpochKeeper.failure(reply);
                });
    }

    private SelectedSnapshot selected(String persistenceId, JournalReply.SnapshotPage page, Bytes whole) {
        PersistentRepr kept = codec.fromBytes(whole);
        SnapshotMetadata metadata = new SnapshotMetadata(persistenceId, page.sequenceNr(), page.timestamp(), kept.metadata());
        return SelectedSnapshot.create(metadata, kept.payload());
    }

    @Override
    public Future<Void> doSaveAsync(SnapshotMetadata metadata, Object snapshot) {
        Bytes bytes;
        try {
            PersistentRepr kept = PersistentRepr.apply(snapshot, metadata.sequenceNr(), metadata.persistenceId(), "", false,
                    ActorRef.noSender(), "");
            bytes = codec.toBytes(metadata.metadata().isDefined() ? kept.withMetadata(metadata.metadata().get()) : kept);
        } catch (Exception e) {
            return PluginFutures.of(CompletableFuture.failedFuture(e));
        }
        return PluginFutures.of(raft.epochs().writer(metadata.persistenceId())
                .thenCompose(writer -> raft.submit(new JournalCommand.SaveSnapshot(metadata.persistenceId(), writer.epoch(),
                        metadata.sequenceNr(), metadata.timestamp(), bytes)))
                .thenApply(RaftJournal::done));
    }

    /** A timestamp of 0 means that the caller knows only the number. */
    @Override
    public Future<Void> doDeleteAsync(SnapshotMetadata metadata) {
        return delete(metadata.persistenceId(), metadata.timestamp() == 0
                ? new SnapshotRange(metadata.sequenceNr(), metadata.sequenceNr(), Long.MIN_VALUE, Long.MAX_VALUE)
                : SnapshotRange.exactly(metadata.sequenceNr(), metadata.timestamp()));
    }

    @Override
    public Future<Void> doDeleteAsync(String persistenceId, SnapshotSelectionCriteria criteria) {
        return delete(persistenceId, range(criteria));
    }

    private Future<Void> delete(String persistenceId, SnapshotRange range) {
        return PluginFutures.of(raft.epochs().writer(persistenceId)
                .thenCompose(writer -> raft.submit(new JournalCommand.DeleteSnapshots(persistenceId, writer.epoch(), range)))
                .thenApply(RaftJournal::done));
    }

    private static SnapshotRange range(SnapshotSelectionCriteria criteria) {
        return new SnapshotRange(criteria.minSequenceNr(), criteria.maxSequenceNr(), criteria.minTimestamp(), criteria.maxTimestamp());
    }
}
