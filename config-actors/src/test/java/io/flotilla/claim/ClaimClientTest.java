package io.flotilla.claim;

import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;

import com.typesafe.config.ConfigFactory;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.TimeUnit;
import org.apache.pekko.actor.typed.ActorRef;
import org.apache.pekko.actor.typed.ActorRefResolver;
import org.apache.pekko.actor.typed.ActorSystem;
import org.apache.pekko.actor.typed.javadsl.Behaviors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class ClaimClientTest {
  private static final Duration PATIENCE = Duration.ofSeconds(1);

  /** Its extensions and timers throw then, so nothing else may. */
  @Test
  void whenTheActorSystemHasJustEnded_callsFail() throws Exception {
    ActorSystem<Void> system = ActorSystem.create(Behaviors.ignore(), "claims", ConfigFactory.parseMap(Map.of(
        "pekko.actor.provider", "cluster",
        "pekko.remote.artery.canonical.hostname", "127.0.0.1",
        "pekko.remote.artery.canonical.port", 0,
        "pekko.coordinated-shutdown.exit-jvm", "off")).withFallback(ConfigFactory.load()));
    ActorRef<ClaimKeeper.Command> keeper = ActorRefResolver.get(system).resolveActorRef("pekko://claims@127.0.0.1:1/user/keeper");
    ClaimClient client = new ClaimClient();
    client.attach(system, keeper);
    system.terminate();
    system.getWhenTerminated().toCompletableFuture().get(30, TimeUnit.SECONDS);

    CompletionStage<ClaimKeeper.Reply> released = client.release("upload/1", 1, PATIENCE);

    CompletionException failure = assertThrows(CompletionException.class, () -> released.toCompletableFuture().join());
    assertInstanceOf(ClaimClient.KeeperUnavailableException.class, failure.getCause());
  }
}
