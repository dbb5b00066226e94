package io.flotilla.http.admin;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.flotilla.config.model.Certificate;
import io.flotilla.config.model.EntityCodec;
import io.flotilla.config.model.EntityKey;
import io.flotilla.config.model.FieldError;
import io.flotilla.config.model.Kind;
import io.flotilla.http.admin.AdminFixture.Answer;
import io.flotilla.tls.TlsIdentity;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CertificatesApiTest {
  private static final String CERTIFICATES = "/config/certificates/";
  private static final TlsIdentity ONE = TlsIdentity.selfSigned("one", List.of("one.example.org"), Instant.now());
  private static final TlsIdentity OTHER = TlsIdentity.selfSigned("other", List.of("other.example.org"), Instant.now());
  private static final String MADE_FOR = "{\"selfSigned\":{\"names\":[\"ftp.example.org\",\"192.0.2.1\"]}}";
  @TempDir private static Path directory;
  private static AdminFixture node;

  @BeforeAll
  static void start() throws IOException {
    node = new AdminFixture(directory);
  }

  @AfterAll
  static void stop() throws IOException {
    node.close();
  }

  private static String given(String certificate, String privateKey) {
    ObjectNode json = EntityCodec.JSON.createObjectNode();
    if (certificate != null) {
      json.put("certificate", certificate);
    }
    if (privateKey != null) {
      json.put("privateKey", privateKey);
    }
    return json.toString();
  }

  private static Answer patch(String name, String body) {
    return node.send("PATCH", CERTIFICATES + name, body, "Content-Type", "application/merge-patch+json");
  }

  private static JsonNode shown(String name) {
    return node.get(CERTIFICATES + name).expect(200).json();
  }

  /** What a listener would get: it has to fit. */
  private static TlsIdentity identity(String name) {
    Certificate certificate = node.live.view().certificate(name).orElseThrow();
    return TlsIdentity.of(certificate.chain(), certificate.privateKey().reveal());
  }

  private static void assertRefused(Answer answer, String pointer, String detail) {
    JsonNode error = answer.expect(422).json().at("/errors/0");
    assertEquals(pointer + " " + detail, error.path("pointer").textValue() + " " + error.path("detail").textValue());
    assertFalse(answer.text().contains("PRIVATE KEY--"), answer.text());
  }

  @Test
  void selfSigned_isMade_keptWhenPutAgain_andMadeAnewForOtherNames() {
    node.put(CERTIFICATES + "made", MADE_FOR).expect(201);
    ObjectNode first = (ObjectNode) shown("made");
    assertEquals("[\"ftp.example.org\",\"192.0.2.1\"]", first.path("names").toString());
    assertEquals("CN=ftp.example.org", first.path("subject").textValue());
    assertTrue(first.get("warning").isNull() && !first.has("privateKey"), first.toString());
    assertEquals(first.path("fingerprint").textValue(), Certificate.fingerprint(identity("made").chain().getFirst()));

    node.put(CERTIFICATES + "made", MADE_FOR).expect(200);
    assertEquals(first.get("fingerprint"), shown("made").get("fingerprint"));
    first.remove("version");
    node.put(CERTIFICATES + "made", first.toString()).expect(200);
    assertEquals(first.get("fingerprint"), shown("made").get("fingerprint"), "what was read is put back");

    ((ObjectNode) first.get("selfSigned")).withArray("names").add("::1");
    node.put(CERTIFICATES + "made", first.toString()).expect(200);
    assertNotEquals(first.get("fingerprint"), shown("made").get("fingerprint"));
    assertEquals(3, shown("made").get("names").size());
    patch("made", "{\"selfSigned\":{\"names\":[\"new.example.org\"]}}").expect(200);
    assertEquals("CN=new.example.org", shown("made").path("subject").textValue());
    identity("made");
  }

  @Test
  void given_isTaken_andReplacedOnlyTogetherWithItsKey() {
    node.put(CERTIFICATES + "given", given(ONE.certificatePem(), ONE.privateKeyPem())).expect(201);
    assertEquals(ONE.chain(), identity("given").chain());
    node.put(CERTIFICATES + "given", given(ONE.certificatePem(), null)).expect(200);
    assertEquals(ONE.key(), identity("given").key());

    String kept = "does not belong to the private key that is kept; give its own privateKey with it";
    assertRefused(node.put(CERTIFICATES + "given", given(OTHER.certificatePem(), null)), "/certificate", kept);
    assertRefused(patch("given", given(OTHER.certificatePem(), null)), "/certificate", kept);
    assertRefused(patch("given", given(null, OTHER.privateKeyPem())), "/privateKey",
        "the private key is not the certificate's");
    patch("given", given(OTHER.certificatePem(), OTHER.privateKeyPem())).expect(200);
    assertEquals(OTHER.chain(), identity("given").chain());
  }

  @Test
  void patchOfOneThatWasMade_withAGivenOne_isNotCalledSelfSignedAnyMore() {
    node.put(CERTIFICATES + "changed", MADE_FOR).expect(201);
    patch("changed", given(ONE.certificatePem(), ONE.privateKeyPem())).expect(200);
    assertTrue(shown("changed").get("selfSigned").isNull());
    assertEquals(ONE.chain(), identity("changed").chain());
  }

  @Test
  void whatDoesNotFit_isRefused() {
    assertRefused(node.put(CERTIFICATES + "bad", "{}"), "/certificate",
        "is required, with its privateKey; or selfSigned, to have one made");
    assertRefused(node.put(CERTIFICATES + "bad", given(ONE.certificatePem(), null)), "/privateKey",
        "is required with a certificate");
    assertRefused(node.put(CERTIFICATES + "bad", given(null, ONE.privateKeyPem())), "/certificate",
        "is required with a privateKey");
    assertRefused(node.put(CERTIFICATES + "bad", given(ONE.certificatePem(), OTHER.privateKeyPem())), "/privateKey",
        "the private key is not the certificate's");
    assertRefused(node.put(CERTIFICATES + "bad", given(ONE.certificatePem() + ONE.privateKeyPem(), ONE.privateKeyPem())),
        "/certificate", "must hold certificates only, which everybody may read, and no private key");
    assertRefused(node.put(CERTIFICATES + "bad", "{\"certificate\":1,\"privateKey\":2}"), "/certificate",
        "must be text in PEM format");
    assertRefused(node.put(CERTIFICATES + "bad", "{\"selfSigned\":{\"names\":[]}}"), "/selfSigned/names",
        "must be a list of the names and addresses that clients connect to");
    assertRefused(node.put(CERTIFICATES + "bad", "{\"selfSigned\":{\"names\":[\"a\",\"b c\"]}}"), "/selfSigned/names/1",
        "must be a host name or an IPv4 or IPv6 address");
    assertRefused(node.put(CERTIFICATES + "bad", "{\"selfSigned\":{\"names\":[\"a\"],\"days\":3}}"), "/selfSigned/days",
        "is not a field of /selfSigned");
    node.put(CERTIFICATES + "bad", "{\"selfSigned\":{\"names\":[\"a\"]},\"certificate\":\"x\"}").expect(422);
    node.get(CERTIFICATES + "bad").expect(404);
  }

  @Test
  void privateKey_isInNoAnswer_andMovesWithASealedExportOnly() {
    node.put(CERTIFICATES + "moved", MADE_FOR).expect(201);
    for (String path : List.of("/config/certificates", "/config", "/config/history?limit=100", "/config/export",
        "/config/diff?from=1&to=" + node.live.view().config().version())) {
      String text = node.get(path).expect(200).text();
      assertTrue(text.contains("moved") && !text.contains("PRIVATE") && !text.contains("$sealed"), path);
    }
    JsonNode before = shown("moved");
    ObjectNode open = entities("/config/export");
    ObjectNode sealed = entities("/config/export?secrets=sealed");
    long head = node.live.view().config().version();
    assertEquals(head, imported(sealed).expect(200).version(), "nothing differs");
    assertEquals(head, imported(open).expect(200).version(), "nothing differs");

    node.send("DELETE", CERTIFICATES + "moved", "").expect(200);
    Answer refused = imported(open).expect(422);
    assertEquals(List.of("/entities/certificates/moved/privateKey"), refused.pointers());
    imported(sealed).expect(200);
    assertEquals(before.get("fingerprint"), shown("moved").get("fingerprint"));
    identity("moved");
  }

  private static ObjectNode entities(String path) {
    ObjectNode document = (ObjectNode) node.get(path).expect(200).json();
    ObjectNode only = (ObjectNode) document.path("entities").path("certificates");
    only.retain("moved");
    ObjectNode entities = EntityCodec.JSON.createObjectNode();
    entities.set("certificates", only);
    document.set("entities", entities);
    return document;
  }

  private static Answer imported(ObjectNode document) {
    return node.send("POST", "/config/import", document.toString());
  }

  @Test
  void selfSigned_putAgainShortlyBeforeItsEnd_isMadeAnew() throws IOException {
    node.put(CERTIFICATES + "old", MADE_FOR).expect(201);
    TlsIdentity before = identity("old");
    Instant end = before.chain().getFirst().getNotAfter().toInstant();

    assertEquals(before.certificatePem(), preparedAt(end.minus(Duration.ofDays(31))).path("certificate").textValue());
    ObjectNode renewed = preparedAt(end.minus(Duration.ofDays(29)));
    assertNotEquals(before.certificatePem(), renewed.path("certificate").textValue());
    assertFalse(renewed.toString().contains("PRIVATE KEY"));
    assertTrue(renewed.path("privateKey").has("$sealed"));
  }

  private static ObjectNode preparedAt(Instant now) throws IOException {
    ObjectNode document = (ObjectNode) EntityCodec.JSON.readTree(MADE_FOR);
    List<FieldError> errors = new ArrayList<>();
    new CertificateInput(node.codec, node.live::view, Clock.fixed(now, ZoneOffset.UTC))
        .prepare(EntityKey.of(Kind.CERTIFICATES, "old"), document, true, errors);
    assertEquals(List.of(), errors);
    return document;
  }

  @Test
  void certificateOfAListener_isNeeded() {
    node.put(CERTIFICATES + "used", MADE_FOR).expect(201);
    node.put("/config/listeners/ftp",
        "{\"protocol\":\"ftp\",\"port\":21,\"ftp\":{\"tls\":\"required\",\"certificate\":\"used\"}}").expect(201);
    node.send("DELETE", CERTIFICATES + "used", "").expect(409);
    assertEquals(Optional.of("used"), node.live.view().listeners().get("ftp").listener().ftp().certificate());
    node.send("DELETE", "/config/listeners/ftp", "").expect(200);
    node.send("DELETE", CERTIFICATES + "used", "").expect(200);
  }
}
