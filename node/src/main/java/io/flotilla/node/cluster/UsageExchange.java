package io.flotilla.node.cluster;

import io.flotilla.config.event.CborSerializable;
import io.flotilla.vfs.UsageNews;
import io.flotilla.vfs.UserHomes;
import java.time.Duration;
import org.apache.pekko.actor.typed.ActorRef;
import org.apache.pekko.actor.typed.Behavior;
import org.apache.pekko.actor.typed.javadsl.Behaviors;
import org.apache.pekko.actor.typed.pubsub.Topic;

/**
 * Tells the other nodes once a second what this one's sessions have changed in homes with quotas on shared storages, and has
 * counted what others tell. It is soft state: what is lost on the way a scan finds.
 */
final class UsageExchange {

  sealed interface Command permits UsageAnnounced, Tick {}

  record UsageAnnounced(String node, UsageNews news) implements Command, CborSerializable {}

  private record Tick() implements Command {}

  static final String NAME = "usage-exchange";
  private static final Duration INTERVAL = Duration.ofSeconds(1);

  private UsageExchange() {}

  /** @param node this one's name */
  static Behavior<Command> create(String node, UserHomes homes) {
    return Behaviors.setup(context -> Behaviors.withTimers(timers -> {
      ActorRef<Topic.Command<UsageAnnounced>> topic =
          context.spawn(Topic.create(UsageAnnounced.class, "quota-usage"), "topic");
      topic.tell(Topic.subscribe(context.getSelf().narrow()));
      timers.startTimerWithFixedDelay(new Tick(), INTERVAL);
      return Behaviors.receive(Command.class)
          .onMessage(Tick.class, tick -> {
            UsageNews news = homes.usageNews();
            if (!news.isEmpty()) {
              topic.tell(Topic.publish(new UsageAnnounced(node, news)));
            }
            return Behaviors.same();
          })
          .onMessage(UsageAnnounced.class, announced -> {
            if (!announced.node().equals(node)) {
              homes.heard(announced.node(), announced.news());
            }
            return Behaviors.same();
          })
          .build();
    }));
  }
}
