package io.flotilla.http.server;

import io.flotilla.adapter.AcceptingListener;
import io.flotilla.adapter.ConnectionGate;
import io.flotilla.config.model.Listener;
import io.flotilla.tls.TlsIdentity;
import io.flotilla.transport.Incoming;
import io.flotilla.transport.PlainTransport;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Optional;
import java.util.OptionalInt;
import javax.net.ssl.SSLContext;

/** One HTTP listener. */
final class HttpListener extends AcceptingListener<HttpListener.Options, HttpConnection> {
  private final HttpEngine engine;

  /**
   * @param tls nothing if connections are in clear
   * @param isForGuests whether it serves also what needs no login
   */
  record Options(ConnectionGate.Limits limits, Duration idleTimeout, Optional<Tls> tls, boolean isForGuests,
      Listener.Proxies proxies, Listener.ForwardedBy forwardedBy) implements AcceptingListener.Options {
    /** A proxy's connections are those of all its clients, so they are not too many for one address. */
    @Override
    public ConnectionGate.Limits limits(InetAddress client) {
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
    super(name, engine.logins.gate(name, HttpAdapter.PROTOCOL, engine.settings.maxUnauthenticated()), options);
    this.engine = engine;
  }

  /** Who came in clear where TLS is wanted now, or by a certificate that is no longer shown, comes anew after their next response. */
  @Override
  public void reconfigure(Options changed) {
    boolean isOther = !changed.tls().map(Tls::identity).equals(options().tls().map(Tls::identity));
    super.reconfigure(changed);
    if (isOther) {
      clients().forEach(HttpConnection::endAfterResponse);
    }
  }

  /** What is being served is served to its end, as is a request that is on its way, and clients then come by another address. */
  @Override
  public void release(InetSocketAddress address) {
    super.release(address);
    clients().forEach(HttpConnection::endAfterResponse);
  }

  @Override
  protected HttpConnection client(Incoming incoming, ConnectionGate.Admitted admitted, Options now) {
    return new HttpConnection(this, engine, incoming, admitted, now);
  }

  /** Under TLS nothing can be said before a handshake, which a refused client is not to cost. */
  @Override
  protected void turnAway(SocketChannel channel, Options now, ConnectionGate.Refusal reason) {
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

  @Override
  protected void entered(HttpConnection connection) {
    engine.entered(connection);
  }

  @Override
  protected void left(HttpConnection connection) {
    engine.left(connection);
  }
}
