package io.flotilla.http.files;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.flotilla.vfs.VfsError;
import java.io.IOException;
import java.nio.file.Files;
import java.util.List;
import java.util.Map;
import org.apache.pekko.http.javadsl.model.ContentTypes;
import org.apache.pekko.http.javadsl.model.HttpEntities;
import org.apache.pekko.http.javadsl.model.HttpResponse;
import org.apache.pekko.stream.javadsl.Source;
import org.apache.pekko.util.ByteString;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Files are put, whole or in parts, directories are made, and both are removed. */
class FilesWriteTest extends FilesFixture {
  @Test
  void put_newFile_is201_andTheTagIsTheOneOfGet() {
    HttpResponse response = put("/files/a%20b", "hello");
    assertEquals(201, status(response));
    assertEquals("/files/a%20b", header(response, "Location"));
    assertEquals("hello", read("a b"));
    assertEquals(header(ask("HEAD", "/files/a%20b"), "ETag"), header(response, "ETag"));
    assertEquals(List.of("/a b UPLOAD COMPLETED"), transferred());
    assertEquals(1, entries());
  }

  @Test
  void put_existingFile_is204() {
    write("a", "a longer text");
    HttpResponse response = put("/files/a", "");
    assertEquals(204, status(response));
    assertNull(header(response, "Location"));
    assertEquals("", read("a"));
    assertEquals(header(ask("HEAD", "/files/a"), "ETag"), header(response, "ETag"));
  }

  @Test
  void put_ifNoneMatchAny_makesNewFilesOnly() {
    assertEquals(201, status(put("/files/a", "first", "If-None-Match", "*")));
    assertProblem(412, put("/files/a", "second", "If-None-Match", "*"));
    assertEquals("first", read("a"));
  }

  @Test
  void put_ifMatch_replacesTheKnownStateOnly() {
    assertProblem(412, put("/files/a", "x", "If-Match", "*"));
    String tag = header(put("/files/a", "first"), "ETag");
    assertEquals(204, status(put("/files/a", "second", "If-Match", "\"x\", " + tag)));
    assertProblem(412, put("/files/a", "third", "If-Match", tag));
    assertEquals(204, status(put("/files/a", "fourth", "If-Match", "*")));
    assertEquals("fourth", read("a"));
  }

  @Test
  void put_whereNoFileCanBe_is409() throws IOException {
    Files.createDirectory(root.resolve("d"));
    write("a", "x");
    assertProblem(409, put("/files/none/a", "x"));
    assertProblem(409, put("/files/d", "x"));
    assertProblem(409, put("/files/new/", "x"));
    assertProblem(409, put("/files", "x"));
    assertProblem(409, put("/files/a/b", "x"));
    assertEquals(List.of(), transfers);
    assertEquals(2, entries());
  }

  @Test
  void put_bodyThatBreaksOff_leavesAPartial_withWhichTheClientGoesOn() {
    breaksAfter = 3;
    HttpResponse broken = put("/files/a", "hello");
    assertProblem(400, broken);
    assertEquals("close", header(broken, "Connection"));
    breaksAfter = Integer.MAX_VALUE;
    assertEquals(List.of("/a UPLOAD BROKEN"), transferred());
    assertProblem(404, ask("GET", "/files/a"));
    HttpResponse tooFar = put("/files/a?offset=4", "o");
    assertProblem(409, tooFar);
    assertEquals("3", header(tooFar, "Upload-Offset"));
    assertEquals(201, status(put("/files/a?offset=3", "lo", "If-None-Match", "*")));
    assertEquals("hello", read("a"));
    assertEquals(1, entries());
  }

  @Test
  void put_wholeFileAfterABrokenOne_hasNothingOfThat() {
    breaksAfter = 5;
    put("/files/a", "a long one");
    put("/files/b", "a long one");
    breaksAfter = Integer.MAX_VALUE;
    assertEquals(201, status(put("/files/a", "new", "If-None-Match", "*")));
    assertEquals("new", read("a"));
    assertEquals(201, status(put("/files/b", "new")));
    assertEquals("new", read("b"));
  }

  @Test
  void put_brokenOverAFile_keepsTheOldOne() {
    write("a", "old");
    breaksAfter = 1;
    put("/files/a", "new");
    assertEquals("old", read("a"));
  }

  @ParameterizedTest
  @CsvSource({"file.write,NO_SPACE,507,close", "file.sync,IO,500,", "file.close,QUOTA_EXCEEDED,507,", "open,READ_ONLY,403,",
      "file.close,EXISTS,409,", "open,BUSY,423,", "open,TOO_MANY_OPEN_FILES,503,"})
  void put_storageThatFails_publishesNothing(String operation, VfsError error, int status, String connection) {
    write("a", "old");
    storage = new FaultyStorage(Map.of(operation, error));
    HttpResponse response = put("/files/a", "new");
    assertProblem(status, response);
    assertEquals(connection, header(response, "Connection"));
    assertEquals(operation.equals("open") ? List.of() : List.of("/a UPLOAD FAILED"), transferred());
    assertEquals("old", read("a"));
  }

  @Test
  void put_nameTakenMeanwhile_is412_ifANewOneWasMeant() {
    storage = new FaultyStorage(Map.of("file.close", VfsError.EXISTS));
    assertProblem(412, put("/files/a", "new", "If-None-Match", "*"));
  }

  @Test
  void put_whoMayUploadAndNotLook_puts() {
    write("a", "old");
    storage = new FaultyStorage(Map.of("stat", VfsError.PERMISSION_DENIED, "lstat", VfsError.PERMISSION_DENIED));
    assertProblem(412, put("/files/a", "new", "If-None-Match", "*"));
    assertEquals(201, status(put("/files/b", "hello")));
    assertEquals("hello", read("b"));
  }

  @Test
  void put_offsetIntoAFile_editsIt_andEndsThere() {
    write("a", "hello world");
    assertEquals(204, status(put("/files/a?offset=4", "!")));
    assertEquals("hell!", read("a"));
    assertProblem(409, put("/files/b?offset=1", "x"));
    assertEquals(1, entries());
  }

  @Test
  void put_contentRanges_areOneFileWhenTheLastHasCome() {
    HttpResponse first = put("/files/a", "hel", "Content-Range", "bytes 0-2/8");
    assertEquals(202, status(first));
    assertEquals("3", header(first, "Upload-Offset"));
    assertProblem(404, ask("GET", "/files/a"));
    HttpResponse gap = put("/files/a", "x", "Content-Range", "bytes 4-4/8");
    assertProblem(409, gap);
    assertEquals("3", header(gap, "Upload-Offset"));
    assertEquals(202, status(put("/files/a", "lo ", "Content-Range", "bytes 3-5/*")));
    assertEquals(201, status(put("/files/a", "Bo", "Content-Range", "bytes 6-7/8")));
    assertEquals("hello Bo", read("a"));
    assertEquals(List.of("/a UPLOAD BROKEN", "/a UPLOAD BROKEN", "/a UPLOAD COMPLETED"), transferred());
    assertEquals(1, entries());
  }

  @Test
  void put_contentRangesOverAFile_giveTheNewOne() {
    write("a", "something that was much longer");
    assertEquals(202, status(put("/files/a", "he", "Content-Range", "bytes 0-1/5")));
    assertEquals(204, status(put("/files/a", "llo", "Content-Range", "bytes 2-4/5")));
    assertEquals("hello", read("a"));
  }

  @ParameterizedTest
  @ValueSource(strings = {"bytes 0-2/2", "bytes 2-0/9", "bytes */9", "items 0-2/3", "bytes 0-1/9", "bytes=0-2"})
  void put_contentRangeThatIsWrong_is400(String range) {
    assertProblem(400, put("/files/a", "hel", "Content-Range", range));
    assertEquals(0, entries());
  }

  @Test
  void put_contentRangeWithoutLength_is411_andTwicePlaced_is400() {
    assertProblem(411, ask(request("PUT", "/files/a", "Content-Range", "bytes 0-2/3").withEntity(
        HttpEntities.createChunked(ContentTypes.APPLICATION_OCTET_STREAM, Source.single(ByteString.fromString("hel")))),
        "/files/a"));
    assertProblem(400, put("/files/a?offset=0", "hel", "Content-Range", "bytes 0-2/3"));
    assertProblem(400, put("/files/a?ofset=1", "hel"));
    assertProblem(400, put("/files/a?offset=-1", "hel"));
  }

  @Test
  void mkcol_makesADirectory() {
    assertEquals(201, status(ask("MKCOL", "/files/d/")));
    assertTrue(Files.isDirectory(root.resolve("d")));
    assertProblem(405, ask("MKCOL", "/files/d"));
    assertProblem(405, ask("MKCOL", "/files/"));
    assertProblem(409, ask("MKCOL", "/files/none/d"));
    assertProblem(415, ask(request("MKCOL", "/files/e").withEntity("body"), "/files/e"));
    assertEquals(1, entries());
  }

  @Test
  void delete_removesFilesLinksAndEmptyDirectories() throws IOException {
    write("a", "x");
    write("d/b", "x");
    Files.createDirectory(root.resolve("empty"));
    Files.createSymbolicLink(root.resolve("link"), root.getFileSystem().getPath("d"));
    assertEquals(204, status(ask("DELETE", "/files/a")));
    assertEquals(204, status(ask("DELETE", "/files/empty/")));
    assertEquals(204, status(ask("DELETE", "/files/link?recursive=true")));
    assertProblem(409, ask("DELETE", "/files/d?recursive=false"));
    assertProblem(400, ask("DELETE", "/files/d", "Depth", "0"));
    assertProblem(404, ask("DELETE", "/files/a"));
    assertProblem(409, ask("DELETE", "/files/d/b/"));
    assertProblem(403, ask("DELETE", "/files"));
    assertEquals("x", read("d/b"));
  }

  @Test
  void delete_recursive_removesAll_andFollowsNoLink() throws IOException {
    write("kept/a", "x");
    write("d/b/c/e", "x");
    write("d/f", "x");
    Files.createSymbolicLink(root.resolve("d/link"), root.getFileSystem().getPath("/kept"));
    assertEquals(204, status(ask("DELETE", "/files/d")));
    assertFalse(Files.exists(root.resolve("d")));
    assertEquals("x", read("kept/a"));
  }

  @Test
  void delete_tooDeep_is409() throws IOException {
    Files.createDirectories(root.resolve("d" + "/d".repeat(TreeRemoval.MAX_DEPTH - 1)));
    assertEquals(204, status(ask("DELETE", "/files/d")));
    Files.createDirectories(root.resolve("d" + "/d".repeat(TreeRemoval.MAX_DEPTH)));
    write("d" + "/d".repeat(TreeRemoval.MAX_DEPTH) + "/a", "x");
    assertProblem(409, ask("DELETE", "/files/d"));
  }

  @Test
  void delete_ifMatch_removesTheKnownStateOnly() {
    String tag = header(put("/files/a", "first"), "ETag");
    put("/files/a", "second!");
    assertProblem(412, ask("DELETE", "/files/a", "If-Match", tag));
    assertEquals(204, status(ask("DELETE", "/files/a", "If-Match", "*")));
  }
}
