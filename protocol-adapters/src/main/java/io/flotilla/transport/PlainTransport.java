package io.flotilla.transport;

import java.io.IOException;
import java.net.StandardSocketOptions;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;

/** A TCP connection in clear. */
public final class PlainTransport implements Transport {
  private final SocketChannel channel;

  /**
   * @param channel blocking; closed with this transport
   */
  public PlainTransport(SocketChannel channel) {
    this.channel = channel;
  }

  public SocketChannel channel() {
    return channel;
  }

  @Override
  public int read(ByteBuffer target) throws IOException {
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
