package io.flotilla.journal.raft;

import static io.flotilla.journal.raft.TestVoters.append;
import static io.flotilla.journal.raft.TestVoters.claim;
import static io.flotilla.journal.raft.TestVoters.get;
import static io.flotilla.journal.raft.TestVoters.numbers;
import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.flotilla.journal.raft.JournalRecovery.Remains;
import io.flotilla.journal.raft.JournalReply.Appended;
import io.flotilla.journal.raft.JournalReply.EpochClaimed;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.stream.LongStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(120)
class JournalRecoveryTest {
    private static final String ID = "config";
    private static final Duration PATIENCE = Duration.ofSeconds(30);

    @TempDir
    private Path directory;
    private final TestVoters voters = new TestVoters();
    private final Lineage first = new Lineage(UUID.randomUUID());

    @AfterEach
    void close() throws Exception {
        voters.close();
    }

    private static void write(RaftQuorum quorum, long from, long to) {
        long epoch = get(quorum.submit(claim(ID)), EpochClaimed.class).epoch();
        for (long number = from; number <= to; number++) {
            get(quorum.submit(append(ID, epoch, number)), Appended.class);
        }
    }

    private static List<Long> upTo(long last) {
        return LongStream.rangeClosed(1, last).boxed().toList();
    }

    private RaftVoter admit(RaftVoter leader, String name) throws IOException {
        RaftVoter added = voters.join(directory.resolve(name), leader.clusterId());
        TestVoters.admit(leader, added);
        return added;
    }

    private RaftVoter openLeading(Path raft) throws IOException {
        RaftVoter opened = voters.open(raft);
        await().atMost(PATIENCE).until(opened::isLeader);
        return opened;
    }

    private Remains only(Path raft) throws IOException {
        List<Remains> found = JournalRecovery.find(raft);
        assertEquals(1, found.size(), found::toString);
        return found.getFirst();
    }

    private Path log(Path raft, UUID group) throws IOException {
        try (Stream<Path> files = Files.list(raft.resolve(group.toString()).resolve("current"))) {
            return files.filter(file -> file.getFileName().toString().startsWith("log_")).findFirst().orElseThrow();
        }
    }

    @Test
    void oneOfThree_goesOnAlone_admitsOthers_andTheFormerVotersAreNoneOfIt() throws Exception {
        RaftVoter a = voters.found(directory.resolve("a"), first.id());
        RaftVoter b = admit(a, "b");
        RaftVoter c = admit(a, "c");
        write(voters.quorum(a), 1, 10);
        await().atMost(PATIENCE).until(() -> c.stateMachine().getLastAppliedTermIndex().getIndex()
                >= a.stateMachine().getLastAppliedTermIndex().getIndex());
        long applied = a.stateMachine().getLastAppliedTermIndex().getIndex();
        c.close();
        b.close();
        a.close();

        Remains remains = only(directory.resolve("c"));
        assertTrue(remains.index() >= applied, remains::toString);
        assertEquals(3, remains.voters().size());
        assertEquals(Optional.of(c.self()), remains.self());
        assertEquals(Optional.empty(), remains.damage());
        assertFalse(remains.isAlone());
        Lineage second = JournalRecovery.begin(directory.resolve("c"), first, Optional.of(remains), c.self().address());

        assertTrue(second.replaces(first));
        assertEquals(Optional.of(second.id()), RaftVoter.clusterIn(directory.resolve("c")));
        RaftVoter alone = openLeading(directory.resolve("c"));
        assertEquals(RaftVoter.Start.REOPENED, alone.start());
        assertNotEquals(c.self().id(), alone.self().id());
        RaftQuorum quorum = voters.quorum(alone);
        assertEquals(upTo(10), numbers(quorum, ID));
        write(quorum, 11, 12);

        // Two old voters are a majority of the old group: they go on there, and the new one isn't touched.
        RaftVoter oldA = voters.open(directory.resolve("a"));
        RaftVoter oldB = voters.open(directory.resolve("b"));
        await().atMost(PATIENCE).until(() -> oldA.isLeader() || oldB.isLeader());
        write(voters.quorum(oldA.isLeader() ? oldA : oldB), 11, 11);
        assertTrue(alone.isLeader());
        assertEquals(List.of(alone.self()), alone.voters());
        oldA.close();
        oldB.close();

        RaftVoter d = admit(alone, "d");
        RaftVoter e = admit(alone, "e");
        alone.close();
        await().atMost(PATIENCE).until(() -> d.isLeader() || e.isLeader());
        RaftQuorum others = voters.quorum(d.isLeader() ? d : e);
        write(others, 13, 13);
        assertEquals(upTo(13), numbers(others, ID));
        voters.open(directory.resolve("c")).close();
    }

    @Test
    void afterSnapshots_theWholeJournalGoesOn_alsoAfterReopening() throws Exception {
        RaftSettings settings = TestVoters.settings(directory).withSnapshotThreshold(10);
        RaftVoter founded = voters.keep(RaftVoter.found(settings, first.id(), LocalAnswer.NONE));
        write(voters.quorum(founded), 1, 35);
        founded.close();

        JournalRecovery.begin(directory, first, Optional.of(only(directory)), founded.self().address());
        RaftVoter recovered = openLeading(directory);
        write(voters.quorum(recovered), 36, 40);
        recovered.close();

        assertEquals(upTo(40), numbers(voters.quorum(openLeading(directory)), ID));
    }

    @Test
    void damagedLog_ofTheOnlyVoter_isRead_upToTheDamage() throws Exception {
        RaftVoter founded = voters.found(directory, first.id());
        write(voters.quorum(founded), 1, 20);
        founded.close();
        Path log = log(directory, first.id());
        try (RandomAccessFile file = new RandomAccessFile(log.toFile(), "rw")) {
            file.seek(Files.size(log) / 2);
            int before = file.read();
            file.seek(Files.size(log) / 2);
            file.write(before ^ 0x55);
        }
        RaftVoter returned = voters.open(directory);
        assertEquals(RaftVoter.Start.RETURNING, returned.start());
        assertTrue(returned.loss().orElseThrow().contains("only voter"));
        returned.close();
        assertEquals(returned.loss(), voters.open(directory).loss(), "it still says so at the next start");
        voters.close();

        Remains remains = only(directory);
        assertTrue(remains.damage().orElseThrow().contains("damaged after index " + remains.index()), remains::toString);
        assertEquals(1, remains.voters().size());
        JournalRecovery.begin(directory, first, Optional.of(remains), founded.self().address());

        List<Long> left = numbers(voters.quorum(openLeading(directory)), ID);
        assertEquals(upTo(left.size()), left);
        assertTrue(left.size() > 1 && left.size() < 20, left::toString);
    }

    @Test
    void damagedVoter_amongOthers_isNotTheLastHope() throws Exception {
        RaftVoter a = voters.found(directory.resolve("a"), first.id());
        RaftVoter b = admit(a, "b");
        write(voters.quorum(a), 1, 5);
        b.close();
        Files.delete(directory.resolve("b").resolve(first.toString()).resolve("current").resolve("raft-meta"));

        assertEquals(Optional.empty(), voters.open(directory.resolve("b")).loss());
    }

    @Test
    void unreadableLog_ofTheOnlyVoter_staysInItsPlace_andIsOpenedWhenItCanBeRead() throws Exception {
        RaftVoter founded = voters.found(directory, first.id());
        write(voters.quorum(founded), 1, 20);
        founded.close();
        Path log = log(directory, first.id());
        Path elsewhere = Files.move(log, directory.resolve("elsewhere"));
        // Reading it fails, for root too.
        Files.createDirectory(log);

        for (int attempt = 0; attempt < 2; attempt++) {
            String refused = assertThrows(IOException.class, () -> voters.open(directory)).getMessage();
            assertTrue(refused.contains("left where it is: " + log + " can't be read"), refused);
        }
        Files.delete(log);
        Files.move(elsewhere, log);

        assertEquals(upTo(20), numbers(voters.quorum(openLeading(directory)), ID));
    }

    @Test
    void unreadableLog_amongOthers_isSetAside() throws Exception {
        RaftVoter a = voters.found(directory.resolve("a"), first.id());
        RaftVoter b = admit(a, "b");
        write(voters.quorum(a), 1, 5);
        b.close();
        Path log = log(directory.resolve("b"), first.id());
        Files.delete(log);
        Files.createDirectory(log);

        RaftVoter returned = voters.open(directory.resolve("b"));

        assertEquals(RaftVoter.Start.RETURNING, returned.start());
        assertEquals(Optional.empty(), returned.loss());
        assertTrue(Files.isDirectory(returned.setAside().orElseThrow()));
    }

    @Test
    void takenPort_isFoundOut_beforeADamagedJournalIsSetAside() throws Exception {
        RaftVoter founded = voters.found(directory, first.id());
        founded.close();
        Files.delete(directory.resolve(first.toString()).resolve("current").resolve("raft-meta"));
        try (ServerSocket taken = new ServerSocket(0, 1, InetAddress.getByName("127.0.0.1"))) {
            RaftSettings settings = TestVoters.settings(directory).withPort(taken.getLocalPort());
            assertThrows(IOException.class, () -> RaftVoter.open(settings, LocalAnswer.NONE));
        }

        assertTrue(voters.open(directory).loss().orElseThrow().contains("only voter"), "it is told when it can be");
    }

    @Test
    void withoutAnyJournal_beginsWithAnEmptyOne() throws Exception {
        Lineage second = JournalRecovery.begin(Files.createDirectories(directory), first, Optional.empty(), "127.0.0.1:1");

        RaftVoter recovered = openLeading(directory);
        assertEquals(second.id(), recovered.clusterId());
        write(voters.quorum(recovered), 1, 3);
        assertEquals(upTo(3), numbers(voters.quorum(recovered), ID));
        assertEquals(2, admit(recovered, "joined").voters().size());
    }

    @Test
    void interruptedBetweenBothRenames_theNewerLineageIsOpened_andTheFormerSetAside() throws Exception {
        RaftVoter founded = voters.found(directory, first.id());
        write(voters.quorum(founded), 1, 3);
        founded.close();
        Lineage second = JournalRecovery.begin(directory, first, Optional.of(only(directory)), founded.self().address());
        Path aside;
        try (Stream<Path> files = Files.list(directory)) {
            aside = files.filter(file -> file.getFileName().toString().startsWith(first + ".superseded-")).findFirst().orElseThrow();
        }
        Files.move(aside, directory.resolve(first.toString()));

        RaftVoter opened = openLeading(directory);

        assertEquals(second.id(), opened.clusterId());
        assertFalse(Files.exists(directory.resolve(first.toString())));
        assertEquals(upTo(3), numbers(voters.quorum(opened), ID));
    }

    @Test
    void whatAnInterruptedRecoveryWrote_isDeleted() throws Exception {
        RaftVoter founded = voters.found(directory, first.id());
        write(voters.quorum(founded), 1, 3);
        founded.close();
        Path begun = Files.createDirectories(directory.resolve(first.next() + ".recovering").resolve("sm"));

        JournalRecovery.begin(directory, first, Optional.of(only(directory)), founded.self().address());

        assertFalse(Files.exists(begun.getParent()));
    }

    @Test
    void journalInUse_isNotTouched() throws Exception {
        voters.found(directory, first.id());

        assertTrue(assertThrows(IOException.class, () -> JournalRecovery.find(directory)).getMessage().contains("in use"));
    }

    @Test
    void logOfAnotherCluster_beside_isRefused() throws Exception {
        voters.found(directory, first.id()).close();
        Files.createDirectories(directory.resolve(UUID.randomUUID().toString()));

        assertThrows(IOException.class, () -> RaftVoter.clusterIn(directory));
    }
}
