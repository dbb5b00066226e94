package io.flotilla.http.admin;

import io.flotilla.config.model.Certificate;
import io.flotilla.tls.TlsIdentity;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.PrivateKey;
import java.security.cert.X509Certificate;
import java.time.Clock;
import java.time.Instant;
import java.util.LinkedHashSet;
import java.util.List;
import javax.net.ssl.SSLContext;

/**
 * The admin listener's own certificate, self-signed, made at the first start and kept, so that clients can pin it. It is
 * made anew if the listener's host is not among its names any more.
 */
public record AdminCertificate(X509Certificate certificate, SSLContext context) {
  private static final String FILE = "admin-certificate.p12";
  private static final String ALIAS = "admin";
  /** The mode of the file protects the key; the format only wants some password. */
  private static final char[] PASSWORD = "flotilla".toCharArray();
  private static final int YEARS = 10;

  /** Reads the certificate of a directory, or makes it there. */
  public static AdminCertificate open(Path directory, String host, Clock clock) throws IOException {
    Path file = directory.resolve(FILE);
    try {
      if (Files.exists(file)) {
        AdminCertificate kept = of(read(file));
        if (Certificate.names(kept.certificate).contains(name(host))) {
          return kept;
        }
      }
      KeyStore store = make(host, clock.instant());
      write(file, store);
      return of(store);
    } catch (GeneralSecurityException e) {
      throw new IOException("the certificate of the admin listener in " + file + " cannot be used (" + e
          + "); remove the file to have a new one made", e);
    }
  }

  /** The fingerprint of the certificate in a directory. */
  public static String fingerprintIn(Path directory) throws IOException {
    Path file = directory.resolve(FILE);
    if (!Files.isReadable(file)) {
      throw new IOException("the certificate of the admin listener in " + file + " cannot be read; start the node, and ask as root or as "
          + "the user who runs it");
    }
    try {
      return of(read(file)).fingerprint();
    } catch (GeneralSecurityException e) {
      throw new IOException("the certificate of the admin listener in " + file + " cannot be used (" + e + ")", e);
    }
  }

  /** The SHA-256 of the certificate, as openssl and browsers show it. */
  public String fingerprint() {
    return Certificate.fingerprint(certificate);
  }

  private static KeyStore read(Path file) throws IOException, GeneralSecurityException {
    KeyStore store = KeyStore.getInstance("PKCS12");
    try (InputStream in = Files.newInputStream(file)) {
      store.load(in, PASSWORD);
    } catch (IOException e) {
      throw new IOException("the certificate of the admin listener in " + file + " cannot be read (" + e
          + "); remove the file to have a new one made", e);
    }
    return store;
  }

  private static void write(Path file, KeyStore store) throws IOException, GeneralSecurityException {
    Path next = file.resolveSibling(FILE + ".next");
    Files.deleteIfExists(next);
    Files.createFile(next, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
    try (OutputStream out = Files.newOutputStream(next)) {
      store.store(out, PASSWORD);
    }
    Files.move(next, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
  }

  private static AdminCertificate of(KeyStore store) throws GeneralSecurityException {
    if (!(store.getCertificate(ALIAS) instanceof X509Certificate certificate)) {
      throw new GeneralSecurityException("it has no certificate named " + ALIAS);
    }
    PrivateKey key = (PrivateKey) store.getKey(ALIAS, PASSWORD);
    return new AdminCertificate(certificate, new TlsIdentity(List.of(certificate), key).serverContext());
  }

  private static KeyStore make(String host, Instant now) throws IOException, GeneralSecurityException {
    List<String> names = List.copyOf(new LinkedHashSet<>(List.of(name(host), "localhost")));
    TlsIdentity made = TlsIdentity.selfSigned("Flotilla admin", names, now);
    KeyStore store = KeyStore.getInstance("PKCS12");
    store.load(null, PASSWORD);
    store.setKeyEntry(ALIAS, made.key(), PASSWORD, made.chain().toArray(X509Certificate[]::new));
    return store;
  }

  /** The host in the one form a certificate gives it back in. */
  private static String name(String host) throws IOException {
    return TlsIdentity.isAddress(host) ? InetAddress.getByName(host).getHostAddress() : host;
  }
}
