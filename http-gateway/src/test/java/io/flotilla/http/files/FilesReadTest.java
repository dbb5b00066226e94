package io.flotilla.http.files;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.flotilla.vfs.VfsError;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.attribute.FileTime;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import org.apache.pekko.http.javadsl.model.ContentTypes;
import org.apache.pekko.http.javadsl.model.HttpEntities;
import org.apache.pekko.http.javadsl.model.HttpResponse;
import org.apache.pekko.stream.javadsl.Source;
import org.apache.pekko.util.ByteString;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Files are got whole, in part, or not at all. */
class FilesReadTest extends FilesFixture {
  private String modified(String name) throws IOException {
    FileTime time = FileTime.from(Instant.parse("2026-11-01T12:00:00.25Z"));
    Files.setLastModifiedTime(root.resolve(name), time);
    return HttpDate.format(time.toInstant());
  }

  @Test
  void get_file_isSentWithAllThatKeepsBrowsersSafe() throws IOException {
    write("a.txt", "hello");
    String date = modified("a.txt");
    HttpResponse response = ask("GET", "/files/a.txt");
    assertEquals(200, status(response));
    assertEquals("hello", body(response));
    assertEquals("text/plain; charset=UTF-8", response.entity().getContentType().toString());
    assertEquals("nosniff", header(response, "X-Content-Type-Options"));
    assertEquals("sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:",
        header(response, "Content-Security-Policy"));
    assertEquals("attachment; filename=\"a.txt\"; filename*=UTF-8''a.txt", header(response, "Content-Disposition"));
    assertEquals("private, no-cache", header(response, "Cache-Control"));
    assertEquals("bytes", header(response, "Accept-Ranges"));
    assertEquals(date, header(response, "Last-Modified"));
    assertTrue(header(response, "ETag").matches("\"[0-9a-f]{32}\""));
    assertEquals(List.of("/a.txt DOWNLOAD COMPLETED"), transferred());
  }

  @ParameterizedTest
  @CsvSource({"a.txt,inline", "a.PNG,inline", "a.pdf,inline", "a.svg,attachment", "a.html,attachment", "a.xml,attachment",
      "html,attachment", "a,attachment"})
  void get_inline_isForHarmlessTypesOnly(String name, String expected) {
    write(name, "x");
    assertTrue(header(ask("GET", "/files/" + name + "?inline"), "Content-Disposition").startsWith(expected + ";"));
  }

  @Test
  void head_file_hasTheHeadersOfGet_andNoTransfer() {
    write("a", "hello");
    HttpResponse response = ask("HEAD", "/files/a", "Range", "bytes=1-2");
    assertEquals(200, status(response));
    assertEquals(OptionalLong.of(5), response.entity().getContentLengthOption());
    assertEquals(header(ask("GET", "/files/a"), "ETag"), header(response, "ETag"));
    assertEquals(1, transfers.size(), "only that of GET");
  }

  @Test
  void get_emptyFile_isEmpty() {
    write("a", "");
    assertEquals("", body(ask("GET", "/files/a")));
    assertEquals(200, status(ask("GET", "/files/a", "Range", "bytes=-1")));
    assertEquals(OptionalLong.of(0), ask("HEAD", "/files/a").entity().getContentLengthOption());
  }

  @ParameterizedTest
  @CsvSource({"bytes=1-2,el,bytes 1-2/5", "bytes=3-,lo,bytes 3-4/5", "bytes=-2,lo,bytes 3-4/5",
      "'bytes=0-1, 1-3',hell,bytes 0-3/5"})
  void get_oneRange_is206(String range, String expected, String contentRange) {
    write("a", "hello");
    HttpResponse response = ask("GET", "/files/a", "Range", range);
    assertEquals(206, status(response));
    assertEquals(expected, body(response));
    assertEquals(contentRange, header(response, "Content-Range"));
  }

  @Test
  void get_severalRanges_isTheWholeFile() {
    write("a", "hello");
    HttpResponse response = ask("GET", "/files/a", "Range", "bytes=0-0,4-4");
    assertEquals(200, status(response));
    assertEquals("hello", body(response));
  }

  @Test
  void get_rangeBeyondTheEnd_is416() {
    write("a", "hello");
    HttpResponse response = ask("GET", "/files/a", "Range", "bytes=5-");
    assertProblem(416, response);
    assertEquals("bytes */5", header(response, "Content-Range"));
    assertEquals(List.of(), transfers);
  }

  @Test
  void get_ifRange_givesThePartOfTheSameFileOnly() throws IOException {
    write("a", "hello");
    String date = modified("a");
    String tag = header(ask("HEAD", "/files/a"), "ETag");
    assertEquals(206, status(ask("GET", "/files/a", "Range", "bytes=1-", "If-Range", tag)));
    assertEquals(206, status(ask("GET", "/files/a", "Range", "bytes=1-", "If-Range", date)));
    assertEquals(200, status(ask("GET", "/files/a", "Range", "bytes=1-", "If-Range", "W/" + tag)));
    assertEquals(200, status(ask("GET", "/files/a", "Range", "bytes=1-", "If-Range", "\"other\"")));
    assertEquals(200, status(ask("GET", "/files/a", "Range", "bytes=9-", "If-Range", "nonsense")));
    assertEquals(200, status(ask("GET", "/files/a", "Range", "bytes=1-", "If-Range", "Sun, 01 Nov 2026 11:59:59 GMT")));
  }

  @Test
  void get_conditions_are304And412() throws IOException {
    write("a", "hello");
    String date = modified("a");
    String tag = header(ask("HEAD", "/files/a"), "ETag");
    HttpResponse unchanged = ask("GET", "/files/a", "If-None-Match", "\"x\", W/" + tag);
    assertEquals(304, status(unchanged));
    assertEquals(tag, header(unchanged, "ETag"));
    assertEquals(304, status(ask("GET", "/files/a", "If-Modified-Since", date)));
    assertEquals(412, status(ask("GET", "/files/a", "If-Match", "\"x\"")));
    assertEquals(412, status(ask("GET", "/files/a", "If-Unmodified-Since", "Sun, 01 Nov 2026 11:59:59 GMT")));
    assertEquals(400, status(ask("GET", "/files/a", "If-None-Match", "x")));
    assertEquals(List.of(), transfers);
    assertEquals(200, status(ask("GET", "/files/a", "If-Modified-Since", "nonsense")));
  }

  @Test
  void etag_changesWithTheContents() throws IOException {
    write("a", "hello");
    String before = header(ask("HEAD", "/files/a"), "ETag");
    modified("a");
    assertTrue(!before.equals(header(ask("HEAD", "/files/a"), "ETag")));
  }

  @Test
  void get_timeToCome_isNotTold() throws IOException {
    write("a", "hello");
    Files.setLastModifiedTime(root.resolve("a"), FileTime.from(Instant.parse("2199-01-01T00:00:00Z")));
    assertNull(header(ask("GET", "/files/a"), "Last-Modified"));
  }

  @ParameterizedTest
  @ValueSource(strings = {"/files/none", "/files/a/", "/files/a/b", "/filesystem", "/", "http://host", "http://host/x"})
  void get_whatIsNotThere_is404(String target) {
    write("a", "hello");
    assertProblem(404, ask(request("GET", "/"), target));
  }

  @ParameterizedTest
  @ValueSource(strings = {"/files/%2e%2E/x", "/files/./x", "/files/a%2Fb", "/files/a%00", "/files//a", "/files/a//", "/files/%4",
      "/files/%zz", "/files/%", "/files/\u00e4", "/files/a b", "/files/a#b"})
  void get_pathThatIsMalformed_is400(String target) {
    assertProblem(400, ask(request("GET", "/"), target));
  }

  @Test
  void get_nameTooLong_is400() {
    assertProblem(400, ask("GET", "/files/" + "a".repeat(256)));
  }

  @Test
  void get_oddNames_areOrdinary() {
    write("a;b=\\:*\u00e4 %41", "odd");
    assertEquals("odd", body(ask(request("GET", "/"), "/files/a;b=\\:*%C3%a4%20%2541")));
    assertEquals("odd", body(ask(request("GET", "/"), "http://host:1/files/a%3bb=\\:*%C3%a4%20%2541")));
  }

  @Test
  void get_nameThatIsNotUtf8_isFoundByItsBytes() {
    assertEquals(201, status(put("/files/%FF", "bytes")));
    HttpResponse response = ask("GET", "/files/%FF");
    assertEquals("bytes", body(response));
    assertEquals("attachment; filename=\"_\"; filename*=UTF-8''%EF%BF%BD", header(response, "Content-Disposition"));
  }

  @Test
  void get_link_isFollowedWithinTheRoot() throws IOException {
    write("a", "hello");
    Files.createSymbolicLink(root.resolve("in"), root.getFileSystem().getPath("/a"));
    Files.createSymbolicLink(root.resolve("out"), root.getFileSystem().getPath("/etc/passwd"));
    assertEquals("hello", body(ask("GET", "/files/in")));
    assertProblem(404, ask("GET", "/files/out"));
  }

  @Test
  void get_whoMayDownloadAndNotLook_getsTheFile() {
    write("a", "hello");
    storage = new FaultyStorage(Map.of("stat", VfsError.PERMISSION_DENIED, "lstat", VfsError.PERMISSION_DENIED));
    assertEquals("hello", body(ask("GET", "/files/a")));
  }

  @ParameterizedTest
  @EnumSource(mode = EnumSource.Mode.EXCLUDE, names = "IS_A_DIRECTORY")
  void get_storageThatFails_isAProblem(VfsError error) {
    storage = new FaultyStorage(Map.of("open", error));
    HttpResponse response = ask("GET", "/files/a");
    assertTrue(status(response) >= 400);
    assertProblem(status(response), response);
  }

  @Test
  void otherMethods_are405_andOptionsTellsThem() {
    HttpResponse refused = ask("PATCH", "/files/a");
    assertProblem(405, refused);
    HttpResponse options = ask("OPTIONS", "/files/a");
    assertEquals(200, status(options));
    assertEquals("GET, HEAD, POST, PUT, DELETE, MKCOL, MOVE, COPY, OPTIONS", header(options, "Allow"));
    assertEquals(header(options, "Allow"), header(refused, "Allow"));
  }

  @Test
  void unknownParameter_is400() {
    write("a", "hello");
    assertProblem(400, ask("GET", "/files/a?inlin"));
    assertProblem(400, ask("GET", "/files/a?inline=perhaps"));
  }

  @Test
  void bodyNobodyReads_endsTheConnection_unlessItIsSmall() {
    assertNull(header(ask(request("GET", "/files/none").withEntity("small"), "/files/none"), "Connection"));
    assertEquals("close", header(ask(request("GET", "/files/none").withEntity(
        HttpEntities.create(new byte[64 * 1024 + 1])), "/files/none"), "Connection"));
    assertEquals("close", header(ask(request("GET", "/files/none").withEntity(
        HttpEntities.createChunked(ContentTypes.APPLICATION_OCTET_STREAM,
            Source.single(ByteString.fromString("x", StandardCharsets.UTF_8)))), "/files/none"), "Connection"));
  }
}
