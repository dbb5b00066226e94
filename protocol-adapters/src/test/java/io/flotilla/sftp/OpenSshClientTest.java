package io.flotilla.sftp;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.flotilla.adapter.ClientEvent;
import io.flotilla.config.model.Kind;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.OptionalLong;
import java.util.Random;
import java.util.stream.Stream;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What users do, with the client they do it with. */
class OpenSshClientTest extends SftpFixture {
  private static final int SIZE = 3 * 1024 * 1024 + 17;

  @ParameterizedTest
  @ValueSource(strings = {"ed25519", "ecdsa-256", "rsa-3072"})
  void login_byEachKeyType_works(String algorithm) throws Exception {
    Outcome outcome = sftp("ann", algorithm, List.of(), "pwd");
    assertEquals(0, outcome.status(), outcome.output());
    assertTrue(outcome.output().contains("Remote working directory: /\n"), outcome.output());
    assertEquals("publickey", events(ClientEvent.LoginSucceeded.class).getFirst().method());
  }

  @ParameterizedTest
  @ValueSource(strings = {"ecdsa-256", "ecdsa-384", "rsa-3072", "ed25519"})
  void hostKey_ofEachType_isAcceptedByTheClient(String algorithm) throws Exception {
    hostKey("host", algorithm);
    assertEquals(List.of(), config.commit(adapter));
    sftpOk("pwd");
  }

  @Test
  void login_byPassword_works() throws Exception {
    Outcome outcome = sftpWithPassword("ann", PASSWORD, "pwd");
    assertEquals(0, outcome.status(), outcome.output());
    assertEquals("password", events(ClientEvent.LoginSucceeded.class).getFirst().method());
    Awaitility.await().until(() -> events(ClientEvent.LoggedOut.class).size() == 1);
    assertEquals(List.of(), connections.list());
  }

  @Test
  void login_refused_looksTheSameForAllReasons() throws Exception {
    user("bob");
    config.change(Kind.USERS, "bob", json -> json.put("enabled", false));
    user("eve");
    config.change(Kind.USERS, "eve", json -> json.put("expiresAt", "2001-01-01T00:00:00Z"));
    assertEquals(List.of(), config.commit(adapter));
    String wrong = sftpWithPassword("ann", "wrong", "pwd").output();
    assertTrue(wrong.contains("Permission denied"), wrong);
    for (String user : new String[] {"bob", "eve", "nobody"}) {
      assertEquals(wrong.replace("ann@", user + "@"), sftpWithPassword(user, PASSWORD, "pwd").output());
    }
    assertNotEquals(0, sftp("bob", "ed25519", List.of(), "pwd").status());
    assertNotEquals(0, sftp("nobody", "ed25519", List.of(), "pwd").status());
    assertNotEquals(0, sftp("ann", "ecdsa-384", List.of(), "pwd").status());
    assertTrue(sftpWithPassword("ann", "x".repeat(2000), "pwd").output().contains("Permission denied"));
    assertEquals(0, events(ClientEvent.LoginSucceeded.class).size());
    assertTrue(events(ClientEvent.LoginFailed.class).stream().anyMatch(e -> e.user().equals("bob")));
  }

  @Test
  void files_roundTrip_andAreAccountedFor() throws Exception {
    byte[] data = random(SIZE);
    Path local = Files.write(temp.resolve("local"), data);
    sftpOk("put local remote.bin", "get remote.bin back", "ls -l");
    assertArrayEquals(data, Files.readAllBytes(temp.resolve("back")));
    assertArrayEquals(data, Files.readAllBytes(home("ann").resolve("remote.bin")));
    assertTrue(Files.exists(local));
    var transfers = events(ClientEvent.TransferFinished.class);
    assertEquals(2, transfers.size());
    for (ClientEvent.TransferFinished transfer : transfers) {
      assertEquals(SIZE, transfer.bytes());
      assertEquals("/remote.bin", transfer.path());
      assertEquals(ClientEvent.Outcome.COMPLETED, transfer.outcome());
    }
    assertEquals(1, count(home("ann")), "no partial is left");
  }

  @Test
  void everydayCommands_work() throws Exception {
    Files.writeString(temp.resolve("local"), "text");
    sftpOk("mkdir d", "cd d", "put -p local a", "rename a b", "ln b hard", "ln -s b soft", "get soft copy", "chmod 600 b",
        "cp b copied", "mkdir sub", "rmdir sub", "ls -la", "df", "rm hard", "cd ..", "ls -l d");
    assertEquals("text", Files.readString(temp.resolve("copy")));
    assertTrue(Files.isSymbolicLink(home("ann").resolve("d/soft")));
    assertEquals("rw-------", java.nio.file.attribute.PosixFilePermissions.toString(
        Files.getPosixFilePermissions(home("ann").resolve("d/b"))));
    assertEquals("text", Files.readString(home("ann").resolve("d/copied")));
    assertNotEquals(0, sftp("chown 0 d/b").status());
    Outcome listing = sftp("ls -la d");
    assertTrue(listing.output().matches("(?s).*-rw------- +. ann +ann +4 .*b\n.*"), listing.output());
    sftpOk("rm d/*", "rmdir d");
    assertEquals(0, count(home("ann")));
  }

  @Test
  void directoryTrees_goUpAndDown() throws Exception {
    Path tree = Files.createDirectories(temp.resolve("tree/sub"));
    for (int i = 0; i < 150; i++) {
      Files.writeString(tree.resolve("file" + i), "contents " + i);
    }
    sftpOk("put -r tree", "get -r tree back");
    for (int i = 0; i < 150; i++) {
      assertEquals("contents " + i, Files.readString(temp.resolve("back/sub/file" + i)));
    }
  }

  @Test
  void brokenUpload_leavesTheOldFile_andResumes() throws Exception {
    byte[] data = random(SIZE);
    Files.write(temp.resolve("local"), data);
    Files.createDirectories(home("ann"));
    Process slow = startSftp("ann", "ed25519", List.of("-l", "8000"), "put local new.bin");
    awaitPartial();
    slow.destroyForcibly().waitFor();
    Awaitility.await().until(() -> events(ClientEvent.TransferFinished.class).size() == 1);
    assertEquals(ClientEvent.Outcome.BROKEN, events(ClientEvent.TransferFinished.class).getFirst().outcome());
    assertFalse(Files.exists(home("ann").resolve("new.bin")));
    sftpOk("reput local new.bin");
    assertArrayEquals(data, Files.readAllBytes(home("ann").resolve("new.bin")));
    ClientEvent.TransferFinished resumed = events(ClientEvent.TransferFinished.class).getLast();
    assertNotEquals(OptionalLong.empty(), resumed.resumeOffset());
    assertTrue(resumed.bytes() < SIZE, "only the rest was sent again");
    assertEquals(1, count(home("ann")));

    Process overwrite = startSftp("ann", "ed25519", List.of("-l", "8000"), "put local new.bin");
    awaitPartial();
    overwrite.destroyForcibly().waitFor();
    Awaitility.await().until(() -> events(ClientEvent.TransferFinished.class).size() == 3);
    assertArrayEquals(data, Files.readAllBytes(home("ann").resolve("new.bin")), "the old file is untouched");
  }

  @Test
  void brokenDownload_resumes() throws Exception {
    byte[] data = random(SIZE);
    Files.createDirectories(home("ann"));
    Files.write(home("ann").resolve("file"), data);
    Files.write(temp.resolve("back"), Arrays.copyOf(data, 1_000_001));
    sftpOk("reget file back");
    assertArrayEquals(data, Files.readAllBytes(temp.resolve("back")));
    assertEquals(OptionalLong.of(1_000_001),
        events(ClientEvent.TransferFinished.class).getLast().resumeOffset());
  }

  @Test
  void oddNames_areKeptExactly() throws Exception {
    Files.writeString(temp.resolve("local"), "x");
    for (String name : new String[] {"a b", "it's", "say \"hi\"", "-rf", "naïve-日本", "é", "e\u0301", "semi;colon",
        "$(id)", "..a", "trailing.", "a".repeat(255)}) {
      String quoted = "\"./" + name.replace("\\", "\\\\").replace("\"", "\\\"") + "\"";
      sftpOk("put local " + quoted, "get " + quoted + " back");
      assertTrue(Files.exists(home("ann").resolve(name)), name);
      assertEquals("x", Files.readString(temp.resolve("back")));
    }
    Files.writeString(home("ann").resolve("line\nbreak \u001b[31m"), "x");
    Outcome listing = sftp("ls -l");
    assertEquals(0, listing.status());
    assertFalse(listing.output().contains("\u001b"), "the client escapes what it prints");
    assertNotEquals(0, sftp("put local " + "a".repeat(256)).status());
  }

  @Test
  void pathsThatLeadOut_stayInside() throws Exception {
    Files.writeString(storage.resolve("secret"), "secret");
    Files.writeString(temp.resolve("local"), "mine");
    Files.createDirectories(home("ann"));
    Files.createSymbolicLink(home("ann").resolve("planted"), storage);
    sftpOk("put local ../../../up", "mkdir ../../dir");
    assertEquals("mine", Files.readString(home("ann").resolve("up")));
    assertTrue(Files.isDirectory(home("ann").resolve("dir")));
    for (String command : new String[] {"get ../../secret", "get /../../secret", "get planted/secret",
        "put local planted/x", "rm planted/secret", "ls planted/secret", "get " + storage + "/secret",
        "rename ../../secret stolen", "get " + "../".repeat(50) + "etc/passwd"}) {
      assertNotEquals(0, sftp(command).status(), command);
    }
    sftpOk("ln -s /../../secret link", "ln -s ../../secret link2", "ln -s " + storage + "/secret link3");
    for (String link : new String[] {"link", "link2", "link3"}) {
      Outcome outcome = sftp("get " + link + " stolen");
      assertNotEquals(0, outcome.status());
    }
    assertFalse(Files.exists(temp.resolve("stolen")));
    assertFalse(Files.exists(temp.resolve("secret")));
    assertEquals("secret", Files.readString(storage.resolve("secret")));
    assertFalse(Files.exists(storage.resolve("x"), LinkOption.NOFOLLOW_LINKS));
    Outcome error = sftp("get missing");
    assertFalse(error.output().contains(storage.toString()), error.output());
  }

  @Test
  void allButSftp_isRefused() throws Exception {
    Files.createDirectories(home("ann"));
    Path marker = temp.resolve("marker");
    assertNotEquals(0, ssh("ann@127.0.0.1", "touch " + marker).status());
    assertNotEquals(0, ssh("-tt", "ann@127.0.0.1").status());
    assertNotEquals(0, ssh("-s", "ann@127.0.0.1", "netconf").status());
    assertNotEquals(0, ssh("-W", "127.0.0.1:" + port, "ann@127.0.0.1").status());
    assertNotEquals(0, ssh("-N", "-o", "ExitOnForwardFailure=yes", "-R", "0:127.0.0.1:1", "ann@127.0.0.1").status());
    assertFalse(Files.exists(marker));
    sftpOk("pwd");
  }

  @ParameterizedTest
  @ValueSource(strings = {"aes128-gcm@openssh.com", "aes256-gcm@openssh.com", "aes128-ctr", "aes256-ctr"})
  void ciphers_thatAreOffered_carryFiles(String cipher) throws Exception {
    byte[] data = random(SIZE);
    Files.write(temp.resolve("local"), data);
    Outcome outcome = sftp("ann", "ed25519", List.of("-c", cipher), "put local a", "get a back");
    assertEquals(0, outcome.status(), outcome.output());
    assertArrayEquals(data, Files.readAllBytes(temp.resolve("back")));
  }

  @Test
  void keyExchange_isPostQuantumAndStrict() throws Exception {
    String log = ssh("-vv", "-s", "ann@127.0.0.1", "sftp").output();
    assertTrue(log.contains("kex: algorithm: sntrup761x25519-sha512"), log);
    assertTrue(log.contains("kex-strict-s-v00@openssh.com"), log);
  }

  @Test
  void rekeying_duringTransfers_changesNothing() throws Exception {
    byte[] data = random(SIZE);
    Files.write(temp.resolve("local"), data);
    Outcome outcome = sftp("ann", "ed25519", List.of("-o", "RekeyLimit=1M"), "put local a", "get a back");
    assertEquals(0, outcome.status(), outcome.output());
    assertArrayEquals(data, Files.readAllBytes(temp.resolve("back")));
  }

  private void awaitPartial() {
    Awaitility.await().until(() -> {
      try (Stream<Path> files = Files.list(home("ann"))) {
        return files.anyMatch(file -> file.getFileName().toString().startsWith(".flotilla-part-")
            && file.toFile().length() > 100_000);
      }
    });
  }

  private static byte[] random(int size) {
    byte[] data = new byte[size];
    new Random(size).nextBytes(data);
    return data;
  }

  private static long count(Path directory) throws Exception {
    try (Stream<Path> files = Files.list(directory)) {
      return files.count();
    }
  }
}
