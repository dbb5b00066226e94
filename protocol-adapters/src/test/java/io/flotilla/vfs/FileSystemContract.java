package io.flotilla.vfs;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.time.Instant;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.api.io.TempDir;

/** What every file system does, however it keeps its paths in the root. */
abstract class FileSystemContract {
  @TempDir Path temp;
  Path root;
  Path outside;
  VirtualFileSystem files;

  abstract VirtualFileSystem open(Path root) throws VfsException;

  @BeforeEach
  void openRoot() throws IOException {
    root = Files.createDirectory(temp.resolve("root"));
    outside = Files.createDirectory(temp.resolve("outside"));
    Files.writeString(outside.resolve("secret"), "secret");
    files = open(root);
  }

  @AfterEach
  void closeRoot() {
    files.close();
  }

  @Test
  void write_newFile_isReadBack() throws VfsException {
    write("/a", OpenMode.CREATE_NEW, "hello", 0);
    assertEquals("hello", read("/a"));
    assertEquals(5, files.stat(path("/a")).size());
    assertEquals(FileAttributes.Kind.FILE, files.stat(path("/a")).kind());
  }

  @Test
  void open_byMode_createsTruncatesOrRefuses() throws VfsException {
    assertError(VfsError.NOT_FOUND, () -> files.open(path("/a"), OpenMode.READ, 0));
    write("/a", OpenMode.EDIT, "12345", 0);
    write("/a", OpenMode.EDIT, "xx", 1);
    assertEquals("1xx45", read("/a"));
    write("/a", OpenMode.REPLACE, "new", 0);
    assertEquals("new", read("/a"));
    assertError(VfsError.EXISTS, () -> files.open(path("/a"), OpenMode.CREATE_NEW, 0600));
    write("/a", new OpenMode(false, true, true, false, false, false), "+1", 0);
    write("/a", new OpenMode(true, true, true, false, false, false), "+2", 0);
    assertEquals("new+1+2", read("/a"));
    files.makeDirectory(path("/d"), 0755);
    assertError(VfsError.IS_A_DIRECTORY, () -> files.open(path("/d"), OpenMode.READ, 0));
    assertError(VfsError.IS_A_DIRECTORY, () -> files.open(path("/d"), OpenMode.EDIT, 0600));
    assertError(VfsError.IS_A_DIRECTORY, () -> files.open(VirtualPath.ROOT, OpenMode.EDIT, 0600));
    assertError(VfsError.NOT_A_DIRECTORY, () -> files.open(path("/a/b"), OpenMode.EDIT, 0600));
  }

  @Test
  void transferTo_sendsAPart_andNothingAtTheEnd() throws IOException {
    write("/a", OpenMode.CREATE_NEW, "0123456789", 0);
    java.io.ByteArrayOutputStream sent = new java.io.ByteArrayOutputStream();
    var channel = java.nio.channels.Channels.newChannel(sent);
    OpenFile file = files.open(path("/a"), OpenMode.READ, 0);
    assertEquals(4, file.transferTo(3, 4, channel));
    assertEquals(2, file.transferTo(8, 100, channel));
    assertEquals(0, file.transferTo(10, 1, channel));
    assertEquals(0, file.transferTo(1000, 1, channel));
    assertEquals("345689", sent.toString(java.nio.charset.StandardCharsets.US_ASCII));
    file.close();
    OpenFile writer = files.open(path("/a"), OpenMode.EDIT, 0);
    assertError(VfsError.PERMISSION_DENIED, () -> {
      try {
        writer.transferTo(0, 1, channel);
      } catch (VfsException e) {
        throw e;
      } catch (IOException e) {
        throw new java.io.UncheckedIOException(e);
      }
    });
    writer.close();
  }

  @Test
  void open_wrongDirection_isRefused() throws VfsException {
    write("/a", OpenMode.EDIT, "x", 0);
    try (OpenFile reading = files.open(path("/a"), OpenMode.READ, 0);
        OpenFile writing = files.open(path("/a"), OpenMode.EDIT, 0)) {
      assertError(VfsError.PERMISSION_DENIED, () -> reading.write(bytes("y"), 0));
      assertError(VfsError.PERMISSION_DENIED, () -> writing.read(ByteBuffer.allocate(1), 0));
      assertError(VfsError.TOO_LARGE, () -> writing.write(bytes("yy"), Long.MAX_VALUE));
    }
  }

  @Test
  void directories_areMadeListedAndRemoved() throws VfsException {
    files.makeDirectory(path("/d"), 0755);
    assertError(VfsError.EXISTS, () -> files.makeDirectory(path("/d"), 0755));
    assertError(VfsError.EXISTS, () -> files.makeDirectory(VirtualPath.ROOT, 0755));
    assertError(VfsError.NOT_FOUND, () -> files.makeDirectory(path("/x/y"), 0755));
    Set<String> names = new TreeSet<>();
    for (int i = 0; i < 700; i++) {
      String name = "file-with-a-rather-long-name-" + i;
      names.add(name);
      write("/d/" + name, OpenMode.EDIT, "x", 0);
    }
    assertEquals(names, list("/d"));
    assertError(VfsError.NOT_EMPTY, () -> files.removeDirectory(path("/d")));
    assertError(VfsError.NOT_A_DIRECTORY, () -> files.removeDirectory(path("/d/" + names.iterator().next())));
    assertError(VfsError.IS_A_DIRECTORY, () -> files.removeFile(path("/d")));
    for (String name : names) {
      files.removeFile(path("/d/" + name));
    }
    files.removeDirectory(path("/d"));
    assertError(VfsError.NOT_FOUND, () -> files.list(path("/d")));
    assertError(VfsError.PERMISSION_DENIED, () -> files.removeDirectory(VirtualPath.ROOT));
  }

  @Test
  void rename_takenTarget_isRefusedUnlessReplacing() throws VfsException {
    write("/a", OpenMode.EDIT, "a", 0);
    write("/b", OpenMode.EDIT, "b", 0);
    assertError(VfsError.EXISTS, () -> files.rename(path("/a"), path("/b"), false));
    assertEquals("b", read("/b"));
    files.rename(path("/a"), path("/b"), true);
    assertEquals("a", read("/b"));
    assertEquals(Set.of("b"), list("/"));
    files.makeDirectory(path("/d"), 0755);
    files.rename(path("/b"), path("/d/c"), false);
    assertEquals("a", read("/d/c"));
    assertError(VfsError.NOT_FOUND, () -> files.rename(path("/none"), path("/x"), false));
    assertThrows(VfsException.class, () -> files.rename(path("/d"), path("/d/e"), false));
  }

  @Test
  void links_withinTheRoot_areFollowed() throws VfsException {
    files.makeDirectory(path("/d"), 0755);
    write("/d/f", OpenMode.EDIT, "text", 0);
    files.makeSymlink("f", path("/d/relative"));
    files.makeSymlink("/d/f", path("/absolute"));
    files.makeSymlink("/d", path("/dir"));
    assertEquals("text", read("/d/relative"));
    assertEquals("text", read("/absolute"));
    assertEquals("text", read("/dir/f"));
    assertEquals("/d/f", files.readSymlink(path("/absolute")));
    assertTrue(files.lstat(path("/absolute")).isSymlink());
    assertFalse(files.stat(path("/absolute")).isSymlink());
    assertEquals("/d/f", files.canonical(path("/dir/relative")).toString());
    assertTrue(files.canonical(VirtualPath.ROOT).isRoot());
    assertError(VfsError.UNSUPPORTED, () -> files.readSymlink(path("/d/f")));
    assertError(VfsError.INVALID_NAME, () -> files.makeSymlink("", path("/empty")));
    files.removeFile(path("/absolute"));
    assertEquals("text", read("/d/f"), "removing a link leaves its target");
  }

  @Test
  void links_thatLeadOut_reachNothingOutside() throws IOException {
    String up = "../".repeat(30);
    String secret = outside.resolve("secret").toString();
    int n = 0;
    for (String target : new String[] {secret, up + secret, "../outside/secret", "/../outside/secret", "/proc/self/cwd"}) {
      String link = "/link" + n++;
      files.makeSymlink(target, path(link));
      assertError(VfsError.NOT_FOUND, () -> files.open(path(link), OpenMode.READ, 0));
      assertError(VfsError.NOT_FOUND, () -> files.stat(path(link)));
      assertThrows(VfsException.class, () -> write(link, OpenMode.REPLACE, "changed", 0));
      assertThrows(VfsException.class, () -> files.setAttributes(path(link), AttributeChange.permissions(0777), true));
    }
    Files.createSymbolicLink(root.resolve("dir"), outside);
    assertError(VfsError.NOT_FOUND, () -> files.list(path("/dir")));
    assertError(VfsError.NOT_FOUND, () -> files.makeDirectory(path("/dir/x"), 0755));
    assertError(VfsError.NOT_FOUND, () -> files.removeFile(path("/dir/secret")));
    assertError(VfsError.NOT_FOUND, () -> files.rename(path("/dir/secret"), path("/stolen"), false));
    assertError(VfsError.NOT_FOUND, () -> files.makeHardLink(path("/dir/secret"), path("/stolen")));
    assertError(VfsError.NOT_FOUND, () -> files.subtree(path("/dir")));
    assertEquals("secret", Files.readString(outside.resolve("secret")));
    try (var left = Files.list(outside)) {
      assertEquals(1, left.count());
    }
  }

  @Test
  void links_loopOrLongChain_endInAnError() throws VfsException {
    files.makeSymlink("loop", path("/loop"));
    assertError(VfsError.TOO_MANY_LINKS, () -> files.stat(path("/loop")));
    files.makeSymlink("chain1", path("/chain0"));
    for (int i = 1; i < 42; i++) {
      files.makeSymlink("chain" + (i + 1), path("/chain" + i));
    }
    write("/chain42", OpenMode.EDIT, "x", 0);
    assertError(VfsError.TOO_MANY_LINKS, () -> files.open(path("/chain0"), OpenMode.READ, 0));
    files.removeFile(path("/loop"));
    assertError(VfsError.NOT_FOUND, () -> files.lstat(path("/loop")));
  }

  @Test
  void hardLink_ofALink_isTheLinkItself() throws VfsException {
    write("/a", OpenMode.EDIT, "x", 0);
    files.makeHardLink(path("/a"), path("/b"));
    assertEquals(2, files.stat(path("/b")).links());
    assertEquals(files.stat(path("/a")).key(), files.stat(path("/b")).key());
    assertError(VfsError.EXISTS, () -> files.makeHardLink(path("/a"), path("/b")));
  }

  @Test
  void setAttributes_changesOnlyWhatIsGiven_andDropsSpecialBits() throws VfsException {
    write("/a", OpenMode.EDIT, "12345", 0);
    Instant time = Instant.parse("2001-02-03T04:05:06Z");
    files.setAttributes(path("/a"), new AttributeChange(
        OptionalLong.of(3), OptionalInt.of(07640), Optional.empty(), Optional.of(time)), true);
    FileAttributes after = files.stat(path("/a"));
    assertEquals(3, after.size());
    assertEquals(0640, after.permissions());
    assertEquals(time, after.modified());
    files.setAttributes(path("/a"), AttributeChange.size(1000), true);
    assertEquals(1000, files.stat(path("/a")).size());
    files.makeSymlink("a", path("/link"));
    files.setAttributes(path("/link"), new AttributeChange(
        OptionalLong.empty(), OptionalInt.empty(), Optional.empty(), Optional.of(time.plusSeconds(1))), false);
    assertEquals(time.plusSeconds(1), files.lstat(path("/link")).modified());
    files.makeDirectory(path("/d"), 07777);
    assertEquals(0, files.stat(path("/d")).permissions() & 07000);
    assertError(VfsError.IS_A_DIRECTORY, () -> files.setAttributes(path("/d"), AttributeChange.size(0), true));
  }

  @Test
  void names_thatAreOdd_areKeptExactly() throws IOException {
    Set<String> names = new TreeSet<>(Set.of("-rf", " ", "a b", "'\"$(id)`", "line\nbreak", "\u001b[31m", "naïve-日本",
        "é", "e\u0301", "file\r\nDELE x", "a".repeat(255), "trailing.", "..a", "\u202Ertl", "\\", "🚢"));
    for (String name : names) {
      write("/" + name, OpenMode.CREATE_NEW, name, 0);
    }
    assertEquals(names, list("/"));
    for (String name : names) {
      assertEquals(name, read("/" + name));
      assertTrue(Files.exists(root.resolve(name), LinkOption.NOFOLLOW_LINKS));
    }
  }

  @Test
  void subtree_isARootOfItsOwn() throws VfsException {
    files.makeDirectory(path("/d"), 0755);
    write("/secret", OpenMode.EDIT, "x", 0);
    try (VirtualFileSystem sub = files.subtree(path("/d"))) {
      sub.open(path("/f"), OpenMode.CREATE_NEW, 0644).close();
      sub.makeSymlink("../secret", path("/link"));
      assertError(VfsError.NOT_FOUND, () -> sub.stat(path("/link")));
      assertError(VfsError.NOT_FOUND, () -> sub.stat(path("/../secret")));
    }
    assertEquals(Set.of("f", "link"), list("/d"));
    assertError(VfsError.NOT_A_DIRECTORY, () -> files.subtree(path("/secret")));
  }

  @Test
  void extraData_goesWithTheName_ofFilesAndDirectories() throws VfsException {
    write("/a", OpenMode.EDIT, "x", 0);
    files.makeDirectory(path("/d"), 0755);
    for (String name : new String[] {"/a", "/d"}) {
      assertEquals(0, files.extraData(path(name), ExtraData.PROPERTIES).length);
      files.setExtraData(path(name), ExtraData.PROPERTIES, "first".getBytes(UTF_8));
      files.setExtraData(path(name), ExtraData.PROPERTIES, "2nd".getBytes(UTF_8));
      files.rename(path(name), path(name + "2"), false);
      assertEquals("2nd", new String(files.extraData(path(name + "2"), ExtraData.PROPERTIES), UTF_8));
      files.setExtraData(path(name + "2"), ExtraData.PROPERTIES, new byte[0]);
      files.setExtraData(path(name + "2"), ExtraData.PROPERTIES, new byte[0]);
      assertEquals(0, files.extraData(path(name + "2"), ExtraData.PROPERTIES).length);
    }
    assertError(VfsError.NOT_FOUND, () -> files.extraData(path("/none"), ExtraData.PROPERTIES));
    assertError(VfsError.NOT_FOUND, () -> files.setExtraData(path("/none"), ExtraData.PROPERTIES, new byte[1]));
  }

  @Test
  void space_isThatOfTheStorage() throws VfsException {
    SpaceInfo space = files.space(VirtualPath.ROOT);
    assertTrue(space.blocks() > 0 && space.availableBlocks() <= space.blocks() && space.blockSize() >= 512);
    files.syncDirectory(VirtualPath.ROOT);
  }

  @Test
  void errors_neverNameAServerPath() {
    for (Executable action : new Executable[] {
        () -> files.open(path("/none"), OpenMode.READ, 0), () -> files.list(path("/none")),
        () -> files.removeFile(path("/none")), () -> files.readSymlink(path("/none")),
        () -> files.rename(path("/none"), path("/x"), true), () -> files.makeDirectory(path("/x/y"), 0)}) {
      VfsException e = assertThrows(VfsException.class, action);
      assertFalse(e.getMessage().contains(temp.toString()), e.getMessage());
      assertNull(e.getCause());
    }
  }

  final void write(String path, OpenMode mode, String text, long position) throws VfsException {
    try (OpenFile file = files.open(path(path), mode, 0644)) {
      file.write(bytes(text), position);
    }
  }

  final String read(String path) throws VfsException {
    ByteBuffer buffer = ByteBuffer.allocate(10_000);
    try (OpenFile file = files.open(path(path), OpenMode.READ, 0)) {
      file.read(buffer, 0);
      assertEquals(-1, file.read(ByteBuffer.allocate(1), buffer.position()));
    }
    return new String(buffer.array(), 0, buffer.position(), UTF_8);
  }

  final Set<String> list(String path) throws VfsException {
    Set<String> names = new TreeSet<>();
    try (DirectoryListing listing = files.list(path(path))) {
      for (var entry = listing.next(); entry != null; entry = listing.next()) {
        assertTrue(names.add(entry.name()), "listed twice: " + entry.name());
      }
    }
    return names;
  }

  static VirtualPath path(String text) throws VfsException {
    return VirtualPath.parse(text);
  }

  static ByteBuffer bytes(String text) {
    return ByteBuffer.wrap(text.getBytes(UTF_8));
  }

  static void assertError(VfsError expected, Executable action) {
    VfsException e = assertThrows(VfsException.class, action);
    assertEquals(expected, e.error(), e.getMessage());
  }
}
