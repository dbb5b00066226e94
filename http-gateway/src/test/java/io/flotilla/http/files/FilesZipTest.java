package io.flotilla.http.files;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.flotilla.vfs.VfsError;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.zip.ZipEntry;
import java.util.zip.ZipInputStream;
import org.apache.pekko.http.javadsl.model.ContentTypes;
import org.apache.pekko.http.javadsl.model.HttpEntities;
import org.apache.pekko.http.javadsl.model.HttpEntity;
import org.apache.pekko.http.javadsl.model.HttpResponse;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A selection of files comes as one archive. */
class FilesZipTest extends FilesFixture {
  private static final String FORM = "application/x-www-form-urlencoded";

  @BeforeEach
  void makeTree() throws IOException {
    write("d/a b.txt", "hello");
    write("d/sub/deep/c", "deep");
    Files.createDirectories(root.resolve("d/empty"));
  }

  /** What is in an archive, by name; directories as nothing. */
  private static Map<String, String> entries(HttpResponse response) throws IOException {
    assertEquals(200, status(response));
    Map<String, String> found = new TreeMap<>();
    byte[] bytes = ((HttpEntity.Strict) response.entity()).getData().toArray();
    try (ZipInputStream in = new ZipInputStream(new ByteArrayInputStream(bytes))) {
      for (ZipEntry entry = in.getNextEntry(); entry != null; entry = in.getNextEntry()) {
        assertNull(found.put(entry.getName(), new String(in.readAllBytes(), StandardCharsets.UTF_8)));
      }
    }
    return found;
  }

  private HttpResponse post(String target, String form) {
    return ask(request("POST", target).withEntity(
        HttpEntities.create(ContentTypes.parse(FORM), form.getBytes(StandardCharsets.US_ASCII))), target);
  }

  private Path link(String name, String target) throws IOException {
    return Files.createSymbolicLink(root.resolve(name), root.getFileSystem().getPath(target));
  }

  @Test
  void get_zip_hasAllThatIsInTheDirectory() throws IOException {
    HttpResponse response = ask("GET", "/files/d/?zip");
    assertEquals(Map.of("a b.txt", "hello", "sub/", "", "sub/deep/", "", "sub/deep/c", "deep", "empty/", ""), entries(response));
    assertEquals("application/zip", response.entity().getContentType().toString());
    assertEquals("attachment; filename=\"d.zip\"; filename*=UTF-8''d.zip", header(response, "Content-Disposition"));
    assertEquals("private, no-cache", header(response, "Cache-Control"));
    assertEquals(List.of("/d/a b.txt DOWNLOAD COMPLETED", "/d/sub/deep/c DOWNLOAD COMPLETED"), transferred().stream().sorted().toList());
    assertEquals(9, transfers.stream().mapToLong(io.flotilla.adapter.ClientEvent.TransferFinished::bytes).sum());
  }

  @Test
  void get_zipOfTheRoot_isCalledFiles() throws IOException {
    HttpResponse response = ask("GET", "/files/?zip&name=d");
    assertTrue(header(response, "Content-Disposition").contains("\"files.zip\""));
    assertTrue(entries(response).containsKey("d/sub/deep/c"));
  }

  @Test
  void get_names_areTheSelection_eachOnce() throws IOException {
    assertEquals(Map.of("a b.txt", "hello", "empty/", ""),
        entries(ask("GET", "/files/d?zip&name=a+b.txt&name=empty&name=a%20b.txt")));
  }

  @Test
  void post_form_isTheSame() throws IOException {
    assertEquals(Map.of("a b.txt", "hello", "empty/", ""), entries(post("/files/d/?zip", "name=a+b.txt&name=empty")));
    assertEquals(5, entries(post("/files/d/?zip", "")).size());
  }

  @Test
  void post_encodedNames_needNotBeText() throws IOException {
    assertEquals(201, status(put("/files/d/%FF", "bytes")));
    assertEquals(Map.of("_", "bytes", "a b.txt", "hello", "empty/", ""),
        entries(post("/files/d/?zip", "encodedName=%25FF&encodedName=a%2520b.txt&name=empty")));
    assertProblem(400, post("/files/d/?zip", "encodedName=..%252Fd"));
    assertProblem(400, post("/files/d/?zip", "encodedName=%25zz"));
    assertProblem(400, post("/files/d/?zip", "encodedName=%25"));
  }

  @Test
  void post_badForms_areRefused() {
    assertProblem(400, post("/files/d/?zip", "nam=a"));
    assertProblem(400, post("/files/d/?zip", "name=%zz"));
    assertProblem(400, post("/files/d/", "name=empty"));
    assertProblem(413, post("/files/d/?zip", "name=" + "a".repeat(512 * 1024)));
    assertProblem(415, ask(request("POST", "/files/d/?zip").withEntity("name=empty"), "/files/d/?zip"));
    breaksAfter = 3;
    HttpResponse broken = post("/files/d/?zip", "name=empty");
    assertProblem(400, broken);
    assertEquals("close", header(broken, "Connection"));
  }

  @Test
  void head_zip_hasTheHeadAndReadsNothing() {
    HttpResponse response = ask("HEAD", "/files/d/?zip");
    assertEquals(200, status(response));
    assertEquals("application/zip", response.entity().getContentType().toString());
    assertEquals(List.of(), transfers);
    assertProblem(404, ask("HEAD", "/files/d/?zip&name=none"));
  }

  @ParameterizedTest
  @ValueSource(strings = {"", ".", "..", "sub%2Fdeep", "..%2F..", "a%00"})
  void get_namesThatAreNoEntries_are400(String name) {
    assertProblem(400, ask("GET", "/files/d/?zip&name=" + name));
  }

  @Test
  void get_zip_badRequests() {
    assertProblem(404, ask("GET", "/files/none/?zip"));
    assertProblem(404, ask("GET", "/files/d/?zip&name=empty&name=none"));
    assertProblem(409, ask("GET", "/files/d/a%20b.txt?zip"));
    assertProblem(400, ask("GET", "/files/d/?zip&sort=name"));
    assertProblem(400, ask("GET", "/files/d/?zip=false"));
    assertProblem(400, ask("GET", "/files/d/?name=empty"));
    assertEquals(List.of(), transfers);
  }

  @Test
  void links_areFollowedToFilesOnly() throws IOException {
    Files.delete(write("d/gone", "x"));
    link("d/to-file", "a b.txt");
    link("d/to-directory", "/d");
    link("d/nowhere", "gone");
    link("d/itself", "itself");
    link("d/out", "/etc/passwd");
    Map<String, String> found = entries(ask("GET", "/files/d/?zip"));
    assertEquals("hello", found.get("to-file"));
    assertEquals(6, found.size());
    assertProblem(409, ask("GET", "/files/d/?zip&name=to-directory"));
    assertProblem(409, ask("GET", "/files/d/?zip&name=nowhere"));
    assertEquals(Map.of("to-file", "hello"), entries(ask("GET", "/files/d/?zip&name=to-file")));
  }

  @Test
  void namesThatAreNoText_canBeNamed_andAreMadeHarmless() throws IOException {
    assertEquals(201, status(put("/files/d/%FF", "bytes")));
    assertEquals(201, status(put("/files/d/..%5Cevil", "evil")));
    assertEquals(Map.of("_", "bytes", ".._evil", "evil"), entries(ask("GET", "/files/d/?zip&name=%FF&name=..%5Cevil")));
  }

  @Test
  void unfinishedUploads_areLeftOut() throws IOException {
    breaksAfter = 2;
    put("/files/d/broken", "hello");
    assertFalse(entries(ask("GET", "/files/d/?zip")).keySet().stream().anyMatch(name -> name.contains("part") || name.equals("broken")));
    assertProblem(404, ask("GET", "/files/d/?zip&name=broken"));
  }

  @Test
  void whatCantBeRead_isRefusedBefore_orBreaksOff() {
    storage = new FaultyStorage(Map.of("open", VfsError.PERMISSION_DENIED));
    assertProblem(403, ask("GET", "/files/d/?zip&name=a+b.txt"));
    ask("GET", "/files/d/?zip");
    assertNotNull(brokenOff);
    brokenOff = null;
    storage = new FaultyStorage(Map.of("file.read", VfsError.IO));
    ask("GET", "/files/d/?zip");
    assertNotNull(brokenOff);
    assertEquals(1, transferred().stream().filter(transfer -> transfer.endsWith("DOWNLOAD FAILED")).count());
  }

  @Test
  void whoseConnectionIsOver_getsNoMore() {
    isOver = true;
    ask("GET", "/files/d/?zip");
    assertNotNull(brokenOff);
    assertEquals(List.of(), transfers);
  }

  @Test
  void aTreeThatIsTooDeep_breaksOff() throws IOException {
    String names = "/x".repeat(500);
    Path first = root.resolve("deep");
    Files.createDirectories(Path.of(first + names));
    ask("GET", "/files/deep?zip");
    assertNull(brokenOff);
    Files.createDirectories(root.resolve("deeper"));
    Files.move(first, root.resolve("deeper/deep"));
    Files.createDirectories(first);
    Path.of(first + names).getParent().toFile().mkdirs();
    Files.createDirectories(Path.of(first + names));
    Files.move(root.resolve("deeper"), Path.of(first + names).resolve("deeper"));
    ask("GET", "/files/deep?zip");
    assertNotNull(brokenOff);
  }

  @Test
  void oneParameterTwice_is400() {
    assertProblem(400, ask("GET", "/files/d/?limit=1&limit=2"));
  }
}
