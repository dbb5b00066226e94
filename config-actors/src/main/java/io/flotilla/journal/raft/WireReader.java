package io.flotilla.journal.raft;

import io.flotilla.journal.StoredJournal;
import java.io.DataInput;
import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.UUID;

/**
 * Reads what {@link WireWriter} wrote, and throws {@link JournalFormatException} for anything else. A length is believed only up
 * to {@code limit}, the number of bytes that can possibly follow, so that garbage can't ask for memory.
 */
final class WireReader {
    static final int MAX_TEXT_BYTES = 64 * 1024;

    interface Item<T> {
        T read() throws IOException;
    }

    private final DataInput in;
    private final long limit;

    WireReader(DataInput in, long limit) {
        this.in = in;
        this.limit = limit;
    }

    int tag() throws IOException {
        return in.readUnsignedByte();
    }

    long number() throws IOException {
        long value = 0;
        for (int shift = 0; shift < 64; shift += 7) {
            int next = in.readUnsignedByte();
            value |= (long) (next & 0x7F) << shift;
            if ((next & 0x80) == 0) {
                // One number, one spelling: equal values must have equal bytes.
                if (shift == 63 && next > 1 || shift > 0 && next == 0) {
                    throw new JournalFormatException("A number is spelled too long");
                }
                return value;
            }
        }
        throw new JournalFormatException("A number has no end");
    }

    int count() throws IOException {
        long value = number();
        if (value < 0 || value > Integer.MAX_VALUE) {
            throw new JournalFormatException("A count is out of range: " + value);
        }
        return (int) value;
    }

    private int length(long max) throws IOException {
        long value = number();
        if (value < 0 || value > max) {
            throw new JournalFormatException("A length of " + value + " where at most " + max + " is possible");
        }
        return (int) value;
    }

    String text() throws IOException {
        byte[] utf8 = new byte[length(Math.min(MAX_TEXT_BYTES, limit))];
        in.readFully(utf8);
        try {
            return StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(utf8)).toString();
        } catch (CharacterCodingException e) {
            throw new JournalFormatException("A text isn't UTF-8", e);
        }
    }

    Bytes bytes() throws IOException {
        byte[] array = new byte[length(Math.min(Integer.MAX_VALUE - 8, limit))];
        in.readFully(array);
        return Bytes.owning(array);
    }

    UUID uuid() throws IOException {
        return new UUID(in.readLong(), in.readLong());
    }

    boolean flag() throws IOException {
        return switch (in.readUnsignedByte()) {
            case 0 -> false;
            case 1 -> true;
            default -> throw new JournalFormatException("A flag is neither 0 nor 1");
        };
    }

    <T> Optional<T> optional(Item<T> item) throws IOException {
        return flag() ? Optional.of(item.read()) : Optional.empty();
    }

    <T> List<T> list(Item<T> item) throws IOException {
        int size = length(Math.min(Integer.MAX_VALUE, limit));
        List<T> values = new ArrayList<>(Math.min(size, 1024));
        for (int i = 0; i < size; i++) {
            values.add(item.read());
        }
        return values;
    }

    Generation generation() throws IOException {
        return new Generation(number(), uuid(), text());
    }

    NodeRecord node() throws IOException {
        return new NodeRecord(uuid(), text(), text(), optional(this::text), optional(this::text), list(this::text));
    }

    JournalCommand.Entry entry() throws IOException {
        return new JournalCommand.Entry(number(), bytes());
    }

    SnapshotRange range() throws IOException {
        return new SnapshotRange(number(), number(), number(), number());
    }

    VoterWish wish() throws IOException {
        return new VoterWish(text(), flag(), optional(this::text));
    }

    StoredJournal stored() throws IOException {
        return new StoredJournal(number(), number(), number(), number(), number(), number(),
                optional(() -> new StoredJournal.Snapshot(number(), number(), number())));
    }

    VoterPeer peer() throws IOException {
        return new VoterPeer(text(), text());
    }

    void end() throws IOException {
        try {
            in.readByte();
        } catch (EOFException e) {
            return;
        }
        throw new JournalFormatException("Bytes follow after the end");
    }
}
