package io.flotilla.vfs;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.RandomAccessFile;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import jdk.management.VirtualThreadSchedulerMXBean;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Reads that hang in a system call, as of a dead network mount: a pipe that nobody writes to is opened. */
class CarrierReserveTest {
  private static final VirtualThreadSchedulerMXBean SCHEDULER =
      ManagementFactory.getPlatformMXBean(VirtualThreadSchedulerMXBean.class);

  @TempDir private Path temp;

  @Test
  void moreReadsThanProcessorsHang_andOtherVirtualThreadsGoOn() throws Exception {
    assumeTrue(LinuxVirtualFileSystem.isSupported(), "there is another way to hang there");
    Path pipe = temp.resolve("pipe");
    assertEquals(0, new ProcessBuilder("mkfifo", pipe.toString()).start().waitFor());
    StorageBulkheads storages = new StorageBulkheads();
    int usual = SCHEDULER.getParallelism();
    int each = Math.min(4 * usual, StorageBulkhead.MAX_CALLS - 4);
    int hanging = 3 * each;
    CountDownLatch ended = new CountDownLatch(hanging);
    List<StorageBulkhead.DataCalls> open = new ArrayList<>();
    try {
      for (int storage = 0; storage < 3; storage++) {
        StorageBulkhead nas = storages.of("nas" + storage, Optional.empty());
        for (int i = 0; i < each; i++) {
          StorageBulkhead.DataCalls data = nas.new DataCalls();
          open.add(data);
          Thread.startVirtualThread(() -> {
            try {
              readInto(data, pipe);
            } finally {
              ended.countDown();
            }
          });
        }
        CountDownLatch runs = new CountDownLatch(1);
        Thread.startVirtualThread(runs::countDown);
        assertTrue(runs.await(30, TimeUnit.SECONDS));
      }
      Awaitility.await().atMost(Duration.ofSeconds(30)).until(() -> SCHEDULER.getParallelism() == usual + hanging);
      CountDownLatch runs = new CountDownLatch(1);
      Thread.startVirtualThread(runs::countDown);
      assertTrue(runs.await(30, TimeUnit.SECONDS));
    } finally {
      try (RandomAccessFile writer = new RandomAccessFile(pipe.toFile(), "rw")) { // lets all of them go
        ended.await(60, TimeUnit.SECONDS);
      }
    }
    assertEquals(0, ended.getCount());
    Awaitility.await().until(() -> SCHEDULER.getParallelism() == usual);
  }

  private static void readInto(StorageBulkhead.DataCalls data, Path pipe) {
    try {
      data.begin();
      LinuxCalls.close(LinuxCalls.openat2(LinuxCalls.AT_FDCWD,
          pipe.toString().getBytes(StandardCharsets.UTF_8), LinuxCalls.O_RDONLY, 0, 0));
      data.end();
    } catch (VfsException e) {
      throw new IllegalStateException(e);
    }
  }

  @Test
  void asManyReadsHangAsMay_andTheNextOneFails() throws Exception {
    StorageBulkhead nas = new StorageBulkheads().of("nas", Optional.empty());
    List<StorageBulkhead.DataCalls> open = new ArrayList<>();
    for (int i = 0; i < StorageBulkhead.MAX_CALLS; i++) {
      open.add(nas.new DataCalls());
      open.getLast().begin();
    }
    StorageBulkhead.DataCalls next = nas.new DataCalls();
    FileSystemContract.assertError(VfsError.IO, next::begin); // after it has waited for one of them
    open.getFirst().end();
    next.begin();
    next.end();
    open.getFirst().begin();
    open.forEach(StorageBulkhead.DataCalls::end);
    next.begin();
    next.end();
  }

  /** Opening a pipe would hang for ever, and tell its other end. */
  @Test
  void pipesInAStorage_areNotOpened() throws Exception {
    assertEquals(0, new ProcessBuilder("mkfifo", temp.resolve("pipe").toString()).start().waitFor());
    Files.writeString(temp.resolve("f"), "text");
    List<VirtualFileSystem> kinds = List.of(VirtualFileSystem.open(temp), CheckedVirtualFileSystem.open(temp, Links.FOLLOW));
    for (VirtualFileSystem files : kinds) {
      for (OpenMode mode : List.of(OpenMode.READ, OpenMode.REPLACE, OpenMode.EDIT)) {
        FileSystemContract.assertError(
            VfsError.PERMISSION_DENIED, () -> files.open(VirtualPath.parse("/pipe"), mode, 0600));
      }
      try (OpenFile file = files.open(VirtualPath.parse("/f"), OpenMode.READ, 0)) {
        assertEquals(4, file.read(ByteBuffer.allocate(8), 0));
      }
      files.close();
    }
  }
}
