package io.flotilla.journal.raft;

import static io.flotilla.journal.raft.TestVoters.get;
import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.typesafe.config.Config;
import com.typesafe.config.ConfigFactory;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import org.apache.pekko.actor.testkit.typed.javadsl.ActorTestKit;
import org.apache.pekko.actor.testkit.typed.javadsl.TestProbe;
import org.apache.pekko.actor.typed.ActorRef;
import org.apache.pekko.actor.typed.Behavior;
import org.apache.pekko.actor.typed.SupervisorStrategy;
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
        Config config = ConfigFactory.parseMap(Map.of(
                "flotilla.data-directory", directory.toString(),
                "pekko.persistence.journal.plugin", "flotilla.journal.raft",
                "pekko.persistence.snapshot-store.plugin", "flotilla.snapshot-store.raft",
                "pekko.loglevel", "WARNING",
                "pekko.actor.allow-java-serialization", "off"));
        system = ActorTestKit.create("persistence", config.withFallback(ConfigFactory.load()));
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

    @Test
    void missingDirectory_isSaid() {
        system = ActorTestKit.create("persistence", ConfigFactory.load());

        ExecutionException failure = assertThrows(ExecutionException.class,
                () -> extension().quorum().toCompletableFuture().get(30, TimeUnit.SECONDS));

        assertInstanceOf(IllegalStateException.class, failure.getCause());
        assertTrue(failure.getCause().getMessage().contains("flotilla.data-directory"), failure.getCause().getMessage());
    }
}
