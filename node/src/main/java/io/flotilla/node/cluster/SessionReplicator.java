package io.flotilla.node.cluster;

import io.flotilla.http.sessions.HttpSessions;
import io.flotilla.http.sessions.SessionRecord;
import io.flotilla.http.sessions.SessionReplication;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.apache.pekko.Done;
import org.apache.pekko.actor.typed.ActorRef;
import org.apache.pekko.actor.typed.ActorSystem;
import org.apache.pekko.actor.typed.Behavior;
import org.apache.pekko.actor.typed.javadsl.ActorContext;
import org.apache.pekko.actor.typed.javadsl.AskPattern;
import org.apache.pekko.actor.typed.javadsl.Behaviors;
import org.apache.pekko.cluster.ddata.Key;
import org.apache.pekko.cluster.ddata.typed.javadsl.DistributedData;
import org.apache.pekko.cluster.ddata.typed.javadsl.Replicator;
import org.apache.pekko.cluster.ddata.typed.javadsl.ReplicatorMessageAdapter;

/**
 * Tells this node's HTTP sessions to the other nodes, and theirs to this one, by Distributed Data: soft state, in buckets. A record counts as
 * told when a majority of the nodes has it, and who looks for one asks a majority, so the two meet.
 */
final class SessionReplicator {

  sealed interface Command {}

  private record Publish(SessionRecord record, SessionReplication.Reach reach, ActorRef<Done> replyTo) implements Command {}

  private record PublishAll(List<SessionRecord> records) implements Command {}

  private record Fetch(String id, ActorRef<Fetched> replyTo) implements Command {}

  private record Fetched(Optional<SessionRecord> record) {}

  /** Some buckets may have lost what they need no more. */
  private record Sweep() implements Command {}

  private record Written(ActorRef<Done> replyTo) implements Command {}

  private record Read(Replicator.GetResponse<SessionBucket> response, String id, ActorRef<Fetched> replyTo) implements Command {}

  private record Changed(Replicator.SubscribeResponse<SessionBucket> response) implements Command {}

  static final String NAME = "session-replicator";
  private static final int BUCKETS = 512;
  private static final Duration PATIENCE = Duration.ofSeconds(1);
  private static final Duration FETCH_PATIENCE = Duration.ofSeconds(2);
  private static final Duration SWEEP_INTERVAL = Duration.ofMinutes(1);

  private final ActorContext<Command> context;
  private final ReplicatorMessageAdapter<Command, SessionBucket> replicator;
  private final HttpSessions sessions;
  private final Set<Key<SessionBucket>> filled = new HashSet<>();

  static Behavior<Command> create(HttpSessions sessions) {
    return Behaviors.setup(context -> DistributedData.withReplicatorMessageAdapter(
        (ReplicatorMessageAdapter<Command, SessionBucket> replicator) -> Behaviors.withTimers(timers -> {
          timers.startTimerWithFixedDelay(new Sweep(), SWEEP_INTERVAL);
          return new SessionReplicator(context, replicator, sessions).start();
        })));
  }

  /** How the process reaches it. */
  static SessionReplication through(ActorSystem<?> system, ActorRef<Command> replicator) {
    return new SessionReplication() {
      @Override
      public CompletionStage<Void> publish(SessionRecord record, Reach reach) {
        return this.<Done>ask(PATIENCE, replyTo -> new Publish(record, reach, replyTo)).handle((_, _) -> null);
      }

      @Override
      public void publishAll(List<SessionRecord> records) {
        replicator.tell(new PublishAll(records));
      }

      @Override
      public CompletionStage<Optional<SessionRecord>> fetch(String id) {
        return this.<Fetched>ask(FETCH_PATIENCE, replyTo -> new Fetch(id, replyTo))
            .handle((fetched, failure) -> failure == null ? fetched.record() : Optional.empty());
      }

      /** The actor system may end while it is asked, and its own timer with it; so the time is kept outside as well. */
      private <T> CompletionStage<T> ask(Duration patience, Function<ActorRef<T>, Command> message) {
        return AskPattern.<Command, T>ask(replicator, message::apply, patience, system.scheduler())
            .toCompletableFuture().orTimeout(patience.toMillis() + 200, TimeUnit.MILLISECONDS);
      }
    };
  }

  private SessionReplicator(
      ActorContext<Command> context, ReplicatorMessageAdapter<Command, SessionBucket> replicator, HttpSessions sessions) {
    this.context = context;
    this.replicator = replicator;
    this.sessions = sessions;
  }

  private Behavior<Command> start() {
    for (int i = 0; i < BUCKETS; i++) {
      replicator.subscribe(new SessionBucketKey(i), Changed::new);
    }
    return Behaviors.receive(Command.class)
        .onMessage(Publish.class, this::onPublish)
        .onMessage(PublishAll.class, this::onPublishAll)
        .onMessage(Fetch.class, this::onFetch)
        .onMessage(Written.class, this::onWritten)
        .onMessage(Read.class, this::onRead)
        .onMessage(Changed.class, this::onChanged)
        .onMessage(Sweep.class, this::onSweep)
        .build();
  }

  private Behavior<Command> onPublish(Publish publish) {
    write(key(publish.record().id()), List.of(publish.record()), switch (publish.reach()) {
      case MAJORITY -> new Replicator.WriteMajority(PATIENCE);
      case ALL -> new Replicator.WriteAll(PATIENCE);
    }, publish.replyTo());
    return Behaviors.same();
  }

  /** Gossip brings them to the other nodes. */
  private Behavior<Command> onPublishAll(PublishAll publish) {
    Map<Key<SessionBucket>, List<SessionRecord>> buckets =
        publish.records().stream().collect(Collectors.groupingBy(record -> key(record.id())));
    buckets.forEach((key, records) -> write(key, records, Replicator.writeLocal(), context.getSystem().ignoreRef()));
    return Behaviors.same();
  }

  private void write(Key<SessionBucket> key, Collection<SessionRecord> records, Replicator.WriteConsistency consistency,
      ActorRef<Done> replyTo) {
    // Whatever the answer is: a write that not all took is not taken back, and goes on with gossip.
    replicator.askUpdate(
        asked -> new Replicator.Update<>(key, SessionBucket.EMPTY, consistency, asked, bucket -> bucket.with(records)),
        _ -> new Written(replyTo));
  }

  private Behavior<Command> onWritten(Written written) {
    written.replyTo().tell(Done.getInstance());
    return Behaviors.same();
  }

  private Behavior<Command> onFetch(Fetch fetch) {
    replicator.askGet(
        asked -> new Replicator.Get<>(key(fetch.id()), new Replicator.ReadMajority(FETCH_PATIENCE), asked),
        response -> new Read(response, fetch.id(), fetch.replyTo()));
    return Behaviors.same();
  }

  private Behavior<Command> onRead(Read read) {
    Optional<SessionRecord> found = read.response() instanceof Replicator.GetSuccess<SessionBucket> success
        ? success.get(success.key()).records().stream().filter(record -> record.id().equals(read.id())).findFirst() : Optional.empty();
    read.replyTo().tell(new Fetched(found));
    return Behaviors.same();
  }

  private Behavior<Command> onChanged(Changed changed) {
    if (changed.response() instanceof Replicator.Changed<SessionBucket> change) {
      filled.add(change.key());
      change.get(change.key()).records().forEach(sessions::heard);
    }
    return Behaviors.same();
  }

  private Behavior<Command> onSweep(Sweep sweep) {
    new ArrayList<>(filled).forEach(key -> write(key, List.of(), Replicator.writeLocal(), context.getSystem().ignoreRef()));
    return Behaviors.same();
  }

  private static Key<SessionBucket> key(String id) {
    return new SessionBucketKey(Math.floorMod(id.hashCode(), BUCKETS));
  }
}
