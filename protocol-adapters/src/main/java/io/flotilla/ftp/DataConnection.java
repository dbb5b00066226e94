package io.flotilla.ftp;

import io.flotilla.vfs.OpenFile;
import java.io.IOException;
import java.net.StandardSocketOptions;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.util.OptionalLong;

/** A data connection in the hands of one thread; others may look how long it has been waiting, and end it. */
final class DataConnection implements AutoCloseable {
  private final SocketChannel channel;
  private final Transport transport;
  private volatile long waitingSince;

  DataConnection(SocketChannel channel, Transport transport) {
    this.channel = channel;
    this.transport = transport;
  }

  static DataConnection plain(SocketChannel channel) throws IOException {
    channel.setOption(StandardSocketOptions.TCP_NODELAY, true);
    return new DataConnection(channel, new PlainTransport(channel));
  }

  /** As {@link Transport#read}. */
  int read(ByteBuffer target) throws IOException {
    waitingSince = System.nanoTime();
    int count = transport.read(target);
    waitingSince = 0;
    return count;
  }

  void write(ByteBuffer source) throws IOException {
    while (source.hasRemaining()) {
      waitingSince = System.nanoTime(); // for each part, so that a slow client isn't taken for a stalled one
      transport.write(source);
    }
    waitingSince = 0;
  }

  /** Whether files can go to the socket without passing through this process. */
  boolean takesFiles() {
    return transport instanceof PlainTransport;
  }

  /**
   * Sends a part of a file and returns how much, 0 at its end. As long as the socket has room, the file's bytes don't pass
   * through this process; when it has none, a buffer's worth is written in the usual way, because only that lets a virtual
   * thread wait: a file sent to a socket that blocks holds a platform thread, and can't be broken off.
   *
   * @param buffer of the caller, with anything in it
   * @throws IOException a VfsException if the storage failed, another if the client did
   */
  long send(OpenFile file, long position, long count, ByteBuffer buffer) throws IOException {
    waitingSince = System.nanoTime();
    channel.configureBlocking(false);
    long sent;
    try {
      sent = file.transferTo(position, count, channel);
    } finally {
      channel.configureBlocking(true);
    }
    if (sent == 0 && file.read(buffer.clear(), position) >= 0) {
      sent = buffer.flip().remaining();
      write(buffer);
    }
    waitingSince = 0;
    return sent;
  }

  /** Since when the client is waited for, as System.nanoTime, if it is. */
  OptionalLong waitingSince() {
    long since = waitingSince;
    return since == 0 ? OptionalLong.empty() : OptionalLong.of(since);
  }

  /** Ends the output in order. */
  void endOutput() throws IOException {
    waitingSince = System.nanoTime();
    transport.endOutput();
    waitingSince = 0;
  }

  /** Ends it so that the client doesn't take what it got for the whole. */
  void reset() {
    PlainTransport.reset(channel);
  }

  @Override
  public void close() {
    transport.close();
  }
}
