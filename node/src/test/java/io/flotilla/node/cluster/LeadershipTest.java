package io.flotilla.node.cluster;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

class LeadershipTest {
  private final AtomicLong seconds = new AtomicLong(-7);
  private final Leadership leadership = new Leadership(() -> Duration.ofSeconds(seconds.get()).toNanos());
  private final AtomicBoolean willing = new AtomicBoolean();

  /** The seconds from now on in which it asked. */
  private List<Long> asked(long during) {
    List<Long> asked = new ArrayList<>();
    long begun = seconds.get();
    for (long second = 1; second <= during; second++) {
      seconds.incrementAndGet();
      leadership.take(() -> {
        asked.add(seconds.get() - begun);
        return willing.get();
      });
    }
    return asked;
  }

  @Test
  void inVain_isAskedForLessAndLessOften_butNeverGivenUp() {
    assertEquals(List.of(5L, 15L, 35L, 75L, 155L, 315L, 615L, 915L, 1215L), asked(1300));
  }

  @Test
  void success_beginsAnew() {
    asked(100);
    willing.set(true);
    assertEquals(List.of(55L, 60L), asked(64));
    willing.set(false);
    assertEquals(List.of(1L, 11L), asked(30));
  }

  @Test
  void nodeThatGoes_handsOver_andTakesNothingBack() {
    asked(4);
    AtomicBoolean handedOver = new AtomicBoolean();
    leadership.leave(() -> handedOver.set(true));

    assertTrue(handedOver.get());
    assertEquals(List.of(), asked(1000));
  }

  @Test
  void takingUnderWay_isOver_beforeTheHandOver() throws Exception {
    seconds.addAndGet(5);
    CountDownLatch taking = new CountDownLatch(1);
    CountDownLatch goOn = new CountDownLatch(1);
    AtomicBoolean leads = new AtomicBoolean();
    CompletableFuture<Void> taken = CompletableFuture.runAsync(() -> leadership.take(() -> {
      taking.countDown();
      await(goOn);
      leads.set(true);
      return true;
    }));
    taking.await();
    CompletableFuture<Void> left = CompletableFuture.runAsync(() -> leadership.leave(() -> leads.set(false)));
    goOn.countDown();
    CompletableFuture.allOf(taken, left).get();

    assertFalse(leads.get(), "it was handed over last");
  }

  private static void await(CountDownLatch latch) {
    try {
      latch.await();
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
  }
}
