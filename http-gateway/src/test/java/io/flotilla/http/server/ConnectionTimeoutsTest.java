package io.flotilla.http.server;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.flotilla.http.server.ConnectionTimeouts.Verdict;
import java.time.Duration;
import org.junit.jupiter.api.Test;

class ConnectionTimeoutsTest {
  private static final Duration WINDOW = Duration.ofMinutes(1);

  private final ConnectionTimeouts timeouts = new ConnectionTimeouts(new HttpSettings(Duration.ofHours(1), Duration.ofHours(1),
      Duration.ofMillis(10), Duration.ofMinutes(5), new HttpSettings.LeastRate(1000, WINDOW), Duration.ofHours(1), Duration.ofSeconds(1), 100));

  private Verdict judgeAfter(Duration time) {
    return timeouts.judge(Duration.ofHours(1), () -> 0, System.nanoTime() + time.toNanos());
  }

  @Test
  void thatItIsTooSlow_isSaidOnce() {
    timeouts.began();
    timeouts.writing();
    assertEquals(new Verdict.Keep(), judgeAfter(Duration.ofSeconds(50)));
    assertEquals(new Verdict.EndTooSlow(), judgeAfter(Duration.ofSeconds(61)));
    assertEquals(new Verdict.Keep(), judgeAfter(Duration.ofSeconds(62)));
  }

  @Test
  void thatItHasStalled_isSaidOnce() {
    timeouts.began();
    timeouts.writing();
    assertEquals(new Verdict.End("has stalled"), judgeAfter(Duration.ofMinutes(6)));
    assertEquals(new Verdict.Keep(), judgeAfter(Duration.ofMinutes(7)));
  }
}
