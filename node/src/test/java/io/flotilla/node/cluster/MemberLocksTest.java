package io.flotilla.node.cluster;

import static org.awaitility.Awaitility.await;

import com.typesafe.config.ConfigFactory;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.apache.pekko.actor.typed.ActorSystem;
import org.apache.pekko.actor.typed.javadsl.Behaviors;
import org.apache.pekko.cluster.Member;
import org.apache.pekko.cluster.typed.Cluster;
import org.apache.pekko.cluster.typed.Join;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(120)
class MemberLocksTest {

  private static ActorSystem<Void> start() {
    return ActorSystem.create(Behaviors.ignore(), "locks", ConfigFactory.parseMap(Map.of(
        "pekko.actor.provider", "cluster",
        "pekko.remote.artery.canonical.hostname", "127.0.0.1",
        "pekko.remote.artery.canonical.port", 0,
        "pekko.coordinated-shutdown.run-by-actor-system-terminate", "off",
        "pekko.coordinated-shutdown.exit-jvm", "off")).withFallback(ConfigFactory.load("local")));
  }

  /** Its timers throw then; who gives a lock back shall not. */
  @Test
  void whenTheActorSystemEndsMeanwhile_nobodyIsTold() throws Exception {
    ActorSystem<Void> own = start();
    ActorSystem<Void> other = start();
    try {
      Join join = Join.create(Cluster.get(own).selfMember().address());
      Cluster.get(own).manager().tell(join);
      Cluster.get(other).manager().tell(join);
      await().atMost(60, TimeUnit.SECONDS).until(() -> MemberLocks.others(own).size() == 1);
      List<Member> others = MemberLocks.others(own);
      own.terminate();
      own.getWhenTerminated().toCompletableFuture().get(30, TimeUnit.SECONDS);

      MemberLocks.tell(own, others, replyTo -> new LockDesk.LocksGone(List.of("token"), replyTo));
    } finally {
      own.terminate();
      other.terminate();
      other.getWhenTerminated().toCompletableFuture().get(30, TimeUnit.SECONDS);
    }
  }
}
