package io.flotilla.journal.raft;

import io.flotilla.journal.StoredJournal;
import java.io.DataOutput;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Optional;
import java.util.UUID;

/** The primitive shapes of {@link JournalCodec} and of snapshots: variable-length numbers, everything else with its length before it. */
final class WireWriter {
    interface Item<T> {
        void write(T value) throws IOException;
    }

    private final DataOutput out;

    WireWriter(DataOutput out) {
        this.out = out;
    }

    void tag(int tag) throws IOException {
        out.writeByte(tag);
    }

    /** Seven bits a byte, the lowest first; small numbers are short, negative ones take ten bytes. */
    void number(long value) throws IOException {
        long rest = value;
        while ((rest & ~0x7FL) != 0) {
            out.writeByte((int) (rest & 0x7F) | 0x80);
            rest >>>= 7;
        }
        out.writeByte((int) rest);
    }

    /** @throws IllegalArgumentException if the text isn't well-formed Unicode or is too long to be read again */
    void text(String value) throws IOException {
        try {
            ByteBuffer utf8 = StandardCharsets.UTF_8.newEncoder().encode(CharBuffer.wrap(value));
            if (utf8.remaining() > WireReader.MAX_TEXT_BYTES) {
                throw new IllegalArgumentException("A text of " + utf8.remaining() + " bytes is longer than the "
                        + WireReader.MAX_TEXT_BYTES + " that the journal keeps");
            }
            number(utf8.remaining());
            out.write(utf8.array(), utf8.arrayOffset(), utf8.remaining());
        } catch (CharacterCodingException e) {
            throw new IllegalArgumentException("A text for the journal isn't well-formed Unicode", e);
        }
    }

    void bytes(Bytes value) throws IOException {
        number(value.size());
        value.writeTo(out);
    }

    void uuid(UUID value) throws IOException {
        out.writeLong(value.getMostSignificantBits());
        out.writeLong(value.getLeastSignificantBits());
    }

    void flag(boolean value) throws IOException {
        out.writeByte(value ? 1 : 0);
    }

    <T> void optional(Optional<T> value, Item<T> item) throws IOException {
        flag(value.isPresent());
        if (value.isPresent()) {
            item.write(value.get());
        }
    }

    <T> void list(List<T> values, Item<T> item) throws IOException {
        number(values.size());
        for (T value : values) {
            item.write(value);
        }
    }

    void generation(Generation generation) throws IOException {
        number(generation.number());
        uuid(generation.founderNodeId());
        text(generation.founderAddress());
    }

    void node(NodeRecord node) throws IOException {
        uuid(node.nodeId());
        text(node.name());
        text(node.remotingAddress());
        optional(node.raftAddress(), this::text);
        optional(node.raftPeerId(), this::text);
        list(node.roles(), this::text);
    }

    void entry(JournalCommand.Entry entry) throws IOException {
        number(entry.sequenceNr());
        bytes(entry.bytes());
    }

    void range(SnapshotRange range) throws IOException {
        number(range.minSequenceNr());
        number(range.maxSequenceNr());
        number(range.minTimestamp());
        number(range.maxTimestamp());
    }

    void wish(VoterWish wish) throws IOException {
        text(wish.node());
        flag(wish.votes());
        optional(wish.after(), this::text);
    }

    void stored(StoredJournal journal) throws IOException {
        number(journal.events());
        number(journal.eventBytes());
        number(journal.oldest());
        number(journal.highest());
        number(journal.snapshots());
        number(journal.snapshotBytes());
        optional(journal.newest(), snapshot -> {
            number(snapshot.sequenceNr());
            number(snapshot.timestamp());
            number(snapshot.bytes());
        });
    }

    void peer(VoterPeer peer) throws IOException {
        text(peer.id());
        text(peer.address());
    }
}
