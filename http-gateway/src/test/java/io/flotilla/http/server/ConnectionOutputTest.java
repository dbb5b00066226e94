package io.flotilla.http.server;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.flotilla.transport.TransferBuffers;
import io.flotilla.transport.Transport;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.function.IntConsumer;
import org.apache.pekko.util.ByteString;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** How what a client has taken of a write that goes on is judged. */
class ConnectionOutputTest {
  private static final Duration WINDOW = Duration.ofMinutes(1);
  private static final int LEAST = 1000;
  private static final int WRITTEN = 256 * 1024;

  private final ConnectionTimeouts timeouts = new ConnectionTimeouts(new HttpSettings(Duration.ofHours(1), Duration.ofHours(1),
      Duration.ofMillis(10), Duration.ofMinutes(5), new HttpSettings.LeastRate(LEAST, WINDOW), Duration.ofHours(1), Duration.ofSeconds(1), 100));
  private final List<ConnectionTimeouts.Verdict> verdicts = new ArrayList<>();

  private ConnectionTimeouts.Verdict judgeAfter(Duration time) {
    return timeouts.judge(Duration.ofHours(1), () -> 0, System.nanoTime() + time.toNanos());
  }

  /** Has taken some, and keeps the writer waiting when it is judged. */
  private final class Slow implements Transport {
    private final int first;

    Slow(int first) {
      this.first = first;
    }

    @Override
    public void write(ByteBuffer source, IntConsumer taken) {
      taken.accept(first);
      verdicts.add(judgeAfter(WINDOW.plusSeconds(1)));
      taken.accept(source.remaining() - first);
      source.position(source.limit());
    }

    @Override
    public void write(ByteBuffer source) {
      write(source, _ -> { });
    }

    @Override
    public int read(ByteBuffer target) {
      return -1;
    }

    @Override
    public void endOutput() { }

    @Override
    public void close() { }
  }

  private void write(Transport transport) throws IOException {
    try (SocketChannel channel = SocketChannel.open()) {
      timeouts.loggedIn(true);
      timeouts.began();
      new ConnectionOutput(channel, transport, new TransferBuffers(), timeouts, _ -> { }, () -> { })
          .write(ByteString.fromArray(new byte[WRITTEN]));
    }
  }

  @ParameterizedTest
  @CsvSource({"100000, false", "1000, true"})
  void whatWasTaken_ofAWriteThatGoesOn_counts(int bytes, boolean isTooSlow) throws IOException {
    write(new Slow(bytes));
    assertEquals(List.of(isTooSlow ? new ConnectionTimeouts.Verdict.EndTooSlow() : new ConnectionTimeouts.Verdict.Keep()), verdicts);
  }

  @Test
  void whenAllIsWritten_nobodyIsWaitedFor() throws IOException {
    write(new Slow(WRITTEN));
    assertTrue(judgeAfter(Duration.ofMinutes(30)) instanceof ConnectionTimeouts.Verdict.Keep);
  }
}
