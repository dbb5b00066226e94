package io.flotilla.auth;

import io.flotilla.config.model.Secret;
import java.time.Instant;
import java.util.Optional;

/** What a session logged in with, kept to notice when it no longer counts. */
public sealed interface Credential {
  /** The word for logs and events. */
  String method();

  /** When it ceases to count by itself, if it does. */
  default Optional<Instant> expiresAt() {
    return Optional.empty();
  }

  /** The certificate that is it or belongs to it. */
  default Optional<Certificate> certificate() {
    return Optional.empty();
  }

  /** What only SSH can ask for. */
  sealed interface Key extends Credential {}

  /** The password whose hash this was. */
  record Password(Secret.PasswordHash hash) implements Credential {
    @Override
    public String method() {
      return "password";
    }
  }

  /**
   * A certificate.
   *
   * @param listener the name of the one that trusted its authority
   * @param authority the line of that listener's authorities that has the key which signed it
   */
  record Certificate(String listener, String authority, Optional<Instant> expiresAt) implements Key {
    @Override
    public String method() {
      return "certificate";
    }

    @Override
    public Optional<Certificate> certificate() {
      return Optional.of(this);
    }
  }

  /** One line of the user's public keys. */
  record PublicKey(String line) implements Key {
    @Override
    public String method() {
      return "publickey";
    }
  }

  /** Both, one after the other. */
  record KeyAndPassword(Key key, Password password) implements Credential {
    @Override
    public String method() {
      return key.method() + "+" + password.method();
    }

    @Override
    public Optional<Instant> expiresAt() {
      return key.expiresAt();
    }

    @Override
    public Optional<Certificate> certificate() {
      return key.certificate();
    }
  }
}
