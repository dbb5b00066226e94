package io.flotilla.transport;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Buffers of 256 KiB, shared by all transfers. For file data at most 256 outside of the heap are out or kept (64 MiB); who comes when
 * all are out works with a small one, of which 2,048 may be out (64 MiB of heap). For records of TLS there are 128 in the heap (32 MiB).
 * Safe for all threads.
 */
public final class TransferBuffers {
  public static final int SIZE = 256 * 1024;
  /** Holds a record of TLS. */
  public static final int SMALL = 32 * 1024;
  private static final int MAX_BUFFERS = 256;
  private static final int MAX_RECORD_BUFFERS = 128;
  private static final int MAX_SMALL = 2048;

  private final Pool data = new Pool(MAX_BUFFERS);
  private final Pool records = new Pool(MAX_RECORD_BUFFERS);
  private final AtomicInteger smallOut = new AtomicInteger();

  /** Every buffer is in use. */
  public static final class ExhaustedException extends IOException {
    ExhaustedException() {
      super("too many transfers at once; try again later");
    }
  }

  /** Buffers of the full size, never given up. */
  private static final class Pool {
    private final ConcurrentLinkedQueue<ByteBuffer> spare = new ConcurrentLinkedQueue<>();
    private final AtomicInteger made = new AtomicInteger();
    private final int most;

    Pool(int most) {
      this.most = most;
    }

    int out() {
      return made.get() - spare.size();
    }

    /** Null if all are out. */
    ByteBuffer take(boolean direct) {
      ByteBuffer buffer = spare.poll();
      if (buffer != null) {
        return buffer.clear();
      }
      if (made.incrementAndGet() > most) {
        made.decrementAndGet();
        return null;
      }
      try {
        return direct ? ByteBuffer.allocateDirect(SIZE) : ByteBuffer.allocate(SIZE);
      } catch (OutOfMemoryError e) {
        made.decrementAndGet();
        throw e;
      }
    }
  }

  /** An empty buffer for what goes to or comes from a file, to be given back. Files and sockets take it without a copy. */
  public ByteBuffer take() throws ExhaustedException {
    ByteBuffer buffer = data.take(true);
    return buffer == null ? small() : buffer;
  }

  /**
   * The same for records of TLS, which don't need one: in the heap, where Java's ciphers are a fifth faster. Those that wait for their
   * clients may hold all there are, and must not hold up transfers by it.
   *
   * @return null if all are out
   */
  public ByteBuffer takeForRecords() {
    return records.take(false);
  }

  private ByteBuffer small() throws ExhaustedException {
    if (smallOut.incrementAndGet() > MAX_SMALL) {
      smallOut.decrementAndGet();
      throw new ExhaustedException();
    }
    return ByteBuffer.allocate(SMALL);
  }

  /** How many of the transfers that there can be at once are there, from 0 to 1. */
  public double use() {
    return (data.out() + smallOut.get()) / (double) (MAX_BUFFERS + MAX_SMALL);
  }

  public void give(ByteBuffer buffer) {
    if (buffer.isDirect()) {
      data.spare.add(buffer);
    } else if (buffer.capacity() == SIZE) {
      records.spare.add(buffer);
    } else {
      smallOut.decrementAndGet();
    }
  }
}
