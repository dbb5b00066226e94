package io.flotilla.system;

import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Disks fill up, and what is on them is damaged or gone. */
@Tag("long")
class DiskFaultsTest {
  private static final OpenSsh.Password PASSWORD = new OpenSsh.Password("a good password");

  @TempDir private Path directory;
  private final List<Path> mounts = new ArrayList<>();
  private TestCluster cluster;
  private OpenSsh ssh;

  @BeforeEach
  void makeKeys() throws IOException {
    ssh = new OpenSsh(directory);
  }

  @AfterEach
  void stop() throws Exception {
    if (cluster != null) {
      cluster.close();
    }
    for (Path mount : mounts) {
      assertEquals(0, run("umount", mount.toString()));
    }
  }

  /** What can happen to a segment of a voter's log while its node is away. */
  private enum Damage {
    TRUNCATED {
      @Override
      void to(Path segment) throws IOException {
        try (RandomAccessFile file = new RandomAccessFile(segment.toFile(), "rw")) {
          file.setLength(200);
        }
      }
    },
    BIT_FLIPPED {
      @Override
      void to(Path segment) throws IOException {
        try (RandomAccessFile file = new RandomAccessFile(segment.toFile(), "rw")) {
          file.seek(300);
          int old = file.read();
          file.seek(300);
          file.write(old ^ 4);
        }
      }
    },
    UNREADABLE {
      @Override
      void to(Path segment) throws IOException {
        Files.delete(segment);
        Files.createDirectory(segment);
      }
    },
    WIPED {
      @Override
      void to(Path segment) throws IOException {
        deleteTree(segment.getParent().getParent());
      }
    };

    abstract void to(Path segment) throws IOException;
  }

  @Test
  void damagedLog_isSetAside_andTheVoterReturnsWithItsVote() throws Exception {
    cluster = TestCluster.start(directory.resolve("cluster"), 3);
    int round = 0;
    for (Damage damage : Damage.values()) {
      for (int i = 0; i < 30; i++) {
        cluster.api(1).put("/api/v1/config/users/user-" + round + "-" + i, "{}").expect(201);
      }
      String before = vote(3);
      cluster.node(3).kill();
      damage.to(newestSegment(3));

      cluster.startNode(3, List.of());
      cluster.awaitConverged();

      if (damage != Damage.WIPED) {
        await().atMost(TestCluster.SOON).until(() -> cluster.node(3).log().contains("can't be trusted"));
      }
      await().atMost(TestCluster.SOON).until(() -> !Set.of("", before).contains(vote(3)));
      cluster.api(3).get("/api/v1/config/users/user-" + round + "-29").expect(200);
      round++;
    }
    // Without node 3's vote there would be no majority now.
    cluster.node(2).kill();
    await().atMost(TestCluster.SOON).ignoreExceptionsInstanceOf(IOException.class).until(() ->
        cluster.api(1).put("/api/v1/config/users/after?timeout=2s", "{}").status() / 100 == 2);
  }

  /** The Raft id under which a node votes, or nothing. */
  private String vote(int k) throws IOException {
    for (var voter : cluster.api(1).get("/api/v1/voters").expect(200).body().path("voters")) {
      if (voter.path("node").asText().equals(cluster.name(k)) && voter.path("votes").asBoolean()) {
        return voter.path("peerId").asText();
      }
    }
    return "";
  }

  @Test
  void fullDisk_ofOneVoter_isNoticedThereOnly_ofTheMajority_stopsChangesUntilThereIsSpace() throws Exception {
    for (int k = 1; k <= 3; k++) {
      mount(directory.resolve("cluster/node-" + k + "/state"));
    }
    cluster = TestCluster.start(directory.resolve("cluster"), 3);
    cluster.api(1).put("/api/v1/config/users/alice?wait=applied", "{\"password\":\"a good password\"}").expect(201);

    fill(3);
    for (int i = 0; i < 300; i++) {
      int user = i;
      await().atMost(TestCluster.SOON).ignoreExceptionsInstanceOf(IOException.class).until(() ->
          cluster.api(1).put("/api/v1/config/users/user-" + user + "?timeout=5s", "{}").status() / 100 == 2);
    }
    await().atMost(TestCluster.SOON).until(() -> cluster.node(3).log().contains("No space left"));
    ssh.sftp("alice", PASSWORD, cluster.host(3), cluster.sftpPort(), "pwd\n").expectSuccess();

    fill(2);
    await().atMost(TestCluster.SOON).pollInterval(Duration.ofMillis(10)).ignoreExceptionsInstanceOf(IOException.class)
        .until(() -> cluster.api(1).put("/api/v1/config/users/filler?timeout=2s", "{}").status() / 100 == 5);
    await().atMost(TestCluster.SOON).ignoreExceptionsInstanceOf(IOException.class)
        .until(() -> cluster.api(1).put("/api/v1/config/users/refused?timeout=2s", "{}").status() == 503);
    for (int k = 1; k <= 3; k++) {
      ssh.sftp("alice", PASSWORD, cluster.host(k), cluster.sftpPort(), "pwd\n").expectSuccess();
    }

    Files.delete(cluster.state(2).resolve("fill"));
    Files.delete(cluster.state(3).resolve("fill"));
    await().atMost(TestCluster.SOON).ignoreExceptionsInstanceOf(IOException.class)
        .until(() -> cluster.api(1).put("/api/v1/config/users/again?timeout=2s", "{}").status() / 100 == 2);
    cluster.awaitConverged();
    for (int k = 1; k <= 3; k++) {
      cluster.api(k).get("/api/v1/config/users/user-299").expect(200);
      cluster.api(k).get("/api/v1/config/users/again").expect(200);
    }
  }

  private Path newestSegment(int k) throws IOException {
    try (Stream<Path> files = Files.walk(cluster.state(k).resolve("raft"), 3)) {
      return files.filter(file -> file.getFileName().toString().startsWith("log_"))
          .filter(file -> !file.toString().contains(".damaged"))
          .max(java.util.Comparator.comparing(Path::toString)).orElseThrow();
    }
  }

  private void fill(int k) throws IOException {
    Path file = cluster.state(k).resolve("fill");
    try (var out = Files.newOutputStream(file)) {
      byte[] block = new byte[4096];
      while (true) {
        out.write(block);
      }
    } catch (IOException full) {
      assertTrue(String.valueOf(full.getMessage()).contains("No space left"), full.toString());
    }
  }

  private void mount(Path target) throws Exception {
    Files.createDirectories(target);
    assumeTrue(run("mount", "-t", "tmpfs", "-o", "size=48m", "tmpfs", target.toString()) == 0,
        "a small file system can't be mounted here");
    mounts.add(target);
  }

  private static int run(String... command) throws Exception {
    return new ProcessBuilder(command).inheritIO().start().waitFor();
  }

  private static void deleteTree(Path root) throws IOException {
    try (Stream<Path> files = Files.walk(root)) {
      for (Path file : files.sorted(java.util.Comparator.reverseOrder()).toList()) {
        Files.delete(file);
      }
    }
  }
}
