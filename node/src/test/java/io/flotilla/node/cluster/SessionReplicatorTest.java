package io.flotilla.node.cluster;

import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.node.ObjectNode;
import com.typesafe.config.ConfigFactory;
import io.flotilla.auth.Authenticator;
import io.flotilla.auth.Credential;
import io.flotilla.auth.LoginResult;
import io.flotilla.auth.Origin;
import io.flotilla.auth.PasswordHasher;
import io.flotilla.config.event.StoredDocument;
import io.flotilla.config.model.ClusterConfig;
import io.flotilla.config.model.ClusterKey;
import io.flotilla.config.model.EntityCodec;
import io.flotilla.config.model.EntityKey;
import io.flotilla.config.model.Kind;
import io.flotilla.config.model.Listener;
import io.flotilla.config.model.SecretSealer;
import io.flotilla.config.model.User;
import io.flotilla.config.view.ConfigView;
import io.flotilla.config.view.NodeIdentity;
import io.flotilla.http.sessions.HttpSessions;
import io.flotilla.http.sessions.Served;
import io.flotilla.http.sessions.SessionRecord;
import io.flotilla.http.sessions.SessionReplication;
import java.net.InetAddress;
import java.nio.charset.StandardCharsets;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.apache.pekko.actor.testkit.typed.javadsl.ActorTestKit;
import org.apache.pekko.cluster.MemberStatus;
import org.apache.pekko.cluster.typed.Cluster;
import org.apache.pekko.cluster.typed.Join;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Nodes of a real cluster, in one process, that tell each other of sessions. */
@Timeout(120)
class SessionReplicatorTest {
  private static final Duration SOON = Duration.ofSeconds(30);

  private final PasswordHasher hasher = new PasswordHasher();
  private final ConfigView view = view();
  private final List<TestNode> nodes = new ArrayList<>();

  private static ConfigView view() {
    EntityCodec codec = new EntityCodec(new SecretSealer(ClusterKey.generate()));
    EntityKey key = EntityKey.of(Kind.USERS, "ann");
    ObjectNode json = EntityCodec.JSON.createObjectNode();
    codec.putSecret(json, key, "passwordHash", "a hash");
    StoredDocument document = new StoredDocument(key.kind(), key.name(), 1, json.toString().getBytes(StandardCharsets.UTF_8));
    return new ConfigView(ClusterConfig.of(1, List.of(document), codec),
        new NodeIdentity(UUID.randomUUID(), "node-1", "127.0.0.1", Set.of(NodeIdentity.GATEWAY)));
  }

  private final class TestNode {
    final ActorTestKit kit = ActorTestKit.create("sessions", ConfigFactory.parseString("""
        pekko.remote.artery.canonical { hostname = 127.0.0.1, port = 0 }
        pekko.cluster.roles = [voter]
        """).withFallback(ConfigFactory.load("cluster")));
    final HttpSessions sessions = new HttpSessions(
        () -> view, new Authenticator(() -> view, hasher, Clock.systemUTC()), _ -> { }, Clock.systemUTC(), kit.system());

    void join(TestNode first) {
      Cluster cluster = Cluster.get(kit.system());
      cluster.manager().tell(Join.create(Cluster.get(first.kit.system()).selfMember().address()));
      await().atMost(SOON).until(() -> cluster.selfMember().status().equals(MemberStatus.up()));
      sessions.attach(SessionReplicator.through(kit.system(), kit.spawn(SessionReplicator.create(sessions))));
    }

    HttpSessions.Begun begin() throws Exception {
      User ann = view.user("ann").orElseThrow();
      HttpSessions.Begun begun = sessions.begin(new LoginResult.Granted(ann, new Credential.Password(ann.passwordHash().orElseThrow()),
          view.access(ann), new Origin(Listener.Protocol.HTTP, InetAddress.getLoopbackAddress())), SessionRecord.Use.COOKIE).orElseThrow();
      begun.told().toCompletableFuture().get(30, TimeUnit.SECONDS);
      return begun;
    }

    boolean knows(HttpSessions.Begun session) {
      return sessions.find(session.secret(), SessionRecord.Use.COOKIE).isPresent();
    }
  }

  @BeforeEach
  void start() {
    for (int i = 0; i < 3; i++) {
      TestNode node = new TestNode();
      nodes.add(node);
      node.join(nodes.getFirst());
    }
    await().atMost(SOON).until(() -> nodes.stream().allMatch(
        node -> Cluster.get(node.kit.system()).state().members().size() == 3));
  }

  @AfterEach
  void stop() {
    nodes.forEach(node -> node.kit.shutdownTestKit());
    hasher.close();
  }

  @Test
  void aSession_isKnownEverywhere_whenItsClientHearsOfIt() throws Exception {
    for (int i = 0; i < 50; i++) {
      HttpSessions.Begun session = nodes.get(i % 3).begin();
      for (TestNode node : nodes) {
        assertTrue(node.knows(session), "session " + i);
      }
    }
    await().atMost(SOON).until(() -> nodes.stream().allMatch(node -> node.sessions.count() == 50));
  }

  @Test
  void itsEnd_reachesTheOthers_andWhoComesLater() throws Exception {
    HttpSessions.Begun session = nodes.get(0).begin();
    HttpSessions.Begun kept = nodes.get(0).begin();
    AtomicReference<String> ended = new AtomicReference<>("");
    nodes.get(2).sessions.find(session.secret(), SessionRecord.Use.COOKIE).orElseThrow().attach(new Served() {
      @Override
      public boolean isServing() {
        return true;
      }

      @Override
      public void disconnect(String reason) {
        ended.set(reason);
      }
    });
    nodes.get(1).sessions.find(session.secret(), SessionRecord.Use.COOKIE).orElseThrow();
    nodes.get(1).sessions.end(session.record().id(), "logged out").toCompletableFuture().get(30, TimeUnit.SECONDS);
    await().atMost(SOON).until(() -> nodes.stream().noneMatch(node -> node.knows(session)));
    await().atMost(SOON).until(() -> ended.get().equals("the session has ended"));

    TestNode late = new TestNode();
    nodes.add(late);
    late.join(nodes.getFirst());
    await().atMost(SOON).until(() -> late.knows(kept));
    assertFalse(late.knows(session));
    assertEquals(1, late.sessions.count());
  }

  @Test
  void whatIsOver_leavesTheBucket_thoughOtherNodesStillHaveIt() throws Exception {
    TestNode node = nodes.getFirst();
    SessionReplication way = SessionReplicator.through(node.kit.system(), node.kit.spawn(SessionReplicator.create(node.sessions)));
    long now = System.currentTimeMillis();
    long over = now + 1000;
    // Two ids of one bucket.
    SessionRecord first = new SessionRecord("Aa", "ann", "", SessionRecord.Use.COOKIE, "node-1", "", now, over, now, false);
    SessionRecord second = new SessionRecord("BB", "ann", "", SessionRecord.Use.COOKIE, "node-1", "", now, now + 3_600_000, now, false);
    way.publish(first, SessionReplication.Reach.ALL).toCompletableFuture().get(30, TimeUnit.SECONDS);
    await().atMost(SOON).until(() -> System.currentTimeMillis() > over);
    way.publish(second, SessionReplication.Reach.ALL).toCompletableFuture().get(30, TimeUnit.SECONDS);
    assertTrue(way.fetch("BB").toCompletableFuture().get(30, TimeUnit.SECONDS).isPresent());
    await().atMost(SOON).until(() -> way.fetch("Aa").toCompletableFuture().get(30, TimeUnit.SECONDS).isEmpty());
  }

  @Test
  void whatANodeKnewBeforeItJoined_comesToTheOthers() throws Exception {
    TestNode alone = new TestNode();
    HttpSessions.Begun session = alone.begin();
    assertFalse(nodes.getFirst().knows(session));
    nodes.add(alone);
    alone.join(nodes.getFirst());
    await().atMost(SOON).until(() -> nodes.getFirst().knows(session));
  }
}
