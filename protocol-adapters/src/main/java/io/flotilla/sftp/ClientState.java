package io.flotilla.sftp;

import io.flotilla.adapter.ClientLogins;
import io.flotilla.adapter.ProtocolClient;
import io.flotilla.auth.LoginResult;
import java.net.InetSocketAddress;
import java.util.concurrent.atomic.AtomicBoolean;
import org.apache.sshd.common.AttributeRepository.AttributeKey;
import org.apache.sshd.common.session.Session;

/** What the adapter knows of one SSH connection; attached to MINA's session. Safe for all threads. */
final class ClientState implements ProtocolClient {
  private static final AttributeKey<ClientState> KEY = new AttributeKey<>();

  final SftpListener listener;
  final SftpListener.Options options;
  final String address;
  private final Session session;
  final AtomicBoolean passwordPending = new AtomicBoolean();
  /** What the client logged in with, when MINA reports the login. */
  volatile LoginResult.Granted granted;
  /** Null until the login. */
  volatile ClientLogins.ClientLogin login;
  /** The key that was refused, for one event instead of one for each key an agent offers. */
  volatile RefusedKey refusedKey;

  /** @param method the word for logs and events */
  record RefusedKey(String user, String method, LoginResult.Reason reason) {}

  private ClientState(SftpListener listener, SftpListener.Options options, Session session) {
    this.listener = listener;
    this.options = options;
    this.session = session;
    this.address = session.getRemoteAddress() instanceof InetSocketAddress remote
        ? remote.getAddress().getHostAddress() : String.valueOf(session.getRemoteAddress());
  }

  static ClientState attach(SftpListener listener, SftpListener.Options options, Session session) {
    ClientState state = new ClientState(listener, options, session);
    session.setAttribute(KEY, state);
    return state;
  }

  /** Null for a session that was refused before it was counted. */
  static ClientState of(Session session) {
    return session.getAttribute(KEY);
  }

  @Override
  public boolean isTransferring() {
    ClientLogins.ClientLogin present = login;
    return present != null && present.connection().isTransferring();
  }

  @Override
  public void disconnect(String reason) {
    SshEngine.disconnect(session, reason);
  }
}
