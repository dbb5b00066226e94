package io.flotilla.sftp;

import io.flotilla.adapter.ClientLogins;
import io.flotilla.adapter.ConnectionGate;
import io.flotilla.adapter.ProtocolClient;
import io.flotilla.auth.Credential;
import io.flotilla.auth.LoginResult;
import io.flotilla.auth.Origin;
import io.flotilla.config.model.Listener;
import java.net.InetAddress;
import java.util.concurrent.atomic.AtomicBoolean;
import org.apache.sshd.common.AttributeRepository.AttributeKey;
import org.apache.sshd.common.session.Session;

/** What the adapter knows of one SSH connection; attached to MINA's session. Safe for all threads. */
final class ClientState implements ProtocolClient {
  private static final AttributeKey<ClientState> KEY = new AttributeKey<>();

  final SftpListener listener;
  final SftpListener.Options options;
  final Origin origin;
  private final ConnectionGate.Admitted admitted;
  private final Session session;
  final AtomicBoolean passwordPending = new AtomicBoolean();
  /** What the client logged in with, when MINA reports the login; null while something is still needed. */
  volatile LoginResult.Granted granted;
  /** What the client has proved and the password has to follow; null without one. */
  volatile ProvedKey provedKey;
  /** The only one of the connection; null before the client asks for it. Of the transport's threads, one after the other. */
  volatile LoginService loginService;
  /** Null until the login. */
  volatile ClientLogins.ClientLogin login;
  /** The key that was refused, for one event instead of one for each key an agent offers. */
  volatile RefusedKey refusedKey;

  /** A key counts for the user for whom it was proved, and for no other. */
  record ProvedKey(String user, Credential.Key key) {}

  /** @param method the word for logs and events */
  record RefusedKey(String user, String method, LoginResult.Reason reason) {}

  private ClientState(SftpListener listener, SftpListener.Options options, Session session, InetAddress address,
      ConnectionGate.Admitted admitted) {
    this.listener = listener;
    this.options = options;
    this.session = session;
    this.origin = new Origin(Listener.Protocol.SFTP, address);
    this.admitted = admitted;
  }

  static ClientState attach(SftpListener listener, SftpListener.Options options, Session session, InetAddress address,
      ConnectionGate.Admitted admitted) {
    ClientState state = new ClientState(listener, options, session, address, admitted);
    session.setAttribute(KEY, state);
    return state;
  }

  /** Null for a session that was refused before it was counted. */
  static ClientState of(Session session) {
    return session.getAttribute(KEY);
  }

  void loggedIn() {
    admitted.authenticated(true);
  }

  /** The connection has ended. */
  void ended() {
    listener.ended(this);
    admitted.close();
  }

  String address() {
    return origin.address().getHostAddress();
  }

  @Override
  public boolean isTransferring() {
    ClientLogins.ClientLogin present = login;
    return present != null && present.connection().isTransferring();
  }

  /** On another thread: while MINA reports a login, a packet of this one would go out before the one that it follows. */
  @Override
  public void disconnect(String reason) {
    Thread.ofVirtual().name("ssh-farewell-" + address()).start(() -> SshEngine.disconnect(session, reason));
  }
}
