package io.flotilla.sftp;

import io.flotilla.adapter.ProtocolListener;
import io.flotilla.config.model.SshAlgorithms;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.security.KeyPair;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.apache.sshd.common.io.IoAcceptor;
import org.apache.sshd.common.io.IoSession;
import org.apache.sshd.common.keyprovider.KeyPairProvider;
import org.apache.sshd.core.CoreModuleProperties;
import org.apache.sshd.server.session.ServerSessionImpl;
import org.apache.sshd.server.session.SessionFactory;

/** One listener on the shared engine. A session keeps the options and host keys that were valid when it began. */
final class SftpListener implements ProtocolListener<SftpListener.Options> {
  private final String name;
  private final IoAcceptor acceptor;
  private final int maxUnauthenticated;
  private final Set<ClientState> clients = ConcurrentHashMap.newKeySet();
  private final Set<ClientState> unauthenticated = ConcurrentHashMap.newKeySet();
  private volatile Options options;

  /**
   * What applies to new connections.
   *
   * @param certificates whether the listener trusts any authority
   */
  record Options(List<KeyPair> hostKeys, SshAlgorithms algorithms, boolean scp, boolean certificates, int maxConnections,
      Duration idleTimeout) {
    /** The algorithms that users may sign with. */
    List<String> publicKeys() {
      return algorithms.of(SshAlgorithms.Use.PUBLIC_KEYS);
    }
  }

  SftpListener(String name, SshEngine engine, Options options, int maxUnauthenticated) {
    this.name = name;
    this.options = options;
    this.maxUnauthenticated = maxUnauthenticated;
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

  void loggedIn(ClientState client) {
    unauthenticated.remove(client);
  }

  void ended(ClientState client) {
    clients.remove(client);
    unauthenticated.remove(client);
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
      if (clients.size() >= options.maxConnections()) {
        throw new IOException("listener " + name + " has its " + options.maxConnections() + " connections already");
      }
      if (unauthenticated.size() >= maxUnauthenticated) {
        throw new IOException("listener " + name + " has " + maxUnauthenticated
            + " connections that have not logged in, and takes no more for now");
      }
      return super.doCreateSession(io);
    }

    @Override
    protected ServerSessionImpl setupSession(ServerSessionImpl session) {
      Options now = options;
      session.setKeyPairProvider(KeyPairProvider.wrap(now.hostKeys()));
      session.setKeyExchangeFactories(SshFactories.keyExchanges(now.algorithms().of(SshAlgorithms.Use.KEY_EXCHANGE)));
      session.setCipherFactories(SshFactories.ciphers(now.algorithms().of(SshAlgorithms.Use.CIPHERS)));
      session.setMacFactories(SshFactories.macs(now.algorithms().of(SshAlgorithms.Use.MACS)));
      session.setSignatureFactories(SshFactories.signatures(now.algorithms().of(SshAlgorithms.Use.HOST_KEYS)));
      CoreModuleProperties.IDLE_TIMEOUT.set(session, now.idleTimeout());
      ClientState client = ClientState.attach(SftpListener.this, now, session);
      unauthenticated.add(client);
      clients.add(client);
      return session;
    }
  }
}
