package io.flotilla.http.files;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.flotilla.vfs.VfsError;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.attribute.FileTime;
import java.time.Instant;
import java.util.Map;
import org.apache.pekko.http.javadsl.model.HttpResponse;
import org.apache.pekko.http.javadsl.model.headers.RawHeader;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Files and trees are moved and copied. */
class FilesMoveTest extends FilesFixture {
  private HttpResponse move(String from, String to, String... headers) {
    return relocate("MOVE", from, to, headers);
  }

  private HttpResponse copy(String from, String to, String... headers) {
    return relocate("COPY", from, to, headers);
  }

  private HttpResponse relocate(String method, String from, String to, String... headers) {
    return ask(request(method, from, headers).addHeader(
        RawHeader.create("Destination", to)), from);
  }

  private void writeTree() throws IOException {
    write("d/a", "x");
    write("d/sub/b", "y");
    Files.createSymbolicLink(root.resolve("d/link"), root.getFileSystem().getPath("sub/b"));
  }

  private void assertTree(String name) throws IOException {
    assertEquals("x", read(name + "/a"));
    assertEquals("y", read(name + "/sub/b"));
    assertEquals("sub/b", Files.readSymbolicLink(root.resolve(name + "/link")).toString());
    assertEquals(3, root.resolve(name).toFile().list().length);
  }

  @ParameterizedTest
  @ValueSource(strings = {"/files/b%20c", "http://host/files/b%20c", "HTTP://HOST:80/files/b%20c", "https://host:443/files/b%20c"})
  void move_file_isThereUnderItsNewName(String destination) {
    write("a", "x");
    HttpResponse response = move("/files/a", destination, "Host", "host");
    assertEquals(201, status(response));
    assertEquals("/files/b%20c", header(response, "Location"));
    assertEquals("x", read("b c"));
    assertEquals(1, entries());
  }

  @ParameterizedTest
  @ValueSource(strings = {"http://other/files/b", "http://host:81/files/b", "http://host:443/files/b", "http://[::1]/files/b"})
  void move_toAnotherServer_is502(String destination) {
    write("a", "x");
    assertProblem(502, move("/files/a", destination, "Host", "host"));
    assertProblem(502, move("/files/a", destination));
  }

  @ParameterizedTest
  @ValueSource(strings = {"/other/b", "b", "//host/files/b", "ftp://host/files/b", "http:///files/b", "http://u@host/files/b",
      "/files/../b", "/files/%2e%2e/b", "/files/a%2fb", "/files/b?x", "/filesb"})
  void move_toAMalformedDestination_is400(String destination) {
    write("a", "x");
    assertProblem(400, move("/files/a", destination, "Host", "host"));
    assertProblem(400, ask("MOVE", "/files/a", "Host", "host"));
    assertEquals("x", read("a"));
  }

  @Test
  void move_overAFile_onlyIfThatIsWanted() {
    write("a", "x");
    write("b", "old");
    assertProblem(412, move("/files/a", "/files/b", "Overwrite", "F"));
    assertProblem(400, move("/files/a", "/files/b", "Overwrite", "no"));
    assertEquals("old", read("b"));
    assertEquals(204, status(move("/files/a", "/files/b")));
    assertEquals("x", read("b"));
    assertEquals(1, entries());
  }

  @Test
  void move_treeOverATree_takesItsPlace() throws IOException {
    writeTree();
    write("e/old/file", "old");
    assertProblem(412, move("/files/d", "/files/e", "Overwrite", "F"));
    assertEquals("old", read("e/old/file"));
    assertEquals(204, status(move("/files/d/", "/files/e/")));
    assertTree("e");
    assertEquals(1, entries());
  }

  @Test
  void move_fileOverATree_andTreeOverAFile() throws IOException {
    write("a", "x");
    writeTree();
    assertEquals(204, status(move("/files/a", "/files/d/")));
    assertEquals("x", read("d"));
    assertProblem(409, move("/files/d", "/files/none/"));
    write("e/a", "y");
    assertEquals(204, status(move("/files/e", "/files/d")));
    assertEquals("y", read("d/a"));
  }

  @ParameterizedTest
  @ValueSource(strings = {"MOVE", "COPY"})
  void relocation_intoEachOther_isRefused(String method) throws IOException {
    writeTree();
    Files.createSymbolicLink(root.resolve("way"), root.getFileSystem().getPath("/d"));
    assertProblem(403, relocate(method, "/files/d", "/files/d"));
    assertProblem(403, relocate(method, "/files/d/a", "/files/way/a"));
    assertProblem(409, relocate(method, "/files/d", "/files/d/new"));
    assertProblem(409, relocate(method, "/files/d", "/files/way/new"));
    assertProblem(409, relocate(method, "/files/d/sub", "/files/d"));
    assertProblem(409, relocate(method, "/files/d/sub", "/files/"));
    assertProblem(409, relocate(method, "/files/d", "/files/none/d"));
    assertProblem(409, relocate(method, "/files/d", "/files/d/a/x"));
    assertProblem(404, relocate(method, "/files/none", "/files/b"));
    assertProblem(409, relocate(method, "/files/d/a", "/files/b/"));
    assertTree("d");
  }

  @Test
  void root_isNotMoved() {
    assertProblem(403, move("/files/", "/files/a"));
    assertProblem(409, copy("/files/", "/files/a"));
  }

  @Test
  void move_betweenDevices_copiesAndRemoves() throws IOException {
    storage = new FaultyStorage(Map.of("rename", VfsError.OTHER_DEVICE)); // as between mounted folders
    writeTree();
    FileTime time = FileTime.from(Instant.parse("2026-11-01T12:00:00Z"));
    Files.setLastModifiedTime(root.resolve("d/a"), time);
    write("e/old", "old");
    assertEquals(204, status(move("/files/d", "/files/e")));
    assertTree("e");
    assertEquals(time, Files.getLastModifiedTime(root.resolve("e/a")));
    assertEquals(204, status(move("/files/e/a", "/files/e/sub/b")));
    assertEquals("x", read("e/sub/b"));
    assertFalse(Files.exists(root.resolve("e/a")));
    assertFalse(Files.exists(root.resolve("d")));
  }

  @Test
  void relocation_thatIsNotAllowed_removesNothing() throws IOException {
    writeTree();
    write("e/old", "old");
    storage = new FaultyStorage(Map.of("rename", VfsError.PERMISSION_DENIED));
    assertProblem(403, move("/files/d", "/files/e"));
    storage = new FaultyStorage(Map.of("list", VfsError.PERMISSION_DENIED));
    assertProblem(403, copy("/files/d", "/files/e"));
    storage = new FaultyStorage(Map.of("open", VfsError.PERMISSION_DENIED));
    assertProblem(403, copy("/files/d/a", "/files/e"));
    storage = new FaultyStorage(Map.of("removeDirectory", VfsError.PERMISSION_DENIED)); // as where a folder is mounted
    assertProblem(403, copy("/files/d", "/files/e"));
    assertProblem(403, move("/files/d", "/files/e"));
    assertProblem(403, ask("DELETE", "/files/e?recursive=true"));
    assertEquals("old", read("e/old"));
    assertTree("d");
  }

  @Test
  void copy_file_leavesTheSource() {
    write("a", "x".repeat(600_000));
    assertEquals(201, status(copy("/files/a", "/files/b")));
    assertEquals(read("a"), read("b"));
    write("a", "short");
    assertEquals(204, status(copy("/files/a", "/files/b")));
    assertEquals("short", read("b"));
    assertProblem(412, copy("/files/a", "/files/b", "Overwrite", "F"));
    assertEquals(2, entries());
  }

  @Test
  void copy_tree_copiesLinksAsLinks() throws IOException {
    writeTree();
    assertEquals(201, status(copy("/files/d", "/files/e")));
    assertTree("d");
    assertTree("e");
    write("e/more", "old");
    assertEquals(204, status(copy("/files/d", "/files/e", "Depth", "infinity")));
    assertTree("e");
  }

  @Test
  void copy_depth0_isTheDirectoryAlone() throws IOException {
    writeTree();
    assertEquals(201, status(copy("/files/d", "/files/e", "Depth", "0")));
    assertTrue(Files.isDirectory(root.resolve("e")));
    assertEquals(0, root.resolve("e").toFile().list().length);
    assertProblem(400, copy("/files/d", "/files/f", "Depth", "1"));
    assertProblem(400, move("/files/d", "/files/f", "Depth", "0"));
  }

  @Test
  void relocation_ofABrokenUpload_is404_andOneOntoItIsNew() {
    breaksAfter = 1;
    put("/files/a", "xyz");
    assertProblem(404, move("/files/a", "/files/b"));
    assertProblem(404, copy("/files/a", "/files/b"));
    write("c", "whole");
    assertEquals(201, status(copy("/files/c", "/files/a", "Overwrite", "F")));
    assertEquals("whole", read("a"));
  }

  @Test
  void move_ifMatch_movesTheKnownStateOnly() {
    String tag = header(put("/files/a", "first"), "ETag");
    assertProblem(412, move("/files/a", "/files/b", "If-Match", "\"x\""));
    assertEquals(201, status(move("/files/a", "/files/b", "If-Match", tag)));
  }

  @Test
  void treesOfWhoIsNoLongerServed_areLeftAsTheyAre() throws Exception {
    Files.createDirectories(root.resolve("a/b"));
    Files.writeString(root.resolve("a/b/c.txt"), "c");
    isOver = true;
    assertEquals(500, status(ask("DELETE", "/files/a?recursive=true")));
    assertEquals(500, status(ask("COPY", "/files/a", "Destination", "/files/d")));
    assertEquals("c", Files.readString(root.resolve("a/b/c.txt")));
    assertFalse(Files.exists(root.resolve("d/b/c.txt")));
  }
}
