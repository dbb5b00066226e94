package io.flotilla.http.server;

import static java.util.concurrent.TimeUnit.SECONDS;
import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.flotilla.adapter.ClientEvent;
import io.flotilla.config.model.Kind;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.net.Socket;
import java.net.SocketException;
import java.net.http.HttpRequest;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import java.util.zip.ZipEntry;
import java.util.zip.ZipInputStream;
import org.apache.pekko.http.javadsl.model.ContentTypes;
import org.apache.pekko.http.javadsl.model.HttpResponse;
import org.apache.pekko.util.ByteString;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A body that is made while it is sent, for which archives stand here. */
class ProducedBodyTest extends HttpFixture {
  /** How many bodies of /more have been closed. */
  private final AtomicInteger closed = new AtomicInteger();

  private static final int MIB = 1 << 20;
  private static final int LARGE = 48 * MIB;

  @Override
  HttpSettings settings() {
    return new HttpSettings(Duration.ofMinutes(1), Duration.ofMinutes(1), Duration.ofMillis(10), Duration.ofSeconds(3),
        HttpSettings.DEFAULT.leastRate(), Duration.ofMinutes(5), Duration.ofSeconds(1), 100);
  }

  @BeforeEach
  void makeTree() throws IOException {
    Files.createDirectories(home().resolve("d/sub/empty"));
    Files.write(home().resolve("d/a.bin"), random(3 * MIB));
    Files.write(home().resolve("d/sub/b.bin"), random(100));
  }

  private static Map<String, byte[]> unzip(byte[] archive) throws IOException {
    Map<String, byte[]> found = new TreeMap<>();
    try (ZipInputStream in = new ZipInputStream(new ByteArrayInputStream(archive))) {
      for (ZipEntry entry = in.getNextEntry(); entry != null; entry = in.getNextEntry()) {
        found.put(entry.getName(), in.readAllBytes());
      }
    }
    return found;
  }

  private static void assertIsTheTree(byte[] archive) throws IOException {
    Map<String, byte[]> found = unzip(archive);
    assertEquals(List.of("a.bin", "sub/", "sub/b.bin", "sub/empty/"), List.copyOf(found.keySet()));
    assertArrayEquals(random(3 * MIB), found.get("a.bin"));
    assertArrayEquals(random(100), found.get("sub/b.bin"));
  }

  /** The body of a response in chunks (RFC 9112, 7.1). */
  private static byte[] chunks(RawHttp client) throws IOException {
    assertTrue(client.readHead().contains("Transfer-Encoding: chunked"));
    ByteArrayOutputStream body = new ByteArrayOutputStream();
    while (true) {
      StringBuilder line = new StringBuilder();
      while (line.indexOf("\r\n") < 0) {
        byte[] one = client.read(1);
        if (one.length == 0) {
          throw new EOFException("the body broke off");
        }
        line.append((char) one[0]);
      }
      int length = Integer.parseInt(line.toString().strip(), 16);
      byte[] chunk = client.read(length + 2);
      if (chunk.length < length + 2) {
        throw new EOFException("a chunk broke off");
      }
      if (length == 0) {
        return body.toByteArray();
      }
      body.write(chunk, 0, length);
    }
  }

  /** What of the storage is open in this process. */
  private List<String> open() throws IOException {
    try (Stream<Path> descriptors = Files.list(Path.of("/proc/self/fd"))) {
      return descriptors.map(ProducedBodyTest::target).filter(path -> path.startsWith(home().resolve("d").toString())).toList();
    }
  }

  private static String target(Path descriptor) {
    try {
      return Files.readSymbolicLink(descriptor).toString();
    } catch (IOException e) {
      return ""; // closed since
    }
  }

  private List<ClientEvent.Outcome> outcomes() {
    return events(ClientEvent.TransferFinished.class).stream().map(ClientEvent.TransferFinished::outcome).toList();
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void anArchive_comesWhole(boolean tls) throws Exception {
    assertIsTheTree(get(tls, "/files/d/?zip").body());
    assertIsTheTree(send(request(tls, "/files/d/?zip").header("Content-Type", "application/x-www-form-urlencoded")
        .POST(HttpRequest.BodyPublishers.ofString("name=a.bin&name=sub"))).body());
    await().atMost(30, SECONDS).until(() -> outcomes().size() == 4);
    assertTrue(outcomes().stream().allMatch(ClientEvent.Outcome.COMPLETED::equals));
    assertEquals(List.of(), open());
  }

  @Test
  void aNodeThatStops_letsTheBodyComeToItsEnd() throws Exception {
    for (int i = 0; i < 15_000; i++) { // more than sockets hold, and no file among them
      Files.createDirectories(home().resolve("many/" + "n".repeat(200) + i));
    }
    RawHttp client = connect().say(RawHttp.head("GET", "/files/many/?zip"));
    await().atMost(60, SECONDS).until(() -> !connections.list().isEmpty());
    Thread closing = Thread.startVirtualThread(() -> adapter.close(Duration.ofMinutes(1)));
    await().atMost(60, SECONDS).until(() -> !isOpen());
    assertTrue(chunks(client).length > 15_000 * 200);
    closing.join();
  }

  /** A body that is closed, as it has to be, and has a defect in its second part. */
  @Override
  CompletionStage<HttpResponse> more(UserRequest request) {
    return CompletableFuture.completedFuture(HttpResponse.create().withEntity(request.bodies().produce(
        ContentTypes.APPLICATION_OCTET_STREAM, new ProducedBody() {
          private boolean isFirst = true;

          @Override
          public ByteString next(Pause pause) {
            if (!isFirst) {
              throw new IllegalStateException("a defect");
            }
            isFirst = false;
            return ByteString.fromString("first");
          }

          @Override
          public void close() {
            closed.incrementAndGet();
          }
        })));
  }

  @Test
  void aBodyWithADefect_isBrokenOff_andClosed() throws Exception {
    assertThrows(IOException.class, () -> chunks(connect().say(RawHttp.head("GET", "/more")))); // reset, or cut off
    // Here the end of the connection would be that of the body.
    RawHttp old = connect().say(RawHttp.head("GET", "/more").replace("HTTP/1.1", "HTTP/1.0"));
    assertThrows(SocketException.class, () -> old.read(100_000));
    await().atMost(30, SECONDS).until(() -> closed.get() == 2);
    await().atMost(30, SECONDS).until(() -> connections.list().isEmpty());
  }

  private boolean isOpen() {
    try (Socket socket = new Socket("127.0.0.1", port)) {
      return socket.isConnected();
    } catch (IOException e) {
      return false;
    }
  }

  @Test
  void requestsThatFollowAtOnce_waitForTheEnd() throws Exception {
    user("bob", json -> { });
    assertEquals(List.of(), config.commit(adapter));
    String other = "GET /files/ HTTP/1.1\r\nHost: localhost\r\nAuthorization: " + basic("bob", PASSWORD) + "\r\n\r\n";
    RawHttp client = connect().say(RawHttp.head("GET", "/files/d/?zip") + RawHttp.head("GET", "/files/d/?zip") + other
        + RawHttp.head("HEAD", "/files/d/?zip") + RawHttp.head("GET", "/files/d/a.bin"));
    assertIsTheTree(chunks(client));
    assertIsTheTree(chunks(client));
    assertEquals(200, client.answer().status());
    assertTrue(client.readHead().contains("application/zip"));
    assertArrayEquals(random(3 * MIB), client.answer().body());
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void aClientThatBreaksOff_leavesNothingOpen(boolean isReset) throws Exception {
    Files.write(home().resolve("d/sub/empty/c.bin"), random(LARGE));
    RawHttp client = connect().say(RawHttp.head("GET", "/files/d/?zip&name=sub"));
    client.readHead();
    client.read(MIB);
    await().atMost(30, SECONDS).until(() -> open().size() >= 3);
    if (isReset) {
      client.reset();
    } else {
      client.close();
    }
    await().atMost(30, SECONDS).until(() -> connections.list().isEmpty());
    assertEquals(List.of(), open());
    assertTrue(outcomes().contains(ClientEvent.Outcome.BROKEN));
  }

  @Test
  void aClientThatTakesNothing_isEnded() throws Exception {
    Files.write(home().resolve("d/c.bin"), random(LARGE));
    connect().say(RawHttp.head("GET", "/files/d/?zip&name=c.bin")).readHead();
    await().atMost(30, SECONDS).until(() -> outcomes().equals(List.of(ClientEvent.Outcome.BROKEN)));
    await().atMost(30, SECONDS).until(() -> connections.list().isEmpty());
    assertEquals(List.of(), open());
    assertTrue(events(ClientEvent.TransferFinished.class).getFirst().bytes() < LARGE, "no more is made than is taken");
  }

  @Test
  void aFormThatStops_isBrokenOff() throws Exception {
    RawHttp client = connect().say(RawHttp.head("POST", "/files/d/?zip", "Content-Length: 1000",
        "Content-Type: application/x-www-form-urlencoded") + "name=");
    client.drain();
    await().atMost(30, SECONDS).until(() -> connections.list().isEmpty());
  }

  @Test
  void aFormThatIsTooLong_isRefused_alsoIfItsLengthIsNotSaid() throws Exception {
    byte[] form = ("name=" + "a".repeat(600 * 1024)).getBytes(StandardCharsets.US_ASCII);
    HttpRequest.Builder request = request(false, "/files/d/?zip").header("Content-Type", "application/x-www-form-urlencoded")
        .POST(HttpRequest.BodyPublishers.ofInputStream(() -> new ByteArrayInputStream(form)));
    assertEquals(413, send(request).statusCode());
    assertEquals(200, get(false, "/files/").statusCode());
  }

  @ParameterizedTest
  @ValueSource(strings = {"HTTP/1.1", "HTTP/1.0"})
  void whatCantBeRead_breaksTheArchiveOff_soThatTheClientSeesIt(String version) throws Exception {
    user("ann", json -> {
      json.putObject("permissions").putArray("/").add("*");
      json.withObject("permissions").putArray("/d/sub/b.bin").add("list");
    });
    assertEquals(List.of(), config.commit(adapter));
    assertEquals(403, get(false, "/files/d/sub/?zip&name=b.bin").statusCode());
    RawHttp client = connect().say(RawHttp.head("GET", "/files/d/?zip").replace("HTTP/1.1", version));
    if (version.equals("HTTP/1.1")) {
      assertThrows(IOException.class, () -> chunks(client));
    } else {
      client.readHead();
      client.drain();
    }
    await().atMost(30, SECONDS).until(() -> connections.list().stream().noneMatch(one -> one.transfer().isPresent()));
    assertEquals(List.of(), open());
  }

  @Test
  void aRevokedUser_losesTheArchive() throws Exception {
    Files.write(home().resolve("d/c.bin"), random(LARGE));
    RawHttp client = connect().say(RawHttp.head("GET", "/files/d/?zip&name=c.bin"));
    client.readHead();
    await().atMost(30, SECONDS).until(() -> connections.list().stream().anyMatch(one -> one.transfer().isPresent()));
    config.change(Kind.USERS, "ann", json -> json.put("enabled", false));
    assertEquals(List.of(), config.commit(adapter));
    assertTrue(client.drain() < LARGE);
    await().atMost(30, SECONDS).until(() -> outcomes().equals(List.of(ClientEvent.Outcome.BROKEN)));
    assertEquals(List.of(), open());
  }

  @Test
  void theSpeedOfAUser_holds() throws Exception {
    user("ann", json -> json.putObject("limits").put("downloadBytesPerSecond", 100_000));
    assertEquals(List.of(), config.commit(adapter));
    Files.write(home().resolve("d/c.bin"), random(200_000));
    long since = System.nanoTime();
    assertEquals(200_000, unzip(get(false, "/files/d/?zip&name=c.bin").body()).get("c.bin").length);
    assertTrue(System.nanoTime() - since > 1_500_000_000L);
  }

  @Test
  void aMovedListener_servesTheArchiveToItsEnd() throws Exception {
    Files.write(home().resolve("d/sub/c.bin"), random(LARGE));
    RawHttp client = connect().say(RawHttp.head("GET", "/files/d/sub/?zip&name=c.bin"));
    await().atMost(30, SECONDS).until(() -> connections.list().stream().anyMatch(one -> one.transfer().isPresent()));
    int other = freePort();
    config.change(Kind.LISTENERS, "http", json -> json.put("port", other));
    assertEquals(List.of(), config.commit(adapter));
    assertArrayEquals(random(LARGE), unzip(chunks(client)).get("c.bin"));
    assertEquals(0, client.drain());
    assertFalse(outcomes().isEmpty());
  }
}
