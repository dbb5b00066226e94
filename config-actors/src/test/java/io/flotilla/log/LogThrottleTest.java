package io.flotilla.log;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

class LogThrottleTest {
  @Test
  void many_atOnce_areOneLine() {
    LogThrottle throttle = new LogThrottle();
    AtomicInteger lines = new AtomicInteger();
    long began = System.nanoTime();
    try (ExecutorService threads = Executors.newFixedThreadPool(4)) {
      for (int i = 0; i < 4; i++) {
        threads.submit(() -> {
          for (int k = 0; k < 10_000; k++) {
            lines.addAndGet(throttle.isDue() ? 1 : 0);
          }
        });
      }
    }
    long seconds = (System.nanoTime() - began) / 1_000_000_000;
    assertEquals(1, lines.get() - Math.min(lines.get() - 1, seconds), "lines in " + seconds + " s");
  }
}
