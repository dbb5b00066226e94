package io.flotilla.config.cluster;

import com.fasterxml.jackson.annotation.JsonInclude;
import io.flotilla.config.event.Author;
import io.flotilla.config.event.CborSerializable;
import io.flotilla.config.event.ConfigChanged;
import io.flotilla.config.event.ConfigSnapshot;
import io.flotilla.config.event.EntityChange;
import io.flotilla.config.event.StoredDocument;
import io.flotilla.config.model.ClusterConfig;
import io.flotilla.config.model.ConfigEditor;
import io.flotilla.config.model.EntityCodec;
import io.flotilla.config.model.Operation;
import io.flotilla.config.model.Refusal;
import io.flotilla.persistence.FencedException;
import io.flotilla.persistence.JournalPlugins;
import io.flotilla.persistence.JournalRetention;
import io.flotilla.persistence.NotWrittenException;
import io.flotilla.persistence.RecoveryGate;
import java.time.Clock;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.LongSupplier;
import java.util.function.Supplier;
import org.apache.pekko.actor.typed.ActorRef;
import org.apache.pekko.actor.typed.Behavior;
import org.apache.pekko.actor.typed.PostStop;
import org.apache.pekko.actor.typed.SupervisorStrategy;
import org.apache.pekko.actor.typed.javadsl.ActorContext;
import org.apache.pekko.actor.typed.javadsl.Behaviors;
import org.apache.pekko.actor.typed.javadsl.TimerScheduler;
import org.apache.pekko.actor.typed.pubsub.Topic;
import org.apache.pekko.cluster.typed.Cluster;
import org.apache.pekko.persistence.typed.JournalPersistFailed;
import org.apache.pekko.persistence.typed.PersistenceId;
import org.apache.pekko.persistence.typed.RecoveryCompleted;
import org.apache.pekko.persistence.typed.RecoveryFailed;
import org.apache.pekko.persistence.typed.SnapshotAdapter;
import org.apache.pekko.persistence.typed.javadsl.CommandHandler;
import org.apache.pekko.persistence.typed.javadsl.Effect;
import org.apache.pekko.persistence.typed.javadsl.EffectBuilder;
import org.apache.pekko.persistence.typed.javadsl.EventHandler;
import org.apache.pekko.persistence.typed.javadsl.EventSourcedBehavior;
import org.apache.pekko.persistence.typed.javadsl.SignalHandler;

/**
 * The one writer of the configuration: a cluster singleton. A command is decided against the present state and either
 * refused, with nothing changed, or becomes one event; only {@link PrimaryState#apply} changes state. A change is
 * acknowledged and published after its event is durable. Two primaries may overlap for a moment during a fail-over; the
 * journal's fence lets only the newer one commit. When the journal fails, or its fence tells of another primary, every
 * change that is not written yet is refused, and so is what comes until this primary has recovered: none is committed at a
 * later time than its author can expect. The journal lets a fenced one recover only if it still runs when the cluster has settled.
 * What replicas report is kept in memory only and is complete again a second after a start. A change of what nodes hold
 * resources for is first put to all reachable nodes, one such change at a time; others go on meanwhile, and the change
 * is computed again before it is committed.
 */
public final class ConfigPrimary
    extends EventSourcedBehavior<ConfigPrimary.Command, ConfigChanged, PrimaryState> {

  /** What the primary understands. */
  public sealed interface Command permits ChangeCommand, Admitted, AwaitApplied, FetchChanges, FetchSnapshot,
      FetchHistory, FindChange, GetStatus, ReplicaReport, NodePrepared, ContinuePrepare, AnnounceHead, BeginLineage, Stop {}

  /** What makes a change if it is not refused. */
  public sealed interface ChangeCommand extends Command permits SubmitChange, RollBack {
    String id();

    ActorRef<SubmitReply> replyTo();
  }

  /**
   * A change, or one part of a large one; parts of one id come in order and each is answered before the next is sent.
   *
   * @param id names the change: the same id twice is the same change, made once
   * @param dryRun decides, asks the nodes, and changes nothing
   * @param force commits in spite of what the nodes say
   * @param expectedHead the version the configuration must be at; 0 is none in particular, as from an older release
   */
  public record SubmitChange(
      String id,
      Author author,
      String comment,
      int part,
      boolean last,
      boolean dryRun,
      boolean force,
      @JsonInclude(JsonInclude.Include.NON_DEFAULT) long expectedHead,
      List<Operation> operations,
      ActorRef<SubmitReply> replyTo)
      implements ChangeCommand, CborSerializable {
    public SubmitChange(String id, Author author, String comment, int part, boolean last, boolean dryRun, boolean force,
        List<Operation> operations, ActorRef<SubmitReply> replyTo) {
      this(id, author, comment, part, last, dryRun, force, 0, operations, replyTo);
    }
  }

  /**
   * One new change that restores an earlier version; answered like {@link SubmitChange}.
   *
   * @param to the version whose entities are to be the present ones again
   * @param expectedHead the version the configuration must be at, or {@link Operation#ANY}
   */
  public record RollBack(
      String id,
      Author author,
      String comment,
      long to,
      long expectedHead,
      boolean dryRun,
      boolean force,
      ActorRef<SubmitReply> replyTo)
      implements ChangeCommand, CborSerializable {}

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

  /**
   * A node's answer to {@link ConfigAnnouncement.PrepareRequested}.
   *
   * @param objections why it could not apply the change; none if it could
   */
  public record NodePrepared(long round, String node, String address, List<String> objections)
      implements Command, CborSerializable {}

  /** @param failures of the journal before it came */
  private record Admitted(ChangeCommand change, long failures) implements Command {}

  private record ContinuePrepare() implements Command {}

  private record AnnounceHead() implements Command {}

  private record BeginLineage() implements Command {}

  /** Answers to {@link SubmitChange}. */
  public sealed interface SubmitReply extends CborSerializable {}

  public record PartTaken(String id, int part) implements SubmitReply {}

  /**
   * The change is durable.
   *
   * @param created names the entity of a change of one, if it did not exist before
   * @param objections of the nodes, by name, that a forced change overrode
   */
  public record Committed(String id, long version, List<String> created, Map<String, List<String>> objections)
      implements SubmitReply {}

  /**
   * A dry run would have led to this version.
   *
   * @param nodes every node that was asked, with its objections
   */
  public record WouldCommit(String id, long version, Map<String, List<String>> nodes) implements SubmitReply {}

  /** The configuration was as wanted already; nothing was changed, and the version stays. */
  public record Unchanged(String id, long version) implements SubmitReply {}

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

  /**
   * The changes asked for are no longer kept, or too many; take a snapshot.
   *
   * @param keptVersion if the asker's version was lost in a recovery, the newest that was kept of its lineage; otherwise 0
   */
  public record SnapshotNeeded(
      long epoch, long headVersion, @JsonInclude(JsonInclude.Include.NON_DEFAULT) long keptVersion) implements ChangesReply {}

  /** Some entities of one change; {@code last} ends it. */
  public record ChangePart(ConfigChanged change, int fromEntity, boolean last) {}

  public sealed interface SnapshotReply extends CborSerializable {}

  public record SnapshotPart(long epoch, long version, String digest, List<StoredDocument> documents, boolean last)
      implements SnapshotReply {}

  /** That version is no longer held; begin again with the newest. */
  public record SnapshotGone(long version) implements SnapshotReply {}

  /**
   * @param oldestVersion the oldest version that can be restored; 0 from a node of a release that does not tell it
   * @param changes newest first; of a large change only the first entities, {@code entityCounts} tells how many it has
   */
  public record History(long headVersion, long oldestVersion, List<ConfigChanged> changes, List<Integer> entityCounts)
      implements CborSerializable {}

  /**
   * @param version 0 if no committed change of that id is known
   * @param refusal why this primary refused it, if it did; null if it is not known to have been refused
   */
  public record ChangeFound(String id, long version, @JsonInclude(JsonInclude.Include.NON_NULL) String refusal)
      implements CborSerializable {}

  /**
   * What the primary needs from its node.
   *
   * @param snapshotEvery after so many changes the journal gets a snapshot
   * @param snapshotBytes after about so many bytes of changes, too
   * @param firstVersion of the cluster's lineage, 0 in the first: a journal that has not got there begins the lineage with it
   * @param known the newest configuration this node has applied; a lineage begins with it if the journal is behind it
   */
  public record Settings(Duration headInterval, int snapshotEvery, long snapshotBytes,
      ActorRef<Topic.Command<ConfigAnnouncement>> topic, long firstVersion, Supplier<ClusterConfig> known) {}

  private record Writing(String id, ActorRef<SubmitReply> replyTo) {}

  public static final PersistenceId PERSISTENCE_ID = PersistenceId.ofUniqueId("configuration");
  static final int MAX_MESSAGE_BYTES = 64 * 1024;
  private static final Duration PREPARE_REPEAT = Duration.ofMillis(400);
  private static final Duration LINEAGE_PAUSE = Duration.ofSeconds(3);

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
  private final RecentRefusals refusals = new RecentRefusals();
  private final JournalPlugins plugins;
  private final JournalRetention retention;
  private final RecoveryGate<Command> gate;
  private final ConvergenceTracker convergence;
  private final PrepareQueue preparing = new PrepareQueue();
  /** The change that the journal is writing. */
  private Optional<Writing> writing = Optional.empty();
  /** Why nothing is changed from a failure of the journal until this primary has recovered. */
  private Optional<String> interruption = Optional.empty();
  private long failures;
  private Optional<ActorRef<HeadAnnouncer.Command>> announcer = Optional.empty();
  private long rounds;

  /** @param epoch the journal's fence of {@link #PERSISTENCE_ID} after recovery */
  public static Behavior<Command> create(
      EntityCodec codec, LongSupplier epoch, ConfigEvents events, Clock clock, Settings settings) {
    return Behaviors.setup(context -> Behaviors.withTimers(timers -> {
      ConfigPrimary primary = new ConfigPrimary(context, timers, codec, epoch, events, clock, settings);
      return Behaviors.intercept(() -> primary.gate, primary);
    }));
  }

  private Optional<Command> admit(Command command) {
    if (!(command instanceof ChangeCommand change)) {
      return Optional.of(command);
    }
    interruption.ifPresent(why -> change.replyTo().tell(new Busy(change.id(), why)));
    return interruption.isPresent() ? Optional.empty() : Optional.of(new Admitted(change, failures));
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
    this.plugins = JournalPlugins.of(context.getSystem());
    this.retention = new JournalRetention(
        context, PERSISTENCE_ID, plugins, settings.snapshotEvery(), settings.snapshotBytes());
    this.gate = new RecoveryGate<>(Command.class, Stop.class, this::admit);
  }

  @Override
  public PrimaryState emptyState() {
    return PrimaryState.EMPTY;
  }

  @Override
  public CommandHandler<Command, ConfigChanged, PrimaryState> commandHandler() {
    return (state, command) -> switch (command) {
      // It came before the journal failed, and was kept while this primary recovered.
      case Admitted admitted when admitted.failures() < failures && state.versionOf(admitted.change().id()) == 0 ->
          reply(admitted.change().replyTo(), new Busy(admitted.change().id(),
              "the journal failed before it was decided, so nothing was changed; try again shortly"));
      case Admitted admitted -> onChange(state, admitted.change());
      case ChangeCommand change -> onChange(state, change);
      case AwaitApplied await -> {
        convergence.await(await, System.nanoTime());
        yield Effect().none();
      }
      case FetchChanges fetch -> reply(fetch.replyTo(), state.changesSince(epoch.getAsLong(), fetch));
      case FetchSnapshot fetch -> reply(fetch.replyTo(), transfers.part(epoch.getAsLong(), state.config(), fetch));
      case FetchHistory fetch -> reply(fetch.replyTo(), state.history(fetch.fromVersion(), fetch.limit()));
      case FindChange find -> reply(find.replyTo(), find(state, find.id()));
      case GetStatus get -> reply(get.replyTo(), convergence.status(
          state.config(), epoch.getAsLong(), System.nanoTime(), state.historyStatus()));
      case ReplicaReport report -> {
        convergence.report(report, state.config(), System.nanoTime());
        yield Effect().none();
      }
      case NodePrepared prepared -> {
        preparing.round().ifPresent(open -> open.answered(prepared));
        yield endPrepareIfOver(state);
      }
      case ContinuePrepare tick -> onContinuePrepare(state);
      case AnnounceHead tick -> {
        announcer.ifPresent(child -> child.tell(head(state)));
        events.historyKept(state.historyStatus());
        convergence.tick(System.nanoTime());
        uploads.expire(System.nanoTime());
        yield Effect().none();
      }
      case BeginLineage begin -> onBeginLineage(state);
      case Stop stop -> Effect().none().thenStop();
    };
  }

  private boolean isBegun(PrimaryState state) {
    return state.config().version() >= settings.firstVersion();
  }

  private Effect<ConfigChanged, PrimaryState> onBeginLineage(PrimaryState state) {
    if (isBegun(state)) {
      return Effect().none();
    }
    LineageBeginning beginning = LineageBeginning.of(settings.firstVersion(), state.config(), settings.known().get());
    if (beginning.isEmpty()) {
      context.getLog().error("The cluster was recovered without a journal, and this node has no configuration in its boot cache "
          + "either. Nothing is announced, so that the others keep what they have. Start the node that was recovered");
      timers.startSingleTimer(new BeginLineage(), LINEAGE_PAUSE);
      return Effect().none();
    }
    ConfigChanged event = beginning.event(
        state.config(), codec, clock.instant(), MemberNames.name(Cluster.get(context.getSystem()).selfMember()));
    context.getLog().warn("This cluster was recovered alone: its configuration goes on from version {} as version {}, so that no "
        + "version means two things", beginning.wanted().version(), event.version());
    return Effect().persist(event).thenRun((PrimaryState after) -> {
      publish(event);
      announce(after);
      events.committed(event, 0);
    });
  }

  private void announce(PrimaryState state) {
    announcer.ifPresent(context::stop);
    announcer = Optional.of(context.spawnAnonymous(
        HeadAnnouncer.create(head(state), settings.headInterval(), settings.topic())));
    timers.startTimerAtFixedRate(new AnnounceHead(), Duration.ZERO, settings.headInterval());
  }

  private Effect<ConfigChanged, PrimaryState> onChange(PrimaryState state, ChangeCommand change) {
    return switch (change) {
      case SubmitChange submit -> onSubmit(state, submit);
      case RollBack rollBack -> onRollBack(state, rollBack);
    };
  }

  private Effect<ConfigChanged, PrimaryState> onSubmit(PrimaryState state, SubmitChange submit) {
    long known = state.versionOf(submit.id());
    if (known > 0) {
      return reply(submit.replyTo(), alreadyCommitted(submit.id(), known));
    }
    return switch (uploads.add(submit, System.nanoTime())) {
      case PendingUploads.Incomplete part -> reply(submit.replyTo(), new PartTaken(submit.id(), submit.part()));
      case PendingUploads.Rejected rejected -> reply(submit.replyTo(), new Busy(submit.id(), rejected.detail()));
      case PendingUploads.TooLarge large -> reply(submit.replyTo(),
          new Refused(submit.id(), Refusal.of(Refusal.Reason.INVALID, large.detail())));
      case PendingUploads.Complete complete -> decide(state, new Proposal(submit.id(), submit.author(), submit.comment(),
          submit.dryRun(), submit.force(), complete.operations().stream().mapToLong(Operation::size).sum(),
          config -> editor.edit(config, complete.operations(), submit.expectedHead()), submit.replyTo()));
    };
  }

  private Effect<ConfigChanged, PrimaryState> onRollBack(PrimaryState state, RollBack command) {
    long known = state.versionOf(command.id());
    return known > 0
        ? reply(command.replyTo(), alreadyCommitted(command.id(), known))
        : decide(state, Proposal.toRestore(state, command, editor, codec));
  }

  /** Refuses a change, commits it, or puts it to the nodes first. */
  private Effect<ConfigChanged, PrimaryState> decide(PrimaryState state, Proposal proposal) {
    if (!isBegun(state)) {
      return reply(proposal.replyTo(), new Busy(proposal.id(), "the cluster has just been recovered; try again shortly"));
    }
    if (!proposal.dryRun()) {
      refusals.remove(proposal.id());
    }
    return switch (proposal.edit().apply(state.config())) {
      case ConfigEditor.Refused refused -> {
        refuse(proposal, refused.refusal());
        yield Effect().none();
      }
      case ConfigEditor.Edited edited when proposal.dryRun() || PrepareRound.isNeededFor(edited.changes()) -> {
        preparing.add(proposal).ifPresent(why -> proposal.replyTo().tell(new Busy(proposal.id(), why)));
        prepareNext(state);
        yield Effect().none();
      }
      case ConfigEditor.Edited edited -> commit(proposal, edited, Map.of());
    };
  }

  /** Puts the next waiting change to the nodes, unless one is put to them now. */
  private void prepareNext(PrimaryState state) {
    for (Optional<Proposal> next = preparing.next(); next.isPresent(); next = preparing.next()) {
      Proposal proposal = next.get();
      switch (proposal.edit().apply(state.config())) {
        case ConfigEditor.Refused refused -> refuse(proposal, refused.refusal());
        case ConfigEditor.Edited edited -> {
          preparing.begin(new PrepareRound(++rounds, proposal, state.config().version(), edited.changes(),
              convergence.reachableNodes(), System.nanoTime()));
          timers.startTimerAtFixedRate(new ContinuePrepare(), Duration.ZERO, PREPARE_REPEAT);
        }
      }
    }
  }

  private Effect<ConfigChanged, PrimaryState> onContinuePrepare(PrimaryState state) {
    preparing.round().ifPresent(open -> {
      open.keepOnly(convergence.reachableNodes().keySet());
      open.requests(epoch.getAsLong(), context.getSelf()).forEach(request -> settings.topic().tell(Topic.publish(request)));
    });
    return endPrepareIfOver(state);
  }

  private Effect<ConfigChanged, PrimaryState> endPrepareIfOver(PrimaryState state) {
    Optional<PrepareRound> over = preparing.end(System.nanoTime());
    if (over.isEmpty()) {
      return Effect().none();
    }
    timers.cancel(new ContinuePrepare());
    // The next is computed from what this one leaves behind.
    return afterPrepare(state, over.get().proposal(), over.get().verdicts()).thenRun(this::prepareNext);
  }

  /** Meanwhile other changes may have been committed, this one through another node among them. */
  private EffectBuilder<ConfigChanged, PrimaryState> afterPrepare(
      PrimaryState state, Proposal proposal, Map<String, List<String>> verdicts) {
    long known = state.versionOf(proposal.id());
    if (known > 0) {
      return reply(proposal.replyTo(), alreadyCommitted(proposal.id(), known));
    }
    Map<String, List<String>> objections = new TreeMap<>(verdicts);
    objections.values().removeIf(List::isEmpty);
    if (!objections.isEmpty() && !proposal.force()) {
      refuse(proposal, Refusal.byNodes(objections));
      return Effect().none();
    }
    return switch (proposal.edit().apply(state.config())) {
      case ConfigEditor.Refused refused -> {
        refuse(proposal, refused.refusal());
        yield Effect().none();
      }
      case ConfigEditor.Edited edited when proposal.dryRun() -> reply(proposal.replyTo(),
          new WouldCommit(proposal.id(), edited.config().version(), verdicts));
      case ConfigEditor.Edited edited -> commit(proposal, edited, objections);
    };
  }

  private ChangeFound find(PrimaryState state, String id) {
    long version = state.versionOf(id);
    return new ChangeFound(id, version, version > 0 ? null : refusals.find(id, System.nanoTime()).orElse(null));
  }

  private void refuse(Proposal proposal, Refusal refusal) {
    if (!proposal.dryRun()) {
      refusals.add(proposal.id(), refusal.detail(), System.nanoTime());
    }
    events.rejected(proposal.id(), proposal.author(), refusal);
    proposal.replyTo().tell(new Refused(proposal.id(), refusal));
  }

  private EffectBuilder<ConfigChanged, PrimaryState> commit(
      Proposal proposal, ConfigEditor.Edited edited, Map<String, List<String>> objections) {
    if (edited.changes().isEmpty()) {
      return reply(proposal.replyTo(), new Unchanged(proposal.id(), edited.config().version()));
    }
    long begun = System.nanoTime();
    // What waits for the journal holds the event, and not the operations that it came from too.
    String id = proposal.id();
    ActorRef<SubmitReply> replyTo = proposal.replyTo();
    ConfigChanged event = new ConfigChanged(
        edited.config().version(), proposal.id(), clock.instant(), proposal.author(), proposal.comment(),
        edited.changes(), edited.config().digest().toString());
    writing = Optional.of(new Writing(id, replyTo));
    return Effect().persist(event).thenRun((PrimaryState after) -> {
      writing = Optional.empty();
      long now = System.nanoTime();
      publish(event);
      announcer.ifPresent(child -> child.tell(head(after)));
      convergence.committed(event.version(), now);
      events.committed(event, (now - begun) / 1_000_000);
      replyTo.tell(new Committed(id, event.version(), created(event), objections));
    });
  }

  private static Committed alreadyCommitted(String id, long version) {
    return new Committed(id, version, List.of(), Map.of());
  }

  private static List<String> created(ConfigChanged event) {
    return event.changes().size() > 1 ? List.of() : event.changes().stream()
        .filter(change -> change.before() == null).map(change -> change.kind() + "/" + change.name()).toList();
  }

  private <T> EffectBuilder<ConfigChanged, PrimaryState> reply(ActorRef<T> to, T reply) {
    return Effect().none().thenRun((PrimaryState state) -> to.tell(reply));
  }

  private void publish(ConfigChanged event) {
    ConfigChanged carried = event.size() <= MAX_MESSAGE_BYTES ? event : null;
    settings.topic().tell(Topic.publish(
        new ConfigAnnouncement.ConfigCommitted(epoch.getAsLong(), event.version(), carried)));
  }

  private HeadAnnouncer.Head head(PrimaryState state) {
    return new HeadAnnouncer.Head(epoch.getAsLong(), state.config().version(), state.config().digest().toString());
  }

  @Override
  public EventHandler<PrimaryState, ConfigChanged> eventHandler() {
    return (state, event) -> state.apply(event, codec);
  }

  @Override
  public SignalHandler<PrimaryState> signalHandler() {
    return retention.onSignals(newSignalHandlerBuilder(), PrimaryState::applied)
        .onSignal(RecoveryCompleted.class, (state, signal) -> onRecovered(state))
        .onSignal(RecoveryFailed.class, (state, failed) -> onJournalFailed(failed.getFailure()))
        .onSignal(JournalPersistFailed.class, (state, failed) -> {
          Optional<Writing> written = writing;
          String why = onJournalFailed(failed.getFailure());
          // Any other failure leaves open whether it was written.
          written.filter(change -> NotWrittenException.behind(failed.getFailure()).isPresent())
              .ifPresent(change -> change.replyTo().tell(new Busy(change.id(), why)));
        })
        .onSignal(PostStop.class, (state, signal) -> events.primaryStopped())
        .build();
  }

  private void onRecovered(PrimaryState state) {
    interruption = Optional.empty();
    gate.recovered();
    events.primaryStarted(epoch.getAsLong(), state.config().version());
    if (isBegun(state)) {
      announce(state);
    } else {
      context.getSelf().tell(new BeginLineage());
    }
    retention.recovered(state.applied(), lastSequenceNumber(context));
  }

  /** @return why nothing is changed meanwhile */
  private String onJournalFailed(Throwable failure) {
    String why = NotWrittenException.behind(failure).map(known -> known instanceof FencedException
        ? "another node has taken over from this primary, so nothing was changed; try again shortly"
        : "nothing was changed: " + known.getMessage()).orElse(
            "the primary's journal has failed, so nothing was changed; the log of the primary's node says why; try again shortly");
    writing = Optional.empty();
    interruption = Optional.of(why);
    failures++;
    gate.failed();
    preparing.clear().forEach(proposal -> proposal.replyTo().tell(new Busy(proposal.id(), why)));
    return why;
  }

  /** After the begin of a lineage, too: a primary of a release without lineages can't apply that event, and starts behind it. */
  @Override
  public boolean shouldSnapshot(PrimaryState state, ConfigChanged event, long sequenceNr) {
    return event.lineage() != null || retention.isDue(state.applied());
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
        return PrimaryState.of((ConfigSnapshot) stored, codec);
      }
    };
  }

  @Override
  public String journalPluginId() {
    return plugins.journal();
  }

  @Override
  public String snapshotPluginId() {
    return plugins.snapshots();
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
    return new ChangePart(change.with(all.subList(from, to)), from, to == all.size());
  }
}
