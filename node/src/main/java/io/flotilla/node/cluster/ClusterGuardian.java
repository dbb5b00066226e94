package io.flotilla.node.cluster;

import io.flotilla.claim.ClaimClient;
import io.flotilla.claim.ClaimKeeper;
import io.flotilla.config.cluster.ConfigAnnouncement;
import io.flotilla.config.cluster.ConfigClient;
import io.flotilla.config.cluster.ConfigPrimary;
import io.flotilla.config.cluster.ConfigReplica;
import io.flotilla.config.cluster.MemberNames;
import io.flotilla.config.cluster.ReplicaReport;
import io.flotilla.config.model.EntityCodec;
import io.flotilla.config.model.Policy;
import io.flotilla.config.view.LiveConfig;
import io.flotilla.config.view.NodeIdentity;
import io.flotilla.http.sessions.HttpSessions;
import io.flotilla.node.NodeSettings;
import java.time.Clock;
import java.time.Duration;
import java.util.Optional;
import java.util.function.BiFunction;
import java.util.function.Consumer;
import java.util.stream.StreamSupport;
import org.apache.pekko.actor.typed.ActorRef;
import org.apache.pekko.actor.typed.ActorSystem;
import org.apache.pekko.actor.typed.Behavior;
import org.apache.pekko.actor.typed.SupervisorStrategy;
import org.apache.pekko.actor.typed.javadsl.ActorContext;
import org.apache.pekko.actor.typed.javadsl.Behaviors;
import org.apache.pekko.actor.typed.pubsub.Topic;
import org.apache.pekko.cluster.ClusterEvent;
import org.apache.pekko.cluster.ClusterEvent.ClusterDomainEvent;
import org.apache.pekko.cluster.Member;
import org.apache.pekko.cluster.MemberStatus;
import org.apache.pekko.cluster.typed.Cluster;
import org.apache.pekko.cluster.typed.ClusterSingleton;
import org.apache.pekko.cluster.typed.ClusterSingletonSettings;
import org.apache.pekko.cluster.typed.Down;
import org.apache.pekko.cluster.typed.SingletonActor;
import org.apache.pekko.cluster.typed.Subscribe;

/**
 * The root of the clustered actor system: starts the primary's singleton, the replica and their topic, and tells the
 * cluster's membership to the process.
 */
final class ClusterGuardian {

  sealed interface Command permits MembershipChanged {}

  private record MembershipChanged(ClusterDomainEvent event) implements Command {}

  /** What the actors need from the process. */
  record Surroundings(
      NodeSettings settings,
      LiveConfig live,
      EntityCodec codec,
      ConfigClient client,
      ClaimClient claims,
      DataPlane dataPlane,
      ClusterEvents events,
      BiFunction<Boolean, LiveConfig, ReplicaReport> report,
      Consumer<Cluster> membershipChanged,
      Consumer<String> rejoin) {}

  private final ActorContext<Command> context;
  private final Surroundings surroundings;
  private final ClusterRegistry registry;
  private final Cluster cluster;
  private Optional<String> primary = Optional.empty();

  static Behavior<Command> create(Surroundings surroundings, ClusterRegistry registry) {
    return Behaviors.setup(context -> new ClusterGuardian(context, surroundings, registry).start());
  }

  private ClusterGuardian(ActorContext<Command> context, Surroundings surroundings, ClusterRegistry registry) {
    this.context = context;
    this.surroundings = surroundings;
    this.registry = registry;
    this.cluster = Cluster.get(context.getSystem());
  }

  private Behavior<Command> start() {
    ActorRef<Topic.Command<ConfigAnnouncement>> topic =
        context.spawn(Topic.create(ConfigAnnouncement.class, "configuration"), "configuration-topic");
    ActorSystem<Void> system = context.getSystem();
    NodeSettings.Primary primarySettings = surroundings.settings().primary();
    Behavior<ConfigPrimary.Command> primaryBehavior = ConfigPrimary.create(
        surroundings.codec(),
        () -> registry.epoch(system, ConfigPrimary.PERSISTENCE_ID.id()),
        surroundings.events(),
        Clock.systemUTC(),
        new ConfigPrimary.Settings(primarySettings.headInterval(), primarySettings.snapshotEvery(), primarySettings.snapshotBytes(),
            topic, registry.lineage().firstVersion(), () -> surroundings.live().view().config()));
    ActorRef<ConfigPrimary.Command> primaryRef = singleton(primaryBehavior, "config-primary", new ConfigPrimary.Stop());
    surroundings.claims().attach(context.getSystem(), singleton(
        ClaimKeeper.create(System::nanoTime, registry.lineage().firstClaim()), "claim-keeper", new ClaimKeeper.Stop()));
    ActorRef<ConfigReplica.Command> replica = context.spawn(supervised(ConfigReplica.create(
        surroundings.live(), surroundings.codec(), primaryRef, surroundings.report(),
        surroundings.client()::heard, surroundings.events())), "config-replica");
    topic.tell(Topic.subscribe(replica.<ConfigAnnouncement>narrow()));
    context.spawn(supervised(NodeControl.create(surroundings.client(),
        () -> Policy.Primary.of(surroundings.live().view().config()), surroundings.rejoin())), NodeControl.NAME);
    context.spawn(supervised(ConnectionDesk.create(surroundings.dataPlane().connections())), ConnectionDesk.NAME);
    context.spawn(supervised(NodeDesk.create(surroundings.dataPlane().node())), NodeDesk.NAME);
    context.spawn(supervised(UsageExchange.create(surroundings.settings().name(), surroundings.dataPlane().homes())), UsageExchange.NAME);
    HttpSessions sessions = surroundings.dataPlane().sessions();
    sessions.attach(SessionReplicator.through(system, context.spawn(supervised(SessionReplicator.create(sessions)), SessionReplicator.NAME)));
    context.spawn(supervised(LockDesk.create(surroundings.dataPlane().locks(), surroundings.claims())), LockDesk.NAME);
    surroundings.dataPlane().lockNews().attach(context.getSystem());
    surroundings.client().attach(context.getSystem(), primaryRef);
    cluster.subscriptions().tell(Subscribe.create(
        context.messageAdapter(ClusterDomainEvent.class, MembershipChanged::new), ClusterDomainEvent.class));
    return Behaviors.receive(Command.class).onMessage(MembershipChanged.class, this::onMembershipChanged).build();
  }

  /** Runs on the oldest of the nodes that may be the primary; the answer is the way to it from this node. */
  private <C> ActorRef<C> singleton(Behavior<C> behavior, String name, C stop) {
    ClusterSingleton.get(context.getSystem()).init(SingletonActor.of(supervised(behavior), name)
        .withStopMessage(stop)
        .withSettings(ClusterSingletonSettings.create(context.getSystem()).withRole(NodeIdentity.PRIMARY)));
    return SingletonProxy.start(context, name, NodeIdentity.PRIMARY, System::nanoTime);
  }

  private static <T> Behavior<T> supervised(Behavior<T> behavior) {
    return Behaviors.supervise(behavior).onFailure(Exception.class,
        SupervisorStrategy.restartWithBackoff(Duration.ofMillis(200), Duration.ofSeconds(5), 0.1));
  }

  private Behavior<Command> onMembershipChanged(MembershipChanged changed) {
    ClusterEvents events = surroundings.events();
    switch (changed.event()) {
      case ClusterEvent.MemberUp up -> events.memberUp(MemberNames.name(up.member()), MemberNames.address(up.member()));
      case ClusterEvent.MemberRemoved removed -> events.memberDown(MemberNames.name(removed.member()),
          MemberNames.address(removed.member()),
          removed.previousStatus() == MemberStatus.down() ? "it was downed" : "it left");
      case ClusterEvent.UnreachableMember unreachable -> {
        events.memberUnreachable(MemberNames.name(unreachable.member()), MemberNames.address(unreachable.member()));
        downOwnFormerSelf();
      }
      case ClusterEvent.ReachableMember reachable ->
          events.memberReachable(MemberNames.name(reachable.member()), MemberNames.address(reachable.member()));
      default -> { }
    }
    notePrimary();
    surroundings.membershipChanged().accept(cluster);
    return Behaviors.same();
  }

  /** A node that came back at another address replaces its dead incarnation, which nobody else can tell is dead for good. */
  private void downOwnFormerSelf() {
    cluster.state().getUnreachable().stream()
        .filter(member -> MemberNames.name(member).equals(surroundings.settings().name())
            && !member.uniqueAddress().equals(cluster.selfMember().uniqueAddress()))
        .forEach(member -> cluster.manager().tell(new Down(member.address())));
  }

  /** The primary is the singleton on the oldest node of that role. */
  private void notePrimary() {
    Optional<String> oldest = NodeControl.primary(cluster).map(MemberNames::name);
    if (oldest.isPresent() && !oldest.equals(primary)) {
      surroundings.events().primaryMoved(oldest.get());
    }
    primary = oldest.or(() -> primary);
  }

  /** The members as this node sees them. */
  static java.util.List<NodeAnswer.Seen> seen(Cluster cluster) {
    java.util.Set<Member> unreachable = cluster.state().getUnreachable();
    return StreamSupport.stream(cluster.state().getMembers().spliterator(), false)
        .filter(member -> member.status() == MemberStatus.up())
        .map(member -> new NodeAnswer.Seen(
            MemberNames.name(member), MemberNames.address(member), !unreachable.contains(member)))
        .toList();
  }
}
