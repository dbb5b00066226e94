package io.flotilla.sftp;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.flotilla.adapter.ClientEvent;
import io.flotilla.config.model.Kind;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Instant;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;

/** The old protocol with the client that is everywhere: OpenSSH's {@code scp -O}. */
class ScpClientTest extends SftpFixture {
  private static final int SIZE = 3 * 1024 * 1024 + 17;
  private static final Instant OLD = Instant.ofEpochSecond(1_500_000_000);

  @Test
  void files_goBothWays_andAreAccountedFor() throws Exception {
    byte[] data = local("local", SIZE);
    local("empty", 0);
    scpOk("local", "HOST:remote.bin");
    scpOk("local", "empty", "HOST:");
    scpOk("HOST:remote.bin", "back");
    scpOk("HOST:empty", "nothing");
    assertArrayEquals(data, Files.readAllBytes(home("ann").resolve("remote.bin")));
    assertArrayEquals(data, Files.readAllBytes(home("ann").resolve("local")));
    assertArrayEquals(data, Files.readAllBytes(temp.resolve("back")));
    assertEquals(0, Files.size(temp.resolve("nothing")));
    assertEquals(3, count(home("ann")), "no partial is left");
    List<ClientEvent.TransferFinished> transfers = events(ClientEvent.TransferFinished.class);
    assertEquals(5, transfers.size());
    for (ClientEvent.TransferFinished transfer : transfers) {
      assertEquals("scp", transfer.protocol());
      assertEquals(ClientEvent.Outcome.COMPLETED, transfer.outcome());
      assertEquals(transfer.path().equals("/empty") ? 0 : SIZE, transfer.bytes());
    }
    assertEquals("sftp", events(ClientEvent.LoginSucceeded.class).getFirst().protocol(), "the listener's protocol");
  }

  @Test
  void trees_goBothWays_withTimesAndModes() throws Exception {
    Path tree = Files.createDirectories(temp.resolve("tree/sub"));
    for (int i = 0; i < 150; i++) {
      Files.writeString(tree.resolve("file" + i), "contents " + i);
    }
    Files.setPosixFilePermissions(tree.resolve("file7"), java.nio.file.attribute.PosixFilePermissions.fromString("r-xr-----"));
    Files.setLastModifiedTime(tree.resolve("file7"), FileTime.from(OLD));
    Files.setLastModifiedTime(tree, FileTime.from(OLD));
    scpOk("-rp", "tree", "HOST:");
    scpOk("-rp", "HOST:tree", "back");
    for (Path copy : List.of(home("ann").resolve("tree/sub"), temp.resolve("back/sub"))) {
      for (int i = 0; i < 150; i++) {
        assertEquals("contents " + i, Files.readString(copy.resolve("file" + i)));
      }
      assertEquals("r-xr-----", java.nio.file.attribute.PosixFilePermissions.toString(
          Files.getPosixFilePermissions(copy.resolve("file7"))));
      assertEquals(FileTime.from(OLD), Files.getLastModifiedTime(copy.resolve("file7")));
      assertEquals(FileTime.from(OLD), Files.getLastModifiedTime(copy));
    }
    assertNotEquals(0, scp("HOST:tree", "back2").status(), "a directory without -r");
  }

  @Test
  void oddNames_areKeptExactly() throws Exception {
    List<String> names = List.of("a b", "it's", "say \"hi\"", "-rf", "naïve-日本", "e\u0301", "semi;colon", "$(id)", "`id`", "..a",
        "a*b", "a".repeat(255));
    Files.createDirectory(temp.resolve("odd"));
    for (String name : names) {
      Files.writeString(temp.resolve("odd").resolve(name), name);
    }
    scpOk("-r", "odd", "HOST:");
    scpOk("-r", "HOST:odd", "back odd");
    for (String name : names) {
      assertEquals(name, Files.readString(temp.resolve("back odd").resolve(name)));
    }
    Files.writeString(temp.resolve("local"), "x");
    for (String name : List.of("it's `a` b", "-rf", "$(id);*日本")) {
      String quoted = "HOST:'./" + name.replace("'", "'\\''") + "'";
      scpOk("local", quoted);
      assertTrue(Files.exists(home("ann").resolve(name)), name);
      // The client itself compares the name that comes with the one it asked for, and takes neither quotes nor ./ away.
      scpOk("-T", quoted, "back");
      assertEquals("x", Files.readString(temp.resolve("back")));
      Files.delete(temp.resolve("back"));
    }
    assertNotEquals(0, scp("local", "HOST:" + "a".repeat(256)).status());
    assertNotEquals(0, scp("local", "HOST:a b").status(), "two words are two paths");
  }

  @Test
  void wildcards_nameFilesOfTheServer() throws Exception {
    Files.createDirectories(home("ann").resolve("d"));
    for (String name : List.of("a.txt", "b.txt", "c.bin", ".d.txt")) {
      Files.writeString(home("ann").resolve("d").resolve(name), name);
    }
    Files.createDirectory(temp.resolve("to"));
    scpOk("HOST:d/*.txt", "to");
    assertEquals(2, count(temp.resolve("to")));
    scpOk("-r", "HOST:*", "to");
    assertEquals("c.bin", Files.readString(temp.resolve("to/d/c.bin")));
    Outcome missing = scp("HOST:*.none", "to");
    assertTrue(missing.output().contains("*.none: no such file or directory"), missing.output());
  }

  @Test
  void brokenUpload_leavesTheOldFile() throws Exception {
    local("local", SIZE);
    Files.createDirectories(home("ann"));
    Files.writeString(home("ann").resolve("new.bin"), "old");
    Process slow = startScp("-l", "8000", "local", "HOST:new.bin");
    Awaitility.await().until(() -> partials().anyMatch(file -> file.toFile().length() > 100_000));
    assertEquals("/new.bin", connections.list().getFirst().transfer().orElseThrow().path());
    slow.destroyForcibly().waitFor();
    Awaitility.await().until(() -> events(ClientEvent.TransferFinished.class).size() == 1);
    assertEquals(ClientEvent.Outcome.BROKEN, events(ClientEvent.TransferFinished.class).getFirst().outcome());
    assertEquals("old", Files.readString(home("ann").resolve("new.bin")));
    Awaitility.await().until(() -> connections.list().isEmpty());
  }

  @Test
  void permissionsQuotasAndLinks_holdAsForSftp() throws Exception {
    config.change(Kind.USERS, "ann", json -> {
      json.putObject("permissions").putArray("/").add("list").add("download");
      json.withObject("permissions").putArray("/in").add("*");
      json.putObject("limits").put("quotaBytes", 1_000_000);
    });
    assertEquals(List.of(), config.commit(adapter));
    Files.createDirectories(home("ann").resolve("in"));
    Files.writeString(storage.resolve("secret"), "secret");
    Files.createSymbolicLink(home("ann").resolve("in/out"), storage);
    local("local", SIZE);
    local("small", 100);
    assertTrue(scp("small", "HOST:small").output().contains("/small: permission denied"));
    scpOk("small", "HOST:in/small");
    Outcome full = scp("local", "HOST:in/local");
    assertTrue(full.output().contains("scp: /in/local: the disk quota is exceeded"), full.output());
    assertNotEquals(0, scp("HOST:in/out/secret", "back").status());
    assertNotEquals(0, scp("small", "HOST:../../in/out/stolen").status());
    assertNotEquals(0, scp("HOST:" + storage + "/secret", "back").status());
    assertEquals(2, count(storage), "the secret and the users");
    assertFalse(Files.exists(temp.resolve("back")));
    assertFalse(Files.exists(home("ann").resolve("in/local")));
  }

  @Test
  void otherCommands_areRefused_andScpCanBeSwitchedOff() throws Exception {
    Files.createDirectories(home("ann"));
    Path marker = temp.resolve("marker");
    for (String command : List.of("touch " + marker, "scp -t x; touch " + marker)) {
      assertTrue(ssh("ann@127.0.0.1", command).output().contains("exec request failed"), command);
    }
    assertFalse(Files.exists(marker));
    local("local", 10);
    scpOk("local", "HOST:a");
    config.change(Kind.LISTENERS, "sftp", json -> json.putObject("ssh").put("scp", false));
    assertEquals(List.of(), config.commit(adapter));
    assertNotEquals(0, scp("local", "HOST:b").status());
    assertFalse(Files.exists(home("ann").resolve("b")));
    sftpOk("ls a");
  }

  private Stream<Path> partials() throws Exception {
    try (Stream<Path> files = Files.list(home("ann"))) {
      return files.filter(file -> file.getFileName().toString().startsWith(".flotilla-part-")).toList().stream();
    }
  }

  private byte[] local(String name, int size) throws Exception {
    byte[] data = new byte[size];
    new Random(size).nextBytes(data);
    Files.write(temp.resolve(name), data);
    return data;
  }

  private static long count(Path directory) throws Exception {
    try (Stream<Path> files = Files.list(directory)) {
      return files.count();
    }
  }
}
