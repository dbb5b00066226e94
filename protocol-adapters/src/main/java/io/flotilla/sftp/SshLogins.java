package io.flotilla.sftp;

import io.flotilla.adapter.ClientLogins;
import io.flotilla.auth.Authenticator;
import io.flotilla.auth.LoginResult;
import java.security.PublicKey;
import java.security.interfaces.RSAPublicKey;
import java.util.Optional;
import org.apache.sshd.common.session.Session;
import org.apache.sshd.common.session.SessionListener;
import org.apache.sshd.common.util.buffer.ByteArrayBuffer;
import org.apache.sshd.server.auth.AsyncAuthException;
import org.apache.sshd.server.auth.password.PasswordAuthenticator;
import org.apache.sshd.server.auth.pubkey.PublickeyAuthenticator;
import org.apache.sshd.server.session.ServerSession;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Connects MINA's login to {@link Authenticator}: passwords asynchronously, so that no network thread hashes, and public
 * keys at once. Asynchronous answers are for passwords only: with public keys MINA would skip the signature's check
 * (CVE-2026-77185). MINA calls this on its threads.
 */
final class SshLogins implements PasswordAuthenticator, PublickeyAuthenticator, SessionListener {
  private static final Logger log = LoggerFactory.getLogger(SshLogins.class);
  private static final int MIN_RSA_BITS = 2048;

  private final Authenticator authenticator;
  private final ClientLogins logins;

  SshLogins(Authenticator authenticator, ClientLogins logins) {
    this.authenticator = authenticator;
    this.logins = logins;
  }

  @Override
  public boolean authenticate(String name, String password, ServerSession session) {
    ClientState client = ClientState.of(session);
    if (!client.passwordPending.compareAndSet(false, true)) {
      client.disconnect("one login at a time");
      return false;
    }
    AsyncAuthException pending = new AsyncAuthException();
    authenticator.password(name, password, client.origin).whenComplete((result, failure) -> {
      client.passwordPending.set(false);
      if (failure != null) {
        log.error("A password check failed by a defect", failure);
      }
      pending.setAuthed(failure == null && accepted(client, name, "password", result));
    });
    throw pending;
  }

  @Override
  public boolean handleClientPasswordChangeRequest(
      ServerSession session, String name, String oldPassword, String newPassword) {
    return false;
  }

  @Override
  public boolean authenticate(String name, PublicKey key, ServerSession session) {
    ClientState client = ClientState.of(session);
    if (client.passwordPending.get()) {
      return false;
    }
    boolean weak = key instanceof RSAPublicKey rsa && rsa.getModulus().bitLength() < MIN_RSA_BITS;
    ByteArrayBuffer blob = new ByteArrayBuffer();
    blob.putRawPublicKey(key);
    LoginResult result = authenticator.publicKey(name, blob.getCompactData(), client.origin);
    return accepted(client, name, "publickey",
        weak ? new LoginResult.Refused(LoginResult.Reason.WEAK_KEY) : result);
  }

  private boolean accepted(ClientState client, String name, String method, LoginResult result) {
    return switch (result) {
      case LoginResult.Granted granted -> {
        client.granted = granted;
        yield true;
      }
      case LoginResult.Refused refused -> {
        if (refused.reason() == LoginResult.Reason.UNKNOWN_KEY || method.equals("publickey")) {
          client.refusedKeyUser = name; // agents offer all their keys; told only if none helps
        } else {
          refused(name, client, method, refused.reason());
        }
        yield false;
      }
    };
  }

  private void refused(String name, ClientState client, String method, LoginResult.Reason reason) {
    logins.refused(client.origin, name, method, reason);
  }

  @Override
  public void sessionEvent(Session session, Event event) {
    ClientState client = ClientState.of(session);
    if (event != Event.Authenticated || client == null) {
      return;
    }
    Optional<ClientLogins.ClientLogin> login = logins.enter(client.granted, client::disconnect);
    if (login.isEmpty()) {
      client.disconnect(LoginResult.Reason.TOO_MANY_SESSIONS.words());
      return;
    }
    client.loggedIn();
    client.login = login.get();
    if (session.isClosing()) {
      client.login.close(); // on another thread; sessionClosed may have found no login yet
    }
  }

  @Override
  public void sessionClosed(Session session) {
    ClientState client = ClientState.of(session);
    if (client == null) {
      return;
    }
    client.ended();
    ClientLogins.ClientLogin login = client.login;
    if (login != null) {
      login.close();
    } else if (client.refusedKeyUser != null) {
      refused(client.refusedKeyUser, client, "publickey", LoginResult.Reason.UNKNOWN_KEY);
    }
  }
}
