package io.flotilla.sftp;

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

/**
 * One listener on the shared engine. Its address changes by binding the new one before the old is given up; sessions are
 * not tied to the address they came by. A session keeps the options and host keys that were valid when it began.
 */
final class SftpListener {
  private final String name;
  private final IoAcceptor acceptor;
  private final int maxUnauthenticated;
  private final Set<ClientState> clients = ConcurrentHashMap.newKeySet();
  private final Set<ClientState> unauthenticated = ConcurrentHashMap.newKeySet();
  private volatile Options options;
  private volatile InetSocketAddress bound;

  /** What applies to new connections. */
  record Options(List<KeyPair> hostKeys, int maxConnections, Duration idleTimeout) {}

  SftpListener(String name, SshEngine engine, Options options, int maxUnauthenticated) {
    this.name = name;
    this.options = options;
    this.maxUnauthenticated = maxUnauthenticated;
    this.acceptor = engine.getIoServiceFactory().createAcceptor(new Sessions(engine));
  }

  String name() {
    return name;
  }

  /** The address new connections come by; null while there is none. */
  InetSocketAddress bound() {
    return bound;
  }

  Options options() {
    return options;
  }

  void options(Options changed) {
    options = changed;
  }

  /** Accepts on a new address as well; the former one goes on until {@link #release}. */
  void bind(InetSocketAddress address) throws IOException {
    acceptor.bind(address);
    bound = address;
  }

  void release(InetSocketAddress former) {
    acceptor.unbind(former);
    if (former.equals(bound)) {
      bound = null;
    }
  }

  /** The clients there are now. */
  List<ClientState> clients() {
    return List.copyOf(clients);
  }

  void loggedIn(ClientState client) {
    unauthenticated.remove(client);
  }

  void ended(ClientState client) {
    clients.remove(client);
    unauthenticated.remove(client);
  }

  /** Gives the acceptor up, with whatever sessions it still has. */
  void dispose() {
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
      CoreModuleProperties.IDLE_TIMEOUT.set(session, now.idleTimeout());
      ClientState client = ClientState.attach(SftpListener.this, session);
      unauthenticated.add(client);
      clients.add(client);
      return session;
    }
  }
}
