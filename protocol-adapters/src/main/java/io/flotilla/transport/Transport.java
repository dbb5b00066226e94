package io.flotilla.transport;

import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.function.IntConsumer;

/**
 * The bytes of one connection, in clear or not. One thread reads and one thread writes at a time; {@link #close} may be
 * called by any thread and ends what the others do. Blocks its (virtual) threads.
 */
public interface Transport extends Closeable {
  /**
   * Reads at least one byte, or returns -1 when the peer ended its output in order.
   *
   * @throws IOException if the connection broke, or was ended in a way that may have cut the stream
   */
  int read(ByteBuffer target) throws IOException;

  /** Writes at least one byte of what remains in the buffer, if any does. */
  void write(ByteBuffer source) throws IOException;

  /**
   * The same, for a caller that has to know how fast the peer takes it, though one call may wait for the peer many times.
   *
   * @param taken told, by the calling thread, how many bytes the system has taken each time that it took some; under TLS as encrypted
   */
  default void write(ByteBuffer source, IntConsumer taken) throws IOException {
    int before = source.remaining();
    write(source);
    taken.accept(before - source.remaining());
  }

  /** Ends the output in order: the peer reads all that was written, and then the end. */
  void endOutput() throws IOException;

  /** Releases the connection at once; never blocks and never fails. */
  @Override
  void close();
}
