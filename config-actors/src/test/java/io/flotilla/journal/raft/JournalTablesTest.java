package io.flotilla.journal.raft;

import static io.flotilla.journal.raft.TestVoters.bytes;
import static io.flotilla.journal.raft.TestVoters.claim;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertDoesNotThrow;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.flotilla.journal.raft.JournalCommand.Append;
import io.flotilla.journal.raft.JournalCommand.CompareAndSetGeneration;
import io.flotilla.journal.raft.JournalCommand.DeleteSnapshots;
import io.flotilla.journal.raft.JournalCommand.DeleteTo;
import io.flotilla.journal.raft.JournalCommand.Entry;
import io.flotilla.journal.raft.JournalCommand.Part;
import io.flotilla.journal.raft.JournalCommand.RegisterNode;
import io.flotilla.journal.raft.JournalCommand.SaveSnapshot;
import io.flotilla.journal.raft.JournalQuery.LoadSnapshot;
import io.flotilla.journal.raft.JournalQuery.Replay;
import io.flotilla.journal.raft.JournalReply.Appended;
import io.flotilla.journal.raft.JournalReply.Done;
import io.flotilla.journal.raft.JournalReply.EpochClaimed;
import io.flotilla.journal.raft.JournalReply.Fenced;
import io.flotilla.journal.raft.JournalReply.NoSnapshot;
import io.flotilla.journal.raft.JournalReply.PartStored;
import io.flotilla.journal.raft.JournalReply.Refused;
import io.flotilla.journal.raft.JournalReply.ReplayPage;
import io.flotilla.journal.raft.JournalReply.SnapshotPage;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

class JournalTablesTest {
    private static final String ID = "config";
    private static final SnapshotRange ANY = new SnapshotRange(0, Long.MAX_VALUE, 0, Long.MAX_VALUE);

    private final JournalTables tables = new JournalTables();

    private static Append append(long epoch, long previous, long... numbers) {
        return new Append(ID, epoch, previous,
                Arrays.stream(numbers).mapToObj(number -> new Entry(number, bytes("event " + number))).toList());
    }

    private long claimed() {
        return assertInstanceOf(EpochClaimed.class, tables.apply(claim(ID))).epoch();
    }

    private List<Long> numbers() {
        return assertInstanceOf(ReplayPage.class, tables.answer(new Replay(ID, 1, Long.MAX_VALUE, Long.MAX_VALUE))).entries().stream()
                .map(Entry::sequenceNr).toList();
    }

    private static byte[] snapshot(JournalTables tables) throws IOException {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        tables.writeTo(new DataOutputStream(out));
        return out.toByteArray();
    }

    private static JournalTables restored(byte[] snapshot) throws IOException {
        return JournalTables.readFrom(new DataInputStream(new ByteArrayInputStream(snapshot)), snapshot.length);
    }

    @Test
    void claim_raisesTheEpoch_andRepeatedClaimDoesNot() {
        JournalCommand.ClaimEpoch claim = claim(ID);
        assertEquals(new EpochClaimed(1, 0), tables.apply(claim));
        assertEquals(new EpochClaimed(1, 0), tables.apply(claim));
        tables.apply(append(1, 0, 1, 2));
        assertEquals(new EpochClaimed(2, 2), tables.apply(claim(ID)));
        assertEquals(new EpochClaimed(1, 0), tables.apply(claim("another")));
    }

    @Test
    void append_withoutClaim_isFenced() {
        assertInstanceOf(Fenced.class, tables.apply(append(0, 0, 1)));
        assertInstanceOf(Fenced.class, tables.apply(append(1, 0, 1)));
    }

    @Test
    void append_underTheEpoch_skippingRejectedNumbers() {
        long epoch = claimed();
        assertEquals(new Appended(1), tables.apply(append(epoch, 0, 1)));
        assertEquals(new Appended(5), tables.apply(append(epoch, 1, 3, 5)));
        assertEquals(List.of(1L, 3L, 5L), numbers());
    }

    @Test
    void append_ofAnOlderEpoch_isFenced() {
        long older = claimed();
        tables.apply(append(older, 0, 1));
        long newer = claimed();
        assertInstanceOf(Fenced.class, tables.apply(append(older, 1, 2)));
        assertInstanceOf(Fenced.class, tables.apply(new DeleteTo(ID, older, 1)));
        assertInstanceOf(Fenced.class, tables.apply(new SaveSnapshot(ID, older, 1, 1, bytes("s"))));
        assertInstanceOf(Fenced.class, tables.apply(new DeleteSnapshots(ID, older, ANY)));
        assertEquals(new Appended(2), tables.apply(append(newer, 1, 2)));
        assertEquals(List.of(1L, 2L), numbers());
    }

    @Test
    void append_thatDoesNotFollow_isFenced_andChangesNothing() throws IOException {
        long epoch = claimed();
        tables.apply(append(epoch, 0, 1, 2));
        byte[] before = snapshot(tables);
        assertInstanceOf(Fenced.class, tables.apply(append(epoch, 1, 3)));
        assertInstanceOf(Fenced.class, tables.apply(append(epoch, 2, 2)));
        assertInstanceOf(Fenced.class, tables.apply(append(epoch, 2, 4, 3)));
        assertInstanceOf(Fenced.class, tables.apply(append(epoch, 3, 4)));
        assertArrayEquals(before, snapshot(tables));
    }

    @Test
    void append_repeatedExactly_getsTheFirstAnswer_evenAfterAnotherClaim() {
        long epoch = claimed();
        Append append = append(epoch, 0, 1, 2);
        assertEquals(new Appended(2), tables.apply(append));
        assertEquals(new Appended(2), tables.apply(append));
        claimed();
        assertEquals(new Appended(2), tables.apply(append));
        assertInstanceOf(Fenced.class, tables.apply(new Append(ID, epoch, 0,
                List.of(new Entry(1, bytes("other")), new Entry(2, bytes("event 2"))))));
        assertEquals(List.of(1L, 2L), numbers());
    }

    @Test
    void deletedEvents_keepTheHighestNumber() {
        long epoch = claimed();
        tables.apply(append(epoch, 0, 1, 2, 3));
        assertEquals(new Done(), tables.apply(new DeleteTo(ID, epoch, 2)));
        assertEquals(List.of(3L), numbers());
        tables.apply(new DeleteTo(ID, epoch, Long.MAX_VALUE));
        assertEquals(List.of(), numbers());
        assertEquals(new JournalReply.HighestSequenceNr(3), tables.answer(new JournalQuery.HighestSequenceNr(ID)));
        assertInstanceOf(Fenced.class, tables.apply(append(epoch, 0, 1)));
        assertEquals(new Appended(4), tables.apply(append(epoch, 3, 4)));
    }

    @Test
    void replay_respectsRangeAndLimit() {
        long epoch = claimed();
        tables.apply(append(epoch, 0, 1, 2, 3, 4, 5));
        assertEquals(List.of(2L, 3L), pageNumbers(new Replay(ID, 2, 3, 10)));
        assertEquals(List.of(4L), pageNumbers(new Replay(ID, 4, 10, 1)));
        assertEquals(List.of(), pageNumbers(new Replay(ID, 4, 3, 10)));
        assertEquals(List.of(), pageNumbers(new Replay(ID, 1, 5, 0)));
        assertEquals(List.of(), pageNumbers(new Replay("nobody", 1, 5, 9)));
    }

    private List<Long> pageNumbers(Replay replay) {
        return assertInstanceOf(ReplayPage.class, tables.answer(replay)).entries().stream().map(Entry::sequenceNr).toList();
    }

    @Test
    void replay_ofManyBytes_comesInPages() {
        long epoch = claimed();
        Bytes large = Bytes.copyOf(new byte[PersistenceTable.PAGE_BYTES / 2 + 1]);
        for (long number = 1; number <= 5; number++) {
            tables.apply(new Append(ID, epoch, number - 1, List.of(new Entry(number, large))));
        }
        ReplayPage page = assertInstanceOf(ReplayPage.class, tables.answer(new Replay(ID, 1, 5, 100)));
        assertEquals(2, page.entries().size());
        assertEquals(3, page.nextFrom());
        assertEquals(false, page.complete());
        page = assertInstanceOf(ReplayPage.class, tables.answer(new Replay(ID, 3, 4, 100)));
        assertEquals(2, page.entries().size());
        assertEquals(true, page.complete());
    }

    @Test
    void replay_ofAnEventTooLongForAPage_comesInParts() {
        long epoch = claimed();
        byte[] content = new byte[PersistenceTable.LONG_EVENT_BYTES + 1];
        content[content.length - 1] = 7;
        tables.apply(append(epoch, 0, 1));
        tables.apply(new Append(ID, epoch, 1, List.of(new Entry(2, Bytes.copyOf(content)))));
        tables.apply(append(epoch, 2, 3));

        ReplayPage before = assertInstanceOf(ReplayPage.class, tables.answer(new Replay(ID, 1, 3, 100)));
        assertEquals(List.of(1L), before.entries().stream().map(Entry::sequenceNr).toList());
        assertEquals(2, before.nextFrom());
        assertEquals(false, before.complete());
        JournalReply.EventPage first = assertInstanceOf(JournalReply.EventPage.class, tables.answer(new Replay(ID, 2, 3, 100)));
        assertEquals(PersistenceTable.PAGE_BYTES, first.bytes().size());
        assertEquals(content.length, first.totalBytes());
        JournalReply.EventPage last = assertInstanceOf(JournalReply.EventPage.class,
                tables.answer(new JournalQuery.LoadEvent(ID, 2, PersistenceTable.LONG_EVENT_BYTES)));
        assertEquals(Bytes.copyOf(new byte[] {7}), last.bytes());
        assertEquals(List.of(3L), pageNumbers(new Replay(ID, 3, 3, 100)));
        assertInstanceOf(JournalReply.Refused.class, tables.answer(new JournalQuery.LoadEvent(ID, 4, 0)));
        assertInstanceOf(JournalReply.Refused.class, tables.answer(new JournalQuery.LoadEvent(ID, 2, content.length + 1)));
    }

    @Test
    void snapshots_areSelectedAndDeletedByCriteria() {
        long epoch = claimed();
        for (long number = 10; number <= 30; number += 10) {
            tables.apply(new SaveSnapshot(ID, epoch, number, number * 100, bytes("at " + number)));
        }
        tables.apply(new SaveSnapshot(ID, epoch, 20, 2001, bytes("at 20 again")));
        assertEquals(30, newest(ANY).sequenceNr());
        assertEquals(bytes("at 20 again"), newest(new SnapshotRange(0, 29, 0, Long.MAX_VALUE)).bytes());
        assertEquals(bytes("at 20"), newest(new SnapshotRange(0, 29, 0, 2000)).bytes());
        tables.apply(new DeleteSnapshots(ID, epoch, SnapshotRange.exactly(30, 3000)));
        assertEquals(20, newest(ANY).sequenceNr());
        tables.apply(new DeleteSnapshots(ID, epoch, new SnapshotRange(0, 20, 0, Long.MAX_VALUE)));
        assertEquals(new NoSnapshot(), tables.answer(new LoadSnapshot(ID, ANY, 0)));
    }

    private SnapshotPage newest(SnapshotRange range) {
        return assertInstanceOf(SnapshotPage.class, tables.answer(new LoadSnapshot(ID, range, 0)));
    }

    @Test
    void parts_areExecutedWithTheLast() {
        long epoch = claimed();
        Bytes whole = JournalCodec.encode(append(epoch, 0, 1, 2, 3));
        UUID upload = UUID.randomUUID();
        int cut = whole.size() / 2;
        Part first = new Part(upload, 0, 2, whole.slice(0, cut));
        Part second = new Part(upload, 1, 2, whole.slice(cut, whole.size()));
        assertEquals(new PartStored(1), tables.apply(first));
        assertEquals(new PartStored(1), tables.apply(first));
        assertEquals(List.of(), numbers());
        assertEquals(new Appended(3), tables.apply(second));
        assertEquals(List.of(1L, 2L, 3L), numbers());
        assertInstanceOf(Refused.class, tables.apply(second));
    }

    @Test
    void parts_thatDoNotContinue_areRefused() {
        UUID upload = UUID.randomUUID();
        assertInstanceOf(Refused.class, tables.apply(new Part(upload, 1, 3, bytes("b"))));
        tables.apply(new Part(upload, 0, 3, Bytes.copyOf(new byte[] {0})));
        assertInstanceOf(Refused.class, tables.apply(new Part(upload, 2, 3, bytes("c"))));
        assertInstanceOf(Refused.class, tables.apply(new Part(upload, 1, 4, bytes("b"))));
        tables.apply(new Part(upload, 1, 3, bytes("b")));
        assertInstanceOf(Refused.class, tables.apply(new Part(upload, 2, 3, bytes("c"))), "not a command");
    }

    @Test
    void parts_leftUnfinished_areDroppedOldestFirst() {
        UUID oldest = UUID.randomUUID();
        tables.apply(new Part(oldest, 0, 3, bytes("a")));
        UUID second = UUID.randomUUID();
        tables.apply(new Part(second, 0, 3, bytes("a")));
        for (int i = 0; i < PartStaging.MAX_UPLOADS - 1; i++) {
            tables.apply(new Part(UUID.randomUUID(), 0, 3, bytes("a")));
        }
        assertInstanceOf(Refused.class, tables.apply(new Part(oldest, 1, 3, bytes("b"))));
        assertEquals(new PartStored(2), tables.apply(new Part(second, 1, 3, bytes("b"))));
    }

    @Test
    void parts_ofTooManyBytes_areRefused_andDropOthers() {
        UUID other = UUID.randomUUID();
        tables.apply(new Part(other, 0, 2, bytes("a")));
        UUID huge = UUID.randomUUID();
        Bytes piece = Bytes.copyOf(new byte[8 * 1024 * 1024]);
        int fitting = (int) (PartStaging.MAX_BYTES / piece.size());
        for (int i = 0; i < fitting; i++) {
            assertEquals(new PartStored(i + 1), tables.apply(new Part(huge, i, fitting + 2, piece)));
        }
        assertInstanceOf(Refused.class, tables.apply(new Part(other, 1, 2, bytes("b"))));
        assertInstanceOf(Refused.class, tables.apply(new Part(huge, fitting, fitting + 2, piece)));
        assertInstanceOf(Refused.class, tables.apply(new Part(huge, fitting + 1, fitting + 2, piece)));
    }

    @Test
    void generation_isChangedByCompareAndSet() {
        UUID a = UUID.randomUUID();
        UUID b = UUID.randomUUID();
        assertEquals(new JournalReply.GenerationFounded(new Generation(1, a, "pekko://a")),
                tables.apply(new CompareAndSetGeneration(0, a, "pekko://a")));
        assertEquals(new JournalReply.GenerationConflict(Optional.of(new Generation(1, a, "pekko://a"))),
                tables.apply(new CompareAndSetGeneration(0, b, "pekko://b")));
        assertEquals(new JournalReply.GenerationFounded(new Generation(2, b, "pekko://b")),
                tables.apply(new CompareAndSetGeneration(1, b, "pekko://b")));
        assertEquals(new JournalReply.CurrentGeneration(Optional.of(new Generation(2, b, "pekko://b"))),
                tables.answer(new JournalQuery.CurrentGeneration()));
    }

    private static NodeRecord node(UUID id, String name, String address) {
        return new NodeRecord(id, name, address, Optional.empty(), Optional.empty(), List.of("gateway"));
    }

    @Test
    void nodeName_isHeldByOneNode() {
        UUID a = UUID.randomUUID();
        UUID b = UUID.randomUUID();
        NodeRecord first = node(a, "alpha", "host-1");
        assertEquals(new JournalReply.NodeRegistered(first), tables.apply(new RegisterNode(first, Optional.empty())));
        assertEquals(new JournalReply.NameTaken(first), tables.apply(new RegisterNode(node(b, "alpha", "host-2"), Optional.empty())));
        assertEquals(new JournalReply.NameTaken(first), tables.apply(new RegisterNode(node(b, "alpha", "host-2"), Optional.of(b))));
        NodeRecord moved = node(a, "alpha", "host-3");
        tables.apply(new RegisterNode(moved, Optional.empty()));
        assertEquals(new JournalReply.Nodes(List.of(moved)), tables.answer(new JournalQuery.ListNodes()));
        NodeRecord heir = node(b, "alpha", "host-2");
        assertEquals(new JournalReply.NodeRegistered(heir), tables.apply(new RegisterNode(heir, Optional.of(a))));
        assertEquals(new JournalReply.Nodes(List.of(heir)), tables.answer(new JournalQuery.ListNodes()));
        tables.apply(new RegisterNode(node(b, "beta", "host-2"), Optional.empty()));
        assertEquals(new JournalReply.NodeRegistered(first), tables.apply(new RegisterNode(first, Optional.empty())));
    }

    @Test
    void generation_isTold_whileASnapshotIsWritten() throws Exception {
        tables.apply(new CompareAndSetGeneration(0, UUID.randomUUID(), "pekko://a"));
        CountDownLatch writing = new CountDownLatch(1);
        CountDownLatch told = new CountDownLatch(1);
        OutputStream slow = new OutputStream() {
            @Override
            public void write(int b) throws IOException {
                writing.countDown();
                try {
                    told.await();
                } catch (InterruptedException e) {
                    throw new IOException(e);
                }
            }
        };
        Thread writer = Thread.ofVirtual().start(() -> assertDoesNotThrow(() -> tables.writeTo(new DataOutputStream(slow))));
        try {
            writing.await();
            assertEquals(1, CompletableFuture.supplyAsync(tables::generation).get(30, TimeUnit.SECONDS).orElseThrow().number());
        } finally {
            told.countDown();
            writer.join();
        }
    }

    @Test
    void snapshot_restoresEverything() throws IOException {
        long epoch = claimed();
        Append append = append(epoch, 0, 1, 2);
        tables.apply(append);
        tables.apply(new SaveSnapshot(ID, epoch, 2, 5, bytes("state")));
        tables.apply(new CompareAndSetGeneration(0, UUID.randomUUID(), "pekko://a"));
        tables.apply(new RegisterNode(node(UUID.randomUUID(), "alpha", "host-1"), Optional.empty()));
        UUID upload = UUID.randomUUID();
        Bytes whole = JournalCodec.encode(append(epoch, 2, 3));
        tables.apply(new Part(upload, 0, 2, whole.slice(0, 5)));

        JournalTables restored = restored(snapshot(tables));

        assertArrayEquals(snapshot(tables), snapshot(restored));
        assertEquals(new Appended(2), restored.apply(append));
        assertEquals(new Appended(3), restored.apply(new Part(upload, 1, 2, whole.slice(5, whole.size()))));
    }

    @Test
    void damagedSnapshot_isRefused() throws IOException {
        tables.apply(claim(ID));
        byte[] snapshot = snapshot(tables);
        assertThrows(IOException.class, () -> restored(Arrays.copyOf(snapshot, snapshot.length - 1)));
        assertThrows(IOException.class, () -> restored(Arrays.copyOf(snapshot, snapshot.length + 1)));
        snapshot[0] = 9;
        assertThrows(JournalFormatException.class, () -> restored(snapshot));
    }

    private List<VoterWish> wishes(JournalTables of) {
        return assertInstanceOf(JournalReply.Wishes.class, of.answer(new JournalQuery.ListWishes())).wishes();
    }

    private JournalReply wish(String name, boolean votes) {
        return tables.apply(new JournalCommand.WishVoters(List.of(new VoterWish(name, votes, Optional.empty()))));
    }

    @Test
    void wish_isReplaced_andFollowsTheNodeToItsNewName() {
        UUID id = UUID.randomUUID();
        tables.apply(new RegisterNode(node(id, "alpha", "host-1"), Optional.empty()));
        assertEquals(new JournalReply.Done(), wish("alpha", true));
        assertEquals(new JournalReply.Done(), wish("alpha", false));
        tables.apply(new RegisterNode(node(id, "beta", "host-1"), Optional.empty()));
        assertEquals(List.of(new VoterWish("beta", false, Optional.empty())), wishes(tables));
    }

    @Test
    void wishes_withAnUnknownNode_changeNothing() {
        tables.apply(new RegisterNode(node(UUID.randomUUID(), "alpha", "host-1"), Optional.empty()));
        assertInstanceOf(JournalReply.Refused.class, tables.apply(new JournalCommand.WishVoters(List.of(
                new VoterWish("alpha", true, Optional.empty()), new VoterWish("nobody", false, Optional.of("alpha"))))));
        assertEquals(List.of(), wishes(tables));
    }

    @Test
    void forgottenNode_leavesTheRegistry_butItsRemovedVoteIsRemembered() {
        UUID removed = UUID.randomUUID();
        UUID wanted = UUID.randomUUID();
        tables.apply(new RegisterNode(node(removed, "alpha", "host-1"), Optional.empty()));
        tables.apply(new RegisterNode(node(wanted, "beta", "host-2"), Optional.empty()));
        wish("alpha", false);
        wish("beta", true);
        tables.apply(new JournalCommand.ForgetNode(removed));
        tables.apply(new JournalCommand.ForgetNode(wanted));
        assertEquals(List.of(), assertInstanceOf(JournalReply.Nodes.class, tables.answer(new JournalQuery.ListNodes())).nodes());
        assertEquals(List.of(new VoterWish("alpha", false, Optional.empty())), wishes(tables));
    }

    @Test
    void wishes_surviveASnapshot_whoseFormatIsTheFirstWithoutThem() throws IOException {
        tables.apply(new RegisterNode(node(UUID.randomUUID(), "alpha", "host-1"), Optional.empty()));
        assertEquals(1, snapshot(tables)[0]);
        wish("alpha", false);
        assertEquals(2, snapshot(tables)[0]);
        assertEquals(wishes(tables), wishes(restored(snapshot(tables))));
    }

    @Test
    void reason_isShortEnoughForAReply() throws JournalFormatException {
        String name = "\uD83D\uDE00".repeat(15_000);
        JournalReply reply = tables.apply(new DeleteTo(name, 1, 1));
        assertEquals(reply, JournalCodec.decodeReply(JournalCodec.encode(reply)));
    }
}
