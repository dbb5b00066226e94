package io.flotilla.ftp;

import io.flotilla.adapter.ConnectionGate;
import io.flotilla.adapter.LogThrottle;
import io.flotilla.adapter.ProtocolClient;
import io.flotilla.adapter.ProtocolListener;
import io.flotilla.config.model.Listener;
import io.flotilla.config.model.PassiveAddress;
import io.flotilla.transport.Acceptor;
import io.flotilla.transport.Incoming;
import io.flotilla.transport.ProxyFault;
import io.flotilla.transport.ProxyRule;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One FTP listener: gives each client a virtual thread of its own. Sessions look up
 * passive ports and address when they need them, so that a change counts at once.
 */
final class FtpListener implements ProtocolListener<FtpListener.Options>, Acceptor.Welcome {
  private static final Logger log = LoggerFactory.getLogger(FtpListener.class);

  private final String name;
  private final FtpEngine engine;
  private final Acceptor acceptor;
  private final Set<FtpSession> sessions = ConcurrentHashMap.newKeySet();
  private final ConnectionGate gate;
  private volatile Options options;
  private final LogThrottle refusals = new LogThrottle();

  /**
   * @param tls nothing if connections are in clear
   */
  record Options(ConnectionGate.Limits limits, Duration idleTimeout, Optional<FtpTls> tls, PassivePorts passivePorts,
      PassiveAddress passiveAddress, Listener.Proxies proxies) {}

  FtpListener(String name, FtpEngine engine, Options options) {
    this.name = name;
    this.engine = engine;
    this.acceptor = new Acceptor(name, this);
    this.gate = engine.logins.gate(name, FtpAdapter.PROTOCOL, engine.settings.maxUnauthenticated());
    this.options = options;
  }

  @Override
  public Options options() {
    return options;
  }

  @Override
  public void reconfigure(Options changed) {
    options = changed;
  }

  @Override
  public void bind(InetSocketAddress address) throws IOException {
    acceptor.bind(address);
  }

  @Override
  public void release(InetSocketAddress address) {
    acceptor.release(address);
  }

  @Override
  public List<? extends ProtocolClient> clients() {
    return List.copyOf(sessions);
  }

  @Override
  public void dispose() {
    acceptor.releaseAll();
    sessions.forEach(FtpSession::kill);
  }

  /** Whether it has given up its address, and not only for the moment in which listeners swap theirs. */
  boolean isClosed(long now) {
    return acceptor.isClosed(now);
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
  public void accept(Incoming connection) throws IOException {
    // The data mark before ABOR is urgent; taken out of line, it would take the stream out of step.
    connection.channel().socket().setOOBInline(true);
    switch (gate.ask(connection.address(), options.limits())) {
      case ConnectionGate.Refused refused -> engine.lastWords.say(connection.channel(),
          ("421 " + FtpSession.sentence(refused.reason().words()) + "\r\n").getBytes(StandardCharsets.US_ASCII));
      case ConnectionGate.Admitted admitted -> {
        FtpSession session = null;
        try {
          session = new FtpSession(this, engine, connection, admitted);
          sessions.add(session);
          engine.entered(session);
          Thread.ofVirtual().name("ftp-" + session.address()).start(session::run);
        } catch (IOException | RuntimeException | OutOfMemoryError e) {
          admitted.close();
          if (session != null) {
            ended(session);
          }
          throw e;
        }
      }
    }
  }

  /** Tells the operator, but not of each of many: clients can cause as many as they like. */
  void logRefusal(String what) {
    if (refusals.isDue()) {
      log.warn("Listener {} {}", name, what);
    }
  }

  void ended(FtpSession session) {
    engine.left(session);
    sessions.remove(session);
  }
}
