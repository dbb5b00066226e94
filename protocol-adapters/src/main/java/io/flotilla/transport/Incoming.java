package io.flotilla.transport;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;

/**
 * A connection that was accepted.
 *
 * @param client whose it is, as a proxy says that is trusted, or else who connects
 * @param called where the client connected to: to the proxy, if there is one
 * @param isProxied whether a proxy said both
 * @param early what the client has sent already, in the order of the stream
 */
public record Incoming(
    SocketChannel channel, InetSocketAddress client, InetSocketAddress called, boolean isProxied, ByteBuffer early) {
  static final ByteBuffer NOTHING = ByteBuffer.allocate(0);

  /** One that a client has opened itself. */
  static Incoming direct(SocketChannel channel, ByteBuffer early) throws IOException {
    return new Incoming(
        channel, (InetSocketAddress) channel.getRemoteAddress(), (InetSocketAddress) channel.getLocalAddress(), false, early);
  }

  static Incoming proxied(SocketChannel channel, ProxyHeader.Proxied header) {
    return new Incoming(channel, header.client(), header.called(), true, NOTHING);
  }

  public InetAddress address() {
    return client.getAddress();
  }
}
