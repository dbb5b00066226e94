package io.flotilla.ftp;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Buffers for file data, shared by all transfers. At most 256 of 256 KiB outside of the heap are out or kept (64 MiB); who
 * comes when all are out works with a small one, of which 2,048 may be out (64 MiB of heap). Safe for all threads.
 */
final class TransferBuffers {
  static final int SIZE = 256 * 1024;
  /** Holds a record of TLS. */
  static final int SMALL = 32 * 1024;
  private static final int MAX_BUFFERS = 256;
  private static final int MAX_SMALL = 2048;

  private final ConcurrentLinkedQueue<ByteBuffer> spare = new ConcurrentLinkedQueue<>();
  private final AtomicInteger made = new AtomicInteger();
  private final AtomicInteger smallOut = new AtomicInteger();

  /** Every buffer is in use. */
  static final class ExhaustedException extends IOException {
    ExhaustedException() {
      super("too many transfers at once; try again later");
    }
  }

  /** An empty buffer, to be given back. */
  ByteBuffer take() throws ExhaustedException {
    ByteBuffer buffer = spare.poll();
    if (buffer != null) {
      return buffer.clear();
    }
    if (made.incrementAndGet() <= MAX_BUFFERS) {
      try {
        return ByteBuffer.allocateDirect(SIZE);
      } catch (OutOfMemoryError e) {
        made.decrementAndGet();
        throw e;
      }
    }
    made.decrementAndGet();
    if (smallOut.incrementAndGet() > MAX_SMALL) {
      smallOut.decrementAndGet();
      throw new ExhaustedException();
    }
    return ByteBuffer.allocate(SMALL);
  }

  void give(ByteBuffer buffer) {
    if (buffer.isDirect()) {
      spare.add(buffer);
    } else {
      smallOut.decrementAndGet();
    }
  }
}
