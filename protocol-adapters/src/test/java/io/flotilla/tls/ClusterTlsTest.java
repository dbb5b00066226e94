package io.flotilla.tls;

import static org.junit.jupiter.api.Assertions.assertDoesNotThrow;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.flotilla.config.model.ClusterKey;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.cert.CertificateException;
import java.security.cert.X509Certificate;
import java.time.Instant;
import java.util.Date;
import java.util.HexFormat;
import java.util.List;
import java.util.UUID;
import javax.net.ssl.X509ExtendedKeyManager;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ClusterTlsTest {
  private static final UUID ID = UUID.fromString("11111111-2222-3333-4444-555555555555");
  private static final ClusterKey KEY = ClusterKey.generate();

  private static X509Certificate[] chain(ClusterTls tls) {
    return ((X509ExtendedKeyManager) tls.keyManagers()[0]).getCertificateChain("own");
  }

  @Test
  void eachNode_makesTheSameAuthority_andACertificateOfItsOwn() {
    ClusterTls one = ClusterTls.of(KEY, "node-1", ID);
    ClusterTls again = ClusterTls.of(KEY, "node-1", ID);

    assertEquals(one.authority().getPublicKey(), again.authority().getPublicKey());
    assertNotEquals(chain(one)[0].getPublicKey(), chain(again)[0].getPublicKey());
    assertDoesNotThrow(() -> chain(one)[0].verify(again.authority().getPublicKey()));
    assertEquals(1, chain(one).length);
  }

  /** The expected point was computed apart from this code, by RFC 5869 and FIPS 186-5. */
  @Test
  void authority_staysWhatItWas_forWhichReleaseEverHasTheKey(@TempDir Path directory) throws Exception {
    Path file = Files.writeString(directory.resolve("cluster.key"), "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n");

    X509Certificate authority = ClusterTls.of(ClusterKey.read(file), "node-1", ID).authority();

    assertEquals("CN=Flotilla cluster fa0cde5e86539aca", authority.getSubjectX500Principal().getName());
    assertEquals("3059301306072a8648ce3d020106082a8648ce3d03010703420004f9ae1ac09d7d1a2e50bb51f659f3f6ddab67"
            + "a46e9a7c5dddce31689d8e2cec236cc577824e59831961f0e480a35c19c5cee375f0e46ee12bba2a6520082500e6", HexFormat.of().formatHex(authority.getPublicKey().getEncoded()));
  }

  @Test
  void certificate_ofTheCluster_isTrustedAtAnyTime_asClientAndServer() throws Exception {
    ClusterTls here = ClusterTls.of(KEY, "node-1", ID);
    X509Certificate[] there = chain(ClusterTls.of(KEY, "knoten \u00e4,2", ID));

    here.trustManager().checkClientTrusted(there, "UNKNOWN");
    here.trustManager().checkServerTrusted(there, "UNKNOWN");
    there[0].checkValidity(new Date(0));
    there[0].checkValidity(Date.from(Instant.parse("9999-12-31T00:00:00Z")));
  }

  @Test
  void certificate_ofAnotherCluster_isRefused_withBothKeys() {
    ClusterKey other = ClusterKey.generate();
    X509Certificate[] stranger = chain(ClusterTls.of(other, "node-9", ID));
    ClusterTls here = ClusterTls.of(KEY, "node-1", ID);

    for (CertificateException refused : List.of(
        assertThrows(CertificateException.class, () -> here.trustManager().checkClientTrusted(stranger, "UNKNOWN")),
        assertThrows(CertificateException.class, () -> here.trustManager().checkServerTrusted(stranger, "UNKNOWN")))) {
      assertTrue(refused.getMessage().contains("'node-9', has the cluster key " + other.id()), refused.getMessage());
      assertTrue(refused.getMessage().contains("this one has " + KEY.id()), refused.getMessage());
    }
  }

  @Test
  void certificate_thatClaimsTheCluster_orIsTheAuthoritysOwn_isRefused() {
    ClusterTls here = ClusterTls.of(KEY, "node-1", ID);
    X509Certificate claimed =
        TlsIdentity.selfSigned("Flotilla cluster " + KEY.id(), List.of("localhost"), Instant.now()).chain().getFirst();

    assertThrows(CertificateException.class,
        () -> here.trustManager().checkServerTrusted(new X509Certificate[] {claimed}, "UNKNOWN"));
    assertThrows(CertificateException.class,
        () -> here.trustManager().checkClientTrusted(new X509Certificate[] {here.authority()}, "UNKNOWN"));
  }
}
