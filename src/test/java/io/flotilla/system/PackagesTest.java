package io.flotilla.system;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What machines get that have no source checkout; made by the Maven profile "distribution". */
@Tag("long")
class PackagesTest {
  private static final long PATIENCE_SECONDS = 180;
  @TempDir private Path directory;

  @Test
  void archive_runsACluster_whereverItIsUnpacked() throws Exception {
    Path home = Files.createDirectory(directory.resolve("a place"));
    run(0, "tar", "-xzf", made("flotilla-*.tar.gz").toString(), "-C", home.toString(), "--strip-components=1");
    String launcher = home.resolve("flotilla").toString();
    int port = new TestCluster(directory.resolve("ports"), 1).sftpPort() - 22;
    String data = directory.resolve("data").toString();
    String up = run(0, launcher, "up", "--nodes", "1", "--detach", "--dir", data, "--base-port", Integer.toString(port));
    try {
      assertTrue(up.contains("converged"), up);
      assertTrue(run(0, launcher, "status", "--dir", data).contains("converged"));
    } finally {
      run(0, launcher, "down", "--dir", data);
    }
    assertTrue(run(2, launcher, "test").contains("needs a source checkout"));
  }

  @Test
  void debianPackage_hasTheProgram_itsUnit_andSettingsThatAreKept() throws Exception {
    Path file = made("flotilla_*_all.deb");
    Path root = Files.createDirectory(directory.resolve("root"));
    run(0, "dpkg-deb", "-R", file.toString(), root.toString());
    assertTrue(Files.isExecutable(root.resolve("opt/flotilla/flotilla")));
    assertEquals(Path.of("/opt/flotilla/flotilla"), Files.readSymbolicLink(root.resolve("usr/bin/flotilla")));
    String unit = Files.readString(root.resolve("lib/systemd/system/flotilla.service"));
    assertTrue(unit.contains("ExecStart=/opt/flotilla/flotilla node --config /etc/flotilla/node.conf\n"), unit);
    for (String kept : Files.readAllLines(root.resolve("DEBIAN/conffiles"))) {
      assertTrue(Files.isRegularFile(root.resolve(kept.substring(1))), kept);
    }
    for (String script : List.of("postinst", "prerm", "postrm")) {
      run(0, "sh", "-n", root.resolve("DEBIAN").resolve(script).toString());
    }
    // The settings that are installed are ones that a node takes: it fails at its data directory, which nobody has made.
    String refused = run(1, root.resolve("opt/flotilla/flotilla").toString(), "node", "--config", root.resolve("etc/flotilla/node.conf").toString(),
        "--data", "/dev/null/state");
    assertTrue(refused.contains("the data directory /dev/null/state"), refused);
  }

  private static Path made(String pattern) throws IOException {
    try (Stream<Path> files = Files.list(NodeProcess.home().resolve("node/target"))) {
      List<Path> found = files.filter(file -> file.getFileSystem().getPathMatcher("glob:" + pattern).matches(file.getFileName())).toList();
      assumeTrue(found.size() == 1, "there is not one " + pattern + " in node/target; ./flotilla test --all makes it");
      return found.getFirst();
    }
  }

  private String run(int status, String... command) throws Exception {
    Path output = Files.createTempFile(directory, "output", ".txt");
    Process process = new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(output.toFile()).start();
    if (!process.waitFor(PATIENCE_SECONDS, TimeUnit.SECONDS)) {
      process.destroyForcibly();
      throw new AssertionError(String.join(" ", command) + " did not end: " + Files.readString(output));
    }
    assertEquals(status, process.exitValue(), Files.readString(output));
    return Files.readString(output);
  }
}
