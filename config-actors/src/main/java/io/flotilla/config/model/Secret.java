package io.flotilla.config.model;

/**
 * A value that must never be shown: it prints as {@code [secret]}, has no JSON form of its own, and is stored only
 * sealed by {@link SecretSealer}.
 */
public sealed interface Secret {
  /** The clear value; only for the code that has to use it. */
  String reveal();

  static PasswordHash passwordHash(String phc) {
    return new PasswordHash(phc);
  }

  static PrivateKey privateKey(String pem) {
    return new PrivateKey(pem);
  }

  static TokenHash tokenHash(String hash) {
    return new TokenHash(hash);
  }

  /** A password hash in PHC string format. */
  record PasswordHash(String reveal) implements Secret {
    @Override
    public String toString() {
      return "[secret]";
    }
  }

  /** A private key as OpenSSH or PEM text. */
  record PrivateKey(String reveal) implements Secret {
    @Override
    public String toString() {
      return "[secret]";
    }
  }

  /** The SHA-256 of an admin token, in hexadecimal. */
  record TokenHash(String reveal) implements Secret {
    @Override
    public String toString() {
      return "[secret]";
    }
  }
}
