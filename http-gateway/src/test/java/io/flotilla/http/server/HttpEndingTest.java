package io.flotilla.http.server;

import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.flotilla.config.model.Kind;
import java.nio.file.Files;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;

/** What becomes of the connections of a listener that is closed, or shows another certificate. */
class HttpEndingTest extends HttpFixture {
  @Override
  HttpSettings settings() {
    return new HttpSettings(Duration.ofMinutes(1), Duration.ofMinutes(1), Duration.ofMillis(10), Duration.ofMinutes(2),
        HttpSettings.DEFAULT.leastRate(), Duration.ofMinutes(5), Duration.ofMinutes(1), 100);
  }

  @Test
  void aClosedListener_servesWhatRuns_andOneMoreRequestOfOthers() throws Exception {
    byte[] data = random(400_000);
    RawHttp upload = connect().say(RawHttp.head("PUT", "/files/a.bin", "Content-Length: " + data.length)).say(Arrays.copyOf(data, 1000));
    RawHttp idle = connect().say(RawHttp.head("GET", "/files/"));
    assertEquals(200, idle.answer().status());
    await().atMost(Duration.ofSeconds(30)).until(() -> connections.list().stream().anyMatch(one -> one.transfer().isPresent()));
    config.remove(Kind.LISTENERS, "http");
    assertEquals(List.of(), config.commit(adapter));

    RawHttp.Answer last = idle.say(RawHttp.head("GET", "/files/")).answer();
    assertEquals(200, last.status());
    assertTrue(last.head().contains("Connection: close"), last.head());
    assertEquals(0, idle.drain());
    assertEquals(201, upload.say(Arrays.copyOfRange(data, 1000, data.length)).answer().status());
    assertEquals(0, upload.drain());
    assertArrayEquals(data, Files.readAllBytes(home().resolve("a.bin")));
  }

  @Test
  void aListenerInClear_thatIsToBeUnderTls_servesWhoIsThereOnceMore() throws Exception {
    RawHttp idle = connect().say(RawHttp.head("GET", "/files/"));
    assertEquals(200, idle.answer().status());
    config.change(Kind.LISTENERS, "http", json -> json.putObject("http").put("certificate", "web"));
    assertEquals(List.of(), config.commit(adapter));
    RawHttp.Answer last = idle.say(RawHttp.head("GET", "/files/")).answer();
    assertEquals(200, last.status());
    assertTrue(last.head().contains("Connection: close"), last.head());
    assertEquals(0, idle.drain());
  }
}
