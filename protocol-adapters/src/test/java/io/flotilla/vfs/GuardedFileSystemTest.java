package io.flotilla.vfs;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;

/** A tree of a guarded storage does all a plain one does, as long as the storage is there. */
class GuardedFileSystemTest extends FileSystemContract {
  private static final String MARKER = ".here";

  @Override
  VirtualFileSystem open(Path root) throws VfsException {
    try {
      Files.createFile(root.resolveSibling(MARKER));
    } catch (IOException e) {
      throw VfsException.of(e, VirtualPath.ROOT);
    }
    try (VirtualFileSystem storage = storage(root.getParent())) {
      return storage.subtree(path("/" + root.getFileName()));
    }
  }

  private static VirtualFileSystem storage(Path directory) throws VfsException {
    VirtualFileSystem files = VirtualFileSystem.open(directory);
    return GuardedFileSystem.atRoot(files, StorageGuard.of("main", directory, MARKER, files));
  }

  @Test
  void storageWithoutMarker_isNotOpened() throws IOException {
    Path empty = Files.createDirectory(temp.resolve("empty"));
    assertError(VfsError.IO, () -> storage(empty));
    Files.createDirectory(empty.resolve(MARKER));
    assertError(VfsError.IO, () -> storage(empty));
    Files.delete(empty.resolve(MARKER));
    Files.createSymbolicLink(empty.resolve(MARKER), temp.resolve(MARKER));
    assertError(VfsError.IO, () -> storage(empty));
  }

  @Test
  void storageThatGoesWhileServing_isNotWrittenTo_untilItIsBack() throws IOException {
    Path mount = Files.createDirectory(temp.resolve("mount"));
    Files.createFile(mount.resolve(MARKER));
    Files.writeString(mount.resolve("old"), "old");
    try (VirtualFileSystem session = storage(mount)) {
      Path away = Files.move(mount, temp.resolve("away"));
      Files.createDirectory(mount);
      Awaitility.await().until(() -> isRefused(session, "/new"));
      assertError(VfsError.IO, () -> session.open(path("/old"), OpenMode.REPLACE, 0600));
      assertError(VfsError.IO, () -> session.makeDirectory(path("/d"), 0700));
      assertError(VfsError.IO, () -> session.removeFile(path("/old")));
      assertError(VfsError.IO, () -> session.rename(path("/old"), path("/other"), true));
      assertError(VfsError.IO, () -> session.setAttributes(path("/old"), AttributeChange.size(0), true));
      assertEquals(0, mount.toFile().list().length);

      Files.createFile(mount.resolve(MARKER));
      assertError(VfsError.IO, () -> session.removeFile(path("/old")));
      Files.delete(mount.resolve(MARKER));
      Files.delete(mount);
      Files.move(away, mount);
      session.removeFile(path("/old"));
    }
  }

  private static boolean isRefused(VirtualFileSystem session, String path) throws VfsException {
    try {
      session.open(path(path), OpenMode.EDIT, 0600).abandon();
      return false;
    } catch (VfsException e) {
      assertEquals(VfsError.IO, e.error());
      return true;
    }
  }

  /** As a storage that takes names in other letters for the same leads to the marker by them. */
  @Test
  void marker_isNotTouched_byOtherNamesOfTheSameFile() throws IOException {
    Path directory = Files.createDirectory(temp.resolve("guarded"));
    Path marker = Files.createFile(directory.resolve(MARKER));
    Files.createLink(directory.resolve("other-name"), marker);
    Files.createSymbolicLink(directory.resolve("link"), Path.of(MARKER));
    try (VirtualFileSystem session = storage(directory)) {
      for (String name : Set.of("/other-name", "/" + MARKER.toUpperCase(java.util.Locale.ROOT))) {
        assertError(VfsError.PERMISSION_DENIED, () -> session.open(path(name), OpenMode.REPLACE, 0600));
        assertError(VfsError.PERMISSION_DENIED, () -> session.removeFile(path(name)));
        assertError(VfsError.PERMISSION_DENIED, () -> session.rename(path(name), path("/x"), true));
        assertError(VfsError.PERMISSION_DENIED, () -> session.makeHardLink(path(name), path("/x")));
      }
      for (String name : Set.of("/link", "/other-name", "/" + MARKER)) {
        assertError(VfsError.PERMISSION_DENIED, () -> session.open(path(name), OpenMode.EDIT, 0600));
        assertError(VfsError.PERMISSION_DENIED, () -> session.setAttributes(path(name), AttributeChange.size(0), true));
        assertError(VfsError.PERMISSION_DENIED, () -> session.setAttributes(path(name), AttributeChange.permissions(0), true));
      }
      session.removeFile(path("/link"));
      session.open(path("/free"), OpenMode.CREATE_NEW, 0600).close();
    }
  }

  @Test
  void marker_isNotTouched_byAnyName() throws IOException {
    Files.createDirectory(temp.resolve("d"));
    try (VirtualFileSystem session = storage(temp)) {
      session.makeSymlink("/", path("/d/up"));
      for (String name : Set.of("/" + MARKER, "/d/up/" + MARKER)) {
        assertError(VfsError.PERMISSION_DENIED, () -> session.removeFile(path(name)));
        assertError(VfsError.PERMISSION_DENIED, () -> session.rename(path(name), path("/x"), true));
        assertError(VfsError.PERMISSION_DENIED, () -> session.open(path(name), OpenMode.REPLACE, 0));
      }
      session.open(path("/d/" + MARKER), OpenMode.CREATE_NEW, 0600).close();
      try (VirtualFileSystem beneath = session.subtree(path("/d"))) {
        beneath.removeFile(path("/" + MARKER));
      }
    }
  }
}
