package io.flotilla.config.cluster;

import static io.flotilla.config.model.ConfigExamples.AUTHOR;
import static io.flotilla.config.model.ConfigExamples.CODEC;
import static io.flotilla.config.model.ConfigExamples.put;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.typesafe.config.ConfigFactory;
import io.flotilla.config.cluster.ConfigPrimary.SubmitReply;
import io.flotilla.config.model.ClusterConfig;
import io.flotilla.config.model.Operation;
import io.flotilla.journal.raft.JournalReply.VoterStorage;
import io.flotilla.journal.raft.LocalAnswer;
import io.flotilla.journal.raft.QuorumSettings;
import io.flotilla.journal.raft.RaftJournalExtension;
import io.flotilla.journal.raft.RaftQuorum;
import io.flotilla.journal.raft.RaftQuorumSetup;
import io.flotilla.journal.raft.RaftSettings;
import io.flotilla.journal.raft.RaftVoter;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.List;
import java.util.UUID;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.apache.pekko.actor.BootstrapSetup;
import org.apache.pekko.actor.setup.ActorSystemSetup;
import org.apache.pekko.actor.testkit.typed.javadsl.ActorTestKit;
import org.apache.pekko.actor.testkit.typed.javadsl.TestProbe;
import org.apache.pekko.actor.typed.ActorRef;
import org.apache.pekko.actor.typed.ActorSystem;
import org.apache.pekko.actor.typed.javadsl.Behaviors;
import org.apache.pekko.actor.typed.pubsub.Topic;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The primary on the real embedded journal: what stays of many large changes, in the voter and on its disk. */
@Timeout(240)
class JournalBoundsTest {
  private static final Duration SOON = Duration.ofSeconds(30);
  private static final int CHANGES = 200;
  private static final long SNAPSHOT_BYTES = 2 << 20;
  private static final String ID = ConfigPrimary.PERSISTENCE_ID.id();

  @TempDir private Path directory;
  private ActorTestKit kit;
  private TestProbe<SubmitReply> replies;

  @Test
  void twoHundredLargeChanges_leaveLittle_andARestartHasThemAll() throws IOException {
    RaftSettings settings = RaftSettings.of(directory, "127.0.0.1", 0).withSnapshotBytes(2 << 20);
    try (RaftVoter voter = RaftVoter.found(settings, UUID.randomUUID(), LocalAnswer.NONE);
        RaftQuorum quorum = RaftQuorum.of(voter, QuorumSettings.DEFAULTS)) {
      ActorRef<ConfigPrimary.Command> primary = start(quorum);
      commit(primary, 1, Stream.of(put("policies", "history", "{\"changes\":10}"), put("storages", "main", "{\"path\":\"/srv\"}")));
      for (int version = 2; version <= CHANGES; version++) {
        commit(primary, version, large(version));
      }

      replies.awaitAssert(SOON, () -> {
        VoterStorage storage = voter.storage(ID);
        // Each change takes about 200 KiB, before and after together: two rounds of twelve are kept at the most.
        assertTrue(storage.journal().events() <= 26, storage::toString);
        assertTrue(storage.journal().eventBytes() <= 2 * SNAPSHOT_BYTES + (1 << 20), storage::toString);
        assertEquals(2, storage.journal().snapshots(), storage::toString);
        assertTrue(storage.journal().snapshotBytes() < 8 << 20, storage::toString);
        // Some 80 MiB went through it. Two segments of 8 MiB, and as much as the voter holds.
        assertTrue(storage.logBytes() < 30 << 20, storage::toString);
        assertTrue(storage.snapshotBytes() < 30 << 20, storage::toString);
        return null;
      });
      kit.shutdownTestKit();
    }
    try (RaftVoter voter = RaftVoter.open(settings, LocalAnswer.NONE);
        RaftQuorum quorum = RaftQuorum.of(voter, QuorumSettings.DEFAULTS)) {
      ActorRef<ConfigPrimary.Command> primary = start(quorum);
      TestProbe<ConfigPrimary.History> history = kit.createTestProbe();
      primary.tell(new ConfigPrimary.FetchHistory(Long.MAX_VALUE, 100, history.ref()));
      assertEquals(CHANGES, history.receiveMessage(SOON).headVersion());
      TestProbe<ConfigPrimary.ChangeFound> found = kit.createTestProbe();
      primary.tell(new ConfigPrimary.FindChange("change-2", found.ref()));
      assertEquals(2, found.receiveMessage(SOON).version());
      commit(primary, CHANGES + 1, large(CHANGES + 1));
      kit.shutdownTestKit();
    }
  }

  private ActorRef<ConfigPrimary.Command> start(RaftQuorum quorum) {
    kit = ActorTestKit.create(ActorSystem.create(Behaviors.empty(), "bounds", ActorSystemSetup.create(
        BootstrapSetup.create(ConfigFactory.parseString("""
            pekko.actor.provider = cluster
            pekko.actor.allow-java-serialization = off
            pekko.remote.artery.canonical { hostname = 127.0.0.1, port = 0 }
            pekko.cluster.jmx.multi-mbeans-in-same-jvm = on
            pekko.coordinated-shutdown.run-by-jvm-shutdown-hook = off
            """).withFallback(ConfigFactory.load())),
        new RaftQuorumSetup(quorum))));
    replies = kit.createTestProbe();
    ActorRef<Topic.Command<ConfigAnnouncement>> topic = kit.spawn(Topic.create(ConfigAnnouncement.class, "configuration"));
    return kit.spawn(ConfigPrimary.create(CODEC, () -> RaftJournalExtension.get(kit.system()).epoch(ID), new RecordingEvents(),
        Clock.systemUTC(), new ConfigPrimary.Settings(
            Duration.ofSeconds(1), 1_000, SNAPSHOT_BYTES, topic, 0, () -> ClusterConfig.EMPTY)));
  }

  private void commit(ActorRef<ConfigPrimary.Command> primary, long version, Stream<Operation> operations) {
    primary.tell(new ConfigPrimary.SubmitChange(
        "change-" + version, AUTHOR, "", 0, true, false, false, operations.toList(), replies.ref()));
    assertEquals(version, replies.expectMessageClass(ConfigPrimary.Committed.class, SOON).version());
  }

  /** Three users of 32 KiB, other ones than before. */
  private static Stream<Operation> large(int version) {
    String key = "ssh-ed25519 " + "AAAAC3NzaC1lZDI1NTE5".repeat(400);
    String keys = String.join("\",\"", List.of(key + " a" + version, key + " b", key + " c", key + " d"));
    return IntStream.range(0, 3).mapToObj(i -> put("users", "user-" + i, "{\"publicKeys\":[\"" + keys + "\"]}"));
  }
}
