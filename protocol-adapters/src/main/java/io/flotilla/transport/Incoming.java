package io.flotilla.transport;

import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;

/**
 * A connection that was accepted.
 *
 * @param client whose it is, as a proxy says that is trusted, or else who connects
 * @param isProxied whether a proxy said it
 * @param early what the client has sent already, in the order of the stream
 */
public record Incoming(SocketChannel channel, InetSocketAddress client, boolean isProxied, ByteBuffer early) {
  static final ByteBuffer NOTHING = ByteBuffer.allocate(0);

  public InetAddress address() {
    return client.getAddress();
  }
}
