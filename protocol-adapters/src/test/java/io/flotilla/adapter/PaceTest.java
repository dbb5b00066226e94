package io.flotilla.adapter;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.OptionalLong;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.LongRange;
import net.jqwik.api.constraints.Size;
import org.junit.jupiter.api.Test;

class PaceTest {
  private static final long SECOND = 1_000_000_000;

  /** Several movers that wait as long as they are told never move more than the rate and one part each. */
  @Property(tries = 200)
  void rateHolds_whateverTheMoversDo(
      @ForAll @LongRange(min = 10_000, max = 1_000_000_000) long rate, @ForAll @IntRange(min = 1, max = 8) int movers,
      @ForAll @Size(max = 200) java.util.List<@IntRange(min = 0, max = 7) Integer> steps) {
    Pace pace = new Pace();
    pace.limitTo(OptionalLong.of(rate));
    long start = System.nanoTime();
    long[] free = new long[movers];
    java.util.Arrays.fill(free, start);
    long moved = 0;
    long now = start;
    for (int step : steps) {
      int mover = step % movers;
      now = Math.max(now, free[mover]);
      long part = pace.part(1_000_000);
      moved += part;
      free[mover] = now + pace.moved(part, rate, now);
      assertTrue(moved - movers * part <= (double) (now - start) / SECOND * rate + part, moved + " bytes");
    }
  }

  @Test
  void timeInWhichNothingMoved_isNotMadeUpFor() {
    Pace pace = new Pace();
    pace.limitTo(OptionalLong.of(100_000));
    long start = System.nanoTime();
    assertEquals(SECOND, pace.moved(100_000, 100_000, start));
    assertEquals(SECOND, pace.moved(100_000, 100_000, start + 100 * SECOND));
  }

  @Test
  void partThatWasBegunUnderAnotherLimit_isNotHeldAgainstTheNewOne() {
    Pace pace = new Pace();
    pace.limitTo(OptionalLong.of(1_000));
    assertTrue(pace.moved(1_000_000, 1_000, System.nanoTime()) > 900 * SECOND);
    pace.limitTo(OptionalLong.of(100_000));
    assertTrue(pace.moved(8_000_000, 0, System.nanoTime()) <= SECOND / 4, "a part of the new limit");
  }

  @Test
  void withoutALimit_nobodyWaits() {
    Pace pace = new Pace();
    assertEquals(0, pace.moved(Long.MAX_VALUE, 0, System.nanoTime()));
    pace.limitTo(OptionalLong.of(10_000));
    pace.limitTo(OptionalLong.empty());
    assertEquals(0, pace.moved(Long.MAX_VALUE, 0, System.nanoTime()));
  }
}
