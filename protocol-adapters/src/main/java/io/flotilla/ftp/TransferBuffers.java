package io.flotilla.ftp;

import java.nio.ByteBuffer;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Buffers for file data outside of the heap, shared by all transfers. At most 256 of 256 KiB are out or kept (64 MiB); who
 * comes when all are out works with a small one. Safe for all threads.
 */
final class TransferBuffers {
  static final int SIZE = 256 * 1024;
  /** Holds a record of TLS. */
  static final int SMALL = 32 * 1024;
  private static final int MAX_BUFFERS = 256;

  private final ConcurrentLinkedQueue<ByteBuffer> spare = new ConcurrentLinkedQueue<>();
  private final AtomicInteger made = new AtomicInteger();

  /** An empty buffer, to be given back. */
  ByteBuffer take() {
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
    return ByteBuffer.allocate(SMALL);
  }

  void give(ByteBuffer buffer) {
    if (buffer.isDirect()) {
      spare.add(buffer);
    }
  }
}
