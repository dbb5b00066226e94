package io.flotilla.vfs;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** A session's file system does all a plain one does, and publishes uploads at once or not at all. */
class PublishingFileSystemTest extends FileSystemContract {
  private final ActiveUploads active = new ActiveUploads();
  private VirtualFileSystem bob;
  private VirtualFileSystem again;

  @Override
  VirtualFileSystem open(Path root) throws VfsException {
    bob = new PublishingFileSystem(VirtualFileSystem.open(root), Links.FOLLOW, "bob", active);
    again = new PublishingFileSystem(VirtualFileSystem.open(root), Links.FOLLOW, "ann", active);
    return new PublishingFileSystem(VirtualFileSystem.open(root), Links.FOLLOW, "ann", active);
  }

  @AfterEach
  void closeOthers() {
    bob.close();
    again.close();
    files.close();
    assertEquals(0, active.size());
  }

  @Test
  void newUpload_isSeenByItsSessionOnly_untilClosed() throws IOException {
    OpenFile upload = files.open(path("/a"), OpenMode.REPLACE, 0640);
    upload.write(bytes("half"), 0);
    assertEquals(4, files.stat(path("/a")).size());
    assertEquals(Set.of("a"), list("/"));
    assertEquals("half", read("/a"));
    assertError(VfsError.NOT_FOUND, () -> bob.stat(path("/a")));
    assertError(VfsError.NOT_FOUND, () -> bob.open(path("/a"), OpenMode.READ, 0));
    assertEquals(null, bob.list(VirtualPath.ROOT).next());
    upload.write(bytes("+rest"), 4);
    upload.close();
    assertEquals(9, bob.stat(path("/a")).size());
    assertEquals(0640, bob.stat(path("/a")).permissions());
    assertEquals(1, entries().length);
  }

  @Test
  void brokenOverwrite_leavesTheOldFileUntouched() throws IOException {
    write("/a", OpenMode.REPLACE, "old", 0);
    files.setAttributes(path("/a"), AttributeChange.permissions(0604), true);
    OpenFile upload = files.open(path("/a"), OpenMode.REPLACE, 0644);
    upload.write(bytes("new contents"), 0);
    assertEquals(12, files.stat(path("/a")).size(), "the session sees what it writes");
    assertEquals(3, bob.stat(path("/a")).size());
    upload.abandon();
    assertEquals("old", Files.readString(root.resolve("a")));
    assertEquals(3, files.stat(path("/a")).size(), "the finished file wins");
    write("/a", OpenMode.REPLACE, "newer", 0);
    assertEquals("newer", read("/a"));
    assertEquals(0604, files.stat(path("/a")).permissions());
    assertEquals(1, entries().length, "the leftover was used up");
  }

  @Test
  void newContents_keepWhatIsKeptBesideTheFile() throws IOException {
    write("/a", OpenMode.REPLACE, "old", 0);
    OpenFile upload = files.open(path("/a"), OpenMode.REPLACE, 0644);
    bob.setExtraData(path("/a"), ExtraData.PROPERTIES, new byte[] {1, 2}); // also what comes meanwhile
    upload.close();
    assertEquals(0, files.stat(path("/a")).size());
    assertEquals(2, files.extraData(path("/a"), ExtraData.PROPERTIES).length);
  }

  @Test
  void brokenUpload_isShownToItsOwnerAndResumed() throws IOException {
    OpenFile upload = files.open(path("/a"), OpenMode.REPLACE, 0644);
    upload.write(bytes("first"), 0);
    files.close(); // the connection is lost
    assertEquals(5, again.stat(path("/a")).size());
    assertEquals(null, again.list(VirtualPath.ROOT).next());
    assertError(VfsError.NOT_FOUND, () -> bob.stat(path("/a")));
    assertError(VfsError.NOT_FOUND, () -> again.open(path("/a"), OpenMode.READ, 0));
    OpenFile resumed = again.open(path("/a"), new OpenMode(false, true, false, false, false, false), 0);
    resumed.write(bytes("+second"), 5);
    resumed.close();
    assertEquals("first+second", Files.readString(root.resolve("a")));
    assertEquals(1, entries().length);
  }

  @Test
  void newerUploadOfTheSameUser_takesOver() throws IOException {
    OpenFile stale = files.open(path("/a"), OpenMode.REPLACE, 0644);
    stale.write(bytes("12345"), 0);
    OpenFile resumed = again.open(path("/a"), OpenMode.EDIT, 0644);
    assertEquals(5, resumed.attributes().size());
    assertError(VfsError.BUSY, () -> stale.write(bytes("damage"), 0));
    assertError(VfsError.BUSY, stale::close);
    resumed.write(bytes("67"), 5);
    OpenFile fresh = files.open(path("/a"), OpenMode.REPLACE, 0644);
    assertError(VfsError.BUSY, () -> resumed.write(bytes("damage"), 0));
    fresh.write(bytes("fresh"), 0);
    fresh.close();
    assertError(VfsError.BUSY, resumed::close);
    assertEquals("fresh", Files.readString(root.resolve("a")));
    assertEquals(1, entries().length);
  }

  @Test
  void twoUsers_neverShareAPartial() throws IOException {
    OpenFile mine = files.open(path("/a"), OpenMode.REPLACE, 0644);
    OpenFile his = bob.open(path("/a"), OpenMode.REPLACE, 0644);
    mine.write(bytes("mine"), 0);
    his.write(bytes("bobs"), 0);
    assertEquals(2, entries().length);
    mine.close();
    assertEquals("mine", Files.readString(root.resolve("a")));
    his.close();
    assertEquals("bobs", Files.readString(root.resolve("a")));
  }

  @Test
  void exclusiveUpload_doesNotReplaceWhatCameMeanwhile() throws IOException {
    OpenFile mine = files.open(path("/a"), OpenMode.CREATE_NEW, 0644);
    Files.writeString(root.resolve("a"), "came first");
    assertError(VfsError.EXISTS, mine::close);
    assertEquals("came first", Files.readString(root.resolve("a")));
  }

  @Test
  void partials_haveNoNameForClients() throws IOException {
    OpenFile upload = files.open(path("/a"), OpenMode.REPLACE, 0644);
    upload.write(bytes("x"), 0);
    String partial = "/" + entries()[0];
    assertTrue(partial.startsWith("/.flotilla-part-") && partial.length() < 256);
    for (VirtualFileSystem session : new VirtualFileSystem[] {files, bob}) {
      assertError(VfsError.NOT_FOUND, () -> session.stat(path(partial)));
      assertError(VfsError.NOT_FOUND, () -> session.open(path(partial), OpenMode.EDIT, 0644));
      assertError(VfsError.NOT_FOUND, () -> session.removeFile(path(partial)));
      assertError(VfsError.NOT_FOUND, () -> session.rename(path(partial), path("/b"), true));
      assertError(VfsError.INVALID_NAME, () -> session.rename(path("/a"), path(partial), true));
      assertError(VfsError.INVALID_NAME, () -> session.makeSymlink("." + partial, path("/link")));
      assertError(VfsError.NOT_FOUND, () -> session.makeHardLink(path(partial), path("/link")));
      assertError(VfsError.INVALID_NAME, () -> session.makeDirectory(path(partial), 0755));
    }
    upload.close();
  }

  @Test
  void failedWrite_isNeverPublished() throws IOException {
    OpenFile upload = files.open(path("/a"), OpenMode.REPLACE, 0644);
    upload.write(bytes("x"), 0);
    assertError(VfsError.TOO_LARGE, () -> upload.write(bytes("yy"), Long.MAX_VALUE));
    assertError(VfsError.IO, upload::close);
    assertFalse(Files.exists(root.resolve("a")));
  }

  @Test
  void directoryMovedDuringAnUpload_theFileIsPublishedInIt() throws IOException {
    files.makeDirectory(path("/d"), 0755);
    OpenFile upload = files.open(path("/d/a"), OpenMode.REPLACE, 0644);
    upload.write(bytes("x"), 0);
    files.rename(path("/d"), path("/e"), false);
    upload.close();
    assertEquals("x", read("/e/a"));
  }

  @Test
  void directoryWithOwnLeftovers_canBeRemoved() throws IOException {
    files.makeDirectory(path("/d"), 0755);
    files.open(path("/d/a"), OpenMode.REPLACE, 0644).abandon();
    OpenFile his = bob.open(path("/d/b"), OpenMode.REPLACE, 0644);
    assertError(VfsError.NOT_EMPTY, () -> files.removeDirectory(path("/d")));
    his.close();
    bob.removeFile(path("/d/b"));
    files.removeDirectory(path("/d"));
    assertEquals(0, entries().length);
  }

  @Test
  void removeOfABrokenUpload_removesThePartial() throws IOException {
    files.open(path("/a"), OpenMode.REPLACE, 0644).abandon();
    assertEquals(1, entries().length);
    files.removeFile(path("/a"));
    assertEquals(0, entries().length);
    assertError(VfsError.NOT_FOUND, () -> files.removeFile(path("/a")));
  }

  @Test
  void overwriteThroughALink_replacesItsTarget() throws IOException {
    files.makeDirectory(path("/d"), 0755);
    write("/d/f", OpenMode.REPLACE, "old", 0);
    files.makeSymlink("d/f", path("/link"));
    write("/link", OpenMode.REPLACE, "new", 0);
    assertEquals("new", Files.readString(root.resolve("d/f")));
    assertTrue(Files.isSymbolicLink(root.resolve("link")));
  }

  private String[] entries() throws IOException {
    try (Stream<Path> all = Files.walk(root)) {
      return all.filter(file -> !file.equals(root)).map(file -> file.getFileName().toString()).toArray(String[]::new);
    }
  }

  /** An interrupt stands for the time that is waited. */
  @Test
  void uploadThatIsBeingFinished_isNotWaitedForWithoutAnEnd_norTakenOver() throws IOException {
    OpenFile first = files.open(path("/a"), OpenMode.REPLACE, 0600);
    first.write(bytes("first"), 0);
    Object key = first.attributes().key();
    Thread.currentThread().interrupt();
    assertError(VfsError.BUSY, () -> active.revoke(key));
    assertTrue(Thread.interrupted());
    ActiveUploads.Name name = new ActiveUploads.Name("directory", "partial");
    Thread.currentThread().interrupt();
    assertError(VfsError.BUSY, () -> active.lockSoon(name, path("/a")));
    assertTrue(Thread.interrupted());
    assertEquals(1, active.size(), "who gave up leaves no lock behind");
    first.close();
    assertEquals("first", Files.readString(root.resolve("a")));
  }
}
