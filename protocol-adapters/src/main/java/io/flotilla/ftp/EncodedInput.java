package io.flotilla.ftp;

import io.flotilla.transport.TransferBuffers;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.zip.DataFormatException;
import java.util.zip.Inflater;

/** Reads a data connection in its encoding, piece by piece. Used by one thread. */
final class EncodedInput implements AutoCloseable {
  private final DataConnection data;
  private final TransferBuffers buffers;
  private final boolean ascii;
  private final Inflater inflater;
  private final ByteBuffer packed;
  private boolean heldCr;
  private boolean ended;

  EncodedInput(DataConnection data, Encoding encoding, TransferBuffers buffers) throws TransferBuffers.ExhaustedException {
    this.data = data;
    this.buffers = buffers;
    this.ascii = encoding.ascii();
    this.packed = encoding.deflate() ? buffers.take().limit(0) : null;
    this.inflater = encoding.deflate() ? new Inflater() : null;
  }

  /**
   * Fills an empty buffer with at least one byte of the file, or returns false at the end of the stream.
   *
   * @param most bytes to take at once, 2 or more
   * @throws IOException also if a compressed stream is none or breaks off
   */
  boolean read(ByteBuffer target, int most) throws IOException {
    while (true) {
      // One byte of room for the CR that was held back.
      int start = heldCr ? 1 : 0;
      target.clear().limit(most).position(start);
      if (!ended && unpack(target) < 0) {
        ended = true;
      }
      target.flip().position(start);
      if (ascii) {
        toFile(target);
      }
      if (target.hasRemaining() || ended) {
        return target.hasRemaining();
      }
    }
  }

  /** CRLF becomes LF; a CR at the end waits for what comes next. */
  private void toFile(ByteBuffer buffer) {
    int start = heldCr ? 0 : buffer.position();
    if (heldCr) {
      buffer.put(0, (byte) '\r');
      heldCr = false;
    }
    int end = buffer.limit();
    int to = start;
    for (int from = start; from < end; from++) {
      byte value = buffer.get(from);
      if (value == '\r' && from + 1 == end && !ended) {
        heldCr = true;
      } else if (value != '\r' || from + 1 == end || buffer.get(from + 1) != '\n') {
        buffer.put(to++, value);
      }
    }
    buffer.limit(to).position(start);
  }

  private int unpack(ByteBuffer target) throws IOException {
    if (inflater == null) {
      return data.read(target);
    }
    try {
      while (true) {
        int count = inflater.inflate(target);
        if (count > 0) {
          return count;
        }
        if (inflater.needsDictionary()) {
          throw new IOException("the compressed stream wants a dictionary");
        }
        if (inflater.finished()) {
          drain();
          return -1;
        }
        if (data.read(packed.clear()) < 0) {
          throw new IOException("the compressed stream breaks off");
        }
        inflater.setInput(packed.flip());
      }
    } catch (DataFormatException e) {
      throw new IOException("the stream is not in zlib format", e);
    }
  }

  /** What follows the compressed stream counts for nothing, but the connection must end in order. */
  private void drain() throws IOException {
    while (data.read(packed.clear()) >= 0) {
      packed.flip();
    }
  }

  @Override
  public void close() {
    if (inflater != null) {
      inflater.end();
      buffers.give(packed);
    }
  }
}
