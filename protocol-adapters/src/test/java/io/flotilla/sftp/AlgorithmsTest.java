package io.flotilla.sftp;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.flotilla.config.model.Kind;
import io.flotilla.config.model.SshAlgorithms.Use;
import java.nio.file.Files;
import java.util.List;
import java.util.stream.Stream;
import org.apache.sshd.common.NamedResource;
import org.junit.jupiter.api.Test;

/** Listeners offer the algorithms of their configuration and no others. */
class AlgorithmsTest extends SftpFixture {
  @Test
  void everyAlgorithmToChoose_isThere() {
    for (Use use : Use.values()) {
      List<? extends NamedResource> found = switch (use) {
        case KEY_EXCHANGE -> SshFactories.keyExchanges(use.allowed());
        case CIPHERS -> SshFactories.ciphers(use.allowed());
        case MACS -> SshFactories.macs(use.allowed());
        case HOST_KEYS, PUBLIC_KEYS -> SshFactories.signatures(use.allowed());
      };
      assertEquals(use.allowed(), found.stream().map(NamedResource::getName).toList());
    }
    List<String> certificates = SshFactories.certificates(Use.PUBLIC_KEYS.allowed());
    assertEquals(certificates, SshFactories.signatures(certificates).stream().map(NamedResource::getName).toList());
    assertFalse(certificates.stream().anyMatch(name -> name.startsWith("ssh-rsa")), "SHA-1");
  }

  private record Old(String field, String name, String option) {}

  @Test
  void algorithmsOfOldClients_areOfferedWhenTheyAreChosen() throws Exception {
    Files.write(temp.resolve("local"), new byte[300_000]);
    List<Old> all = List.of(
        new Old("keyExchange", "diffie-hellman-group14-sha1", "KexAlgorithms"),
        new Old("ciphers", "chacha20-poly1305@openssh.com", "Ciphers"),
        new Old("ciphers", "aes128-cbc", "Ciphers"),
        new Old("ciphers", "aes256-cbc", "Ciphers"),
        new Old("macs", "hmac-sha1", "MACs"));
    for (Old old : all) {
      List<String> options = List.of("-o", old.option() + "=" + old.name(),
          "-o", "Ciphers=" + (old.option().equals("Ciphers") ? old.name() : "aes128-ctr"));
      config.change(Kind.LISTENERS, "sftp", json -> json.remove("ssh"));
      assertEquals(List.of(), config.commit(adapter));
      assertNotEquals(0, sftp("ann", "ed25519", options, "pwd").status(), "not by default: " + old);
      choose(old.field(), old.name());
      Outcome outcome = sftp("ann", "ed25519", options, "put local a", "get a back");
      assertEquals(0, outcome.status(), outcome.output());
    }
  }

  @Test
  void signaturesOfServerAndUsers_areChosenApart() throws Exception {
    hostKey("host", "rsa-3072");
    assertEquals(List.of(), config.commit(adapter));
    List<String> old = List.of("-o", "HostKeyAlgorithms=ssh-rsa");
    assertNotEquals(0, sftp("ann", "ed25519", old, "pwd").status());
    choose("hostKeys", "ssh-rsa");
    Outcome outcome = sftp("ann", "ed25519", old, "pwd");
    assertEquals(0, outcome.status(), outcome.output());

    List<String> oldUser = List.of("-o", "HostKeyAlgorithms=ssh-rsa", "-o", "PubkeyAcceptedAlgorithms=ssh-rsa");
    assertNotEquals(0, sftp("ann", "rsa-3072", oldUser, "pwd").status());
    choose("publicKeys", "ssh-rsa");
    outcome = sftp("ann", "rsa-3072", oldUser, "pwd");
    assertEquals(0, outcome.status(), outcome.output());
    assertNotEquals(0, sftp("ann", "ed25519", old, "pwd").status(), "only what is chosen");
  }

  @Test
  void change_holdsForNewConnections_andRunningOnesGoOn() throws Exception {
    try (RawClient before = new RawClient(port, "ann", userKey("ed25519"))) {
      before.initialized();
      choose("ciphers", "aes256-ctr");
      assertEquals(Sftp.ATTRS, before.ask(Sftp.STAT, "/").type());
      assertNotEquals(0, sftp("ann", "ed25519", List.of("-c", "aes128-gcm@openssh.com"), "pwd").status());
      assertEquals(0, sftp("ann", "ed25519", List.of("-c", "aes256-ctr"), "pwd").status());
    }
  }

  @Test
  void whatNoClientCouldUse_isAnObjection_andTheListenerGoesOnAsItWas() throws Exception {
    assertTrue(problem("hostKeys", "rsa-sha2-512").contains("none of its host keys is of a type"));
    sftpOk("pwd");
    config.change(Kind.LISTENERS, "sftp", json -> json.remove("ssh"));
    assertTrue(problem("ciphers", "aes512-of-a-newer-release").contains("does not know aes512-of-a-newer-release"));
    sftpOk("pwd");
  }

  private String problem(String field, String name) {
    change(field, name);
    List<String> objections = config.check(adapter);
    assertEquals(objections, config.commit(adapter));
    return objections.getFirst();
  }

  private void choose(String field, String name) {
    change(field, name);
    assertEquals(List.of(), config.check(adapter));
    assertEquals(List.of(), config.commit(adapter));
  }

  private void change(String field, String... names) {
    config.change(Kind.LISTENERS, "sftp", json -> {
      ObjectNode algorithms = json.withObject("ssh").withObject("algorithms");
      ArrayNode list = algorithms.putArray(field);
      Stream.of(names).forEach(list::add);
    });
  }
}
