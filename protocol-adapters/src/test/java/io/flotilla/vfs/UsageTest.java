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

  /** Three nodes with a home each has in use; what one has to tell comes to the others, some of it never. */
  @Test
  void whatOtherNodesChange_isCountedOnce_whateverIsLost() throws Exception {
    Files.write(root.resolve("file"), new byte[1000]);
    UsageNews.Home home = new UsageNews.Home("main", "/users/ann");
    Usages[] nodes = {new Usages(), new Usages(), new Usages()};
    Usage[] usage = new Usage[3];
    for (int i = 0; i < 2; i++) {
      usage[i] = begin(nodes[i], home);
    }
    exchange(nodes, 0, 1);
    usage[0].change(500, 1);
    exchange(nodes, 0);
    assertEquals(1500, usage[1].bytes());
    usage[0].change(-200, 0);
    nodes[0].news(); // lost
    usage[0].change(10, 0);
    exchange(nodes, 0, 0, 1);
    assertEquals(1310, usage[0].bytes());
    assertEquals(1310, usage[1].bytes());
    assertEquals(2, usage[1].files());

    Files.write(root.resolve("second"), new byte[310]);
    usage[2] = begin(nodes[2], home); // its scan has seen what the others did
    exchange(nodes, 2, 0, 1, 2);
    assertEquals(1310, usage[2].bytes());
    usage[1].change(90, 1);
    usage[2].change(100, 1);
    exchange(nodes, 1, 2);
    for (Usage one : usage) {
      assertEquals(1500, one.bytes());
      assertEquals(4, one.files());
    }
    assertTrue(nodes[0].news().isEmpty(), "nothing is told twice without need");
  }

  private Usage begin(Usages node, UsageNews.Home home) {
    Usage usage = node.take("tree", () -> new Usage(new TreeScans().of("main")));
    usage.refresh(() -> VirtualFileSystem.open(root));
    assertTrue(usage.awaitFirst(Duration.ofSeconds(30)));
    node.share(home, "tree", usage);
    return usage;
  }

  private static void exchange(Usages[] nodes, int... tellers) {
    for (int teller : tellers) {
      UsageNews news = nodes[teller].news();
      for (int i = 0; i < nodes.length; i++) {
        if (i != teller) {
          nodes[i].heard("node-" + teller, news);
        }
      }
    }
  }

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
