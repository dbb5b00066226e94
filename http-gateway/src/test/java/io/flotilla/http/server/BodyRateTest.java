package io.flotilla.http.server;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class BodyRateTest {
  private static final long SECOND = 1_000_000_000;
  private static final HttpSettings.LeastRate LEAST = new HttpSettings.LeastRate(1000, Duration.ofSeconds(60));

  private final long start = System.nanoTime();
  private final BodyRate rate = new BodyRate(start);

  private long at(long seconds) {
    return start + seconds * SECOND;
  }

  /** Bytes that come at a time, waited for since an earlier one. */
  private void moved(long bytes, long since, long now) {
    rate.moved(bytes, at(since), start, at(now));
  }

  private boolean isBelow(HttpSettings.LeastRate least, long waitingSince, long pausedUntil, long unseen, long now) {
    return rate.isBelow(least, () -> waitingSince == 0 ? 0 : at(waitingSince), at(pausedUntil), () -> unseen, at(now));
  }

  @Test
  void aWaitThatGoesOn_counts() {
    assertFalse(isBelow(LEAST, 1, 0, 0, 60));
    assertTrue(isBelow(LEAST, 1, 0, 0, 61));
  }

  @Test
  void aWait_beforeTheBody_doesNotCount() {
    assertFalse(isBelow(LEAST, -100, 0, 0, 59));
    rate.moved(1, at(-100), start, at(59));
    assertFalse(isBelow(LEAST, 0, 0, 0, 59));
    assertTrue(isBelow(LEAST, 59, 0, 0, 60));
  }

  @Test
  void whoIsFastEnough_inEachWindow_goesOn() {
    for (int second = 0; second < 600; second++) {
      moved(1000, second, second + 1);
      assertFalse(isBelow(LEAST, 0, 0, 0, second + 1));
    }
  }

  @Test
  void whatWasFastBefore_isForgottenAfterItsWindow() {
    moved(1_000_000_000, 0, 60);
    assertFalse(isBelow(LEAST, 0, 0, 0, 60));
    moved(59_000, 60, 119);
    assertFalse(isBelow(LEAST, 119, 0, 0, 119));
    assertTrue(isBelow(LEAST, 119, 0, 0, 120));
  }

  @Test
  void whileTheServerDoesOtherThings_nobodyIsSlow() {
    moved(10, 0, 1);
    assertFalse(isBelow(LEAST, 0, 0, 0, 10_000));
  }

  @Test
  void whileTheServerPauses_nobodyIsSlow_thoughItIsReading() {
    rate.moved(10, at(0), at(100), at(100));
    assertFalse(isBelow(LEAST, 0, 100, 0, 100));
    assertFalse(isBelow(LEAST, 100, 1000, 0, 1059));
    assertTrue(isBelow(LEAST, 100, 1000, 0, 1060));
  }

  @Test
  void whoMayHaveTakenMore_isJudgedWhenNoDoubtIsLeft() {
    moved(1000, 0, 1);
    assertFalse(isBelow(LEAST, 1, 0, 99_000, 100));
    assertTrue(isBelow(LEAST, 1, 0, 99_000, 101));
  }

  @ParameterizedTest
  @ValueSource(longs = {61, 100_000})
  void withoutALeastRate_nobodyIsSlow(long now) {
    assertFalse(isBelow(new HttpSettings.LeastRate(0, Duration.ofSeconds(1)), 1, 0, 0, now));
  }
}
