package io.flotilla.tls;

import io.flotilla.config.model.Certificate;
import io.flotilla.config.view.ConfigView;
import java.io.IOException;
import java.io.StringReader;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.math.BigInteger;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.KeyStore;
import java.security.NoSuchAlgorithmException;
import java.security.PrivateKey;
import java.security.SecureRandom;
import java.security.Signature;
import java.security.cert.X509Certificate;
import java.security.interfaces.RSAPrivateKey;
import java.security.spec.ECGenParameterSpec;
import java.security.spec.InvalidKeySpecException;
import java.security.spec.PKCS8EncodedKeySpec;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.Date;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;
import javax.net.ssl.KeyManager;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import org.bouncycastle.asn1.ASN1ObjectIdentifier;
import org.bouncycastle.asn1.edec.EdECObjectIdentifiers;
import org.bouncycastle.asn1.pkcs.PKCSObjectIdentifiers;
import org.bouncycastle.asn1.pkcs.PrivateKeyInfo;
import org.bouncycastle.asn1.x500.X500Name;
import org.bouncycastle.asn1.x500.X500NameBuilder;
import org.bouncycastle.asn1.x500.style.BCStyle;
import org.bouncycastle.asn1.x509.BasicConstraints;
import org.bouncycastle.asn1.x509.ExtendedKeyUsage;
import org.bouncycastle.asn1.x509.Extension;
import org.bouncycastle.asn1.x509.GeneralName;
import org.bouncycastle.asn1.x509.GeneralNames;
import org.bouncycastle.asn1.x509.KeyPurposeId;
import org.bouncycastle.asn1.x509.KeyUsage;
import org.bouncycastle.asn1.x9.X9ObjectIdentifiers;
import org.bouncycastle.cert.X509v3CertificateBuilder;
import org.bouncycastle.cert.jcajce.JcaX509CertificateConverter;
import org.bouncycastle.cert.jcajce.JcaX509v3CertificateBuilder;
import org.bouncycastle.openssl.PEMEncryptedKeyPair;
import org.bouncycastle.openssl.PEMKeyPair;
import org.bouncycastle.openssl.PEMParser;
import org.bouncycastle.operator.OperatorCreationException;
import org.bouncycastle.operator.jcajce.JcaContentSignerBuilder;
import org.bouncycastle.pkcs.PKCS8EncryptedPrivateKeyInfo;
import org.bouncycastle.util.io.pem.PemObject;
import org.bouncycastle.util.io.pem.PemWriter;

/**
 * A certificate chain and the private key that belongs to it. Immutable.
 *
 * @param chain the own certificate first
 */
public record TlsIdentity(List<X509Certificate> chain, PrivateKey key) {
  private static final Map<ASN1ObjectIdentifier, String> ALGORITHMS = Map.of(
      PKCSObjectIdentifiers.rsaEncryption, "RSA",
      X9ObjectIdentifiers.id_ecPublicKey, "EC",
      EdECObjectIdentifiers.id_Ed25519, "Ed25519");
  private static final int MIN_RSA_BITS = 2048;
  private static final int YEARS = 10;
  /** X.520's bound for a common name. */
  private static final int MAX_COMMON_NAME = 64;

  public TlsIdentity {
    chain = List.copyOf(chain);
  }

  /**
   * What a certificate of the configuration is.
   *
   * @param problem is told why there is nothing, in words for the operator
   */
  public static Optional<TlsIdentity> named(String name, ConfigView view, Consumer<String> problem) {
    Optional<Certificate> certificate = view.certificate(name);
    if (certificate.isEmpty()) {
      problem.accept("the certificate " + name + ", which it names, does not exist");
      return Optional.empty();
    }
    if (certificate.get().chain().isEmpty()) {
      problem.accept("this release can't read the certificate " + name + "; upgrade this node");
      return Optional.empty();
    }
    try {
      return Optional.of(of(certificate.get().chain(), certificate.get().privateKey().reveal()));
    } catch (IllegalArgumentException e) {
      problem.accept("certificate " + name + ": " + e.getMessage());
      return Optional.empty();
    }
  }

  /**
   * Joins a chain and its key.
   *
   * @param key one unencrypted private key in PEM: PKCS #8, or what OpenSSL wrote before that
   * @throws IllegalArgumentException saying what is wrong with the key; it never quotes it
   */
  public static TlsIdentity of(List<X509Certificate> chain, String key) {
    PrivateKey found = parse(key);
    if (found instanceof RSAPrivateKey rsa && rsa.getModulus().bitLength() < MIN_RSA_BITS) {
      throw new IllegalArgumentException("an RSA key needs at least " + MIN_RSA_BITS + " bits");
    }
    if (!belongTogether(found, chain.getFirst())) {
      throw new IllegalArgumentException("the private key is not the certificate's");
    }
    return new TlsIdentity(chain, found);
  }

  private static PrivateKey parse(String pem) {
    try (PEMParser parser = new PEMParser(new StringReader(pem))) {
      for (Object found = parser.readObject(); found != null; found = parser.readObject()) {
        switch (found) {
          case PrivateKeyInfo info -> {
            return key(info);
          }
          case PEMKeyPair pair -> {
            return key(pair.getPrivateKeyInfo());
          }
          case PKCS8EncryptedPrivateKeyInfo _ -> throw encrypted();
          case PEMEncryptedKeyPair _ -> throw encrypted();
          default -> { } // such as the parameters that OpenSSL writes before an EC key
        }
      }
    } catch (IOException | InvalidKeySpecException e) {
      throw new IllegalArgumentException("the private key can't be read; it has to be an unencrypted PEM key");
    }
    throw new IllegalArgumentException("the text holds no private key in PEM format");
  }

  /** By Java's own providers, whose keys its TLS takes. */
  private static PrivateKey key(PrivateKeyInfo info) throws IOException, InvalidKeySpecException {
    String algorithm = ALGORITHMS.get(info.getPrivateKeyAlgorithm().getAlgorithm());
    if (algorithm == null) {
      throw new IllegalArgumentException("the private key is of an algorithm that TLS can't use here; RSA, ECDSA and Ed25519 "
          + "are known");
    }
    try {
      return KeyFactory.getInstance(algorithm).generatePrivate(new PKCS8EncodedKeySpec(info.getEncoded()));
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java has " + algorithm, e);
    }
  }

  private static IllegalArgumentException encrypted() {
    return new IllegalArgumentException("the private key is encrypted; give it without a passphrase, it is sealed here");
  }

  private static boolean belongTogether(PrivateKey key, X509Certificate certificate) {
    String algorithm = switch (key.getAlgorithm()) {
      case "RSA" -> "SHA256withRSA";
      case "EC" -> "SHA256withECDSA";
      default -> "Ed25519";
    };
    byte[] probe = new byte[32];
    try {
      Signature signature = Signature.getInstance(algorithm);
      signature.initSign(key);
      signature.update(probe);
      byte[] signed = signature.sign();
      signature.initVerify(certificate.getPublicKey());
      signature.update(probe);
      return signature.verify(signed);
    } catch (GeneralSecurityException e) {
      return false; // keys of different algorithms
    }
  }

  /**
   * Makes an ECDSA key and a certificate that it signed itself, valid for ten years.
   *
   * @param commonName shown to people; clients look at the names
   * @param names host names and addresses, at least one
   */
  public static TlsIdentity selfSigned(String commonName, List<String> names, Instant now) {
    try {
      KeyPair pair = newKeyPair();
      X500Name subject = new X500NameBuilder(BCStyle.INSTANCE).addRDN(BCStyle.CN,
          commonName.length() > MAX_COMMON_NAME ? commonName.substring(0, MAX_COMMON_NAME) : commonName).build();
      X509v3CertificateBuilder builder = new JcaX509v3CertificateBuilder(subject,
          new BigInteger(120, new SecureRandom()).setBit(119),
          // A client's clock may be behind.
          Date.from(now.minus(1, ChronoUnit.DAYS)), Date.from(now.plus(YEARS * 365L, ChronoUnit.DAYS)),
          subject, pair.getPublic())
          .addExtension(Extension.basicConstraints, true, new BasicConstraints(false))
          .addExtension(Extension.keyUsage, true, new KeyUsage(KeyUsage.digitalSignature))
          .addExtension(Extension.extendedKeyUsage, false, new ExtendedKeyUsage(KeyPurposeId.id_kp_serverAuth))
          .addExtension(Extension.subjectAlternativeName, false, new GeneralNames(names.stream()
              .map(name -> new GeneralName(isAddress(name) ? GeneralName.iPAddress : GeneralName.dNSName, name))
              .toArray(GeneralName[]::new)));
      X509Certificate certificate = new JcaX509CertificateConverter().getCertificate(
          builder.build(new JcaContentSignerBuilder("SHA256withECDSA").build(pair.getPrivate())));
      return new TlsIdentity(List.of(certificate), pair.getPrivate());
    } catch (GeneralSecurityException | OperatorCreationException | IOException e) {
      throw new IllegalStateException("a certificate could not be made", e);
    }
  }

  /** A key pair for ECDSA on P-256. */
  static KeyPair newKeyPair() throws GeneralSecurityException {
    KeyPairGenerator generator = KeyPairGenerator.getInstance("EC");
    generator.initialize(new ECGenParameterSpec("secp256r1"));
    return generator.generateKeyPair();
  }

  /** Whether a name is a literal address. */
  public static boolean isAddress(String name) {
    return name.contains(":") || name.matches("[0-9]{1,3}(\\.[0-9]{1,3}){3}");
  }

  /** The chain as text. */
  public String certificatePem() {
    StringBuilder text = new StringBuilder();
    try {
      for (X509Certificate certificate : chain) {
        text.append(pem("CERTIFICATE", certificate.getEncoded()));
      }
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("what was read can be written", e);
    }
    return text.toString();
  }

  /** The key as text, in PKCS #8; secret. */
  public String privateKeyPem() {
    return pem("PRIVATE KEY", key.getEncoded());
  }

  private static String pem(String type, byte[] content) {
    StringWriter text = new StringWriter();
    try (PemWriter writer = new PemWriter(text)) {
      writer.writeObject(new PemObject(type, content));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return text.toString();
  }

  /** What a server with this identity makes its TLS connections from; those of one context share resumable sessions. */
  public SSLContext serverContext() {
    try {
      SSLContext context = SSLContext.getInstance("TLS");
      context.init(keyManagers(), null, null);
      return context;
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("a TLS context could not be made", e);
    }
  }

  /** What shows this identity to clients, for contexts of several connections. */
  public KeyManager[] keyManagers() {
    try {
      char[] password = new char[0]; // the store never leaves the memory
      KeyStore store = KeyStore.getInstance("PKCS12");
      store.load(null, password);
      store.setKeyEntry("own", key, password, chain.toArray(X509Certificate[]::new));
      KeyManagerFactory keys = KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
      keys.init(store, password);
      return keys.getKeyManagers();
    } catch (GeneralSecurityException | IOException e) {
      throw new IllegalStateException("a key that was read can be used", e);
    }
  }

  @Override
  public String toString() {
    return "TlsIdentity[" + chain.getFirst().getSubjectX500Principal().getName() + "]";
  }
}
