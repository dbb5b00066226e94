package io.flotilla.config.cluster;

import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.flotilla.config.cluster.ConfigClient.OutcomeUnknownException;
import io.flotilla.config.cluster.ConfigClient.PrimaryUnavailableException;
import io.flotilla.config.model.ConfigExamples;
import io.flotilla.config.view.ReplicaStatus;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import org.apache.pekko.actor.testkit.typed.javadsl.ActorTestKit;
import org.apache.pekko.actor.testkit.typed.javadsl.TestProbe;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class ConfigClientTest {
  private static final ConfigClient.Request REQUEST = new ConfigClient.Request("one", ConfigExamples.AUTHOR, "", false, false);

  private final ActorTestKit kit = ActorTestKit.create();
  private final TestProbe<ConfigPrimary.Command> primary = kit.createTestProbe();
  private final ConfigClient client = new ConfigClient();

  ConfigClientTest() {
    client.attach(kit.system(), primary.ref());
    client.heard(new ReplicaStatus(1, 1, System.nanoTime(), false));
  }

  @Test
  void submit_whoseAnswerDoesNotCome_hasAnUnknownOutcome() {
    try {
      assertInstanceOf(OutcomeUnknownException.class, failureOf(Duration.ofMillis(100)));
      primary.expectMessageClass(ConfigPrimary.SubmitChange.class);
    } finally {
      kit.shutdownTestKit();
    }
  }

  /** Between the end of the actor system and its detachment from the client. */
  @Test
  void submit_afterTheActorSystemHasEnded_isRefused_becauseNothingWasSent() throws Exception {
    kit.shutdownTestKit();
    kit.system().getWhenTerminated().toCompletableFuture().get(30, TimeUnit.SECONDS);

    assertInstanceOf(PrimaryUnavailableException.class, failureOf(Duration.ofSeconds(20)));
    assertInstanceOf(PrimaryUnavailableException.class,
        assertThrows(ExecutionException.class, () -> client.rollBack(REQUEST, 1, 2, Duration.ofSeconds(20)).toCompletableFuture().get())
            .getCause());
  }

  /** As when the actor that leads to the primary has ended before its system. */
  @Test
  void submit_whenTheWayToThePrimaryHasEnded_isRefused_becauseNothingWasSent() {
    try {
      primary.stop();
      TestProbe<Object> watcher = kit.createTestProbe();
      watcher.expectTerminated(primary.ref(), Duration.ofSeconds(10));

      assertInstanceOf(PrimaryUnavailableException.class, failureOf(Duration.ofSeconds(20)));
    } finally {
      kit.shutdownTestKit();
    }
  }

  private Throwable failureOf(Duration timeout) {
    return assertThrows(ExecutionException.class, () -> client.submit(REQUEST,
        List.of(ConfigExamples.put("storages", "main", "{}")), timeout).toCompletableFuture().get()).getCause();
  }
}
