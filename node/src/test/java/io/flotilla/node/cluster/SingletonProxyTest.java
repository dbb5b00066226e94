package io.flotilla.node.cluster;

import static org.junit.jupiter.api.Assertions.assertEquals;

import com.typesafe.config.ConfigFactory;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.apache.pekko.actor.ActorIdentity;
import org.apache.pekko.actor.Identify;
import org.apache.pekko.actor.testkit.typed.javadsl.ActorTestKit;
import org.apache.pekko.actor.testkit.typed.javadsl.TestProbe;
import org.apache.pekko.actor.typed.ActorRef;
import org.apache.pekko.actor.typed.Behavior;
import org.apache.pekko.actor.typed.javadsl.Adapter;
import org.apache.pekko.actor.typed.javadsl.Behaviors;
import org.apache.pekko.cluster.typed.Cluster;
import org.apache.pekko.cluster.typed.ClusterSingleton;
import org.apache.pekko.cluster.typed.ClusterSingletonSettings;
import org.apache.pekko.cluster.typed.Join;
import org.apache.pekko.cluster.typed.SingletonActor;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import scala.Option;

/** In a cluster of one. */
@Timeout(60)
class SingletonProxyTest {
  private static final Duration SOON = Duration.ofSeconds(20);

  private final AtomicLong nanos = new AtomicLong();
  private ActorTestKit kit;
  private TestProbe<String> singleton;
  private ActorRef<String> proxy;

  @BeforeEach
  void start() throws Exception {
    kit = ActorTestKit.create("singletons", ConfigFactory.parseString("""
        pekko.actor.provider = cluster
        pekko.remote.artery.canonical { hostname = 127.0.0.1, port = 0 }
        pekko.cluster.roles = [primary]
        pekko.cluster.jmx.multi-mbeans-in-same-jvm = on
        pekko.coordinated-shutdown.run-by-jvm-shutdown-hook = off
        """).withFallback(ConfigFactory.load("cluster")));
    singleton = kit.createTestProbe();
    CompletableFuture<ActorRef<String>> started = new CompletableFuture<>();
    kit.spawn(Behaviors.<Void>setup(context -> {
      started.complete(SingletonProxy.start(context, "one", "primary", nanos::get));
      return Behaviors.empty();
    }));
    proxy = started.get(20, TimeUnit.SECONDS);
  }

  @AfterEach
  void stop() {
    kit.shutdownTestKit();
  }

  private void form() {
    Behavior<String> behavior = Behaviors.receiveMessage(message -> {
      singleton.ref().tell(message);
      return message.equals("end") ? Behaviors.stopped() : Behaviors.same();
    });
    ClusterSingleton.get(kit.system()).init(SingletonActor.of(behavior, "one")
        .withSettings(ClusterSingletonSettings.create(kit.system()).withRole("primary")));
    Cluster cluster = Cluster.get(kit.system());
    cluster.manager().tell(Join.create(cluster.selfMember().address()));
  }

  @Test
  void messages_waitUntilTheSingletonIsThere_andReachItInOrder() {
    for (int i = 0; i <= SingletonProxy.MAX_WAITING; i++) {
      proxy.tell("message " + i);
    }
    form();

    for (int i = 1; i <= SingletonProxy.MAX_WAITING; i++) {
      assertEquals("message " + i, singleton.receiveMessage(SOON));
    }
    proxy.tell("last");
    assertEquals("last", singleton.receiveMessage(SOON));
  }

  @Test
  void messagesThatWaitedTooLong_areDropped() {
    proxy.tell("given up");
    // Answered in order, so after the message was taken in.
    TestProbe<Object> taken = kit.createTestProbe();
    Adapter.toClassic(proxy).tell(new Identify("taken"), Adapter.toClassic(taken.ref()));
    taken.receiveMessage(SOON);
    nanos.addAndGet(SingletonProxy.LONGEST_WAIT.toNanos() + 1);
    proxy.tell("in time");
    form();

    assertEquals("in time", singleton.receiveMessage(SOON));
  }

  @Test
  void answerToAFormerQuestion_isIgnored_whetherTheSingletonIsKnownOrNot() {
    TestProbe<String> deposed = kit.createTestProbe();
    answerLate(deposed);
    proxy.tell("one");
    form();
    assertEquals("one", singleton.receiveMessage(SOON));

    answerLate(deposed);
    proxy.tell("two");

    assertEquals("two", singleton.receiveMessage(SOON));
  }

  /** As a node that was frozen and wakes, about a singleton that is about to end. */
  private void answerLate(TestProbe<String> deposed) {
    Adapter.toClassic(proxy).tell(new ActorIdentity("one-before", Option.apply(Adapter.toClassic(deposed.ref()))),
        org.apache.pekko.actor.ActorRef.noSender());
  }
}
