package io.flotilla.node;

import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.flotilla.adapter.ClientLogins;
import io.flotilla.adapter.LiveConnections;
import io.flotilla.adapter.ProtocolAdapters;
import io.flotilla.config.model.ClusterKey;
import io.flotilla.config.model.EntityCodec;
import io.flotilla.config.model.SecretSealer;
import io.flotilla.config.view.BootCache;
import io.flotilla.config.view.LiveConfig;
import io.flotilla.config.view.NodeIdentity;
import io.flotilla.http.admin.ClusterNodes.Answer;
import io.flotilla.http.admin.ClusterNodes.Drain;
import io.flotilla.http.admin.ClusterNodes.Purpose;
import io.flotilla.http.admin.ClusterNodes.Refused;
import io.flotilla.http.admin.ClusterNodes.Told;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Of a node without clients: who may ask for what, and what comes of it. */
class NodeDrainTest {
  private static final Duration SOON = Duration.ofSeconds(30);

  @TempDir private Path directory;
  private final List<String> events = new CopyOnWriteArrayList<>();
  private final List<Integer> exits = new CopyOnWriteArrayList<>();
  private volatile boolean isVoter;
  private volatile CompletionStage<Optional<String>> handOver = CompletableFuture.completedFuture(Optional.empty());
  private LiveConfig live;
  private ProtocolAdapters adapters;
  private NodeDrain drain;

  @BeforeEach
  void start() throws IOException {
    live = new LiveConfig(new NodeIdentity(UUID.randomUUID(), "node-1", "127.0.0.1", Set.of(NodeIdentity.GATEWAY)),
        new BootCache(directory.resolve("boot-cache"), new EntityCodec(new SecretSealer(ClusterKey.generate()))));
    drain = drain(true);
  }

  private NodeDrain drain(boolean supervised) {
    Clock clock = Clock.systemUTC();
    LiveConnections connections = new LiveConnections(clock);
    adapters = new ProtocolAdapters(List.of(), new ClientLogins(live::view, connections, _ -> { }, clock), _ -> { }, SOON, clock);
    return new NodeDrain(adapters, connections, live, new Surroundings(), supervised, Duration.ofMinutes(30), exits::add,
        new EventList(), clock);
  }

  @AfterEach
  void stop() throws IOException {
    drain.close();
    adapters.close(Duration.ZERO);
    live.close();
  }

  private final class Surroundings implements NodeDrain.Surroundings {
    @Override
    public List<String> notReady() {
      return List.of();
    }

    @Override
    public boolean isVoter() {
      return isVoter;
    }

    @Override
    public CompletionStage<Optional<String>> handOverPrimary() {
      return handOver;
    }
  }

  private final class EventList implements NodeDrain.Events {
    @Override
    public void draining(String purpose, long seconds, String by, int remaining) {
      events.add(purpose + " by " + by);
    }

    @Override
    public void drained(String purpose, String by, int ended, String trouble) {
      events.add("drained for " + purpose + trouble);
    }

    @Override
    public void resumed(String by, List<String> problems) {
      events.add("resumed by " + by);
    }
  }

  private Answer begin(Purpose purpose, Duration deadline, boolean keepVote) throws Exception {
    return drain.begin(purpose, Optional.ofNullable(deadline), keepVote, "root").toCompletableFuture().get(30, TimeUnit.SECONDS);
  }

  private Answer resume() throws Exception {
    return drain.resume("root").toCompletableFuture().get(30, TimeUnit.SECONDS);
  }

  private Drain drained() {
    await().atMost(SOON).until(() -> drain.look().drain().map(Drain::over).orElse(false));
    return drain.look().drain().orElseThrow();
  }

  @Test
  void drainAndResume_askedForTwice_areTheSame() throws Exception {
    assertTrue(resume() instanceof Told told && told.state().drain().isEmpty());
    begin(Purpose.DRAIN, null, false);
    Drain first = drained();
    assertEquals(Duration.ofMinutes(30).toMinutes(), Math.round(Duration.between(first.since(), first.deadline()).toSeconds() / 60.0));
    assertTrue(drain.words().orElseThrow().startsWith("it is drained (by root at "), drain.words().toString());

    begin(Purpose.DRAIN, null, false);
    assertEquals(first, drain.look().drain().orElseThrow());
    begin(Purpose.DRAIN, Duration.ofMinutes(1), false);
    Drain second = drain.look().drain().orElseThrow();
    assertTrue(second.deadline().isBefore(first.deadline()) && second.since().equals(first.since()) && second.over(), second.toString());

    resume();
    resume();
    assertFalse(drain.isDraining());
    assertEquals(List.of("drain by root", "drained for drain", "resumed by root"), events);
    assertEquals(List.of(), exits);
  }

  @Test
  void primaryThatIsOnItsWay_isWaitedFor_andWhatFailsIsTold() throws Exception {
    CompletableFuture<Optional<String>> moving = new CompletableFuture<>();
    handOver = moving;
    begin(Purpose.DRAIN, Duration.ZERO, false);
    await().during(Duration.ofMillis(500)).atMost(SOON).until(() -> !drain.look().drain().orElseThrow().over());
    moving.completeExceptionally(new IllegalStateException("nobody answers"));
    assertEquals("the role of the primary could not be handed over: nobody answers", drained().trouble());
  }

  @Test
  void voter_leavesOnlyIfItsVoteIsKept() throws Exception {
    isVoter = true;
    assertTrue(begin(Purpose.LEAVE, Duration.ZERO, false) instanceof Refused refused && refused.reason().contains("voters remove"));
    assertFalse(drain.isDraining());
    begin(Purpose.LEAVE, Duration.ZERO, true);
    await().atMost(SOON).until(() -> exits.equals(List.of(0)));
    assertTrue(resume() instanceof Refused);
    assertTrue(begin(Purpose.RESTART, null, false) instanceof Refused);
    drain.stop(Duration.ZERO);
    assertTrue(drain.isStopped());
  }

  @Test
  void drainedNode_restarts_whereSomethingStartsItAgain() throws Exception {
    begin(Purpose.DRAIN, Duration.ZERO, false);
    drained();
    begin(Purpose.RESTART, null, false);
    await().atMost(SOON).until(() -> exits.equals(List.of(NodeDrain.RESTART_STATUS)));
    drain.close();
    adapters.close(Duration.ZERO);
    drain = drain(false);
    assertTrue(begin(Purpose.RESTART, null, false) instanceof Refused refused && refused.reason().contains("FLOTILLA_SUPERVISED"));
    assertFalse(drain.isDraining());
  }

  @Test
  void stop_endsADrainThatIsStillUnderWay_andCantBeTakenBack() throws Exception {
    handOver = new CompletableFuture<>();
    begin(Purpose.DRAIN, Duration.ofMinutes(10), false);
    drain.stop(Duration.ofSeconds(10));
    assertTrue(drain.isStopped());
    assertTrue(resume() instanceof Refused);
    assertTrue(begin(Purpose.DRAIN, null, false) instanceof Refused);
    assertEquals(List.of("drain by root", "stop by a signal", "drained for stop"), events);
    assertEquals(List.of(), exits);
  }
}
