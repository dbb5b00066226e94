package io.flotilla.journal.raft;

import java.io.IOException;
import java.io.InputStream;
import java.util.Queue;

/** Reads parts one after another and lets go of each when the next is begun. */
final class PartsInput extends InputStream {
    private final Queue<Bytes> parts;
    private InputStream current = InputStream.nullInputStream();

    PartsInput(Queue<Bytes> parts) {
        this.parts = parts;
    }

    @Override
    public int read() throws IOException {
        int value = current.read();
        while (value < 0 && !parts.isEmpty()) {
            current = parts.remove().asStream();
            value = current.read();
        }
        return value;
    }

    @Override
    public int read(byte[] into, int offset, int length) throws IOException {
        if (length == 0) {
            return 0;
        }
        int count = current.read(into, offset, length);
        while (count < 0 && !parts.isEmpty()) {
            current = parts.remove().asStream();
            count = current.read(into, offset, length);
        }
        return count;
    }
}
