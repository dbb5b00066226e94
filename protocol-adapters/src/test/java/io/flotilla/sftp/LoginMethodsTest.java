package io.flotilla.sftp;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.flotilla.adapter.ClientEvent;
import io.flotilla.config.model.Kind;
import java.nio.file.Files;
import java.security.KeyPair;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import org.apache.sshd.client.SshClient;
import org.apache.sshd.client.session.ClientSession;
import org.apache.sshd.common.SshConstants;
import org.apache.sshd.common.util.buffer.Buffer;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;

/** What a user's {@code authentication} asks for, with OpenSSH's client. Ann has a password and keys. */
class LoginMethodsTest extends SftpFixture {
  private static final String BOTH = "public-key+password";
  private static final String NOT_ALONE = "the user may not log in by this alone";
  private static final Duration PATIENCE = Duration.ofSeconds(30);
  private static final String[] SLOW = {"-l", "8000"};

  @Test
  void both_areNeededInTheirOrder() throws Exception {
    require("ann", BOTH);
    assertNotEquals(0, sftp("pwd").status());
    awaitRefusal("publickey", NOT_ALONE); // somebody who has the key has tried it
    assertNotEquals(0, sftpWithPassword("ann", PASSWORD, "pwd").status());
    awaitRefusal("password", NOT_ALONE);
    assertNotEquals(0, finish(withBoth("wrong", "pwd")).status());
    awaitRefusal("password", "the password is wrong");

    Outcome outcome = finish(withBoth(PASSWORD, "pwd"));
    assertEquals(0, outcome.status(), outcome.output());
    assertEquals("publickey+password", events(ClientEvent.LoginSucceeded.class).getLast().method());
    assertEquals(1, events(ClientEvent.LoginSucceeded.class).size());
  }

  /** A key is proved by its signature, not by being shown. */
  @Test
  void keyThatWasOnlyShown_isNoFirstHalf() throws Exception {
    require("ann", BOTH);
    KeyPair own = HostKeyGenerator.read(userKey("ed25519").privateKey());
    KeyPair other = HostKeyGenerator.read(HostKeyGenerator.generate(HostKeyGenerator.Algorithm.of("ed25519")).privateKey());
    assertFalse(isLoggedIn(new KeyPair(own.getPublic(), other.getPrivate())));
    awaitRefusal("password", NOT_ALONE);
    assertTrue(isLoggedIn(own));
  }

  private boolean isLoggedIn(KeyPair key) throws Exception {
    try (SshClient ssh = SshClient.setUpDefaultClient()) {
      ssh.setServerKeyVerifier((server, address, serverKey) -> true);
      ssh.start();
      try (ClientSession session = ssh.connect("ann", "127.0.0.1", port).verify(PATIENCE).getSession()) {
        session.addPublicKeyIdentity(key);
        session.addPasswordIdentity(PASSWORD);
        return session.auth().await(PATIENCE) && session.isAuthenticated();
      }
    }
  }

  /** As paramiko asks for the login anew before each method: it goes on where it was, and as the same user. */
  @Test
  void loginThatIsAskedForAgain_goesOnWhereItWas() throws Exception {
    require("ann", BOTH);
    user("bob");
    assertEquals(List.of(), config.commit(adapter));
    try (SshClient ssh = SshClient.setUpDefaultClient()) {
      ssh.setServerKeyVerifier((server, address, serverKey) -> true);
      ssh.start();
      for (String user : new String[] {"ann", "bob"}) {
        try (ClientSession session = ssh.connect("ann", "127.0.0.1", port).verify(PATIENCE).getSession()) {
          session.addPublicKeyIdentity(HostKeyGenerator.read(userKey("ed25519").privateKey()));
          assertTrue(session.auth().await(PATIENCE));
          assertFalse(session.isAuthenticated());
          Buffer again = session.createBuffer(SshConstants.SSH_MSG_SERVICE_REQUEST);
          again.putString("ssh-userauth");
          session.writePacket(again);
          Buffer password = session.createBuffer(SshConstants.SSH_MSG_USERAUTH_REQUEST);
          password.putString(user);
          password.putString("ssh-connection");
          password.putString("password");
          password.putBoolean(false);
          password.putString(PASSWORD);
          session.writePacket(password);
          if (user.equals("ann")) {
            Awaitility.await().until(() -> !events(ClientEvent.LoginSucceeded.class).isEmpty());
            assertEquals("publickey+password", events(ClientEvent.LoginSucceeded.class).getLast().method());
          } else {
            assertTrue(session.waitFor(EnumSet.of(ClientSession.ClientSessionEvent.CLOSED), PATIENCE)
                .contains(ClientSession.ClientSessionEvent.CLOSED));
          }
        }
      }
    }
    awaitRefusal("publickey", NOT_ALONE);
    assertEquals(List.of("ann"), events(ClientEvent.LoginSucceeded.class).stream().map(ClientEvent.LoginSucceeded::user).toList());
  }

  @Test
  void oneMethod_excludesTheOther_alsoIfItsGroupSaysSo() throws Exception {
    require("ann", "public-key");
    assertEquals(0, sftp("pwd").status());
    assertNotEquals(0, sftpWithPassword("ann", PASSWORD, "pwd").status());
    awaitRefusal("password", NOT_ALONE);

    config.put(Kind.GROUPS, "partners", json -> json.putArray("authentication").add("password"));
    config.change(Kind.USERS, "ann", json -> {
      json.remove("authentication");
      json.putArray("groups").add("partners");
    });
    assertEquals(List.of(), config.commit(adapter));
    assertEquals(0, sftpWithPassword("ann", PASSWORD, "pwd").status());
    assertNotEquals(0, sftp("pwd").status());
    awaitRefusal("publickey", NOT_ALONE);
  }

  @Test
  void severalWays_areAlternatives() throws Exception {
    require("ann", "password", BOTH);
    assertEquals(0, sftpWithPassword("ann", PASSWORD, "pwd").status());
    assertEquals(0, finish(withBoth(PASSWORD, "pwd")).status());
    assertNotEquals(0, sftp("pwd").status());
  }

  @Test
  void sessions_endWhenHowTheyCameNoLongerSuffices() throws Exception {
    Files.createDirectories(home("ann"));
    Files.write(home("ann").resolve("file"), new byte[40_000_000]);
    Process byKey = startSftp("ann", "ed25519", List.of(SLOW), "get file back");
    awaitTransfer();
    require("ann", BOTH);
    awaitEnd(byKey);

    Process byBoth = withBoth(PASSWORD, "get file back", SLOW);
    awaitTransfer();
    require("ann", "password"); // it has shown that as well
    awaitTransfer();
    assertTrue(byBoth.isAlive());
    user("ann"); // the password was set again
    assertEquals(List.of(), config.commit(adapter));
    awaitEnd(byBoth);

    require("ann", BOTH);
    Process withoutKey = withBoth(PASSWORD, "get file back", SLOW);
    awaitTransfer();
    config.change(Kind.USERS, "ann", json -> json.remove("publicKeys"));
    assertEquals(List.of(), config.commit(adapter));
    awaitEnd(withoutKey);
  }

  private void awaitTransfer() {
    Awaitility.await().until(() -> connections.list().stream().anyMatch(one -> one.transfer().isPresent()));
  }

  private void awaitEnd(Process session) throws Exception {
    Awaitility.await().until(() -> connections.list().isEmpty());
    assertNotEquals(0, finish(session).status());
  }

  private void awaitRefusal(String method, String reason) {
    Awaitility.await().until(() -> events(ClientEvent.LoginFailed.class).stream()
        .anyMatch(refused -> refused.method().equals(method) && refused.reason().equals(reason)));
    events.removeIf(ClientEvent.LoginFailed.class::isInstance);
  }

  private Process withBoth(String password, String command, String... options) throws Exception {
    List<String> all = new ArrayList<>(List.of("-o", "PubkeyAuthentication=yes", "-o", "IdentitiesOnly=yes",
        "-i", keyFile("ed25519").toString()));
    all.addAll(List.of(options));
    return startSftpWithPassword("ann", password, all, command);
  }

  private void require(String user, String... methods) throws Exception {
    config.change(Kind.USERS, user, json -> {
      var list = json.putArray("authentication");
      for (String method : methods) {
        list.add(method);
      }
    });
    assertEquals(List.of(), config.commit(adapter));
  }
}
