package io.flotilla.http.files;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import io.flotilla.vfs.VfsError;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.apache.pekko.http.javadsl.model.HttpResponse;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Directories are told page by page. */
class FilesListTest extends FilesFixture {
  private List<String> pages(String query, int limit) {
    List<String> names = new ArrayList<>();
    String next = "";
    while (next != null) {
      HttpResponse response = ask("GET", "/files/d?limit=" + limit + query + (next.isEmpty() ? "" : "&after=" + next));
      assertEquals(200, status(response));
      JsonNode page = json(response);
      assertTrue(page.get("entries").size() <= limit);
      page.get("entries").forEach(entry -> names.add(entry.get("name").textValue()));
      next = page.get("next").textValue();
    }
    return names;
  }

  @Test
  void get_directory_tellsWhatItsEntriesAre() throws IOException {
    Files.createDirectories(root.resolve("d/sub"));
    Files.setPosixFilePermissions(write("d/a b", "hello"), PosixFilePermissions.fromString("rw-r-----"));
    Files.setLastModifiedTime(root.resolve("d/a b"), FileTime.from(Instant.parse("2026-11-01T12:00:00Z")));
    Files.createSymbolicLink(root.resolve("d/link"), root.getFileSystem().getPath("nowhere"));
    HttpResponse response = ask("GET", "/files/d/");
    assertNull(header(response, "ETag"));
    JsonNode json = json(response);
    assertEquals("/d", json.get("path").textValue());
    assertTrue(json.get("next").isNull());
    assertEquals("{\"name\":\"a b\",\"encodedName\":\"a%20b\",\"type\":\"file\",\"size\":5,"
        + "\"modified\":\"2026-11-01T12:00:00Z\",\"permissions\":\"0640\"}", json.get("entries").get(0).toString());
    assertEquals("link", json.get("entries").get(1).get("type").textValue());
    assertEquals("directory", json.get("entries").get(2).get("type").textValue());
    assertEquals(List.of(), transfers);
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3, 1000})
  void pages_haveEveryEntryOnce_inEachOrder(int limit) throws IOException {
    String[] names = {"c", "a", "e", "b", "d"};
    for (int i = 0; i < names.length; i++) {
      write("d/" + names[i], "x".repeat(i / 2));
      Files.setLastModifiedTime(root.resolve("d/" + names[i]), FileTime.from(Instant.ofEpochSecond(100, i / 3)));
    }
    assertEquals(List.of("a", "b", "c", "d", "e"), pages("", limit));
    assertEquals(List.of("e", "d", "c", "b", "a"), pages("&order=desc", limit));
    assertEquals(List.of("a", "c", "b", "e", "d"), pages("&sort=size", limit));
    assertEquals(List.of("d", "e", "b", "c", "a"), pages("&sort=size&order=desc", limit));
    assertEquals(List.of("a", "c", "e", "b", "d"), pages("&sort=modified", limit));
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3, 1000})
  void people_findDirectoriesFirst_andNamesWhateverTheirCase(int limit) throws IOException {
    for (String name : List.of("b", "C", "a", "B")) {
      write("d/" + name, "x".repeat(name.charAt(0)));
    }
    Files.createDirectories(root.resolve("d/z"));
    Files.createDirectories(root.resolve("d/Y"));
    assertEquals(List.of("B", "C", "Y", "a", "b", "z"), pages("", limit));
    assertEquals(List.of("a", "B", "b", "C", "Y", "z"), pages("&sort=text", limit));
    assertEquals(List.of("Y", "z", "a", "B", "b", "C"), pages("&sort=text&directories=first", limit));
    assertEquals(List.of("z", "Y", "C", "b", "B", "a"), pages("&sort=text&order=desc&directories=first", limit));
    assertEquals(List.of("Y", "z", "B", "C", "a", "b"), pages("&sort=size&directories=first", limit));
  }

  @Test
  void query_findsPartsOfNames_whateverTheirCase() {
    write("d/Report.txt", "");
    write("d/other", "");
    assertEquals(List.of("Report.txt"), pages("&query=rEPO", 10));
    assertEquals(List.of(), pages("&query=none", 10));
  }

  @Test
  void nameThatIsNotUtf8_isToldAsWellAsCanBe_andByItsBytes() {
    put("/files/%FFa", "x");
    JsonNode entry = json(ask("GET", "/files")).get("entries").get(0);
    assertEquals("\uFFFDa", entry.get("name").textValue());
    assertEquals("%FFa", entry.get("encodedName").textValue());
    put("/files/%FEa", "x");
    JsonNode page = json(ask("GET", "/files/?limit=1"));
    assertEquals("%FEa", page.get("entries").get(0).get("encodedName").textValue());
    assertEquals("%FFa", json(ask("GET", "/files/?after=" + page.get("next").textValue()))
        .get("entries").get(0).get("encodedName").textValue());
  }

  @Test
  void head_directory_hasNoBody() {
    write("d/a", "");
    HttpResponse response = ask("HEAD", "/files/d");
    assertEquals(200, status(response));
    assertEquals("application/json", response.entity().getContentType().toString());
    assertProblem(404, ask("HEAD", "/files/none/"));
  }

  @Test
  void whoMayLookAndNotDownload_getsTheDirectory() {
    write("d/a", "x");
    storage = new FaultyStorage(Map.of("open", VfsError.PERMISSION_DENIED));
    assertEquals(List.of("a"), pages("", 10));
    assertProblem(403, ask("GET", "/files/d/a"));
  }

  @ParameterizedTest
  @CsvSource({"limit=0", "limit=1001", "limit=x", "sort=age", "directories=last", "order=up", "after=x", "after=%25", "sort=size&after=bmFtZSAwIDAvYQ",
      "after=L2E", "limi=1"})
  void malformedParameter_is400(String query) {
    write("d/a", "");
    assertEquals(400, status(ask(request("GET", "/files/d?" + query), "/files/d")));
  }
}
