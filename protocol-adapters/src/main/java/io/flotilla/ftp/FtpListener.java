package io.flotilla.ftp;

import io.flotilla.adapter.AcceptingListener;
import io.flotilla.adapter.ConnectionGate;
import io.flotilla.config.model.Listener;
import io.flotilla.config.model.PassiveAddress;
import io.flotilla.log.LogThrottle;
import io.flotilla.transport.Incoming;
import java.io.IOException;
import java.net.InetAddress;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** One FTP listener. Sessions look up passive ports and address when they need them, so that a change counts at once. */
final class FtpListener extends AcceptingListener<FtpListener.Options, FtpSession> {
  private static final Logger log = LoggerFactory.getLogger(FtpListener.class);

  private final FtpEngine engine;
  private final LogThrottle refusals = new LogThrottle();

  /**
   * @param tls nothing if connections are in clear
   */
  record Options(ConnectionGate.Limits limits, Duration idleTimeout, Optional<FtpTls> tls, PassivePorts passivePorts,
      PassiveAddress passiveAddress, Listener.Proxies proxies) implements AcceptingListener.Options {
    @Override
    public ConnectionGate.Limits limits(InetAddress client) {
      return limits;
    }
  }

  FtpListener(String name, FtpEngine engine, Options options) {
    super(name, engine.logins.gate(name, FtpAdapter.PROTOCOL, engine.settings.maxUnauthenticated()), options);
    this.engine = engine;
  }

  @Override
  protected FtpSession client(Incoming incoming, ConnectionGate.Admitted admitted, Options now) throws IOException {
    // The data mark before ABOR is urgent; taken out of line, it would take the stream out of step.
    incoming.channel().socket().setOOBInline(true);
    return new FtpSession(this, engine, incoming, admitted);
  }

  @Override
  protected void turnAway(SocketChannel channel, Options now, ConnectionGate.Refusal reason) {
    engine.lastWords.say(channel, ("421 " + FtpSession.sentence(reason.words()) + "\r\n").getBytes(StandardCharsets.US_ASCII));
  }

  @Override
  protected void entered(FtpSession session) {
    engine.entered(session);
  }

  @Override
  protected void left(FtpSession session) {
    engine.left(session);
  }

  /** Tells the operator, but not of each of many: clients can cause as many as they like. */
  void logRefusal(String what) {
    if (refusals.isDue()) {
      log.warn("Listener {} {}", name, what);
    }
  }
}
