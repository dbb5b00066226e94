package io.flotilla.ftp;

import io.flotilla.transport.TransferBuffers;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.zip.Deflater;

/** Writes to a data connection in its encoding, piece by piece. Used by one thread. */
final class EncodedOutput implements AutoCloseable {
  private static final ByteBuffer NOTHING = ByteBuffer.allocate(0);

  private final DataConnection data;
  private final TransferBuffers buffers;
  private final boolean ascii;
  private final Deflater deflater;
  private final ByteBuffer lines;
  private final ByteBuffer packed;
  private boolean afterCr;

  EncodedOutput(DataConnection data, Encoding encoding, TransferBuffers buffers) throws TransferBuffers.ExhaustedException {
    this.data = data;
    this.buffers = buffers;
    this.ascii = encoding.ascii();
    this.lines = ascii ? buffers.take() : null;
    try {
      this.packed = encoding.deflate() ? buffers.take() : null;
    } catch (TransferBuffers.ExhaustedException e) {
      if (lines != null) {
        buffers.give(lines);
      }
      throw e;
    }
    this.deflater = encoding.deflate() ? new Deflater(encoding.level()) : null;
  }

  /** Writes all that remains in the buffer. */
  void write(ByteBuffer source) throws IOException {
    if (!ascii) {
      pack(source);
      return;
    }
    while (source.hasRemaining()) {
      lines.clear();
      while (source.hasRemaining() && lines.remaining() >= 2) {
        byte value = source.get();
        if (value == '\n' && !afterCr) {
          lines.put((byte) '\r');
        }
        lines.put(value);
        afterCr = value == '\r';
      }
      pack(lines.flip());
    }
  }

  /** Writes what is still held back. */
  void finish() throws IOException {
    if (deflater != null) {
      deflater.finish();
      while (!deflater.finished()) {
        deflate();
      }
    }
  }

  private void pack(ByteBuffer source) throws IOException {
    if (deflater == null) {
      data.write(source);
      return;
    }
    deflater.setInput(source);
    while (!deflater.needsInput()) {
      deflate();
    }
    deflater.setInput(NOTHING); // it would look into the caller's buffer again
  }

  private void deflate() throws IOException {
    packed.clear();
    deflater.deflate(packed);
    data.write(packed.flip());
  }

  @Override
  public void close() {
    if (deflater != null) {
      deflater.end();
      buffers.give(packed);
    }
    if (ascii) {
      buffers.give(lines);
    }
  }
}
