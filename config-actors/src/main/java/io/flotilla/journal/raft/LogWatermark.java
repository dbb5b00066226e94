package io.flotilla.journal.raft;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.OptionalLong;
import java.util.zip.CRC32;

/**
 * How far a voter's log certainly was on disk, in a file of its own: 8 bytes of index, 4 of CRC-32. A log that is found shorter
 * than this has lost committed entries, and its owner must not vote under its old name. The file isn't synced: after a loss of
 * power it may be behind, never ahead of what was flushed. One writer thread.
 */
final class LogWatermark implements AutoCloseable {
    static final String FILE = "flotilla-watermark";
    private static final int LENGTH = Long.BYTES + Integer.BYTES;

    private final FileChannel channel;
    private final ByteBuffer buffer = ByteBuffer.allocate(LENGTH);
    private long written;

    private LogWatermark(FileChannel channel, long written) {
        this.channel = channel;
        this.written = written;
    }

    static LogWatermark open(Path groupDirectory) throws IOException {
        OptionalLong before = read(groupDirectory);
        return new LogWatermark(FileChannel.open(groupDirectory.resolve(FILE), StandardOpenOption.CREATE, StandardOpenOption.WRITE),
                before.orElse(-1));
    }

    /** @return empty if there is none yet, or if it is damaged, which says nothing about the log */
    static OptionalLong read(Path groupDirectory) throws IOException {
        Path file = groupDirectory.resolve(FILE);
        if (!Files.exists(file)) {
            return OptionalLong.empty();
        }
        byte[] bytes = Files.readAllBytes(file);
        if (bytes.length != LENGTH) {
            return OptionalLong.empty();
        }
        ByteBuffer buffer = ByteBuffer.wrap(bytes);
        long index = buffer.getLong();
        return buffer.getInt() == checksum(index) ? OptionalLong.of(index) : OptionalLong.empty();
    }

    void raiseTo(long index) throws IOException {
        if (index <= written) {
            return;
        }
        buffer.clear();
        buffer.putLong(index).putInt(checksum(index)).flip();
        while (buffer.hasRemaining()) {
            channel.write(buffer, buffer.position());
        }
        written = index;
    }

    private static int checksum(long index) {
        CRC32 crc = new CRC32();
        crc.update(ByteBuffer.allocate(Long.BYTES).putLong(index).flip());
        return (int) crc.getValue();
    }

    @Override
    public void close() throws IOException {
        channel.close();
    }
}
