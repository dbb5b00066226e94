package io.flotilla.sftp;

import io.flotilla.adapter.ClientLogins;
import io.flotilla.auth.Authenticator;
import io.flotilla.auth.Credential;
import io.flotilla.auth.KeyResult;
import io.flotilla.auth.LoginResult;
import java.security.PublicKey;
import java.time.Clock;
import java.util.Optional;
import org.apache.sshd.common.config.keys.OpenSshCertificate;
import org.apache.sshd.common.session.Session;
import org.apache.sshd.common.session.SessionListener;
import org.apache.sshd.server.auth.AsyncAuthException;
import org.apache.sshd.server.auth.password.PasswordAuthenticator;
import org.apache.sshd.server.session.ServerSession;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Connects MINA's login to {@link Authenticator}: passwords asynchronously, so that no network thread hashes, and public
 * keys at once. Asynchronous answers are for passwords only: with public keys MINA would skip the signature's check
 * (CVE-2026-77185), so {@link PublicKeyLogin} decides at once. MINA calls this on its threads.
 */
final class SshLogins implements PasswordAuthenticator, SessionListener {
  private static final Logger log = LoggerFactory.getLogger(SshLogins.class);

  private final Authenticator authenticator;
  private final ClientLogins logins;
  private final Clock clock;

  SshLogins(Authenticator authenticator, ClientLogins logins, Clock clock) {
    this.authenticator = authenticator;
    this.logins = logins;
    this.clock = clock;
  }

  @Override
  public boolean authenticate(String name, String password, ServerSession session) {
    ClientState client = ClientState.of(session);
    if (!client.passwordPending.compareAndSet(false, true)) {
      client.disconnect("one login at a time");
      return false;
    }
    client.granted = null;
    Optional<Credential.Key> key = Optional.ofNullable(client.provedKey).filter(proved -> proved.user().equals(name))
        .map(ClientState.ProvedKey::key);
    AsyncAuthException pending = new AsyncAuthException();
    authenticator.password(name, password, key, client.origin).whenComplete((result, failure) -> {
      if (failure != null) {
        log.error("A password check failed by a defect", failure);
      }
      boolean isAccepted = failure == null && accepted(client, name, result);
      client.passwordPending.set(false);
      pending.setAuthed(isAccepted);
    });
    throw pending;
  }

  @Override
  public boolean handleClientPasswordChangeRequest(
      ServerSession session, String name, String oldPassword, String newPassword) {
    return false;
  }

  /**
   * What a key or certificate would do for a user, nothing if it is refused. Its signature is to be checked after that.
   *
   * @param blob the key as in RFC 4253, section 6.6
   */
  Optional<KeyResult> publicKey(String name, PublicKey key, byte[] blob, ClientState client) {
    if (client.passwordPending.get()) {
      return Optional.empty();
    }
    client.granted = null;
    KeyResult result = key instanceof OpenSshCertificate certificate
        ? certificate(name, new UserCertificate(certificate), client) : authenticator.publicKey(name, blob, client.origin);
    boolean weak = UserCertificate.isWeak(key);
    return switch (weak ? new LoginResult.Refused(LoginResult.Reason.WEAK_KEY) : result) {
      case LoginResult.Granted granted -> Optional.of(granted);
      case KeyResult.PasswordNeeded needed -> Optional.of(needed);
      case LoginResult.Refused refused -> {
        refusedKey(name, key, client, refused.reason());
        yield Optional.empty();
      }
    };
  }

  private KeyResult certificate(String name, UserCertificate certificate, ClientState client) {
    Optional<String> authority = authenticator.authority(client.listener.name(), certificate.authority());
    if (authority.isEmpty()) {
      return new LoginResult.Refused(LoginResult.Reason.UNTRUSTED_CERTIFICATE);
    }
    return certificate.problem(name, client.origin.address(), clock.instant())
        .<KeyResult>map(LoginResult.Refused::new)
        .orElseGet(() -> authenticator.certificate(
            name, new Credential.Certificate(client.listener.name(), authority.get(), certificate.expiresAt()), client.origin));
  }

  /** The client does not have the private key to what it showed. */
  void wrongSignature(String name, PublicKey key, ClientState client) {
    refusedKey(name, key, client, LoginResult.Reason.WRONG_SIGNATURE);
  }

  /** Agents offer all their keys, so this is told only if none helps; that one is unknown tells less than anything else. */
  private static void refusedKey(String name, PublicKey key, ClientState client, LoginResult.Reason reason) {
    if (client.refusedKey == null || reason != LoginResult.Reason.UNKNOWN_KEY) {
      client.refusedKey = new ClientState.RefusedKey(
          name, key instanceof OpenSshCertificate ? "certificate" : "publickey", reason);
    }
  }

  /** Whether what the client has shown and proved counts; unless it has granted the login, more is needed. */
  boolean accepted(ClientState client, String name, KeyResult result) {
    return switch (result) {
      case LoginResult.Granted granted -> {
        client.granted = granted;
        yield true;
      }
      case KeyResult.PasswordNeeded needed -> {
        client.provedKey = new ClientState.ProvedKey(name, needed.key());
        // Told if the password doesn't follow: somebody has the key.
        client.refusedKey = new ClientState.RefusedKey(name, needed.key().method(), LoginResult.Reason.METHOD);
        yield true;
      }
      case LoginResult.Refused refused -> {
        refused(name, client, "password", refused.reason());
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
    client.refusedKey = null;
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
    } else if (client.refusedKey != null) {
      ClientState.RefusedKey key = client.refusedKey;
      refused(key.user(), client, key.method(), key.reason());
    }
  }
}
