package io.flotilla.config.cluster;

import static io.flotilla.config.model.ConfigExamples.CODEC;
import static io.flotilla.config.model.ConfigExamples.event;
import static io.flotilla.config.model.ConfigExamples.initial;
import static io.flotilla.config.model.ConfigExamples.put;
import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertEquals;

import io.flotilla.config.event.ConfigChanged;
import io.flotilla.config.event.EntityChange;
import io.flotilla.config.model.ClusterConfig;
import io.flotilla.config.model.ConfigDelta;
import io.flotilla.config.model.ConfigExamples;
import io.flotilla.config.model.Kind;
import io.flotilla.config.model.Operation;
import io.flotilla.config.model.StoredEntity;
import io.flotilla.config.model.User;
import io.flotilla.config.view.BootCache;
import io.flotilla.config.view.ConfigListener;
import io.flotilla.config.view.ConfigView;
import io.flotilla.config.view.LiveConfig;
import io.flotilla.config.view.NodeIdentity;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.apache.pekko.actor.testkit.typed.javadsl.ActorTestKit;
import org.apache.pekko.actor.testkit.typed.javadsl.FishingOutcomes;
import org.apache.pekko.actor.testkit.typed.javadsl.LoggingTestKit;
import org.apache.pekko.actor.testkit.typed.javadsl.TestProbe;
import org.apache.pekko.actor.typed.ActorRef;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The test plays the primary: it announces, or does not, and answers what the replica asks. */
class ConfigReplicaTest {
  private static final ActorTestKit kit = ActorTestKit.create();
  private static final Duration SOON = Duration.ofSeconds(10);

  @TempDir private Path directory;
  private final RecordingEvents events = new RecordingEvents();
  private LiveConfig live;
  private TestProbe<ConfigPrimary.Command> primary;
  private ActorRef<ConfigReplica.Command> replica;
  private final List<ConfigChanged> committed = new ArrayList<>();
  private ClusterConfig head = initial();

  @AfterAll
  static void stop() {
    kit.shutdownTestKit();
  }

  @BeforeEach
  void start() throws IOException {
    NodeIdentity node = new NodeIdentity(UUID.randomUUID(), "node-1", "127.0.0.1", Set.of("gateway"));
    live = new LiveConfig(node, new BootCache(directory.resolve("boot-cache"), CODEC));
    primary = kit.createTestProbe();
    replica = kit.spawn(ConfigReplica.create(live, CODEC, primary.ref(), (catchingUp, config) ->
        new ReplicaReport("node-1", "127.0.0.1:1", config.view().config().version(),
            config.view().config().digest().toString(), catchingUp, config.problems(), false, "1", 0, Map.of()),
        status -> { }, events));
  }

  @AfterEach
  void close() throws IOException {
    kit.stop(replica);
    live.close();
  }

  @Test
  void emptyReplica_hearingAHead_takesASnapshotInParts() {
    announceHead(3);
    answerWithSnapshotNeeded();
    answerSnapshotInTwoParts();

    awaitVersion(1);
    assertEquals(head.digest(), live.view().config().digest());
    await().atMost(SOON).until(() -> events.told.contains("caught up 0 1"));
  }

  @Test
  void replicaAheadOfARecoveredCluster_takesItsConfiguration_andSaysWhatIsLost() {
    bringTo(head);
    ClusterConfig kept = head;
    ConfigChanged lost = commit(put("users", "alice", "{}"));
    replica.tell(new ConfigAnnouncement.ConfigCommitted(1, lost.version(), lost));
    awaitVersion(2);
    head = ClusterConfig.of(1_000_000_000, kept.entities().values().stream().map(StoredEntity::toDocument).toList(), CODEC);

    LoggingTestKit.error("").withMessageRegex(".*from its version 1, but this node had applied version 2:.*differ: users/alice")
        .expect(kit.system(), () -> {
          announceHead(1);
          ConfigPrimary.FetchChanges fetch = next(ConfigPrimary.FetchChanges.class);
          fetch.replyTo().tell(new ConfigPrimary.SnapshotNeeded(1, head.version(), 1));
          answerSnapshotInTwoParts();
          awaitVersion(1_000_000_000);
          return null;
        });

    assertEquals(kept.digest(), live.view().config().digest());
  }

  @Test
  void replicaAtTheLastVersionKept_followsIntoTheNextLineage() {
    bringTo(head);
    ConfigChanged begun = new ConfigChanged(1_000_000_000, "lineage", Instant.EPOCH, ConfigExamples.AUTHOR, "", List.of(),
        head.digest().toString(), new ConfigChanged.LineageBegun(1, 1), Map.of());

    replica.tell(new ConfigAnnouncement.ConfigCommitted(1, begun.version(), begun));

    awaitVersion(1_000_000_000);
  }

  @Test
  void publishedChange_thatFollows_isAppliedAndReported() {
    bringTo(head);
    ConfigChanged change = commit(put("users", "alice", "{}"));

    replica.tell(new ConfigAnnouncement.ConfigCommitted(1, change.version(), change));

    awaitVersion(2);
    ReplicaReport report = (ReplicaReport) primary.fishForMessage(SOON, message ->
        message instanceof ReplicaReport r && r.version() == 2
            ? FishingOutcomes.complete() : FishingOutcomes.continueAndIgnore()).getFirst();
    assertEquals(head.digest().toString(), report.digest());
  }

  @Test
  void publicationThatNeverArrives_isRepairedByTheHeadAlone() {
    bringTo(head);
    commit(put("users", "alice", "{}"));
    commit(put("users", "bob", "{}"));

    announceHead(1);
    answerChanges();

    awaitVersion(3);
    assertEquals(head.digest(), live.view().config().digest());
  }

  @Test
  void gap_isFilledBeforeTheNewChangeCounts() {
    bringTo(head);
    commit(put("users", "lost", "{}"));
    ConfigChanged second = commit(put("users", "bob", "{}"));

    replica.tell(new ConfigAnnouncement.ConfigCommitted(1, second.version(), second));
    answerChanges();

    awaitVersion(3);
    assertEquals(Set.of("lost", "bob"), Set.copyOf(
        live.view().config().ofKind(Kind.USERS).stream().map(user -> user.key().name()).toList()));
  }

  @Test
  void changeTooLargeForAMessage_isFetchedInParts() {
    bringTo(head);
    commit(put("users", "a", "{}"), put("users", "b", "{}"), put("users", "c", "{}"));

    replica.tell(new ConfigAnnouncement.ConfigCommitted(1, 2, null));
    for (int i = 0; i < 3; i++) {
      ConfigPrimary.FetchChanges fetch = next(ConfigPrimary.FetchChanges.class);
      assertEquals(i, fetch.fromEntity());
      assertEquals(1, live.view().config().version());
      fetch.replyTo().tell(new ConfigPrimary.Changes(1, List.of(
          ConfigPrimary.part(committed.getFirst(), fetch.fromEntity(), 1))));
    }

    awaitVersion(2);
  }

  @Test
  void olderEpoch_isIgnored() {
    bringTo(head);
    ConfigChanged mine = commit(put("users", "alice", "{}"));
    announceHead(5);
    answerChanges();
    awaitVersion(2);
    ConfigChanged stale = event(live.view().config(), List.of(put("users", "mallory", "{}")));

    replica.tell(new ConfigAnnouncement.ConfigCommitted(4, 3, stale));
    ConfigChanged next = commit(put("users", "bob", "{}"));
    replica.tell(new ConfigAnnouncement.ConfigCommitted(5, 3, next));

    awaitVersion(3);
    assertEquals(2, mine.version());
    assertEquals(java.util.Optional.empty(), live.view().config().find(Kind.USERS, "mallory", User.class));
  }

  @Test
  void headThatAChangeHasOvertaken_isNoOtherHistory() {
    bringTo(head);
    ClusterConfig before = head;
    ConfigChanged change = commit(put("users", "alice", "{}"));
    replica.tell(new ConfigAnnouncement.ConfigCommitted(2, 2, change));
    awaitVersion(2);

    LoggingTestKit.error("This node holds").withOccurrences(0).expect(kit.system(), () -> {
      replica.tell(new ConfigAnnouncement.HeadAnnounced(2, before.version(), before.digest().toString()));
      replica.tell(new ConfigAnnouncement.ConfigCommitted(2, 3, commit(put("users", "bob", "{}"))));
      awaitVersion(3);
      return null;
    });
  }

  @Test
  void sameVersionWithAnotherDigest_isReplacedByThePrimarys() {
    bringTo(head);
    ClusterConfig forked = initial();
    ClusterConfig theirs = new ForkedConfig().of(forked);
    head = theirs;

    announceHead(2);
    answerSnapshotInTwoParts();

    await().atMost(SOON).until(() -> live.view().config().digest().equals(theirs.digest()));
  }

  @Test
  void unansweredFetch_isRepeatedAtTheNextHead() {
    bringTo(head);
    commit(put("users", "alice", "{}"));
    announceHead(1);
    next(ConfigPrimary.FetchChanges.class);

    // The replica gives the first fetch up after its time; heads that come meanwhile only move the goal.
    await().atMost(Duration.ofSeconds(20)).pollInterval(Duration.ofMillis(200)).until(() -> {
      announceHead(1);
      return answerIfAsked();
    });

    awaitVersion(2);
  }

  @Test
  void listenerWithAProblem_makesTheReportDegraded_andDoesNotHoldUpTheNextVersion() {
    bringTo(head);
    live.add(sour()).toCompletableFuture().join();
    ConfigChanged change = commit(put("users", "alice", "{}"));

    replica.tell(new ConfigAnnouncement.ConfigCommitted(1, change.version(), change));

    awaitVersion(2);
    await().atMost(SOON).until(() -> events.told.contains("degraded 2 [port 22 is in use]"));
  }

  @Test
  void versionThatAListenerIsBusyWith_isNotReportedAsApplied() throws Exception {
    bringTo(head);
    CountDownLatch goOn = new CountDownLatch(1);
    live.add(new ConfigListener() {
      @Override
      public String name() {
        return "slow";
      }

      @Override
      public List<String> apply(ConfigDelta delta, ConfigView view) {
        try {
          return view.config().version() < 2 || goOn.await(30, TimeUnit.SECONDS) ? List.of() : List.of("nobody let it go on");
        } catch (InterruptedException e) {
          throw new IllegalStateException(e);
        }
      }

      @Override
      public List<String> check(ConfigDelta delta, ConfigView next) {
        return List.of();
      }
    }).toCompletableFuture().join();
    ConfigChanged change = commit(put("users", "alice", "{}"));
    replica.tell(new ConfigAnnouncement.ConfigCommitted(1, change.version(), change));
    awaitVersion(2);

    // It reports every second.
    assertThrows(AssertionError.class, () -> reportOf(2, Duration.ofMillis(1500)));
    goOn.countDown();
    reportOf(2, SOON);
  }

  private void reportOf(long version, Duration most) {
    primary.fishForMessage(most, message -> message instanceof ReplicaReport report && report.version() == version
        ? FishingOutcomes.complete() : FishingOutcomes.continueAndIgnore());
  }

  @Test
  void prepareRequested_isAnsweredWithTheListenersObjections_andChangesNothing() {
    bringTo(head);
    live.add(sour()).toCompletableFuture().join();
    TestProbe<ConfigPrimary.Command> asking = kit.createTestProbe();

    replica.tell(prepare(1, 7, 0, 1, asking, change("listeners", "sftp", "{\"protocol\":\"sftp\",\"port\":22}")));

    ConfigPrimary.NodePrepared answer = asking.expectMessageClass(ConfigPrimary.NodePrepared.class);
    assertEquals(new ConfigPrimary.NodePrepared(7, "node-1", "127.0.0.1:1", List.of("no room for sftp")), answer);
    assertEquals(1, live.view().config().version());
    replica.tell(prepare(1, 7, 0, 1, asking, change("listeners", "sftp", "{\"protocol\":\"sftp\",\"port\":22}")));
    assertEquals(answer, asking.receiveMessage(), "a question that comes again gets the same answer");
    replica.tell(prepare(1, 8, 0, 1, asking, change("storages", "other", "{\"path\":\"/srv\"}")));
    assertEquals(List.of(), asking.expectMessageClass(ConfigPrimary.NodePrepared.class).objections());
  }

  @Test
  void prepareRequested_inParts_forAVersionNotThereYet_isAnsweredWhenBothAreComplete() {
    bringTo(head);
    live.add(sour()).toCompletableFuture().join();
    ConfigChanged late = commit(put("users", "alice", "{}"));
    TestProbe<ConfigPrimary.Command> asking = kit.createTestProbe();
    EntityChange one = change("listeners", "one", "{\"protocol\":\"sftp\",\"port\":22}");
    EntityChange two = change("listeners", "two", "{\"protocol\":\"sftp\",\"port\":23}");

    replica.tell(prepare(2, 1, 1, 2, asking, two));
    answerChanges();
    awaitVersion(late.version());
    asking.expectNoMessage(Duration.ofMillis(50));
    replica.tell(prepare(2, 1, 0, 2, asking, one));

    assertEquals(List.of("no room for one", "no room for two"),
        asking.expectMessageClass(ConfigPrimary.NodePrepared.class).objections());
  }

  @Test
  void prepareRequested_withManyObjections_isAnsweredByAFew_soThatAllNodesFitAMessage() {
    bringTo(head);
    live.add(sour()).toCompletableFuture().join();
    TestProbe<ConfigPrimary.Command> asking = kit.createTestProbe();
    List<EntityChange> changes = new ArrayList<>();
    for (int i = 0; i < 15; i++) {
      changes.add(change("listeners", "long-" + i + "x".repeat(100), "{\"protocol\":\"sftp\",\"port\":" + (i + 1) + "}"));
    }

    replica.tell(new ConfigAnnouncement.PrepareRequested(1, 1, 1, 0, 1, changes, asking.ref()));

    List<String> objections = asking.expectMessageClass(ConfigPrimary.NodePrepared.class).objections();
    assertEquals(PrepareInbox.MAX_OBJECTIONS + 1, objections.size());
    assertEquals("and 5 more", objections.getLast());
  }

  private ConfigAnnouncement.PrepareRequested prepare(
      long version, long round, int part, int parts, TestProbe<ConfigPrimary.Command> asking, EntityChange change) {
    return new ConfigAnnouncement.PrepareRequested(1, version, round, part, parts, List.of(change), asking.ref());
  }

  private static EntityChange change(String kind, String name, String json) {
    return new EntityChange(kind, name, 0, null, json.getBytes(StandardCharsets.UTF_8));
  }

  private static ConfigListener sour() {
    return new ConfigListener() {
      @Override
      public String name() {
        return "sour";
      }

      @Override
      public List<String> apply(ConfigDelta delta, ConfigView view) {
        return List.of("port 22 is in use");
      }

      @Override
      public List<String> check(ConfigDelta delta, ConfigView next) {
        return delta.names(Kind.LISTENERS).stream().sorted().map(listener -> "no room for " + listener).toList();
      }
    };
  }

  /** Another history that leads to the same version. */
  private static final class ForkedConfig {
    ClusterConfig of(ClusterConfig other) {
      List<io.flotilla.config.event.StoredDocument> documents = new ArrayList<>(
          other.entities().values().stream().map(StoredEntity::toDocument).toList());
      documents.add(new io.flotilla.config.event.StoredDocument(
          "users", "theirs", 1, "{}".getBytes(java.nio.charset.StandardCharsets.UTF_8)));
      return ClusterConfig.of(other.version(), documents, CODEC);
    }
  }

  private void bringTo(ClusterConfig config) {
    head = config;
    announceHead(1);
    answerWithSnapshotNeeded();
    answerSnapshotInTwoParts();
    awaitVersion(config.version());
  }

  private ConfigChanged commit(Operation... operations) {
    ConfigChanged change = event(head, List.of(operations));
    head = head.apply(change, CODEC);
    committed.add(change);
    return change;
  }

  private void announceHead(long epoch) {
    replica.tell(new ConfigAnnouncement.HeadAnnounced(epoch, head.version(), head.digest().toString()));
  }

  private void answerWithSnapshotNeeded() {
    ConfigPrimary.FetchChanges fetch = next(ConfigPrimary.FetchChanges.class);
    fetch.replyTo().tell(new ConfigPrimary.SnapshotNeeded(1, head.version(), 0));
  }

  private void answerChanges() {
    reply(next(ConfigPrimary.FetchChanges.class));
  }

  private boolean answerIfAsked() {
    List<ConfigPrimary.FetchChanges> asked = new ArrayList<>();
    try {
      asked.add((ConfigPrimary.FetchChanges) primary.fishForMessage(Duration.ofMillis(300), message ->
          message instanceof ConfigPrimary.FetchChanges
              ? FishingOutcomes.complete() : FishingOutcomes.continueAndIgnore()).getFirst());
    } catch (AssertionError nothing) {
      return false;
    }
    asked.forEach(this::reply);
    return true;
  }

  private void reply(ConfigPrimary.FetchChanges fetch) {
    List<ConfigPrimary.ChangePart> parts = committed.stream()
        .filter(change -> change.version() > fetch.sinceVersion())
        .map(change -> new ConfigPrimary.ChangePart(change, 0, true)).toList();
    fetch.replyTo().tell(new ConfigPrimary.Changes(1, parts));
  }

  private void answerSnapshotInTwoParts() {
    var documents = head.entities().values().stream().map(StoredEntity::toDocument).toList();
    int half = documents.size() / 2;
    ConfigPrimary.FetchSnapshot first = next(ConfigPrimary.FetchSnapshot.class);
    first.replyTo().tell(new ConfigPrimary.SnapshotPart(
        1, head.version(), head.digest().toString(), documents.subList(0, half), false));
    ConfigPrimary.FetchSnapshot second = next(ConfigPrimary.FetchSnapshot.class);
    assertEquals(documents.get(half - 1).name(), second.afterName());
    second.replyTo().tell(new ConfigPrimary.SnapshotPart(
        1, head.version(), head.digest().toString(), documents.subList(half, documents.size()), true));
  }

  private <T extends ConfigPrimary.Command> T next(Class<T> type) {
    return type.cast(primary.fishForMessage(SOON, message ->
        type.isInstance(message) ? FishingOutcomes.complete() : FishingOutcomes.continueAndIgnore()).getFirst());
  }

  private void awaitVersion(long version) {
    await().atMost(SOON).until(() -> live.view().config().version() == version);
  }
}
