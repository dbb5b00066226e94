package io.flotilla.config.cluster;

import static io.flotilla.config.model.ConfigExamples.AUTHOR;
import static io.flotilla.config.model.ConfigExamples.CODEC;
import static io.flotilla.config.model.ConfigExamples.delete;
import static io.flotilla.config.model.ConfigExamples.put;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.typesafe.config.ConfigFactory;
import io.flotilla.config.cluster.ConfigPrimary.Committed;
import io.flotilla.config.cluster.ConfigPrimary.SubmitReply;
import io.flotilla.config.model.ClusterConfig;
import io.flotilla.config.model.Operation;
import io.flotilla.config.model.Refusal;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.List;
import java.util.Optional;
import org.apache.pekko.actor.testkit.typed.javadsl.ActorTestKit;
import org.apache.pekko.actor.testkit.typed.javadsl.TestProbe;
import org.apache.pekko.actor.typed.ActorRef;
import org.apache.pekko.actor.typed.Behavior;
import org.apache.pekko.actor.typed.javadsl.Behaviors;
import org.apache.pekko.actor.typed.pubsub.Topic;
import org.apache.pekko.cluster.typed.Cluster;
import org.apache.pekko.cluster.typed.Join;
import org.apache.pekko.persistence.testkit.javadsl.PersistenceTestKit;
import org.apache.pekko.persistence.testkit.PersistenceTestKitPlugin;
import org.apache.pekko.persistence.testkit.PersistenceTestKitSnapshotPlugin;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** The primary restores earlier versions. */
class ConfigPrimaryRollBackTest {
  private static ActorTestKit kit;
  private static PersistenceTestKit journal;
  private final RecordingEvents events = new RecordingEvents();
  private volatile Optional<List<String>> objections = Optional.of(List.of());
  private TestProbe<SubmitReply> replies;

  @BeforeAll
  static void start() {
    kit = ActorTestKit.create(ConfigFactory.parseString("""
        pekko.actor.provider = cluster
        pekko.remote.artery.canonical { hostname = 127.0.0.1, port = 0 }
        pekko.cluster.jmx.multi-mbeans-in-same-jvm = on
        pekko.coordinated-shutdown.run-by-jvm-shutdown-hook = off
        flotilla.journal.plugin = "pekko.persistence.testkit.journal"
        flotilla.snapshot-store.plugin = "pekko.persistence.testkit.snapshotstore.pluginid"
        """)
        .withFallback(PersistenceTestKitPlugin.config())
        .withFallback(PersistenceTestKitSnapshotPlugin.config())
        .withFallback(ConfigFactory.load()));
    Cluster cluster = Cluster.get(kit.system());
    cluster.manager().tell(Join.create(cluster.selfMember().address()));
    TestProbe<Object> probe = kit.createTestProbe();
    probe.awaitAssert(Duration.ofSeconds(20), () -> {
      assertEquals(org.apache.pekko.cluster.MemberStatus.up(), cluster.selfMember().status());
      return null;
    });
    journal = PersistenceTestKit.create(kit.system());
  }

  @AfterAll
  static void stop() {
    kit.shutdownTestKit();
  }

  @BeforeEach
  void clear() {
    journal.clearAll();
    replies = kit.createTestProbe();
  }

  @Test
  void rollBack_toAKeptVersion_isOneEvent_madeOnce_alsoAfterARestart() {
    ActorRef<ConfigPrimary.Command> primary = primary();
    commit(primary, "1", put("storages", "main", "{\"path\":\"/srv\"}"), put("users", "ann", "{}"));
    commit(primary, "2", put("users", "ann", "{\"enabled\":false}"), put("users", "bob", "{}"));
    commit(primary, "3", delete("users", "ann"));
    kit.stop(primary);
    ActorRef<ConfigPrimary.Command> next = primary();

    for (int i = 0; i < 2; i++) {
      rollBack(next, "back", 1, 3, false);
      assertEquals(4, replies.expectMessageClass(Committed.class).version());
    }

    rollBack(next, "again", 1, Operation.ANY, false);
    assertEquals(new ConfigPrimary.Unchanged("again", 4), replies.receiveMessage());
    assertEquals(4, journal.persistedInStorage(ConfigPrimary.PERSISTENCE_ID.id()).size());
  }

  @Test
  void rollBack_thatMayNotBe_isRefused_andChangesNothing() {
    ActorRef<ConfigPrimary.Command> primary = primary();
    commit(primary, "1", put("policies", "history", "{\"changes\":2}"));
    commit(primary, "2", put("storages", "main", "{\"path\":\"/srv\"}"));
    commit(primary, "3", put("users", "ann", "{}"));
    commit(primary, "4", put("users", "bob", "{}"));

    rollBack(primary, "stale", 3, 3, false);
    assertEquals(Refusal.Reason.STALE, refusal().reason());
    rollBack(primary, "forgotten", 1, Operation.ANY, false);
    Refusal forgotten = refusal();
    assertEquals(Refusal.Reason.NOT_FOUND, forgotten.reason());
    assertTrue(forgotten.detail().contains("versions 2 to 4"), forgotten.detail());
    rollBack(primary, "dry", 2, Operation.ANY, true);
    assertEquals(5, replies.expectMessageClass(ConfigPrimary.WouldCommit.class).version());
    assertEquals(4, journal.persistedInStorage(ConfigPrimary.PERSISTENCE_ID.id()).size());
  }

  @Test
  void rollBack_ofWhatNodesHold_isPutToThem_andRestoresWhatWasCommittedMeanwhileToo() {
    ActorRef<ConfigPrimary.Command> primary = primary();
    commit(primary, "1", put("storages", "main", "{\"path\":\"/srv\"}"));
    commit(primary, "2", put("storages", "main", "{\"path\":\"/other\"}"));
    objections = Optional.of(List.of("the directory /srv does not exist"));
    rollBack(primary, "refused", 1, Operation.ANY, false);
    assertEquals(Refusal.Reason.NOT_PREPARED, refusal().reason());
    objections = Optional.empty();
    rollBack(primary, "back", 1, Operation.ANY, false);
    submit(primary, "meanwhile", put("users", "late", "{}"));
    assertEquals("meanwhile", replies.expectMessageClass(Committed.class).id());

    objections = Optional.of(List.of());

    assertEquals("back", replies.expectMessageClass(Committed.class, Duration.ofSeconds(10)).id());
    rollBack(primary, "again", 1, Operation.ANY, false);
    assertEquals(new ConfigPrimary.Unchanged("again", 4), replies.receiveMessage());
  }

  private Refusal refusal() {
    return replies.expectMessageClass(ConfigPrimary.Refused.class, Duration.ofSeconds(10)).refusal();
  }

  private void commit(ActorRef<ConfigPrimary.Command> primary, String id, Operation... operations) {
    submit(primary, id, operations);
    assertEquals(id, replies.expectMessageClass(Committed.class, Duration.ofSeconds(10)).id());
  }

  private void rollBack(ActorRef<ConfigPrimary.Command> primary, String id, long to, long head, boolean dryRun) {
    primary.tell(new ConfigPrimary.RollBack(id, AUTHOR, "", to, head, dryRun, false, replies.ref()));
  }

  private ActorRef<ConfigPrimary.Command> primary() {
    ActorRef<Topic.Command<ConfigAnnouncement>> topic =
        kit.spawn(Topic.create(ConfigAnnouncement.class, "configuration-" + System.nanoTime()));
    topic.tell(Topic.subscribe(kit.<ConfigAnnouncement>spawn(Behaviors.receiveMessage(this::answerAsNode))));
    return kit.spawn(ConfigPrimary.create(CODEC, () -> 7L, events,
        Clock.fixed(Instant.EPOCH, ZoneOffset.UTC),
        new ConfigPrimary.Settings(Duration.ofMillis(200), 1_000, 16 << 20, topic, 0, () -> ClusterConfig.EMPTY)));
  }

  /** The only member's word about a change: what the test wants it to say, or nothing. */
  private Behavior<ConfigAnnouncement> answerAsNode(ConfigAnnouncement announcement) {
    if (announcement instanceof ConfigAnnouncement.PrepareRequested asked) {
      objections.ifPresent(said -> asked.replyTo().tell(new ConfigPrimary.NodePrepared(
          asked.round(), nodeName(), MemberNames.address(Cluster.get(kit.system()).selfMember()), said)));
    }
    return Behaviors.same();
  }

  private static String nodeName() {
    return MemberNames.name(Cluster.get(kit.system()).selfMember());
  }

  private void submit(ActorRef<ConfigPrimary.Command> primary, String id, Operation... operations) {
    primary.tell(new ConfigPrimary.SubmitChange(
        id, AUTHOR, "", 0, true, false, false, List.of(operations), replies.ref()));
  }
}
