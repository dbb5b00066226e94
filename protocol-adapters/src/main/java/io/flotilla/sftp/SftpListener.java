package io.flotilla.sftp;

import io.flotilla.adapter.ConnectionGate;
import io.flotilla.adapter.ProtocolListener;
import io.flotilla.config.model.Listener;
import io.flotilla.config.model.SshAlgorithms;
import io.flotilla.transport.ProxyFault;
import io.flotilla.transport.ProxyRule;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.security.KeyPair;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Future;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import org.apache.sshd.common.io.IoAcceptor;
import org.apache.sshd.common.io.IoSession;
import org.apache.sshd.common.keyprovider.KeyPairProvider;
import org.apache.sshd.common.session.helpers.AbstractSession;
import org.apache.sshd.common.util.Readable;
import org.apache.sshd.common.util.buffer.ByteArrayBuffer;
import org.apache.sshd.core.CoreModuleProperties;
import org.apache.sshd.server.session.ServerSessionImpl;
import org.apache.sshd.server.session.SessionFactory;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** One listener on the shared engine. A session keeps the options and host keys that were valid when it began. */
final class SftpListener implements ProtocolListener<SftpListener.Options> {
  private static final Logger log = LoggerFactory.getLogger(SftpListener.class);
  /** Of an attribute of connections. */
  private static final Object WHOSE = new Object();
  private static final int MAX_WAITING = 1_000;

  private final String name;
  private final ScheduledExecutorService timer;
  /** For connections whose proxy has not said yet for whom they are. */
  private final Semaphore waiting = new Semaphore(MAX_WAITING);
  private final IoAcceptor acceptor;
  private final ConnectionGate gate;
  private final Set<ClientState> clients = ConcurrentHashMap.newKeySet();
  private final Set<ProxyArrival> arrivals = ConcurrentHashMap.newKeySet();
  private volatile Options options;

  /**
   * What applies to new connections.
   *
   * @param certificates whether the listener trusts any authority
   */
  record Options(List<KeyPair> hostKeys, SshAlgorithms algorithms, boolean scp, boolean certificates,
      ConnectionGate.Limits limits, Duration idleTimeout, Listener.Proxies proxies) {
    /** The algorithms that users may sign with. */
    List<String> publicKeys() {
      return algorithms.of(SshAlgorithms.Use.PUBLIC_KEYS);
    }
  }

  SftpListener(String name, SshEngine engine, Options options, ConnectionGate gate) {
    this.name = name;
    this.options = options;
    this.gate = gate;
    this.timer = engine.getScheduledExecutorService();
    this.acceptor = engine.getIoServiceFactory().createAcceptor(new Sessions(engine));
  }

  String name() {
    return name;
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
  public void release(InetSocketAddress former) {
    acceptor.unbind(former);
    arrivals.stream().filter(arrival -> arrival.port() == former.getPort()).forEach(ProxyArrival::giveUp);
  }

  @Override
  public List<ClientState> clients() {
    return List.copyOf(clients);
  }

  void ended(ClientState client) {
    clients.remove(client);
  }

  @Override
  public void dispose() {
    acceptor.close(true);
  }

  /** Whose a connection is. */
  private record Whose(InetAddress client, boolean isCheck) {}

  private interface Look {
    void now() throws Exception;
  }

  private final class Sessions extends SessionFactory {
    Sessions(SshEngine engine) {
      super(engine);
    }

    @Override
    public void sessionCreated(IoSession io) throws Exception {
      InetAddress peer = ((InetSocketAddress) io.getRemoteAddress()).getAddress();
      ProxyRule rule = ProxyRule.of(options.proxies(), peer);
      switch (rule) {
        case NONE -> begin(io, new Whose(peer, false));
        case REFUSED -> throw refused(peer, ProxyFault.NOT_TRUSTED);
        case MAYBE, ALWAYS -> {
          if (!waiting.tryAcquire()) {
            throw refused(peer, ProxyFault.TOO_MANY);
          }
          new Arrived(io, peer).await(rule);
        }
      }
    }

    private void begin(IoSession io, Whose whose) throws Exception {
      io.setAttribute(WHOSE, whose);
      super.sessionCreated(io);
    }

    private IOException refused(InetAddress peer, ProxyFault fault) {
      gate.refused(peer, fault);
      return new IOException("refused because of its proxy: " + fault);
    }

    /** On another thread, since the timer is for all. */
    private void look(Look look) {
      Thread.ofVirtual().name("ssh-proxied").start(() -> {
        try {
          look.now();
        } catch (Exception e) {
          log.debug("A client of listener {} was gone at once: {}", name, e.toString());
        }
      });
    }

    /** What follows the word of a connection's proxy. */
    private final class Arrived implements ProxyArrival.Next {
      private final IoSession io;
      private final InetAddress peer;
      private List<Future<?>> times = List.of();
      private ProxyArrival arrival;

      Arrived(IoSession io, InetAddress peer) {
        this.io = io;
        this.peer = peer;
      }

      /** To be called before anything of the connection is read. */
      void await(ProxyRule rule) {
        arrival = new ProxyArrival(io, rule, this);
        arrivals.add(arrival);
        times = List.of(
            timer.schedule(() -> look(arrival::expectedByNow), ProxyRule.SHORT_PATIENCE.toMillis(), TimeUnit.MILLISECONDS),
            timer.schedule(() -> look(arrival::lateByNow), ProxyRule.PATIENCE.toMillis(), TimeUnit.MILLISECONDS));
      }

      private void isOver() {
        times.forEach(time -> time.cancel(false)); // a time holds its connection
        arrivals.remove(arrival);
        waiting.release();
      }

      @Override
      public void begin(InetAddress client, boolean isCheck, ByteArrayBuffer early) throws Exception {
        isOver();
        try {
          Sessions.this.begin(io, new Whose(client, isCheck));
          if (early.available() > 0) {
            Sessions.super.messageReceived(io, early);
          }
        } catch (Exception e) {
          io.close(false);
          throw e;
        }
      }

      @Override
      public void refuse(ProxyFault fault) {
        isOver();
        io.close(true);
        gate.refused(peer, fault);
      }

      @Override
      public void gone() {
        isOver();
      }
    }

    @Override
    public void messageReceived(IoSession io, Readable message) throws Exception {
      Optional<ProxyArrival> arrival = ProxyArrival.of(io);
      if (arrival.isEmpty() || !arrival.get().received(message)) {
        super.messageReceived(io, message);
      }
    }

    @Override
    public void sessionClosed(IoSession io) throws Exception {
      ProxyArrival.of(io).ifPresent(ProxyArrival::ended);
      if (AbstractSession.getSession(io, true) != null) {
        super.sessionClosed(io);
      }
    }

    @Override
    public void exceptionCaught(IoSession io, Throwable cause) throws Exception {
      if (AbstractSession.getSession(io, true) != null) {
        super.exceptionCaught(io, cause);
      } else {
        log.debug("A client of listener {} was gone at once: {}", name, cause.toString());
        io.close(false);
      }
    }

    @Override
    protected ServerSessionImpl doCreateSession(IoSession io) throws Exception {
      // Refused here, a connection costs no key exchange.
      Options now = options;
      Whose whose = whose(io);
      switch (gate.ask(whose.client(), whose.isCheck(), now.limits())) {
        case ConnectionGate.Refused refused -> {
          // Lines may come before the server's identification, and clients show them (RFC 4253, section 4.2).
          io.writeBuffer(new ByteArrayBuffer((refused.reason().words() + "\r\n").getBytes(StandardCharsets.US_ASCII)));
          throw new IOException(refused.reason().words());
        }
        case ConnectionGate.Admitted admitted -> {
          try {
            ServerSessionImpl session = super.doCreateSession(io);
            clients.add(ClientState.attach(SftpListener.this, now, session, whose.client(), admitted));
            return session;
          } catch (Exception | OutOfMemoryError e) {
            admitted.close();
            throw e;
          }
        }
      }
    }

    private static Whose whose(IoSession io) {
      return (Whose) io.getAttribute(WHOSE);
    }

    @Override
    protected ServerSessionImpl setupSession(ServerSessionImpl session) {
      Options now = ClientState.of(session).options;
      session.setKeyPairProvider(KeyPairProvider.wrap(now.hostKeys()));
      session.setKeyExchangeFactories(SshFactories.keyExchanges(now.algorithms().of(SshAlgorithms.Use.KEY_EXCHANGE)));
      session.setCipherFactories(SshFactories.ciphers(now.algorithms().of(SshAlgorithms.Use.CIPHERS)));
      session.setMacFactories(SshFactories.macs(now.algorithms().of(SshAlgorithms.Use.MACS)));
      session.setSignatureFactories(SshFactories.signatures(now.algorithms().of(SshAlgorithms.Use.HOST_KEYS)));
      CoreModuleProperties.IDLE_TIMEOUT.set(session, now.idleTimeout());
      return session;
    }
  }
}
