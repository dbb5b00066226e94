package io.flotilla.node.cluster;

import io.flotilla.config.cluster.ClusterStatus;
import io.flotilla.config.cluster.ConfigClient;
import io.flotilla.config.cluster.MemberNames;
import io.flotilla.config.event.CborSerializable;
import io.flotilla.config.model.Policy;
import io.flotilla.config.view.NodeIdentity;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.List;
import java.util.Optional;
import java.util.Queue;
import java.util.Set;
import java.util.function.Consumer;
import java.util.function.Supplier;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import org.apache.pekko.actor.typed.ActorRef;
import org.apache.pekko.actor.typed.ActorRefResolver;
import org.apache.pekko.actor.typed.ActorSystem;
import org.apache.pekko.actor.typed.Behavior;
import org.apache.pekko.actor.typed.javadsl.ActorContext;
import org.apache.pekko.actor.typed.javadsl.Behaviors;
import org.apache.pekko.actor.typed.javadsl.TimerScheduler;
import org.apache.pekko.cluster.Member;
import org.apache.pekko.cluster.MemberStatus;
import org.apache.pekko.cluster.UniqueAddress;
import org.apache.pekko.cluster.typed.Cluster;

/**
 * Moves the role of the primary on request. The primary is the singleton on the oldest node of that role, so the nodes that
 * are older than the designated one leave and join again, one after another, the present primary last; only control planes do,
 * no transfer is touched. The node that is primary drives this, since it is the last to go; should it die on the way, the
 * fail-over does the rest. It also gives the role back to the preferred node when that has returned and all is converged,
 * unless an admin has named the present one since.
 */
final class NodeControl {

  sealed interface Command permits DesignatePrimary, HandOver, Rejoin, HoldPrimary, StatusArrived, Tick {}

  /** To the present primary's node. */
  record DesignatePrimary(String node, ActorRef<DesignateReply> replyTo) implements Command, CborSerializable {}

  /** To this node, which is to be without the role for a while: another one gets it, but not as an admin's wish that outlasts that. */
  record HandOver(Set<String> unfit, ActorRef<DesignateReply> replyTo) implements Command {}

  /** Asks a node to leave the cluster and to join it again as its youngest member. */
  record Rejoin(String why) implements Command, CborSerializable {}

  /** Tells a node that an admin wants it to be the primary, whatever is preferred. */
  record HoldPrimary() implements Command, CborSerializable {}

  private record StatusArrived(Optional<ClusterStatus> status) implements Command {}

  private record Tick() implements Command {}

  sealed interface DesignateReply extends CborSerializable {}

  record Designated(String node) implements DesignateReply {}

  record Refused(String reason) implements DesignateReply {}

  static final String NAME = "node-control";
  private static final Duration TICK = Duration.ofSeconds(1);
  private static final Duration TICK_DURING_HAND_OVER = Duration.ofMillis(100);
  private static final Duration STATUS_TIMEOUT = Duration.ofSeconds(2);
  private static final long REJOIN_PATIENCE_NANOS = 30_000_000_000L;
  /** How long everything must be converged before the preferred node takes its role back. */
  private static final long PREFERENCE_DELAY_NANOS = 30_000_000_000L;

  private record Waiting(Member former, long deadlineNanos) {}

  private final ActorContext<Command> context;
  private final TimerScheduler<Command> timers;
  private final Cluster cluster;
  private final ConfigClient client;
  private final Supplier<Policy.Primary> policy;
  private final Consumer<String> rejoin;
  private final Queue<Member> toRejoin = new ArrayDeque<>();
  private Optional<String> designated = Optional.empty();
  private Optional<Waiting> waiting = Optional.empty();
  private boolean held;
  private long convergedSinceNanos;

  /** @param rejoin makes this node's control plane leave and join again; is given the reason and returns at once */
  static Behavior<Command> create(ConfigClient client, Supplier<Policy.Primary> policy, Consumer<String> rejoin) {
    return Behaviors.setup(context -> Behaviors.withTimers(timers -> {
      timers.startSingleTimer(new Tick(), TICK);
      return new NodeControl(context, timers, client, policy, rejoin).running();
    }));
  }

  private NodeControl(ActorContext<Command> context, TimerScheduler<Command> timers, ConfigClient client,
      Supplier<Policy.Primary> policy, Consumer<String> rejoin) {
    this.context = context;
    this.timers = timers;
    this.cluster = Cluster.get(context.getSystem());
    this.client = client;
    this.policy = policy;
    this.rejoin = rejoin;
  }

  /** The actor of a member. */
  static ActorRef<Command> at(ActorSystem<?> system, Member member) {
    return ActorRefResolver.get(system).resolveActorRef(member.address() + "/user/" + NAME);
  }

  /** The member that is the primary now, if there is one. */
  static Optional<Member> primary(Cluster cluster) {
    return candidates(cluster).reduce((one, other) -> one.isOlderThan(other) ? one : other);
  }

  static boolean isPrimary(Cluster cluster) {
    return primary(cluster).filter(member -> member.uniqueAddress().equals(cluster.selfMember().uniqueAddress())).isPresent();
  }

  /** Whether a member that has a vote about the journal is not reached. */
  static boolean missesVoter(Cluster cluster) {
    return cluster.state().getUnreachable().stream().anyMatch(member -> member.hasRole(NodeIdentity.VOTER));
  }

  private static Stream<Member> candidates(Cluster cluster) {
    return StreamSupport.stream(cluster.state().getMembers().spliterator(), false)
        .filter(member -> member.status() == MemberStatus.up() && member.hasRole(NodeIdentity.PRIMARY));
  }

  private Behavior<Command> running() {
    return Behaviors.receiveMessage(command -> {
      switch (command) {
        case DesignatePrimary designate -> designate.replyTo().tell(designate(designate.node(), true));
        case HandOver handOver -> handOver.replyTo().tell(handOver(handOver.unfit()));
        case Rejoin wanted -> rejoin.accept(wanted.why());
        case HoldPrimary hold -> held = true;
        case StatusArrived arrived -> onStatus(arrived.status());
        case Tick tick -> onTick();
      }
      return Behaviors.same();
    });
  }

  private DesignateReply designate(String node, boolean byAdmin) {
    Member self = cluster.selfMember();
    Optional<Member> primary = primary(cluster);
    if (primary.isEmpty() || !primary.get().uniqueAddress().equals(self.uniqueAddress())) {
      return new Refused("the primary has just moved; try again");
    }
    if (designated.isPresent() && !designated.get().equals(node)) {
      return new Refused("the role is on its way to " + designated.get() + " already");
    }
    Optional<Member> target = candidates(cluster)
        .filter(member -> MemberNames.name(member).equals(node) && !cluster.state().getUnreachable().contains(member)).findFirst();
    if (target.isEmpty()) {
      return new Refused(node + " is no reachable member with the role primary; those are " + String.join(", ",
          candidates(cluster).map(MemberNames::name).sorted().toList()));
    }
    if (byAdmin) {
      at(context.getSystem(), target.get()).tell(new HoldPrimary());
    }
    if (designated.isEmpty() && !target.get().uniqueAddress().equals(self.uniqueAddress())) {
      designated = Optional.of(node);
      candidates(cluster)
          .filter(member -> member.isOlderThan(target.get()) && !member.uniqueAddress().equals(self.uniqueAddress()))
          .forEach(toRejoin::add);
      rejoinNext();
    }
    return new Designated(node);
  }

  /** To the oldest that can have it, since only those before it have to go and come back; to this node itself if no other can. */
  private DesignateReply handOver(Set<String> unfit) {
    return candidates(cluster)
        .filter(member -> !member.uniqueAddress().equals(cluster.selfMember().uniqueAddress())
            && !cluster.state().getUnreachable().contains(member) && !unfit.contains(MemberNames.name(member)))
        .min((one, other) -> one.isOlderThan(other) ? -1 : 1)
        .map(heir -> designate(MemberNames.name(heir), false))
        .orElseGet(() -> new Designated(MemberNames.name(cluster.selfMember())));
  }

  private void rejoinNext() {
    String why = designated.orElseThrow() + " is to be the primary";
    Member next = toRejoin.poll();
    if (next == null) {
      rejoin.accept(why);
    } else {
      waiting = Optional.of(new Waiting(next, System.nanoTime() + REJOIN_PATIENCE_NANOS));
      at(context.getSystem(), next).tell(new Rejoin(why));
      timers.startSingleTimer(new Tick(), TICK_DURING_HAND_OVER);
    }
  }

  private void onTick() {
    if (waiting.isPresent() && (isBack(waiting.get().former()) || System.nanoTime() > waiting.get().deadlineNanos())) {
      waiting = Optional.empty();
      rejoinNext();
    }
    if (designated.isEmpty()) {
      considerPreference();
    }
    timers.startSingleTimer(new Tick(), waiting.isPresent() ? TICK_DURING_HAND_OVER : TICK);
  }

  /** Whether a member went and came back as another incarnation. */
  private boolean isBack(Member former) {
    List<UniqueAddress> up = StreamSupport.stream(cluster.state().getMembers().spliterator(), false)
        .filter(member -> MemberNames.name(member).equals(MemberNames.name(former)))
        .filter(member -> member.status() == MemberStatus.up()).map(Member::uniqueAddress).toList();
    return !up.isEmpty() && !up.contains(former.uniqueAddress());
  }

  private void considerPreference() {
    String self = MemberNames.name(cluster.selfMember());
    boolean wanted = !held && policy.get().preferred().filter(node -> !node.equals(self)).isPresent()
        && primary(cluster).filter(member -> member.uniqueAddress().equals(cluster.selfMember().uniqueAddress())).isPresent();
    if (wanted) {
      context.pipeToSelf(client.clusterStatus(STATUS_TIMEOUT),
          (status, failure) -> new StatusArrived(Optional.ofNullable(status)));
    } else {
      convergedSinceNanos = 0;
    }
  }

  private void onStatus(Optional<ClusterStatus> status) {
    Optional<String> preferred = policy.get().preferred();
    boolean converged = status.isPresent() && preferred.isPresent()
        && status.get().members().stream().allMatch(member -> member.state().equals("converged"))
        && status.get().members().stream().anyMatch(member -> member.name().equals(preferred.get()));
    long now = System.nanoTime();
    if (!converged) {
      convergedSinceNanos = 0;
    } else if (convergedSinceNanos == 0) {
      convergedSinceNanos = now;
    } else if (now - convergedSinceNanos > PREFERENCE_DELAY_NANOS && designated.isEmpty() && !held) {
      context.getLog().info("The preferred primary {} is back and all nodes are converged; it takes the role", preferred.get());
      if (designate(preferred.get(), false) instanceof Refused refused) {
        context.getLog().warn("The preferred primary {} cannot take the role: {}", preferred.get(), refused.reason());
        convergedSinceNanos = 0;
      }
    }
  }
}
