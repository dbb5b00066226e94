package io.flotilla.sftp;

import java.io.IOException;
import java.io.InputStream;
import java.io.InterruptedIOException;
import java.util.ArrayDeque;
import java.util.Objects;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/**
 * The client's bytes as a stream: taken on the transport's thread, which it never blocks, and read by the channel's thread.
 * What waits is bounded by the SSH window, which is opened again only for what was read.
 */
final class InboundBytes extends InputStream {
  private static final int CHUNK = 32 * 1024;
  private static final int MAX_SPARE = 8;

  private final long maxWaiting;
  private final Release taken;
  private final ReentrantLock lock = new ReentrantLock();
  private final Condition changed = lock.newCondition();
  private final ArrayDeque<byte[]> chunks = new ArrayDeque<>();
  private final ArrayDeque<byte[]> spare = new ArrayDeque<>();
  private int first; // the next byte in the first chunk
  private int end = CHUNK; // of the bytes in the last chunk
  private long waiting;
  private boolean ended;
  private boolean aborted;

  /** Lets the client send as many bytes more. */
  interface Release {
    void release(int count) throws IOException;
  }

  /**
   * @param maxWaiting in bytes; the SSH window, which a well-behaved client can't exceed
   * @param taken is told how many bytes were read, on the reading thread
   */
  InboundBytes(long maxWaiting, Release taken) {
    this.maxWaiting = maxWaiting;
    this.taken = taken;
  }

  /** Takes bytes; false if they are dropped, because nobody will read them or the client sent more than it may. */
  boolean feed(byte[] data, int offset, int length) {
    lock.lock();
    try {
      aborted |= waiting + length > maxWaiting;
      if (ended || aborted) {
        changed.signalAll();
        return false;
      }
      int done = 0;
      while (done < length) {
        if (end == CHUNK) {
          byte[] reused = spare.pollLast();
          chunks.addLast(reused == null ? new byte[CHUNK] : reused);
          end = 0;
        }
        int count = Math.min(length - done, CHUNK - end);
        System.arraycopy(data, offset + done, chunks.peekLast(), end, count);
        end += count;
        done += count;
      }
      waiting += length;
      changed.signal();
      return true;
    } finally {
      lock.unlock();
    }
  }

  @Override
  public int read() throws IOException {
    byte[] one = new byte[1];
    return read(one, 0, 1) < 0 ? -1 : Byte.toUnsignedInt(one[0]);
  }

  @Override
  public int read(byte[] target, int offset, int length) throws IOException {
    Objects.checkFromIndexSize(offset, length, target.length);
    if (length == 0) {
      return 0;
    }
    int count = take(target, offset, length);
    if (count > 0) {
      taken.release(count);
    }
    return count;
  }

  private int take(byte[] target, int offset, int length) throws IOException {
    lock.lock();
    try {
      while (waiting == 0 && !ended && !aborted) {
        changed.await();
      }
      if (aborted) {
        throw new IOException("the channel is gone");
      }
      if (waiting == 0) {
        return -1;
      }
      int done = 0;
      while (done < length && waiting > 0) {
        int last = chunks.size() == 1 ? end : CHUNK;
        int count = Math.min(length - done, last - first);
        System.arraycopy(chunks.peekFirst(), first, target, offset + done, count);
        first += count;
        done += count;
        waiting -= count;
        if (first == last) {
          drop(chunks.pollFirst());
        }
      }
      return done;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new InterruptedIOException("the channel's thread was interrupted");
    } finally {
      lock.unlock();
    }
  }

  /** Chunks are kept while bytes come faster than they are read; a channel that waits keeps none. */
  private void drop(byte[] chunk) {
    first = 0;
    if (chunks.isEmpty()) {
      end = CHUNK;
      spare.clear();
    }
    if (spare.size() < MAX_SPARE) {
      spare.addLast(chunk);
    }
  }

  /** The client sends no more; what waits can still be read. */
  void end() {
    finish(false);
  }

  /** The channel is gone: reading fails from now on. */
  void abort() {
    finish(true);
  }

  private void finish(boolean abort) {
    lock.lock();
    try {
      ended = true;
      aborted |= abort;
      changed.signalAll();
    } finally {
      lock.unlock();
    }
  }
}
