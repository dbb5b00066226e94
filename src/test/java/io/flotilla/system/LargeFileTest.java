package io.flotilla.system;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.flotilla.system.clients.ClientProcess;
import io.flotilla.system.clients.Command;
import io.flotilla.system.clients.Curl;
import io.flotilla.system.clients.FileClient;
import io.flotilla.system.clients.Lftp;
import io.flotilla.system.clients.Sftp;
import io.flotilla.system.clients.Site;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Files beyond the reach of 32 bits. None outlives its test. */
@Tag("long")
@Timeout(value = 15, unit = TimeUnit.MINUTES)
class LargeFileTest {
  private static final int PATIENCE_SECONDS = 600;
  private static final String USER = "large";

  @TempDir private static Path directory;
  private static TestCluster cluster;
  private static Site site;
  private static Path home;
  private Path local;
  private Path remote;

  @BeforeAll
  static void start() throws Exception {
    // Encrypting 5 GiB is work for the compiler that nodes of tests do without.
    cluster = TestCluster.start(directory.resolve("cluster"), 1, Optional.empty(), List.of("-J-XX:TieredStopAtLevel=4"));
    ClientSites sites = new ClientSites(cluster, directory);
    sites.addUser(USER);
    site = sites.byPassword(USER).get(1);
    home = Files.createDirectories(cluster.files().resolve("users").resolve(USER));
  }

  @AfterAll
  static void stop() {
    cluster.close();
  }

  @BeforeEach
  void name() {
    local = directory.resolve("local.bin");
    remote = home.resolve("remote.bin");
  }

  @AfterEach
  void delete() throws IOException {
    Files.deleteIfExists(local);
    Files.deleteIfExists(remote);
  }

  static Stream<FileClient> clients() {
    return Stream.of(new Curl(Curl.Protocol.FTP), new Sftp(), new Lftp(Lftp.Protocol.FTPS));
  }

  @ParameterizedTest
  @MethodSource("clients")
  void upload_goesOnBeyond4GiB(FileClient client) throws Exception {
    LargeFile.write(local, LargeFile.SIZE);
    LargeFile.write(remote, LargeFile.BROKEN_AT);
    ClientProcess.run(client.resumePut(site, local, "remote.bin"), directory, PATIENCE_SECONDS);
    LargeFile.assertWhole(remote);
  }

  @ParameterizedTest
  @MethodSource("clients")
  void download_goesOnBeyond4GiB(FileClient client) throws Exception {
    LargeFile.write(remote, LargeFile.SIZE);
    LargeFile.write(local, LargeFile.BROKEN_AT);
    ClientProcess.run(client.resumeGet(site, "remote.bin", local), directory, PATIENCE_SECONDS);
    LargeFile.assertWhole(local);
  }

  @Test
  void wholeDownload_isTheFile() throws Exception {
    LargeFile.write(remote, LargeFile.SIZE);
    String expected;
    try (InputStream file = Files.newInputStream(remote)) {
      expected = digest(file);
    }
    assertEquals(expected, digest(new Curl(Curl.Protocol.FTP).print(site, "remote.bin")));
    assertEquals(expected, digest(new Lftp(Lftp.Protocol.FTPS).print(site, "remote.bin")));
  }

  private static String digest(Command print) throws Exception {
    try (ClientProcess client = ClientProcess.startPrinting(print, directory)) {
      String digest = digest(client.standardOutput());
      client.awaitSuccess(PATIENCE_SECONDS);
      return digest;
    }
  }

  /** The length and the SHA-256 of what comes. */
  private static String digest(InputStream in) throws Exception {
    MessageDigest sha256 = MessageDigest.getInstance("SHA-256");
    byte[] buffer = new byte[1 << 20];
    long length = 0;
    for (int n = in.read(buffer); n >= 0; n = in.read(buffer)) {
      sha256.update(buffer, 0, n);
      length += n;
    }
    return length + " bytes, " + HexFormat.of().formatHex(sha256.digest());
  }
}
