package io.flotilla.sftp;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.flotilla.config.model.Kind;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** A folder on a network mount whose server stands still: SSHFS over a pipe, with its sftp-server frozen by SIGSTOP. */
@Tag("long")
class HangingStorageTest extends SftpFixture {
  private static final int DOWNLOADS = Runtime.getRuntime().availableProcessors() + 4;

  private Path mount;
  private Path backing;
  private Path pid;
  private final byte[] large = new byte[2_000_000];

  @BeforeEach
  void mount() throws Exception {
    assumeTrue(Files.isWritable(Path.of("/dev/fuse")), "there is no /dev/fuse to mount a network file system with");
    assumeTrue(Files.isExecutable(Path.of("/usr/bin/sshfs")), "sshfs is not installed");
    Path server = Path.of("/usr/lib/openssh/sftp-server");
    assumeTrue(Files.isExecutable(server), "there is no sftp-server for sshfs to speak with");
    mount = Files.createDirectory(temp.resolve("nas"));
    backing = Files.createDirectory(temp.resolve("backing"));
    pid = temp.resolve("server.pid");
    Path command = Files.writeString(temp.resolve("server.sh"), "#!/bin/sh\necho $$ > " + pid + "\nexec " + server + "\n");
    assertTrue(command.toFile().setExecutable(true));
    new Random(1).nextBytes(large);
    Files.createDirectory(backing.resolve("team"));
    Files.write(backing.resolve("team/large"), large);
    assumeTrue(run("sshfs", "-o", "dir_cache=no,attr_timeout=0,entry_timeout=0,ssh_command=" + command,
        "x:" + backing, mount.toString()) == 0, "nothing can be mounted here");

    config.put(Kind.STORAGES, "nas", json -> json.put("path", mount.toString()));
    config.put(Kind.FOLDERS, "team", json -> json.put("storage", "nas").put("path", "/team"));
    config.change(Kind.USERS, "ann", json -> json.putArray("folders").addObject().put("at", "/team").put("folder", "team"));
    assertEquals(List.of(), config.commit(adapter));
    Files.writeString(temp.resolve("local"), "text");
  }

  @AfterEach
  void unmount() throws Exception {
    if (pid != null && Files.exists(pid)) {
      signal("CONT");
      run("fusermount", "-u", "-z", mount.toString()); // its users close it later
    }
  }

  private int run(String... line) throws Exception {
    Process process = new ProcessBuilder(line).inheritIO().start();
    assertTrue(process.waitFor(30, TimeUnit.SECONDS), () -> String.join(" ", line) + " hangs");
    return process.exitValue();
  }

  private void signal(String name) throws Exception {
    run("kill", "-" + name, Files.readString(pid).strip());
  }

  @Test
  void otherFoldersAndSessions_goOn_andThoseThatHangDoWhenItAnswers() throws Exception {
    Process session = startSftp("ann", "ed25519", List.of(), "ls team", "!touch ready", "!while [ ! -e go ]; do sleep 0.05; done",
        "-ls team", "put local mine", "-get team/large lost", "!while [ -e go ]; do sleep 0.05; done", "get team/large found");
    Awaitility.await().until(() -> Files.exists(temp.resolve("ready")));
    List<Process> downloads = new ArrayList<>();
    for (int i = 0; i < DOWNLOADS; i++) {
      downloads.add(startSftp("ann", "ed25519", List.of("-l", "4000"), "get team/large copy" + i));
    }
    for (int i = 0; i < DOWNLOADS; i++) {
      Path copy = temp.resolve("copy" + i);
      Awaitility.await().atMost(Duration.ofSeconds(30)).until(() -> Files.exists(copy) && Files.size(copy) > 0);
    }
    signal("STOP");
    Files.createFile(temp.resolve("go"));
    // The sessions that were there, those that come, and what they have elsewhere.
    Awaitility.await().atMost(Duration.ofSeconds(60)).until(() -> Files.exists(home("ann").resolve("mine")));
    sftpOk("put local second", "get second back");
    Outcome outcome = sftp("put local third", "ls team");
    assertNotEquals(0, outcome.status());
    assertTrue(outcome.output().contains("does not answer") || outcome.output().contains("Failure"), outcome.output());
    assertTrue(Files.exists(home("ann").resolve("third")));

    signal("CONT");
    for (int i = 0; i < DOWNLOADS; i++) {
      assertEquals(0, finish(downloads.get(i)).status());
      assertArrayEquals(large, Files.readAllBytes(temp.resolve("copy" + i)));
    }
    Files.delete(temp.resolve("go"));
    finish(session);
    assertArrayEquals(large, Files.readAllBytes(temp.resolve("found")));
  }
}
