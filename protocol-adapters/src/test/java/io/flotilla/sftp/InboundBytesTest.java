package io.flotilla.sftp;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.util.List;
import java.util.Random;
import java.util.concurrent.atomic.AtomicLong;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.Size;
import org.junit.jupiter.api.Test;

class InboundBytesTest {
  private static final int WINDOW = 300_000;

  @Property(tries = 100)
  void read_whateverThePieces_givesWhatWasFed(
      @ForAll @Size(min = 1, max = 20) List<@IntRange(min = 1, max = 80_000) Integer> pieces,
      @ForAll @IntRange(min = 1, max = 100_000) int part) throws Exception {
    AtomicLong released = new AtomicLong();
    InboundBytes in = new InboundBytes(WINDOW, released::addAndGet);
    byte[] all = new byte[pieces.stream().mapToInt(Integer::intValue).sum()];
    new Random(part).nextBytes(all);
    Thread feeder = Thread.ofVirtual().start(() -> {
      int fed = 0;
      for (int piece : pieces) {
        while (fed + piece - released.get() > WINDOW) {
          Thread.onSpinWait();
          Thread.yield();
        }
        assertTrue(in.feed(all, fed, piece));
        fed += piece;
      }
      in.end();
    });
    byte[] read = new byte[all.length];
    int have = 0;
    for (int count = in.read(read, 0, Math.min(part, read.length)); count > 0;
        count = in.read(read, have, Math.min(part, read.length - have))) {
      have += count;
    }
    feeder.join();
    assertArrayEquals(all, read);
    assertEquals(-1, in.read());
    assertEquals(all.length, released.get());
  }

  @Test
  void clientThatSendsMoreThanItsWindow_orAChannelThatIsGone_endsReading() {
    InboundBytes in = new InboundBytes(10, count -> { });
    assertTrue(in.feed(new byte[10], 0, 10));
    assertFalse(in.feed(new byte[1], 0, 1));
    assertThrows(IOException.class, in::read);
    InboundBytes gone = new InboundBytes(10, count -> { });
    gone.abort();
    assertFalse(gone.feed(new byte[1], 0, 1));
    assertThrows(IOException.class, gone::read);
  }
}
