package io.flotilla.transport;

import java.io.IOException;
import java.net.StandardSocketOptions;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;

/** A TCP connection in clear. */
public final class PlainTransport implements Transport {
  private final SocketChannel channel;
  /** Read before anything else. */
  private final ByteBuffer early;

  /**
   * @param channel blocking; closed with this transport
   */
  public PlainTransport(SocketChannel channel) {
    this(channel, Incoming.NOTHING);
  }

  /** @param early what has come already, before what the channel has */
  public PlainTransport(SocketChannel channel, ByteBuffer early) {
    this.channel = channel;
    this.early = early;
  }

  public SocketChannel channel() {
    return channel;
  }

  @Override
  public int read(ByteBuffer target) throws IOException {
    if (early.hasRemaining()) {
      int count = Math.min(early.remaining(), target.remaining());
      target.put(early.slice(early.position(), count));
      early.position(early.position() + count);
      return count;
    }
    return channel.read(target);
  }

  @Override
  public void write(ByteBuffer source) throws IOException {
    channel.write(source);
  }

  @Override
  public void endOutput() throws IOException {
    channel.shutdownOutput();
  }

  @Override
  public void close() {
    close(channel);
  }

  public static void close(SocketChannel channel) {
    try {
      channel.close();
    } catch (IOException e) {
      // The descriptor is released all the same.
    }
  }

  /** Closes so that the peer sees a broken connection and never takes what it got for the whole. */
  public static void reset(SocketChannel channel) {
    try {
      channel.setOption(StandardSocketOptions.SO_LINGER, 0);
    } catch (IOException | UnsupportedOperationException e) {
      // It is closed already, or will be in the usual way.
    }
    close(channel);
  }
}
