package io.flotilla.persistence;

import com.typesafe.config.ConfigFactory;
import java.util.function.Function;
import org.apache.pekko.actor.ActorRef;
import org.apache.pekko.actor.typed.javadsl.ActorContext;
import org.apache.pekko.actor.typed.javadsl.Adapter;
import org.apache.pekko.persistence.JournalProtocol;
import org.apache.pekko.persistence.Persistence;
import org.apache.pekko.persistence.SnapshotProtocol;
import org.apache.pekko.persistence.SnapshotSelectionCriteria;
import org.apache.pekko.persistence.typed.DeleteEventsCompleted;
import org.apache.pekko.persistence.typed.DeleteEventsFailed;
import org.apache.pekko.persistence.typed.DeleteSnapshotsFailed;
import org.apache.pekko.persistence.typed.PersistenceId;
import org.apache.pekko.persistence.typed.SnapshotCompleted;
import org.apache.pekko.persistence.typed.javadsl.SignalHandlerBuilder;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * How much of its journal a persistent actor keeps: a snapshot is due after a number of events or of bytes, and what lies before
 * the snapshot before it is deleted then; or what lies before it itself, if an event was much larger than those bytes. So the
 * journal holds two snapshots, and at most twice that number of events and four times those bytes. Pekko's own criteria count
 * events only and delete nothing after a snapshot that is taken for another reason; so the deletions are asked of the journal
 * here, by the messages that Pekko itself sends. A deletion that fails is made up for by the next. Confined to its actor.
 */
public final class JournalRetention {
  private static final Logger log = LoggerFactory.getLogger(JournalRetention.class);

  /** Events that a state was made of since the snapshot it was loaded from; part of the state, but not of its snapshot. */
  public record Applied(long events, long bytes) {
    public static final Applied NONE = new Applied(0, 0);

    public Applied plus(long eventBytes) {
      return new Applied(events + 1, bytes + eventBytes);
    }
  }

  private final String persistenceId;
  private final long everyEvents;
  private final long everyBytes;
  private final ActorRef self;
  private final ActorRef journal;
  private final ActorRef snapshots;
  /** What was applied when the last snapshot was taken. */
  private Applied inSnapshot = Applied.NONE;
  private long lastSnapshot;

  /**
   * @param everyEvents after so many events a snapshot is due
   * @param everyBytes after about so many bytes of events a snapshot is due
   */
  public JournalRetention(ActorContext<?> context, PersistenceId persistenceId, JournalPlugins plugins, long everyEvents,
      long everyBytes) {
    this.persistenceId = persistenceId.id();
    this.everyEvents = everyEvents;
    this.everyBytes = everyBytes;
    this.self = Adapter.toClassic(context.getSelf());
    Persistence persistence = Persistence.get(Adapter.toClassic(context.getSystem()));
    this.journal = persistence.journalFor(plugins.journal(), ConfigFactory.empty());
    this.snapshots = persistence.snapshotStoreFor(plugins.snapshots(), ConfigFactory.empty());
  }

  /** @param lastSequenceNr of the last event that was replayed */
  public void recovered(Applied applied, long lastSequenceNr) {
    inSnapshot = Applied.NONE;
    lastSnapshot = lastSequenceNr - applied.events();
  }

  public boolean isDue(Applied applied) {
    return applied.events() - inSnapshot.events() >= everyEvents || applied.bytes() - inSnapshot.bytes() >= everyBytes;
  }

  /** Has the signals of snapshots and deletions come here. */
  public <S> SignalHandlerBuilder<S> onSignals(SignalHandlerBuilder<S> builder, Function<S, Applied> applied) {
    return builder
        .onSignal(SnapshotCompleted.class,
            (state, signal) -> snapshotTaken(applied.apply(state), signal.getSnapshotMetadata().sequenceNr()))
        .onSignal(DeleteEventsCompleted.class, (state, signal) -> eventsDeleted(signal.getToSequenceNr()))
        .onSignal(DeleteEventsFailed.class, (state, signal) -> deletionFailed(signal.getFailure()))
        .onSignal(DeleteSnapshotsFailed.class, (state, signal) -> deletionFailed(signal.getFailure()));
  }

  private void snapshotTaken(Applied applied, long sequenceNr) {
    boolean large = applied.bytes() - inSnapshot.bytes() > 2 * everyBytes;
    long deleted = large ? sequenceNr : lastSnapshot;
    inSnapshot = applied;
    lastSnapshot = sequenceNr;
    if (deleted > 0) {
      journal.tell(new JournalProtocol.DeleteMessagesTo(persistenceId, deleted, self), self);
    }
  }

  /** The snapshot at that number stays: the events after it continue it. */
  private void eventsDeleted(long toSequenceNr) {
    snapshots.tell(new SnapshotProtocol.DeleteSnapshots(persistenceId,
        SnapshotSelectionCriteria.create(toSequenceNr - 1, Long.MAX_VALUE)), self);
  }

  private void deletionFailed(Throwable cause) {
    log.warn("What lies before the last snapshots of {} was not deleted and is kept until the next snapshot: {}",
        persistenceId, cause.toString());
  }
}
