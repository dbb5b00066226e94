package io.flotilla.journal.raft;

import static io.flotilla.journal.raft.TestVoters.append;
import static io.flotilla.journal.raft.TestVoters.bytes;
import static io.flotilla.journal.raft.TestVoters.claim;
import static io.flotilla.journal.raft.TestVoters.get;
import static io.flotilla.journal.raft.TestVoters.numbers;
import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.flotilla.journal.StoredJournal;
import io.flotilla.journal.raft.JournalReply.Appended;
import io.flotilla.journal.raft.JournalReply.EpochClaimed;
import io.flotilla.journal.raft.JournalReply.Fenced;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.LongStream;
import java.util.stream.Stream;
import org.apache.ratis.proto.RaftProtos.LogEntryProto;
import org.apache.ratis.proto.RaftProtos.RaftPeerRole;
import org.apache.ratis.proto.RaftProtos.StateMachineLogEntryProto;
import org.apache.ratis.protocol.RaftClientReply;
import org.apache.ratis.protocol.exceptions.StateMachineException;
import org.apache.ratis.statemachine.TransactionContext;
import org.apache.ratis.util.FileUtils;
import org.apache.ratis.util.MD5FileUtil;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(120)
class RaftVoterTest {
    private static final String ID = "config";
    private static final Bytes NEWER_COMMAND = Bytes.copyOf(new byte[] {JournalCodec.VERSION, (byte) 200, 1, 2, 3});
    private static final Duration PATIENCE = Duration.ofSeconds(30);

    @TempDir
    private Path directory;
    private final TestVoters voters = new TestVoters();
    private final UUID cluster = UUID.randomUUID();

    @AfterEach
    void close() throws Exception {
        voters.close();
    }

    private static long write(RaftQuorum quorum, int events) {
        long epoch = get(quorum.submit(claim(ID)), EpochClaimed.class).epoch();
        long highest = get(quorum.query(new JournalQuery.HighestSequenceNr(ID)), JournalReply.HighestSequenceNr.class).sequenceNr();
        for (long number = highest + 1; number <= highest + events; number++) {
            get(quorum.submit(append(ID, epoch, number)), Appended.class);
        }
        return epoch;
    }

    private RaftVoter admit(RaftVoter founder, String name) throws IOException {
        RaftVoter added = voters.join(directory.resolve(name), cluster);
        TestVoters.admit(founder, added);
        return added;
    }

    private static List<Long> upTo(long last) {
        return LongStream.rangeClosed(1, last).boxed().toList();
    }

    @Test
    void reopened_afterClose_hasEverything() throws Exception {
        RaftVoter founded = voters.found(directory, cluster);
        assertEquals(RaftVoter.Start.FOUNDED, founded.start());
        write(voters.quorum(founded), 20);
        founded.close();
        assertEquals(Optional.of(cluster), RaftVoter.clusterIn(directory));

        RaftVoter reopened = voters.open(directory);

        assertEquals(RaftVoter.Start.REOPENED, reopened.start());
        assertEquals(founded.self(), reopened.self());
        assertEquals(upTo(20), numbers(voters.quorum(reopened), ID));
    }

    @Test
    void reopened_afterSnapshots_hasEverything() throws Exception {
        RaftSettings settings = TestVoters.settings(directory).withSnapshotThreshold(10);
        RaftVoter founded = voters.keep(RaftVoter.found(settings, cluster, LocalAnswer.NONE));
        write(voters.quorum(founded), 60);
        Path snapshots = directory.resolve(cluster.toString()).resolve("sm");
        await().atMost(PATIENCE).until(() -> count(snapshots) >= 2);
        founded.close();

        RaftVoter reopened = voters.keep(RaftVoter.open(settings, LocalAnswer.NONE));

        assertEquals(upTo(60), numbers(voters.quorum(reopened), ID));
        assertTrue(count(snapshots) <= 3, "retention");
    }

    @Test
    void log_ofLargeEntriesAndAbandonedParts_staysBounded_onEachVoter() throws Exception {
        RaftVoter first = voters.keep(RaftVoter.found(
                TestVoters.settings(directory.resolve("a")).withSnapshotBytes(1 << 20), cluster, LocalAnswer.NONE));
        RaftVoter second = voters.keep(RaftVoter.join(
                TestVoters.settings(directory.resolve("b")).withSnapshotBytes(1 << 20), cluster, LocalAnswer.NONE));
        TestVoters.admit(first, second);
        RaftQuorum quorum = voters.quorum(first);
        long epoch = write(quorum, 1);
        Bytes large = Bytes.owning(new byte[60 << 10]);
        long written = 0;
        for (long number = 2; number <= 501; number++) {
            get(quorum.submit(new JournalCommand.Append(ID, epoch, number - 1,
                    List.of(new JournalCommand.Entry(number, large)))), Appended.class);
            get(quorum.submit(new JournalCommand.Part(UUID.randomUUID(), 0, 1_000, large)), JournalReply.PartStored.class);
            get(quorum.submit(new JournalCommand.DeleteTo(ID, epoch, number - 5)), JournalReply.Done.class);
            written += 2L * large.size();
        }
        assertTrue(written > 58 << 20, "written");

        for (RaftVoter voter : List.of(first, second)) {
            // Two segments of 8 MiB, and what came since the last snapshot, which is about 4 MiB: 64 abandoned parts.
            await().atMost(PATIENCE).until(() -> voter.storage(ID).logBytes() < 26 << 20);
            assertTrue(voter.storage(ID).snapshotBytes() < 10 << 20, () -> storage(voter).toString());
        }
        assertEquals(5, first.storage(ID).journal().events());
        assertEquals(5L * large.size(), first.storage(ID).journal().eventBytes());
        assertEquals(497, first.storage(ID).journal().oldest());
        assertEquals(501, first.storage(ID).journal().highest());
        StoredJournal held = first.storage(ID).journal();
        await().atMost(PATIENCE).until(() -> get(quorum.queryPeer(second.self(), new JournalQuery.VoterStorage(ID)),
                JournalReply.VoterStorage.class).journal().equals(held));
        first.close();
        RaftVoter reopened = voters.open(directory.resolve("a"));
        // Counted again, from the snapshot and what follows it in the log.
        await().atMost(PATIENCE).until(() -> storage(reopened).journal().equals(held));
    }

    private static JournalReply.VoterStorage storage(RaftVoter voter) {
        try {
            return voter.storage(ID);
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    @Test
    void reopened_deletesSnapshotsThatAStopInterrupted() throws Exception {
        RaftVoter founded = voters.found(directory, cluster);
        write(voters.quorum(founded), 5);
        founded.close();
        Path group = directory.resolve(cluster.toString());
        Path written = Files.write(group.resolve("sm").resolve("snapshot.1_3.writing"), new byte[100]);
        Path received = Files.createDirectories(group.resolve("tmp").resolve("snapshot-1")).resolve("snapshot.2_9");
        Files.write(received, new byte[100]);

        RaftVoter reopened = voters.open(directory);

        assertEquals(RaftVoter.Start.REOPENED, reopened.start());
        assertFalse(Files.exists(written));
        assertFalse(Files.exists(received));
        assertEquals(upTo(5), numbers(voters.quorum(reopened), ID));
    }

    @Test
    void newVoter_afterTheLogWasPurged_getsTheSnapshot_andTakesOver() throws Exception {
        RaftSettings settings = TestVoters.settings(directory.resolve("a")).withSnapshotThreshold(50);
        RaftVoter first = voters.keep(RaftVoter.found(settings, cluster, LocalAnswer.NONE));
        RaftQuorum quorum = voters.quorum(first);
        write(quorum, 700);
        Path log = directory.resolve("a").resolve(cluster.toString()).resolve("current");
        first.close();
        RaftVoter reopened = voters.keep(RaftVoter.open(settings, LocalAnswer.NONE));
        RaftQuorum after = voters.quorum(reopened);
        write(after, 700);
        await().atMost(PATIENCE).until(() -> firstLogIndex(log) > 0);

        RaftVoter second = admit(reopened, "b");
        write(after, 1);

        await().atMost(PATIENCE).until(() -> second.stateMachine().tables().answer(new JournalQuery.HighestSequenceNr(ID))
                .equals(new JournalReply.HighestSequenceNr(1401)));
        assertTrue(reopened.transferLeadership(Duration.ofSeconds(20)));
        await().atMost(PATIENCE).until(second::isLeader);
        assertEquals(upTo(1401), numbers(voters.quorum(second), ID));
        second.close();
        assertEquals(RaftVoter.Start.REOPENED, voters.open(directory.resolve("b")).start());
    }

    /** Of the oldest segment still there. */
    private static long firstLogIndex(Path log) throws IOException {
        try (Stream<Path> files = Files.list(log)) {
            return files.map(file -> file.getFileName().toString()).filter(name -> name.startsWith("log_"))
                    .mapToLong(name -> Long.parseLong(name.replaceFirst("log_(inprogress_)?(\\d+).*", "$2"))).min().orElse(0);
        }
    }

    private static long count(Path snapshots) throws IOException {
        try (Stream<Path> files = Files.list(snapshots)) {
            return files.filter(file -> file.getFileName().toString().matches("snapshot\\.\\d+_\\d+")).count();
        }
    }

    @Test
    void threeVoters_addedWhileWriting_survivesItsLeader() throws Exception {
        RaftVoter first = voters.found(directory.resolve("a"), cluster);
        RaftQuorum quorum = voters.remote(first);
        long epoch = write(quorum, 1);
        AtomicBoolean enough = new AtomicBoolean();
        CompletableFuture<Long> writing = CompletableFuture.supplyAsync(() -> {
            long number = 1;
            while (!enough.get()) {
                get(quorum.submit(append(ID, epoch, ++number)), Appended.class);
            }
            return number;
        });
        List<RaftVoter> all = List.of(first, admit(first, "b"), admit(first, "c"));
        enough.set(true);
        long last = writing.get();
        assertEquals(3, first.voters().size());
        await().atMost(PATIENCE).until(() -> {
            get(quorum.query(new JournalQuery.CurrentGeneration()), JournalReply.CurrentGeneration.class);
            return quorum.voters().size() == 3;
        });

        RaftVoter leader = TestVoters.leader(all).orElseThrow();
        leader.close();
        for (long number = last + 1; number <= last + 20; number++) {
            get(quorum.submit(append(ID, epoch, number)), Appended.class);
        }

        assertEquals(upTo(last + 20), numbers(quorum, ID));
    }

    @Test
    void noMajority_saysThatNothingWasWritten() throws Exception {
        RaftVoter first = voters.found(directory.resolve("a"), cluster);
        RaftVoter second = admit(first, "b");
        second.close();
        await().atMost(PATIENCE).until(() -> !first.isLeader());
        RaftQuorum impatient = voters.keep(new RaftQuorum(cluster, List.of(first.self(), second.self()),
                new QuorumSettings(Duration.ofSeconds(3), Duration.ofSeconds(2), 8))); // who is there has to say in time that it doesn't lead

        QuorumUnavailableException failure = assertThrows(QuorumUnavailableException.class,
                () -> get(impatient.submit(claim(ID)), EpochClaimed.class));

        assertTrue(failure.getMessage().startsWith("Nothing was written"), failure.getMessage());
        assertTrue(failure.getMessage().contains(second.self().address()), failure.getMessage());
        assertThrows(QuorumUnavailableException.class, () -> numbers(impatient, ID));
        JournalReply.LocalStatus status =
                get(impatient.queryPeer(first.self(), new JournalQuery.LocalStatus()), JournalReply.LocalStatus.class);
        assertEquals(Optional.empty(), status.leaderId());
        assertEquals(2, status.voters().size());
    }

    @Test
    void twoWriters_overlapping_olderIsFenced() throws Exception {
        RaftQuorum quorum = voters.quorum(voters.found(directory, cluster));
        long older = write(quorum, 3);
        long newer = get(quorum.submit(claim(ID)), EpochClaimed.class).epoch();

        get(quorum.submit(append(ID, newer, 4)), Appended.class);
        get(quorum.submit(append(ID, older, 5)), Fenced.class);
        get(quorum.submit(new JournalCommand.DeleteTo(ID, older, 5)), Fenced.class);

        assertEquals(upTo(4), numbers(quorum, ID));
    }

    @Test
    void longCommand_travelsInParts_alsoToOtherVoters() throws Exception {
        RaftVoter first = voters.found(directory.resolve("a"), cluster);
        RaftQuorum quorum = voters.quorum(first);
        long epoch = write(quorum, 1);
        String large = "x".repeat(3_000_000);
        get(quorum.submit(new JournalCommand.SaveSnapshot(ID, epoch, 1, 7, bytes(large))), JournalReply.Done.class);
        RaftVoter second = admit(first, "b");

        JournalReply.SnapshotPage page = get(voters.remote(first).query(new JournalQuery.LoadSnapshot(ID,
                SnapshotRange.exactly(1, 7), 2_900_000)), JournalReply.SnapshotPage.class);

        assertEquals(bytes(large.substring(2_900_000)), page.bytes());
        await().atMost(PATIENCE).until(() -> second.stateMachine().tables().answer(new JournalQuery.LoadSnapshot(ID,
                SnapshotRange.exactly(1, 7), 2_999_999)) instanceof JournalReply.SnapshotPage(_, _, int total, _) && total == 3_000_000);
    }

    @Test
    void eventLongerThanAMessage_isReadFromAnotherProcess_inPages() throws Exception {
        RaftVoter first = voters.found(directory, cluster);
        long epoch = write(voters.quorum(first), 1);
        Bytes large = bytes("x".repeat(6_000_000));
        get(voters.quorum(first).submit(new JournalCommand.Append(ID, epoch, 1, List.of(new JournalCommand.Entry(2, large)))),
                Appended.class);
        RaftQuorum remote = voters.remote(first);

        assertEquals(2, get(remote.query(new JournalQuery.Replay(ID, 1, 9, 9)), JournalReply.ReplayPage.class).nextFrom());
        JournalReply.EventPage page = get(remote.query(new JournalQuery.Replay(ID, 2, 9, 9)), JournalReply.EventPage.class);
        JournalReply.EventPage rest = get(remote.query(new JournalQuery.LoadEvent(ID, 2, 5_500_000)), JournalReply.EventPage.class);

        assertEquals(large.slice(0, page.bytes().size()), page.bytes());
        assertEquals(large.slice(5_500_000, 6_000_000), rest.bytes());
    }

    @Test
    void wipedVoter_returnsAsNewPeer_andIsReadmitted() throws Exception {
        RaftVoter first = voters.found(directory.resolve("a"), cluster);
        RaftVoter second = admit(first, "b");
        RaftVoter third = admit(first, "c");
        RaftQuorum quorum = voters.quorum(first);
        write(quorum, 5);
        third.close();
        FileUtils.deleteFully(directory.resolve("c").resolve(cluster.toString()));

        RaftVoter returned = voters.join(directory.resolve("c"), cluster);

        assertNotEquals(third.self().id(), returned.self().id());
        assertFalse(returned.isAdmitted());
        first.removeVoter(third.self().id());
        TestVoters.admit(first, returned);
        assertEquals(3, first.voters().size());
        second.close();
        write(quorum, 5);
        assertEquals(upTo(10), numbers(quorum, ID));
    }

    @Test
    void truncatedLog_isDetected_andSetAside() throws Exception {
        RaftVoter founded = voters.found(directory, cluster);
        write(voters.quorum(founded), 20);
        founded.close();
        Path log = onlyLog();
        try (RandomAccessFile file = new RandomAccessFile(log.toFile(), "rw")) {
            file.setLength(file.length() - 100);
        }

        RaftVoter returned = voters.open(directory);

        assertEquals(RaftVoter.Start.RETURNING, returned.start());
        assertNotEquals(founded.self().id(), returned.self().id());
        assertTrue(Files.exists(returned.setAside().orElseThrow().resolve("current")));
        assertFalse(returned.isLeader());
    }

    @Test
    void tornLastWrite_ofTheOnlyVoter_isCutOff() throws Exception {
        RaftVoter founded = voters.found(directory, cluster);
        write(voters.quorum(founded), 20);
        founded.close();
        Path log = onlyLog();
        try (RandomAccessFile file = new RandomAccessFile(log.toFile(), "rw")) {
            file.seek(file.length());
            file.write(new byte[] {40, 1, 2, 3, 4, 5});
        }

        RaftVoter reopened = voters.open(directory);

        assertEquals(RaftVoter.Start.REOPENED, reopened.start());
        RaftQuorum quorum = voters.quorum(reopened);
        write(quorum, 1);
        assertEquals(upTo(21), numbers(quorum, ID));
    }

    private Path onlyLog() throws IOException {
        try (Stream<Path> files = Files.list(directory.resolve(cluster.toString()).resolve("current"))) {
            return files.filter(file -> file.getFileName().toString().startsWith("log_")).findFirst().orElseThrow();
        }
    }

    @Test
    void missingMetadata_isSetAside() throws Exception {
        RaftVoter founded = voters.found(directory, cluster);
        founded.close();
        Files.delete(directory.resolve(cluster.toString()).resolve("current").resolve("raft-meta"));

        assertEquals(RaftVoter.Start.RETURNING, voters.open(directory).start());
    }

    @Test
    void damagedSnapshot_isSetAside() throws Exception {
        RaftSettings settings = TestVoters.settings(directory).withSnapshotThreshold(10);
        RaftVoter founded = voters.keep(RaftVoter.found(settings, cluster, LocalAnswer.NONE));
        write(voters.quorum(founded), 30);
        Path snapshots = directory.resolve(cluster.toString()).resolve("sm");
        await().atMost(PATIENCE).until(() -> count(snapshots) >= 1);
        founded.close();
        try (Stream<Path> files = Files.list(snapshots)) {
            for (Path file : files.filter(file -> file.getFileName().toString().matches("snapshot\\.\\d+_\\d+")).toList()) {
                byte[] bytes = Files.readAllBytes(file);
                bytes[bytes.length / 2] ^= 1;
                Files.write(file, bytes);
            }
        }

        assertEquals(RaftVoter.Start.RETURNING, voters.open(directory).start());
    }

    @Test
    void snapshotOfANewerRelease_isNotOpened_andNotSetAside() throws Exception {
        RaftSettings settings = TestVoters.settings(directory).withSnapshotThreshold(10);
        RaftVoter founded = voters.keep(RaftVoter.found(settings, cluster, LocalAnswer.NONE));
        write(voters.quorum(founded), 30);
        Path snapshots = directory.resolve(cluster.toString()).resolve("sm");
        await().atMost(PATIENCE).until(() -> count(snapshots) >= 1);
        founded.close();
        try (Stream<Path> files = Files.list(snapshots)) {
            for (Path file : files.filter(file -> file.getFileName().toString().matches("snapshot\\.\\d+_\\d+")).toList()) {
                byte[] bytes = Files.readAllBytes(file);
                bytes[0] = 99;
                Files.write(file, bytes);
                MD5FileUtil.saveMD5File(file.toFile(), MD5FileUtil.computeMd5ForFile(file.toFile()));
            }
        }

        assertTrue(assertThrows(NewerFormatException.class, () -> voters.open(directory)).getMessage().contains("format 99"));
        assertTrue(Files.isDirectory(VoterDirectory.group(directory, cluster)));
    }

    @Test
    void interruptedFounding_isTakenBack_soThatWhoeverFoundsLooksForOthersAgain() throws Exception {
        Path group = VoterDirectory.group(directory, cluster);
        VoterDirectory.writeIdentity(group, new VoterDirectory.Identity("half-founded", "127.0.0.1:1", true));

        assertEquals(Optional.empty(), RaftVoter.clusterIn(directory));
        assertFalse(Files.exists(group));

        UUID another = UUID.randomUUID();
        write(voters.quorum(voters.found(directory, another)), 1);
    }

    @Test
    void interruptedReturn_goesOn_withWhyNobodyCanAdmitIt() throws Exception {
        voters.found(directory, cluster).close();
        Path group = VoterDirectory.group(directory, cluster);
        Path joining = directory.resolve(cluster + ".joining");
        VoterDirectory.writeIdentity(joining, new VoterDirectory.Identity("returning", "127.0.0.1:1", false));
        VoterDirectory.writeLoss(joining, "its disk was lost");
        // The second of the two renames is missing.
        Files.move(group, VoterDirectory.aside(group, "damaged"));

        assertEquals(Optional.of(cluster), RaftVoter.clusterIn(directory));

        assertEquals("returning", VoterDirectory.readIdentity(group).orElseThrow().peerId());
        assertEquals(Optional.of("its disk was lost"), VoterDirectory.readLoss(group));
        assertFalse(Files.exists(joining));
    }

    @Test
    void returnInterruptedBeforeItsFirstRename_leavesTheVoterAsItWas() throws Exception {
        RaftVoter founded = voters.found(directory, cluster);
        write(voters.quorum(founded), 1);
        founded.close();
        VoterDirectory.writeIdentity(directory.resolve(cluster + ".joining"), new VoterDirectory.Identity("returning", "127.0.0.1:1", false));

        RaftVoter opened = voters.open(directory);

        assertEquals(founded.self().id(), opened.self().id());
        assertEquals(RaftVoter.Start.REOPENED, opened.start());
        assertFalse(Files.exists(directory.resolve(cluster + ".joining")));
    }

    @Test
    void movedVoter_amongOthers_returnsAsNewPeer() throws Exception {
        RaftVoter first = voters.found(directory.resolve("a"), cluster);
        RaftVoter second = admit(first, "b");
        second.close();
        int other;
        try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getByName("127.0.0.1"))) {
            other = socket.getLocalPort();
        }

        RaftVoter moved = voters.keep(RaftVoter.open(TestVoters.settings(directory.resolve("b")).withPort(other), LocalAnswer.NONE));

        assertEquals(RaftVoter.Start.RETURNING, moved.start());
        assertNotEquals(second.self().id(), moved.self().id());
        assertTrue(moved.setAside().orElseThrow().getFileName().toString().contains(".moved-"));
    }

    @Test
    void portInUse_isAnException() throws Exception {
        try (ServerSocket taken = new ServerSocket(0, 1, InetAddress.getByName("127.0.0.1"))) {
            RaftSettings settings = TestVoters.settings(directory).withPort(taken.getLocalPort());

            IOException failure = assertThrows(IOException.class, () -> RaftVoter.found(settings, cluster, LocalAnswer.NONE));

            assertTrue(failure.getMessage().contains("127.0.0.1:" + taken.getLocalPort()), failure.getMessage());
        }
    }

    @Test
    void directoryInUse_isAnException() throws Exception {
        voters.found(directory, cluster);

        IOException failure = assertThrows(IOException.class, () -> voters.open(directory));

        assertTrue(failure.getMessage().contains("in use"), failure.getMessage());
    }

    @Test
    void discover_findsVoters_andNothing() throws Exception {
        RaftVoter first = voters.found(directory.resolve("a"), cluster);
        RaftVoter waiting = voters.join(directory.resolve("b"), cluster);
        int unused;
        try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getByName("127.0.0.1"))) {
            unused = socket.getLocalPort();
        }

        assertEquals(new Discovery.Voter(cluster, first.self(), true, true, List.of(first.self())), discover(first));
        assertEquals(new Discovery.Voter(cluster, waiting.self(), false, false, List.of()), discover(waiting));
        assertInstanceOf(Discovery.Nothing.class, RaftQuorum.discover("127.0.0.1", unused, Duration.ofSeconds(5), Optional.empty()));
    }

    /** A forming node has to tell a voter that sleeps from a port that something else uses. */
    @Test
    void discover_tellsSilence_fromAnotherService() throws Exception {
        try (ServerSocket frozen = new ServerSocket(0, 5, InetAddress.getByName("127.0.0.1"));
             ServerSocket other = new ServerSocket(0, 5, InetAddress.getByName("127.0.0.1"))) {
            Thread talker = Thread.ofVirtual().start(() -> {
                try {
                    while (true) {
                        try (Socket client = other.accept()) {
                            client.getOutputStream().write("220 another service\r\n".getBytes(StandardCharsets.US_ASCII));
                        }
                    }
                } catch (IOException closed) {
                    // The end of the test.
                }
            });

            assertInstanceOf(Discovery.Silent.class,
                    RaftQuorum.discover("127.0.0.1", frozen.getLocalPort(), Duration.ofMillis(500), Optional.empty()));
            assertInstanceOf(Discovery.Nothing.class,
                    RaftQuorum.discover("127.0.0.1", other.getLocalPort(), Duration.ofSeconds(5), Optional.empty()));
            other.close();
            talker.join();
        }
    }

    private static Discovery discover(RaftVoter voter) {
        int port = Integer.parseInt(voter.self().address().substring(voter.self().address().lastIndexOf(':') + 1));
        return RaftQuorum.discover("127.0.0.1", port, Duration.ofSeconds(5), Optional.empty());
    }

    @Test
    void question_beyondWhatIsApplied_isAnsweredBehind() throws Exception {
        RaftVoter voter = voters.found(directory, cluster);
        write(voters.quorum(voter), 1);
        JournalStateMachine machine = voter.stateMachine();
        long applied = machine.getLastAppliedTermIndex().getIndex();

        assertEquals(new JournalReply.HighestSequenceNr(1), ask(machine, applied));
        // Ratis adds entries of its own now and then; this index is far beyond them.
        assertInstanceOf(JournalReply.Behind.class, ask(machine, applied + 1_000_000));
    }

    private static JournalReply ask(JournalStateMachine machine, long written) throws Exception {
        return JournalCodec.decodeReply(JournalStateMachine.bytes(
                machine.query(JournalStateMachine.question(written, new JournalQuery.HighestSequenceNr(ID))).get().getContent()));
    }

    @Test
    void commandOfANewerRelease_isNotLetIntoTheLog_andTheVoterGoesOn() throws Exception {
        RaftVoter voter = voters.found(directory, cluster);
        RaftQuorum quorum = voters.quorum(voter);
        write(quorum, 1);
        for (Bytes newer : List.of(NEWER_COMMAND, JournalCodec.encode(new JournalCommand.Part(UUID.randomUUID(), 0, 2, NEWER_COMMAND)))) {
            RatisCalls calls = voters.keep(new RatisCalls(cluster, Duration.ofSeconds(5), Optional.empty()));

            RaftClientReply reply = calls.call(voter.self(), calls.write(voter.self(), calls.nextCallId(), newer));

            assertInstanceOf(StateMachineException.class, reply.getException());
            assertTrue(reply.getException().getMessage().contains("is a newer Flotilla in the cluster?"), reply.toString());
        }
        write(quorum, 1);
        assertEquals(upTo(2), numbers(quorum, ID));
    }

    @Test
    void commandOfANewerRelease_inTheLog_stopsTheVoter_ratherThanBeingSkipped() {
        for (Bytes newer : List.of(NEWER_COMMAND, JournalCodec.encode(new JournalCommand.Part(UUID.randomUUID(), 0, 1, NEWER_COMMAND)))) {
            AtomicReference<Throwable> failure = new AtomicReference<>();
            JournalStateMachine machine = new JournalStateMachine(LocalAnswer.NONE, 1 << 20, failure::set);
            TransactionContext entry = TransactionContext.newBuilder().setStateMachine(machine).setServerRole(RaftPeerRole.FOLLOWER)
                    .setLogEntry(LogEntryProto.newBuilder().setTerm(1).setIndex(7).setStateMachineLogEntry(StateMachineLogEntryProto
                            .newBuilder().setLogData(JournalStateMachine.message(newer).getContent())).build()).build();

            assertThrows(IllegalStateException.class, () -> machine.applyTransaction(entry));

            assertTrue(failure.get().getMessage().contains("install the newer release on this node"), failure.get().getMessage());
        }
    }

    @Test
    void voters_areAskedWhichCommandsTheyKnow_andADeadOneIsNotWaitedFor() throws Exception {
        RaftVoter first = voters.found(directory.resolve("a"), cluster);
        admit(first, "b");
        RaftVoter third = admit(first, "c");
        RaftQuorum quorum = voters.quorum(first);
        RaftQuorum remote = voters.remote(first);

        assertEquals(Optional.empty(), remote.voterBelow(JournalCodec.LEVEL));
        assertTrue(quorum.voterBelow(JournalCodec.LEVEL + 1).orElseThrow().contains("upgrade all voters first"));
        assertTrue(remote.voterBelow(JournalCodec.LEVEL + 1).isPresent());
        third.close();
        assertEquals(Optional.empty(), quorum.voterBelow(JournalCodec.LEVEL));
    }

    @Test
    void unreachableVoter_isNotAdded_andTheGroupGoesOn() throws Exception {
        RaftVoter first = voters.found(directory.resolve("a"), cluster);
        RaftVoter dead = voters.join(directory.resolve("b"), cluster);
        dead.close();

        IOException failure = assertThrows(IOException.class, () -> first.addVoter(dead.self()));

        assertTrue(failure.getMessage().startsWith("Voter " + dead.self() + " can't be added"), failure.getMessage());
        RaftQuorum quorum = voters.quorum(first);
        write(quorum, 3);
        assertEquals(List.of(first.self()), first.voters());
        admit(first, "c");
        write(quorum, 3);
        assertEquals(upTo(6), numbers(quorum, ID));
    }

    @Test
    void membershipChange_isAskedOfTheLeader_byAnyVoter() throws Exception {
        RaftVoter first = voters.found(directory.resolve("a"), cluster);
        RaftVoter second = admit(first, "b");
        RaftVoter third = voters.join(directory.resolve("c"), cluster);

        TestVoters.admit(second, third);
        await().atMost(PATIENCE).until(() -> first.voters().size() == 3 && second.voters().size() == 3);
        second.removeVoter(first.self().id());

        await().atMost(PATIENCE).until(() -> second.voters().size() == 2 && third.voters().size() == 2);
        await().atMost(PATIENCE).until(() -> second.isLeader() || third.isLeader());
        IOException refused = assertThrows(IOException.class, () -> {
            RaftVoter alone = voters.found(directory.resolve("d"), UUID.randomUUID());
            alone.removeVoter(alone.self().id());
        });
        assertTrue(refused.getMessage().contains("last voter"), refused.getMessage());
    }

    @Test
    void localStatus_tellsWhatTheNodeSays() throws Exception {
        RaftVoter voter = voters.keep(RaftVoter.found(TestVoters.settings(directory), cluster, () -> bytes("generation 3")));
        RaftQuorum quorum = voters.remote(voter);
        UUID node = UUID.randomUUID();
        get(quorum.submit(new JournalCommand.CompareAndSetGeneration(0, node, "pekko://a")), JournalReply.GenerationFounded.class);

        JournalReply.LocalStatus status =
                get(quorum.queryPeer(voter.self(), new JournalQuery.LocalStatus()), JournalReply.LocalStatus.class);

        assertEquals(bytes("generation 3"), status.nodeAnswer());
        assertEquals(Optional.of(voter.self().id()), status.leaderId());
        assertEquals(Optional.of(new Generation(1, node, "pekko://a")), status.generation());
    }

    @Test
    void transferLeadership_movesItToAnother() throws Exception {
        RaftVoter first = voters.found(directory.resolve("a"), cluster);
        RaftVoter second = admit(first, "b");
        write(voters.quorum(first), 1);

        assertTrue(first.transferLeadership(Duration.ofSeconds(20)));

        await().atMost(PATIENCE).until(second::isLeader);
    }

    @Test
    void takeLeadership_movesItHere_whileCommandsGoOn() throws Exception {
        RaftVoter first = voters.found(directory.resolve("a"), cluster);
        RaftVoter second = admit(first, "b");
        RaftQuorum quorum = voters.quorum(first);
        write(quorum, 1);

        await().atMost(PATIENCE).until(() -> second.takeLeadership(Duration.ofSeconds(5)));

        await().atMost(PATIENCE).until(second::isLeader);
        assertTrue(second.takeLeadership(Duration.ofSeconds(5)));
        write(quorum, 1);
        assertEquals(upTo(2), numbers(quorum, ID));
        first.close();
        await().atMost(PATIENCE).until(() -> !second.isLeader());
        assertFalse(second.takeLeadership(Duration.ofSeconds(1)));
    }
}
