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
 * @param opener who says both
 * @param early what the client has sent already, in the order of the stream
 */
public record Incoming(
    SocketChannel channel, InetSocketAddress client, InetSocketAddress called, Opener opener, ByteBuffer early) {
  static final ByteBuffer NOTHING = ByteBuffer.allocate(0);

  /** For whom a connection was opened. */
  public enum Opener {
    /** Whoever connected: a client, or a proxy that does not tell its own. */
    PEER,
    /** A client of a trusted proxy. */
    PROXIED,
    /** A trusted proxy, to look whether the server is there. */
    CHECK
  }

  /** One of whose opener nothing else is known. */
  static Incoming direct(SocketChannel channel, ByteBuffer early) throws IOException {
    return of(channel, Opener.PEER, early);
  }

  static Incoming check(SocketChannel channel) throws IOException {
    return of(channel, Opener.CHECK, NOTHING);
  }

  private static Incoming of(SocketChannel channel, Opener opener, ByteBuffer early) throws IOException {
    return new Incoming(
        channel, (InetSocketAddress) channel.getRemoteAddress(), (InetSocketAddress) channel.getLocalAddress(), opener, early);
  }

  static Incoming proxied(SocketChannel channel, ProxyHeader.Proxied header) {
    return new Incoming(channel, header.client(), header.called(), Opener.PROXIED, NOTHING);
  }

  /** Whether a proxy says whose it is. */
  public boolean isProxied() {
    return opener == Opener.PROXIED;
  }

  /** Whether it only looks whether the server is there. */
  public boolean isCheck() {
    return opener == Opener.CHECK;
  }

  public InetAddress address() {
    return client.getAddress();
  }
}
