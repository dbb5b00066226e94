package io.flotilla.sftp;

import io.flotilla.scp.ScpOutput;
import io.flotilla.vfs.OpenFile;
import io.flotilla.vfs.VfsException;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import org.apache.sshd.common.SshConstants;
import org.apache.sshd.common.channel.RemoteWindow;
import org.apache.sshd.common.io.IoWriteFuture;
import org.apache.sshd.common.session.helpers.PacketBuffer;
import org.apache.sshd.server.channel.ChannelSession;

/**
 * Writes replies to an SSH channel. It blocks its thread while the client's window is closed, and while the packets that
 * the socket has not taken yet hold 1 MiB, so a client that reads slowly costs a bounded amount of memory. File data is
 * read straight into the packets in which it is then encrypted. Used by the channel's thread only.
 */
final class ChannelOutput implements SftpOutput, ScpOutput {
  private static final int MAX_UNSENT = 1024 * 1024;
  private static final int DATA_REPLY_HEADER = 4 + 1 + 4 + 4;
  private static final int MIN_PACKET = 64;
  /** A reply to READ may be shorter than asked; so a client with tiny packets can't make many of them. */
  private static final int MAX_CHUNKS = 16;
  /** Nanoseconds until the end of the channel is noticed in a pause. */
  private static final long LONGEST_SLEEP = 100_000_000;
  private static final Duration WINDOW_WAIT = Duration.ofDays(1);

  private final ChannelSession channel;
  private final RemoteWindow window;
  private final PacketPool pool;
  private final int chunk;
  private final Semaphore unsent = new Semaphore(MAX_UNSENT);

  ChannelOutput(ChannelSession channel, PacketPool pool) throws IOException {
    this.channel = channel;
    this.window = channel.getRemoteWindow();
    this.pool = pool;
    this.chunk = (int) Math.min(window.getPacketSize(), PacketPool.MAX_DATA);
    if (chunk < MIN_PACKET) {
      throw new IOException("the client takes packets of only " + chunk + " bytes");
    }
  }

  @Override
  public void send(byte[] packet, int length) throws IOException {
    int sent = 0;
    while (sent < length) {
      int count = Math.min(length - sent, chunk);
      PacketBuffer buffer = pool.take();
      System.arraycopy(packet, sent, buffer.array(), PacketPool.DATA_START, count);
      write(buffer, count);
      sent += count;
    }
  }

  @Override
  public int sendData(int id, OpenFile file, long offset, int length) throws IOException, ReadFailed {
    List<PacketBuffer> buffers = new ArrayList<>(length / chunk + 2);
    int read;
    try {
      read = read(buffers, DATA_REPLY_HEADER, file, offset, length);
    } catch (VfsException e) {
      throw new ReadFailed(e);
    }
    if (read > 0) {
      ByteBuffer.wrap(buffers.getFirst().array(), PacketPool.DATA_START, DATA_REPLY_HEADER)
          .putInt(DATA_REPLY_HEADER - Integer.BYTES + read).put((byte) Sftp.DATA).putInt(id).putInt(read);
      write(buffers, read + DATA_REPLY_HEADER);
    }
    return read;
  }

  @Override
  public int sendData(OpenFile file, long offset, int length) throws IOException {
    List<PacketBuffer> buffers = new ArrayList<>(length / chunk + 1);
    int read = read(buffers, 0, file, offset, length);
    if (read > 0) {
      write(buffers, read);
    }
    return read;
  }

  /**
   * Reads into fresh packets, the first of which has room for a header. If it returns -1, at the end of the file, or throws,
   * there are none.
   */
  private int read(List<PacketBuffer> buffers, int header, OpenFile file, long offset, int length) throws VfsException {
    int wanted = (int) Math.min(length, (long) chunk * MAX_CHUNKS - header);
    int read = 0;
    try {
      while (read < wanted) {
        int room = Math.min(wanted - read, buffers.isEmpty() ? chunk - header : chunk);
        int start = PacketPool.DATA_START + (buffers.isEmpty() ? header : 0);
        PacketBuffer buffer = pool.take();
        buffers.add(buffer);
        int got = fill(ByteBuffer.wrap(buffer.array(), start, room), file, offset + read);
        read += got;
        if (got < room) {
          break;
        }
      }
    } catch (VfsException e) {
      buffers.forEach(pool::give);
      throw e;
    }
    if (read == 0) {
      buffers.forEach(pool::give);
      return -1;
    }
    return read;
  }

  private void write(List<PacketBuffer> buffers, int length) throws IOException {
    int rest = length;
    for (PacketBuffer buffer : buffers) {
      int count = Math.min(rest, chunk);
      if (count > 0) {
        write(buffer, count);
      }
      rest -= count;
    }
  }

  @Override
  public void stillWorking() throws IOException {
    requireOpen();
    channel.getSession().resetIdleTimeout();
  }

  @Override
  public void pause(long nanoseconds) throws IOException {
    long until = System.nanoTime() + nanoseconds;
    try {
      for (long left = nanoseconds; left > 0; left = until - System.nanoTime()) {
        TimeUnit.NANOSECONDS.sleep(Math.min(left, LONGEST_SLEEP));
        stillWorking();
      }
    } catch (InterruptedException e) {
      throw interrupted();
    }
  }

  private void requireOpen() throws IOException {
    if (channel.isClosed() || !channel.getSession().isOpen()) {
      throw new IOException("the connection is closed");
    }
  }

  private static int fill(ByteBuffer target, OpenFile file, long offset) throws VfsException {
    int start = target.position();
    while (target.hasRemaining()) {
      if (file.read(target, offset + target.position() - start) < 0) {
        break;
      }
    }
    return target.position() - start;
  }

  /** Sends the bytes that are in the buffer's data part; in pieces, if the window has room for less. */
  private void write(PacketBuffer buffer, int length) throws IOException {
    int room = (int) Math.min(waitForWindow(), Integer.MAX_VALUE);
    if (room >= length) {
      transmit(buffer, length);
      return;
    }
    byte[] rest = java.util.Arrays.copyOfRange(buffer.array(), PacketPool.DATA_START, PacketPool.DATA_START + length);
    pool.give(buffer);
    int sent = 0;
    while (sent < rest.length) {
      int count = (int) Math.min(rest.length - sent, waitForWindow());
      PacketBuffer piece = pool.take();
      System.arraycopy(rest, sent, piece.array(), PacketPool.DATA_START, count);
      transmit(piece, count);
      sent += count;
    }
  }

  private void transmit(PacketBuffer buffer, int length) throws IOException {
    acquire(length);
    window.consume(length); // only this thread consumes, so the room seen before is still there
    buffer.rpos(SshConstants.SSH_PACKET_HEADER_LEN);
    buffer.wpos(SshConstants.SSH_PACKET_HEADER_LEN);
    buffer.putByte(SshConstants.SSH_MSG_CHANNEL_DATA);
    buffer.putUInt(channel.getRecipient());
    buffer.putUInt(length);
    buffer.wpos(PacketPool.DATA_START + length);
    IoWriteFuture future = channel.writePacket(buffer);
    future.addListener(done -> {
      unsent.release(length);
      if (done.isWritten()) {
        pool.give(buffer);
      }
    });
    if (future.isDone() && !future.isWritten()) {
      throw new IOException("the connection is closed", future.getException());
    }
  }

  private long waitForWindow() throws IOException {
    try {
      return window.waitForSpace(WINDOW_WAIT);
    } catch (InterruptedException e) {
      throw interrupted();
    }
  }

  private void acquire(int length) throws IOException {
    try {
      while (!unsent.tryAcquire(length, 1, TimeUnit.SECONDS)) {
        requireOpen();
      }
    } catch (InterruptedException e) {
      throw interrupted();
    }
  }

  private static InterruptedIOException interrupted() {
    Thread.currentThread().interrupt();
    return new InterruptedIOException("the channel's thread was interrupted");
  }
}
