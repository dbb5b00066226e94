package io.flotilla.http.server;

import static java.nio.charset.StandardCharsets.UTF_8;
import static java.util.concurrent.TimeUnit.SECONDS;
import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.flotilla.adapter.ClientEvent;
import io.flotilla.adapter.Transfer;
import io.flotilla.vfs.OpenFile;
import io.flotilla.vfs.OpenMode;
import io.flotilla.vfs.VfsException;
import io.flotilla.vfs.VirtualPath;
import java.io.IOException;
import java.lang.reflect.Proxy;
import java.nio.file.Files;
import java.time.Duration;
import java.util.Base64;
import java.util.List;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.CountDownLatch;
import org.apache.pekko.http.javadsl.model.HttpResponse;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Bodies that a client keeps going, and hardly moves. No other limit is as short as the least rate here. */
class HttpRateTest extends HttpFixture {
  private static final int LARGE = 48 << 20;
  private static final long LEAST = 1_000_000;
  private static final Duration WINDOW = Duration.ofSeconds(1);

  @Override
  HttpSettings settings() {
    return new HttpSettings(Duration.ofMinutes(5), Duration.ofMinutes(5), Duration.ofMillis(10), Duration.ofMinutes(5),
        new HttpSettings.LeastRate(LEAST, WINDOW), Duration.ofMinutes(5), Duration.ofSeconds(1), 100);
  }

  /** A step of a client, repeated until the connection has ended. */
  private interface Step {
    void go() throws IOException;
  }

  private static void goOnUntilEnded(Step step) {
    await().atMost(60, SECONDS).pollInterval(Duration.ofMillis(50)).until(() -> {
      try {
        step.go();
        return false;
      } catch (IOException e) {
        return true;
      }
    });
  }

  private List<ClientEvent.Outcome> outcomes() {
    return events(ClientEvent.TransferFinished.class).stream().map(ClientEvent.TransferFinished::outcome).toList();
  }

  @ParameterizedTest
  @ValueSource(strings = {"Content-Length: 50000000", "Transfer-Encoding: chunked"})
  void anUpload_thatDripsIn_isBrokenOff(String length) throws Exception {
    boolean isChunked = length.endsWith("chunked");
    RawHttp client = connect().say(RawHttp.head("PUT", "/files/a.bin", length));
    client.say((isChunked ? "ffff\r\n" : "")).say(new byte[0xFFFF]).say(isChunked ? "\r\n" : "");
    goOnUntilEnded(() -> client.say(isChunked ? "1\r\nx\r\n" : "x"));
    await().atMost(30, SECONDS).until(() -> outcomes().equals(List.of(ClientEvent.Outcome.BROKEN)));
    assertTrue(events(ClientEvent.TransferFinished.class).getFirst().bytes() > 0xFFFF);
    assertFalse(Files.exists(home().resolve("a.bin")));
    await().atMost(30, SECONDS).until(() -> connections.list().isEmpty());
  }

  @Test
  void anUploadThatCanBeResumed_andDripsIn_isBrokenOff() throws Exception {
    RawHttp client = connect().say(RawHttp.head("POST", "/uploads", "Tus-Resumable: 1.0.0", "Upload-Length: 50000000", "Content-Length: 0",
        "Upload-Metadata: path " + Base64.getEncoder().encodeToString("/a.bin".getBytes(UTF_8))));
    client.say(RawHttp.head("PATCH", client.answer().field("Location"), "Tus-Resumable: 1.0.0", "Upload-Offset: 0",
        "Content-Type: application/offset+octet-stream", "Content-Length: 50000000"));
    goOnUntilEnded(() -> client.say("x"));
    await().atMost(30, SECONDS).until(() -> outcomes().equals(List.of(ClientEvent.Outcome.BROKEN)));
  }

  @Test
  void aBodyThatIsCollected_andDripsIn_endsTheConnection() throws Exception {
    RawHttp client = connect().say(RawHttp.head("PROPFIND", "/files/", "Depth: 0", "Content-Length: 60000"));
    goOnUntilEnded(() -> client.say("<"));
    await().atMost(30, SECONDS).until(() -> connections.list().isEmpty());
  }

  @ParameterizedTest
  @ValueSource(strings = {"/files/d/a.bin", "/files/d/?zip"})
  void aDownload_thatIsTakenInDrops_isBrokenOff(String path) throws Exception {
    Files.createDirectories(home().resolve("d"));
    Files.write(home().resolve("d/a.bin"), random(LARGE));
    RawHttp client = connect().say(RawHttp.head("GET", path));
    await().atMost(60, SECONDS).pollInterval(Duration.ofMillis(50)).until(() -> {
      client.read(1);
      return outcomes().equals(List.of(ClientEvent.Outcome.BROKEN));
    });
    await().atMost(30, SECONDS).until(() -> connections.list().isEmpty());
  }

  @ParameterizedTest
  @ValueSource(strings = {"Content-Length: 40000", "Transfer-Encoding: chunked"})
  void whoMayNotBeFaster_isNotSlow(String length) throws Exception {
    user("ann", json -> json.putObject("limits").put("downloadBytesPerSecond", 10_000).put("uploadBytesPerSecond", 10_000));
    assertEquals(List.of(), config.commit(adapter));
    byte[] data = random(40_000);
    RawHttp client = connect().say(RawHttp.head("PUT", "/files/a.bin", length));
    if (length.endsWith("chunked")) {
      client.say("9c40\r\n").say(data).say("\r\n0\r\n\r\n");
    } else {
      client.say(data);
    }
    assertEquals(201, client.answer().status());
    assertArrayEquals(data, client.say(RawHttp.head("GET", "/files/a.bin")).answer().body());
    for (ClientEvent.TransferFinished transfer : events(ClientEvent.TransferFinished.class)) {
      assertTrue(transfer.milliseconds() > 2 * WINDOW.toMillis(), transfer.toString());
    }
  }

  private final CountDownLatch writing = new CountDownLatch(1);
  private final CountDownLatch goesOn = new CountDownLatch(1);

  /** Takes a file into a storage that hangs. */
  @Override
  CompletionStage<HttpResponse> more(UserRequest request) {
    try {
      OpenFile real = request.files().open(VirtualPath.parse("/a.bin"), new OpenMode(false, true, false, true, true, false), 0666);
      Class<?>[] types = {OpenFile.class};
      OpenFile file = (OpenFile) Proxy.newProxyInstance(OpenFile.class.getClassLoader(), types, (_, method, given) -> {
        if (method.getName().equals("write")) {
          writing.countDown();
          goesOn.await();
        }
        return method.invoke(real, given);
      });
      Transfer account = request.transfers().began(VirtualPath.ROOT, ClientEvent.Direction.UPLOAD);
      return request.bodies().receive(request.http(), file, 0, account).thenApply(count -> {
        real.abandon();
        account.ended(ClientEvent.Outcome.COMPLETED);
        return HttpResponse.create().withEntity(Long.toString(count));
      });
    } catch (VfsException e) {
      throw new AssertionError(e);
    }
  }

  @Test
  void whoWaitsForAStorage_isNotSlow() throws Exception {
    byte[] data = random(3_000_000);
    RawHttp client = connect().say(RawHttp.head("PUT", "/more", "Content-Length: " + data.length));
    Thread sending = Thread.startVirtualThread(() -> {
      try {
        client.say(data);
      } catch (IOException e) {
        throw new AssertionError(e);
      }
    });
    assertTrue(writing.await(60, SECONDS));
    long since = System.nanoTime();
    await().atMost(60, SECONDS).until(() -> System.nanoTime() - since > 3 * WINDOW.toNanos());
    goesOn.countDown();
    assertEquals(Integer.toString(data.length), new String(client.answer().body(), UTF_8));
    sending.join();
  }
}
