package io.flotilla.node.cluster;

import java.time.Duration;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.BooleanSupplier;
import org.apache.pekko.actor.ActorRef;
import org.apache.pekko.actor.PoisonPill;
import org.apache.pekko.actor.typed.ActorSystem;
import org.apache.pekko.actor.typed.javadsl.Adapter;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The end of a clustered actor system, after which its port is free for the next one. Pekko's remoting waits without a bound
 * for its streams (Pekko issue 3247), and one to a node that froze may wait for that node; so streams that have not ended after
 * some time are stopped. Blocks its thread.
 */
final class Termination {
  private static final Logger log = LoggerFactory.getLogger(Termination.class);
  private static final String STREAMS = "/system/Materializers/*/*";

  private final ActorSystem<?> system;
  private final Duration patience;

  /** @param patience with the streams, the first time and again each time after they were stopped */
  Termination(ActorSystem<?> system, Duration patience) {
    this.system = system;
    this.patience = patience;
  }

  /** Returns when the system has ended, or when it has not and {@code givenUp} says that nobody waits any longer. */
  void await(BooleanSupplier givenUp) {
    system.terminate();
    do {
      try {
        system.getWhenTerminated().toCompletableFuture().get(patience.toMillis(), TimeUnit.MILLISECONDS);
        return;
      } catch (TimeoutException | ExecutionException e) {
        log.warn("The clustered actor system did not end within {} s; its streams are stopped", patience.toSeconds());
        Adapter.toClassic(system).actorSelection(STREAMS).tell(PoisonPill.getInstance(), ActorRef.noSender());
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        return;
      }
    } while (!givenUp.getAsBoolean());
  }
}
