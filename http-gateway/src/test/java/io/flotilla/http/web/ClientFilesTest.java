package io.flotilla.http.web;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** The page as it lies in the build: whole, by itself, and without what its policy forbids. */
class ClientFilesTest {
  private static final Pattern IMPORT = Pattern.compile("(?:from |import )'([^']+)'");
  private static final Pattern REFERENCE = Pattern.compile("(?:href|src)=\"([^\"]+)\"");

  private static Path directory() throws URISyntaxException {
    return Path.of(ClientFilesTest.class.getResource("/io/flotilla/http/web/index.html").toURI()).getParent();
  }

  private static String text(String name) throws IOException, URISyntaxException {
    return Files.readString(directory().resolve(name));
  }

  @Test
  void whatLiesThere_isServed_andNothingElse() throws Exception {
    Set<String> served = new TreeSet<>(ClientFiles.MODULES);
    served.addAll(ClientFiles.STYLES);
    served.addAll(ClientFiles.ICONS);
    assertEquals(served, new TreeSet<>(ClientFiles.read().byName().keySet()));
    served.add("index.html");
    try (Stream<Path> files = Files.list(directory())) {
      assertEquals(served, files.map(file -> file.getFileName().toString()).filter(name -> !name.endsWith(".class"))
          .collect(Collectors.toCollection(TreeSet::new)));
    }
  }

  @Test
  void modules_importOnlyEachOther() throws Exception {
    Set<String> used = new TreeSet<>(Set.of("./app.js"));
    for (String module : ClientFiles.MODULES) {
      IMPORT.matcher(text(module)).results().map(match -> match.group(1)).forEach(name -> {
        assertTrue(name.startsWith("./") && ClientFiles.MODULES.contains(name.substring(2)), module + " imports " + name);
        used.add(name);
      });
    }
    assertEquals(ClientFiles.MODULES.stream().map(name -> "./" + name).collect(Collectors.toSet()), used);
  }

  @Test
  void thePage_refersToWhatIsServed_inThisVersion() {
    ClientFiles files = ClientFiles.read();
    String page = files.page().bytes().utf8String();
    assertFalse(page.contains("VERSION"), page);
    Set<String> referred = REFERENCE.matcher(page).results().map(match -> match.group(1)).collect(Collectors.toCollection(TreeSet::new));
    String root = "/client/" + files.version() + "/";
    assertEquals(files.byName().keySet().stream().map(name -> root + name).collect(Collectors.toCollection(TreeSet::new)), referred);
  }

  @Test
  void nothing_needsWhatThePolicyForbids() throws Exception {
    Pattern forbidden = Pattern.compile("innerHTML|outerHTML|insertAdjacentHTML|document\\.write|\\beval\\(|new Function|setAttribute\\('style'"
        + "|javascript:|<script>|<style|\\son[a-z]+=\"|\\sstyle=\"|@import|url\\(");
    Pattern address = Pattern.compile("https?://[^\\s'\")]+");
    for (String name : Stream.of(ClientFiles.MODULES.stream(), ClientFiles.STYLES.stream(), Stream.of("index.html", "icon.svg")).flatMap(all -> all).toList()) {
      String text = text(name);
      assertEquals(Set.of(), forbidden.matcher(text).results().map(MatchResult::group).collect(Collectors.toSet()), name);
      assertTrue(address.matcher(text).results().map(MatchResult::group)
          .allMatch(found -> found.equals("http://www.w3.org/2000/svg") || found.equals("https://tus.io/protocols/resumable-upload")), name);
    }
  }
}
