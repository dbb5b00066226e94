package io.flotilla.auth;

/** The answer to a login by a public key or a certificate, which may be the first half of one. */
public sealed interface KeyResult permits LoginResult, KeyResult.PasswordNeeded {
  /** The key is the user's, who has to give the password as well. */
  record PasswordNeeded(Credential.Key key) implements KeyResult {}
}
