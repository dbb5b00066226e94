package io.flotilla.ftp;

import io.flotilla.transport.PlainTransport;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.SocketTimeoutException;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.time.Duration;

/** A way to one data connection, used once. Only the peer of the control connection is ever at its other end. */
sealed interface DataRoute {
  /** Blocks until the connection is there; throws IOException if it doesn't come about in time or was given up. */
  SocketChannel open(Duration timeout) throws IOException;

  /** Gives it up; called from any thread. */
  void close();

  /** The client connects to a port of ours. */
  record Passive(ServerSocketChannel server, DataPeer peer, long since) implements DataRoute {
    int port() {
      return server.socket().getLocalPort();
    }

    @Override
    public SocketChannel open(Duration timeout) throws IOException {
      long deadline = System.nanoTime() + timeout.toNanos();
      try {
        while (true) {
          long left = (deadline - System.nanoTime()) / 1_000_000;
          if (left <= 0) {
            throw new SocketTimeoutException();
          }
          server.socket().setSoTimeout((int) left);
          SocketChannel channel = server.socket().accept().getChannel();
          if (peer.isAt(channel)) {
            return channel;
          }
          PlainTransport.reset(channel); // somebody else, who would steal the data
        }
      } finally {
        close();
      }
    }

    @Override
    public void close() {
      try {
        server.close();
      } catch (IOException e) {
        // The port is free all the same.
      }
    }
  }

  /** We connect to a port of the client. */
  final class Active implements DataRoute {
    private final InetAddress local;
    private final InetSocketAddress target;
    private volatile SocketChannel channel;
    private volatile boolean closed;

    /**
     * @param local our address of the control connection, which is the one the client's firewall knows
     */
    Active(InetAddress local, InetSocketAddress target) {
      this.local = local;
      this.target = target;
    }

    @Override
    public SocketChannel open(Duration timeout) throws IOException {
      SocketChannel opened = SocketChannel.open();
      channel = opened;
      try {
        if (closed) {
          throw new IOException("given up");
        }
        opened.bind(new InetSocketAddress(local, 0));
        opened.socket().connect(target, (int) timeout.toMillis());
        return opened;
      } catch (IOException | RuntimeException e) {
        opened.close();
        throw e;
      }
    }

    @Override
    public void close() {
      closed = true;
      SocketChannel opened = channel;
      if (opened != null) {
        PlainTransport.close(opened);
      }
    }
  }
}
