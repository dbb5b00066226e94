package io.flotilla.journal.raft;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.typesafe.config.Config;
import com.typesafe.config.ConfigFactory;
import io.flotilla.config.event.CborSerializable;
import io.flotilla.persistence.FencedException;
import java.io.NotSerializableException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import org.apache.pekko.actor.ActorRef;
import org.apache.pekko.actor.ActorSystem;
import org.apache.pekko.persistence.AtomicWrite;
import org.apache.pekko.persistence.DeleteMessagesSuccess;
import org.apache.pekko.persistence.DeleteSnapshotsSuccess;
import org.apache.pekko.persistence.JournalProtocol;
import org.apache.pekko.persistence.Persistence;
import org.apache.pekko.persistence.PersistentEnvelope;
import org.apache.pekko.persistence.PersistentRepr;
import org.apache.pekko.persistence.SaveSnapshotSuccess;
import org.apache.pekko.persistence.SelectedSnapshot;
import org.apache.pekko.persistence.SnapshotMetadata;
import org.apache.pekko.persistence.SnapshotProtocol;
import org.apache.pekko.persistence.SnapshotSelectionCriteria;
import org.apache.pekko.testkit.javadsl.TestKit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import scala.jdk.javaapi.CollectionConverters;
import scala.jdk.javaapi.DurationConverters;
import scala.jdk.javaapi.OptionConverters;

/** Both plugins as Pekko Persistence speaks to them, from configuration alone: what its contract asks of them. */
@Timeout(120)
class RaftPluginsTest {
    private static final Duration PATIENCE = Duration.ofSeconds(30);
    private static final String ID = "p";

    /** A payload in the format that everything of ours has. */
    private record Page(String text) implements CborSerializable {}

    private static final class CannotBeSerialized {}

    /** An actor system that has the plugins as its default ones, and what speaks to them. */
    private static final class Plugins implements AutoCloseable {
        private final ActorSystem system;
        private final TestKit asker;
        private final ActorRef journal;
        private final ActorRef snapshots;

        Plugins(Path directory) {
            Config config = ConfigFactory.parseMap(Map.of(
                    "flotilla.data-directory", directory.toString(),
                    "pekko.persistence.journal.plugin", "flotilla.journal.raft",
                    "pekko.persistence.snapshot-store.plugin", "flotilla.snapshot-store.raft",
                    "pekko.loglevel", "WARNING",
                    "pekko.actor.allow-java-serialization", "off"));
            system = ActorSystem.create("plugins", config.withFallback(ConfigFactory.load()));
            asker = new TestKit(system);
            journal = Persistence.get(system).journalFor("", ConfigFactory.empty());
            snapshots = Persistence.get(system).snapshotStoreFor("", ConfigFactory.empty());
        }

        /** @return of each event, in order: empty if it was written, or why it was rejected; or the failure of all */
        List<Optional<Throwable>> write(List<AtomicWrite> writes) {
            journal.tell(new JournalProtocol.WriteMessages(
                    CollectionConverters.asScala(List.<PersistentEnvelope>copyOf(writes)).toList(), asker.getRef(), 1), asker.getRef());
            Object first = asker.receiveOne(PATIENCE);
            List<Optional<Throwable>> results = new ArrayList<>();
            for (int events = writes.stream().mapToInt(AtomicWrite::size).sum(); events > 0; events--) {
                results.add(switch (asker.receiveOne(PATIENCE)) {
                    case JournalProtocol.WriteMessageSuccess _ -> Optional.empty();
                    case JournalProtocol.WriteMessageRejected rejected -> Optional.of(rejected.cause());
                    case JournalProtocol.WriteMessageFailure failure -> Optional.of(failure.cause());
                    case Object other -> throw new AssertionError(other);
                });
            }
            assertTrue(first == JournalProtocol.WriteMessagesSuccessful$.MODULE$ || first instanceof JournalProtocol.WriteMessagesFailed,
                    first.toString());
            return results;
        }

        void writeAll(AtomicWrite... writes) {
            assertTrue(write(List.of(writes)).stream().allMatch(Optional::isEmpty));
        }

        Replayed replay(long from, long to, long max) {
            journal.tell(new JournalProtocol.ReplayMessages(from, to, max, ID, asker.getRef()), asker.getRef());
            List<PersistentRepr> events = new ArrayList<>();
            while (true) {
                switch (asker.receiveOne(PATIENCE)) {
                    case JournalProtocol.ReplayedMessage replayed -> events.add(replayed.persistent());
                    case JournalProtocol.RecoverySuccess done -> {
                        return new Replayed(events, done.highestSequenceNr());
                    }
                    case Object other -> throw new AssertionError(other);
                }
            }
        }

        Replayed replayAll() {
            return replay(0, Long.MAX_VALUE, Long.MAX_VALUE);
        }

        void deleteTo(long number) {
            journal.tell(new JournalProtocol.DeleteMessagesTo(ID, number, asker.getRef()), asker.getRef());
            asker.expectMsgClass(PATIENCE, DeleteMessagesSuccess.class);
        }

        /** @return when it was saved, by the store's clock: no two in the same millisecond */
        long save(long number, Object snapshot) {
            for (long before = System.currentTimeMillis(); System.currentTimeMillis() == before; ) {
                Thread.onSpinWait();
            }
            snapshots.tell(new SnapshotProtocol.SaveSnapshot(new SnapshotMetadata(ID, number, 0), snapshot), asker.getRef());
            return asker.expectMsgClass(PATIENCE, SaveSnapshotSuccess.class).metadata().timestamp();
        }

        Optional<Object> load(SnapshotSelectionCriteria criteria) {
            snapshots.tell(new SnapshotProtocol.LoadSnapshot(ID, criteria, Long.MAX_VALUE), asker.getRef());
            return OptionConverters.toJava(asker.expectMsgClass(PATIENCE, SnapshotProtocol.LoadSnapshotResult.class).snapshot())
                    .map(SelectedSnapshot::snapshot);
        }

        void delete(SnapshotSelectionCriteria criteria) {
            snapshots.tell(new SnapshotProtocol.DeleteSnapshots(ID, criteria), asker.getRef());
            asker.expectMsgClass(PATIENCE, DeleteSnapshotsSuccess.class);
        }

        @Override
        public void close() {
            TestKit.shutdownActorSystem(system, DurationConverters.toScala(PATIENCE), true);
        }
    }

    private record Replayed(List<PersistentRepr> events, long highest) {
        List<Long> numbers() {
            return events.stream().map(PersistentRepr::sequenceNr).toList();
        }

        List<Object> payloads() {
            return events.stream().map(PersistentRepr::payload).toList();
        }
    }

    @TempDir
    private Path directory;
    private final List<Plugins> open = new ArrayList<>();

    @AfterEach
    void close() {
        open.forEach(Plugins::close);
    }

    private Plugins open(String name) {
        Plugins plugins = new Plugins(directory.resolve(name));
        open.add(plugins);
        return plugins;
    }

    private static PersistentRepr event(long number, Object payload) {
        return PersistentRepr.apply(payload, number, ID, "", false, ActorRef.noSender(), "writer");
    }

    private static AtomicWrite one(long number) {
        return atomically(event(number, "event " + number));
    }

    private static AtomicWrite atomically(PersistentRepr... events) {
        return AtomicWrite.apply(CollectionConverters.asScala(Arrays.asList(events)).toList());
    }

    private static AtomicWrite[] ones(long from, long to) {
        return LongStream.rangeClosed(from, to).mapToObj(RaftPluginsTest::one).toArray(AtomicWrite[]::new);
    }

    private static List<Long> numbers(long from, long to) {
        return LongStream.rangeClosed(from, to).boxed().toList();
    }

    /** Who speaks to the plugins first may wait for 3 s only, and a machine that is busy needs longer to start a voter. */
    @Test
    void journal_isOpenWhenItsSystemIs() {
        Plugins plugins = open("data");

        assertTrue(RaftJournalExtension.get(plugins.system).quorum().toCompletableFuture().isDone());
    }

    @Test
    void eventThatCantBeSerialized_rejectsItsWholeWrite_andNoOther() {
        Plugins plugins = open("data");

        List<Optional<Throwable>> results = plugins.write(List.of(one(1),
                atomically(event(2, "event 2"), event(3, new CannotBeSerialized()), event(4, "event 4")),
                atomically(event(5, "event 5"), event(6, "event 6"))));

        assertEquals(List.of(false, true, true, true, false, false), results.stream().map(Optional::isPresent).toList());
        assertInstanceOf(NotSerializableException.class, results.get(1).orElseThrow());
        assertEquals(List.of(1L, 5L, 6L), plugins.replayAll().numbers());
        plugins.writeAll(one(7));
        assertEquals(7, plugins.replayAll().highest());
    }

    @Test
    void writeThatIsRefused_leavesNothingOfItself() {
        Plugins plugins = open("data");
        plugins.writeAll(one(1), one(2));

        List<Optional<Throwable>> results = plugins.write(List.of(atomically(event(3, "event 3"), event(2, "again"), event(4, "event 4"))));

        assertTrue(results.stream().allMatch(result -> result.filter(FencedException.class::isInstance).isPresent()), results.toString());
        assertEquals(numbers(1, 2), plugins.replayAll().numbers());
    }

    /** They become few log entries; a long one among them doesn't disturb their order. */
    @Test
    void manyWritesAtOnce_areAllThereInOrder() {
        Plugins plugins = open("data");
        List<AtomicWrite> writes = new ArrayList<>(List.of(ones(1, 1_000)));
        writes.add(atomically(event(1_001, "x".repeat(100_000)), event(1_002, "short")));
        writes.addAll(List.of(ones(1_003, 1_500)));
        writes.add(atomically(event(1_501, new CannotBeSerialized())));
        writes.addAll(List.of(ones(1_502, 2_000)));

        List<Optional<Throwable>> results = plugins.write(writes);

        assertEquals(List.of(1_500), IntStream.range(0, 2_000).filter(i -> results.get(i).isPresent()).boxed().toList());
        List<Long> expected = new ArrayList<>(numbers(1, 2_000));
        expected.remove(1_501L);
        assertEquals(expected, plugins.replayAll().numbers());
    }

    @Test
    void replay_keepsItsBounds_andTellsTheHighestNumberOfAll() {
        Plugins plugins = open("data");
        plugins.writeAll(ones(1, 9));

        assertEquals(numbers(3, 5), plugins.replay(3, 5, Long.MAX_VALUE).numbers());
        assertEquals(numbers(3, 4), plugins.replay(3, 9, 2).numbers());
        assertEquals(List.of(), plugins.replay(3, 9, 0).numbers());
        assertEquals(List.of(), plugins.replay(10, Long.MAX_VALUE, Long.MAX_VALUE).numbers());
        assertEquals(9, plugins.replay(1, 2, 1).highest());
    }

    @Test
    void deletionOfEverything_keepsTheHighestNumber_alsoInTheNextSystem() {
        Plugins plugins = open("data");
        plugins.writeAll(ones(1, 5));
        plugins.deleteTo(Long.MAX_VALUE);
        assertEquals(new Replayed(List.of(), 5), plugins.replayAll());
        plugins.close();

        Plugins next = open("data");

        assertEquals(new Replayed(List.of(), 5), next.replayAll());
        next.writeAll(one(6));
        assertEquals(List.of(6L), next.replayAll().numbers());
    }

    @Test
    void snapshots_areSelectedByAllFourBounds_andDeletedByThem() {
        Plugins plugins = open("data");
        List<Long> saved = new ArrayList<>(List.of(0L));
        for (int i = 1; i <= 5; i++) {
            saved.add(plugins.save(i, "snapshot " + i));
        }
        long forEver = Long.MAX_VALUE;

        assertEquals(Optional.of("snapshot 5"), plugins.load(SnapshotSelectionCriteria.latest()));
        assertEquals(Optional.of("snapshot 3"), plugins.load(SnapshotSelectionCriteria.create(3, forEver, 0, 0)));
        assertEquals(Optional.of("snapshot 2"), plugins.load(SnapshotSelectionCriteria.create(9, saved.get(3) - 1, 1, saved.get(1))));
        assertEquals(Optional.empty(), plugins.load(SnapshotSelectionCriteria.create(9, saved.get(3) - 1, 3, 0)));
        assertEquals(Optional.empty(), plugins.load(SnapshotSelectionCriteria.create(3, forEver, 0, saved.get(3) + 1)));

        plugins.delete(SnapshotSelectionCriteria.create(5, saved.get(4), 3, 0));
        assertEquals(Optional.of("snapshot 5"), plugins.load(SnapshotSelectionCriteria.latest()));
        assertEquals(Optional.of("snapshot 2"), plugins.load(SnapshotSelectionCriteria.create(4, forEver, 0, 0)));
    }

    @Test
    void largePayloads_areThereAgain_inTheNextSystem() {
        Page large = new Page("x".repeat(1_200_000));
        Page larger = new Page("y".repeat(9_000_000));
        Plugins plugins = open("data");
        plugins.writeAll(atomically(event(1, new Page("short")), event(2, large)), atomically(event(3, larger)), one(4));
        plugins.save(4, larger);
        plugins.close();

        Plugins next = open("data");

        assertEquals(Optional.of(larger), next.load(SnapshotSelectionCriteria.latest()));
        assertEquals(List.of(new Page("short"), large, larger, "event 4"), next.replayAll().payloads());
    }

    @Test
    void twoSystemsAtOnce_haveJournalsOfTheirOwn() {
        Plugins one = open("one");
        Plugins other = open("other");
        one.writeAll(ones(1, 2));
        other.writeAll(ones(1, 3));

        assertEquals(2, one.replayAll().highest());
        assertEquals(3, other.replayAll().highest());
    }

    @Test
    void directoryInUse_isRefusedToAnotherSystem_untilTheFirstHasEnded() throws Exception {
        Plugins first = open("data");
        first.writeAll(one(1));

        Plugins second = open("data");
        ExecutionException refused = assertThrows(ExecutionException.class, () -> RaftJournalExtension.get(second.system).quorum()
                .toCompletableFuture().get(30, TimeUnit.SECONDS));
        assertTrue(refused.getCause().getMessage().contains(directory.resolve("data").toString()), refused.getCause().getMessage());
        first.writeAll(one(2));

        first.close();
        assertEquals(2, open("data").replayAll().highest());
    }

    /** As when a snapshot can't be read and its actor ends before it replays: the next replay mustn't tell an old number. */
    @Test
    void highestNumber_afterASnapshotWasLoadedAndNothingReplayed_isThePresentOne() {
        Plugins plugins = open("data");
        plugins.writeAll(one(1));
        plugins.load(SnapshotSelectionCriteria.latest());
        plugins.writeAll(one(2));

        assertEquals(2, plugins.replayAll().highest());
    }
}
