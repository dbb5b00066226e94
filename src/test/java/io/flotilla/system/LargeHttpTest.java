package io.flotilla.system;

import static java.nio.file.StandardOpenOption.CREATE;
import static java.nio.file.StandardOpenOption.TRUNCATE_EXISTING;
import static java.nio.file.StandardOpenOption.WRITE;
import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.assertEquals;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Files beyond the reach of 32 bits by HTTP, on a node with a small heap, from which many slow clients read and to which many write. */
@Tag("long")
@Timeout(value = 20, unit = TimeUnit.MINUTES)
class LargeHttpTest {
  private static final List<String> SMALL_HEAP = List.of("-J-Xms64m", "-J-Xmx256m", "-J-XX:MaxDirectMemorySize=256m",
      "-J-XX:TieredStopAtLevel=4");
  private static final String CONFIG = "/api/v1/config/";
  private static final int SLOW_CLIENTS = 50;
  private static final int SLOW_SIZE = 50_000_000;
  private static final String SLOW_RATE = "20k";
  private static final String USER = "large";

  private enum Protocol { HTTP, HTTPS }

  @TempDir private static Path directory;
  private static TestCluster cluster;
  private static CurlHttp curl;
  private static Path home;
  private final Path local = directory.resolve("local.bin");
  private final Path rest = directory.resolve("rest.bin");
  private final Path back = directory.resolve("back.bin");
  private final Path remote = home.resolve("remote.bin");
  private final List<Process> slow = new ArrayList<>();

  @BeforeAll
  static void start() throws Exception {
    cluster = TestCluster.start(directory.resolve("cluster"), 1, Optional.empty(), SMALL_HEAP);
    cluster.api(1).put(CONFIG + "certificates/web?wait=applied", "{\"selfSigned\":{\"names\":[\"127.0.0.1\"]}}").expect(201);
    await().atMost(TestCluster.SOON).until(() -> cluster.api(1).put(CONFIG + "listeners/https?wait=applied",
        "{\"protocol\":\"http\",\"port\":" + cluster.httpsPort() + ",\"http\":{\"certificate\":\"web\"}}").status() == 201);
    cluster.api(1).put(CONFIG + "listeners/http?wait=applied",
        "{\"protocol\":\"http\",\"port\":" + cluster.httpPort() + ",\"http\":{\"tls\":false}}").expect(201);
    cluster.api(1).put(CONFIG + "users/" + USER + "?wait=applied", "{\"password\":\"" + CurlHttp.PASSWORD + "\"}").expect(201);
    Path certificate = Files.writeString(directory.resolve("web.pem"),
        cluster.api(1).get(CONFIG + "certificates/web").expect(200).body().path("certificate").asText());
    curl = new CurlHttp(USER, List.of("--cacert", certificate.toString(), "--fail"));
    home = Files.createDirectories(cluster.files().resolve("users").resolve(USER));
  }

  @AfterAll
  static void stop() {
    cluster.close();
  }

  @BeforeEach
  void write() throws IOException {
    LargeFile.write(local, LargeFile.SIZE);
    Files.write(home.resolve("slow.bin"), new byte[SLOW_SIZE]);
  }

  @AfterEach
  void delete() throws IOException, InterruptedException {
    for (Process client : slow) {
      client.destroyForcibly().waitFor();
    }
    for (Path file : List.of(local, rest, back, remote)) {
      Files.deleteIfExists(file);
    }
  }

  @ParameterizedTest
  @EnumSource
  void aWholeFile_besideManySlowClients(Protocol protocol) throws Exception {
    startSlowClients(protocol);
    curl.call("-T", local.toString(), at(protocol) + "/files/remote.bin").expectSuccess();
    LargeFile.assertWhole(remote);
    curl.call("-o", back.toString(), at(protocol) + "/files/remote.bin").expectSuccess();
    LargeFile.assertWhole(back);
    assertSlowClientsAreServed();
  }

  @ParameterizedTest
  @EnumSource
  void aFileInParts_besideManySlowClients(Protocol protocol) throws Exception {
    startSlowClients(protocol);
    CurlTus tus = new CurlTus(curl);
    String upload = tus.create(at(protocol), "/remote.bin", LargeFile.SIZE);
    Process first = tus.patch(at(protocol), upload, 0, local);
    await().atMost(TestCluster.SOON).until(() -> tus.offset(at(protocol), upload) > 2_500_000_000L);
    first.destroyForcibly().waitFor();
    await().atMost(TestCluster.SOON).until(() -> isCompletedBy(tus, protocol, upload));
    LargeFile.assertWhole(remote);
    LargeFile.write(back, LargeFile.BROKEN_AT);
    curl.call("-C", "-", "-o", back.toString(), at(protocol) + "/files/remote.bin").expectSuccess();
    LargeFile.assertWhole(back);
    assertSlowClientsAreServed();
  }

  /** Sends the rest, which is refused as long as the former request still has the upload. */
  private boolean isCompletedBy(CurlTus tus, Protocol protocol, String upload) throws Exception {
    long offset = tus.offset(at(protocol), upload);
    try (FileChannel from = FileChannel.open(local); FileChannel to = FileChannel.open(rest, CREATE, TRUNCATE_EXISTING, WRITE)) {
      for (long position = offset; position < LargeFile.SIZE; ) { // 2 GiB at most in one call
        position += from.transferTo(position, LargeFile.SIZE - position, to);
      }
    }
    CurlHttp.Result result = CurlHttp.finish(tus.patch(at(protocol), upload, offset, rest));
    return result.status().equals("204");
  }

  private void startSlowClients(Protocol protocol) throws IOException {
    for (int i = 0; i < SLOW_CLIENTS; i++) {
      slow.add(startSlow("-o", "/dev/null", at(protocol) + "/files/slow.bin"));
      slow.add(startSlow("-T", home.resolve("slow.bin").toString(), at(protocol) + "/files/slow-" + i + ".bin"));
    }
    await().atMost(TestCluster.SOON).until(() -> slowTransfers() == 2 * SLOW_CLIENTS);
  }

  private static Process startSlow(String... arguments) throws IOException {
    List<String> all = new ArrayList<>(List.of("--limit-rate", SLOW_RATE));
    all.addAll(List.of(arguments));
    return curl.start(all);
  }

  /** None was given up for the sake of the others. */
  private void assertSlowClientsAreServed() throws IOException {
    assertEquals(2 * SLOW_CLIENTS, slow.stream().filter(Process::isAlive).count());
    assertEquals(2 * SLOW_CLIENTS, slowTransfers());
  }

  private static int slowTransfers() throws IOException {
    int count = 0;
    for (JsonNode connection : cluster.api(1).get("/api/v1/connections?limit=1000").expect(200).body().path("items")) {
      count += connection.path("transfer").path("path").asText().startsWith("/slow") ? 1 : 0;
    }
    return count;
  }

  private static String at(Protocol protocol) {
    return switch (protocol) {
      case HTTP -> "http://" + cluster.host(1) + ":" + cluster.httpPort();
      case HTTPS -> "https://" + cluster.host(1) + ":" + cluster.httpsPort();
    };
  }
}
