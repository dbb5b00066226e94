package io.flotilla.config.cluster;

import static io.flotilla.config.model.ConfigExamples.AUTHOR;
import static io.flotilla.config.model.ConfigExamples.CODEC;
import static io.flotilla.config.model.ConfigExamples.put;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.typesafe.config.ConfigFactory;
import io.flotilla.config.cluster.ConfigPrimary.Committed;
import io.flotilla.config.cluster.ConfigPrimary.SubmitReply;
import io.flotilla.config.event.ConfigChanged;
import io.flotilla.config.event.StoredDocument;
import io.flotilla.config.model.ClusterConfig;
import io.flotilla.config.model.ConfigExamples;
import io.flotilla.config.model.Operation;
import io.flotilla.config.model.Refusal;
import io.flotilla.persistence.FencedException;
import io.flotilla.persistence.NotWrittenException;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import org.apache.pekko.actor.testkit.typed.javadsl.ActorTestKit;
import org.apache.pekko.actor.testkit.typed.javadsl.TestProbe;
import org.apache.pekko.actor.typed.ActorRef;
import org.apache.pekko.actor.typed.Behavior;
import org.apache.pekko.actor.typed.javadsl.Behaviors;
import org.apache.pekko.actor.typed.pubsub.Topic;
import org.apache.pekko.cluster.typed.Cluster;
import org.apache.pekko.cluster.typed.Join;
import org.apache.pekko.persistence.testkit.PersistenceTestKitPlugin;
import org.apache.pekko.persistence.testkit.PersistenceTestKitSnapshotPlugin;
import org.apache.pekko.persistence.testkit.ProcessingSuccess;
import org.apache.pekko.persistence.testkit.StorageFailure;
import org.apache.pekko.persistence.testkit.WriteEvents;
import org.apache.pekko.persistence.testkit.javadsl.PersistenceTestKit;
import org.apache.pekko.persistence.testkit.javadsl.SnapshotTestKit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class ConfigPrimaryTest {
  private static ActorTestKit kit;
  private static PersistenceTestKit journal;
  private static SnapshotTestKit snapshots;
  private final RecordingEvents events = new RecordingEvents();
  private volatile Optional<List<String>> objections = Optional.of(List.of());
  private TestProbe<SubmitReply> replies;
  private final List<ActorRef<ConfigPrimary.Command>> primaries = new ArrayList<>();
  private TestProbe<ConfigAnnouncement> published;

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
    snapshots = SnapshotTestKit.create(kit.system());
  }

  @AfterAll
  static void stop() {
    kit.shutdownTestKit();
  }

  /** Two of one persistence id would disturb each other. */
  @AfterEach
  void stopPrimaries() {
    primaries.forEach(kit::stop);
  }

  @BeforeEach
  void clear() {
    journal.clearAll();
    journal.resetPolicy();
    snapshots.clearAll();
    replies = kit.createTestProbe();
    published = kit.createTestProbe();
  }

  @Test
  void submit_goodChange_isPersistedPublishedAndAcknowledged() {
    ActorRef<ConfigPrimary.Command> primary = primary();

    submit(primary, "one", put("storages", "main", "{\"path\":\"/srv\"}"));

    Committed committed = replies.expectMessageClass(Committed.class);
    assertEquals(new Committed("one", 1, List.of("storages/main"), Map.of()), committed);
    ConfigChanged event = journal.expectNextPersistedClass(ConfigPrimary.PERSISTENCE_ID.id(), ConfigChanged.class);
    assertEquals(1, event.version());
    ConfigAnnouncement.ConfigCommitted announced = fishForCommit();
    assertEquals(1, announced.version());
    assertEquals(7, announced.epoch());
    assertEquals(event.digest(), announced.change().digest());
  }

  @Test
  void submit_badChange_changesNothing() {
    ActorRef<ConfigPrimary.Command> primary = primary();

    submit(primary, "bad", put("users", "alice", "{\"home\":{\"storage\":\"none\"}}"));

    ConfigPrimary.Refused refused = replies.expectMessageClass(ConfigPrimary.Refused.class);
    assertEquals(Refusal.Reason.INVALID, refused.refusal().reason());
    journal.expectNothingPersisted(ConfigPrimary.PERSISTENCE_ID.id());
    assertTrue(events.told.contains("rejected bad"));
  }

  @Test
  void primary_whoseJournalTakesItsTime_goesOnAnnouncingTheHeadBefore() {
    ActorRef<ConfigPrimary.Command> primary = primary();
    CountDownLatch written = new CountDownLatch(1);
    journal.withPolicy((id, operation) -> {
      try {
        assertTrue(!(operation instanceof WriteEvents) || written.await(30, TimeUnit.SECONDS));
        return ProcessingSuccess.getInstance();
      } catch (InterruptedException e) {
        throw new IllegalStateException(e);
      }
    });
    try {
      submit(primary, "large", put("policies", "history", "{}"));
      for (int i = 0; i < 15; i++) {
        assertEquals(0, ((ConfigAnnouncement.HeadAnnounced) published.fishForMessage(Duration.ofSeconds(10), message ->
            message instanceof ConfigAnnouncement.HeadAnnounced
                ? org.apache.pekko.actor.testkit.typed.javadsl.FishingOutcomes.complete()
                : org.apache.pekko.actor.testkit.typed.javadsl.FishingOutcomes.continueAndIgnore()).getFirst()).version());
      }
    } finally {
      written.countDown();
      journal.resetPolicy();
    }
    assertEquals("large", replies.expectMessageClass(Committed.class).id());
  }

  @Test
  void submit_atAnotherHead_isRefused_alsoWhenItsLastPartComes() {
    ActorRef<ConfigPrimary.Command> primary = primary();
    submit(primary, "one", put("policies", "history", "{}"));
    replies.expectMessageClass(Committed.class);

    for (long head : List.of(2L, 1L)) {
      primary.tell(new ConfigPrimary.SubmitChange("at-" + head, AUTHOR, "", 0, false, false, false, head,
          List.of(put("admins", "ann", "{\"role\":\"viewer\"}")), replies.ref()));
      replies.expectMessageClass(ConfigPrimary.PartTaken.class);
      primary.tell(new ConfigPrimary.SubmitChange("at-" + head, AUTHOR, "", 1, true, false, false, head,
          List.of(put("admins", "bob", "{\"role\":\"viewer\"}")), replies.ref()));
      if (head == 2) {
        assertEquals(Refusal.Reason.STALE, replies.expectMessageClass(ConfigPrimary.Refused.class).refusal().reason());
      }
    }

    assertEquals(2, replies.expectMessageClass(Committed.class).version());
  }

  @Test
  void submit_dryRun_changesNothing() {
    ActorRef<ConfigPrimary.Command> primary = primary();

    primary.tell(new ConfigPrimary.SubmitChange("dry", AUTHOR, "", 0, true, true, false,
        List.of(put("storages", "main", "{\"path\":\"/srv\"}")), replies.ref()));

    assertEquals(new ConfigPrimary.WouldCommit("dry", 1, Map.of(nodeName(), List.of())), replies.receiveMessage());
    journal.expectNothingPersisted(ConfigPrimary.PERSISTENCE_ID.id());
  }

  @Test
  void submit_nodeObjects_isRefusedWithItsReason_andDryRunAgrees() {
    ActorRef<ConfigPrimary.Command> primary = primary();
    objections = Optional.of(List.of("the directory /srv does not exist"));

    for (boolean dryRun : List.of(false, true)) {
      primary.tell(new ConfigPrimary.SubmitChange("x", AUTHOR, "", 0, true, dryRun, false,
          List.of(put("storages", "main", "{\"path\":\"/srv\"}")), replies.ref()));

      Refusal refusal = replies.expectMessageClass(ConfigPrimary.Refused.class).refusal();
      assertEquals(Refusal.Reason.NOT_PREPARED, refusal.reason());
      assertEquals(Map.of(nodeName(), "the directory /srv does not exist"), refusal.nodes());
    }
    journal.expectNothingPersisted(ConfigPrimary.PERSISTENCE_ID.id());
  }

  @Test
  void submit_nodeObjects_forced_isCommittedAndTellsTheObjections() {
    ActorRef<ConfigPrimary.Command> primary = primary();
    objections = Optional.of(List.of("the directory /srv does not exist"));

    primary.tell(new ConfigPrimary.SubmitChange("x", AUTHOR, "", 0, true, false, true,
        List.of(put("storages", "main", "{\"path\":\"/srv\"}")), replies.ref()));

    assertEquals(Map.of(nodeName(), List.of("the directory /srv does not exist")),
        replies.expectMessageClass(Committed.class).objections());
  }

  @Test
  void submit_silentNode_isRefused_andOtherChangesAreNotHeldUp() {
    ActorRef<ConfigPrimary.Command> primary = primary();
    submit(primary, "storage", put("storages", "main", "{\"path\":\"/srv\"}"));
    replies.expectMessageClass(Committed.class);
    objections = Optional.empty();
    submit(primary, "listeners", put("storages", "other", "{\"path\":\"/other\"}"));

    submit(primary, "user", put("users", "alice", "{}"));

    assertEquals("user", replies.expectMessageClass(Committed.class).id());
    ConfigPrimary.Refused refused = replies.expectMessageClass(ConfigPrimary.Refused.class, Duration.ofSeconds(10));
    assertEquals("listeners", refused.id());
    assertEquals(Map.of(nodeName(), "it did not answer within 2 s"), refused.refusal().nodes());
  }

  @Test
  void submit_whileAnotherIsPrepared_isComputedAgainAfterwards() {
    ActorRef<ConfigPrimary.Command> primary = primary();
    submit(primary, "storage", put("storages", "main", "{\"path\":\"/srv\"}"));
    replies.expectMessageClass(Committed.class);
    objections = Optional.empty();
    submit(primary, "first", put("storages", "other", "{\"path\":\"/other\"}"));
    primary.tell(new ConfigPrimary.SubmitChange("second", AUTHOR, "", 0, true, false, false, List.of(new Operation(
        Operation.Action.DELETE, "storages", "other", null, Operation.EXISTS)), replies.ref()));
    submit(primary, "user", put("users", "alice", "{}"));
    assertEquals("second", replies.expectMessageClass(ConfigPrimary.Refused.class).id());
    assertEquals("user", replies.expectMessageClass(Committed.class).id());
    submit(primary, "third", put("storages", "other", "{\"path\":\"/third\"}"));

    objections = Optional.of(List.of());

    assertEquals(new Committed("first", 3, List.of("storages/other"), Map.of()),
        replies.expectMessageClass(Committed.class, Duration.ofSeconds(10)));
    assertEquals(new Committed("third", 4, List.of(), Map.of()),
        replies.expectMessageClass(Committed.class, Duration.ofSeconds(10)));
    assertEquals(3, askedFor("third").version(), "the next change is put to the nodes after the one before it is committed");
  }

  @Test
  void submit_sameIdAgain_isMadeOnce_alsoAfterARestart() {
    ActorRef<ConfigPrimary.Command> primary = primary();
    submit(primary, "one", put("storages", "main", "{\"path\":\"/srv\"}"));
    replies.expectMessageClass(Committed.class);
    submit(primary, "one", put("storages", "main", "{\"path\":\"/srv\"}"));
    assertEquals(1, replies.expectMessageClass(Committed.class).version());
    kit.stop(primary);

    ActorRef<ConfigPrimary.Command> next = primary();
    submit(next, "one", put("storages", "main", "{\"path\":\"/srv\"}"));

    assertEquals(1, replies.expectMessageClass(Committed.class).version());
    assertEquals(1, journal.persistedInStorage(ConfigPrimary.PERSISTENCE_ID.id()).size());
  }

  @Test
  void journal_ofLargeChanges_isBoundedInBytes_andARestartHasEverything() {
    ActorRef<ConfigPrimary.Command> primary = primary(Clock.fixed(Instant.EPOCH, ZoneOffset.UTC), 1_000, 64 << 10);
    String id = ConfigPrimary.PERSISTENCE_ID.id();
    submit(primary, "0", put("storages", "main", "{\"path\":\"/srv\"}"));
    replies.expectMessageClass(Committed.class);
    for (int i = 1; i <= 60; i++) {
      submit(primary, "c" + i, put("users", "user-" + i, largeUser()));
      replies.expectMessageClass(Committed.class);
      if (i == 30) {
        kit.stop(primary);
        primary = primary(Clock.fixed(Instant.EPOCH, ZoneOffset.UTC), 1_000, 64 << 10);
      }
    }

    // Each change has 6 KiB and more: a snapshot after eleven at the most.
    replies.awaitAssert(Duration.ofSeconds(10), () -> {
      assertTrue(journal.persistedInStorage(id).size() <= 22, () -> journal.persistedInStorage(id).size() + " events are kept");
      assertTrue(snapshots.persistedInStorage(id).size() <= 2, () -> snapshots.persistedInStorage(id).size() + " snapshots are kept");
      return null;
    });
    assertTrue(snapshots.persistedInStorage(id).size() > 0, "there should be a snapshot");
    kit.stop(primary);
    ActorRef<ConfigPrimary.Command> next = primary();
    submit(next, "c1", put("users", "user-1", "{}"));
    assertEquals(2, replies.expectMessageClass(Committed.class).version());
    submit(next, "last", put("users", "last", "{}"));
    assertEquals(62, replies.expectMessageClass(Committed.class).version());
  }

  @Test
  void journal_ofOneChangeFarOverTheBound_getsASnapshotAtOnce_andKeepsThatOnly() {
    ActorRef<ConfigPrimary.Command> primary = primary(Clock.fixed(Instant.EPOCH, ZoneOffset.UTC), 1_000, 2 << 10);
    String id = ConfigPrimary.PERSISTENCE_ID.id();

    submit(primary, "large", put("users", "large", largeUser()), put("storages", "main", "{\"path\":\"/srv\"}"));

    replies.expectMessageClass(Committed.class);
    replies.awaitAssert(Duration.ofSeconds(10), () -> {
      assertEquals(1, snapshots.persistedInStorage(id).size());
      assertEquals(0, journal.persistedInStorage(id).size());
      return null;
    });
    kit.stop(primary);
    ActorRef<ConfigPrimary.Command> next = primary();
    submit(next, "small", put("users", "small", "{}"));
    assertEquals(2, replies.expectMessageClass(Committed.class).version());
  }

  @Test
  void journal_ofManySmallChanges_isBoundedInEvents() {
    ActorRef<ConfigPrimary.Command> primary = primary(Clock.fixed(Instant.EPOCH, ZoneOffset.UTC), 10, 16 << 20);
    for (int i = 1; i <= 45; i++) {
      submit(primary, "c" + i, put("admins", "a" + i, "{\"role\":\"viewer\"}"));
      replies.expectMessageClass(Committed.class);
    }

    replies.awaitAssert(Duration.ofSeconds(10), () -> {
      assertEquals(15, journal.persistedInStorage(ConfigPrimary.PERSISTENCE_ID.id()).size());
      return null;
    });
  }

  @Test
  void findChange_isKnownForADay_beyondHistory_alsoToTheNextPrimary() {
    MovableClock clock = new MovableClock();
    ActorRef<ConfigPrimary.Command> primary = primary(clock, 5, 16 << 20);
    submit(primary, "first", put("policies", "history", "{\"changes\":1}"));
    replies.expectMessageClass(Committed.class);
    clock.now = clock.now.plus(Duration.ofHours(23));
    for (int i = 2; i <= 7; i++) {
      submit(primary, "c" + i, put("admins", "a" + i, "{\"role\":\"viewer\"}"));
      replies.expectMessageClass(Committed.class);
    }
    assertEquals(1, events.awaitKept(7).changes());
    assertEquals(7, events.awaitKept(7).lookups());
    kit.stop(primary);

    primary = primary(clock, 5, 16 << 20);
    assertEquals(new ConfigPrimary.ChangeFound("first", 1, null), find(primary, "first"));
    submit(primary, "first", put("admins", "again", "{\"role\":\"viewer\"}"));
    assertEquals(1, replies.expectMessageClass(Committed.class).version(), "a repeated request is the same change");
    clock.now = clock.now.plus(Duration.ofHours(2));
    submit(primary, "c8", put("admins", "a8", "{\"role\":\"viewer\"}"));
    assertEquals(8, replies.expectMessageClass(Committed.class).version());

    assertEquals(new ConfigPrimary.ChangeFound("first", 0, null), find(primary, "first"));
    assertEquals(2, find(primary, "c2").version());
  }

  @Test
  void findChange_thatWasRefused_saysWhy_untilItIsTakenAgain() {
    ActorRef<ConfigPrimary.Command> primary = primary();
    submit(primary, "x", put("users", "alice", "{\"home\":{\"storage\":\"none\"}}"));
    String why = replies.expectMessageClass(ConfigPrimary.Refused.class).refusal().detail();
    primary.tell(new ConfigPrimary.SubmitChange("dry", AUTHOR, "", 0, true, true, false,
        List.of(put("users", "alice", "{\"home\":{\"storage\":\"none\"}}")), replies.ref()));
    replies.expectMessageClass(ConfigPrimary.Refused.class);

    assertEquals(new ConfigPrimary.ChangeFound("x", 0, why), find(primary, "x"));
    assertEquals(new ConfigPrimary.ChangeFound("dry", 0, null), find(primary, "dry"));
    objections = Optional.empty();
    submit(primary, "x", put("users", "alice", "{}"), put("storages", "main", "{\"path\":\"/srv\"}"));
    assertEquals(new ConfigPrimary.ChangeFound("x", 0, null), find(primary, "x"), "it is put to the nodes");
    objections = Optional.of(List.of());
    replies.expectMessageClass(Committed.class);
    assertEquals(new ConfigPrimary.ChangeFound("x", 1, null), find(primary, "x"));
  }

  private ConfigPrimary.ChangeFound find(ActorRef<ConfigPrimary.Command> primary, String id) {
    TestProbe<ConfigPrimary.ChangeFound> found = kit.createTestProbe();
    primary.tell(new ConfigPrimary.FindChange(id, found.ref()));
    return found.receiveMessage();
  }

  private static String largeUser() {
    return "{\"publicKeys\":[\"ssh-ed25519 " + "AAAAC3NzaC1lZDI1NTE5".repeat(300) + "\"]}";
  }

  /** Stands still until it is moved. */
  private static final class MovableClock extends Clock {
    private volatile Instant now = Instant.parse("2026-11-24T09:00:00Z");

    @Override
    public Instant instant() {
      return now;
    }

    @Override
    public ZoneId getZone() {
      return ZoneOffset.UTC;
    }

    @Override
    public Clock withZone(ZoneId zone) {
      return this;
    }
  }

  @Test
  void submit_inParts_isOneChange_andLostPartsAreRefused() {
    ActorRef<ConfigPrimary.Command> primary = primary();
    part(primary, "big", 0, false, put("storages", "main", "{\"path\":\"/srv\"}"));
    assertEquals(new ConfigPrimary.PartTaken("big", 0), replies.receiveMessage());
    part(primary, "big", 1, true, put("users", "alice", "{}"));
    assertEquals(1, replies.expectMessageClass(Committed.class).version());

    part(primary, "torn", 0, false, put("users", "bob", "{}"));
    replies.expectMessageClass(ConfigPrimary.PartTaken.class);
    part(primary, "torn", 2, true, put("users", "carol", "{}"));
    replies.expectMessageClass(ConfigPrimary.Busy.class);
    assertEquals(1, journal.persistedInStorage(ConfigPrimary.PERSISTENCE_ID.id()).size());
  }

  @Test
  void fetchChanges_afterTheHistoryBound_sendsToTheSnapshot_whichComesInParts() {
    ActorRef<ConfigPrimary.Command> primary = primary();
    submit(primary, "0", put("storages", "main", "{\"path\":\"/srv\"}"), put("policies", "history", "{\"changes\":3}"));
    replies.expectMessageClass(Committed.class);
    String key = "ssh-ed25519 " + "AAAAC3NzaC1lZDI1NTE5".repeat(300);
    for (int i = 1; i <= 20; i++) {
      submit(primary, "c" + i, put("users", "user-" + i, "{\"publicKeys\":[\"" + key + "\"]}"));
      replies.expectMessageClass(Committed.class);
    }
    TestProbe<ConfigPrimary.ChangesReply> changes = kit.createTestProbe();
    primary.tell(new ConfigPrimary.FetchChanges(2, 0, changes.ref()));
    assertEquals(21, assertInstanceOf(ConfigPrimary.SnapshotNeeded.class, changes.receiveMessage()).headVersion());
    primary.tell(new ConfigPrimary.FetchChanges(19, 0, changes.ref()));
    assertEquals(List.of(20L, 21L), assertInstanceOf(ConfigPrimary.Changes.class, changes.receiveMessage()).parts()
        .stream().map(part -> part.change().version()).toList());

    TestProbe<ConfigPrimary.SnapshotReply> snapshots = kit.createTestProbe();
    List<StoredDocument> documents = new ArrayList<>();
    primary.tell(new ConfigPrimary.FetchSnapshot(0, "", "", snapshots.ref()));
    ConfigPrimary.SnapshotPart part = (ConfigPrimary.SnapshotPart) snapshots.receiveMessage();
    int parts = 1;
    // A change while the snapshot is fetched must not mix into it.
    submit(primary, "late", put("users", "aaa-late", "{}"));
    replies.expectMessageClass(Committed.class);
    documents.addAll(part.documents());
    while (!part.last()) {
      StoredDocument last = documents.getLast();
      primary.tell(new ConfigPrimary.FetchSnapshot(part.version(), last.kind(), last.name(), snapshots.ref()));
      part = (ConfigPrimary.SnapshotPart) snapshots.receiveMessage();
      documents.addAll(part.documents());
      parts++;
    }
    assertTrue(parts > 1, "the snapshot should not fit one message");
    assertEquals(21, part.version());
    assertEquals(part.digest(), ClusterConfig.of(21, documents, CODEC).digest().toString());
  }

  @Test
  void announceHead_everySecond_namesVersionAndDigest() {
    ActorRef<ConfigPrimary.Command> primary = primary();
    submit(primary, "one", put("storages", "main", "{\"path\":\"/srv\"}"));
    replies.expectMessageClass(Committed.class);

    ConfigAnnouncement.ConfigCommitted committed = fishForCommit();
    List<ConfigAnnouncement> heads = published.fishForMessage(Duration.ofSeconds(10), message ->
        message instanceof ConfigAnnouncement.HeadAnnounced && message.version() == 1
            ? org.apache.pekko.actor.testkit.typed.javadsl.FishingOutcomes.complete()
            : org.apache.pekko.actor.testkit.typed.javadsl.FishingOutcomes.continueAndIgnore());
    assertEquals(committed.change().digest(), ((ConfigAnnouncement.HeadAnnounced) heads.getFirst()).digest());
  }

  @Test
  void awaitApplied_completesWhenTheOnlyMemberReported() {
    ActorRef<ConfigPrimary.Command> primary = primary();
    submit(primary, "one", put("storages", "main", "{\"path\":\"/srv\"}"));
    replies.expectMessageClass(Committed.class);
    TestProbe<ConfigPrimary.Applied> applied = kit.createTestProbe();
    primary.tell(new ConfigPrimary.AwaitApplied(1, Duration.ofSeconds(20), applied.ref()));
    applied.expectNoMessage(Duration.ofMillis(50));

    Cluster cluster = Cluster.get(kit.system());
    String address = MemberNames.address(cluster.selfMember());
    primary.tell(new ReplicaReport("node-1", address, 1, "d", false, List.of(), false, "1", 0, Map.of()));

    ConfigPrimary.Applied done = applied.receiveMessage();
    assertTrue(done.complete());
    assertEquals("applied", done.nodes().values().iterator().next().state());
  }

  @Test
  void failedPersist_isNotAcknowledged_andThePrimaryRecovers() {
    ActorRef<ConfigPrimary.Command> primary = primary();
    submit(primary, "one", put("storages", "main", "{\"path\":\"/srv\"}"));
    replies.expectMessageClass(Committed.class);
    journal.failNextPersisted(ConfigPrimary.PERSISTENCE_ID.id());

    submit(primary, "lost", put("users", "alice", "{}"));

    assertEquals(new Committed("two", 2, List.of("users/bob"), Map.of()), commitAfterRecovery(primary, put("users", "bob", "{}")));
  }

  private Committed commitAfterRecovery(ActorRef<ConfigPrimary.Command> primary, Operation operation) {
    return replies.awaitAssert(Duration.ofSeconds(20), () -> {
      submit(primary, "two", operation);
      return replies.expectMessageClass(Committed.class);
    });
  }

  @Test
  void changeThatCertainlyWasNotWritten_isRefused_andSoAreThoseThatComeUntilTheRecovery() {
    ActorRef<ConfigPrimary.Command> primary = primary();
    submit(primary, "one", put("storages", "main", "{\"path\":\"/srv\"}"));
    replies.expectMessageClass(Committed.class);
    journal.withPolicy((id, operation) -> new StorageFailure(new NotWrittenException("no majority", null)));

    submit(primary, "two", put("users", "alice", "{}"));

    assertEquals(new ConfigPrimary.Busy("two", "nothing was changed: no majority"),
        replies.expectMessageClass(ConfigPrimary.Busy.class, Duration.ofSeconds(10)));
    submit(primary, "three", put("users", "alice", "{}"));
    assertEquals("three", replies.expectMessageClass(ConfigPrimary.Busy.class).id());
  }

  /** Their authors were told nothing, or gave up: they must not be surprised by the change when the journal is back. */
  @Test
  void changesThatAreNotWrittenWhenTheJournalFails_areRefused_andNeverMade() {
    ActorRef<ConfigPrimary.Command> primary = primary();
    objections = Optional.empty();
    submit(primary, "put to the nodes", put("storages", "main", "{\"path\":\"/srv\"}"));
    submit(primary, "waits behind it", put("storages", "other", "{\"path\":\"/srv\"}"));
    askedFor("/srv");
    journal.failNextPersisted(ConfigPrimary.PERSISTENCE_ID.id());

    submit(primary, "fails", put("policies", "history", "{}"));
    submit(primary, "behind it", put("users", "carl", "{}"));

    assertEquals(Set.of("put to the nodes", "waits behind it", "behind it"), refused(3));
    objections = Optional.of(List.of());
    assertEquals(1, commitAfterRecovery(primary, put("storages", "third", "{\"path\":\"/srv\"}")).version());
    submit(primary, "three", put("storages", "fourth", "{\"path\":\"/srv\"}"));
    assertEquals(2, replies.expectMessageClass(Committed.class).version());
  }

  @Test
  void stop_isObeyed_whileThePrimaryCannotRecover() {
    ActorRef<ConfigPrimary.Command> deposed = primary();
    submit(deposed, "one", put("storages", "main", "{\"path\":\"/srv\"}"));
    replies.expectMessageClass(Committed.class);
    journal.withPolicy((id, operation) -> new StorageFailure(new FencedException("another writer")));
    submit(deposed, "fenced", put("policies", "history", "{}"));
    replies.expectMessageClass(ConfigPrimary.Busy.class, Duration.ofSeconds(10));
    ActorRef<ConfigPrimary.Command> fresh = primary();

    deposed.tell(new ConfigPrimary.Stop());
    fresh.tell(new ConfigPrimary.Stop());

    replies.expectTerminated(deposed, Duration.ofSeconds(10));
    replies.expectTerminated(fresh, Duration.ofSeconds(10));
  }

  /** The ids of the changes that are told to come again. */
  private Set<String> refused(int count) {
    return replies.receiveSeveralMessages(count, Duration.ofSeconds(10)).stream()
        .map(reply -> ((ConfigPrimary.Busy) reply).id()).collect(Collectors.toSet());
  }

  /** The journal's fence says that nothing was written, and that another primary is there: no answer is left open. */
  @Test
  void fencedPrimary_refusesWhatIsUnderWay_waits_orComesThen_untilItHasRecovered() {
    ActorRef<ConfigPrimary.Command> primary = primary();
    objections = Optional.empty();
    submit(primary, "put to the nodes", put("storages", "main", "{\"path\":\"/srv\"}"));
    submit(primary, "waits behind it", put("storages", "other", "{\"path\":\"/srv\"}"));
    askedFor("/srv");
    FencedException fence = new FencedException("another writer");
    journal.withPolicy((id, operation) -> new StorageFailure(fence));

    submit(primary, "fenced", put("policies", "history", "{}"));

    assertEquals(Set.of("fenced", "put to the nodes", "waits behind it"), refused(3));
    submit(primary, "later", put("policies", "history", "{}"));
    assertEquals("later", replies.expectMessageClass(ConfigPrimary.Busy.class).id());
    primary.tell(new ConfigPrimary.RollBack("back", AUTHOR, "", 1, Operation.ANY, false, false, replies.ref()));
    assertEquals("back", replies.expectMessageClass(ConfigPrimary.Busy.class).id());
    journal.resetPolicy();
    objections = Optional.of(List.of());
    replies.awaitAssert(Duration.ofSeconds(20), () -> {
      submit(primary, "after", put("storages", "main", "{\"path\":\"/srv\"}"));
      assertEquals(1, replies.expectMessageClass(Committed.class).version());
      return null;
    });
  }

  private static final long SECOND_LINEAGE = 1_000;

  /** What the journal holds when the cluster is recovered. */
  private ClusterConfig formerLineage() {
    ActorRef<ConfigPrimary.Command> former = primary();
    List<Operation> operations = List.of(put("storages", "main", "{\"path\":\"/srv\"}"));
    submit(former, "one", operations.getFirst());
    replies.expectMessageClass(Committed.class);
    journal.expectNextPersistedClass(ConfigPrimary.PERSISTENCE_ID.id(), ConfigChanged.class);
    kit.stop(former);
    published = kit.createTestProbe();
    return ConfigExamples.commit(ClusterConfig.EMPTY, operations);
  }

  @Test
  void lineage_beginsWithAVersionOfItsOwn_beforeAnythingIsAnnounced() {
    ClusterConfig journaled = formerLineage();

    ActorRef<ConfigPrimary.Command> primary = primary(SECOND_LINEAGE, ClusterConfig.EMPTY);

    ConfigChanged begun = journal.expectNextPersistedClass(ConfigPrimary.PERSISTENCE_ID.id(), ConfigChanged.class);
    assertEquals(new ConfigChanged.LineageBegun(1, 1), begun.lineage());
    assertEquals(SECOND_LINEAGE, begun.version());
    assertEquals(List.of(), begun.changes());
    assertEquals(journaled.digest().toString(), begun.digest());
    assertTrue(published.receiveMessage(Duration.ofSeconds(10)).version() >= SECOND_LINEAGE);
    submit(primary, "two", put("users", "bob", "{}"));
    assertEquals(SECOND_LINEAGE + 1, replies.expectMessageClass(Committed.class, Duration.ofSeconds(10)).version());
    kit.stop(primary);

    ActorRef<ConfigPrimary.Command> next = primary(SECOND_LINEAGE, ClusterConfig.EMPTY);
    submit(next, "three", put("users", "carl", "{}"));
    assertEquals(SECOND_LINEAGE + 2, replies.expectMessageClass(Committed.class, Duration.ofSeconds(10)).version(),
        "it begins once");
  }

  @Test
  void lineage_whoseJournalIsBehindItsNode_beginsWithWhatTheNodeHasApplied() {
    ClusterConfig ahead = ConfigExamples.commit(formerLineage(), List.of(put("users", "alice", "{}")));

    ActorRef<ConfigPrimary.Command> primary = primary(SECOND_LINEAGE, ahead);

    ConfigChanged begun = journal.expectNextPersistedClass(ConfigPrimary.PERSISTENCE_ID.id(), ConfigChanged.class);
    assertEquals(new ConfigChanged.LineageBegun(1, 2), begun.lineage());
    assertEquals(List.of("users/alice"), begun.changes().stream().map(one -> one.kind() + "/" + one.name()).toList());
    kit.stop(primary);
  }

  @Test
  void lineage_ofWhichNothingIsKnown_isNotBegun_untilSomethingIs() {
    AtomicReference<ClusterConfig> known = new AtomicReference<>(ClusterConfig.EMPTY);
    ActorRef<ConfigPrimary.Command> primary =
        primary(Clock.fixed(Instant.EPOCH, ZoneOffset.UTC), 1_000, 16 << 20, SECOND_LINEAGE, known::get);
    submit(primary, "one", put("users", "bob", "{}"));
    replies.expectMessageClass(ConfigPrimary.Busy.class, Duration.ofSeconds(10));

    known.set(ConfigExamples.commit(ClusterConfig.EMPTY, List.of(put("storages", "main", "{\"path\":\"/srv\"}"))));

    assertEquals(SECOND_LINEAGE, published.receiveMessage(Duration.ofSeconds(20)).version(), "nothing is announced before");
    ConfigChanged begun = journal.expectNextPersistedClass(ConfigPrimary.PERSISTENCE_ID.id(), ConfigChanged.class);
    assertTrue(begun.lineage() != null, "nothing is committed before");
    kit.stop(primary);
  }

  private ActorRef<ConfigPrimary.Command> primary() {
    return primary(0, ClusterConfig.EMPTY);
  }

  private ActorRef<ConfigPrimary.Command> primary(long firstVersion, ClusterConfig known) {
    return primary(Clock.fixed(Instant.EPOCH, ZoneOffset.UTC), 1_000, 16 << 20, firstVersion, () -> known);
  }

  private ActorRef<ConfigPrimary.Command> primary(Clock clock, int snapshotEvery, long snapshotBytes) {
    return primary(clock, snapshotEvery, snapshotBytes, 0, () -> ClusterConfig.EMPTY);
  }

  private ActorRef<ConfigPrimary.Command> primary(
      Clock clock, int snapshotEvery, long snapshotBytes, long firstVersion, Supplier<ClusterConfig> known) {
    ActorRef<Topic.Command<ConfigAnnouncement>> topic =
        kit.spawn(Topic.create(ConfigAnnouncement.class, "configuration-" + System.nanoTime()));
    topic.tell(Topic.subscribe(published.ref()));
    topic.tell(Topic.subscribe(kit.<ConfigAnnouncement>spawn(Behaviors.receiveMessage(this::answerAsNode))));
    ActorRef<ConfigPrimary.Command> primary = kit.spawn(ConfigPrimary.create(CODEC, () -> 7L, events, clock,
        new ConfigPrimary.Settings(Duration.ofMillis(200), snapshotEvery, snapshotBytes, topic, firstVersion, known)));
    primaries.add(primary);
    return primary;
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

  private void part(
      ActorRef<ConfigPrimary.Command> primary, String id, int index, boolean last, Operation operation) {
    primary.tell(new ConfigPrimary.SubmitChange(
        id, AUTHOR, "", index, last, false, false, List.of(operation), replies.ref()));
  }

  /** The question that was put to the nodes about the change that sets a path. */
  private ConfigAnnouncement.PrepareRequested askedFor(String path) {
    return (ConfigAnnouncement.PrepareRequested) published.fishForMessage(Duration.ofSeconds(10), message ->
        message instanceof ConfigAnnouncement.PrepareRequested asked && asked.changes().stream()
            .anyMatch(change -> new String(change.after(), java.nio.charset.StandardCharsets.UTF_8).contains(path))
            ? org.apache.pekko.actor.testkit.typed.javadsl.FishingOutcomes.complete()
            : org.apache.pekko.actor.testkit.typed.javadsl.FishingOutcomes.continueAndIgnore()).getFirst();
  }

  private ConfigAnnouncement.ConfigCommitted fishForCommit() {
    return (ConfigAnnouncement.ConfigCommitted) published.fishForMessage(Duration.ofSeconds(10), message ->
        message instanceof ConfigAnnouncement.ConfigCommitted
            ? org.apache.pekko.actor.testkit.typed.javadsl.FishingOutcomes.complete()
            : org.apache.pekko.actor.testkit.typed.javadsl.FishingOutcomes.continueAndIgnore()).getFirst();
  }
}
