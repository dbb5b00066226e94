package io.flotilla.vfs;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A home with a folder at /shared, one within it at /shared/deep, one at /way/down, and one that is not available. */
class MountedFileSystemTest {
  @TempDir private Path temp;
  private Path home;
  private Path shared;
  private MountedFileSystem files;

  @BeforeEach
  void mount() throws IOException {
    home = Files.createDirectory(temp.resolve("home"));
    shared = Files.createDirectory(temp.resolve("shared"));
    Path deep = Files.createDirectory(temp.resolve("deep"));
    Files.writeString(deep.resolve("in-deep"), "x");
    Files.createDirectories(home.resolve("shared/covered"));
    files = new MountedFileSystem(VirtualFileSystem.open(home), Map.of(
        path("/shared"), VirtualFileSystem.open(shared),
        path("/shared/deep"), VirtualFileSystem.open(deep),
        path("/way/down"), VirtualFileSystem.open(deep),
        path("/gone"), unavailable()));
  }

  @AfterEach
  void unmount() {
    files.close();
  }

  @Test
  void mounts_showInListings_inPlaceOfWhatTheHomeHasThere() throws IOException {
    Files.writeString(shared.resolve("in-shared"), "x");
    Files.writeString(home.resolve("own"), "x");
    assertEquals(Set.of("own", "shared", "way", "gone"), list("/"));
    assertEquals(Set.of("in-shared", "deep"), list("/shared"));
    assertEquals(Set.of("in-deep"), list("/shared/deep"));
    assertEquals(Set.of("down"), list("/way"));
    assertEquals(Set.of("in-deep"), list("/way/down"));
    Files.createDirectories(home.resolve("way/real"));
    assertEquals(Set.of("down", "real"), list("/way"));
    for (String name : new String[] {"/", "/shared", "/shared/deep", "/way", "/way/down", "/gone"}) {
      assertTrue(files.stat(path(name)).isDirectory(), name);
      assertTrue(files.lstat(path(name)).isDirectory(), name);
    }
    assertEquals("/way", files.canonical(path("/way")).toString());
    assertEquals("/gone", files.canonical(path("/gone")).toString());
    assertEquals("/shared/in-shared", files.canonical(path("/shared/in-shared")).toString());
  }

  @Test
  void files_goWhereTheyBelong_andErrorsNameThePathOfTheClient() throws IOException {
    files.open(path("/shared/f"), OpenMode.CREATE_NEW, 0644).close();
    files.makeDirectory(path("/shared/d"), 0755);
    files.rename(path("/shared/f"), path("/shared/d/f"), false);
    assertTrue(Files.exists(shared.resolve("d/f")));
    VfsException e = org.junit.jupiter.api.Assertions.assertThrows(
        VfsException.class, () -> files.open(path("/shared/none"), OpenMode.READ, 0));
    assertEquals("/shared/none: no such file or directory", e.getMessage());
  }

  @Test
  void failuresOfAnOpenFile_nameThePathOfTheClient() throws IOException {
    try (OpenFile file = files.open(path("/shared/f"), OpenMode.CREATE_NEW, 0644)) {
      VfsException e = org.junit.jupiter.api.Assertions.assertThrows(
          VfsException.class, () -> file.read(java.nio.ByteBuffer.allocate(1), 0));
      assertEquals("/shared/f: it was opened for writing only", e.getMessage());
    }
  }

  @Test
  void mounts_andTheWayToThem_stay() throws IOException {
    Files.createDirectories(home.resolve("way"));
    for (String name : new String[] {"/shared", "/shared/deep", "/way", "/way/down", "/gone"}) {
      FileSystemContract.assertError(VfsError.PERMISSION_DENIED, () -> files.removeDirectory(path(name)));
      FileSystemContract.assertError(VfsError.PERMISSION_DENIED, () -> files.removeFile(path(name)));
      FileSystemContract.assertError(VfsError.PERMISSION_DENIED, () -> files.rename(path(name), path("/x"), true));
      FileSystemContract.assertError(VfsError.PERMISSION_DENIED, () -> files.rename(path("/own"), path(name), true));
      FileSystemContract.assertError(VfsError.PERMISSION_DENIED, () -> files.makeSymlink("x", path(name)));
      FileSystemContract.assertError(VfsError.EXISTS, () -> files.makeDirectory(path(name), 0755));
      FileSystemContract.assertError(VfsError.IS_A_DIRECTORY, () -> files.open(path(name), OpenMode.REPLACE, 0644));
    }
  }

  @Test
  void namesAreNotMoved_toAnotherFileSystem() throws IOException {
    Files.writeString(home.resolve("own"), "x");
    FileSystemContract.assertError(VfsError.OTHER_DEVICE, () -> files.rename(path("/own"), path("/shared/own"), false));
    FileSystemContract.assertError(VfsError.OTHER_DEVICE, () -> files.makeHardLink(path("/own"), path("/shared/own")));
    FileSystemContract.assertError(
        VfsError.OTHER_DEVICE, () -> files.rename(path("/shared/deep/in-deep"), path("/shared/x"), false));
  }

  @Test
  void links_stayInTheirFileSystem() throws IOException {
    Files.writeString(shared.resolve("secret"), "x");
    files.makeSymlink("/shared/secret", path("/link"));
    files.makeSymlink("../shared/secret", path("/shared/up"));
    files.makeSymlink("/secret", path("/shared/here"));
    FileSystemContract.assertError(VfsError.NOT_FOUND, () -> files.stat(path("/link")));
    FileSystemContract.assertError(VfsError.NOT_FOUND, () -> files.stat(path("/shared/up")));
    assertEquals("/shared/secret", files.canonical(path("/shared/here")).toString());
  }

  @Test
  void unavailableStorage_failsEveryUse() throws VfsException {
    FileSystemContract.assertError(VfsError.IO, () -> files.list(path("/gone")));
    FileSystemContract.assertError(VfsError.IO, () -> files.open(path("/gone/f"), OpenMode.CREATE_NEW, 0644));
    FileSystemContract.assertError(VfsError.IO, () -> files.makeDirectory(path("/gone/d"), 0755));
    FileSystemContract.assertError(VfsError.IO, () -> files.rename(path("/gone/f"), path("/gone/x"), true));
  }

  @Test
  void subtree_hasTheMountsBeneath() throws VfsException {
    try (VirtualFileSystem sub = files.subtree(path("/shared"))) {
      assertTrue(sub.stat(path("/deep/in-deep")).size() > 0);
    }
    assertTrue(files.stat(path("/shared/deep/in-deep")).size() > 0);
  }

  /** One whose storage is away. */
  private static VirtualFileSystem unavailable() {
    return new DetachedFileSystem(new StorageBulkheads().of("gone", Optional.empty()), () -> {
      throw new VfsException(VfsError.IO, VirtualPath.ROOT, "the storage is not available");
    }, () -> false);
  }

  private Set<String> list(String path) throws VfsException {
    Set<String> names = new TreeSet<>();
    try (DirectoryListing listing = files.list(path(path))) {
      for (var entry = listing.next(); entry != null; entry = listing.next()) {
        assertTrue(names.add(entry.name()), "listed twice: " + entry.name());
      }
    }
    return names;
  }

  private static VirtualPath path(String text) throws VfsException {
    return VirtualPath.parse(text);
  }
}
