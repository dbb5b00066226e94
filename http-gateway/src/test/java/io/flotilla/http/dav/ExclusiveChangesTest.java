package io.flotilla.http.dav;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.flotilla.vfs.VfsException;
import io.flotilla.vfs.VirtualPath;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executors;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

class ExclusiveChangesTest {
  private final ExclusiveChanges changes = new ExclusiveChanges();
  private int count;

  private void change(String storage, String name, ExclusiveChanges.Change change) throws VfsException {
    changes.make(LockPlace.of(storage, List.of(name)), VirtualPath.ROOT, change);
  }

  @Test
  void aSlowStorage_keepsNoOtherWaiting() throws Exception {
    CountDownLatch began = new CountDownLatch(1);
    CountDownLatch goesOn = new CountDownLatch(1);
    AtomicInteger made = new AtomicInteger();
    try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
      Future<?> slow = threads.submit(() -> {
        change("remote", "a", () -> {
          began.countDown();
          try {
            goesOn.await();
          } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
          }
        });
        return null;
      });
      try {
        assertTrue(began.await(30, TimeUnit.SECONDS));
        for (int number = 0; number < 2000; number++) {
          change("main", "f" + number, made::incrementAndGet); // BUSY if it has to wait
        }
      } finally {
        goesOn.countDown();
      }
      slow.get(30, TimeUnit.SECONDS);
    }
    assertEquals(2000, made.get());
  }

  @Test
  void changesOfOnePlace_areMadeOneAfterTheOther() throws Exception {
    List<Future<?>> done = new ArrayList<>();
    try (ExecutorService threads = Executors.newFixedThreadPool(8)) {
      for (int number = 0; number < 8; number++) {
        done.add(threads.submit(() -> {
          for (int turn = 0; turn < 2000; turn++) {
            change("main", "a", () -> count++);
          }
          return null;
        }));
      }
      for (Future<?> one : done) {
        one.get(30, TimeUnit.SECONDS);
      }
    }
    assertEquals(16_000, count);
  }
}
