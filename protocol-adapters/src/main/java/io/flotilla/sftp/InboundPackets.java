package io.flotilla.sftp;

import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Assembles the client's bytes into packets on the transport's thread, without ever blocking it, and hands them to the
 * channel's thread. What waits is bounded by the SSH window, which is opened again only for packets that were served. A
 * length out of bounds ends the stream: with the framing lost nothing after it can be understood.
 */
final class InboundPackets {
  /** Large enough for the usual WRITE of 32 KiB; a longer packet gets all it claims once this much of it came. */
  private static final int INITIAL = 34 * 1024;
  private static final int SMALL = 512;
  private static final int MAX_SPARE = 8; // as many of the largest as fit into the window

  private final long maxWaiting;
  private final ReentrantLock lock = new ReentrantLock();
  private final Condition changed = lock.newCondition();
  private final ArrayDeque<Packet> waiting = new ArrayDeque<>();
  private final ArrayDeque<byte[]> spare = new ArrayDeque<>();
  private long waitingBytes;
  private boolean ended;
  private boolean aborted;
  private String problem;

  // Of the packet being assembled; touched by the transport's thread only.
  private int headerBytes;
  private int expected;
  private byte[] bytes;
  private int have;
  private boolean broken;

  /** One packet without its length field. */
  record Packet(byte[] bytes, int length) {
    int wireBytes() {
      return length + Integer.BYTES;
    }
  }

  /**
   * @param maxWaiting in bytes; the SSH window, which a well-behaved client can't exceed
   */
  InboundPackets(long maxWaiting) {
    this.maxWaiting = maxWaiting;
  }

  /** Takes bytes of the stream. Returns false once the stream has ended. */
  boolean feed(byte[] data, int offset, int length) {
    int at = offset;
    int end = offset + length;
    while (at < end && !broken) {
      if (headerBytes < Integer.BYTES) {
        expected = expected << 8 | Byte.toUnsignedInt(data[at++]);
        broken = ++headerBytes == Integer.BYTES && !start();
      } else {
        int count = Math.min(end - at, expected - have);
        if (bytes.length < have + count) {
          bytes = Arrays.copyOf(bytes, expected); // enough has come to believe the rest
        }
        System.arraycopy(data, at, bytes, have, count);
        at += count;
        have += count;
        broken = have == expected && !complete();
      }
    }
    return !broken;
  }

  private boolean start() {
    if (expected < 1 || expected > Sftp.MAX_INCOMING) {
      fail("a packet claims a length of " + Integer.toUnsignedString(expected) + " bytes; 1 to "
          + Sftp.MAX_INCOMING + " are allowed");
      return false;
    }
    lock.lock();
    try {
      byte[] reused = expected > SMALL ? spare.pollLast() : null;
      bytes = reused == null ? new byte[Math.min(expected, INITIAL)] : reused;
    } finally {
      lock.unlock();
    }
    return true;
  }

  private boolean complete() {
    Packet packet = new Packet(bytes, expected);
    headerBytes = 0;
    expected = 0;
    have = 0;
    bytes = null;
    lock.lock();
    try {
      if (ended) {
        return false;
      }
      waitingBytes += packet.wireBytes();
      if (waitingBytes > maxWaiting) {
        problem = "the client sent more than its window";
        ended = true;
      } else {
        waiting.addLast(packet);
      }
      changed.signal();
      return !ended;
    } finally {
      lock.unlock();
    }
  }

  /** The next packet; null when there will be none. Waits for one. */
  Packet take() throws InterruptedException {
    lock.lock();
    try {
      while (waiting.isEmpty() && !ended && !aborted) {
        changed.await();
      }
      if (aborted) {
        return null;
      }
      Packet packet = waiting.pollFirst();
      if (packet != null) {
        waitingBytes -= packet.wireBytes();
      }
      return packet;
    } finally {
      lock.unlock();
    }
  }

  /**
   * Gives a served packet's memory back. It is kept while writes follow one another; the small packet after them, such as
   * CLOSE, lets it go, so an idle channel keeps none.
   */
  void recycle(Packet packet) {
    lock.lock();
    try {
      if (packet.length() <= SMALL) {
        spare.clear();
      } else if (spare.size() < MAX_SPARE) {
        spare.addLast(packet.bytes());
      }
    } finally {
      lock.unlock();
    }
  }

  /** The client sends no more; what waits is still served. */
  void end() {
    finish(false, null);
  }

  /** The channel is gone: nothing more is served. */
  void abort() {
    finish(true, null);
  }

  private void fail(String what) {
    finish(false, what);
  }

  private void finish(boolean abort, String what) {
    lock.lock();
    try {
      ended = true;
      aborted |= abort;
      problem = problem == null ? what : problem;
      changed.signalAll();
    } finally {
      lock.unlock();
    }
  }

  /** What was wrong with the stream; null if nothing. */
  String problem() {
    lock.lock();
    try {
      return problem;
    } finally {
      lock.unlock();
    }
  }
}
