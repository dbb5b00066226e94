package io.flotilla.node;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.flotilla.adapter.ClientLogins;
import io.flotilla.adapter.LiveConnections;
import io.flotilla.adapter.ProtocolAdapters;
import io.flotilla.config.cluster.ConfigClient;
import io.flotilla.config.event.StoredDocument;
import io.flotilla.config.model.ClusterConfig;
import io.flotilla.config.model.ClusterKey;
import io.flotilla.config.model.ConfigDelta;
import io.flotilla.config.model.EntityCodec;
import io.flotilla.config.model.Kind;
import io.flotilla.config.model.SecretSealer;
import io.flotilla.config.view.BootCache;
import io.flotilla.config.view.LiveConfig;
import io.flotilla.config.view.NodeIdentity;
import io.flotilla.http.admin.ClusterNodes.Purpose;
import io.flotilla.vfs.StorageDirectories;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What load balancers are told from the start of a node to its end, by both ways. */
class NodeReadinessTest {
  private static final Duration SOON = Duration.ofSeconds(30);

  @TempDir private Path directory;
  private final EntityCodec codec = new EntityCodec(new SecretSealer(ClusterKey.generate()));
  private final ConfigClient client = new ConfigClient();
  private final StorageDirectories storages = new StorageDirectories(List::of);
  private LiveConfig live;
  private ProtocolAdapters adapters;
  private NodeDrain drain;
  private NodeReadiness readiness;
  private InetSocketAddress agent;
  private volatile Optional<String> unheard = Optional.empty();

  @BeforeEach
  void start() throws IOException {
    Clock clock = Clock.systemUTC();
    live = new LiveConfig(new NodeIdentity(UUID.randomUUID(), "node-1", "127.0.0.1", Set.of(NodeIdentity.GATEWAY)),
        new BootCache(directory.resolve("boot-cache"), codec));
    LiveConnections connections = new LiveConnections(clock);
    adapters = new ProtocolAdapters(List.of(), new ClientLogins(live::view, connections, _ -> { }, clock), _ -> { }, SOON, clock);
    drain = new NodeDrain(adapters, connections, live, new Alone(), true, SOON, _ -> { }, new NoEvents(), clock);
    try (ServerSocket free = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      agent = new InetSocketAddress(InetAddress.getLoopbackAddress(), free.getLocalPort());
    }
    readiness = new NodeReadiness(live, client, adapters, storages, drain, () -> unheard, agent);
  }

  @AfterEach
  void stop() throws IOException {
    readiness.close();
    drain.close();
    adapters.close(Duration.ZERO);
    live.close();
  }

  private static final class Alone implements NodeDrain.Surroundings {
    @Override
    public List<String> notReady() {
      return List.of();
    }

    @Override
    public boolean isVoter() {
      return false;
    }

    @Override
    public CompletionStage<Optional<String>> handOverPrimary() {
      return CompletableFuture.completedFuture(Optional.empty());
    }
  }

  private static final class NoEvents implements NodeDrain.Events {
    @Override
    public void draining(String purpose, long seconds, String by, int remaining) {}

    @Override
    public void drained(String purpose, String by, int ended, String trouble) {}

    @Override
    public void resumed(String by, List<String> problems) {}
  }

  private String ask() throws IOException {
    try (Socket socket = new Socket(agent.getAddress(), agent.getPort())) {
      return new String(socket.getInputStream().readAllBytes(), US_ASCII).strip();
    }
  }

  private void awaitAgent(String pattern) {
    await().atMost(SOON).ignoreExceptions().until(() -> ask().matches(pattern));
  }

  private void configure() throws Exception {
    ClusterConfig after = ClusterConfig.of(1, List.of(new StoredDocument(Kind.STORAGES.id(), "main", 1,
        ("{\"path\":\"" + directory.resolve("files") + "\"}").getBytes(UTF_8))), codec);
    live.swap(ConfigDelta.between(live.view().config(), after), Optional.empty()).toCompletableFuture().get(30, TimeUnit.SECONDS);
  }

  @Test
  void nodeIsReady_whenItHasItsConfigurationItsListenersAndItsStorages_andUntilItIsDrained() throws Exception {
    assertEquals(List.of("it has no configuration yet"), readiness.notReady());
    awaitAgent("down");
    live.add(storages).toCompletableFuture().get(30, TimeUnit.SECONDS);
    configure();
    assertTrue(readiness.notReady().contains("it has not opened its listeners yet"), readiness.notReady().toString());
    live.add(adapters).toCompletableFuture().get(30, TimeUnit.SECONDS);
    await().atMost(SOON).until(() -> readiness.notReady().size() == 1 && readiness.notReady().getFirst().contains("storage main"));
    awaitAgent("down");

    Files.createDirectory(directory.resolve("files"));

    await().atMost(SOON).until(() -> readiness.notReady().isEmpty());
    awaitAgent("up ready [1-9][0-9]*%");
    unheard = Optional.of("it has not heard node-2");
    assertEquals(List.of("it has not heard node-2"), readiness.notReady());
    awaitAgent("down");
    unheard = Optional.empty();
    awaitAgent("up ready [1-9][0-9]*%");
    drain.begin(Purpose.DRAIN, Optional.empty(), false, "root").toCompletableFuture().get(30, TimeUnit.SECONDS);
    assertTrue(readiness.notReady().getFirst().startsWith("it is drained (by root at "), readiness.notReady().toString());
    awaitAgent("drain");
    drain.resume("root").toCompletableFuture().get(30, TimeUnit.SECONDS);
    awaitAgent("up ready [1-9][0-9]*%");
    drain.stop(Duration.ZERO);
    awaitAgent("stopped");
  }
}
