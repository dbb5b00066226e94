package io.flotilla.http.server;

import io.flotilla.adapter.ConnectionGate;
import io.flotilla.adapter.ProtocolClient;
import io.flotilla.adapter.ProtocolListener;
import io.flotilla.config.model.Listener;
import io.flotilla.tls.TlsIdentity;
import io.flotilla.transport.Acceptor;
import io.flotilla.transport.Incoming;
import io.flotilla.transport.PlainTransport;
import io.flotilla.transport.ProxyFault;
import io.flotilla.transport.ProxyRule;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import javax.net.ssl.SSLContext;

/** One HTTP listener: gives each connection a virtual thread of its own. */
final class HttpListener implements ProtocolListener<HttpListener.Options>, Acceptor.Welcome {
  private final HttpEngine engine;
  private final Acceptor acceptor;
  private final ConnectionGate gate;
  private final Set<HttpConnection> connections = ConcurrentHashMap.newKeySet();
  private volatile Options options;

  /**
   * @param tls nothing if connections are in clear
   * @param isForGuests whether it serves also what needs no login
   */
  record Options(ConnectionGate.Limits limits, Duration idleTimeout, Optional<Tls> tls, boolean isForGuests,
      Listener.Proxies proxies, Listener.ForwardedBy forwardedBy) {
    /** A proxy's connections are those of all its clients, so they are not too many for one address. */
    private ConnectionGate.Limits limits(InetAddress client) {
      return proxies.trusts(client) ? new ConnectionGate.Limits(limits.maxConnections(), OptionalInt.empty()) : limits;
    }
  }

  /** @param context the same as long as the identity is, so that clients can resume their sessions */
  record Tls(TlsIdentity identity, SSLContext context) {
    static Tls of(TlsIdentity identity) {
      return new Tls(identity, identity.serverContext());
    }
  }

  HttpListener(String name, HttpEngine engine, Options options) {
    this.engine = engine;
    this.acceptor = new Acceptor(name, this);
    this.gate = engine.logins.gate(name, HttpAdapter.PROTOCOL, engine.settings.maxUnauthenticated());
    this.options = options;
  }

  @Override
  public Options options() {
    return options;
  }

  /** Who came in clear where TLS is wanted now, or by a certificate that is no longer shown, comes anew after their next response. */
  @Override
  public void reconfigure(Options changed) {
    boolean isOther = !changed.tls().map(Tls::identity).equals(options.tls().map(Tls::identity));
    options = changed;
    if (isOther) {
      connections.forEach(HttpConnection::endAfterResponse);
    }
  }

  @Override
  public void bind(InetSocketAddress address) throws IOException {
    acceptor.bind(address);
  }

  /** What is being served is served to its end, and clients then come by another address. */
  @Override
  public void release(InetSocketAddress address) {
    acceptor.release(address);
    connections.forEach(HttpConnection::endAfterPresentResponse);
  }

  @Override
  public List<? extends ProtocolClient> clients() {
    return List.copyOf(connections);
  }

  @Override
  public void dispose() {
    acceptor.releaseAll();
    connections.forEach(HttpConnection::kill);
  }

  @Override
  public ProxyRule rule(InetAddress peer) {
    return ProxyRule.of(options.proxies(), peer);
  }

  @Override
  public void refused(InetAddress peer, ProxyFault fault) {
    gate.refused(peer, fault);
  }

  @Override
  public void accept(Incoming incoming) {
    Options now = options;
    switch (gate.ask(incoming.address(), now.limits(incoming.address()))) {
      case ConnectionGate.Refused refused -> refuse(incoming.channel(), now, refused.reason());
      case ConnectionGate.Admitted admitted -> {
        HttpConnection connection = null;
        try {
          connection = new HttpConnection(this, engine, incoming, admitted, now);
          connections.add(connection);
          engine.entered(connection);
          Thread.ofVirtual().name("http-" + incoming.address().getHostAddress()).start(connection::run);
        } catch (RuntimeException | OutOfMemoryError e) {
          admitted.close();
          if (connection != null) {
            ended(connection);
          }
          throw e;
        }
      }
    }
  }

  /** Whether a client may come whose requests a proxy's connection brings. A refusal is told as an event. */
  boolean admits(InetAddress client) {
    return gate.admits(client);
  }

  /** Under TLS nothing can be said before a handshake, which a refused client is not to cost. */
  private void refuse(SocketChannel channel, Options now, ConnectionGate.Refusal reason) {
    if (now.tls().isPresent()) {
      PlainTransport.close(channel);
      return;
    }
    String status = reason == ConnectionGate.Refusal.DENIED ? "403 Forbidden" : "503 Service Unavailable";
    String retry = reason == ConnectionGate.Refusal.DENIED ? "" : "Retry-After: 10\r\n";
    String text = reason.words() + "\n";
    engine.lastWords.say(channel, ("HTTP/1.1 " + status + "\r\n" + retry + "Connection: close\r\nContent-Type: text/plain; charset=UTF-8\r\n"
        + "Content-Length: " + text.length() + "\r\n\r\n" + text).getBytes(StandardCharsets.US_ASCII));
  }

  void ended(HttpConnection connection) {
    engine.left(connection);
    connections.remove(connection);
  }
}
