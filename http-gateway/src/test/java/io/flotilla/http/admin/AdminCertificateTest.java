package io.flotilla.http.admin;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.KeyStore;
import java.time.Clock;
import java.time.Duration;
import java.util.Optional;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLException;
import javax.net.ssl.TrustManagerFactory;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class AdminCertificateTest {
  @TempDir private Path directory;

  @Test
  void clientThatTrustsExactlyThisCertificate_isServed_andAnotherIsNot() throws Exception {
    AdminCertificate own = open("127.0.0.1");
    AdminCertificate other = AdminCertificate.open(Files.createDirectory(directory.resolve("other")), "127.0.0.1", Clock.systemUTC());
    try (AdminFixture node = new AdminFixture(directory)) {
      AdminServer server = AdminServer.open(node.kit.system(), "127.0.0.1", 0, node.context(node.client),
          Optional.of(own.context())).toCompletableFuture().join();
      for (String host : new String[] {"127.0.0.1", "localhost"}) {
        URI uri = URI.create("https://" + host + ":" + server.port() + "/health/live");
        for (String protocol : new String[] {"TLSv1.3", "TLSv1.2"}) {
          HttpResponse<String> answer = get(trusting(own), uri, protocol);
          assertEquals(200, answer.statusCode());
          assertEquals(protocol, answer.sslSession().orElseThrow().getProtocol());
        }
        assertThrows(SSLException.class, () -> get(trusting(other), uri, "TLSv1.3"));
      }
      server.close(Duration.ofSeconds(1)).toCompletableFuture().join();
    }
  }

  @Test
  void isKept_forItsOwnerOnly_andMadeAnewForAnotherHost() throws IOException {
    AdminCertificate made = open("192.0.2.1");

    assertEquals(made.fingerprint(), open("192.0.2.1").fingerprint());
    assertEquals("rw-------", PosixFilePermissions.toString(
        Files.getPosixFilePermissions(directory.resolve("admin-certificate.p12"))));
    assertNotEquals(made.fingerprint(), open("node-1.example").fingerprint());
    assertTrue(made.fingerprint().matches("([0-9A-F]{2}:){31}[0-9A-F]{2}"), made.fingerprint());
  }

  @Test
  void damagedFile_saysWhatToDo() throws IOException {
    Files.writeString(directory.resolve("admin-certificate.p12"), "damaged");

    IOException failure = assertThrows(IOException.class, () -> open("192.0.2.1"));

    assertTrue(failure.getMessage().contains("remove the file"), failure.getMessage());
  }

  private AdminCertificate open(String host) throws IOException {
    return AdminCertificate.open(directory, host, Clock.systemUTC());
  }

  private static HttpResponse<String> get(SSLContext trust, URI uri, String protocol) throws Exception {
    javax.net.ssl.SSLParameters parameters = new javax.net.ssl.SSLParameters();
    parameters.setProtocols(new String[] {protocol});
    try (HttpClient client = HttpClient.newBuilder().sslContext(trust).sslParameters(parameters).build()) {
      return client.send(HttpRequest.newBuilder(uri).timeout(Duration.ofSeconds(20)).build(),
          HttpResponse.BodyHandlers.ofString());
    }
  }

  private static SSLContext trusting(AdminCertificate certificate) throws Exception {
    KeyStore store = KeyStore.getInstance("PKCS12");
    store.load(null, null);
    store.setCertificateEntry("admin", certificate.certificate());
    TrustManagerFactory trust = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
    trust.init(store);
    SSLContext context = SSLContext.getInstance("TLS");
    context.init(null, trust.getTrustManagers(), null);
    return context;
  }
}
