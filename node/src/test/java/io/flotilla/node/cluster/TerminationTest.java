package io.flotilla.node.cluster;

import static org.junit.jupiter.api.Assertions.assertTrue;

import com.typesafe.config.ConfigFactory;
import java.time.Duration;
import java.util.concurrent.CompletionStage;
import org.apache.pekko.Done;
import org.apache.pekko.actor.CoordinatedShutdown;
import org.apache.pekko.actor.typed.ActorSystem;
import org.apache.pekko.actor.typed.javadsl.Behaviors;
import org.apache.pekko.stream.javadsl.Sink;
import org.apache.pekko.stream.javadsl.Source;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class TerminationTest {

  /** As Pekko's remoting does, the system waits for a stream, and the stream for nobody. */
  @Test
  void systemThatWaitsForAStreamWithoutEnd_endsAllTheSame() {
    ActorSystem<Void> system = ActorSystem.create(Behaviors.empty(), "stalled", ConfigFactory.parseString("""
        pekko.coordinated-shutdown.phases.before-actor-system-terminate { timeout = 1h, recover = on }
        """).withFallback(ConfigFactory.load("local")));
    CompletionStage<Done> stream = Source.<Integer>never().runWith(Sink.ignore(), system);
    CoordinatedShutdown.get(system).addTask(CoordinatedShutdown.PhaseBeforeActorSystemTerminate(), "wait",
        () -> stream.exceptionally(stopped -> Done.getInstance()));

    new Termination(system, Duration.ofMillis(200)).await(() -> false);

    assertTrue(system.getWhenTerminated().toCompletableFuture().isDone());
  }
}
