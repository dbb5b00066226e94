package io.flotilla.http.dav;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.flotilla.vfs.VfsException;
import java.io.IOException;
import java.nio.file.Files;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.apache.pekko.http.javadsl.model.HttpResponse;
import org.junit.jupiter.api.Test;

/** PROPFIND: RFC 4918, 9.1. */
class PropFindTest extends DavFixture {
  private static final String ALL = "<D:propfind xmlns:D='DAV:'><D:allprop/></D:propfind>";

  @Test
  void file_tellsWhatGetTells() {
    write("d/a b.txt", "hello");
    Told told = propfind("/files/d/a%20b.txt", "0", "").getFirst();
    HttpResponse got = ask("HEAD", "/files/d/a%20b.txt");
    assertEquals("/files/d/a%20b.txt", told.href());
    assertEquals("5", told.value("D:getcontentlength"));
    assertEquals("text/plain; charset=UTF-8", told.value("D:getcontenttype"));
    assertEquals(header(got, "ETag"), told.value("D:getetag"));
    assertEquals(header(got, "Last-Modified"), told.value("D:getlastmodified"));
    assertEquals("a b.txt", told.value("D:displayname"));
    assertEquals("", told.value("D:resourcetype"));
    assertEquals(null, told.value("D:creationdate"));
  }

  @Test
  void depth_saysHowFar() {
    write("d/a", "x");
    write("d/sub/b", "x");
    assertEquals(List.of("/files/d/"), hrefs(propfind("/files/d", "0", ALL)));
    assertEquals(List.of("/files/d/", "/files/d/a", "/files/d/sub/"), hrefs(propfind("/files/d/", "1", ALL)));
    for (HttpResponse refused : List.of(ask("PROPFIND", "/files/d"), ask("PROPFIND", "/files/d", "Depth", "Infinity"))) {
      assertEquals(403, status(refused));
      assertEquals(1, document(refused).getElementsByTagNameNS("DAV:", "propfind-finite-depth").getLength());
    }
    assertProblem(400, ask("PROPFIND", "/files/d", "Depth", "2"));
    assertProblem(404, ask("PROPFIND", "/files/none", "Depth", "0"));
    assertProblem(404, ask("PROPFIND", "/files/d/a/", "Depth", "0"));
    assertProblem(404, ask("PROPFIND", "/files/d/a/b", "Depth", "0"));
  }

  private static List<String> hrefs(List<Told> told) {
    return told.stream().map(Told::href).sorted().toList();
  }

  @Test
  void names_thatXmlCantHold_areShownAsFarAsItCan() throws IOException {
    Files.write(root.resolve("a\u0001<&>\"'.txt"), new byte[1]);
    Told told = propfind("/files/", "1", ALL).getLast();
    assertEquals("a\uFFFD<&>\"'.txt", told.value("D:displayname"));
    assertEquals("/files/a%01%3C%26%3E%22%27.txt", told.href());
  }

  @Test
  void links_areWhatTheyLeadTo_andNothingIfThatIsNothing() throws IOException {
    write("d/a", "hello");
    Files.createSymbolicLink(root.resolve("link"), root.getFileSystem().getPath("d/a"));
    Files.createSymbolicLink(root.resolve("lost"), root.getFileSystem().getPath("none"));
    List<Told> all = propfind("/files/", "1", ALL);
    assertEquals(List.of("/files/", "/files/d/", "/files/link"), hrefs(all));
    assertEquals("5", all.stream().filter(told -> told.href().equals("/files/link")).findAny().orElseThrow().value("D:getcontentlength"));
  }

  @Test
  void forms_askForNamesSomeOrAll() {
    write("a", "x");
    set("/files/a", "<D:set><D:prop><x:color>red</x:color></D:prop></D:set>");
    Told names = propfind("/files/a", "0", "<propfind xmlns='DAV:'><propname/></propfind>").getFirst();
    assertEquals("", names.value("color"));
    assertEquals("", names.value("D:getcontentlength"));
    assertFalse(names.properties().containsKey("200 D:creationdate"));
    Told all = propfind("/files/a", "0", ALL).getFirst();
    assertEquals("red", all.value("color"));
    assertFalse(all.properties().containsKey("200 D:quota-used-bytes"));
    Told some = properties("/files/a", "D:getcontentlength", "D:creationdate", "color", "shape");
    assertEquals("{200 D:getcontentlength=1, 200 color=red, 404 D:creationdate=, 404 shape=}", some.properties().toString());
    Told included = propfind("/files/", "0", "<propfind xmlns='DAV:'><allprop/><include><quota-used-bytes/>"
        + "<quota-available-bytes/><displayname/></include></propfind>").getFirst();
    assertTrue(Long.parseLong(included.value("D:quota-used-bytes")) > 0 && Long.parseLong(included.value("D:quota-available-bytes")) >= 0);
  }

  @Test
  void hostileBodies_areRefused() {
    write("secret", "do not tell");
    String bomb = "<!DOCTYPE b [<!ENTITY a '" + "x".repeat(100) + "'><!ENTITY b '" + "&a;".repeat(1000) + "'>]>"
        + "<D:propfind xmlns:D='DAV:'><D:prop>&b;</D:prop></D:propfind>";
    String external = "<!DOCTYPE b [<!ENTITY a SYSTEM 'file://" + root.resolve("secret") + "'>]>"
        + "<D:propfind xmlns:D='DAV:'><D:prop><D:x>&a;</D:x></D:prop></D:propfind>";
    String type = "<!DOCTYPE propfind SYSTEM 'file:///etc/passwd'><propfind xmlns='DAV:'><allprop/></propfind>";
    String deep = "<propfind xmlns='DAV:'>" + "<a>".repeat(64) + "</a>".repeat(64) + "</propfind>";
    for (String body : List.of(bomb, external, type, deep, "<propfind",
        "<propfind xmlns='DAV:'><prop><bar:foo xmlns:bar=''/></prop></propfind>",
        "<?xml version='1.1'?><propfind xmlns='DAV:'><prop><v>&#1;</v></prop></propfind>",
        "<D:propfind><D:allprop/></D:propfind>", "<propfind xmlns='DAV:'/>", "<prop xmlns='DAV:'/>", "&a;", " ", "\u0000")) {
      HttpResponse refused = send("PROPFIND", "/files/", body, "Depth", "0");
      assertProblem(400, refused);
      assertFalse(body(refused).contains("do not tell"));
    }
  }

  @Test
  void aSmallBodyThatAsksForALot_isRefused() {
    String names = IntStream.range(0, 501).mapToObj(i -> "<a" + i + "/>").collect(Collectors.joining());
    assertProblem(400, send("PROPFIND", "/files/", "<propfind xmlns='DAV:'><prop>" + names + "</prop></propfind>", "Depth", "0"));
  }

  @Test
  void directory_ofAnySize_isToldEntryByEntry() throws IOException {
    Files.createDirectory(root.resolve("d"));
    for (int i = 0; i < 20_000; i++) {
      Files.createFile(root.resolve("d/" + i));
    }
    assertEquals(20_001, propfind("/files/d/", "1", "<propfind xmlns='DAV:'><prop><getcontentlength/></prop></propfind>").size());
    assertTrue(parts > 20, "in " + parts + " parts");
    isOver = true;
    ask("PROPFIND", "/files/d/", "Depth", "1");
    assertTrue(brokenOff instanceof VfsException);
  }

}
