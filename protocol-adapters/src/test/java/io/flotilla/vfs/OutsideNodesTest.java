package io.flotilla.vfs;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.flotilla.vfs.RecentChange.Removed;
import io.flotilla.vfs.RecentChange.Version;
import io.flotilla.vfs.RecentChange.Written;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** More sessions than a storage has places wait for another node, which answers nothing until it is told to. */
class OutsideNodesTest {
  private static final int SESSIONS = 2 * StorageBulkhead.MAX_CALLS;
  private static final long SOON_SECONDS = 60;

  @TempDir private Path root;
  private final StorageBulkheads bulkheads = new StorageBulkheads();
  private final CountDownLatch answers = new CountDownLatch(1);
  private final AtomicInteger asked = new AtomicInteger();
  private final List<VirtualFileSystem> sessions = new ArrayList<>();
  private RecentChanges changes;
  private VirtualPath there;

  private final class Slow implements OtherNodes {
    private void answer() throws VfsException {
      asked.incrementAndGet();
      try {
        answers.await();
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
      throw new VfsException(VfsError.NOT_ARRIVED, "it does not answer");
    }

    @Override
    public Optional<OpenFile> open(String node, Location file, Version version) throws VfsException {
      answer();
      return Optional.empty();
    }

    @Override
    public boolean remove(String node, Location entry, Removed what) throws VfsException {
      answer();
      return false;
    }

    @Override
    public boolean rename(String node, Location entry, VirtualPath to, boolean replace, Written what) throws VfsException {
      answer();
      return false;
    }
  }

  @BeforeEach
  void hear() throws VfsException {
    there = VirtualPath.parse("/there");
    changes = new RecentChanges("node-1", _ -> Duration.ofMinutes(10), () -> System.nanoTime() / 1000, System::nanoTime,
        new RecentChanges.Events() {
          @Override
          public void conflict(RecentChanges.Conflict conflict) {
            throw new AssertionError(conflict);
          }

          @Override
          public void forgotten(String node, int count) {
            throw new AssertionError("nothing is that much");
          }
        });
    changes.heard("node-2", new RecentChanges.Batch(new RecentChanges.Position(UUID.randomUUID(), 1), List.of(new RecentChanges.Aged(
        new RecentChange(1, 1, 0, "main", there, new Written(false, new Version(3, Instant.ofEpochSecond(1)), 0644), List.of()),
        Duration.ZERO))));
  }

  @AfterEach
  void close() {
    answers.countDown();
    sessions.forEach(VirtualFileSystem::close);
  }

  private VirtualFileSystem session(boolean isLocalDisk) {
    VirtualFileSystem session = new DetachedFileSystem(bulkheads.of("main", Optional.of(root)), () -> new ArrivingFileSystem(
        new RecordingFileSystem(VirtualFileSystem.open(root), changes, "main", VirtualPath.ROOT), changes, new OutsideNodes(new Slow()),
        "main"), () -> isLocalDisk);
    sessions.add(session);
    return session;
  }

  private interface Action {
    void run() throws IOException;
  }

  private static CompletableFuture<IOException> failing(Action action) {
    CompletableFuture<IOException> failed = new CompletableFuture<>();
    Thread.ofVirtual().start(() -> {
      try {
        action.run();
        failed.complete(null);
      } catch (IOException e) {
        failed.complete(e);
      } catch (RuntimeException | Error e) {
        failed.completeExceptionally(e);
      }
    });
    return failed;
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void whoeverWaitsForAnotherNode_holdsUpNobodyWhoWantsWhatIsHere(boolean isLocalDisk) throws Exception {
    Files.writeString(root.resolve("here"), "abc");
    List<CompletableFuture<IOException>> waiting = new ArrayList<>();
    for (int i = 0; i < SESSIONS; i++) {
      VirtualFileSystem session = session(isLocalDisk);
      boolean reads = i % 2 == 0;
      waiting.add(failing(() -> {
        if (reads) {
          session.open(there, OpenMode.READ, 0).abandon();
        } else {
          session.removeFile(there);
        }
      }));
    }
    Awaitility.await().atMost(SOON_SECONDS, TimeUnit.SECONDS).until(() -> asked.get() == SESSIONS);

    VirtualFileSystem other = session(isLocalDisk);
    OpenFile file = other.open(VirtualPath.parse("/new"), OpenMode.CREATE_NEW, 0600);
    file.write(ByteBuffer.wrap(new byte[5]), 0);
    file.close();
    assertEquals(3, other.stat(VirtualPath.parse("/here")).size());
    assertEquals(5, Files.size(root.resolve("new")));

    answers.countDown();
    for (CompletableFuture<IOException> one : waiting) {
      IOException failed = one.get(SOON_SECONDS, TimeUnit.SECONDS);
      assertTrue(failed instanceof VfsException, () -> "it failed by " + failed);
    }
    sessions.forEach(VirtualFileSystem::close);
    StorageBulkhead bulkhead = bulkheads.of("main", Optional.of(root));
    Awaitility.await().atMost(SOON_SECONDS, TimeUnit.SECONDS).until(bulkhead::isIdle);
    assertEquals(StorageBulkhead.MAX_CALLS, bulkhead.freePlaces(), "each place was given back once");
  }

  /** Each has a thread of its own on a storage that may hang. */
  @Test
  void noMoreThanSome_waitForOtherNodes_andTheRestIsToldToTryAgain() throws Exception {
    List<CompletableFuture<IOException>> waiting = new ArrayList<>();
    for (int i = 0; i < StorageBulkhead.MAX_OUTSIDE; i++) {
      VirtualFileSystem session = session(false);
      waiting.add(failing(() -> session.removeFile(there)));
    }
    Awaitility.await().atMost(SOON_SECONDS, TimeUnit.SECONDS).until(() -> asked.get() == StorageBulkhead.MAX_OUTSIDE);
    VirtualFileSystem oneMore = session(false);
    CompletableFuture<IOException> refused = failing(() -> oneMore.removeFile(there));
    VfsException e = (VfsException) refused.get(SOON_SECONDS, TimeUnit.SECONDS);
    assertEquals(VfsError.NOT_ARRIVED, e.error());
    assertTrue(e.getMessage().contains("too many wait"), e.getMessage());
    assertEquals(StorageBulkhead.MAX_OUTSIDE, asked.get());

    answers.countDown();
    for (CompletableFuture<IOException> one : waiting) {
      one.get(SOON_SECONDS, TimeUnit.SECONDS);
    }
    failing(() -> oneMore.removeFile(there)).get(SOON_SECONDS, TimeUnit.SECONDS);
    assertEquals(StorageBulkhead.MAX_OUTSIDE + 1, asked.get(), "who waited has left room");
  }
}
