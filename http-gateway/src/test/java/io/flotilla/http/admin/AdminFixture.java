package io.flotilla.http.admin;

import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.typesafe.config.ConfigFactory;
import io.flotilla.auth.Authenticator;
import io.flotilla.auth.PasswordHasher;
import io.flotilla.claim.ClaimClient;
import io.flotilla.claim.ClaimKeeper;
import io.flotilla.config.cluster.ClusterStatus;
import io.flotilla.config.cluster.ConfigAnnouncement;
import io.flotilla.config.cluster.ConfigClient;
import io.flotilla.config.cluster.ConfigEvents;
import io.flotilla.config.cluster.ConfigPrimary;
import io.flotilla.config.cluster.ConfigReplica;
import io.flotilla.config.cluster.HistoryStatus;
import io.flotilla.config.cluster.MemberNames;
import io.flotilla.config.cluster.ReplicaReport;
import io.flotilla.config.event.Author;
import io.flotilla.config.event.ConfigChanged;
import io.flotilla.config.model.ClusterConfig;
import io.flotilla.config.model.ClusterKey;
import io.flotilla.config.model.EntityCodec;
import io.flotilla.config.model.EntityKey;
import io.flotilla.config.model.JoinToken;
import io.flotilla.config.model.Kind;
import io.flotilla.config.model.Operation;
import io.flotilla.config.model.Refusal;
import io.flotilla.config.model.SecretSealer;
import io.flotilla.config.view.BootCache;
import io.flotilla.config.view.LiveConfig;
import io.flotilla.config.view.NodeIdentity;
import io.flotilla.http.sessions.HttpSessions;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import org.apache.pekko.actor.testkit.typed.javadsl.ActorTestKit;
import org.apache.pekko.actor.typed.ActorRef;
import org.apache.pekko.actor.typed.pubsub.Topic;
import org.apache.pekko.cluster.MemberStatus;
import org.apache.pekko.cluster.typed.Cluster;
import org.apache.pekko.cluster.typed.Join;
import org.apache.pekko.persistence.testkit.PersistenceTestKitPlugin;
import org.apache.pekko.persistence.testkit.PersistenceTestKitSnapshotPlugin;

/**
 * A node without its protocol adapters: a cluster of one member with a real primary and replica, and the admin server
 * on a free loopback port. Its configuration has the storage "main" and one admin of each role.
 */
final class AdminFixture implements AutoCloseable {
  static final Duration SOON = Duration.ofSeconds(20);
  static final int MAX_BODY = 1 << 20;
  /** Fewer than a node has, because each takes its time. */
  static final int MAX_HASHES_WAITING = 100;
  static final int MAX_IMPORT = 2 << 20;
  static final UUID CLUSTER_ID = UUID.fromString("5f3c1a52-8d5e-4c0a-9b1e-0d8f6f6a7c11");
  static final String ADMIN = "admin-token-".repeat(4);
  static final String OPERATOR = "operator-token-".repeat(4);
  static final String VIEWER = "viewer-token-".repeat(4);

  final ActorTestKit kit = ActorTestKit.create(ConfigFactory.parseString("""
      pekko.actor.provider = cluster
      pekko.remote.artery.canonical { hostname = 127.0.0.1, port = 0 }
      pekko.cluster.jmx.multi-mbeans-in-same-jvm = on
      pekko.cluster.roles = ["gateway", "name:node-1"]
      pekko.coordinated-shutdown.run-by-jvm-shutdown-hook = off
      pekko.http.server.remote-address-attribute = on
      pekko.http.server.parsing.max-content-length = infinite
      pekko.http.server.parsing.error-logging-verbosity = off
      pekko.http.server.parsing.illegal-header-warnings = off
      flotilla.journal.plugin = "pekko.persistence.testkit.journal"
      flotilla.snapshot-store.plugin = "pekko.persistence.testkit.snapshotstore.pluginid"
      """)
      .withFallback(PersistenceTestKitPlugin.config())
      .withFallback(PersistenceTestKitSnapshotPlugin.config())
      .withFallback(ConfigFactory.load()));
  final ClusterKey key = ClusterKey.generate();
  final EntityCodec codec = new EntityCodec(new SecretSealer(key));
  final PasswordHasher hasher = new PasswordHasher(2, MAX_HASHES_WAITING);
  final ConfigClient client = new ConfigClient();
  final ClaimClient claims = new ClaimClient();
  final EventFeed feed = new EventFeed();
  final List<String> notReady = new CopyOnWriteArrayList<>();
  final HttpClient http = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
  final ClusterConnections connections = new OneConnection();
  final OneNode nodes = new OneNode();
  final HttpSessions sessions;
  final LiveConfig live;
  final ActorRef<ConfigPrimary.Command> primary;
  final ActorRef<ConfigReplica.Command> replica;
  final AdminServer server;

  AdminFixture(Path directory) throws IOException {
    Cluster cluster = Cluster.get(kit.system());
    cluster.manager().tell(Join.create(cluster.selfMember().address()));
    await().atMost(SOON).until(() -> cluster.selfMember().status().equals(MemberStatus.up()));
    live = new LiveConfig(new NodeIdentity(UUID.randomUUID(), "node-1", "127.0.0.1", Set.of("gateway")),
        new BootCache(directory.resolve("boot-cache"), codec));
    sessions = new HttpSessions(live::view, new Authenticator(live::view, hasher, Clock.systemUTC()), _ -> { }, Clock.systemUTC(), kit.system());
    ActorRef<Topic.Command<ConfigAnnouncement>> topic =
        kit.spawn(Topic.create(ConfigAnnouncement.class, "configuration"));
    primary = kit.spawn(ConfigPrimary.create(codec, () -> 1, new NoEvents(), Clock.systemUTC(),
        new ConfigPrimary.Settings(Duration.ofMillis(200), 100, 16 << 20, topic, 0, () -> ClusterConfig.EMPTY)));
    String address = MemberNames.address(cluster.selfMember());
    replica = kit.spawn(ConfigReplica.create(live, codec, primary, (catchingUp, config) -> new ReplicaReport("node-1",
        address, config.view().config().version(), config.view().config().digest().toString(), catchingUp,
        config.problems(), false, "1", 0, Map.of()), client::heard, new NoEvents()));
    topic.tell(Topic.subscribe(replica.<ConfigAnnouncement>narrow()));
    client.attach(kit.system(), primary);
    claims.attach(kit.system(), kit.spawn(ClaimKeeper.create(System::nanoTime, 1)));
    server = open(client);
    await().atMost(SOON).until(() -> !client.isIsolated());
    submit(List.of(
        put("storages", "main", "{\"path\":\"/srv/files\"}"),
        admin("root", "admin", ADMIN), admin("helper", "operator", OPERATOR), admin("looker", "viewer", VIEWER)));
    await().atMost(SOON).until(() -> live.view().config().version() == 1);
  }

  AdminServer open(ConfigClient toPrimary) {
    return AdminServer.open(kit.system(), "127.0.0.1", 0, context(toPrimary), Optional.empty())
        .toCompletableFuture().join();
  }

  AdminContext context(ConfigClient toPrimary) {
    return new AdminContext(live, toPrimary, claims, codec, new EntityInput(codec, hasher, live), feed,
        () -> List.copyOf(notReady),
        () -> new ClusterStatus(live.view().config().version(), live.view().config().digest().toString(), 0, List.of()),
        node -> node.equals("silent") ? new CompletableFuture<>()
            : CompletableFuture.completedFuture(node.equals("node-1") ? Optional.empty() : Optional.of("no such node")),
        connections, nodes, sessions, OneVoter::new, OneJournal::new,
        () -> "flotilla_config_version 1\n", () -> Optional.of(CLUSTER_ID),
        new Joining(new JoinToken.Welcome(key, List.of("10.0.0.1:20001", "10.0.0.2:20001")), List.of("https://10.0.0.1:20000")),
        MAX_BODY, MAX_IMPORT);
  }

  private void submit(List<Operation> operations) {
    assertTrue(client.submit(new ConfigClient.Request("first", new Author("test", "127.0.0.1", "node-1"), "", false, false),
        operations, SOON)
        .toCompletableFuture().join() instanceof ConfigPrimary.Committed, "the first configuration was refused");
  }

  private static Operation put(String kind, String name, String json) {
    return new Operation(Operation.Action.PUT, kind, name, json.getBytes(StandardCharsets.UTF_8), Operation.ANY);
  }

  private Operation admin(String name, String role, String token) {
    EntityKey key = EntityKey.of(Kind.ADMINS, name);
    ObjectNode json = EntityCodec.JSON.createObjectNode().put("role", role);
    codec.putSecret(json, key, "tokenHash", ClusterKey.hashToken(token));
    return put("admins", name, json.toString());
  }

  /** An answer whose body was read. */
  record Answer(int status, String text, HttpResponse<String> response) {
    JsonNode json() {
      try {
        return EntityCodec.JSON.readTree(text);
      } catch (IOException e) {
        throw new AssertionError("not JSON: " + text, e);
      }
    }

    Optional<String> header(String name) {
      return response.headers().firstValue(name);
    }

    long version() {
      return json().path("version").longValue();
    }

    /** Checks the status, and that an error is a problem. */
    Answer expect(int expected) {
      assertEquals(expected, status, text);
      if (expected >= 400) {
        assertEquals("application/problem+json", header("Content-Type").orElse(""), text);
        assertEquals(expected, json().get("status").intValue());
        assertTrue(json().get("type").textValue().startsWith("urn:flotilla:problem:"), text);
        assertTrue(json().get("title").isTextual() && !json().get("detail").textValue().isBlank(), text);
      }
      return this;
    }

    List<String> pointers() {
      List<String> pointers = new ArrayList<>();
      json().path("errors").forEach(error -> pointers.add(error.get("pointer").textValue()));
      return pointers;
    }
  }

  URI uri(String path) {
    return URI.create("http://127.0.0.1:" + server.port() + path);
  }

  HttpRequest.Builder request(String method, String path, HttpRequest.BodyPublisher body, String... headers) {
    HttpRequest.Builder builder =
        HttpRequest.newBuilder(uri(path)).timeout(Duration.ofSeconds(60)).method(method, body);
    if (headers.length > 0) {
      builder.headers(headers);
    }
    return builder;
  }

  Answer send(HttpRequest request) {
    try {
      HttpResponse<String> response = http.send(request, HttpResponse.BodyHandlers.ofString());
      return new Answer(response.statusCode(), response.body(), response);
    } catch (IOException e) {
      throw new AssertionError(request + " got no answer", e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new AssertionError(e);
    }
  }

  /** A request by the admin with the role admin. */
  Answer send(String method, String path, String body, String... headers) {
    return send(request(method, "/api/v1" + path, body.isEmpty()
        ? HttpRequest.BodyPublishers.noBody() : HttpRequest.BodyPublishers.ofString(body), headers)
        .header("Authorization", "Bearer " + ADMIN).build());
  }

  Answer get(String path, String... headers) {
    return send("GET", path, "", headers);
  }

  Answer put(String path, String body, String... headers) {
    return send("PUT", path, body, headers);
  }

  Answer as(String token, String method, String path, String body) {
    return send(request(method, "/api/v1" + path, HttpRequest.BodyPublishers.ofString(body))
        .header("Authorization", "Bearer " + token).build());
  }

  @Override
  public void close() throws IOException {
    server.close(Duration.ofSeconds(1)).toCompletableFuture().join();
    kit.shutdownTestKit();
    hasher.close();
    live.close();
  }

  private static final class NoEvents implements ConfigEvents {
    @Override
    public void primaryStarted(long epoch, long version) {}

    @Override
    public void historyKept(HistoryStatus status) {}

    @Override
    public void primaryStopped() {}

    @Override
    public void committed(ConfigChanged change, long milliseconds) {}

    @Override
    public void rejected(String id, Author author, Refusal refusal) {}

    @Override
    public void applied(long version) {}

    @Override
    public void catchingUp(long from, long to) {}

    @Override
    public void caughtUp(long from, long to, long milliseconds) {}

    @Override
    public void degraded(long version, List<String> problems) {}
  }
}
