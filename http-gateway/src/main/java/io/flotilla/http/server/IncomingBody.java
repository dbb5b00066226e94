package io.flotilla.http.server;

import io.flotilla.adapter.Transfer;
import io.flotilla.vfs.OpenFile;
import io.flotilla.vfs.VfsException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.locks.ReentrantLock;
import org.apache.pekko.util.ByteString;

/**
 * The body of a request on its way to a file. What the connection's thread reads it writes at once, and Pekko's streams get a stand-in
 * of the same length. What had been read before comes as it is, and is written by the stream's thread.
 */
final class IncomingBody {
  private static final byte[] STAND_IN = new byte[4 << 20];

  private final OpenFile file;
  private final Transfer account;
  /** On their way through the stream; two at most. */
  private final Queue<ByteString> standIns = new ConcurrentLinkedQueue<>();
  private final ReentrantLock writing = new ReentrantLock();
  private long position;
  private long left;
  /** Whether the connection's thread has begun with it, and so takes all that follows. */
  private boolean taken;
  private boolean stopped;

  /** Reads some bytes, 1 or more, into a buffer, or throws if the client sends no more. */
  interface Reader {
    void read(ByteBuffer target) throws IOException;
  }

  /** @param length of the whole body */
  IncomingBody(OpenFile file, long offset, long length, Transfer account) {
    this.file = file;
    this.account = account;
    this.position = offset;
    this.left = length;
  }

  /** Whether there is a rest for the connection's thread to begin with. */
  boolean isOpen() {
    writing.lock();
    try {
      return left > 0 && !taken;
    } finally {
      writing.unlock();
    }
  }

  /** The connection's thread takes the rest, of which this many bytes are left. */
  private long begin() {
    writing.lock();
    try {
      taken = true;
      return left;
    } finally {
      writing.unlock();
    }
  }

  /**
   * Moves a part of the rest, up to 4 MiB, by the connection's thread.
   *
   * @return what stands for it; empty at the end
   * @throws VfsException if the storage failed
   */
  ByteString move(Reader reader, ByteBuffer buffer, Pause pause) throws IOException {
    int whole = (int) Math.min(begin(), STAND_IN.length);
    int moved = 0;
    while (moved < whole) {
      buffer.clear().limit(account.part(Math.min(buffer.capacity(), whole - moved)));
      reader.read(buffer);
      moved += buffer.flip().remaining();
      long wait = write(buffer);
      if (wait > 0) {
        pause.pause(wait);
      }
    }
    // One that shares an array in part would be copied by the parser, and no longer be known.
    ByteString bytes = ByteString.fromArrayUnsafe(moved == STAND_IN.length ? STAND_IN : new byte[moved]);
    if (moved > 0) {
      standIns.add(bytes);
    }
    return bytes;
  }

  /**
   * Takes what came through the stream, and returns how long to wait before more is taken, in nanoseconds.
   *
   * @throws IOException also if these bytes should have been in the file before others that are there, by a defect
   */
  long take(ByteString bytes) throws IOException {
    if (bytes == standIns.peek()) {
      standIns.remove();
      return 0;
    }
    if (!bytes.isEmpty() && !isOpen()) {
      throw new IOException("bytes of a request came out of their order, by a defect");
    }
    long wait = 0;
    for (ByteBuffer buffer : bytes.getByteBuffers()) {
      wait += write(buffer);
    }
    return wait;
  }

  private long write(ByteBuffer buffer) throws IOException {
    writing.lock();
    try {
      if (stopped) {
        throw new IOException("the transfer was ended");
      }
      int count = buffer.remaining();
      file.write(buffer, position);
      long wait = account.moved(position, count);
      position += count;
      left -= count;
      return wait;
    } finally {
      writing.unlock();
    }
  }

  /** Returns when nobody is writing to the file, and nobody will. */
  void stop() {
    writing.lock();
    try {
      stopped = true;
    } finally {
      writing.unlock();
    }
  }
}
