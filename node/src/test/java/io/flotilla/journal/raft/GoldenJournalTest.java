package io.flotilla.journal.raft;

import static org.junit.jupiter.api.Assertions.assertEquals;

import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializerProvider;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.module.SimpleModule;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.databind.ser.std.StdSerializer;
import com.fasterxml.jackson.datatype.jdk8.Jdk8Module;
import io.flotilla.golden.Example;
import io.flotilla.golden.Golden;
import io.flotilla.journal.StoredJournal;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.UUID;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The commands in Raft logs, the queries and replies between nodes, and Raft's snapshots keep the recorded bytes. */
class GoldenJournalTest {
    private static final Golden GOLDEN = new Golden("journal", ".bin");
    private static final UUID ID = UUID.fromString("00112233-4455-6677-8899-aabbccddeeff");
    private static final UUID OTHER_ID = UUID.fromString("ffeeddcc-bbaa-9988-7766-554433221100");
    private static final Generation GENERATION = new Generation(3, ID, "127.0.0.1:20001");
    private static final NodeRecord VOTER = new NodeRecord(ID, "node-1", "127.0.0.1:20001", Optional.of("127.0.0.1:20002"),
            Optional.of("peer-1"), List.of("gateway", "primary", "voter"));
    private static final NodeRecord GATEWAY =
            new NodeRecord(OTHER_ID, "node-4", "127.0.0.4:20001", Optional.empty(), Optional.empty(), List.of("gateway"));
    private static final List<VoterWish> WISHES =
            List.of(new VoterWish("node-4", true, Optional.of("node-1")), new VoterWish("node-1", false, Optional.empty()));
    private static final List<VoterPeer> PEERS = List.of(new VoterPeer("peer-1", "127.0.0.1:20002"));
    private static final SnapshotRange RANGE = new SnapshotRange(1, 500, -1, Long.MAX_VALUE);
    private static final List<JournalCommand.Entry> ENTRIES =
            List.of(new JournalCommand.Entry(41, bytes("event 41")), new JournalCommand.Entry(43, bytes("event 43")));

    private static final ObjectMapper JSON = JsonMapper.builder().addModule(new Jdk8Module())
            .addModule(new SimpleModule().addSerializer(Bytes.class, new StdSerializer<>(Bytes.class) {
                private static final long serialVersionUID = 1L;

                @Override
                public void serialize(Bytes value, JsonGenerator out, SerializerProvider provider) throws IOException {
                    out.writeString(Golden.text(value.toArray()));
                }
            })).build();

    static List<Example> examples() {
        return List.of(
                Example.of(new JournalCommand.ClaimEpoch("configuration", ID)),
                Example.of(new JournalCommand.Append("configuration", 7, 40, ENTRIES)),
                Example.of(new JournalCommand.DeleteTo("configuration", 7, 39)),
                Example.of(new JournalCommand.SaveSnapshot("configuration", 7, 500, 1_795_513_531_000L, bytes("snapshot"))),
                Example.of(new JournalCommand.DeleteSnapshots("configuration", 7, RANGE)),
                Example.of(new JournalCommand.Part(ID, 1, 3, bytes("a piece"))),
                Example.of(new JournalCommand.CompareAndSetGeneration(2, ID, "127.0.0.1:20001")),
                Example.of(new JournalCommand.RegisterNode(VOTER, Optional.of(OTHER_ID))),
                Example.of(new JournalCommand.RegisterNode(GATEWAY, Optional.empty()), "gateway"),
                Example.of(new JournalCommand.WishVoters(WISHES)),
                Example.of(new JournalCommand.ForgetNode(OTHER_ID)),
                Example.of(new JournalQuery.HighestSequenceNr("configuration")),
                Example.of(new JournalQuery.Replay("configuration", 41, 500, 100)),
                Example.of(new JournalQuery.LoadSnapshot("configuration", RANGE, 1_048_576)),
                Example.of(new JournalQuery.LoadEvent("configuration", 41, 1_048_576)),
                Example.of(new JournalQuery.CurrentGeneration()),
                Example.of(new JournalQuery.ListNodes()),
                Example.of(new JournalQuery.LocalStatus()),
                Example.of(new JournalQuery.ListWishes()),
                Example.of(new JournalQuery.VoterProgress()),
                Example.of(new JournalQuery.FormatLevel()),
                Example.of(new JournalQuery.VoterStorage("configuration")),
                Example.of(new JournalReply.EpochClaimed(7, 43)),
                Example.of(new JournalReply.Appended(43)),
                Example.of(new JournalReply.Fenced("Another writer has claimed configuration")),
                Example.of(new JournalReply.Done()),
                Example.of(new JournalReply.PartStored(2)),
                Example.of(new JournalReply.Refused("A part can't hold parts")),
                Example.of(new JournalReply.Behind(1_234)),
                Example.of(new JournalReply.FormatLevel(2)),
                Example.of(new JournalReply.HighestSequenceNr(43)),
                Example.of(new JournalReply.ReplayPage(ENTRIES, 44, true)),
                Example.of(new JournalReply.SnapshotPage(500, 1_795_513_531_000L, 2_000_000, bytes("a page"))),
                Example.of(new JournalReply.EventPage(41, 3_000_000, bytes("a page"))),
                Example.of(new JournalReply.NoSnapshot()),
                Example.of(new JournalReply.GenerationFounded(GENERATION)),
                Example.of(new JournalReply.GenerationConflict(Optional.of(GENERATION))),
                Example.of(new JournalReply.GenerationConflict(Optional.empty()), "none"),
                Example.of(new JournalReply.CurrentGeneration(Optional.of(GENERATION))),
                Example.of(new JournalReply.CurrentGeneration(Optional.empty()), "none"),
                Example.of(new JournalReply.NodeRegistered(VOTER)),
                Example.of(new JournalReply.NameTaken(GATEWAY)),
                Example.of(new JournalReply.Nodes(List.of(VOTER, GATEWAY))),
                Example.of(new JournalReply.Wishes(WISHES)),
                Example.of(new JournalReply.VoterProgress("peer-1", 1_234, 1_235, 1_000, 8_388_608, true, PEERS)),
                Example.of(new JournalReply.VoterStorage(8_388_608, 1_048_576, new StoredJournal(12, 34_567, 31, 42, 2, 7_890,
                        Optional.of(new StoredJournal.Snapshot(40, 1_795_513_531_000L, 4_000))))),
                Example.of(new JournalReply.VoterStorage(8_388_608, 0, StoredJournal.NOTHING), "nothing"),
                Example.of(new JournalReply.LocalStatus("peer-1", Optional.of("peer-2"), 5, 900, PEERS, 1_234,
                        Optional.of(GENERATION), bytes("what the node says"))),
                Example.of(new JournalReply.LocalStatus("peer-1", Optional.empty(), 5, -1, List.of(), -1, Optional.empty(),
                        Bytes.EMPTY), "waiting"));
    }

    @BeforeAll
    static void record() throws IOException {
        for (Example example : examples()) {
            if (example.written()) {
                GOLDEN.recordMissing(example.name(), encode(example.value()).toArray(), readable(example.value()));
            }
        }
        GOLDEN.recordMissing("tables-1", written(tables(false)), summary(tables(false)));
        GOLDEN.recordMissing("tables-2", written(tables(true)), summary(tables(true)));
    }

    @Test
    void everyShape_isRecorded() {
        Set<String> missing = Stream.of(JournalCommand.class, JournalQuery.class, JournalReply.class)
                .flatMap(GoldenJournalTest::shapes).map(Example::name).collect(Collectors.toCollection(TreeSet::new));
        examples().stream().filter(Example::written).map(example -> Example.name(example.value().getClass())).forEach(missing::remove);

        assertEquals(Set.of(), missing, "these are in Raft logs or cross nodes, but no example of them is recorded. Add one with every "
                + "field filled to GoldenJournalTest (and one more for each field that may be absent), then record it by: "
                + Golden.HOW_TO_RECORD + " and commit the new files");
    }

    @Test
    void recordedFiles_haveAnExample() throws IOException {
        GOLDEN.assertOnly(Stream.concat(examples().stream().map(Example::name), Stream.of("tables-1", "tables-2")).toList());
    }

    @ParameterizedTest
    @MethodSource("examples")
    void whatThisBuildWrites_isTheRecordedBytes(Example example) throws IOException {
        if (example.written()) {
            GOLDEN.assertSame(example.name(), encode(example.value()).toArray());
        }
        GOLDEN.assertReadable(example.name(), readable(example.value()));
    }

    @ParameterizedTest
    @MethodSource("examples")
    void recordedBytes_areReadAsTheExample(Example example) throws IOException {
        Bytes recorded = Bytes.copyOf(GOLDEN.bytes(example.name()));

        assertEquals(example.value(), switch (example.value()) {
            case JournalCommand _ -> JournalCodec.decodeCommand(recorded);
            case JournalQuery _ -> JournalCodec.decodeQuery(recorded);
            default -> JournalCodec.decodeReply(recorded);
        });
    }

    @Test
    void recordedSnapshots_areLoaded_andWrittenTheSame() throws IOException {
        for (boolean wishes : List.of(false, true)) {
            String name = wishes ? "tables-2" : "tables-1";
            byte[] recorded = GOLDEN.bytes(name);

            JournalTables loaded = JournalTables.readFrom(new DataInputStream(new ByteArrayInputStream(recorded)), recorded.length);

            GOLDEN.assertReadable(name, summary(loaded));
            GOLDEN.assertSame(name, written(loaded));
            GOLDEN.assertSame(name, written(tables(wishes)));
        }
    }

    /** Tables with something in each of their parts; without wishes they are written in the first format. */
    private static JournalTables tables(boolean wishes) {
        JournalTables tables = new JournalTables();
        tables.apply(new JournalCommand.CompareAndSetGeneration(0, ID, "127.0.0.1:20001"));
        tables.apply(new JournalCommand.RegisterNode(VOTER, Optional.empty()));
        tables.apply(new JournalCommand.RegisterNode(GATEWAY, Optional.empty()));
        tables.apply(new JournalCommand.ClaimEpoch("configuration", ID));
        tables.apply(new JournalCommand.Append("configuration", 1, 0, ENTRIES));
        tables.apply(new JournalCommand.SaveSnapshot("configuration", 1, 43, 1_795_513_531_000L, bytes("snapshot")));
        tables.apply(new JournalCommand.ClaimEpoch("claims", OTHER_ID));
        tables.apply(new JournalCommand.Part(ID, 0, 3, bytes("a piece")));
        if (wishes) {
            tables.apply(new JournalCommand.WishVoters(WISHES));
        }
        return tables;
    }

    /** What the tables answer. */
    private static JsonNode summary(JournalTables tables) {
        ObjectNode json = JSON.createObjectNode();
        for (JournalQuery query : List.of(new JournalQuery.CurrentGeneration(), new JournalQuery.ListNodes(),
                new JournalQuery.ListWishes(), new JournalQuery.HighestSequenceNr("configuration"),
                new JournalQuery.Replay("configuration", 0, 100, 100),
                new JournalQuery.LoadSnapshot("configuration", new SnapshotRange(0, 100, 0, Long.MAX_VALUE), 0))) {
            json.set(Example.name(query.getClass()), readable(tables.answer(query)));
        }
        return json;
    }

    private static byte[] written(JournalTables tables) throws IOException {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        tables.writeTo(new DataOutputStream(bytes));
        return bytes.toByteArray();
    }

    private static Stream<Class<?>> shapes(Class<?> type) {
        return type.isSealed() ? Stream.of(type.getPermittedSubclasses()).flatMap(GoldenJournalTest::shapes) : Stream.of(type);
    }

    private static Bytes encode(Object value) {
        return switch (value) {
            case JournalCommand command -> JournalCodec.encode(command);
            case JournalQuery query -> JournalCodec.encode(query);
            case JournalReply reply -> JournalCodec.encode(reply);
            default -> throw new IllegalArgumentException(value.toString());
        };
    }

    private static JsonNode readable(Object value) {
        ObjectNode json = JSON.createObjectNode();
        json.set(Example.name(value.getClass()), JSON.valueToTree(value));
        return json;
    }

    private static Bytes bytes(String text) {
        return Bytes.copyOf(text.getBytes(StandardCharsets.UTF_8));
    }
}
