package io.flotilla.vfs;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;

/** While its storage answers it does all a plain file system does. */
class DetachedFileSystemTest extends FileSystemContract {
  private final StorageBulkheads bulkheads = new StorageBulkheads();

  @Override
  VirtualFileSystem open(java.nio.file.Path root) throws VfsException {
    return new DetachedFileSystem(bulkheads.of("main", Optional.of(root)), () -> VirtualFileSystem.open(root), () -> false);
  }

  /** A storage that hangs as long as it is told to, with ways into it that don't wait for long. */
  private final class Hanging {
    final CountDownLatch answers = new CountDownLatch(1);
    final AtomicInteger open = new AtomicInteger();
    private final StorageBulkhead bulkhead = bulkheads.of("nas", Optional.empty());

    DetachedFileSystem session() {
      return new DetachedFileSystem(bulkhead, () -> {
        hang();
        open.incrementAndGet();
        return VirtualFileSystem.open(root);
      }, () -> false);
    }

    /** Hangs one call for good, as far as its caller is concerned. */
    void giveUp(DetachedFileSystem session) {
      Thread.currentThread().interrupt(); // stands for the time that a caller waits
      assertError(VfsError.IO, () -> session.stat(path("/")));
      assertTrue(Thread.interrupted());
    }

    private void hang() throws VfsException {
      try {
        answers.await();
      } catch (InterruptedException e) {
        throw new VfsException(VfsError.IO, "interrupted");
      }
    }
  }

  @Test
  void isOpenedByItsFirstUse_andAgainIfThatFailed() throws IOException {
    AtomicInteger opened = new AtomicInteger();
    try (DetachedFileSystem session = new DetachedFileSystem(bulkheads.of("main", Optional.empty()), () -> {
      if (opened.incrementAndGet() == 1) {
        throw new VfsException(VfsError.IO, VirtualPath.ROOT, "it is away");
      }
      return VirtualFileSystem.open(root);
    }, () -> false)) {
      assertEquals(0, opened.get());
      assertError(VfsError.IO, () -> session.stat(path("/")));
      assertTrue(session.stat(path("/")).isDirectory());
      assertTrue(session.stat(path("/")).isDirectory());
      assertEquals(2, opened.get());
    }
  }

  @Test
  void afterACallThatHangs_everyUseFailsAtOnce_untilItHasComeBack() throws IOException {
    Hanging nas = new Hanging();
    DetachedFileSystem session = nas.session();
    nas.giveUp(session);
    assertError(VfsError.IO, () -> session.list(path("/")));
    assertError(VfsError.IO, () -> session.open(path("/f"), OpenMode.CREATE_NEW, 0600));
    assertFalse(Files.exists(root.resolve("f")), "what failed is not done later");

    nas.answers.countDown();
    Awaitility.await().until(() -> answers(session));
    assertEquals(1, nas.open.get(), "no other call was made beside it");
    session.close();
  }

  @Test
  void writeThatDidNotComeToTheFile_leavesItUnfinished_whateverComesAfterIt() throws IOException {
    Files.writeString(root.resolve("f"), "old");
    try (DetachedFileSystem session = new DetachedFileSystem(bulkheads.of("main", Optional.empty()),
        () -> new PublishingFileSystem(VirtualFileSystem.open(root), Links.FOLLOW, "ann", new ActiveUploads()), () -> false)) {
      OpenFile file = session.open(path("/f"), OpenMode.REPLACE, 0600);
      file.write(ByteBuffer.wrap(new byte[5]), 0);
      Thread.currentThread().interrupt(); // stands for the time that it waits for its turn
      assertError(VfsError.IO, () -> file.write(ByteBuffer.wrap(new byte[5]), 5));
      assertTrue(Thread.interrupted());
      file.write(ByteBuffer.wrap(new byte[5]), 10);
      assertError(VfsError.IO, file::close);
    }
    assertEquals("old", Files.readString(root.resolve("f")));
  }

  private static boolean answers(VirtualFileSystem session) {
    try {
      return session.stat(path("/")).isDirectory();
    } catch (VfsException e) {
      return false;
    }
  }

  @Test
  void whatIsClosedWhileItHangs_isClosedWhenItAnswers() throws IOException {
    CountDownLatch answers = new CountDownLatch(1);
    AtomicInteger closed = new AtomicInteger();
    VirtualFileSystem plain = VirtualFileSystem.open(root);
    DetachedFileSystem session = new DetachedFileSystem(bulkheads.of("nas", Optional.empty()), () -> {
      try {
        answers.await();
      } catch (InterruptedException e) {
        throw new VfsException(VfsError.IO, "interrupted");
      }
      return new ClosingFileSystem(plain, closed);
    }, () -> false);
    Thread.currentThread().interrupt();
    assertError(VfsError.IO, () -> session.stat(path("/")));
    assertTrue(Thread.interrupted());
    session.close();
    assertEquals(0, closed.get());
    answers.countDown();
    Awaitility.await().until(() -> closed.get() == 1);
  }

  /** A descriptor that is closed twice may be another file's by then. */
  @Test
  void whatIsOpenedTooLate_isClosedOnce() throws IOException {
    CountDownLatch answers = new CountDownLatch(1);
    AtomicInteger closed = new AtomicInteger();
    StorageBulkhead bulkhead = bulkheads.of("nas", Optional.empty());
    DetachedFileSystem session = new DetachedFileSystem(bulkhead, () -> {
      try {
        answers.await();
      } catch (InterruptedException e) {
        throw new VfsException(VfsError.IO, "interrupted");
      }
      return new ClosingFileSystem(VirtualFileSystem.open(root), closed);
    }, () -> false);
    Thread.currentThread().interrupt();
    assertError(VfsError.IO, session::open);
    assertTrue(Thread.interrupted());
    session.close();
    answers.countDown();
    Awaitility.await().until(bulkhead::isIdle);
    assertEquals(1, closed.get());
  }

  /** Counts how often it is closed. */
  private static final class ClosingFileSystem extends InterceptedFileSystem {
    private final VirtualFileSystem files;
    private final AtomicInteger closed;

    ClosingFileSystem(VirtualFileSystem files, AtomicInteger closed) {
      this.files = files;
      this.closed = closed;
    }

    @Override
    <T> T perform(Use use, List<VirtualPath> paths, Operation<T> operation) throws VfsException {
      return operation.on(files);
    }

    @Override
    OpenFile opened(OpenFile file, OpenMode mode) {
      return file;
    }

    @Override
    DirectoryListing opened(DirectoryListing listing) {
      return listing;
    }

    @Override
    VirtualFileSystem opened(VirtualFileSystem subtree, VirtualPath directory) {
      return subtree;
    }

    @Override
    public void close() {
      files.close();
      closed.incrementAndGet();
    }
  }

  @Test
  void asManyCallsHangAsMay_andTheNextOnesFail_andOtherStoragesGoOn() throws Exception {
    Hanging nas = new Hanging();
    List<DetachedFileSystem> sessions = new ArrayList<>();
    for (int i = 0; i < StorageBulkhead.MAX_CALLS; i++) {
      sessions.add(nas.session());
      nas.giveUp(sessions.getLast());
    }
    DetachedFileSystem oneMore = nas.session();
    nas.giveUp(oneMore);
    try (VirtualFileSystem other = open(root)) {
      assertTrue(other.stat(path("/")).isDirectory());
    }
    sessions.forEach(DetachedFileSystem::close);
    nas.answers.countDown();
    Awaitility.await().until(() -> nas.open.get() == StorageBulkhead.MAX_CALLS);
    assertTrue(oneMore.stat(path("/")).isDirectory(), "the next one was never made, so its session can go on");
    oneMore.close();
  }

  @Test
  void largeDirectory_isListedWhole() throws IOException {
    for (int i = 0; i < 600; i++) {
      Files.createFile(root.resolve("f" + i));
    }
    assertEquals(600, list("/").size());
  }
}
