package io.flotilla.ftp;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.flotilla.adapter.ClientEvent;
import io.flotilla.config.model.Kind;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Instant;
import java.util.List;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The control connection: login, commands, and what they reply. */
class FtpSessionTest extends FtpFixture {
  @Test
  void login_isToldAndEnded() throws Exception {
    RawFtp client = login();
    assertEquals("password", events(ClientEvent.LoginSucceeded.class).getFirst().method());
    assertEquals("ftp", connections.list().getFirst().protocol());
    client.command("QUIT", 221);
    assertTrue(client.isEnded());
    Awaitility.await().until(() -> events(ClientEvent.LoggedOut.class).size() == 1 && connections.list().isEmpty());
  }

  @Test
  void login_refused_looksTheSameForAllReasons_andEndsAfterThree() throws Exception {
    user("bob");
    config.change(Kind.USERS, "bob", json -> json.put("enabled", false));
    config.commit(adapter);
    RawFtp client = connect();
    for (String user : new String[] {"ann", "bob"}) {
      client.command("USER " + user, 331);
      assertEquals("530 Login incorrect", client.command("PASS wrong", 530));
    }
    client.command("PASS " + PASSWORD, 503);
    client.command("USER nobody", 331);
    client.command("PASS " + PASSWORD, 421);
    assertTrue(client.isEnded());
    assertEquals(List.of(), events(ClientEvent.LoginSucceeded.class));
    assertEquals(3, events(ClientEvent.LoginFailed.class).size());
  }

  @Test
  void passwordOfAUserWhoNeedsAKeyAsWell_isRefusedLikeAWrongOne() throws Exception {
    config.change(Kind.USERS, "ann", json -> json.putArray("authentication").add("public-key+password").add("public-key"));
    config.commit(adapter);
    RawFtp client = connect();
    client.command("USER ann", 331);
    assertEquals("530 Login incorrect", client.command("PASS " + PASSWORD, 530));
    Awaitility.await().until(() -> events(ClientEvent.LoginFailed.class).size() == 1);
    assertEquals("the user may not log in by this alone", events(ClientEvent.LoginFailed.class).getFirst().reason());
  }

  @ParameterizedTest
  @ValueSource(strings = {"LIST", "RETR x", "STOR x", "CWD /", "PWD", "PASV", "EPSV", "PORT 127,0,0,1,9,9", "DELE x", "MKD x",
      "STAT", "STAT /", "SITE CHMOD 777 x", "HASH x", "XCRC x", "REST 1", "SIZE x", "MLST", "RNFR x", "ALLO 1", "TYPE I"})
  void commands_beforeLogin_areRefused(String command) throws Exception {
    connect().command(command, 530);
  }

  @Test
  void otherProtocols_areSentAwaySoon() throws Exception {
    RawFtp client = connect();
    client.send("GET / HTTP/1.1\r\nHost: x\r\nCookie: y\r\nAccept: z\r\nFoo: w\r\nBar: v\r\nUSER ann\r\n");
    for (int i = 0; i < 4; i++) {
      assertFalse(client.expect(500).contains("HTTP"), "nothing is echoed");
    }
    client.expect(421);
    assertTrue(client.isEnded());
  }

  @Test
  void secondUser_needsReinitialization_andGetsNothingOfTheFirst() throws Exception {
    user("bob");
    config.commit(adapter);
    RawFtp client = login();
    client.command("MKD d", 257);
    client.command("CWD d", 250);
    client.command("USER bob", 503);
    client.command("PASS " + PASSWORD, 503);
    client.passivePort();
    client.command("REIN", 220);
    client.command("PWD", 530);
    client.command("USER bob", 331);
    client.command("PASS " + PASSWORD, 230);
    assertEquals("257 \"/\" is the current directory", client.command("PWD", 257));
    client.command("CWD d", 550);
    client.command("LIST", 425);
    assertEquals(1, connections.list().size());
    assertEquals("bob", connections.list().getFirst().user());
  }

  @Test
  void directories() throws Exception {
    RawFtp client = login();
    assertEquals("257 \"/a\"\"b\" created", client.command("XMKD a\"b", 257));
    client.command("XCWD a\"b", 250);
    assertEquals("257 \"/a\"\"b\" is the current directory", client.command("XPWD", 257));
    client.command("MKD  two  spaces ", 257);
    assertTrue(Files.isDirectory(home().resolve("a\"b/ two  spaces ")));
    client.command("CWD  two  spaces ", 250);
    client.command("CDUP", 250);
    client.command("XCUP", 250);
    client.command("CDUP", 250);
    assertEquals("257 \"/\" is the current directory", client.command("PWD", 257));
    client.command("CWD ../../etc", 550);
    client.command("MKD a\"b", 550);
    client.command("RMD a\"b", 550);
    client.command("RMD /a\"b/ two  spaces ", 250);
    client.command("XRMD a\"b", 250);
    client.command("CWD ~", 250);
    client.command("RMD nothing", 550);
  }

  @Test
  void namesOfAnyBytes_areKept() throws Exception {
    RawFtp client = login();
    String latin1 = "gr\u00fc\u00dfe-\u00ff\u00ff"; // 255 is sent twice, as telnet wants it
    client.command("MKD " + latin1, 257);
    assertEquals("257 \"/" + latin1 + "\" created", client.command("MKD " + latin1 + "/..//" + latin1 + ".", 257)
        .replace(".\"", "\""));
    assertTrue(client.list("NLST").contains("gr\u00fc\u00dfe-\u00ff\r\n"), "on the data connection it is sent once");
    String utf8 = new String("\u00e4\u6f22".getBytes(StandardCharsets.UTF_8), StandardCharsets.ISO_8859_1);
    client.command("OPTS UTF8 ON", 200);
    client.command("MKD " + utf8, 257);
    assertTrue(Files.isDirectory(home().resolve("\u00e4\u6f22")));
    client.command("MKD " + "n".repeat(255), 257);
    client.command("MKD " + "n".repeat(256), 553);
    client.command("MKD a\0b", 500);
    client.command("MKD -dash", 257);
  }

  @Test
  void files_areRenamedRemovedAndChanged() throws Exception {
    RawFtp client = login();
    Files.writeString(home().resolve("a"), "12345");
    client.command("RNFR missing", 550);
    client.command("RNTO b", 503);
    client.command("RNFR a", 350);
    client.command("PWD", 257);
    client.command("RNTO b", 503);
    client.command("RNFR a", 350);
    client.command("RNTO b", 250);
    client.command("SIZE b", 550);
    client.command("TYPE I", 200);
    assertEquals("213 5", client.command("SIZE b", 213));
    client.command("SIZE /", 550);
    assertEquals("213 Modify=20010203040506; b", client.command("MFMT 20010203040506 b", 213));
    assertEquals("213 20010203040506", client.command("MDTM b", 213));
    assertEquals(Instant.parse("2001-02-03T04:05:06Z"), Files.getLastModifiedTime(home().resolve("b")).toInstant());
    client.command("SITE UTIME 20020203040506 b", 213);
    assertEquals("213 20020203040506", client.command("MDTM b", 213));
    client.command("SITE CHMOD 4640 b", 200);
    assertEquals("rw-r-----", PosixFilePermissions.toString(Files.getPosixFilePermissions(home().resolve("b"))));
    assertEquals(0, (int) Files.getAttribute(home().resolve("b"), "unix:mode") & 07000, "no set-user-id bit");
    String entry = client.command("MLST b", 250);
    assertTrue(entry.contains("\n type=file;size=5;modify=20020203040506;perm=adfrw;UNIX.mode=0640; /b\n"), entry);
    client.command("OPTS MLST size;nonsense;", 200);
    assertTrue(client.command("MLST b", 250).contains("\n size=5; /b\n"));
    assertTrue(client.command("FEAT", 211).contains("MLST type;size*;modify;perm;UNIX.mode;"));
    client.command("DELE b", 250);
    client.command("DELE b", 550);
    client.command("MDTM b", 550);
  }

  @Test
  void smallCommands() throws Exception {
    RawFtp client = login();
    assertTrue(client.command("SYST", 215).startsWith("215 UNIX"));
    assertTrue(client.command("FEAT", 211).contains("\n MLST type*;"));
    client.command("HELP", 214);
    client.command("SITE HELP", 214);
    client.command("SITE EXEC ls", 504);
    client.command("ALLO 100", 202);
    client.command("ACCT x", 202);
    client.command("CLNT x", 200);
    client.command("STRU F", 200);
    client.command("STRU R", 504);
    client.command("MODE S", 200);
    client.command("MODE B", 504);
    client.command("TYPE E", 504);
    client.command("ABOR", 226);
    client.command("SMNT x", 502);
    client.command("FOO", 500);
    client.command("", 500);
    client.command("RETR", 501);
    client.command("REST -1", 501);
    client.command("OPTS FOO", 501);
    assertTrue(client.command("STAT", 211).contains("ann"));
    client.command("STAT missing", 550);
  }

  @Test
  void longLines_andPipelinedCommands_staySynchronous() throws Exception {
    RawFtp client = login();
    client.send("MKD " + "x".repeat(1_000_000) + "\r\nNOOP\r\n");
    client.expect(500);
    client.expect(200);
    Thread sender = Thread.ofVirtual().start(() -> {
      try {
        for (int i = 0; i < 100; i++) {
          client.send("NOOP\r\nPWD\r\n".repeat(50));
        }
      } catch (java.io.IOException e) {
        throw new java.io.UncheckedIOException(e);
      }
    });
    for (int i = 0; i < 5000; i++) {
      client.expect(200);
      client.expect(257);
    }
    sender.join();
  }

  @Test
  void anyCommands_areAnsweredWithoutADefect() throws Exception {
    RawFtp client = login();
    String[] verbs = {"CWD", "MKD", "RMD", "DELE", "RNFR", "RNTO", "SIZE", "MDTM", "MFMT 20260101000000", "MLST", "LIST", "NLST",
        "MLSD", "RETR", "STOR", "APPE", "STOU", "REST", "HASH", "XCRC", "XSHA256", "RANG", "SITE CHMOD 700", "SITE UTIME", "SITE",
        "STAT", "OPTS", "OPTS MLST", "OPTS HASH", "OPTS MODE Z", "TYPE", "MODE", "STRU", "ALLO", "USER", "AUTH", "PBSZ", "PROT", "EPSV 3",
        "HELP", "CLNT", "X", ""};
    String[] arguments = {"", " ", "/", ".", "..", "*", "a", "a/b/c", "/a/../b", "-1", "1", "99999999999999999999", "1 2", "\"", "\"a\" 1",
        "\u00ff\u00fe", "\u00c3\u00a4", "-la", "-x-y", "~", "Z LEVEL 9", "%s%n", "x".repeat(300), "y/".repeat(2000), "\u001b[2J", "\t"};
    java.util.Random random = new java.util.Random(11);
    for (int i = 0; i < 3000; i++) {
      String line = verbs[random.nextInt(verbs.length)] + " " + arguments[random.nextInt(arguments.length)]
          + (random.nextInt(4) == 0 ? arguments[random.nextInt(arguments.length)] : "");
      client.send(line + "\r\n");
      RawFtp.Answer answer = client.reply();
      assertTrue(answer.code() >= 200 && answer.code() < 600 && answer.code() != 451 && answer.code() != 421,
          line + " was answered with " + answer);
      assertFalse(answer.text().contains(storage.toString()) || answer.text().contains("\u001b"), answer.text());
    }
  }

  @Test
  void traversal_neverLeavesTheHome() throws Exception {
    Path secret = Files.writeString(temp.resolve("secret"), "secret");
    RawFtp client = login();
    client.command("TYPE I", 200);
    Files.createSymbolicLink(home().resolve("link"), secret);
    Files.createSymbolicLink(home().resolve("up"), Path.of("../../.."));
    for (String path : new String[] {"../../../secret", "/../../../secret", "link", "up/secret", "a/../../../../secret",
        secret.toString(), "//" + secret, "..\\..\\secret", "%2e%2e/secret"}) {
      for (String command : new String[] {"SIZE", "RETR", "MDTM", "XMD5", "HASH"}) {
        String answer = client.command(command + " " + path, 550);
        assertFalse(answer.contains(storage.toString()), answer);
      }
      client.send("DELE " + path + "\r\nRMD " + path + "\r\n");
      client.reply();
      client.reply();
    }
    assertEquals("secret", Files.readString(secret));
    assertTrue(Files.exists(home(), LinkOption.NOFOLLOW_LINKS));
  }

  @Test
  void revokedUser_isToldGoodbye() throws Exception {
    RawFtp client = login();
    config.change(Kind.USERS, "ann", json -> json.put("enabled", false));
    config.commit(adapter);
    assertEquals("421 The user is disabled", client.expect(421));
    assertTrue(client.isEnded());
    Awaitility.await().until(() -> connections.list().isEmpty());
  }

  @Test
  void home_thatIsNotThere_isToldWithoutItsPath() throws Exception {
    Files.delete(storage);
    RawFtp client = connect();
    client.command("USER ann", 331);
    assertEquals("421 The home directory is not available", client.command("PASS " + PASSWORD, 421));
    assertTrue(client.isEnded());
  }

  @Test
  void shutdown_saysGoodbye() throws Exception {
    RawFtp client = login();
    adapter.close(java.time.Duration.ZERO);
    assertEquals("421 The server is shutting down", client.expect(421));
    assertTrue(client.isEnded());
  }

  @Test
  void downloadedBytes_areThoseOfTheFile() throws Exception {
    RawFtp client = login();
    byte[] data = random(3_000_017);
    client.command("TYPE I", 200);
    client.upload("STOR a", data);
    assertArrayEquals(data, Files.readAllBytes(home().resolve("a")));
    assertArrayEquals(data, client.download("RETR a"));
    assertEquals(List.of("a"), homeEntries());
  }
}
