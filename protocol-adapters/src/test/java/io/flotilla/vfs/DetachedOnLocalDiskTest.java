package io.flotilla.vfs;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;

/** On a disk of this machine it does all a plain file system does, and most of it without another thread. */
class DetachedOnLocalDiskTest extends FileSystemContract {
  private final StorageBulkheads bulkheads = new StorageBulkheads();
  private final List<Thread> threads = new CopyOnWriteArrayList<>();

  @Override
  VirtualFileSystem open(Path root) throws VfsException {
    return new DetachedFileSystem(
        bulkheads.of("main", Optional.of(root)), () -> new Watched(VirtualFileSystem.open(root)), () -> LocalDisk.holds(root, "/"));
  }

  /** Notes which threads it is used by. */
  private final class Watched extends InterceptedFileSystem {
    private final VirtualFileSystem files;

    Watched(VirtualFileSystem files) {
      this.files = files;
    }

    @Override
    <T> T perform(Use use, List<VirtualPath> paths, Operation<T> operation) throws VfsException {
      threads.add(Thread.currentThread());
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
      return new Watched(subtree);
    }

    @Override
    public void close() {
      files.close();
    }
  }

  @Test
  void callsAreMadeByTheThreadThatWantsThem_alsoInSubtrees() throws IOException {
    files.makeDirectory(path("/d"), 0700);
    try (OpenFile file = files.open(path("/d/f"), OpenMode.CREATE_NEW, 0600)) {
      file.write(ByteBuffer.wrap(new byte[3]), 0);
      assertEquals(3, file.attributes().size());
    }
    try (VirtualFileSystem subtree = files.subtree(path("/d"))) {
      assertEquals(3, subtree.stat(path("/f")).size());
    }
    assertTrue(threads.stream().allMatch(Thread.currentThread()::equals), threads::toString);
  }

  @Test
  void whatWasOpened_leavesNothingBehind() throws IOException {
    StorageBulkhead bulkhead = bulkheads.of("other", Optional.of(root));
    VirtualFileSystem session = new DetachedFileSystem(bulkhead, () -> VirtualFileSystem.open(root), () -> true);
    session.open(path("/f"), OpenMode.CREATE_NEW, 0600).close();
    OpenFile read = session.open(path("/f"), OpenMode.READ, 0);
    VirtualFileSystem subtree = session.subtree(path("/"));
    subtree.list(path("/")).close();
    assertFalse(bulkhead.hasDataCalls(), "no call is on its way");
    assertFalse(bulkhead.isIdle());
    read.close();
    subtree.close();
    session.close();
    Awaitility.await().until(bulkhead::isIdle); // a thread that closes may still be on its way back
  }

  @Test
  void whatIsNoDiskOfThisMachine_orUnknown_isNotTakenForOne() throws IOException {
    Files.createDirectory(root.resolve("caf\u00e9"));
    assertTrue(LocalDisk.holds(root, "/"));
    assertTrue(LocalDisk.holds(root, "/caf\u00e9"));
    assertFalse(LocalDisk.holds(Path.of("/"), "/proc"));
    assertFalse(LocalDisk.holds(root, "/missing"));
  }
}
