package io.flotilla.sftp;

import io.flotilla.adapter.ConnectionGate;
import io.flotilla.adapter.ProtocolListener;
import io.flotilla.config.model.SshAlgorithms;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.security.KeyPair;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.apache.sshd.common.io.IoAcceptor;
import org.apache.sshd.common.io.IoSession;
import org.apache.sshd.common.keyprovider.KeyPairProvider;
import org.apache.sshd.common.util.buffer.ByteArrayBuffer;
import org.apache.sshd.core.CoreModuleProperties;
import org.apache.sshd.server.session.ServerSessionImpl;
import org.apache.sshd.server.session.SessionFactory;

/** One listener on the shared engine. A session keeps the options and host keys that were valid when it began. */
final class SftpListener implements ProtocolListener<SftpListener.Options> {
  private final String name;
  private final IoAcceptor acceptor;
  private final ConnectionGate gate;
  private final Set<ClientState> clients = ConcurrentHashMap.newKeySet();
  private volatile Options options;

  /**
   * What applies to new connections.
   *
   * @param certificates whether the listener trusts any authority
   */
  record Options(List<KeyPair> hostKeys, SshAlgorithms algorithms, boolean scp, boolean certificates,
      ConnectionGate.Limits limits, Duration idleTimeout) {
    /** The algorithms that users may sign with. */
    List<String> publicKeys() {
      return algorithms.of(SshAlgorithms.Use.PUBLIC_KEYS);
    }
  }

  SftpListener(String name, SshEngine engine, Options options, ConnectionGate gate) {
    this.name = name;
    this.options = options;
    this.gate = gate;
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

  private final class Sessions extends SessionFactory {
    Sessions(SshEngine engine) {
      super(engine);
    }

    @Override
    protected ServerSessionImpl doCreateSession(IoSession io) throws Exception {
      // Refused here, a connection costs no key exchange.
      Options now = options;
      switch (gate.ask(address(io), now.limits())) {
        case ConnectionGate.Refused refused -> {
          // Lines may come before the server's identification, and clients show them (RFC 4253, section 4.2).
          io.writeBuffer(new ByteArrayBuffer((refused.reason().words() + "\r\n").getBytes(StandardCharsets.US_ASCII)));
          throw new IOException(refused.reason().words());
        }
        case ConnectionGate.Admitted admitted -> {
          try {
            ServerSessionImpl session = super.doCreateSession(io);
            clients.add(ClientState.attach(SftpListener.this, now, session, address(io), admitted));
            return session;
          } catch (Exception | OutOfMemoryError e) {
            admitted.close();
            throw e;
          }
        }
      }
    }

    private static InetAddress address(IoSession io) {
      return ((InetSocketAddress) io.getRemoteAddress()).getAddress();
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
