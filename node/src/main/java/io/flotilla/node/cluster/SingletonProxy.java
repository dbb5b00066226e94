package io.flotilla.node.cluster;

import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Queue;
import java.util.function.LongSupplier;
import org.apache.pekko.actor.AbstractActorWithTimers;
import org.apache.pekko.actor.ActorIdentity;
import org.apache.pekko.actor.ActorRef;
import org.apache.pekko.actor.Identify;
import org.apache.pekko.actor.Props;
import org.apache.pekko.actor.Terminated;
import org.apache.pekko.actor.typed.javadsl.Adapter;
import org.apache.pekko.cluster.Cluster;
import org.apache.pekko.cluster.ClusterEvent;
import org.apache.pekko.cluster.Member;

/**
 * The way to a cluster singleton, on every node. The oldest member of its role is asked who the singleton is, again and
 * again until it is known, and whenever that member changes. Messages wait meanwhile, up to a number and a time: beyond these the oldest
 * are dropped, since who sent them has given up, and must not be surprised by a change that is made much later.
 *
 * <p>Pekko's own proxy takes any answer, also one to a former question: when a node that was frozen wakes after it was replaced,
 * its late answer makes the proxy take a singleton that is about to end, and it asks nobody again. Here an answer counts only if it
 * is to the present question, and a singleton that has ended is asked for again.
 */
final class SingletonProxy extends AbstractActorWithTimers {
  static final int MAX_WAITING = 1_000;
  /** As long as an administrator's request waits for its answer if it does not say otherwise. */
  static final Duration LONGEST_WAIT = Duration.ofSeconds(30);
  /** A hand-over takes less than a second, and nothing is changed before the new singleton is known. */
  private static final Duration INTERVAL = Duration.ofMillis(200);

  private static final String DISPATCHER = "pekko.actor.internal-dispatcher";

  private enum Tick { ASK }

  private record Waiting(Object message, long sinceNanos) {}

  private final String name;
  private final String role;
  private final LongSupplier nanoTime;
  private final List<Member> members = new ArrayList<>();
  private final Queue<Waiting> waiting = new ArrayDeque<>();
  private Optional<ActorRef> singleton = Optional.empty();
  private long question;

  private SingletonProxy(String name, String role, LongSupplier nanoTime) {
    this.name = name;
    this.role = role;
    this.nanoTime = nanoTime;
  }

  /**
   * @param name of a singleton that Pekko's {@code ClusterSingleton} starts on the nodes of a role
   * @param nanoTime a monotonic clock
   */
  static <C> org.apache.pekko.actor.typed.ActorRef<C> start(
      org.apache.pekko.actor.typed.javadsl.ActorContext<?> context, String name, String role, LongSupplier nanoTime) {
    return Adapter.toTyped(Adapter.actorOf(context, Props.create(SingletonProxy.class, () -> new SingletonProxy(name, role, nanoTime))
        .withDispatcher(DISPATCHER), name + "-proxy"));
  }

  @Override
  public void preStart() {
    Cluster.get(getContext().getSystem()).subscribe(
        getSelf(), ClusterEvent.initialStateAsEvents(), ClusterEvent.MemberEvent.class);
    getTimers().startTimerWithFixedDelay(Tick.ASK, Tick.ASK, INTERVAL);
  }

  @Override
  public void postStop() {
    Cluster.get(getContext().getSystem()).unsubscribe(getSelf());
  }

  @Override
  public Receive createReceive() {
    return receiveBuilder()
        .match(ClusterEvent.MemberUp.class, up -> onMember(up.member(), true))
        .match(ClusterEvent.MemberExited.class, exited -> onMember(exited.member(), false))
        .match(ClusterEvent.MemberRemoved.class, removed -> onMember(removed.member(), false))
        .match(ClusterEvent.MemberEvent.class, other -> { })
        .match(ActorIdentity.class, this::onIdentity)
        .match(Terminated.class, this::onTerminated)
        .matchEquals(Tick.ASK, tick -> {
          dropExpired();
          if (singleton.isEmpty()) {
            ask();
          }
        })
        .matchAny(this::pass)
        .build();
  }

  private Optional<Member> oldest() {
    return members.stream().min(Member.ageOrdering());
  }

  private void onMember(Member member, boolean there) {
    if (!member.hasRole(role)) {
      return;
    }
    Optional<Member> before = oldest();
    members.removeIf(one -> one.uniqueAddress().equals(member.uniqueAddress()));
    if (there) {
      members.add(member);
    }
    if (!before.equals(oldest())) {
      singleton.ifPresent(former -> getContext().unwatch(former));
      singleton = Optional.empty();
      question++;
      ask();
    }
  }

  private String id() {
    return name + "-" + question;
  }

  private void ask() {
    oldest().ifPresent(member -> getContext()
        .actorSelection(member.address() + "/system/singletonManager" + name + "/" + name).tell(new Identify(id()), getSelf()));
  }

  private void onIdentity(ActorIdentity identity) {
    if (!identity.correlationId().equals(id()) || singleton.isPresent()) {
      return;
    }
    singleton = identity.getActorRef();
    singleton.ifPresent(found -> {
      getContext().watch(found);
      dropExpired();
      waiting.forEach(one -> found.tell(one.message(), ActorRef.noSender()));
      waiting.clear();
    });
  }

  private void onTerminated(Terminated terminated) {
    singleton = singleton.filter(present -> !present.equals(terminated.actor()));
  }

  private void pass(Object message) {
    if (singleton.isPresent()) {
      singleton.get().tell(message, ActorRef.noSender());
      return;
    }
    if (waiting.size() == MAX_WAITING) {
      waiting.remove();
    }
    waiting.add(new Waiting(message, nanoTime.getAsLong()));
  }

  private void dropExpired() {
    while (!waiting.isEmpty() && nanoTime.getAsLong() - waiting.peek().sinceNanos() > LONGEST_WAIT.toNanos()) {
      waiting.remove();
    }
  }
}
