package io.flotilla.tls;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.flotilla.config.model.Certificate;
import java.io.IOException;
import java.io.StringWriter;
import java.math.BigInteger;
import java.net.InetAddress;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.KeyStore;
import java.security.PrivateKey;
import java.security.SecureRandom;
import java.security.cert.X509Certificate;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.Date;
import java.util.List;
import javax.net.ssl.SNIHostName;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.SSLServerSocket;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.TrustManagerFactory;
import org.bouncycastle.asn1.x500.X500Name;
import org.bouncycastle.cert.jcajce.JcaX509CertificateConverter;
import org.bouncycastle.cert.jcajce.JcaX509v3CertificateBuilder;
import org.bouncycastle.openssl.jcajce.JcaPEMWriter;
import org.bouncycastle.operator.jcajce.JcaContentSignerBuilder;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class TlsIdentityTest {
  private static final Instant NOW = Instant.now().truncatedTo(ChronoUnit.SECONDS);
  private static final TlsIdentity MADE =
      TlsIdentity.selfSigned("Test", List.of("ftp.example.org", "192.0.2.1", "2001:db8::1"), NOW);

  /** Sealed with a passphrase, as openssl pkcs8 writes it. */
  private static final String ENCRYPTED = """
      -----BEGIN ENCRYPTED PRIVATE KEY-----
      MIHsMFcGCSqGSIb3DQEFDTBKMCkGCSqGSIb3DQEFDDAcBAiEHZV9kj2eBgICA+gw
      DAYIKoZIhvcNAgkFADAdBglghkgBZQMEAQIEEFNAiUSlcUluGReBGFBANxsEgZCx
      goEtNseW0dGl/x8EtMntje3YFF7nY2RJ2ET1xlrklgRZJGc80kg6YhIUyHOFnnJm
      TlMJqyFvR+p7z5xaprcAwpEpb57m472z6f71bkbscF5vZOeM3rIhtOCLhibaPP0V
      AZyo8dK/5kiXLAJD+DKKKtXPfZcFdRFv90kRm5LJcrN7LVxF6m3gow1msvnbl1M=
      -----END ENCRYPTED PRIVATE KEY-----
      """;

  private static final String OLDER_KEY = """
      -----BEGIN EC PARAMETERS-----
      BggqhkjOPQMBBw==
      -----END EC PARAMETERS-----
      -----BEGIN EC PRIVATE KEY-----
      MHcCAQEEIGY7SIYnnvr1+U22kOnnnV6UqDZUH3+NELKX76IsNeKQoAoGCCqGSM49
      AwEHoUQDQgAEFJtGc3wk76LmjILx9VFMkFQ+85UmXsiaODyS+x36PDgyEgOrxZ/g
      afxT6AcSJNUoNTmBSIelKQxKnAlV6zdEMw==
      -----END EC PRIVATE KEY-----
      """;
  private static final String OLDER_CERTIFICATE = """
      -----BEGIN CERTIFICATE-----
      MIIBdTCCARugAwIBAgIUViWDGaGiJmdCu8E0xSVTxgM9u2YwCgYIKoZIzj0EAwIw
      DzENMAsGA1UEAwwEVGVzdDAgFw0yNjExMjYxMjIwMTRaGA8yMTI2MTEwMjEyMjAx
      NFowDzENMAsGA1UEAwwEVGVzdDBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABBSb
      RnN8JO+i5oyC8fVRTJBUPvOVJl7Imjg8kvsd+jw4MhIDq8Wf4Gn8U+gHEiTVKDU5
      gUiHpSkMSpwJVes3RDOjUzBRMB0GA1UdDgQWBBTvGaiAkZSHcMXL8K/T2Qmtyv7c
      TDAfBgNVHSMEGDAWgBTvGaiAkZSHcMXL8K/T2Qmtyv7cTDAPBgNVHRMBAf8EBTAD
      AQH/MAoGCCqGSM49BAMCA0gAMEUCIEAqhD8rEE1M7+JFl63EZsxZeFkgxteUwhpk
      Ee49zNMEAiEA9AiyJC/Gn29sLDbzQqT+2+jsev3Ptw/Srfw/FEhRd7I=
      -----END CERTIFICATE-----
      """;

  @Test
  void selfSigned_isForItsNames_andReadBackTheSame() {
    X509Certificate own = MADE.chain().getFirst();

    assertEquals(List.of("ftp.example.org", "192.0.2.1", "2001:db8:0:0:0:0:0:1"), Certificate.names(own));
    assertEquals(NOW.plus(3650, ChronoUnit.DAYS), own.getNotAfter().toInstant());
    assertEquals(-1, own.getBasicConstraints());
    TlsIdentity read = TlsIdentity.of(Certificate.parse(MADE.certificatePem()), MADE.privateKeyPem());
    assertEquals(MADE.chain(), read.chain());
    assertArrayEquals(MADE.key().getEncoded(), read.key().getEncoded());
  }

  @Test
  void selfSigned_withALongName_isCut() {
    TlsIdentity made = TlsIdentity.selfSigned("x".repeat(100), List.of("a"), NOW);

    assertEquals("CN=" + "x".repeat(64), made.chain().getFirst().getSubjectX500Principal().getName());
  }

  @ParameterizedTest
  @CsvSource({"RSA, 2048, SHA256withRSA", "Ed25519, 255, Ed25519"})
  void keyOfOtherAlgorithms_isRead(String algorithm, int size, String signature) throws Exception {
    KeyPair pair = pair(algorithm, size);
    X509Certificate certificate = certificate(pair, signature);

    TlsIdentity read = TlsIdentity.of(List.of(certificate), pem(pair.getPrivate()));

    assertEquals(pair.getPrivate(), read.key());
    assertFaulty("the private key is not the certificate's", MADE.chain(), pem(pair.getPrivate()));
    assertFaulty("the private key is not the certificate's", List.of(certificate), MADE.privateKeyPem());
  }

  @Test
  void keyAsOpenSslWroteIt_behindItsParameters_isRead() {
    List<X509Certificate> chain = Certificate.parse(OLDER_CERTIFICATE);

    assertEquals(chain, TlsIdentity.of(chain, OLDER_KEY).chain());
    assertFaulty("the private key is not the certificate's", MADE.chain(), OLDER_KEY);
  }

  @Test
  void badKey_isRefused_andNotQuoted() throws Exception {
    String olderEncrypted = "-----BEGIN EC PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,"
        + "0".repeat(32) + "\n\nAAAA\n-----END EC PRIVATE KEY-----\n";
    KeyPair weak = pair("RSA", 1024);

    for (String encrypted : List.of(ENCRYPTED, olderEncrypted)) {
      assertFaulty("the private key is encrypted; give it without a passphrase, it is sealed here", MADE.chain(), encrypted);
    }
    assertFaulty("the text holds no private key in PEM format", MADE.chain(), "hunter2");
    assertFaulty("the text holds no private key in PEM format", MADE.chain(), MADE.certificatePem());
    assertFaulty("the private key can't be read; it has to be an unencrypted PEM key", MADE.chain(),
        "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n");
    assertFaulty("the private key can't be read; it has to be an unencrypted PEM key", MADE.chain(),
        "-----BEGIN PRIVATE KEY-----\n!!!\n-----END PRIVATE KEY-----\n");
    assertFaulty("an RSA key needs at least 2048 bits", List.of(certificate(weak, "SHA256withRSA")), pem(weak.getPrivate()));
    assertFaulty("the private key is of an algorithm that TLS can't use here; RSA, ECDSA and Ed25519 are known", MADE.chain(), pem(pair("X25519", 255).getPrivate()));
  }

  @Test
  void toString_doesNotTellTheKey() throws Exception {
    KeyPair pair = pair("RSA", 2048);
    TlsIdentity identity = new TlsIdentity(List.of(certificate(pair, "SHA256withRSA")), pair.getPrivate());

    assertEquals("TlsIdentity[CN=Test]", identity.toString());
  }

  @Test
  void serverContext_isTrustedByWhoeverTrustsTheCertificate() throws Exception {
    KeyStore trusted = KeyStore.getInstance("PKCS12");
    trusted.load(null, null);
    trusted.setCertificateEntry("own", MADE.chain().getFirst());
    TrustManagerFactory trust = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
    trust.init(trusted);
    SSLContext client = SSLContext.getInstance("TLS");
    client.init(null, trust.getTrustManagers(), null);
    try (SSLServerSocket server = (SSLServerSocket) MADE.serverContext().getServerSocketFactory()
            .createServerSocket(0, 1, InetAddress.getLoopbackAddress());
        SSLSocket socket = (SSLSocket) client.getSocketFactory().createSocket()) {
      Thread accepting = Thread.ofVirtual().start(() -> {
        try (SSLSocket accepted = (SSLSocket) server.accept()) {
          accepted.startHandshake();
        } catch (IOException e) {
          // the client tells
        }
      });
      socket.connect(server.getLocalSocketAddress());
      socket.setSoTimeout(30_000);
      SSLParameters parameters = socket.getSSLParameters();
      parameters.setServerNames(List.of(new SNIHostName("ftp.example.org")));
      socket.setSSLParameters(parameters);
      socket.startHandshake();
      assertEquals(MADE.chain(), List.of(socket.getSession().getPeerCertificates()));
      accepting.join();
    }
  }

  private static void assertFaulty(String message, List<X509Certificate> chain, String key) {
    String told = assertThrows(IllegalArgumentException.class, () -> TlsIdentity.of(chain, key)).getMessage();
    assertEquals(message, told);
    assertFalse(told.contains("hunter2"));
    assertTrue(told.length() < 200);
  }

  private static KeyPair pair(String algorithm, int size) throws Exception {
    KeyPairGenerator generator = KeyPairGenerator.getInstance(algorithm);
    generator.initialize(size);
    return generator.generateKeyPair();
  }

  private static X509Certificate certificate(KeyPair pair, String signature) throws Exception {
    X500Name name = new X500Name("CN=Test");
    return new JcaX509CertificateConverter().getCertificate(new JcaX509v3CertificateBuilder(name,
        new BigInteger(64, new SecureRandom()), Date.from(NOW), Date.from(NOW.plus(1, ChronoUnit.DAYS)), name,
        pair.getPublic()).build(new JcaContentSignerBuilder(signature).build(pair.getPrivate())));
  }

  /** PKCS #1 for RSA. */
  private static String pem(PrivateKey key) throws Exception {
    StringWriter text = new StringWriter();
    try (JcaPEMWriter writer = new JcaPEMWriter(text)) {
      writer.writeObject(key);
    }
    return text.toString();
  }
}
