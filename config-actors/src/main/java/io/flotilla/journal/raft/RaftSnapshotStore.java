package io.flotilla.journal.raft;

import java.io.ByteArrayOutputStream;
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
        return PluginFutures.of(raft.epochs().claimForSnapshot(persistenceId)
                .thenCompose(claimed -> load(new JournalQuery.LoadSnapshot(persistenceId, range(criteria), 0), new ByteArrayOutputStream())));
    }

    private CompletionStage<Optional<SelectedSnapshot>> load(JournalQuery.LoadSnapshot query, ByteArrayOutputStream received) {
        return raft.query(query).thenCompose(reply -> switch (reply) {
            case JournalReply.NoSnapshot _ -> {
                if (query.offset() > 0) {
                    throw new IllegalStateException("The snapshot of " + query.persistenceId() + " was deleted while it was loaded");
                }
                yield CompletableFuture.completedFuture(Optional.empty());
            }
            case JournalReply.SnapshotPage page -> {
                received.writeBytes(page.bytes().toArray());
                yield received.size() >= page.totalBytes()
                        ? CompletableFuture.completedFuture(Optional.of(selected(query.persistenceId(), page, received)))
                        : load(new JournalQuery.LoadSnapshot(query.persistenceId(),
                                SnapshotRange.exactly(page.sequenceNr(), page.timestamp()), received.size()), received);
            }
            default -> throw EpochKeeper.failure(reply);
        });
    }

    private SelectedSnapshot selected(String persistenceId, JournalReply.SnapshotPage page, ByteArrayOutputStream received) {
        PersistentRepr kept = codec.fromBytes(Bytes.owning(received.toByteArray()));
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
