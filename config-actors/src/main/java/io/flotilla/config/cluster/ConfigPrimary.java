package io.flotilla.config.cluster;

import io.flotilla.config.event.Author;
import io.flotilla.config.event.CborSerializable;
import io.flotilla.config.event.ConfigChanged;
import io.flotilla.config.event.ConfigSnapshot;
import io.flotilla.config.event.EntityChange;
import io.flotilla.config.event.StoredDocument;
import io.flotilla.config.model.ConfigEditor;
import io.flotilla.config.model.EntityCodec;
import io.flotilla.config.model.Operation;
import io.flotilla.config.model.Refusal;
import java.time.Clock;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.function.LongSupplier;
import org.apache.pekko.actor.typed.ActorRef;
import org.apache.pekko.actor.typed.Behavior;
import org.apache.pekko.actor.typed.SupervisorStrategy;
import org.apache.pekko.actor.typed.javadsl.ActorContext;
import org.apache.pekko.actor.typed.javadsl.Behaviors;
import org.apache.pekko.actor.typed.javadsl.TimerScheduler;
import org.apache.pekko.actor.typed.pubsub.Topic;
import org.apache.pekko.cluster.typed.Cluster;
import org.apache.pekko.persistence.typed.PersistenceId;
import org.apache.pekko.persistence.typed.RecoveryCompleted;
import org.apache.pekko.persistence.typed.SnapshotAdapter;
import org.apache.pekko.persistence.typed.javadsl.CommandHandler;
import org.apache.pekko.persistence.typed.javadsl.Effect;
import org.apache.pekko.persistence.typed.javadsl.EventHandler;
import org.apache.pekko.persistence.typed.javadsl.EventSourcedBehavior;
import org.apache.pekko.persistence.typed.javadsl.RetentionCriteria;
import org.apache.pekko.persistence.typed.javadsl.SignalHandler;

/**
 * The one writer of the configuration: a cluster singleton. A command is decided against the present state and either
 * refused, with nothing changed, or becomes one event; only {@link PrimaryState#apply} changes state. A change is
 * acknowledged and published after its event is durable. Two primaries may overlap for a moment during a fail-over; the
 * journal's fence lets only the newer one commit. What replicas report is kept in memory only and is complete again a
 * second after a start.
 */
public final class ConfigPrimary
    extends EventSourcedBehavior<ConfigPrimary.Command, ConfigChanged, PrimaryState> {

  /** What the primary understands. */
  public sealed interface Command permits SubmitChange, AwaitApplied, FetchChanges, FetchSnapshot, FetchHistory,
      FindChange, GetStatus, ReplicaReport, AnnounceHead, Stop {}

  /**
   * A change, or one part of a large one; parts of one id come in order and each is answered before the next is sent.
   *
   * @param id names the change: the same id twice is the same change, made once
   * @param dryRun decides and changes nothing
   */
  public record SubmitChange(
      String id,
      Author author,
      String comment,
      int part,
      boolean last,
      boolean dryRun,
      List<Operation> operations,
      ActorRef<SubmitReply> replyTo)
      implements Command, CborSerializable {}

  /** Asks to be told when every reachable node has applied a version, or what is known when the time is up. */
  public record AwaitApplied(long version, Duration timeout, ActorRef<Applied> replyTo)
      implements Command, CborSerializable {}

  /** Asks for the changes after a version, from an entity of the first of them on. */
  public record FetchChanges(long sinceVersion, int fromEntity, ActorRef<ChangesReply> replyTo)
      implements Command, CborSerializable {}

  /** Asks for the part of a snapshot after an entity; version 0 begins with the newest. */
  public record FetchSnapshot(long version, String afterKind, String afterName, ActorRef<SnapshotReply> replyTo)
      implements Command, CborSerializable {}

  /** Asks for changes of the past, newest first, from a version downwards. */
  public record FetchHistory(long fromVersion, int limit, ActorRef<History> replyTo)
      implements Command, CborSerializable {}

  public record FindChange(String id, ActorRef<ChangeFound> replyTo) implements Command, CborSerializable {}

  public record GetStatus(ActorRef<ClusterStatus> replyTo) implements Command, CborSerializable {}

  /** The singleton is asked to hand over. */
  public record Stop() implements Command, CborSerializable {}

  private record AnnounceHead() implements Command {}

  /** Answers to {@link SubmitChange}. */
  public sealed interface SubmitReply extends CborSerializable {}

  public record PartTaken(String id, int part) implements SubmitReply {}

  /** The change is durable. {@code created} names the entity of a change of one, if it did not exist before. */
  public record Committed(String id, long version, List<String> created) implements SubmitReply {}

  /** A dry run would have led to this version. */
  public record WouldCommit(String id, long version) implements SubmitReply {}

  public record Refused(String id, Refusal refusal) implements SubmitReply {}

  /** The change was not taken and may be sent again. */
  public record Busy(String id, String detail) implements SubmitReply {}

  /**
   * How far a version has spread.
   *
   * @param complete whether every reachable node has applied it
   */
  public record Applied(long version, boolean complete, Map<String, NodeProgress> nodes) implements CborSerializable {}

  /** @param milliseconds from the commit to the node's report, -1 if it has not applied it or it is not known */
  public record NodeProgress(String state, long milliseconds, List<String> reasons) {}

  public sealed interface ChangesReply extends CborSerializable {}

  /** Parts of changes in order, about 64 KiB at the most. */
  public record Changes(long epoch, List<ChangePart> parts) implements ChangesReply {}

  /** The changes asked for are no longer kept, or too many; take a snapshot. */
  public record SnapshotNeeded(long epoch, long headVersion) implements ChangesReply {}

  /** Some entities of one change; {@code last} ends it. */
  public record ChangePart(ConfigChanged change, int fromEntity, boolean last) {}

  public sealed interface SnapshotReply extends CborSerializable {}

  public record SnapshotPart(long epoch, long version, String digest, List<StoredDocument> documents, boolean last)
      implements SnapshotReply {}

  /** That version is no longer held; begin again with the newest. */
  public record SnapshotGone(long version) implements SnapshotReply {}

  /** @param changes newest first; of a large change only the first entities, {@code entityCounts} tells how many it has */
  public record History(long headVersion, List<ConfigChanged> changes, List<Integer> entityCounts)
      implements CborSerializable {}

  /** @param version 0 if no change of that id is known */
  public record ChangeFound(String id, long version) implements CborSerializable {}

  /** What the primary needs from its node. */
  public record Settings(
      Duration headInterval, int snapshotEvery, int historyKept, ActorRef<Topic.Command<ConfigAnnouncement>> topic) {}

  public static final PersistenceId PERSISTENCE_ID = PersistenceId.ofUniqueId("configuration");
  static final int MAX_MESSAGE_BYTES = 64 * 1024;

  private final ActorContext<Command> context;
  private final EntityCodec codec;
  private final ConfigEditor editor;
  private final LongSupplier epoch;
  private final ConfigEvents events;
  private final Clock clock;
  private final Settings settings;
  private final TimerScheduler<Command> timers;
  private final PendingUploads uploads = new PendingUploads();
  private final SnapshotTransfers transfers = new SnapshotTransfers();
  private final ConvergenceTracker convergence;

  /** @param epoch the journal's fence of {@link #PERSISTENCE_ID} after recovery */
  public static Behavior<Command> create(
      EntityCodec codec, LongSupplier epoch, ConfigEvents events, Clock clock, Settings settings) {
    return Behaviors.setup(context -> Behaviors.withTimers(timers ->
        new ConfigPrimary(context, timers, codec, epoch, events, clock, settings)));
  }

  private ConfigPrimary(
      ActorContext<Command> context,
      TimerScheduler<Command> timers,
      EntityCodec codec,
      LongSupplier epoch,
      ConfigEvents events,
      Clock clock,
      Settings settings) {
    super(PERSISTENCE_ID,
        SupervisorStrategy.restartWithBackoff(Duration.ofMillis(200), Duration.ofSeconds(3), 0.1));
    this.context = context;
    this.timers = timers;
    this.codec = codec;
    this.editor = new ConfigEditor(codec);
    this.epoch = epoch;
    this.events = events;
    this.clock = clock;
    this.settings = settings;
    this.convergence = new ConvergenceTracker(Cluster.get(context.getSystem()));
  }

  @Override
  public PrimaryState emptyState() {
    return PrimaryState.empty(settings.historyKept());
  }

  @Override
  public CommandHandler<Command, ConfigChanged, PrimaryState> commandHandler() {
    return (state, command) -> switch (command) {
      case SubmitChange submit -> onSubmit(state, submit);
      case AwaitApplied await -> {
        convergence.await(await, System.nanoTime());
        yield Effect().none();
      }
      case FetchChanges fetch -> reply(fetch.replyTo(), state.changesSince(epoch.getAsLong(), fetch));
      case FetchSnapshot fetch -> reply(fetch.replyTo(), transfers.part(epoch.getAsLong(), state.config(), fetch));
      case FetchHistory fetch -> reply(fetch.replyTo(), state.history(fetch.fromVersion(), fetch.limit()));
      case FindChange find -> reply(find.replyTo(), new ChangeFound(find.id(), state.versionOf(find.id())));
      case GetStatus get ->
          reply(get.replyTo(), convergence.status(state.config(), epoch.getAsLong(), System.nanoTime()));
      case ReplicaReport report -> {
        convergence.report(report, state.config(), System.nanoTime());
        yield Effect().none();
      }
      case AnnounceHead tick -> {
        announceHead(state);
        convergence.tick(System.nanoTime());
        uploads.expire(System.nanoTime());
        yield Effect().none();
      }
      case Stop stop -> Effect().none().thenStop();
    };
  }

  private Effect<ConfigChanged, PrimaryState> onSubmit(PrimaryState state, SubmitChange submit) {
    long known = state.versionOf(submit.id());
    if (known > 0) {
      return reply(submit.replyTo(), new Committed(submit.id(), known, List.of()));
    }
    return switch (uploads.add(submit, System.nanoTime())) {
      case PendingUploads.Incomplete part -> reply(submit.replyTo(), new PartTaken(submit.id(), submit.part()));
      case PendingUploads.Rejected rejected -> reply(submit.replyTo(), new Busy(submit.id(), rejected.detail()));
      case PendingUploads.Complete complete -> decide(state, submit, complete.operations());
    };
  }

  private Effect<ConfigChanged, PrimaryState> decide(
      PrimaryState state, SubmitChange submit, List<Operation> operations) {
    long begun = System.nanoTime();
    return switch (editor.edit(state.config(), operations)) {
      case ConfigEditor.Refused refused -> {
        events.rejected(submit.id(), submit.author(), refused.refusal());
        yield reply(submit.replyTo(), new Refused(submit.id(), refused.refusal()));
      }
      case ConfigEditor.Edited edited when submit.dryRun() ->
          reply(submit.replyTo(), new WouldCommit(submit.id(), edited.config().version()));
      case ConfigEditor.Edited edited -> {
        ConfigChanged event = new ConfigChanged(
            edited.config().version(), submit.id(), clock.instant(), submit.author(), submit.comment(),
            edited.changes(), edited.config().digest().toString());
        yield Effect().persist(event).thenRun((PrimaryState after) -> {
          long now = System.nanoTime();
          publish(event);
          convergence.committed(event.version(), now);
          events.committed(event, (now - begun) / 1_000_000);
          submit.replyTo().tell(new Committed(submit.id(), event.version(), created(event)));
        });
      }
    };
  }

  private static List<String> created(ConfigChanged event) {
    return event.changes().size() > 1 ? List.of() : event.changes().stream()
        .filter(change -> change.before() == null).map(change -> change.kind() + "/" + change.name()).toList();
  }

  private <T> Effect<ConfigChanged, PrimaryState> reply(ActorRef<T> to, T reply) {
    return Effect().none().thenRun((PrimaryState state) -> to.tell(reply));
  }

  private void publish(ConfigChanged event) {
    ConfigChanged carried = event.size() <= MAX_MESSAGE_BYTES ? event : null;
    settings.topic().tell(Topic.publish(
        new ConfigAnnouncement.ConfigCommitted(epoch.getAsLong(), event.version(), carried)));
  }

  private void announceHead(PrimaryState state) {
    settings.topic().tell(Topic.publish(new ConfigAnnouncement.HeadAnnounced(
        epoch.getAsLong(), state.config().version(), state.config().digest().toString())));
  }

  @Override
  public EventHandler<PrimaryState, ConfigChanged> eventHandler() {
    return (state, event) -> state.apply(event, codec);
  }

  @Override
  public SignalHandler<PrimaryState> signalHandler() {
    return newSignalHandlerBuilder().onSignal(RecoveryCompleted.class, (state, signal) -> {
      events.primaryStarted(epoch.getAsLong(), state.config().version());
      timers.startTimerAtFixedRate(new AnnounceHead(), Duration.ZERO, settings.headInterval());
    }).build();
  }

  @Override
  public RetentionCriteria retentionCriteria() {
    return RetentionCriteria.snapshotEvery(settings.snapshotEvery(), 2).withDeleteEventsOnSnapshot();
  }

  @Override
  public SnapshotAdapter<PrimaryState> snapshotAdapter() {
    return new SnapshotAdapter<>() {
      @Override
      public Object toJournal(PrimaryState state) {
        return state.toSnapshot();
      }

      @Override
      public PrimaryState fromJournal(Object stored) {
        return PrimaryState.of((ConfigSnapshot) stored, codec, settings.historyKept());
      }
    };
  }

  @Override
  public String journalPluginId() {
    return context.getSystem().settings().config().getString("flotilla.journal.plugin");
  }

  @Override
  public String snapshotPluginId() {
    return context.getSystem().settings().config().getString("flotilla.snapshot-store.plugin");
  }

  /** The entities of a change that fit into a message, from one on; at least one. */
  static ChangePart part(ConfigChanged change, int from, int budget) {
    int to = from;
    int bytes = 0;
    List<EntityChange> all = change.changes();
    while (to < all.size() && (to == from || bytes + all.get(to).size() <= budget)) {
      bytes += all.get(to).size();
      to++;
    }
    ConfigChanged some = new ConfigChanged(change.version(), change.id(), change.at(), change.author(),
        change.comment(), all.subList(from, to), change.digest());
    return new ChangePart(some, from, to == all.size());
  }
}
