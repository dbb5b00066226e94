package io.flotilla.sftp;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;

import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** PuTTY's copy program by either protocol; it has to be installed. */
@Tag("long")
class PscpClientTest extends SftpFixture {
  private static final int SIZE = 3 * 1024 * 1024 + 17;
  private static final Instant OLD = Instant.ofEpochSecond(1_500_000_000);

  @ParameterizedTest
  @ValueSource(strings = {"-scp", "-sftp"})
  void filesAndTrees_goBothWays(String protocol) throws Exception {
    byte[] data = new byte[SIZE];
    new Random(1).nextBytes(data);
    Path tree = Files.createDirectories(temp.resolve("tree/sub dir"));
    Files.write(tree.resolve("data"), data);
    Files.write(tree.resolve("empty"), new byte[0]);
    Files.writeString(tree.resolve("it's naïve"), "odd");
    Files.setLastModifiedTime(tree.resolve("data"), FileTime.from(OLD));
    pscp(protocol, "-p", "-r", "tree", "HOST:");
    assertArrayEquals(data, Files.readAllBytes(home("ann").resolve("tree/sub dir/data")));
    assertEquals(FileTime.from(OLD), Files.getLastModifiedTime(home("ann").resolve("tree/sub dir/data")));
    Files.createDirectory(temp.resolve("back"));
    pscp(protocol, "-p", "-r", "HOST:tree", "back");
    assertArrayEquals(data, Files.readAllBytes(temp.resolve("back/tree/sub dir/data")));
    assertEquals(0, Files.size(temp.resolve("back/tree/sub dir/empty")));
    assertEquals("odd", Files.readString(temp.resolve("back/tree/sub dir/it's naïve")));
    assertEquals(FileTime.from(OLD), Files.getLastModifiedTime(temp.resolve("back/tree/sub dir/data")));

    Files.writeString(temp.resolve("-rf"), "dash");
    pscp(protocol, "./-rf", "HOST:copy");
    pscp(protocol, "HOST:copy", "dash");
    assertEquals("dash", Files.readString(temp.resolve("dash")));
    assertNotEquals(0, run(protocol, "HOST:missing", "x").status());
  }

  private void pscp(String... arguments) throws Exception {
    Outcome outcome = run(arguments);
    assertEquals(0, outcome.status(), outcome.output());
  }

  private Outcome run(String... arguments) throws Exception {
    List<String> line = new ArrayList<>(List.of("pscp", "-batch", "-P", Integer.toString(port), "-pw", PASSWORD, "-hostkey", fingerprint));
    Arrays.stream(arguments).map(argument -> argument.replace("HOST:", "ann@127.0.0.1:")).forEach(line::add);
    return finish(start(line, Map.of("HOME", temp.toString(), "LC_ALL", "C.UTF-8")));
  }
}
