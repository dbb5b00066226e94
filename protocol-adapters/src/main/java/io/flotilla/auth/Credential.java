package io.flotilla.auth;

import io.flotilla.config.model.Secret;

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

  /** One line of the user's public keys. */
  record PublicKey(String line) implements Credential {
    @Override
    public String method() {
      return "publickey";
    }
  }
}
