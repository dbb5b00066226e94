package io.flotilla.sftp;

import static org.junit.jupiter.api.Assertions.assertDoesNotThrow;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

class TransportThreadsTest {
  private static final int MANY = 100_000;
  private static final int MOST = 2;

  private final TransportThreads threads = new TransportThreads(MOST);

  @Test
  void whatAPlatformThreadBrings_runsOnAVirtualOne() throws Exception {
    CompletableFuture<Boolean> isVirtual = new CompletableFuture<>();
    threads.execute(() -> isVirtual.complete(Thread.currentThread().isVirtual()));
    assertTrue(isVirtual.get(10, TimeUnit.SECONDS));
  }

  @Test
  void whatArrives_runsOnSoManyThreadsAndNoMore_andNoneOfItIsLost() throws Exception {
    CountDownLatch begun = new CountDownLatch(MOST);
    CountDownLatch goOn = new CountDownLatch(1);
    CountDownLatch done = new CountDownLatch(MANY);
    AtomicInteger running = new AtomicInteger();
    AtomicInteger most = new AtomicInteger();
    for (int i = 0; i < MOST; i++) {
      threads.execute(() -> {
        begun.countDown();
        assertDoesNotThrow(() -> goOn.await());
      });
    }
    assertTrue(begun.await(10, TimeUnit.SECONDS));
    for (int i = 0; i < MANY; i++) {
      threads.execute(() -> {
        most.accumulateAndGet(running.incrementAndGet(), Math::max);
        running.decrementAndGet();
        done.countDown();
      });
    }
    assertEquals(MANY, done.getCount(), "all threads are in use");
    goOn.countDown();
    assertTrue(done.await(30, TimeUnit.SECONDS));
    assertTrue(most.get() <= MOST, () -> most + " ran at once");
  }

  @Test
  void connectionsThatAlwaysHaveMore_letTheOthersComeByTurns() throws Exception {
    AtomicBoolean goesOn = new AtomicBoolean(true);
    for (int i = 0; i < MOST; i++) {
      threads.execute(new Runnable() {
        @Override
        public void run() {
          if (goesOn.get()) {
            threads.execute(this);
          }
        }
      });
    }
    CompletableFuture<Boolean> other = new CompletableFuture<>();
    threads.execute(() -> other.complete(true));
    try {
      assertTrue(other.get(10, TimeUnit.SECONDS));
    } finally {
      goesOn.set(false);
    }
  }

  @Test
  void whatAVirtualThreadCauses_runsThere_oneAfterTheOther_andHoweverManyThereAre() throws Exception {
    CompletableFuture<List<Integer>> done = new CompletableFuture<>();
    Thread.ofVirtual().start(() -> {
      List<Integer> order = new ArrayList<>();
      Thread own = Thread.currentThread();
      threads.execute(() -> {
        order.add(1);
        threads.execute(() -> order.add(own == Thread.currentThread() ? 3 : -1));
        order.add(2);
      });
      next(order, MANY);
      done.complete(order);
    });
    List<Integer> order = done.get(10, TimeUnit.SECONDS);
    assertEquals(List.of(1, 2, 3), order.subList(0, 3));
    assertEquals(3 + MANY, order.size());
  }

  /** Each causes the next, as writes do that the socket takes at once. */
  private void next(List<Integer> order, int left) {
    if (left > 0) {
      threads.execute(() -> {
        order.add(left);
        next(order, left - 1);
      });
    }
  }

  @Test
  void oneThatFails_losesNoneOfThoseBehindIt_norItsThread() throws Exception {
    CompletableFuture<String> done = new CompletableFuture<>();
    Thread.ofVirtual().start(() -> {
      List<String> ran = new ArrayList<>();
      threads.execute(() -> {
        threads.execute(() -> ran.add("second"));
        throw new IllegalStateException("a defect that a test made");
      });
      threads.execute(() -> ran.add("third"));
      done.complete(String.join(" ", ran));
    });
    assertEquals("second third", done.get(10, TimeUnit.SECONDS));
  }
}
