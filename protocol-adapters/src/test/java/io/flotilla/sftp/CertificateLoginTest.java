package io.flotilla.sftp;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.node.ArrayNode;
import io.flotilla.adapter.ClientEvent;
import io.flotilla.auth.LoginResult;
import io.flotilla.config.model.Kind;
import java.io.IOException;
import java.net.InetAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyPair;
import java.time.Duration;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.apache.sshd.common.config.keys.OpenSshCertificate;
import org.apache.sshd.common.util.buffer.ByteArrayBuffer;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Logins by certificates that OpenSSH's own tool has signed. Ann has a password and no key. */
class CertificateLoginTest extends SftpFixture {
  private static final String GOOD = "-V always:forever";
  private static final DateTimeFormatter TIME = DateTimeFormatter.ofPattern("yyyyMMddHHmmss'Z'").withZone(ZoneOffset.UTC);

  @BeforeEach
  void withoutKeys() throws Exception {
    config.change(Kind.USERS, "ann", json -> json.remove("publicKeys"));
    makeKey("ca", "ed25519", 0);
    trust("ca");
  }

  @Test
  void certificate_ofEachType_logsIn() throws Exception {
    makeKey("ca-rsa", "rsa", 2048);
    makeKey("ca-ecdsa", "ecdsa", 0);
    trust("ca", "ca-ecdsa", "ca-rsa");
    for (Map.Entry<String, String> pair : Map.of("ed25519", "ca-rsa", "ecdsa", "ca-ecdsa", "rsa", "ca").entrySet()) {
      String key = "user-" + pair.getKey();
      makeKey(key, pair.getKey(), pair.getKey().equals("rsa") ? 2048 : 0);
      sign(pair.getValue(), key, "-n ann " + GOOD);
      Outcome outcome = login(key);
      assertEquals(0, outcome.status(), outcome.output());
      assertEquals("certificate", events(ClientEvent.LoginSucceeded.class).getLast().method());
    }
  }

  @Test
  void certificate_thatIsNotForThisLogin_isRefused() throws Exception {
    makeKey("user", "ed25519", 0);
    Map<String, String> cases = Map.of(
        "-n ann -V 20010101:20020101", "has expired or is not valid yet",
        "-n ann -V 20400101:20410101", "has expired or is not valid yet",
        "-n bob " + GOOD, "does not name the user",
        GOOD, "does not name the user",
        "-n ann -O force-command=/bin/true " + GOOD, "critical option",
        "-n ann -O critical:other@example.org=x " + GOOD, "critical option",
        "-n ann -O verify-required " + GOOD, "critical option",
        "-n ann -O source-address=192.0.2.0/24 " + GOOD, "critical option");
    for (Map.Entry<String, String> one : cases.entrySet()) {
      sign("ca", "user", one.getKey());
      assertRefused("user", one.getValue());
    }
  }

  @Test
  void certificate_ofWhomNobodyTrusts_isRefused_andOnesForTheAddressLogIn() throws Exception {
    makeKey("foreign", "ed25519", 0);
    makeKey("user", "ed25519", 0);
    sign("foreign", "user", "-n ann " + GOOD);
    assertRefused("user", "not signed by an authority");
    sign("ca", "user", "-n bob,ann -O source-address=192.0.2.1,127.0.0.0/8,::1/128 -O no-pty " + GOOD);
    Outcome outcome = login("user");
    assertEquals(0, outcome.status(), outcome.output());
    trust();
    assertRefused("user", null); // the listener doesn't know certificates at all
  }

  /** What is read before the login is bounded: 200 names make 20 KiB, 100 make 10. */
  @Test
  void certificate_thatIsTooLong_isNotRead() throws Exception {
    makeKey("user", "ed25519", 0);
    sign("ca", "user", "-n ann" + (",x" + "x".repeat(98)).repeat(100) + " " + GOOD);
    Outcome outcome = login("user");
    assertEquals(0, outcome.status(), outcome.output());
    sign("ca", "user", "-n ann" + (",x" + "x".repeat(98)).repeat(200) + " " + GOOD);
    assertRefused("user", null);
  }

  @Test
  void weakSignaturesAndKeys_areRefused() throws Exception {
    makeKey("rsa-ca", "rsa", 2048);
    trust("ca", "rsa-ca");
    makeKey("user", "ed25519", 0);
    sign("rsa-ca", "user", "-t ssh-rsa -n ann " + GOOD);
    assertRefused("user", "too weak");
    makeKey("small", "rsa", 1024);
    sign("ca", "small", "-n ann " + GOOD);
    assertNotEquals(0, login("small", "-o", "RequiredRSASize=1024").status());
  }

  /** No client would send the first two. */
  @Test
  void certificate_ofAHost_forged_orWithoutItsPrivateKey_isRefused() throws Exception {
    makeKey("user", "ed25519", 0);
    sign("ca", "user", "-h -n ann " + GOOD);
    assertEquals(Optional.of(LoginResult.Reason.NO_USER_CERTIFICATE), problem(certificate("user", false)));
    sign("ca", "user", "-n ann " + GOOD);
    assertEquals(Optional.of(LoginResult.Reason.UNTRUSTED_CERTIFICATE), problem(certificate("user", true)));
    assertEquals(Optional.empty(), problem(certificate("user", false)));
    KeyPair own = HostKeyGenerator.read(Files.readString(temp.resolve("user")));
    KeyPair other = HostKeyGenerator.read(userKey("ed25519").privateKey());
    try (RawClient client = new RawClient(port, "ann", new KeyPair(certificate("user", false), own.getPrivate()))) {
      client.initialized();
    }
    assertThrows(IOException.class, () -> new RawClient(port, "ann", new KeyPair(certificate("user", false), other.getPrivate())));
    Awaitility.await().until(() -> events(ClientEvent.LoginFailed.class).size() == 1);
    assertEquals("the signature is wrong", events(ClientEvent.LoginFailed.class).getFirst().reason());
  }

  private Optional<LoginResult.Reason> problem(OpenSshCertificate certificate) {
    return new UserCertificate(certificate).problem("ann", InetAddress.getLoopbackAddress(), clock.instant());
  }

  /** @param forged whether a bit of the authority's signature is changed */
  private OpenSshCertificate certificate(String key, boolean forged) throws Exception {
    byte[] blob = Base64.getDecoder().decode(Files.readString(temp.resolve(key + "-cert.pub")).split(" ")[1]);
    blob[blob.length - 1] ^= (byte) (forged ? 1 : 0);
    return (OpenSshCertificate) new ByteArrayBuffer(blob).getRawPublicKey();
  }

  @Test
  void session_endsWithItsAuthorityOrItsUser() throws Exception {
    makeKey("user", "ed25519", 0);
    sign("ca", "user", "-n ann " + GOOD);
    Process client = startTransfer();
    config.change(Kind.LISTENERS, "sftp", json -> json.put("maxConnections", 77));
    assertEquals(List.of(), config.commit(adapter));
    assertEquals(1, connections.list().size(), "other changes of the listener are no matter");
    makeKey("next", "ed25519", 0);
    trust("next");
    Awaitility.await().until(() -> connections.list().isEmpty());
    assertNotEquals(0, finish(client).status());
    trust("ca");
    startTransfer();
    config.change(Kind.USERS, "ann", json -> json.put("enabled", false));
    assertEquals(List.of(), config.commit(adapter));
    Awaitility.await().until(() -> connections.list().isEmpty());
  }

  @Test
  void session_endsWhenItsCertificateExpires() throws Exception {
    makeKey("user", "ed25519", 0);
    sign("ca", "user", "-n ann -V always:" + TIME.format(clock.instant().plusSeconds(3600)));
    startTransfer();
    clock.ahead = Duration.ofHours(1);
    Awaitility.await().until(() -> connections.list().isEmpty());
    assertRefused("user", "has expired or is not valid yet");
  }

  private Process startTransfer() throws Exception {
    Files.createDirectories(home("ann"));
    Files.write(home("ann").resolve("file"), new byte[40_000_000]);
    Process client = startLogin("user", "get file back", "-l", "8000");
    Awaitility.await().until(() -> connections.list().stream().anyMatch(one -> one.transfer().isPresent()));
    return client;
  }

  @Test
  void sourceAddresses_areMatchedByTheirPrefix() throws Exception {
    InetAddress four = InetAddress.ofLiteral("192.0.2.130");
    InetAddress six = InetAddress.ofLiteral("2001:db8::1");
    for (String range : List.of("192.0.2.130", "192.0.2.128/25", "0.0.0.0/0", "10.0.0.1, 192.0.2.130/32")) {
      assertTrue(UserCertificate.isFrom(range, four), range);
    }
    for (String range : List.of("192.0.2.0/25", "192.0.2.131", "::/0", "", "192.0.2.130/33", "192.0.2.130/x", "example.org", "*")) {
      assertFalse(UserCertificate.isFrom(range, four), range);
    }
    assertTrue(UserCertificate.isFrom("2001:db8::/47", six));
    assertFalse(UserCertificate.isFrom("2001:db9::/32,0.0.0.0/0", six));
  }

  private void assertRefused(String key, String reason) throws Exception {
    int before = events(ClientEvent.LoginFailed.class).size();
    assertNotEquals(0, login(key).status());
    if (reason != null) {
      Awaitility.await().until(() -> events(ClientEvent.LoginFailed.class).size() > before);
      String told = events(ClientEvent.LoginFailed.class).getLast().reason();
      assertTrue(told.contains(reason), told);
    }
  }

  private Outcome login(String key, String... options) throws Exception {
    return finish(startLogin(key, "pwd", options));
  }

  private Process startLogin(String key, String command, String... options) throws Exception {
    Path batch = Files.writeString(temp.resolve("batch"), command + "\n");
    List<String> line = new ArrayList<>(List.of("sftp", "-F", "none", "-o", "LogLevel=ERROR", "-P", Integer.toString(port),
        "-i", temp.resolve(key).toString(), "-o", "IdentitiesOnly=yes", "-o", "PasswordAuthentication=no",
        "-o", "UserKnownHostsFile=/dev/null", "-o", "StrictHostKeyChecking=no"));
    line.addAll(List.of(options));
    line.addAll(List.of("-b", batch.toString(), "ann@127.0.0.1"));
    return start(line, Map.of());
  }

  private void trust(String... authorities) throws Exception {
    List<String> lines = new ArrayList<>();
    for (String authority : authorities) {
      lines.add(Files.readString(temp.resolve(authority + ".pub")).strip());
    }
    config.change(Kind.LISTENERS, "sftp", json -> {
      ArrayNode list = json.withObject("ssh").putArray("userCertificateAuthorities");
      lines.forEach(list::add);
    });
    assertEquals(List.of(), config.commit(adapter));
  }

  private void makeKey(String name, String type, int bits) throws Exception {
    List<String> line = new ArrayList<>(List.of("ssh-keygen", "-q", "-N", "", "-t", type, "-f", temp.resolve(name).toString()));
    if (bits > 0) {
      line.addAll(List.of("-b", Integer.toString(bits)));
    }
    Outcome outcome = finish(start(line, Map.of()));
    assertEquals(0, outcome.status(), outcome.output());
  }

  private void sign(String authority, String key, String options) throws Exception {
    List<String> line = new ArrayList<>(List.of("ssh-keygen", "-q", "-s", temp.resolve(authority).toString(), "-I", "test"));
    line.addAll(List.of(options.strip().split(" ")));
    line.add(temp.resolve(key + ".pub").toString());
    Outcome outcome = finish(start(line, Map.of()));
    assertEquals(0, outcome.status(), outcome.output());
  }
}
