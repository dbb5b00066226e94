package io.flotilla.config.cluster;

import java.time.Duration;
import org.apache.pekko.actor.typed.ActorRef;
import org.apache.pekko.actor.typed.Behavior;
import org.apache.pekko.actor.typed.javadsl.Behaviors;
import org.apache.pekko.actor.typed.pubsub.Topic;

/**
 * Publishes the primary's head at an interval. It is an actor of its own, because the primary is silent while the journal
 * takes a change, which for a large one lasts longer than a node waits before it counts as isolated. A primary that is stuck
 * must not be announced for ever: without a word from it for {@value #MOST_SILENCE_SECONDS} s nothing is published.
 */
final class HeadAnnouncer {
  static final int MOST_SILENCE_SECONDS = 60;

  sealed interface Command {}

  /** What the primary's head is now. */
  record Head(long epoch, long version, String digest) implements Command {}

  private record Tick() implements Command {}

  private HeadAnnouncer() {}

  static Behavior<Command> create(
      Head first, Duration interval, ActorRef<Topic.Command<ConfigAnnouncement>> topic) {
    return Behaviors.setup(context -> Behaviors.withTimers(timers -> {
      timers.startTimerAtFixedRate(new Tick(), Duration.ZERO, interval);
      return announcing(first, System.nanoTime(), topic);
    }));
  }

  private static Behavior<Command> announcing(
      Head head, long heardNanos, ActorRef<Topic.Command<ConfigAnnouncement>> topic) {
    return Behaviors.receiveMessage(command -> switch (command) {
      case Head next -> announcing(next, System.nanoTime(), topic);
      case Tick tick -> {
        if (System.nanoTime() - heardNanos < Duration.ofSeconds(MOST_SILENCE_SECONDS).toNanos()) {
          topic.tell(Topic.publish(new ConfigAnnouncement.HeadAnnounced(head.epoch(), head.version(), head.digest())));
        }
        yield Behaviors.same();
      }
    });
  }
}
