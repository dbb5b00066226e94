package io.flotilla.system;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
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
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.Random;
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

/** Files beyond the reach of 32 bits. They are mostly holes, so they need little of the disk; none outlives its test. */
@Tag("long")
@Timeout(value = 15, unit = TimeUnit.MINUTES)
class LargeFileTest {
  private static final long SIZE = 5L << 30;
  private static final long BROKEN_AT = 4_900_000_000L;
  /** Where there is something else than zeros: at the ends, about 2 and 4 GiB, and about the place of the break. */
  private static final long[] PLACES = {0, (2L << 30) - 500, (4L << 30) - 500, BROKEN_AT - 500, SIZE - 1000};
  private static final int PLACE_SIZE = 1000;
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
    write(local, SIZE);
    write(remote, BROKEN_AT);
    ClientProcess.run(client.resumePut(site, local, "remote.bin"), directory, PATIENCE_SECONDS);
    assertSamePlaces(remote);
  }

  @ParameterizedTest
  @MethodSource("clients")
  void download_goesOnBeyond4GiB(FileClient client) throws Exception {
    write(remote, SIZE);
    write(local, BROKEN_AT);
    ClientProcess.run(client.resumeGet(site, "remote.bin", local), directory, PATIENCE_SECONDS);
    assertSamePlaces(local);
  }

  @Test
  void wholeDownload_isTheFile() throws Exception {
    write(remote, SIZE);
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

  /** The file as far as a size; the rest of it is missing. */
  private static void write(Path path, long size) throws IOException {
    try (RandomAccessFile file = new RandomAccessFile(path.toFile(), "rw")) {
      for (long place : PLACES) {
        file.seek(place);
        file.write(content(place));
      }
      file.setLength(size);
    }
  }

  private static byte[] content(long place) {
    byte[] content = new byte[PLACE_SIZE];
    new Random(place).nextBytes(content);
    return content;
  }

  private static void assertSamePlaces(Path path) throws IOException {
    assertEquals(SIZE, Files.size(path));
    try (RandomAccessFile file = new RandomAccessFile(path.toFile(), "r")) {
      for (long place : PLACES) {
        byte[] actual = new byte[PLACE_SIZE];
        file.seek(place);
        file.readFully(actual);
        assertArrayEquals(content(place), actual, "at " + place);
      }
    }
  }
}
