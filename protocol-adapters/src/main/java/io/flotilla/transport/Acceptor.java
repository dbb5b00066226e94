package io.flotilla.transport;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.StandardSocketOptions;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Semaphore;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Accepts the connections of a listener, on a virtual thread for each address, and finds out for whom a proxy opens one, on a
 * virtual thread for each of those. Safe for all threads.
 */
public final class Acceptor {
  private static final Logger log = LoggerFactory.getLogger(Acceptor.class);
  private static final int BACKLOG = 512;
  private static final long SWAP_NANOSECONDS = 500_000_000;
  private static final Duration RELEASE = Duration.ofSeconds(5);
  private static final long PAUSE_MILLISECONDS = 50;
  private static final int MAX_WAITING = 1_000;

  private final String listener;
  private final Welcome welcome;
  private final Map<InetSocketAddress, Server> servers = new ConcurrentHashMap<>();
  /** For connections whose proxy has not said yet for whom they are. */
  private final Semaphore waiting = new Semaphore(MAX_WAITING);
  private volatile long releasedAt;

  private record Server(ServerSocketChannel channel, Thread thread) {}

  /** What becomes of connections. Nothing here may block for long, since the next one waits. */
  public interface Welcome {
    /** What a peer has to send before anything else. */
    ProxyRule rule(InetAddress peer);

    /** Takes a connection over. If it throws, the connection is closed. */
    void accept(Incoming connection) throws IOException;

    /** A connection is closed because of its proxy. */
    void refused(InetAddress peer, ProxyFault fault);
  }

  /** @param listener its name, for logs */
  public Acceptor(String listener, Welcome welcome) {
    this.listener = listener;
    this.welcome = welcome;
  }

  /** Accepts on one more address; if it fails, nothing has changed. */
  public void bind(InetSocketAddress address) throws IOException {
    ServerSocketChannel server = ServerSocketChannel.open();
    try {
      server.bind(address, BACKLOG);
    } catch (IOException | RuntimeException e) {
      server.close();
      throw e;
    }
    servers.put(address, new Server(server,
        Thread.ofVirtual().name("accept-" + listener).start(() -> accept(server))));
  }

  /** Returns when the address is free: a channel that a virtual thread waits at is closed only by that thread. */
  public void release(InetSocketAddress address) {
    releasedAt = System.nanoTime();
    Server server = servers.remove(address);
    if (server == null) {
      return;
    }
    try {
      server.channel().close();
      if (!server.thread().join(RELEASE)) {
        log.warn("The address {} of listener {} is still not free", address, listener);
      }
    } catch (IOException e) {
      log.warn("The address {} of listener {} was not closed cleanly: {}", address, listener, e.toString());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  public void releaseAll() {
    List.copyOf(servers.keySet()).forEach(this::release);
  }

  /** Whether it has given up its addresses, and not only for the moment in which listeners swap theirs. */
  public boolean isClosed(long now) {
    return servers.isEmpty() && now - releasedAt > SWAP_NANOSECONDS;
  }

  private void accept(ServerSocketChannel server) {
    boolean reported = false;
    while (server.isOpen()) {
      SocketChannel channel;
      try {
        channel = server.accept();
        reported = false;
      } catch (IOException e) {
        if (server.isOpen()) {
          if (!reported) {
            log.error("Listener {} can't accept connections: {}; it tries again", listener, e.toString());
            reported = true;
          }
          pause();
        }
        continue;
      }
      try {
        channel.setOption(StandardSocketOptions.TCP_NODELAY, true);
        channel.setOption(StandardSocketOptions.SO_KEEPALIVE, true);
        receive(server, channel);
      } catch (IOException | RuntimeException e) {
        PlainTransport.close(channel);
        log.debug("A client of listener {} was gone at once: {}", listener, e.toString());
      } catch (OutOfMemoryError e) {
        PlainTransport.close(channel);
        log.error("Listener {} turned a client away: {}", listener, e.toString());
      }
    }
  }

  private void receive(ServerSocketChannel server, SocketChannel channel) throws IOException {
    InetAddress peer = ((InetSocketAddress) channel.getRemoteAddress()).getAddress();
    ProxyRule rule = welcome.rule(peer);
    switch (rule) {
      case NONE -> hand(server, ProxyReader.read(channel, rule).orElseThrow());
      case REFUSED -> refuse(channel, peer, ProxyFault.NOT_TRUSTED);
      case MAYBE, ALWAYS -> {
        if (!waiting.tryAcquire()) {
          refuse(channel, peer, ProxyFault.TOO_MANY);
          return;
        }
        try {
          Thread.ofVirtual().name("proxied-" + listener).start(() -> await(server, channel, peer, rule));
        } catch (RuntimeException | OutOfMemoryError e) {
          waiting.release();
          throw e;
        }
      }
    }
  }

  /** Gives a connection away, unless the address that it came by was given up meanwhile: nobody would count it as a client any more. */
  private void hand(ServerSocketChannel server, Incoming connection) throws IOException {
    if (server.isOpen()) {
      welcome.accept(connection);
    }
    if (!server.isOpen()) {
      PlainTransport.close(connection.channel());
    }
  }

  private void await(ServerSocketChannel server, SocketChannel channel, InetAddress peer, ProxyRule rule) {
    try {
      Optional<Incoming> connection;
      try {
        connection = ProxyReader.read(channel, rule);
      } finally {
        waiting.release();
      }
      if (connection.isPresent()) {
        hand(server, connection.get());
      } else {
        PlainTransport.close(channel);
      }
    } catch (ProxyReader.MissingException e) {
      log.debug("Listener {} refused a connection of the proxy {}: {}", listener, peer.getHostAddress(), e.getMessage());
      refuse(channel, peer, e.isSilent() ? ProxyFault.SILENT : ProxyFault.NO_HEADER);
    } catch (ProxyHeaderParser.MalformedException e) {
      log.debug("Listener {} refused a connection of the proxy {}: {}", listener, peer.getHostAddress(), e.getMessage());
      refuse(channel, peer, ProxyFault.NO_HEADER);
    } catch (IOException | RuntimeException e) {
      PlainTransport.close(channel);
      log.debug("A client of listener {} was gone at once: {}", listener, e.toString());
    } catch (OutOfMemoryError e) {
      PlainTransport.close(channel);
      log.error("Listener {} turned a client away: {}", listener, e.toString());
    }
  }

  private void refuse(SocketChannel channel, InetAddress peer, ProxyFault fault) {
    PlainTransport.close(channel);
    welcome.refused(peer, fault);
  }

  /** When descriptors are used up, accepting fails at once and for a while. */
  private static void pause() {
    try {
      Thread.sleep(PAUSE_MILLISECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
