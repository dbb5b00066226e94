package io.flotilla.vfs;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.flotilla.config.model.PathPermissions;
import io.flotilla.config.model.Permission;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Instant;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;

/** Where everything is permitted it does all a plain file system does, links included, though rules elsewhere differ. */
class PermittedFileSystemTest extends FileSystemContract {
  private static final OpenMode APPEND = new OpenMode(false, true, true, false, false, false);
  private static final int SWAPS = 3_000;

  @Override
  VirtualFileSystem open(Path root) throws VfsException {
    return session(root, Map.of("/", EnumSet.allOf(Permission.class), "/locked", Set.of()));
  }

  private static VirtualFileSystem session(Path root, Map<String, Set<Permission>> rules) throws VfsException {
    return session(VirtualFileSystem.open(root, Links.ONLY_CANONICAL), rules);
  }

  private static VirtualFileSystem session(VirtualFileSystem plain, Map<String, Set<Permission>> rules) throws VfsException {
    return new PermittedFileSystem(new PublishingFileSystem(plain, Links.ONLY_CANONICAL, "ann", new ActiveUploads()),
        PathRules.of(new PathPermissions(new TreeMap<>(rules))), Links.ONLY_CANONICAL);
  }

  /** A session with some permissions in /in and all elsewhere; /in/old is there. */
  private VirtualFileSystem in(Permission... permissions) throws IOException {
    Files.createDirectories(root.resolve("in"));
    Files.writeString(root.resolve("in/old"), "old");
    return session(root, Map.of("/", Permission.all(), "/in", Set.of(permissions)));
  }

  private static void denied(org.junit.jupiter.api.function.Executable action) {
    assertError(VfsError.PERMISSION_DENIED, action);
  }

  @Test
  void upload_showsOnesOwnThatBroke_andNothingElse() throws IOException {
    try (VirtualFileSystem session = in(Permission.UPLOAD)) {
      OpenFile broken = session.open(path("/in/new"), OpenMode.REPLACE, 0600);
      broken.write(bytes("1234"), 0);
      broken.abandon();
      assertEquals(4, session.stat(path("/in/new")).size());
      assertEquals(4, session.lstat(path("/in/new")).size());
      denied(() -> session.stat(path("/in/old")));
      assertError(VfsError.EXISTS, () -> session.open(path("/in/old"), OpenMode.CREATE_NEW, 0600));
      denied(() -> session.open(path("/in/old"), OpenMode.EDIT, 0600));
      try (OpenFile again = session.open(path("/in/new"), OpenMode.EDIT, 0600)) {
        again.write(bytes("5"), 4);
      }
      assertEquals("12345", Files.readString(root.resolve("in/new")));
      denied(() -> session.stat(path("/in/new")));
    }
  }

  @Test
  void noPermission_allowsNothing_andTellsNothing() throws IOException {
    try (VirtualFileSystem session = in()) {
      for (String name : new String[] {"/in/old", "/in/none"}) {
        denied(() -> session.stat(path(name)));
        denied(() -> session.lstat(path(name)));
        denied(() -> session.open(path(name), OpenMode.READ, 0));
        denied(() -> session.open(path(name), OpenMode.REPLACE, 0600));
        denied(() -> session.open(path(name), APPEND, 0600));
        denied(() -> session.removeFile(path(name)));
        denied(() -> session.rename(path(name), path("/out"), true));
        denied(() -> session.rename(path("/x"), path(name), true));
        denied(() -> session.makeDirectory(path(name), 0700));
        denied(() -> session.makeSymlink("x", path(name)));
        denied(() -> session.makeHardLink(path(name), path("/out")));
        denied(() -> session.setAttributes(path(name), AttributeChange.size(0), true));
      }
      denied(() -> session.list(path("/in")));
      denied(() -> session.stat(path("/in")));
      denied(() -> session.removeDirectory(path("/in")));
      denied(() -> session.rename(path("/in"), path("/out"), false));
      assertEquals("old", Files.readString(root.resolve("in/old")));
    }
  }

  @Test
  void dropBox_takesNewFilesOnly() throws IOException {
    try (VirtualFileSystem session = in(Permission.UPLOAD)) {
      assertTrue(session.stat(path("/in")).isDirectory());
      session.open(path("/in/new"), OpenMode.REPLACE, 0600).close();
      denied(() -> session.open(path("/in/new"), OpenMode.REPLACE, 0600));
      denied(() -> session.open(path("/in/old"), OpenMode.EDIT, 0600));
      denied(() -> session.open(path("/in/old"), OpenMode.READ, 0600));
      denied(() -> session.stat(path("/in/new")));
      OpenFile late = session.open(path("/in/late"), OpenMode.REPLACE, 0600);
      Files.writeString(root.resolve("in/late"), "another's");
      assertError(VfsError.EXISTS, late::close);
      assertEquals("another's", Files.readString(root.resolve("in/late")));
    }
  }

  @Test
  void brokenUpload_isGoneOnWith_withoutOverwrite() throws IOException {
    try (VirtualFileSystem session = in(Permission.UPLOAD, Permission.LIST)) {
      OpenFile broken = session.open(path("/in/big"), OpenMode.REPLACE, 0600);
      broken.write(bytes("12"), 0);
      broken.abandon();
      assertEquals(2, session.stat(path("/in/big")).size());
      OpenFile again = session.open(path("/in/big"), OpenMode.EDIT, 0600);
      again.write(bytes("3"), 2);
      again.close();
      assertEquals("123", Files.readString(root.resolve("in/big")));
    }
  }

  @Test
  void uploadThatIsGoneOnWith_replacesNothing_thatHasTakenItsName() throws IOException {
    OpenMode resume = new OpenMode(false, true, false, false, false, false);
    Files.writeString(root.resolve("victim"), "victim");
    try (VirtualFileSystem session = session(root, Map.of("/", EnumSet.of(Permission.LIST, Permission.UPLOAD, Permission.RENAME)))) {
      session.open(path("/x"), OpenMode.CREATE_NEW, 0600).abandon();
      OpenFile file = session.open(path("/x"), resume, 0600);
      session.rename(path("/victim"), path("/x"), false);
      assertEquals(VfsError.EXISTS, assertThrows(VfsException.class, file::close).error());
      assertEquals("victim", Files.readString(root.resolve("x")));
    }
    try (VirtualFileSystem session = session(root, Map.of("/", EnumSet.of(Permission.LIST, Permission.UPLOAD, Permission.APPEND)))) {
      session.open(path("/y"), OpenMode.CREATE_NEW, 0600).abandon();
      OpenFile file = session.open(path("/y"), new OpenMode(false, true, true, false, false, false), 0600);
      Files.writeString(root.resolve("y"), "of another session");
      assertEquals(VfsError.EXISTS, assertThrows(VfsException.class, file::close).error());
      assertEquals("of another session", Files.readString(root.resolve("y")));
    }
  }

  @Test
  void append_addsToTheEndOnly() throws IOException {
    try (VirtualFileSystem session = in(Permission.APPEND)) {
      denied(() -> session.open(path("/in/old"), OpenMode.EDIT, 0600));
      denied(() -> session.open(path("/in/new"), new OpenMode(false, true, true, true, false, false), 0600));
      OpenFile file = session.open(path("/in/old"), APPEND, 0600);
      file.write(bytes("+"), 0);
      denied(() -> file.setAttributes(AttributeChange.size(0)));
      file.close();
      assertEquals("old+", Files.readString(root.resolve("in/old")));
    }
  }

  @Test
  void reading_changesNoAttribute_alsoByTheOpenFile() throws IOException {
    try (VirtualFileSystem session = in(Permission.DOWNLOAD, Permission.LIST);
        OpenFile file = session.open(path("/in/old"), OpenMode.READ, 0)) {
      AttributeChange times = new AttributeChange(
          OptionalLong.empty(), OptionalInt.empty(), Optional.empty(), Optional.of(Instant.EPOCH));
      for (AttributeChange change : List.of(AttributeChange.size(0), AttributeChange.permissions(0777), times)) {
        denied(() -> file.setAttributes(change));
        denied(() -> session.setAttributes(path("/in/old"), change, true));
      }
    }
  }

  @Test
  void extraData_isReadByWhoMayLook_andWrittenByWhoMayWriteAnew() throws IOException {
    byte[] data = {1};
    try (VirtualFileSystem session = in(Permission.LIST, Permission.UPLOAD, Permission.APPEND, Permission.CHTIMES)) {
      Files.createDirectories(root.resolve("in/dir"));
      assertEquals(0, session.extraData(path("/in/old"), ExtraData.PROPERTIES).length);
      denied(() -> session.setExtraData(path("/in/old"), ExtraData.PROPERTIES, data));
      denied(() -> session.setExtraData(path("/in/dir"), ExtraData.PROPERTIES, data));
    }
    try (VirtualFileSystem session = in(Permission.LIST, Permission.OVERWRITE, Permission.MKDIR)) {
      session.setExtraData(path("/in/old"), ExtraData.PROPERTIES, data);
      session.setExtraData(path("/in/dir"), ExtraData.PROPERTIES, data);
    }
    try (VirtualFileSystem session = in(Permission.OVERWRITE, Permission.UPLOAD)) {
      denied(() -> session.extraData(path("/in/old"), ExtraData.PROPERTIES));
    }
  }

  @Test
  void rename_needsItAtBothEnds_andOverwriteForATakenName() throws IOException {
    try (VirtualFileSystem session = in(Permission.RENAME)) {
      Files.writeString(root.resolve("mine"), "mine");
      assertError(VfsError.EXISTS, () -> session.rename(path("/mine"), path("/in/old"), true));
      session.rename(path("/mine"), path("/in/mine"), true);
    }
    try (VirtualFileSystem session = in(Permission.LIST, Permission.DELETE)) {
      denied(() -> session.rename(path("/in/old"), path("/out"), false));
      session.removeFile(path("/in/old"));
    }
  }

  @Test
  void directoryWithPermissionsBeneath_isNotMovedAway() throws IOException {
    Files.createDirectories(root.resolve("a/b/locked"));
    try (VirtualFileSystem session = session(root, Map.of("/", Permission.all(), "/a/b/locked", Set.of(Permission.LIST)))) {
      denied(() -> session.rename(path("/a"), path("/c"), false));
      denied(() -> session.rename(path("/a/b"), path("/c"), false));
      Files.createDirectories(root.resolve("x/b/locked"));
      denied(() -> session.rename(path("/x"), path("/a"), true));
      session.rename(path("/x"), path("/y"), false);
    }
  }

  @Test
  void links_leadAroundNoRule() throws IOException {
    try (VirtualFileSystem session = in(Permission.LIST)) {
      session.makeSymlink("/in", path("/way"));
      session.makeSymlink("in/old", path("/file"));
      for (String name : new String[] {"/way/old", "/file", "/x/../way/./old"}) {
        denied(() -> session.open(path(name), OpenMode.READ, 0));
        denied(() -> session.open(path(name), OpenMode.REPLACE, 0));
        denied(() -> session.setAttributes(path(name), AttributeChange.size(0), true));
        denied(() -> session.makeHardLink(path("/way/old"), path("/stolen")));
      }
      denied(() -> session.removeFile(path("/way/old")));
      denied(() -> session.open(path("/way/new"), OpenMode.CREATE_NEW, 0600));
      assertEquals(3, session.stat(path("/file")).size());
      session.removeFile(path("/way"));
    }
  }

  /** A directory that turns into a link to a locked one, and back, all the time. */
  @Test
  void linkSwappedIn_betweenTheJudgementAndTheUse_changesNothingLocked() throws Exception {
    Path real = Files.createDirectories(root.resolve("d"));
    Files.createDirectories(root.resolve("locked"));
    Files.writeString(root.resolve("locked/f"), "locked");
    Path link = Files.createSymbolicLink(root.resolve("link"), Path.of("/locked"));
    AtomicBoolean done = new AtomicBoolean();
    Thread swapper = Thread.ofPlatform().start(() -> {
      Path aside = root.resolve("aside");
      try {
        for (int i = 0; i < SWAPS; i++) {
          Files.move(real, aside);
          Files.move(link, real, StandardCopyOption.ATOMIC_MOVE);
          Files.move(real, link, StandardCopyOption.ATOMIC_MOVE);
          Files.move(aside, real);
        }
      } catch (IOException e) {
        throw new IllegalStateException(e);
      } finally {
        done.set(true);
      }
    });
    while (!done.get()) {
      for (org.junit.jupiter.api.function.Executable attempt : new org.junit.jupiter.api.function.Executable[] {
          () -> write("/d/f", OpenMode.REPLACE, "x", 0), () -> files.removeFile(path("/d/f")),
          () -> files.makeDirectory(path("/d/sub"), 0700), () -> files.removeDirectory(path("/d/sub"))}) {
        try {
          attempt.execute();
        } catch (VfsException e) {
          continue; // which error it is depends on the moment
        } catch (Throwable e) {
          throw new AssertionError(e);
        }
      }
    }
    swapper.join();
    assertEquals("locked", Files.readString(root.resolve("locked/f")));
    assertEquals(1, root.resolve("locked").toFile().list().length);
  }

  @Test
  void rulesThatDiffer_needFileSystemsThatFollowNoLink() throws VfsException {
    PathRules rules = PathRules.of(new PathPermissions(new TreeMap<>(Map.of("/", Set.of(), "/a", Set.of()))));
    assertThrows(IllegalArgumentException.class, () -> new PermittedFileSystem(files, rules, Links.FOLLOW));
  }

  @Test
  void everyWord_isAPermission() {
    assertEquals(Set.of("list", "download", "upload", "overwrite", "append", "rename", "delete", "mkdir", "rmdir", "symlink",
        "chmod", "chtimes"), Set.copyOf(Arrays.stream(Permission.values()).map(Permission::id).toList()));
  }
}
