package io.flotilla.vfs;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.flotilla.config.model.UserSettings.Quota;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.UUID;
import org.junit.jupiter.api.Test;

/** With room enough it does all a plain file system does, and what it counted is what is there. */
class QuotaFileSystemTest extends FileSystemContract {
  private static final TreeScans.OfStorage SCANNERS = new TreeScans().of("main");
  private final ActiveUploads active = new ActiveUploads();

  @Override
  VirtualFileSystem open(Path root) throws VfsException {
    return session(root, Long.MAX_VALUE, Long.MAX_VALUE, new Usage(SCANNERS));
  }

  private VirtualFileSystem session(Path root, long bytes, long files, Usage usage) throws VfsException {
    Usage.Source source = () -> VirtualFileSystem.open(root);
    usage.refresh(source);
    assertTrue(usage.awaitFirst(Duration.ofSeconds(30)));
    return new QuotaFileSystem(new PublishingFileSystem(VirtualFileSystem.open(root), Links.FOLLOW, "ann", active), usage,
        new Quota(OptionalLong.of(bytes), OptionalLong.of(files)), source, () -> { });
  }

  private static void put(VirtualFileSystem session, String path, OpenMode mode, String text) throws VfsException {
    try (OpenFile file = session.open(path(path), mode, 0600)) {
      file.write(bytes(text), 0);
    }
  }

  private static void over(org.junit.jupiter.api.function.Executable action) {
    assertError(VfsError.QUOTA_EXCEEDED, action);
  }

  private void assertCounted(long bytes, long count, Usage usage) {
    assertEquals(List.of(bytes, count), List.of(usage.bytes(), usage.files()));
    Usage again = new Usage(SCANNERS);
    again.scan(() -> VirtualFileSystem.open(root), () -> { });
    assertEquals(List.of(again.bytes(), again.files()), List.of(usage.bytes(), usage.files()), "as a scan finds it");
  }

  @Test
  void whatIsThere_isCounted_alsoInDirectories() throws IOException {
    Files.createDirectories(root.resolve("a/b"));
    Files.writeString(root.resolve("a/b/f"), "12345");
    Files.writeString(root.resolve("g"), "1");
    Files.createSymbolicLink(root.resolve("link"), Path.of("a"));
    Usage usage = new Usage(SCANNERS);
    try (VirtualFileSystem session = session(root, 7, 100, usage)) {
      assertCounted(6, 3, usage);
      over(() -> put(session, "/new", OpenMode.REPLACE, "12"));
      assertEquals(Set.of("a", "g", "link"), list("/"));
      put(session, "/other", OpenMode.REPLACE, "");
    }
  }

  @Test
  void uploadOverQuota_isNotPublished_andTheOldFileStays() throws IOException {
    Files.writeString(root.resolve("old"), "1234");
    Usage usage = new Usage(SCANNERS);
    try (VirtualFileSystem session = session(root, 6, 100, usage)) {
      OpenFile file = session.open(path("/old"), OpenMode.REPLACE, 0600);
      file.write(bytes("123456"), 0);
      over(() -> file.write(bytes("7"), 6));
      over(file::close);
      assertEquals("1234", Files.readString(root.resolve("old")));
      assertEquals(4, usage.bytes());

      put(session, "/old", OpenMode.REPLACE, "123456");
      assertCounted(6, 1, usage);
      put(session, "/old", OpenMode.REPLACE, "1");
      assertCounted(1, 1, usage);
    }
  }

  @Test
  void uploadOverQuota_leavesItsRoomToOthers() throws IOException {
    Files.writeString(root.resolve("old"), "1234");
    Usage usage = new Usage(SCANNERS);
    try (VirtualFileSystem session = session(root, 10, 100, usage)) {
      OpenFile dropped = session.open(path("/new"), OpenMode.REPLACE, 0600);
      dropped.write(bytes("123456"), 0);
      over(() -> dropped.write(bytes("7"), 6));
      dropped.abandon();
      assertCounted(4, 1, usage);
      assertEquals(List.of("old"), List.of(root.toFile().list()), "no partial stays");

      OpenFile edited = session.open(path("/old"), OpenMode.EDIT, 0600);
      over(() -> edited.write(bytes("12345678901"), 0));
      over(edited::close);
      assertEquals("1234", Files.readString(root.resolve("old")), "a finished file is not emptied");

      put(session, "/other", OpenMode.REPLACE, "123456");
      assertCounted(10, 2, usage);
    }
  }

  @Test
  void replacement_afterABrokenOne_isNotRefusedByItsLeftover() throws IOException {
    Files.writeString(root.resolve("a"), "1234567890");
    try (VirtualFileSystem session = session(root, 15, 100, new Usage(SCANNERS))) {
      OpenFile broken = session.open(path("/a"), OpenMode.REPLACE, 0600);
      broken.write(bytes("123456789"), 0);
      broken.abandon();
    }
    Usage usage = new Usage(SCANNERS);
    try (VirtualFileSystem session = session(root, 15, 100, usage)) {
      assertEquals(19, usage.bytes());
      OpenFile file = session.open(path("/a"), OpenMode.REPLACE, 0600);
      file.write(bytes("1234567890"), 0);
      file.write(bytes("12"), 10);
      file.close();
      assertCounted(12, 1, usage);
    }
  }

  @Test
  void scan_countsRunningUploadsByWhatTheyReserved() throws IOException {
    Files.writeString(root.resolve("a"), "1234");
    Usage usage = new Usage(SCANNERS);
    try (VirtualFileSystem session = session(root, 100, 100, usage)) {
      OpenFile replacement = session.open(path("/a"), OpenMode.REPLACE, 0600);
      replacement.write(bytes("123456"), 0);
      OpenFile added = session.open(path("/b"), OpenMode.REPLACE, 0600);
      added.write(bytes("123"), 0);
      usage.scan(() -> VirtualFileSystem.open(root), () -> { });
      assertEquals(List.of(9L, 2L), List.of(usage.bytes(), usage.files()));
      replacement.close();
      added.close();
      assertCounted(9, 2, usage);
    }
  }

  @Test
  void rename_ontoARunningUploadsName_takesNothingAway() throws IOException {
    Files.writeString(root.resolve("small"), "1");
    Usage usage = new Usage(SCANNERS);
    try (VirtualFileSystem session = session(root, 100, 100, usage)) {
      OpenFile upload = session.open(path("/x"), OpenMode.REPLACE, 0600);
      upload.write(bytes("12345"), 0);
      session.rename(path("/small"), path("/x"), true);
      assertEquals(List.of(6L, 2L), List.of(usage.bytes(), usage.files()));
      upload.close();
      assertCounted(5, 1, usage);
    }
  }

  @Test
  void rename_ontoALeftoversName_takesNothingAway() throws IOException {
    Files.writeString(root.resolve("small"), "1");
    Usage usage = new Usage(SCANNERS);
    try (VirtualFileSystem session = session(root, 100, 100, usage)) {
      OpenFile broken = session.open(path("/x"), OpenMode.REPLACE, 0600);
      broken.write(bytes("12345"), 0);
      broken.abandon();
      session.rename(path("/small"), path("/x"), true);
      assertCounted(6, 2, usage);
    }
  }

  @Test
  void replacedFile_thatAnotherSessionRemovesMeanwhile_isSubtractedOnce() throws IOException {
    Files.writeString(root.resolve("a"), "1234");
    Files.writeString(root.resolve("b"), "1234");
    Usage usage = new Usage(SCANNERS);
    try (VirtualFileSystem session = session(root, 100, 100, usage); VirtualFileSystem other = session(root, 100, 100, usage)) {
      OpenFile upload = session.open(path("/a"), OpenMode.REPLACE, 0600);
      upload.write(bytes("123456"), 0);
      other.removeFile(path("/a"));
      upload.close();
      assertCounted(10, 2, usage);
    }
  }

  @Test
  void replacedFile_thatItsOwnSessionRemovesMeanwhile_isSubtracted() throws IOException {
    Files.writeString(root.resolve("a"), "1234");
    Usage usage = new Usage(SCANNERS);
    try (VirtualFileSystem session = session(root, 100, 100, usage)) {
      OpenFile upload = session.open(path("/a"), OpenMode.REPLACE, 0600);
      upload.write(bytes("1"), 0);
      session.removeFile(path("/a"));
      upload.close();
      assertCounted(1, 1, usage);
    }
  }

  @Test
  void fileMadeShorterByItsPath_isCountedAgainAsItGrows() throws IOException {
    Files.writeString(root.resolve("edited"), "");
    for (String name : List.of("/edited", "/new")) {
      Usage usage = new Usage(SCANNERS);
      try (VirtualFileSystem session = session(root, 8, 100, usage)) {
        OpenFile file = session.open(path(name), OpenMode.EDIT, 0600);
        file.write(bytes("12345"), 0);
        session.setAttributes(path(name), AttributeChange.size(0), true);
        assertEquals(0, usage.bytes());
        file.write(bytes("12345"), 0);
        assertEquals(5, usage.bytes());
        over(() -> file.write(bytes("6789"), 5));
        file.abandon();
        if (name.equals("/edited")) { // of the other one nothing stays
          session.removeFile(path(name));
        }
        assertEquals(0, usage.bytes());
      }
    }
  }

  @Test
  void everyChange_isCounted() throws IOException {
    Usage usage = new Usage(SCANNERS);
    try (VirtualFileSystem session = session(root, 100, 4, usage)) {
      put(session, "/a", OpenMode.CREATE_NEW, "12345");
      put(session, "/a", OpenMode.EDIT, "1234567");
      assertCounted(7, 1, usage);
      put(session, "/a", new OpenMode(false, true, true, false, false, false), "8");
      assertCounted(8, 1, usage);
      session.setAttributes(path("/a"), AttributeChange.size(3), true);
      assertCounted(3, 1, usage);
      over(() -> session.setAttributes(path("/a"), AttributeChange.size(101), true));
      put(session, "/b", OpenMode.CREATE_NEW, "12");
      session.makeHardLink(path("/b"), path("/c"));
      session.makeSymlink("b", path("/d"));
      assertCounted(7, 4, usage);
      over(() -> put(session, "/e", OpenMode.CREATE_NEW, ""));
      over(() -> session.makeSymlink("b", path("/e")));
      session.rename(path("/a"), path("/b"), true);
      assertCounted(5, 3, usage);
      session.rename(path("/b"), path("/b"), true);
      session.removeFile(path("/c"));
      session.removeFile(path("/d"));
      assertError(VfsError.NOT_FOUND, () -> session.removeFile(path("/d")));
      assertCounted(3, 1, usage);
      try (OpenFile open = session.open(path("/b"), OpenMode.EDIT, 0600)) {
        over(() -> open.setAttributes(AttributeChange.size(1000)));
      } catch (VfsException e) {
        assertEquals(VfsError.QUOTA_EXCEEDED, e.error());
      }
      assertCounted(3, 1, usage);
    }
  }

  @Test
  void brokenUpload_isCounted_andGoneOnWith() throws IOException {
    Usage usage = new Usage(SCANNERS);
    try (VirtualFileSystem session = session(root, 6, 1, usage)) {
      OpenFile broken = session.open(path("/f"), OpenMode.REPLACE, 0600);
      broken.write(bytes("1234"), 0);
      broken.abandon();
      assertCounted(4, 1, usage);
      OpenFile again = session.open(path("/f"), OpenMode.EDIT, 0600);
      again.write(bytes("56"), 4);
      again.close();
      assertCounted(6, 1, usage);
    }
  }

  @Test
  void manySessions_countAsOne_andNeverGoOver() throws Exception {
    Usage usage = new Usage(SCANNERS);
    List<Thread> threads = new ArrayList<>();
    for (int i = 0; i < 8; i++) {
      VirtualFileSystem session = session(root, 1000, 1000, usage);
      int number = i;
      threads.add(Thread.ofPlatform().start(() -> {
        try (session) {
          for (int k = 0; k < 40; k++) {
            put(session, "/f" + number + "-" + k, OpenMode.REPLACE, "0123456789");
          }
        } catch (VfsException e) {
          assertEquals(VfsError.QUOTA_EXCEEDED, e.error());
        }
      }));
    }
    for (Thread thread : threads) {
      thread.join();
    }
    long published = 0;
    for (String name : list("/")) {
      published += Files.size(root.resolve(name));
    }
    assertEquals(1000, published);
  }

  /** Of a node that shows what another has, which fails whatever is asked of it but removals. */
  private VirtualFileSystem sharing(long bytes, Usage usage, List<String> there) throws VfsException {
    RecentChanges changes = new RecentChanges("node-1", _ -> Duration.ofMinutes(10), () -> System.nanoTime() / 1000, System::nanoTime,
        new RecentChanges.Events() {
          @Override
          public void conflict(RecentChanges.Conflict conflict) {
            // What is written over what has not arrived is one.
          }

          @Override
          public void forgotten(String node, int count) {
            throw new AssertionError("nothing is that much");
          }
        });
    List<RecentChanges.Aged> heard = new ArrayList<>();
    for (String name : there) {
      heard.add(new RecentChanges.Aged(new RecentChange(heard.size() + 1, heard.size() + 1, 0, "main", path(name),
          new RecentChange.Written(false, new RecentChange.Version(90, Instant.ofEpochSecond(1)), 0644), List.of()), Duration.ZERO));
    }
    changes.heard("node-2", new RecentChanges.Batch(new RecentChanges.Position(UUID.randomUUID(), heard.size()), heard));
    OtherNodes others = new OtherNodes() {
      @Override
      public Optional<OpenFile> open(String node, Location file, RecentChange.Version version) throws VfsException {
        throw new VfsException(VfsError.NOT_ARRIVED, file.path());
      }

      @Override
      public boolean remove(String node, Location entry, RecentChange.Removed what) {
        return true;
      }

      @Override
      public boolean rename(String node, Location entry, VirtualPath to, boolean replace, RecentChange.Written what) {
        return true;
      }
    };
    Usage.Source source = () -> VirtualFileSystem.open(root);
    usage.refresh(source);
    assertTrue(usage.awaitFirst(Duration.ofSeconds(30)));
    VirtualFileSystem shown = new ArrivingFileSystem(
        new RecordingFileSystem(VirtualFileSystem.open(root), changes, "main", VirtualPath.ROOT), changes, others, "main");
    return new QuotaFileSystem(new PublishingFileSystem(shown, Links.FOLLOW, "ann", active), usage,
        new Quota(OptionalLong.of(bytes), OptionalLong.of(100)), source, () -> { });
  }

  @Test
  void fileOfAnotherNode_takesNoRoom_whetherItIsReplacedRemovedOrRenamed() throws IOException {
    Usage usage = new Usage(SCANNERS);
    try (VirtualFileSystem session = sharing(100, usage, List.of("/a", "/b", "/c", "/d"))) {
      assertEquals(90, session.stat(path("/b")).size());
      put(session, "/a", OpenMode.REPLACE, "x".repeat(90));
      assertCounted(90, 1, usage);
      over(() -> put(session, "/b", OpenMode.REPLACE, "x".repeat(90)));
      assertCounted(90, 1, usage);
      put(session, "/b", OpenMode.REPLACE, "1234567890");
      assertCounted(100, 2, usage);
      session.removeFile(path("/c"));
      assertCounted(100, 2, usage);
      session.rename(path("/d"), path("/b"), true);
      assertCounted(100, 2, usage);
      session.removeFile(path("/a"));
      assertCounted(10, 1, usage);
    }
  }
}
