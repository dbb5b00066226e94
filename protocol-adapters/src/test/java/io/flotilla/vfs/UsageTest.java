package io.flotilla.vfs;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalLong;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class UsageTest {
  @TempDir Path root;

  @Test
  void manyTrees_areScannedByFewThreads() throws InterruptedException {
    TreeScans.OfStorage scanners = new TreeScans().of("main");
    AtomicInteger running = new AtomicInteger();
    AtomicInteger most = new AtomicInteger();
    CountDownLatch four = new CountDownLatch(4);
    CountDownLatch goOn = new CountDownLatch(1);
    List<Usage> usages = new ArrayList<>();
    for (int i = 0; i < 100; i++) {
      Usage usage = new Usage(scanners);
      usages.add(usage);
      usage.refresh(() -> {
        most.accumulateAndGet(running.incrementAndGet(), Math::max);
        four.countDown();
        try {
          assertTrue(goOn.await(30, TimeUnit.SECONDS));
        } catch (InterruptedException e) {
          throw new VfsException(VfsError.IO, "interrupted");
        } finally {
          running.decrementAndGet();
        }
        return VirtualFileSystem.open(root);
      });
    }
    assertTrue(four.await(30, TimeUnit.SECONDS));
    goOn.countDown();
    for (Usage usage : usages) {
      assertTrue(usage.awaitFirst(Duration.ofSeconds(30)));
    }
    assertEquals(4, most.get());
  }

  @Test
  void scansThatHang_giveTheirPlacesToOtherStorages_andNoMoreOfTheirsBegin() throws Exception {
    TreeScans scans = new TreeScans(Duration.ofMillis(200));
    CountDownLatch goOn = new CountDownLatch(1);
    AtomicInteger begun = new AtomicInteger();
    for (int i = 0; i < 8; i++) {
      scans.of("nas").start(progress -> {
        begun.incrementAndGet();
        try {
          assertTrue(goOn.await(30, TimeUnit.SECONDS));
        } catch (InterruptedException e) {
          throw new IllegalStateException(e);
        }
      });
    }
    Usage usage = new Usage(scans.of("main"));
    usage.refresh(() -> VirtualFileSystem.open(root));
    assertTrue(usage.awaitFirst(Duration.ofSeconds(30)));
    assertEquals(4, begun.get());
    goOn.countDown();
    Awaitility.await().until(() -> begun.get() == 8);
  }

  @Test
  void scanThatGoesOn_keepsItsPlace() throws Exception {
    TreeScans scans = new TreeScans(Duration.ofMillis(200));
    CountDownLatch goOn = new CountDownLatch(1);
    for (int i = 0; i < 4; i++) {
      scans.of("main").start(progress -> {
        while (goOn.getCount() > 0) {
          progress.run();
          Thread.onSpinWait();
        }
      });
    }
    CountDownLatch another = new CountDownLatch(1);
    scans.of("other").start(progress -> another.countDown());
    org.junit.jupiter.api.Assertions.assertFalse(another.await(600, TimeUnit.MILLISECONDS));
    goOn.countDown();
    assertTrue(another.await(30, TimeUnit.SECONDS));
  }

  @Test
  void usages_areKeptWhileASessionHasThem_andTheLatestOfTheOthers() {
    Usages usages = new Usages();
    Usage held = usages.take("held", () -> new Usage(scan -> { }));
    assertSame(held, usages.take("held", () -> new Usage(scan -> { })));
    usages.giveBack("held");
    for (int i = 0; i < 2 * Usages.MAX_UNUSED; i++) {
      usages.take(i, () -> new Usage(scan -> { }));
      usages.giveBack(i);
    }
    assertEquals(Usages.MAX_UNUSED + 1, usages.size());
    assertSame(held, usages.take("held", () -> new Usage(scan -> { })));
    usages.giveBack("held");
    usages.giveBack("held");
    assertEquals(Usages.MAX_UNUSED, usages.size());
    assertSame(held, usages.take("held", () -> new Usage(scan -> { })), "it is known at the next login");
  }

  @Test
  void failedScan_isNotRepeatedAtEachUse() {
    AtomicInteger scans = new AtomicInteger();
    Usage usage = new Usage(scan -> scan.run(() -> { }));
    for (int i = 0; i < 3; i++) {
      usage.refresh(() -> {
        scans.incrementAndGet();
        throw new VfsException(VfsError.IO, "the storage is away");
      });
    }
    assertEquals(1, scans.get());
  }

  @Test
  void uploadThatEndsDuringTheFirstScan_isCountedOnce() throws IOException {
    Path file = Files.writeString(root.resolve("f"), "12345");
    Usage usage = new Usage(scan -> scan.run(() -> { }));
    VirtualFileSystem files = VirtualFileSystem.open(root);
    Usage.Upload upload = usage.begin(files.stat(VirtualPath.parse("/f")).key(), 0, 0);
    assertTrue(upload.reserve(5, OptionalLong.empty()));
    usage.refresh(() -> {
      upload.end(5, 1);
      return files;
    });
    assertEquals(List.of(Files.size(file), 1L), List.of(usage.bytes(), usage.files()));
  }

  @Test
  void rejectedScan_isTriedAtTheNextUse() {
    AtomicInteger asked = new AtomicInteger();
    Usage usage = new Usage(scan -> {
      if (asked.incrementAndGet() == 1) {
        throw new RejectedExecutionException();
      }
      scan.run(() -> { });
    });
    usage.refresh(() -> VirtualFileSystem.open(root));
    usage.refresh(() -> VirtualFileSystem.open(root));
    assertTrue(usage.awaitFirst(Duration.ZERO));
    assertEquals(2, asked.get());
  }
}
