package io.flotilla.journal.raft;

import java.io.ByteArrayInputStream;
import java.io.DataOutput;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.Objects;

/** An immutable run of bytes with value equality. Slices share the array they were cut from. */
public final class Bytes {
    public static final Bytes EMPTY = new Bytes(new byte[0], 0, 0);

    private final byte[] array;
    private final int offset;
    private final int size;

    private Bytes(byte[] array, int offset, int size) {
        this.array = array;
        this.offset = offset;
        this.size = size;
    }

    public static Bytes copyOf(byte[] array) {
        return array.length == 0 ? EMPTY : new Bytes(array.clone(), 0, array.length);
    }

    /** Takes the array without copying; the caller gives it up. */
    static Bytes owning(byte[] array) {
        return array.length == 0 ? EMPTY : new Bytes(array, 0, array.length);
    }

    public int size() {
        return size;
    }

    public byte[] toArray() {
        return Arrays.copyOfRange(array, offset, offset + size);
    }

    public ByteBuffer asByteBuffer() {
        return ByteBuffer.wrap(array, offset, size).slice().asReadOnlyBuffer();
    }

    /** @throws IndexOutOfBoundsException if the range isn't inside these bytes */
    public Bytes slice(int from, int to) {
        Objects.checkFromToIndex(from, to, size);
        return from == to ? EMPTY : new Bytes(array, offset + from, to - from);
    }

    /** The array itself if these bytes are all of it, for readers that leave it as it is; a copy otherwise. */
    byte[] asArray() {
        return offset == 0 && size == array.length ? array : toArray();
    }

    void copyTo(byte[] target, int at) {
        System.arraycopy(array, offset, target, at, size);
    }

    void writeTo(DataOutput out) throws IOException {
        out.write(array, offset, size);
    }

    InputStream asStream() {
        return new ByteArrayInputStream(array, offset, size);
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof Bytes that
                && Arrays.equals(array, offset, offset + size, that.array, that.offset, that.offset + that.size);
    }

    @Override
    public int hashCode() {
        int hash = 1;
        for (int i = offset; i < offset + size; i++) {
            hash = 31 * hash + array[i];
        }
        return hash;
    }

    /** The length and the first bytes: contents may be secret and long, so logs never get all of them. */
    @Override
    public String toString() {
        int shown = Math.min(size, 4);
        return size + " bytes " + HexFormat.of().formatHex(array, offset, offset + shown) + (shown < size ? ".." : "");
    }
}
