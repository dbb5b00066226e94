package io.flotilla.config.model;

import static io.flotilla.config.model.ConfigExamples.CODEC;
import static io.flotilla.config.model.ConfigExamples.SEALER;
import static io.flotilla.config.model.ConfigExamples.commit;
import static io.flotilla.config.model.ConfigExamples.delete;
import static io.flotilla.config.model.ConfigExamples.initial;
import static io.flotilla.config.model.ConfigExamples.patch;
import static io.flotilla.config.model.ConfigExamples.put;
import static io.flotilla.config.model.ConfigExamples.refusal;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.flotilla.config.event.StoredDocument;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Certificates and the listeners that name them. */
class CertificateTest {
  private static final EntityKey KEY = EntityKey.of(Kind.CERTIFICATES, "own");
  /** Of ftp.example.org and 192.0.2.1, issued by {@link #CA}; both valid from 2020 for 200 years. */
  private static final String LEAF = """
      -----BEGIN CERTIFICATE-----
      MIIBmjCCAUCgAwIBAgIIPAt2g74LVvEwCgYIKoZIzj0EAwIwEjEQMA4GA1UEAxMH
      VGVzdCBDQTAgFw0yMDAxMDEwMDAwMDBaGA8yMjE5MTExNDAwMDAwMFowLDEQMA4G
      A1UEChMHRXhhbXBsZTEYMBYGA1UEAxMPZnRwLmV4YW1wbGUub3JnMFkwEwYHKoZI
      zj0CAQYIKoZIzj0DAQcDQgAE/yJp7K5dgVVMNZPQtILOuKYzxooqJ0QtULyvNZ66
      0JEXqVPrRJBJtClx1QCgf3n4a7ZYjF+fChlZqm0mVEf8VKNkMGIwHQYDVR0OBBYE
      FH3SXfVI72bn56iX0XQRTOsU+GvFMCAGA1UdEQQZMBeCD2Z0cC5leGFtcGxlLm9y
      Z4cEwAACATAfBgNVHSMEGDAWgBQPBruW14pjqmY6jvejzZ3HkMKZhjAKBggqhkjO
      PQQDAgNIADBFAiAzCFMhQkx+qxB9Mrh1+DYcXDiBN2SNzPoK+4eguU3LSwIhAMAX
      ZjvbgOZ7aSfXPA+5LB2NY6aJ6+9bOA5GAeWsNuRD
      -----END CERTIFICATE-----
      """;
  private static final String CA = """
      -----BEGIN CERTIFICATE-----
      MIIBTjCB9aADAgECAgkAuH0XL8KyY78wCgYIKoZIzj0EAwIwEjEQMA4GA1UEAxMH
      VGVzdCBDQTAgFw0yMDAxMDEwMDAwMDBaGA8yMjE5MTExNDAwMDAwMFowEjEQMA4G
      A1UEAxMHVGVzdCBDQTBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABLfJbUy4pgpY
      IiBsDWQgU23wDzO64ScqZs6OHQzdMwvNT3f78bYrJ2xPOsMAj5qyDBsoA0/a+gUK
      tnILbwvO87yjMjAwMB0GA1UdDgQWBBQPBruW14pjqmY6jvejzZ3HkMKZhjAPBgNV
      HRMBAf8EBTADAQH/MAoGCCqGSM49BAMCA0gAMEUCIQDDcGAqK1B0YA73MEuIGdJ2
      WaQANbJ6khmdO0psxNNQ9AIgDyvo151Ii8yYzg8ePlyOfSe9HjJt+iz2Ep2hWaX4
      Z4Y=
      -----END CERTIFICATE-----
      """;

  private static Operation certificate(String pem) {
    ObjectNode json = EntityCodec.JSON.createObjectNode().put("certificate", pem);
    json.putObject("privateKey").put("$sealed", SEALER.seal(KEY, "privateKey", "-----BEGIN PRIVATE KEY-----"));
    return put("certificates", "own", json.toString());
  }

  private static Operation ftp(String json) {
    return put("listeners", "ftp", "{\"protocol\":\"ftp\",\"port\":21,\"ftp\":" + json + "}");
  }

  private static Certificate read(ClusterConfig config) {
    return config.find(Kind.CERTIFICATES, "own", Certificate.class).orElseThrow();
  }

  @Test
  void describe_tellsWhatTheCertificateSays_andNotItsKey() {
    ClusterConfig config = commit(initial(), List.of(certificate(LEAF + CA)));

    ObjectNode shown = EntityCodec.describe(read(config));

    assertEquals(LEAF + CA, shown.path("certificate").textValue());
    assertEquals("CN=ftp.example.org,O=Example", shown.path("subject").textValue());
    assertEquals("[\"ftp.example.org\",\"192.0.2.1\"]", shown.path("names").toString());
    assertEquals("A0:77:8C:F5:08:76:48:EA:CB:60:B9:33:D4:76:C7:CC:CB:2C:8E:32:21:3F:23:15:53:87:90:5A:8F:33:CB:4B", shown.path("fingerprint").textValue());
    assertEquals("2219-11-14T00:00:00Z", shown.path("notAfter").textValue());
    assertTrue(shown.get("warning").isNull(), shown.toString());
    assertFalse(shown.has("privateKey"));
    assertFalse(read(config).toString().contains("PRIVATE KEY"));
    assertFalse(EntityCodec.withoutSecrets(KEY.kind(), config.stored(KEY).orElseThrow().document()).orElseThrow()
        .has("privateKey"));
  }

  @Test
  void warning_comesThirtyDaysBeforeTheEnd() {
    Certificate own = read(commit(initial(), List.of(certificate(LEAF))));
    Instant end = Instant.parse("2219-11-14T00:00:00Z");

    assertEquals(Optional.empty(), own.warning(end.minus(Duration.ofDays(31))));
    assertEquals(Optional.of("the certificate expires at " + end), own.warning(end.minus(Duration.ofDays(29))));
    assertEquals(Optional.of("the certificate expired at " + end), own.warning(end.plusSeconds(1)));
    assertEquals(Optional.of("the certificate is not valid before 2020-01-01T00:00:00Z"),
        own.warning(Instant.parse("2019-12-31T00:00:00Z")));
  }

  @Test
  void edit_textThatIsNoChain_isRefused() {
    String body = "\nAAAA\n-----END ";
    assertRefused("holds a certificate that can't be read", "-----BEGIN CERTIFICATE-----" + body + "CERTIFICATE-----");
    assertRefused("holds a certificate that can't be read", LEAF + "-----BEGIN CERTIFICATE-----\nAAAA");
    assertRefused("must be a certificate in PEM format: -----BEGIN CERTIFICATE-----...", "nonsense");
    assertRefused("is out of order: number 1 was not issued by number 2; the server's own certificate comes first, and each "
        + "one's issuer after it", CA + LEAF);
    assertRefused("has over 10 certificates", CA.repeat(11));
  }

  /** Everybody who reads the configuration sees the certificate. */
  @ParameterizedTest
  @ValueSource(strings = {"PRIVATE KEY", "EC PRIVATE KEY", "ENCRYPTED PRIVATE KEY", "OPENSSH PRIVATE KEY"})
  void edit_privateKeyAmongTheCertificates_isRefused(String type) {
    assertRefused("must hold certificates only, which everybody may read, and no private key",
        LEAF + "-----BEGIN " + type + "-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,AA\n\nAAAA\n-----END " + type
            + "-----\n");
  }

  private static void assertRefused(String detail, String pem) {
    assertEquals(List.of(new FieldError("/operations/0/value/certificate", detail)),
        refusal(initial(), certificate(pem)).errors());
  }

  @Test
  void edit_withoutItsParts_isRefused() {
    assertEquals(List.of(new FieldError("/operations/0/value/certificate", "is required"),
            new FieldError("/operations/0/value/privateKey", "is required")),
        refusal(initial(), put("certificates", "own", "{}")).errors());
  }

  @ParameterizedTest
  @ValueSource(strings = {"ftp.example.org", "*.example.org", "localhost", "xn--mnchen-3ya.de", "192.0.2.1", "2001:db8::1", "a_b"})
  void name_thatClientsCanConnectTo_isTaken(String name) {
    assertEquals(Optional.empty(), Certificate.problemWithName(name));
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "a b", "*", "a.*.org", "-a", "a..b", "1.2.3", "1.2.3.4.5", "münchen.de", "https://a", "a/b"})
  void name_thatIsNone_isRefused(String name) {
    assertEquals(Optional.of("must be a host name or an IPv4 or IPv6 address"), Certificate.problemWithName(name));
  }

  @Test
  void read_chainOfANewerFormat_isKept() {
    byte[] newer = "{\"certificate\":\"quantum\"}".getBytes(StandardCharsets.UTF_8);

    Certificate read = (Certificate) CODEC.read(new StoredDocument(
        "certificates", "own", 7, newer)).entity();

    assertEquals("quantum", read.pem());
    assertEquals(List.of(), read.chain());
    assertEquals("quantum", EntityCodec.describe(read).path("certificate").textValue());
    assertEquals(Optional.empty(), read.warning(Instant.now()));
  }

  @Test
  void certificateInUse_canNotBeDeleted() {
    ClusterConfig config = commit(initial(), List.of(
        certificate(LEAF), ftp("{\"tls\":\"explicit\",\"certificate\":\"own\"}")));

    Refusal refusal = refusal(config, delete("certificates", "own"));

    assertEquals(Refusal.Reason.CONFLICT, refusal.reason());
    assertEquals("certificates/own is still needed by listeners/ftp", refusal.detail());
    commit(config, List.of(delete("certificates", "own"), delete("listeners", "ftp")));
  }

  @ParameterizedTest
  @CsvSource(delimiter = '|', value = {
      "{\"tls\":\"on\"}|/tls|must be 'off', 'explicit', 'required' or 'implicit'",
      "{\"tls\":\"required\"}|/certificate|is required for tls other than 'off'",
      "{\"tls\":\"implicit\",\"certificate\":\"other\"}|/certificate|there is no certificate named 'other'",
      "{\"certificate\":\"other\"}|/certificate|there is no certificate named 'other'",
      "{\"requireSessionReuse\":\"yes\"}|/requireSessionReuse|must be true or false"})
  void edit_badTls_isRefused(String json, String pointer, String detail) {
    FieldError error = refusal(initial(), ftp(json)).errors().getFirst();

    assertEquals(new FieldError("/operations/0/value/ftp" + pointer, detail), error);
  }

  @Test
  void tls_isOffUnlessGiven_andAWordOfANewerReleaseRequiresIt() {
    ClusterConfig config = commit(initial(), List.of(certificate(LEAF), ftp("{}")));
    assertEquals(Listener.Tls.OFF, tls(config));
    ClusterConfig required = commit(config,
        List.of(patch("listeners", "ftp", "{\"ftp\":{\"tls\":\"implicit\",\"certificate\":\"own\"}}")));
    assertEquals(Listener.Tls.IMPLICIT, tls(required));
    JsonNode shown = EntityCodec.describe(required.find(Kind.LISTENERS, "ftp", Listener.class).orElseThrow()).get("ftp");
    assertEquals("implicit own false", shown.path("tls").textValue() + " " + shown.path("certificate").textValue() + " "
        + shown.path("requireSessionReuse"));

    Listener newer = (Listener) CODEC.read(new StoredDocument("listeners", "ftp", 7,
        "{\"protocol\":\"ftp\",\"port\":21,\"ftp\":{\"tls\":\"quantum\"}}".getBytes(StandardCharsets.UTF_8))).entity();
    assertEquals(Listener.Tls.REQUIRED, newer.ftp().tls());
  }

  private static Listener.Tls tls(ClusterConfig config) {
    return config.find(Kind.LISTENERS, "ftp", Listener.class).orElseThrow().ftp().tls();
  }

  @Test
  void parse_neverQuotesTheText() {
    String message = assertThrows(IllegalArgumentException.class, () -> Certificate.parse("hunter2")).getMessage();
    assertFalse(message.contains("hunter2"), message);
  }
}
