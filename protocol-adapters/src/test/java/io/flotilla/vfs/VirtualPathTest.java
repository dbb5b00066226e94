package io.flotilla.vfs;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import org.junit.jupiter.api.Test;

class VirtualPathTest {
  @Test
  void parse_spellingsOfOneFile_haveOneCanonicalPath() throws VfsException {
    for (String spelling : new String[] {
        "/a/b", "a/b", "//a//b", "/a/./b/", "/a/c/../b", "/../a/b", "../../a/b", "/a/b/.", "./a/b", "/x/../../a/b"}) {
      assertEquals("/a/b", VirtualPath.parse(spelling).toString(), spelling);
    }
    for (String spelling : new String[] {"", "/", ".", "..", "/..", "/.././..", "//", "a/.."}) {
      assertTrue(VirtualPath.parse(spelling).isRoot(), spelling);
    }
  }

  @Test
  void parse_whatNoFileCanBeCalled_isRefused() {
    assertEquals(VfsError.INVALID_NAME, error("/a\0b"));
    assertEquals(VfsError.NAME_TOO_LONG, error("/" + "a".repeat(256)));
    assertEquals(VfsError.NAME_TOO_LONG, error("/" + "é".repeat(128)));
    assertEquals(VfsError.NAME_TOO_LONG, error("/a".repeat(2049)));
    assertEquals(VfsError.NAME_TOO_LONG, error("../".repeat(4000)));
    assertEquals(VfsError.INVALID_NAME, error("/\uD800"));
    assertEquals(VfsError.INVALID_NAME, error("/\uDCC3\uDCA9"), "a second spelling of é");
  }

  @Test
  void parse_longestNames_areTaken() throws VfsException {
    assertEquals(255, VirtualPath.parse("/" + "a".repeat(255)).name().length());
    assertEquals(2048, VirtualPath.parse("/a".repeat(2048)).names().size());
  }

  @Test
  void child_withSlashOrDots_isRefused() {
    for (String name : new String[] {"", ".", "..", "a/b", "/"}) {
      assertThrows(VfsException.class, () -> VirtualPath.ROOT.child(name), name);
    }
  }

  @Test
  void isWithin_siblingWithTheSamePrefix_isNotWithin() throws VfsException {
    assertFalse(VirtualPath.parse("/data/public").isWithin(VirtualPath.parse("/data/pub")));
    assertTrue(VirtualPath.parse("/data/pub/x").isWithin(VirtualPath.parse("/data/pub")));
  }

  @Property
  void parse_anyBytes_areCanonicalOrRefused(@ForAll("hostilePaths") byte[] bytes) {
    VirtualPath path;
    try {
      path = VirtualPath.parse(bytes);
    } catch (VfsException e) {
      assertTrue(e.error() == VfsError.INVALID_NAME || e.error() == VfsError.NAME_TOO_LONG);
      return;
    }
    for (String name : path.names()) {
      assertFalse(name.isEmpty() || name.equals(".") || name.equals("..") || name.indexOf('/') >= 0
          || name.indexOf('\0') >= 0, path.toString());
    }
    try {
      assertEquals(path, VirtualPath.parse(path.toString()));
    } catch (VfsException e) {
      throw new AssertionError("a canonical path is not parsed again: " + path, e);
    }
  }

  @Property
  void names_anyBytes_roundTrip(@ForAll byte[] bytes) {
    assertArrayEquals(bytes, ByteNames.encode(ByteNames.decode(bytes)));
  }

  @Provide
  Arbitrary<byte[]> hostilePaths() {
    Arbitrary<String> part = Arbitraries.of("..", ".", "", "/", "//", "a", "é", "\0", "\\", "%2e%2e", "a".repeat(255), "\n");
    Arbitrary<byte[]> made = part.list().ofMaxSize(20).map(parts -> String.join("/", parts).getBytes(
        java.nio.charset.StandardCharsets.UTF_8));
    return Arbitraries.oneOf(made, Arbitraries.bytes().array(byte[].class).ofMaxSize(300));
  }

  private static VfsError error(String path) {
    return assertThrows(VfsException.class, () -> VirtualPath.parse(path)).error();
  }
}
