package io.flotilla.system.clients;

import java.nio.file.Path;

/**
 * Where a client connects, as whom, and by what it knows the server.
 *
 * @param ftpPort FTP, in clear and with explicit TLS
 * @param ftpsPort FTP with implicit TLS
 */
public record Site(String host, int sftpPort, int ftpPort, int ftpsPort, String user, Credential credential, Trust trust) {

  /** How a client proves who it is. */
  public sealed interface Credential {}

  /**
   * @param askPass a program that OpenSSH can ask for what the environment has as {@link #VARIABLE}
   */
  public record Password(String text, Path askPass) implements Credential {
    public static final String VARIABLE = "FLOTILLA_TEST_PASSWORD";
  }

  /**
   * A key pair without a passphrase.
   *
   * @param file as OpenSSH keeps it, with its public key beside it as {@code .pub}
   * @param putty the same as PuTTY keeps it
   */
  public record Key(Path file, Path putty) implements Credential {
    public Path publicKey() {
      return file.resolveSibling(file.getFileName() + ".pub");
    }
  }

  /**
   * @param knownHosts the host key as OpenSSH keeps it
   * @param fingerprint the host key's SHA-256 in Base64 without padding
   * @param certificate the certificate of FTP with TLS, in PEM
   */
  public record Trust(Path knownHosts, String fingerprint, Path certificate) {}

  /** The password, for a client that has no other way. */
  String password() {
    return switch (credential) {
      case Password password -> password.text();
      case Key key -> throw new CannotDo("FTP has no login by key");
    };
  }

  String target() {
    return user + "@" + host;
  }
}
