package io.flotilla.tls;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Instant;
import java.util.List;
import java.util.Set;
import javax.net.ssl.SSLEngine;
import org.junit.jupiter.api.Test;

class TlsServerTest {
  private final SSLEngine engine = TlsServer.engine(
      TlsIdentity.selfSigned("test", List.of("localhost"), Instant.now()).serverContext(), "http/1.1");

  @Test
  void everySuite_isOfForwardSecrecyAndAuthenticated_andAes128IsPreferred() {
    List<String> suites = List.of(engine.getEnabledCipherSuites());
    assertEquals("TLS_AES_128_GCM_SHA256", suites.getFirst());
    for (String suite : suites) {
      assertTrue(suite.matches("TLS_(AES|CHACHA20|ECDHE)_.*") && suite.matches(".*(_GCM_|_CHACHA20_).*"), suite);
    }
    assertTrue(suites.contains("TLS_AES_256_GCM_SHA384"));
    assertTrue(engine.getSSLParameters().getUseCipherSuitesOrder());
    assertEquals(Set.of("TLSv1.3", "TLSv1.2"), Set.of(engine.getEnabledProtocols()));
  }

  @Test
  void aClientOfAnotherProtocol_isRefused_oneThatNamesNoneIsNot() {
    var choose = engine.getHandshakeApplicationProtocolSelector();
    assertEquals("http/1.1", choose.apply(engine, List.of("h2", "http/1.1")));
    assertEquals("", choose.apply(engine, List.of()));
    assertEquals(null, choose.apply(engine, List.of("ftp")));
  }
}
