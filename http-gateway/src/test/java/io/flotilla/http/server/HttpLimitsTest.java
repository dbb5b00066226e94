package io.flotilla.http.server;

import static java.util.concurrent.TimeUnit.SECONDS;
import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import io.flotilla.adapter.ClientEvent;
import io.flotilla.config.model.Kind;
import java.nio.file.Files;
import java.time.Duration;
import java.util.Arrays;
import org.junit.jupiter.api.Test;

/** What clients that are slow, silent or many are given. */
class HttpLimitsTest extends HttpFixture {
  private static final int LARGE = 48 << 20;

  @Override
  HttpSettings settings() {
    return new HttpSettings(Duration.ofSeconds(2), Duration.ofSeconds(2), Duration.ofMillis(10), Duration.ofSeconds(2),
        HttpSettings.DEFAULT.leastRate(), Duration.ofMinutes(5), Duration.ofSeconds(1), 2);
  }

  @Test
  void whoSaysNothing_orNeverEndsAHead_isSentAway() throws Exception {
    assertEquals(0, connect().drain());
    RawHttp slow = connect().say(RawHttp.head("OPTIONS", "/files/"));
    assertEquals(200, slow.answer().status());
    assertEquals(0, slow.say("GET /files/ HTTP/1.1\r\nHost: local").drain());
  }

  @Test
  void anUploadThatStops_isBrokenOff() throws Exception {
    RawHttp client = connect().say(RawHttp.head("PUT", "/files/a.bin", "Content-Length: 1000000")).say(new byte[100_000]);
    client.drain();
    await().atMost(30, SECONDS).until(() -> !events(ClientEvent.TransferFinished.class).isEmpty());
    assertEquals(ClientEvent.Outcome.BROKEN, events(ClientEvent.TransferFinished.class).getFirst().outcome());
    assertFalse(Files.exists(home().resolve("a.bin")));
    await().atMost(30, SECONDS).until(() -> connections.list().isEmpty());
  }

  @Test
  void aBodyThatStops_whileItIsCollected_endsTheConnection() throws Exception {
    connect().say(RawHttp.head("PROPFIND", "/files/", "Depth: 0", "Content-Length: 100")).say("<propfind").drain();
    await().atMost(30, SECONDS).until(() -> connections.list().isEmpty());
  }

  @Test
  void aDownloadThatIsNotTaken_isBrokenOff() throws Exception {
    Files.createDirectories(home());
    Files.write(home().resolve("a.bin"), new byte[LARGE]);
    connect().say(RawHttp.head("GET", "/files/a.bin"));
    await().atMost(30, SECONDS).until(() -> !events(ClientEvent.TransferFinished.class).isEmpty());
    assertEquals(ClientEvent.Outcome.BROKEN, events(ClientEvent.TransferFinished.class).getFirst().outcome());
    await().atMost(30, SECONDS).until(() -> connections.list().isEmpty());
  }

  @Test
  void aRequestThatTakesLongerThanThat_isServed_andThenTheConnectionIsIdle() throws Exception {
    config.change(Kind.LISTENERS, "http", json -> json.put("idleTimeout", "1s"));
    user("ann", json -> json.putObject("limits").put("downloadBytesPerSecond", 100_000));
    assertEquals(java.util.List.of(), config.commit(adapter));
    byte[] data = random(400_000);
    Files.createDirectories(home());
    Files.write(home().resolve("a.bin"), data);
    RawHttp client = connect().say(RawHttp.head("GET", "/files/a.bin"));
    assertArrayEquals(data, client.answer().body());
    assertEquals(0, client.drain());
  }

  @Test
  void moreConnectionsThanTheListenerTakes_areToldSo() throws Exception {
    config.change(Kind.LISTENERS, "http", json -> json.put("maxConnections", 1));
    assertEquals(java.util.List.of(), config.commit(adapter));
    RawHttp first = connect().say(RawHttp.head("OPTIONS", "/files/"));
    assertEquals(200, first.answer().status());
    RawHttp.Answer refused = connect().answer();
    assertEquals(503, refused.status());
    assertEquals("10", refused.field("Retry-After"));
  }

  @Test
  void moreSessionsThanAUserMayHave_areRefused() throws Exception {
    user("ann", json -> json.putObject("limits").put("sessions", 1));
    assertEquals(java.util.List.of(), config.commit(adapter));
    RawHttp first = connect().say(RawHttp.head("OPTIONS", "/files/"));
    assertEquals(200, first.answer().status());
    assertEquals(429, connect().say(RawHttp.head("OPTIONS", "/files/")).answer().status());
    first.close();
    await().atMost(30, SECONDS).until(() -> connect().say(RawHttp.head("OPTIONS", "/files/")).answer().status() == 200);
  }

  @Test
  void aHeadThatIsTooLong_isRefused() throws Exception {
    char[] padding = new char[70_000];
    Arrays.fill(padding, 'x');
    assertEquals(431, connect().say(RawHttp.head("GET", "/files/", "X-Padding: " + new String(padding))).answer().status());
    assertEquals(414, connect().say(RawHttp.head("GET", "/files/" + new String(padding))).answer().status());
  }

  @Test
  void whoUploads_hasLoggedIn_andTakesNoPlaceOfThoseWhoHaveNot() throws Exception {
    for (int i = 0; i < 4; i++) {
      connect().say(RawHttp.head("PUT", "/files/" + i, "Content-Length: 1000")).say(new byte[500]);
      int expected = i + 1;
      await().atMost(30, SECONDS).until(() -> connections.list().size() == expected);
    }
    assertEquals(200, connect().say(RawHttp.head("OPTIONS", "/files/")).answer().status());
  }

  @Test
  void whoLosesTheLogin_hasAsMuchTimeAsWhoHasJustCome() throws Exception {
    RawHttp client = connect().say(RawHttp.head("OPTIONS", "/files/"));
    assertEquals(200, client.answer().status());
    String wrong = "OPTIONS /files/ HTTP/1.1\r\nHost: localhost\r\nAuthorization: " + basic("ann", "guessed") + "\r\n\r\n";
    assertEquals(401, client.say(wrong).answer().status());
    assertEquals(0, client.drain());
  }

  @Test
  void whoCameInClear_comesAnewWhereTlsIsWanted() throws Exception {
    RawHttp idle = connect().say(RawHttp.head("OPTIONS", "/files/"));
    assertEquals(200, idle.answer().status());
    config.change(Kind.LISTENERS, "http", json -> json.putObject("http").put("certificate", "web"));
    assertEquals(java.util.List.of(), config.commit(adapter));
    assertEquals(0, idle.drain());
  }

  @Test
  void whoProvesWhoTheyAre_againAndAgain_isLetStay_thoughNobodyIsLoggedInThere() throws Exception {
    RawHttp client = connect();
    String form = "{\"user\":\"ann\",\"password\":\"" + PASSWORD + "\"}";
    long begun = System.nanoTime();
    await().atMost(30, SECONDS).until(() -> {
      assertEquals(201, client.say("POST /session HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: "
          + form.length() + "\r\n\r\n" + form).answer().status());
      return System.nanoTime() - begun > settings().loginGrace().multipliedBy(2).toNanos();
    });
    assertEquals(0, client.drain());
  }
}
