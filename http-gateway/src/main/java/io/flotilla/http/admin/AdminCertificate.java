package io.flotilla.http.admin;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.math.BigInteger;
import java.net.InetAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.GeneralSecurityException;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.KeyStore;
import java.security.MessageDigest;
import java.security.SecureRandom;
import java.security.cert.Certificate;
import java.security.cert.X509Certificate;
import java.security.spec.ECGenParameterSpec;
import java.time.Clock;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.Date;
import java.util.HexFormat;
import java.util.LinkedHashSet;
import java.util.Set;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import org.bouncycastle.asn1.x500.X500Name;
import org.bouncycastle.asn1.x509.BasicConstraints;
import org.bouncycastle.asn1.x509.ExtendedKeyUsage;
import org.bouncycastle.asn1.x509.Extension;
import org.bouncycastle.asn1.x509.GeneralName;
import org.bouncycastle.asn1.x509.GeneralNames;
import org.bouncycastle.asn1.x509.KeyPurposeId;
import org.bouncycastle.asn1.x509.KeyUsage;
import org.bouncycastle.cert.X509v3CertificateBuilder;
import org.bouncycastle.cert.jcajce.JcaX509CertificateConverter;
import org.bouncycastle.cert.jcajce.JcaX509v3CertificateBuilder;
import org.bouncycastle.operator.OperatorCreationException;
import org.bouncycastle.operator.jcajce.JcaContentSignerBuilder;

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
        if (names(kept.certificate).contains(name(host))) {
          return kept;
        }
      }
      KeyStore store = make(host, clock.instant());
      write(file, store);
      return of(store);
    } catch (GeneralSecurityException | OperatorCreationException e) {
      throw new IOException("the certificate of the admin listener in " + file + " cannot be used (" + e
          + "); remove the file to have a new one made", e);
    }
  }

  /** The SHA-256 of the certificate, as openssl and browsers show it. */
  public String fingerprint() {
    try {
      return HexFormat.ofDelimiter(":").withUpperCase()
          .formatHex(MessageDigest.getInstance("SHA-256").digest(certificate.getEncoded()));
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("every Java has SHA-256", e);
    }
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
    KeyManagerFactory keys = KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
    keys.init(store, PASSWORD);
    SSLContext context = SSLContext.getInstance("TLS");
    context.init(keys.getKeyManagers(), null, null);
    return new AdminCertificate(certificate, context);
  }

  private static KeyStore make(String host, Instant now)
      throws IOException, GeneralSecurityException, OperatorCreationException {
    KeyPairGenerator generator = KeyPairGenerator.getInstance("EC");
    generator.initialize(new ECGenParameterSpec("secp256r1"));
    KeyPair pair = generator.generateKeyPair();
    X500Name subject = new X500Name("CN=Flotilla admin");
    X509v3CertificateBuilder builder = new JcaX509v3CertificateBuilder(subject,
        new BigInteger(120, new SecureRandom()).setBit(119),
        // A client's clock may be behind.
        Date.from(now.minus(1, ChronoUnit.DAYS)), Date.from(now.plus(YEARS * 365L, ChronoUnit.DAYS)),
        subject, pair.getPublic())
        .addExtension(Extension.basicConstraints, true, new BasicConstraints(false))
        .addExtension(Extension.keyUsage, true, new KeyUsage(KeyUsage.digitalSignature))
        .addExtension(Extension.extendedKeyUsage, false, new ExtendedKeyUsage(KeyPurposeId.id_kp_serverAuth))
        .addExtension(Extension.subjectAlternativeName, false, alternatives(host));
    X509Certificate certificate = new JcaX509CertificateConverter().getCertificate(
        builder.build(new JcaContentSignerBuilder("SHA256withECDSA").build(pair.getPrivate())));
    KeyStore store = KeyStore.getInstance("PKCS12");
    store.load(null, PASSWORD);
    store.setKeyEntry(ALIAS, pair.getPrivate(), PASSWORD, new Certificate[] {certificate});
    return store;
  }

  private static GeneralNames alternatives(String host) throws IOException {
    Set<String> names = new LinkedHashSet<>();
    names.add(name(host));
    names.add("localhost");
    return new GeneralNames(names.stream()
        .map(name -> new GeneralName(isAddress(name) ? GeneralName.iPAddress : GeneralName.dNSName, name))
        .toArray(GeneralName[]::new));
  }

  private static Set<String> names(X509Certificate certificate) throws GeneralSecurityException {
    Set<String> names = new LinkedHashSet<>();
    if (certificate.getSubjectAlternativeNames() != null) {
      certificate.getSubjectAlternativeNames().forEach(name -> names.add(name.get(1).toString()));
    }
    return names;
  }

  /** The host in the one form a certificate gives it back in. */
  private static String name(String host) throws IOException {
    return isAddress(host) ? InetAddress.getByName(host).getHostAddress() : host;
  }

  private static boolean isAddress(String host) {
    return host.contains(":") || host.matches("[0-9]{1,3}(\\.[0-9]{1,3}){3}");
  }
}
