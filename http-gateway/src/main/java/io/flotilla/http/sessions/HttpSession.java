package io.flotilla.http.sessions;

import java.time.Duration;
import org.apache.pekko.actor.typed.Behavior;
import org.apache.pekko.actor.typed.PostStop;
import org.apache.pekko.actor.typed.javadsl.ActorContext;
import org.apache.pekko.actor.typed.javadsl.Behaviors;
import org.apache.pekko.actor.typed.javadsl.TimerScheduler;

/**
 * One HTTP session on one node: tells the others that it is used, sparingly, and ends what still uses it when its time is over. It lives
 * on the node where the session began, and on every other one that serves it, until the session ends or is idle there.
 */
final class HttpSession {

  sealed interface Command {}

  /** It is used. */
  record Used() implements Command {}

  /** It has ended, as everybody knows. */
  record Ended() implements Command {}

  /** It is time to look at it. */
  private record Look() implements Command {}

  private final TimerScheduler<Command> timers;
  private final KnownSession session;
  private final HttpSessions sessions;

  static Behavior<Command> create(KnownSession session, HttpSessions sessions) {
    return Behaviors.setup(context -> Behaviors.withTimers(timers -> new HttpSession(context, timers, session, sessions).start()));
  }

  private HttpSession(ActorContext<Command> context, TimerScheduler<Command> timers, KnownSession session, HttpSessions sessions) {
    this.timers = timers;
    this.session = session;
    this.sessions = sessions;
    session.adopted(context.getSelf()::tell);
  }

  private Behavior<Command> start() {
    if (session.record().ended()) {
      session.abandoned();
      return Behaviors.stopped(); // it did before this actor could be told
    }
    if (session.isUntold(sessions.useInterval())) {
      sessions.tellUse(session); // the use that brought it here came before this actor
    }
    lookLater();
    return Behaviors.receive(Command.class)
        .onMessage(Used.class, _ -> onUsed())
        .onMessage(Look.class, _ -> onLook())
        .onMessage(Ended.class, _ -> Behaviors.stopped())
        .onSignal(PostStop.class, _ -> {
          session.abandoned();
          return Behaviors.same();
        })
        .build();
  }

  private Behavior<Command> onUsed() {
    if (session.isUntold(sessions.useInterval())) {
      sessions.tellUse(session);
    }
    return Behaviors.same();
  }

  private Behavior<Command> onLook() {
    if (sessions.isAlive(session)) {
      if (session.isServing()) {
        session.use();
        sessions.tellUse(session); // a download may take longer than the others would wait for a sign of life
      }
      lookLater();
      return Behaviors.same();
    }
    sessions.expired(session);
    return Behaviors.stopped();
  }

  private void lookLater() {
    Duration untilIdle = session.isServing() ? sessions.useInterval() : sessions.idleTimeout().minus(session.unusedFor());
    Duration untilEnd = Duration.ofMillis(session.record().expires() - sessions.now());
    Duration next = untilIdle.compareTo(untilEnd) < 0 ? untilIdle : untilEnd;
    timers.startSingleTimer(new Look(), next.isPositive() ? next.plusMillis(1) : Duration.ofMillis(1));
  }
}
