package io.flotilla.auth;

import io.flotilla.config.model.Secret;
import java.time.Instant;
import java.util.Optional;

/** What a session logged in with, kept to notice when it no longer counts. */
public sealed interface Credential {
  /** The word for logs and events. */
  String method();

  /** The password whose hash this was. */
  record Password(Secret.PasswordHash hash) implements Credential {
    @Override
    public String method() {
      return "password";
    }
  }

  /** When it ceases to count by itself, if it does. */
  default Optional<Instant> expiresAt() {
    return Optional.empty();
  }

  /**
   * A certificate.
   *
   * @param listener the name of the one that trusted its authority
   * @param authority the line of that listener's authorities that has the key which signed it
   */
  record Certificate(String listener, String authority, Optional<Instant> expiresAt) implements Credential {
    @Override
    public String method() {
      return "certificate";
    }
  }

  /** One line of the user's public keys. */
  record PublicKey(String line) implements Credential {
    @Override
    public String method() {
      return "publickey";
    }
  }
}
