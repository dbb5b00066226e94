package io.flotilla.sftp;

import java.io.IOException;
import org.apache.sshd.common.Service;
import org.apache.sshd.common.SshConstants;
import org.apache.sshd.common.SshException;
import org.apache.sshd.common.session.Session;
import org.apache.sshd.common.util.buffer.Buffer;
import org.apache.sshd.server.auth.password.UserAuthPasswordFactory;
import org.apache.sshd.server.session.ServerSession;
import org.apache.sshd.server.session.ServerUserAuthService;
import org.apache.sshd.server.session.ServerUserAuthServiceFactory;

/**
 * The login (RFC 4252), which for some users goes on after the key with the password. MINA knows methods in sequence only for
 * all users alike. Nobody is in before {@link SshLogins} has granted it, whatever a method has answered.
 */
final class LoginService extends ServerUserAuthService {
  private LoginService(Session session) throws IOException {
    super(session);
  }

  static ServerUserAuthServiceFactory factory() {
    return new ServerUserAuthServiceFactory() {
      @Override
      public Service create(Session session) throws IOException {
        // Some clients, such as paramiko, ask for it before each method. Another one would count attempts and time anew, and
        // take another user's name.
        ClientState client = ClientState.of(session);
        if (client.loginService == null) {
          client.loginService = new LoginService(session);
        } else if (session.isAuthenticated()) {
          throw new SshException(SshConstants.SSH2_DISCONNECT_PROTOCOL_ERROR, "the login is over");
        }
        return client.loginService;
      }
    };
  }

  @Override
  protected void handleAuthenticationSuccess(int command, Buffer buffer) throws Exception {
    if (ClientState.of(getServerSession()).granted == null) {
      askForPassword(true);
    } else {
      super.handleAuthenticationSuccess(command, buffer);
    }
  }

  @Override
  protected void handleAuthenticationFailure(int command, Buffer buffer) throws Exception {
    if (ClientState.of(getServerSession()).provedKey != null) {
      askForPassword(false);
    } else {
      super.handleAuthenticationFailure(command, buffer);
    }
  }

  /** Section 5.1: what can continue, and whether the last request has brought the login forward. */
  private void askForPassword(boolean partialSuccess) throws IOException {
    ServerSession session = getServerSession();
    Buffer answer = session.createBuffer(SshConstants.SSH_MSG_USERAUTH_FAILURE);
    answer.putString(UserAuthPasswordFactory.NAME);
    answer.putBoolean(partialSuccess);
    session.writePacket(answer);
  }
}
