package io.flotilla.journal.raft;

import static io.flotilla.journal.raft.TestVoters.get;
import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.typesafe.config.Config;
import com.typesafe.config.ConfigFactory;
import io.flotilla.persistence.FencedException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import org.apache.pekko.actor.BootstrapSetup;
import org.apache.pekko.actor.setup.ActorSystemSetup;
import org.apache.pekko.actor.testkit.typed.javadsl.ActorTestKit;
import org.apache.pekko.actor.testkit.typed.javadsl.TestProbe;
import org.apache.pekko.actor.typed.ActorRef;
import org.apache.pekko.actor.typed.ActorSystem;
import org.apache.pekko.actor.typed.Behavior;
import org.apache.pekko.actor.typed.SupervisorStrategy;
import org.apache.pekko.actor.typed.javadsl.Behaviors;
import org.apache.pekko.persistence.typed.PersistenceId;
import org.apache.pekko.persistence.typed.javadsl.CommandHandler;
import org.apache.pekko.persistence.typed.javadsl.EventHandler;
import org.apache.pekko.persistence.typed.javadsl.EventSourcedBehavior;
import org.apache.pekko.persistence.typed.javadsl.RetentionCriteria;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A real persistent actor over both plugins, from configuration alone. */
@Timeout(120)
class RaftPersistenceTest {
    private static final String ID = "notebook";
    private static final Duration PATIENCE = Duration.ofSeconds(30);

    @TempDir
    private Path directory;
    private ActorTestKit system;

    @AfterEach
    void stop() {
        system.shutdownTestKit();
    }

    private void start() {
        system = ActorTestKit.create("persistence", config(Duration.ofMillis(100)));
    }

    /** @param pause of a recovery after another writer has taken over */
    private Config config(Duration pause) {
        return ConfigFactory.parseMap(Map.of(
                "flotilla.journal.fenced-pause", pause,
                "flotilla.data-directory", directory.toString(),
                "pekko.persistence.journal.plugin", "flotilla.journal.raft",
                "pekko.persistence.snapshot-store.plugin", "flotilla.snapshot-store.raft",
                "pekko.loglevel", "WARNING",
                "pekko.actor.allow-java-serialization", "off")).withFallback(ConfigFactory.load());
    }

    /** Another node's actor system, on the same Raft group. */
    private ActorTestKit otherSystem(Duration pause) throws Exception {
        ActorSystem<Void> made = ActorSystem.create(Behaviors.empty(), "other",
                ActorSystemSetup.create(BootstrapSetup.create(config(pause)), new RaftQuorumSetup(quorum())));
        return ActorTestKit.create(made);
    }

    private void restart() {
        system.shutdownTestKit();
        start();
    }

    /** Writes lines down, and tells them. */
    private static final class Notebook extends EventSourcedBehavior<Notebook.Command, Object, String> {
        sealed interface Command {}

        record Write(List<Object> lines, ActorRef<Integer> replyTo) implements Command {}

        record Tell(ActorRef<List<String>> replyTo) implements Command {}

        private final boolean snapshots;

        Notebook(boolean snapshots) {
            super(PersistenceId.ofUniqueId(ID), SupervisorStrategy.restartWithBackoff(Duration.ofMillis(10), Duration.ofMillis(100), 0));
            this.snapshots = snapshots;
        }

        static Behavior<Command> create(boolean snapshots) {
            return new Notebook(snapshots);
        }

        @Override
        public String emptyState() {
            return "";
        }

        @Override
        public CommandHandler<Command, Object, String> commandHandler() {
            return newCommandHandlerBuilder().forAnyState()
                    .onCommand(Write.class, write -> Effect().persist(write.lines()).thenRun(state -> write.replyTo().tell(lines(state).size())))
                    .onCommand(Tell.class, (state, tell) -> {
                        tell.replyTo().tell(lines(state));
                        return Effect().none();
                    })
                    .build();
        }

        @Override
        public EventHandler<String, Object> eventHandler() {
            return (state, line) -> state + line + "\n";
        }

        private static List<String> lines(String state) {
            return state.lines().toList();
        }

        @Override
        public RetentionCriteria retentionCriteria() {
            return snapshots ? RetentionCriteria.snapshotEvery(5, 2).withDeleteEventsOnSnapshot() : RetentionCriteria.disabled();
        }

        @Override
        public Set<String> tagsFor(Object line) {
            return Set.of("line");
        }
    }

    private static final class CannotBeSerialized {}

    private ActorRef<Notebook.Command> open(boolean snapshots) {
        return system.spawn(Notebook.create(snapshots));
    }

    private int write(ActorRef<Notebook.Command> notebook, Object... lines) {
        TestProbe<Integer> written = system.createTestProbe();
        notebook.tell(new Notebook.Write(List.of(lines), written.getRef()));
        return written.receiveMessage(PATIENCE);
    }

    private List<String> read(ActorRef<Notebook.Command> notebook) {
        TestProbe<List<String>> told = system.createTestProbe();
        notebook.tell(new Notebook.Tell(told.getRef()));
        return told.receiveMessage(PATIENCE);
    }

    private RaftJournalExtension extension() {
        return RaftJournalExtension.get(system.system().classicSystem());
    }

    private RaftQuorum quorum() throws Exception {
        return extension().quorum().toCompletableFuture().get(30, TimeUnit.SECONDS);
    }

    @Test
    void events_surviveARestart_underANewEpoch() throws Exception {
        start();
        ActorRef<Notebook.Command> notebook = open(false);
        assertEquals(1, write(notebook, "one"));
        assertEquals(3, write(notebook, "two", "three"));
        long epoch = extension().epoch(ID);

        restart();

        assertEquals(List.of("one", "two", "three"), read(open(false)));
        assertEquals(epoch + 1, extension().epoch(ID));
    }

    @Test
    void recovery_longerThanAPage_hasAllInOrder() {
        start();
        ActorRef<Notebook.Command> notebook = open(false);
        List<String> expected = new ArrayList<>();
        for (int i = 0; i < 30; i++) {
            expected.add(i + "x".repeat(100_000));
            write(notebook, expected.getLast());
        }

        restart();

        assertEquals(expected, read(open(false)));
    }

    @Test
    void recovery_ofAnEventLongerThanAMessage_hasItWhole() {
        start();
        ActorRef<Notebook.Command> notebook = open(false);
        List<String> expected = List.of("one", "x".repeat(6_000_000), "three", "y".repeat(5_000_000));
        expected.forEach(line -> write(notebook, line));

        restart();

        assertEquals(expected, read(open(false)));
    }

    @Test
    void snapshotsAndDeletion_keepTheState_andTheHighestNumber() throws Exception {
        start();
        ActorRef<Notebook.Command> notebook = open(true);
        List<String> expected = new ArrayList<>();
        for (int i = 1; i <= 23; i++) {
            expected.add("line " + i);
            write(notebook, "line " + i);
        }
        RaftQuorum quorum = quorum();
        await().atMost(PATIENCE).until(() -> !TestVoters.numbers(quorum, ID).contains(10L));

        restart();

        assertEquals(expected, read(open(true)));
        assertEquals(23, get(quorum().query(new JournalQuery.HighestSequenceNr(ID)), JournalReply.HighestSequenceNr.class).sequenceNr());
    }

    @Test
    void unserializableEvent_isRejected_andTheNextOnesFollow() {
        start();
        ActorRef<Notebook.Command> notebook = open(false);
        write(notebook, "one");
        TestProbe<Object> watcher = system.createTestProbe();
        TestProbe<Integer> unanswered = system.createTestProbe();
        notebook.tell(new Notebook.Write(List.of(new CannotBeSerialized()), unanswered.getRef()));
        watcher.expectTerminated(notebook, PATIENCE);

        ActorRef<Notebook.Command> again = open(false);
        assertEquals(List.of("one"), read(again));
        assertEquals(2, write(again, "two"));
    }

    /** A rejection would stop the actor; a failure makes it recover, under a new epoch. */
    @Test
    void fencedWriter_getsAWriteFailure_andRecovers() throws Exception {
        start();
        ActorRef<Notebook.Command> notebook = open(false);
        write(notebook, "one");
        long stolen = get(quorum().submit(TestVoters.claim(ID)), JournalReply.EpochClaimed.class).epoch();
        get(quorum().submit(new JournalCommand.DeleteTo(ID, stolen, 0)), JournalReply.Done.class);

        TestProbe<Integer> unanswered = system.createTestProbe();
        notebook.tell(new Notebook.Write(List.of("lost"), unanswered.getRef()));

        await().atMost(PATIENCE).until(() -> extension().epoch(ID) > stolen);
        assertEquals(2, write(notebook, "two"));
        assertEquals(List.of("one", "two"), read(notebook));
        unanswered.expectNoMessage(Duration.ZERO);
    }

    /** As of a primary that was frozen with a change under way, and wakes: what it doesn't know yet, the cluster will tell it. */
    @Test
    void deposedWriter_leavesTheFenceToItsSuccessor_whetherFencedOrRestarted() throws Exception {
        start();
        ActorTestKit other = otherSystem(Duration.ofHours(1));
        try {
            ActorRef<Notebook.Command> woken = other.spawn(Notebook.create(false));
            TestProbe<Integer> written = other.createTestProbe();
            woken.tell(new Notebook.Write(List.of("one"), written.getRef()));
            assertEquals(1, written.receiveMessage(PATIENCE));
            ActorRef<Notebook.Command> rightful = open(false);
            assertEquals(2, write(rightful, "two"));
            long epoch = extension().epoch(ID);

            woken.tell(new Notebook.Write(List.of("of the deposed"), written.getRef()));
            EpochKeeper epochs = RaftJournalExtension.get(other.system().classicSystem()).epochs();
            await().atMost(PATIENCE).until(() -> isRefused(epochs));
            other.stop(woken);
            other.spawn(Notebook.create(false)).tell(new Notebook.Write(List.of("of the restarted"), written.getRef()));

            assertEquals(3, write(rightful, "three"));
            written.expectNoMessage(Duration.ofMillis(500));
            assertEquals(4, write(rightful, "four"));
            assertEquals(epoch, extension().epoch(ID), "the rightful writer was never fenced");
        } finally {
            other.shutdownTestKit();
        }
    }

    private static boolean isRefused(EpochKeeper epochs) throws Exception {
        try {
            epochs.claimForReplay(ID).toCompletableFuture().get(30, TimeUnit.SECONDS);
            return false;
        } catch (ExecutionException e) {
            return FencedException.behind(e).isPresent();
        }
    }

    /** One that recovers for another reason, its change being unanswered, asks first. */
    @Test
    void writerThatRestarts_andWasReplacedMeanwhile_doesNotClaim_untilThePauseIsOver() throws Exception {
        start();
        ActorTestKit other = otherSystem(Duration.ofSeconds(2));
        try {
            EpochKeeper epochs = RaftJournalExtension.get(other.system().classicSystem()).epochs();
            long before = epochs.claimForReplay(ID).toCompletableFuture().get(30, TimeUnit.SECONDS).epoch();
            assertEquals(1, write(open(false), "one"));
            long epoch = extension().epoch(ID);
            assertTrue(epoch > before);
            assertTrue(extension().holds(ID, epoch));
            assertFalse(extension().holds(ID, before));
            assertTrue(epochs.holds(ID, before), "it can't know yet");

            assertTrue(isRefused(epochs));
            assertFalse(epochs.holds(ID, before), "it was told");
            assertTrue(isRefused(epochs));
            get(quorum().submit(new JournalCommand.DeleteTo(ID, epoch, 0)), JournalReply.Done.class);

            await().atMost(PATIENCE).until(() -> !isRefused(epochs));
            assertTrue(epochs.epoch(ID) > epoch);
        } finally {
            other.shutdownTestKit();
        }
    }

    @Test
    void missingDirectory_isSaid() {
        system = ActorTestKit.create("persistence", ConfigFactory.load());

        ExecutionException failure = assertThrows(ExecutionException.class,
                () -> extension().quorum().toCompletableFuture().get(30, TimeUnit.SECONDS));

        assertInstanceOf(IllegalStateException.class, failure.getCause());
        assertTrue(failure.getCause().getMessage().contains("flotilla.data-directory"), failure.getCause().getMessage());
    }
}
