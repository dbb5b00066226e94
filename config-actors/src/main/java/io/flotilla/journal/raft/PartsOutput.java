package io.flotilla.journal.raft;

import java.io.ByteArrayOutputStream;
import java.io.OutputStream;
import java.util.ArrayDeque;
import java.util.Queue;

/** Cuts what is written into parts of one size, the last one shorter, without ever having all of it in one array. */
final class PartsOutput extends OutputStream {
    private final int partBytes;
    private final Queue<Bytes> parts = new ArrayDeque<>();
    private ByteArrayOutputStream current = new ByteArrayOutputStream();

    PartsOutput(int partBytes) {
        this.partBytes = partBytes;
    }

    @Override
    public void write(int value) {
        write(new byte[] {(byte) value}, 0, 1);
    }

    @Override
    public void write(byte[] from, int offset, int length) {
        int done = 0;
        while (done < length) {
            if (current.size() == partBytes) {
                parts.add(Bytes.owning(current.toByteArray()));
                current = new ByteArrayOutputStream(partBytes);
            }
            int some = Math.min(length - done, partBytes - current.size());
            current.write(from, offset + done, some);
            done += some;
        }
    }

    /** All that was written, at least one part; whoever takes a part from the queue frees its memory. */
    Queue<Bytes> parts() {
        parts.add(Bytes.owning(current.toByteArray()));
        current = new ByteArrayOutputStream(0);
        return parts;
    }
}
