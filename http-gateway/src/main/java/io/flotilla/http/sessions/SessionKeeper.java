package io.flotilla.http.sessions;

import java.time.Duration;
import org.apache.pekko.actor.typed.Behavior;
import org.apache.pekko.actor.typed.javadsl.Behaviors;

/** Gives sessions their actors, and forgets those whose time is over. */
final class SessionKeeper {

  sealed interface Command {}

  /** A session has come to this node. */
  record Keep(KnownSession session) implements Command {}

  private record Sweep() implements Command {}

  private static final Duration SWEEP_INTERVAL = Duration.ofSeconds(30);

  private SessionKeeper() {}

  static Behavior<Command> create(HttpSessions sessions) {
    return Behaviors.withTimers(timers -> {
      timers.startTimerWithFixedDelay(new Sweep(), SWEEP_INTERVAL);
      return Behaviors.setup(context -> Behaviors.receive(Command.class)
          .onMessage(Keep.class, keep -> {
            context.spawnAnonymous(HttpSession.create(keep.session(), sessions));
            return Behaviors.same();
          })
          .onMessage(Sweep.class, _ -> {
            sessions.sweep();
            return Behaviors.same();
          })
          .build());
    });
  }
}
