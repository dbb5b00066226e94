package io.flotilla.sftp;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.flotilla.config.model.Kind;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Folders and permissions as the OpenSSH client meets them. */
class FoldersTest extends SftpFixture {
  private Path shared;

  @BeforeEach
  void mountFolder() throws Exception {
    shared = storage.resolve("exchange/ann");
    config.put(Kind.FOLDERS, "shared", json -> json.put("storage", "main").put("path", "/exchange/${user}"));
    config.change(Kind.USERS, "ann", json -> {
      ObjectNode mount = json.putArray("folders").addObject().put("at", "/shared").put("folder", "shared");
      mount.putArray("permissions").add("list").add("download");
      ObjectNode permissions = json.putObject("permissions");
      permissions.putArray("/").add("*");
      permissions.putArray("/inbox").add("upload").add("list");
    });
    assertEquals(List.of(), config.commit(adapter));
    Files.writeString(temp.resolve("local"), "text");
  }

  @Test
  void readOnlyFolder_isListedAndRead_andNotWritten() throws Exception {
    Files.createDirectories(shared);
    Files.writeString(shared.resolve("offer"), "offer");
    sftpOk("cd shared", "ls -l", "get offer");
    assertEquals("offer", Files.readString(temp.resolve("offer")));
    assertTrue(sftp("ls").output().contains("shared"));
    for (String command : new String[] {"put local shared/new", "rm shared/offer", "mkdir shared/d", "rename shared/offer offer",
        "rename shared other", "rmdir shared", "chmod 600 shared/offer", "ln shared/offer here"}) {
      assertNotEquals(0, sftp(command).status(), command);
    }
    assertEquals(List.of("offer"), List.of(shared.toFile().list()));
    sftpOk("ln -s /shared/offer way");
    assertNotEquals(0, sftp("get way copy").status(), "a link stays in the home");
  }

  @Test
  void inbox_takesNewFilesOnly_alsoThroughALink() throws Exception {
    sftpOk("mkdir inbox", "put local inbox/new", "ls inbox", "ln -s inbox way", "put local way/second");
    for (String command : new String[] {"put local inbox/new", "get inbox/new", "get way/new", "rm way/new", "rm inbox/new",
        "rename inbox/new new", "rmdir inbox", "rename inbox other"}) {
      assertNotEquals(0, sftp(command).status(), command);
    }
    sftpOk("put local free", "get free back", "rm free", "rm way");
    assertEquals("text", Files.readString(home("ann").resolve("inbox/second")));
  }

  @Test
  void brokenUpload_intoAFolderForUploadsOnly_isGoneOnWith() throws Exception {
    config.put(Kind.STORAGES, "main", json -> json.put("path", storage.toString()).put("guard", ".here"));
    Files.createFile(storage.resolve(".here"));
    config.change(Kind.USERS, "ann", json -> ((ObjectNode) json.path("folders").get(0)).putArray("permissions").add("upload"));
    assertEquals(List.of(), config.commit(adapter));
    byte[] data = new byte[2_000_000];
    new java.util.Random(1).nextBytes(data);
    Files.write(temp.resolve("large"), data);
    Files.createDirectories(shared);
    Process slow = startSftp("ann", "ed25519", List.of("-l", "8000"), "put large shared/new");
    Awaitility.await().until(() -> java.util.Arrays.stream(shared.toFile().listFiles()).anyMatch(file -> file.length() > 100_000));
    slow.destroyForcibly().waitFor();
    Awaitility.await().until(() -> connections.list().isEmpty());
    sftpOk("reput large shared/new");
    org.junit.jupiter.api.Assertions.assertArrayEquals(data, Files.readAllBytes(shared.resolve("new")));
    assertEquals(1, shared.toFile().list().length);
    assertNotEquals(0, sftp("ls -l shared/new").status());
  }

  @Test
  void renameFromTheHomeToAFolder_isRefused_andCopyingWorks() throws Exception {
    config.change(Kind.USERS, "ann", json -> json.remove("permissions"));
    config.change(Kind.USERS, "ann", json -> ((ObjectNode) json.path("folders").get(0)).remove("permissions"));
    config.commit(adapter);
    assertNotEquals(0, sftp("put local mine", "rename mine shared/mine").status());
    sftpOk("get mine again", "put again shared/mine");
    assertEquals("text", Files.readString(shared.resolve("mine")));
  }

  @Test
  void folderOfAMissingStorage_failsAlone() throws Exception {
    config.put(Kind.STORAGES, "nas", json -> json.put("path", temp.resolve("nas").toString()));
    config.change(Kind.FOLDERS, "shared", json -> json.put("storage", "nas"));
    config.commit(adapter);
    sftpOk("put local mine", "ls", "cd shared");
    assertNotEquals(0, sftp("ls shared").status());
    assertFalse(Files.exists(temp.resolve("nas")));
  }

  @Test
  void group_givesAMemberItsFolders_andEndsItsSessionsWhenItIsDisabled() throws Exception {
    config.put(Kind.GROUPS, "partners", json -> {
      json.putArray("folders").addObject().put("at", "/team").put("folder", "shared");
      json.putObject("permissions").putArray("/").add("list").add("download");
    });
    config.change(Kind.USERS, "ann", json -> {
      json.remove(List.of("folders", "permissions"));
      json.putArray("groups").add("partners");
    });
    config.commit(adapter);
    Files.createDirectories(shared);
    Files.writeString(shared.resolve("offer"), "offer");
    sftpOk("get team/offer");
    assertNotEquals(0, sftp("put local mine").status());

    Process session = startSftp("ann", "ed25519", List.of(), "!touch ready", "!while [ ! -e go ]; do sleep 0.05; done", "pwd", "ls");
    Awaitility.await().until(() -> Files.exists(temp.resolve("ready")));
    config.change(Kind.GROUPS, "partners", json -> json.put("enabled", false));
    config.commit(adapter);
    Awaitility.await().until(() -> connections.list().isEmpty());
    Files.createFile(temp.resolve("go"));
    assertNotEquals(0, finish(session).status());
    assertNotEquals(0, sftp("pwd").status());
  }

  @Test
  void quota_stopsAnUpload_andWhatIsRemovedMakesRoom() throws Exception {
    config.change(Kind.USERS, "ann", json -> json.putObject("limits").put("quotaBytes", 100_000).put("quotaFiles", 3));
    config.commit(adapter);
    Files.write(temp.resolve("most"), new byte[90_000]);
    Files.write(temp.resolve("more"), new byte[20_000]);
    sftpOk("put most", "put most");
    assertNotEquals(0, sftp("put more").status());
    assertFalse(Files.exists(home("ann").resolve("more")));
    sftpOk("rm most", "put more");
    assertNotEquals(0, sftp("put local 1", "put local 2", "put local 3").status());
  }

  @Test
  void otherPermissionsOrFolders_endTheSession_andEqualOnesDont() throws Exception {
    Process session = startSftp("ann", "ed25519", List.of(), "!touch ready", "!while [ ! -e go ]; do sleep 0.05; done", "pwd", "ls");
    Awaitility.await().until(() -> Files.exists(temp.resolve("ready")));
    config.put(Kind.FOLDERS, "another", json -> json.put("storage", "main").put("path", "/another"));
    config.change(Kind.USERS, "ann", json -> ((ObjectNode) json.path("permissions")).putArray("/shared").add("download").add("list"));
    config.commit(adapter);
    assertEquals(1, connections.list().size(), "nothing is other for the user");

    config.change(Kind.FOLDERS, "shared", json -> json.put("path", "/elsewhere"));
    config.commit(adapter);
    Awaitility.await().until(() -> connections.list().isEmpty());
    Files.createFile(temp.resolve("go"));
    assertNotEquals(0, finish(session).status());
  }
}
