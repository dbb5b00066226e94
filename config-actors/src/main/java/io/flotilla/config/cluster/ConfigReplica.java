package io.flotilla.config.cluster;

import io.flotilla.config.event.ConfigChanged;
import io.flotilla.config.event.EntityChange;
import io.flotilla.config.event.StoredDocument;
import io.flotilla.config.model.ClusterConfig;
import io.flotilla.config.model.ConfigDelta;
import io.flotilla.config.model.ConfigEditor;
import io.flotilla.config.model.EntityCodec;
import io.flotilla.config.view.LiveConfig;
import io.flotilla.config.view.ReplicaStatus;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.BiFunction;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import org.apache.pekko.actor.typed.ActorRef;
import org.apache.pekko.actor.typed.Behavior;
import org.apache.pekko.actor.typed.javadsl.ActorContext;
import org.apache.pekko.actor.typed.javadsl.Behaviors;
import org.apache.pekko.actor.typed.javadsl.TimerScheduler;

/**
 * Keeps this node's {@link LiveConfig} at the newest version. In the state <em>following</em> each published change is
 * applied if it follows the node's own version. Whatever does not fit (a gap, a change too large for a message, a head
 * that is ahead or has another digest) leads to <em>catching up</em>: the missing changes, or a snapshot, are fetched from
 * the primary part by part, and nothing is applied before it is whole. A fetch that is not answered is given up; the next
 * head announcement begins another.
 */
public final class ConfigReplica {

  public sealed interface Command permits ConfigAnnouncement, ChangesArrived, SnapshotArrived, FetchFailed,
      ListenersCalled, Checked, ReportNow {}

  private record ChangesArrived(ConfigPrimary.ChangesReply reply) implements Command {}

  private record SnapshotArrived(ConfigPrimary.SnapshotReply reply) implements Command {}

  private record FetchFailed(String reason) implements Command {}

  private record ListenersCalled(long version, List<String> problems) implements Command {}

  private record Checked(long epoch, long round, List<String> objections) implements Command {}

  private record ReportNow() implements Command {}

  private static final Duration FETCH_TIMEOUT = Duration.ofSeconds(3);
  private static final Duration LISTENERS_PATIENCE = Duration.ofSeconds(3);
  private static final int MAX_NAMED = 20;

  private final ActorContext<Command> context;
  private final LiveConfig live;
  private final EntityCodec codec;
  private final ActorRef<ConfigPrimary.Command> primary;
  private final BiFunction<Boolean, LiveConfig, ReplicaReport> report;
  private final Consumer<ReplicaStatus> status;
  private final ConfigEvents events;

  private final PrepareInbox inbox = new PrepareInbox();
  private ClusterConfig current;
  private long epoch;
  private long headVersion;
  /** The last version that the listeners have been called with. */
  private long calledVersion;
  /** Since when that is not the current one. */
  private long behindSinceNanos;
  private boolean caughtUpOnce;

  /**
   * @param report makes the node's report, given whether it is catching up
   * @param status is told after each announcement; must not block
   */
  public static Behavior<Command> create(
      LiveConfig live,
      EntityCodec codec,
      ActorRef<ConfigPrimary.Command> primary,
      BiFunction<Boolean, LiveConfig, ReplicaReport> report,
      Consumer<ReplicaStatus> status,
      ConfigEvents events) {
    return Behaviors.setup(context -> Behaviors.withTimers(timers ->
        new ConfigReplica(context, timers, live, codec, primary, report, status, events).following()));
  }

  private ConfigReplica(
      ActorContext<Command> context,
      TimerScheduler<Command> timers,
      LiveConfig live,
      EntityCodec codec,
      ActorRef<ConfigPrimary.Command> primary,
      BiFunction<Boolean, LiveConfig, ReplicaReport> report,
      Consumer<ReplicaStatus> status,
      ConfigEvents events) {
    this.context = context;
    this.live = live;
    this.codec = codec;
    this.primary = primary;
    this.report = report;
    this.status = status;
    this.events = events;
    this.current = live.view().config();
    this.calledVersion = current.version();
    timers.startTimerAtFixedRate(new ReportNow(), Duration.ofSeconds(1));
  }

  private Behavior<Command> following() {
    return Behaviors.receiveMessage(command -> switch (command) {
      case ConfigAnnouncement announcement -> onAnnouncement(announcement);
      case ListenersCalled called -> onListenersCalled(called, false);
      case Checked checked -> onChecked(checked);
      case ReportNow now -> onReport(false);
      case ChangesArrived late -> Behaviors.same();
      case SnapshotArrived late -> Behaviors.same();
      case FetchFailed late -> Behaviors.same();
    });
  }

  /** Announcements only move the goal; what is missing after this fetch is fetched by the next. */
  private Behavior<Command> catchingUp(CatchUp progress) {
    return Behaviors.receiveMessage(command -> switch (command) {
      case ConfigAnnouncement announcement -> {
        if (noteHead(announcement, true) && announcement instanceof ConfigAnnouncement.PrepareRequested request) {
          onPrepareRequested(request);
        }
        yield Behaviors.same();
      }
      case ListenersCalled called -> onListenersCalled(called, true);
      case Checked checked -> onChecked(checked);
      case ReportNow now -> onReport(true);
      case ChangesArrived arrived -> onChanges(progress, arrived.reply());
      case SnapshotArrived arrived -> onSnapshot(progress, arrived.reply());
      case FetchFailed failed -> {
        context.getLog().warn("Catching up from configuration version {} was given up ({}); the next head announcement "
            + "starts it again", current.version(), failed.reason());
        yield following();
      }
    });
  }

  private Behavior<Command> onAnnouncement(ConfigAnnouncement announcement) {
    if (!noteHead(announcement, false)) {
      return Behaviors.same();
    }
    return switch (announcement) {
      case ConfigAnnouncement.ConfigCommitted committed
          when committed.change() != null && committed.change().previous() == current.version() -> {
        ConfigChanged change = committed.change();
        yield applyChange(change) ? Behaviors.same() : takeSnapshot(CatchUp.begin(current.version()));
      }
      case ConfigAnnouncement.ConfigCommitted committed ->
          committed.version() > current.version() ? catchUp() : Behaviors.same();
      case ConfigAnnouncement.HeadAnnounced head -> onHead(head);
      case ConfigAnnouncement.PrepareRequested request -> {
        onPrepareRequested(request);
        yield request.version() > current.version() ? catchUp() : Behaviors.same();
      }
    };
  }

  private Behavior<Command> onHead(ConfigAnnouncement.HeadAnnounced head) {
    if (head.version() > current.version()) {
      return catchUp();
    }
    if (head.version() < headVersion) {
      return Behaviors.same(); // it was overtaken: the primary, which publishes its changes itself, has gone on since
    }
    if (head.version() == current.version() && head.digest().equals(current.digest().toString())) {
      if (!caughtUpOnce) {
        caughtUpOnce = true;
        events.caughtUp(current.version(), current.version(), 0);
        sendReport(false);
      }
      return Behaviors.same();
    }
    context.getLog().error("This node holds {}, but the primary of epoch {} announces version {} with digest {}. The "
            + "primary's configuration is taken instead.", current, head.epoch(), head.version(), head.digest());
    return takeSnapshot(CatchUp.begin(current.version()));
  }

  /** Remembers the newest head of the newest epoch; false if the announcement is of an older writer. */
  private boolean noteHead(ConfigAnnouncement announcement, boolean catchingUp) {
    if (announcement.epoch() < epoch) {
      context.getLog().debug("Ignored an announcement of epoch {}; the writer's epoch is {}", announcement.epoch(), epoch);
      return false;
    }
    headVersion = announcement.epoch() == epoch ? Math.max(headVersion, announcement.version()) : announcement.version();
    epoch = announcement.epoch();
    status.accept(new ReplicaStatus(epoch, headVersion, System.nanoTime(), catchingUp));
    return true;
  }

  private void onPrepareRequested(ConfigAnnouncement.PrepareRequested request) {
    inbox.add(request);
    checkIfReady();
    answerPrepare();
  }

  /** Has the data plane look at a change that is not made yet, once this node is where the change begins. */
  private void checkIfReady() {
    inbox.begin(current.version()).ifPresent(changes -> {
      long askedEpoch = epoch;
      long round = inbox.round();
      context.pipeToSelf(live.check(ConfigDelta.preview(current, changes, codec)), (objections, failure) ->
          new Checked(askedEpoch, round, failure == null ? objections : List.of("the change could not be checked: " + failure)));
    });
  }

  private Behavior<Command> onChecked(Checked checked) {
    inbox.answer(checked.epoch(), checked.round(), checked.objections());
    answerPrepare();
    return Behaviors.same();
  }

  private void answerPrepare() {
    ReplicaReport self = report.apply(false, live);
    inbox.reply(self.node(), self.address());
  }

  private Behavior<Command> catchUp() {
    caughtUpOnce = true;
    events.catchingUp(current.version(), headVersion);
    return fetchChanges(CatchUp.begin(current.version()));
  }

  private Behavior<Command> fetchChanges(CatchUp progress) {
    context.ask(ConfigPrimary.ChangesReply.class, primary, FETCH_TIMEOUT,
        replyTo -> new ConfigPrimary.FetchChanges(current.version(), progress.entities.size(), replyTo),
        (reply, failure) -> failure == null ? new ChangesArrived(reply) : new FetchFailed(failure.getMessage()));
    return catchingUp(progress);
  }

  private Behavior<Command> takeSnapshot(CatchUp progress) {
    CatchUp fresh = progress.withoutParts();
    return fetchSnapshot(fresh);
  }

  private Behavior<Command> fetchSnapshot(CatchUp progress) {
    StoredDocument last = progress.documents.isEmpty() ? null : progress.documents.getLast();
    context.ask(ConfigPrimary.SnapshotReply.class, primary, FETCH_TIMEOUT,
        replyTo -> new ConfigPrimary.FetchSnapshot(progress.snapshotVersion,
            last == null ? "" : last.kind(), last == null ? "" : last.name(), replyTo),
        (reply, failure) -> failure == null ? new SnapshotArrived(reply) : new FetchFailed(failure.getMessage()));
    return catchingUp(progress);
  }

  private Behavior<Command> onChanges(CatchUp progress, ConfigPrimary.ChangesReply reply) {
    return switch (reply) {
      case ConfigPrimary.SnapshotNeeded needed -> {
        progress.keptVersion = needed.keptVersion();
        yield takeSnapshot(progress);
      }
      case ConfigPrimary.Changes changes when changes.parts().isEmpty() -> finish(progress);
      case ConfigPrimary.Changes changes -> {
        for (ConfigPrimary.ChangePart part : changes.parts()) {
          if (part.fromEntity() != progress.entities.size()) {
            yield following();
          }
          progress.entities.addAll(part.change().changes());
          if (part.last()) {
            ConfigChanged whole = part.change().with(List.copyOf(progress.entities));
            progress.entities.clear();
            if (whole.previous() != current.version() || !applyChange(whole)) {
              yield takeSnapshot(progress);
            }
          }
        }
        yield current.version() >= headVersion && progress.entities.isEmpty()
            ? finish(progress)
            : fetchChanges(progress);
      }
    };
  }

  private Behavior<Command> onSnapshot(CatchUp progress, ConfigPrimary.SnapshotReply reply) {
    return switch (reply) {
      case ConfigPrimary.SnapshotGone gone -> takeSnapshot(progress);
      case ConfigPrimary.SnapshotPart part -> {
        progress.documents.addAll(part.documents());
        progress.snapshotVersion = part.version();
        if (!part.last()) {
          yield fetchSnapshot(progress);
        }
        ClusterConfig whole = ClusterConfig.of(part.version(), progress.documents, codec);
        if (!whole.digest().toString().equals(part.digest())) {
          context.getLog().error("The snapshot of configuration version {} arrived with another digest than announced; "
              + "it was dropped and will be fetched again", part.version());
          yield following();
        }
        if (progress.keptVersion > 0) {
          tellDropped(whole, progress.keptVersion);
        }
        install(ConfigDelta.between(current, whole), Optional.empty());
        progress.documents.clear();
        yield current.version() >= headVersion ? finish(progress) : fetchChanges(progress);
      }
    };
  }

  /** The cluster was recovered from a state that is older than this node's. */
  private void tellDropped(ClusterConfig recovered, long keptVersion) {
    List<EntityChange> differences = ConfigEditor.differences(current, recovered);
    context.getLog().error("The cluster was recovered from its version {}, but this node had applied version {}: the changes after "
            + "{} are lost, and undone here. Entities that differ: {}{}", keptVersion, current.version(), keptVersion,
        differences.isEmpty() ? "none" : differences.stream().limit(MAX_NAMED)
            .map(change -> change.kind() + "/" + change.name()).collect(Collectors.joining(", ")),
        differences.size() > MAX_NAMED ? " and " + (differences.size() - MAX_NAMED) + " more" : "");
  }

  private Behavior<Command> finish(CatchUp progress) {
    headVersion = Math.max(headVersion, current.version());
    events.caughtUp(progress.fromVersion, current.version(), (System.nanoTime() - progress.begunNanos) / 1_000_000);
    status.accept(new ReplicaStatus(epoch, headVersion, System.nanoTime(), false));
    sendReport(false);
    return following();
  }

  private boolean applyChange(ConfigChanged change) {
    ClusterConfig next = current.apply(change, codec);
    if (!next.digest().toString().equals(change.digest())) {
      context.getLog().error("Configuration version {} does not have its digest after this node applied it; a snapshot "
          + "is taken from the primary", change.version());
      return false;
    }
    install(ConfigDelta.of(current, next, change), Optional.of(change));
    return true;
  }

  private void install(ConfigDelta delta, Optional<ConfigChanged> change) {
    if (calledVersion == current.version()) {
      behindSinceNanos = System.nanoTime();
    }
    current = delta.to();
    checkIfReady();
    long version = current.version();
    context.pipeToSelf(live.swap(delta, change), (problems, failure) ->
        new ListenersCalled(version, failure == null ? problems : List.of(failure.toString())));
  }

  private Behavior<Command> onListenersCalled(ListenersCalled called, boolean catchingUp) {
    calledVersion = called.version();
    if (called.problems().isEmpty()) {
      events.applied(called.version());
    } else {
      events.degraded(called.version(), called.problems());
    }
    if (called.version() == current.version()) {
      sendReport(catchingUp);
    }
    return Behaviors.same();
  }

  private Behavior<Command> onReport(boolean catchingUp) {
    sendReport(catchingUp);
    return Behaviors.same();
  }

  /** A node that has not heard a head yet takes no changes, so it does not claim to be converged either. */
  private void sendReport(boolean catchingUp) {
    // A version that its listeners are still busy with does not count as applied; but they may not silence the node either.
    if (calledVersion != current.version() && System.nanoTime() - behindSinceNanos < LISTENERS_PATIENCE.toNanos()) {
      return;
    }
    primary.tell(report.apply(catchingUp || !caughtUpOnce, live));
  }

  /** What has been fetched so far; confined to the actor. */
  private static final class CatchUp {
    private final long fromVersion;
    private final long begunNanos;
    private final List<EntityChange> entities = new ArrayList<>();
    private final List<StoredDocument> documents = new ArrayList<>();
    private long snapshotVersion;
    /** What the cluster kept of this node's lineage, if it lost some of what this node has; otherwise 0. */
    private long keptVersion;

    private CatchUp(long fromVersion, long begunNanos) {
      this.fromVersion = fromVersion;
      this.begunNanos = begunNanos;
    }

    static CatchUp begin(long fromVersion) {
      return new CatchUp(fromVersion, System.nanoTime());
    }

    CatchUp withoutParts() {
      CatchUp fresh = new CatchUp(fromVersion, begunNanos);
      fresh.keptVersion = keptVersion;
      return fresh;
    }
  }
}
