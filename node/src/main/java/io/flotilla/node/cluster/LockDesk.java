package io.flotilla.node.cluster;

import io.flotilla.claim.ClaimClient;
import io.flotilla.claim.ClaimKeeper;
import io.flotilla.claim.event.Claim;
import io.flotilla.config.event.CborSerializable;
import io.flotilla.http.dav.Lock;
import io.flotilla.http.dav.Locks;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.apache.pekko.actor.typed.ActorRef;
import org.apache.pekko.actor.typed.ActorRefResolver;
import org.apache.pekko.actor.typed.ActorSystem;
import org.apache.pekko.actor.typed.Behavior;
import org.apache.pekko.actor.typed.javadsl.ActorContext;
import org.apache.pekko.actor.typed.javadsl.Behaviors;
import org.apache.pekko.actor.typed.javadsl.TimerScheduler;
import org.apache.pekko.cluster.Member;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Hears of the locks that other nodes grant and end, and reads all that the keeper of the claims has, first when the control plane starts
 * and then every so often, so that what was not heard is known soon. Claims whose locks are gone are released there.
 */
final class LockDesk {
  private static final Logger log = LoggerFactory.getLogger(LockDesk.class);

  sealed interface Command permits LockHolds, LocksGone, Tick, Page, Silence {}

  /** A lock was granted or refreshed, for {@code claim.milliseconds()} from now. */
  record LockHolds(Claim claim, ActorRef<Heard> replyTo) implements Command, CborSerializable {}

  record LocksGone(List<String> tokens, ActorRef<Heard> replyTo) implements Command, CborSerializable {}

  record Heard() implements CborSerializable {}

  private record Tick() implements Command {}

  private record Page(ClaimKeeper.Found found) implements Command {}

  private record Silence(String why) implements Command {}

  static final String NAME = "lock-desk";
  private static final Duration INTERVAL = Duration.ofSeconds(15);
  /** Until the keeper answers for the first time, and after it did not. */
  private static final Duration SOON = Duration.ofSeconds(1);
  private static final Duration PATIENCE = Duration.ofSeconds(5);
  private static final int MAX_RELEASED = 100;

  private final ActorContext<Command> context;
  private final TimerScheduler<Command> timers;
  private final Locks locks;
  private final ClaimClient claims;
  private Map<Claim, Long> read = new LinkedHashMap<>();
  private long readSince;

  private LockDesk(ActorContext<Command> context, TimerScheduler<Command> timers, Locks locks, ClaimClient claims) {
    this.context = context;
    this.timers = timers;
    this.locks = locks;
    this.claims = claims;
  }

  static Behavior<Command> create(Locks locks, ClaimClient claims) {
    return Behaviors.setup(context -> Behaviors.withTimers(timers -> new LockDesk(context, timers, locks, claims).start()));
  }

  /** The desk of a member. */
  static ActorRef<Command> at(ActorSystem<?> system, Member member) {
    return ActorRefResolver.get(system).resolveActorRef(member.address() + "/user/" + NAME);
  }

  private Behavior<Command> start() {
    context.getSelf().tell(new Tick());
    return Behaviors.receive(Command.class)
        .onMessage(LockHolds.class, this::onHolds)
        .onMessage(LocksGone.class, this::onGone)
        .onMessage(Tick.class, _ -> onTick())
        .onMessage(Page.class, this::onPage)
        .onMessage(Silence.class, this::onSilence)
        .build();
  }

  private Behavior<Command> onHolds(LockHolds told) {
    Lock.of(told.claim()).ifPresent(lock -> locks.holds(lock, Duration.ofMillis(lock.milliseconds())));
    told.replyTo().tell(new Heard());
    return Behaviors.same();
  }

  private Behavior<Command> onGone(LocksGone told) {
    locks.gone(told.tokens());
    told.replyTo().tell(new Heard());
    return Behaviors.same();
  }

  private Behavior<Command> onTick() {
    read = new LinkedHashMap<>();
    readSince = locks.now();
    askAfter("");
    return Behaviors.same();
  }

  private void askAfter(String key) {
    context.pipeToSelf(claims.find(Lock.KEYS, key, ClaimKeeper.MAX_LISTED, PATIENCE),
        (found, failure) -> failure == null ? new Page(found) : new Silence(failure.getMessage()));
  }

  private Behavior<Command> onPage(Page page) {
    List<Claim> found = page.found().claims();
    for (int i = 0; i < found.size(); i++) {
      read.put(found.get(i), page.found().remainingMilliseconds().get(i));
    }
    if (page.found().more() || found.size() == ClaimKeeper.MAX_LISTED) {
      askAfter(found.getLast().key());
      return Behaviors.same();
    }
    locks.read(readSince, read).stream().limit(MAX_RELEASED).forEach(claim -> {
      log.debug("The claim {} is released, since its lock is gone", claim.key());
      claims.release(claim.key(), claim.number(), PATIENCE);
    });
    read = new LinkedHashMap<>();
    timers.startSingleTimer(new Tick(), INTERVAL);
    return Behaviors.same();
  }

  private Behavior<Command> onSilence(Silence silence) {
    log.debug("The locks could not be read: {}", silence.why());
    timers.startSingleTimer(new Tick(), SOON);
    return Behaviors.same();
  }
}
