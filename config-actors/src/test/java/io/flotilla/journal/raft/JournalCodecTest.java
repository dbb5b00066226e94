package io.flotilla.journal.raft;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.flotilla.journal.StoredJournal;
import io.flotilla.journal.raft.JournalCommand.Entry;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Combinators;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.constraints.Size;

class JournalCodecTest {
    private static Arbitrary<String> texts() {
        return Arbitraries.strings().withCharRange('\0', '\uD7FF').ofMaxLength(40);
    }

    private static Arbitrary<Long> numbers() {
        return Arbitraries.longs();
    }

    private static Arbitrary<Integer> counts() {
        return Arbitraries.integers().between(0, Integer.MAX_VALUE);
    }

    private static Arbitrary<UUID> ids() {
        return Combinators.combine(numbers(), numbers()).as(UUID::new);
    }

    private static Arbitrary<Bytes> runs() {
        return Arbitraries.bytes().array(byte[].class).ofMaxSize(300).map(Bytes::copyOf);
    }

    private static Arbitrary<List<Entry>> entries() {
        return Combinators.combine(numbers(), runs()).as(Entry::new).list().ofMaxSize(5);
    }

    private static Arbitrary<SnapshotRange> ranges() {
        return Combinators.combine(numbers(), numbers(), numbers(), numbers()).as(SnapshotRange::new);
    }

    private static Arbitrary<Optional<String>> maybeText() {
        return texts().optional();
    }

    private static Arbitrary<NodeRecord> nodes() {
        return Combinators.combine(ids(), texts(), texts(), maybeText(), maybeText(), texts().list().ofMaxSize(3)).as(NodeRecord::new);
    }

    private static Arbitrary<Generation> generations() {
        return Combinators.combine(numbers(), ids(), texts()).as(Generation::new);
    }

    private static Arbitrary<List<VoterWish>> wishes() {
        return Combinators.combine(texts(), Arbitraries.of(true, false), maybeText()).as(VoterWish::new).list().ofMaxSize(3);
    }

    @Provide
    Arbitrary<JournalCommand> commands() {
        return Arbitraries.oneOf(
                Combinators.combine(texts(), ids()).as(JournalCommand.ClaimEpoch::new),
                Combinators.combine(texts(), numbers(), numbers(), entries()).as(JournalCommand.Append::new),
                Combinators.combine(texts(), numbers(), numbers()).as(JournalCommand.DeleteTo::new),
                Combinators.combine(texts(), numbers(), numbers(), numbers(), runs()).as(JournalCommand.SaveSnapshot::new),
                Combinators.combine(texts(), numbers(), ranges()).as(JournalCommand.DeleteSnapshots::new),
                Combinators.combine(ids(), counts(), counts(), runs()).as(JournalCommand.Part::new),
                Combinators.combine(numbers(), ids(), texts()).as(JournalCommand.CompareAndSetGeneration::new),
                Combinators.combine(nodes(), ids().optional()).as(JournalCommand.RegisterNode::new),
                wishes().map(JournalCommand.WishVoters::new),
                ids().map(JournalCommand.ForgetNode::new));
    }

    @Provide
    Arbitrary<JournalQuery> queries() {
        return Arbitraries.oneOf(
                texts().map(JournalQuery.HighestSequenceNr::new),
                Combinators.combine(texts(), numbers(), numbers(), numbers()).as(JournalQuery.Replay::new),
                Combinators.combine(texts(), ranges(), counts()).as(JournalQuery.LoadSnapshot::new),
                Combinators.combine(texts(), numbers(), counts()).as(JournalQuery.LoadEvent::new),
                texts().map(JournalQuery.VoterStorage::new),
                Arbitraries.of(new JournalQuery.CurrentGeneration(), new JournalQuery.ListNodes(), new JournalQuery.LocalStatus(),
                        new JournalQuery.ListWishes(), new JournalQuery.VoterProgress(), new JournalQuery.FormatLevel()));
    }

    private static Arbitrary<StoredJournal> stored() {
        Arbitrary<StoredJournal.Snapshot> snapshots =
                Combinators.combine(numbers(), numbers(), numbers()).as(StoredJournal.Snapshot::new);
        return Combinators.combine(numbers(), numbers(), numbers(), numbers(), numbers(), numbers(), snapshots.optional())
                .as(StoredJournal::new);
    }

    @Provide
    Arbitrary<JournalReply> replies() {
        Arbitrary<VoterPeer> peers = Combinators.combine(texts(), texts()).as(VoterPeer::new);
        Arbitrary<JournalReply> first = Arbitraries.oneOf(
                Combinators.combine(numbers(), numbers()).as(JournalReply.EpochClaimed::new),
                numbers().map(JournalReply.Appended::new),
                numbers().map(JournalReply.Behind::new),
                texts().map(JournalReply.Fenced::new),
                counts().map(JournalReply.PartStored::new),
                counts().map(JournalReply.FormatLevel::new),
                texts().map(JournalReply.Refused::new),
                numbers().map(JournalReply.HighestSequenceNr::new),
                Arbitraries.of(new JournalReply.Done(), new JournalReply.NoSnapshot()));
        return Arbitraries.oneOf(first,
                Combinators.combine(entries(), numbers(), Arbitraries.of(true, false)).as(JournalReply.ReplayPage::new),
                Combinators.combine(numbers(), numbers(), counts(), runs()).as(JournalReply.SnapshotPage::new),
                Combinators.combine(numbers(), counts(), runs()).as(JournalReply.EventPage::new),
                generations().map(JournalReply.GenerationFounded::new),
                generations().optional().map(JournalReply.GenerationConflict::new),
                generations().optional().map(JournalReply.CurrentGeneration::new),
                nodes().map(JournalReply.NodeRegistered::new),
                nodes().map(JournalReply.NameTaken::new),
                nodes().list().ofMaxSize(3).map(JournalReply.Nodes::new),
                wishes().map(JournalReply.Wishes::new),
                Combinators.combine(texts(), numbers(), numbers(), numbers(), numbers(), Arbitraries.of(true, false),
                        peers.list().ofMaxSize(3)).as(JournalReply.VoterProgress::new),
                Combinators.combine(numbers(), numbers(), stored()).as(JournalReply.VoterStorage::new),
                Combinators.combine(texts(), maybeText(), numbers(), numbers(), peers.list().ofMaxSize(3), numbers(),
                        generations().optional(), runs()).as(JournalReply.LocalStatus::new));
    }

    @Property
    void command_roundTrip(@ForAll("commands") JournalCommand command) throws JournalFormatException {
        assertEquals(command, JournalCodec.decodeCommand(JournalCodec.encode(command)));
    }

    @Property
    void query_roundTrip(@ForAll("queries") JournalQuery query) throws JournalFormatException {
        assertEquals(query, JournalCodec.decodeQuery(JournalCodec.encode(query)));
    }

    @Property
    void reply_roundTrip(@ForAll("replies") JournalReply reply) throws JournalFormatException {
        assertEquals(reply, JournalCodec.decodeReply(JournalCodec.encode(reply)));
    }

    private interface Decoder {
        Object decode(Bytes bytes) throws JournalFormatException;
    }

    /** Anything but a value or the one declared exception fails the test. */
    private static void decodes(Decoder decoder, Bytes bytes) {
        try {
            decoder.decode(bytes);
        } catch (JournalFormatException e) {
            assertFalse(e.getMessage().isBlank());
        }
    }

    @Property
    void garbage_isRefused(@ForAll @Size(max = 200) byte[] garbage, @ForAll boolean startsWell) {
        if (startsWell && garbage.length > 1) {
            garbage[0] = JournalCodec.VERSION;
            garbage[1] = (byte) (garbage[1] & 31);
        }
        Bytes bytes = Bytes.copyOf(garbage);
        decodes(JournalCodec::decodeCommand, bytes);
        decodes(JournalCodec::decodeQuery, bytes);
        decodes(JournalCodec::decodeReply, bytes);
    }

    @Property
    void truncatedOrProlonged_isRefused(@ForAll("commands") JournalCommand command, @ForAll int cut) {
        Bytes whole = JournalCodec.encode(command);
        int end = Math.floorMod(cut, whole.size());
        assertThrows(JournalFormatException.class, () -> JournalCodec.decodeCommand(whole.slice(0, end)));
        byte[] longer = Arrays.copyOf(whole.toArray(), whole.size() + 1);
        assertThrows(JournalFormatException.class, () -> JournalCodec.decodeCommand(Bytes.copyOf(longer)));
    }

    @Property
    void changedByte_isRefusedOrAnotherCommand(@ForAll("commands") JournalCommand command, @ForAll int at, @ForAll byte with) {
        byte[] changed = JournalCodec.encode(command).toArray();
        changed[Math.floorMod(at, changed.length)] = with;
        decodes(JournalCodec::decodeCommand, Bytes.copyOf(changed));
    }
}
