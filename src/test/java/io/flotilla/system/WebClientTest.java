package io.flotilla.system;

import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Properties;
import java.util.Random;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import java.util.zip.ZipEntry;
import java.util.zip.ZipInputStream;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.openqa.selenium.Keys;

/**
 * People at work in a real browser, behind a load balancer that sends each request to another of three nodes. Screenshots of the main views
 * are kept in target/screenshots.
 */
class WebClientTest {
  private static final String PASSWORD = "correct horse";
  private static final Duration LONG = Duration.ofSeconds(150);
  private static final String AXE = "META-INF/resources/webjars/axe-core/%s/axe.min.js";

  @TempDir private static Path directory;
  private static TestCluster cluster;
  private static HaProxy proxy;
  @TempDir private Path temp;
  private WebBrowser browser;

  @BeforeAll
  static void start() throws IOException {
    cluster = TestCluster.start(directory.resolve("cluster"), 3);
    cluster.api(1).put("/api/v1/config/listeners/http?wait=applied",
        "{\"protocol\":\"http\",\"port\":" + cluster.httpPort() + ",\"http\":{\"tls\":false}}").expect(201);
    proxy = HaProxy.start(directory, IntStream.rangeClosed(1, 3).mapToObj(k -> cluster.host(k) + ":" + cluster.httpPort()).toList());
  }

  @AfterAll
  static void stop() {
    proxy.close();
    cluster.close();
  }

  @BeforeEach
  void openBrowser() throws IOException {
    browser = WebBrowser.open(temp.resolve("browser"), proxy.url());
  }

  @AfterEach
  void closeBrowser() {
    browser.close();
  }

  /** @return the user's home on disk */
  private static Path user(String name) throws IOException {
    cluster.api(1).put("/api/v1/config/users/" + name + "?wait=applied", "{\"password\":\"" + PASSWORD + "\"}").expect(201);
    return Files.createDirectories(cluster.files().resolve("users").resolve(name));
  }

  private static byte[] random(int size) {
    byte[] data = new byte[size];
    new Random(size).nextBytes(data);
    return data;
  }

  private static Path write(Path file, String text) throws IOException {
    Files.createDirectories(file.getParent());
    return Files.writeString(file, text);
  }

  @Test
  void signingIn_tellsWhatIsWrong_andSigningOutEndsIt() throws Exception {
    write(user("anna").resolve("mine.txt"), "mine");
    browser.go("");
    browser.find("#sign-in-user");
    browser.screenshot("sign-in");
    browser.signIn("anna", "wrong horse");
    browser.awaitText(".sign-in .form-error", "The name or the password is wrong");
    browser.press("Show password");
    assertEquals("text", browser.find("#sign-in-password").getDomAttribute("type"));
    browser.press("Show password");
    browser.signIn("anna", PASSWORD);
    browser.awaitEntry("mine.txt");
    browser.press("Account of anna");
    browser.awaitText(".menu", "Signed in until");
    browser.press("Sign out");
    browser.awaitText(".sign-in", "You have signed out.");
    browser.reload();
    browser.find("#sign-in-user");
    assertEquals(0, browser.count(".row"));
    assertEquals(List.of(), browser.complaints());
  }

  @Test
  void aLink_asksForTheLogin_andThenShowsWhatItIsFor() throws Exception {
    write(user("lena").resolve("in/ä b.txt"), "linked text");
    browser.goToPath("/files/in/%C3%A4%20b.txt").signIn("lena", PASSWORD);
    browser.awaitText(".preview pre", "linked text");
    browser.keys(Keys.ESCAPE);
    browser.until("the folder is where one is", () -> browser.driver().getCurrentUrl().endsWith("/#/in/"));
    browser.awaitEntry("ä b.txt");
  }

  @Test
  void folders_areBrowsed_sortedAndFiltered() throws Exception {
    Path home = user("bert");
    write(home.resolve("docs/inner/deep.txt"), "deep");
    write(home.resolve("docs/b.txt"), "22");
    write(home.resolve("docs/a.txt"), "55555");
    write(home.resolve("docs/Report.txt"), "1");
    browser.enter("", "bert", PASSWORD);
    browser.openEntry("docs");
    browser.until("names are sorted as people look for them", () -> browser.names().equals(List.of("inner", "a.txt", "b.txt", "Report.txt")));
    assertEquals("docs – Flotilla", browser.driver().getTitle());
    browser.press("Size");
    browser.until("the largest is first", () -> browser.names().equals(List.of("inner", "a.txt", "b.txt", "Report.txt")));
    browser.press("Size");
    browser.until("the smallest is first", () -> browser.names().equals(List.of("inner", "Report.txt", "b.txt", "a.txt")));
    assertEquals("ascending", browser.find("[role=columnheader].cell-size").getDomAttribute("aria-sort"));
    browser.type("input[type=search]", "rep");
    browser.until("only one fits", () -> browser.names().equals(List.of("Report.txt")));
    browser.type("input[type=search]", "xyz");
    browser.awaitText("file-list .message", "No name here has that in it.");
    browser.type("input[type=search]", Keys.ESCAPE);
    browser.awaitEntry("inner");
    browser.openEntry("inner");
    browser.awaitEntry("deep.txt");
    browser.back();
    browser.awaitEntry("b.txt");
    browser.click("//nav//a[contains(., 'Home')]");
    browser.awaitEntry("docs");
    browser.go("#/nowhere/");
    browser.awaitText("file-list .message", "no such file or directory");
    assertEquals(List.of(), browser.complaints());
  }

  @Test
  void aFolderOf10000Entries_isScrolledToItsEnd_withFewRowsInThePage() throws Exception {
    Path home = user("carl");
    for (int i = 0; i < 10_000; i++) {
      Files.createFile(home.resolve(String.format("entry-%05d", i)));
    }
    browser.enter("", "carl", PASSWORD);
    browser.awaitEntry("entry-00000");
    browser.until("the end is reached", LONG, () -> {
      browser.script("document.querySelector('.grid').scrollTop = 1e9");
      assertTrue(browser.count(".row") < 200, "rows in the page");
      return browser.names().contains("entry-09999");
    });
    assertEquals("10001", browser.find(".grid").getDomAttribute("aria-rowcount"));
    browser.awaitText(".status", "10,000 items");
    browser.screenshot("ten-thousand");
    long pages = (long) browser.script("return performance.getEntriesByType('resource').filter(one => one.name.includes('/files/?')).length");
    assertTrue(pages <= 12, pages + " pages were asked for");
    assertEquals(List.of(), browser.complaints());
    browser.keys(Keys.HOME);
    browser.awaitEntry("entry-00000");
    assertTrue(browser.count(".row") < 200);
  }

  @Test
  void hostileNames_areOnlyText() throws Exception {
    Path home = user("dora");
    List<String> names = List.of("<img src=x onerror=window.ran=1>.txt", "\"><script>window.ran=1<!--.txt", "javascript:window.ran=1",
        "' onmouseover='window.ran=1.txt", "{{window.ran=1}}${window.ran=1}.txt", "%2e%2e%2f%3Cscript%3E.txt");
    for (String name : names) {
      write(home.resolve(name), "<script>window.ran=1</script>");
    }
    write(home.resolve("invoice\u202Efdp.exe"), "MZ");
    write(home.resolve("two\nlines.txt"), "x");
    browser.enter("", "dora", PASSWORD);
    names.forEach(browser::awaitEntry);
    browser.awaitEntry("invoiceU+202Efdp.exe");
    browser.awaitEntry("twoU+000Alines.txt");
    browser.screenshot("hostile-names");
    for (String name : names.subList(0, 2)) {
      browser.click("//*[@role='row'][contains(., 'window.ran') and contains(., '" + name.substring(1, 6).replace("'", "") + "')]//a");
      browser.awaitText(".preview pre", "<script>window.ran=1</script>");
      browser.keys(Keys.ESCAPE);
    }
    browser.keysWith(Keys.CONTROL, "a");
    browser.press("Delete");
    browser.find(".dialog .named");
    browser.press("Cancel");
    assertNull(browser.script("return window.ran"));
    assertEquals(List.of(), browser.complaints());
  }

  @Test
  void whatOthersUploaded_doesNotRunInThisOrigin() throws Exception {
    Path home = user("emil");
    String script = "<script>localStorage.setItem('ran', 'yes')</script>";
    write(home.resolve("x.html"), "<!doctype html><title>ran</title>" + script);
    write(home.resolve("x.svg"), "<svg xmlns='http://www.w3.org/2000/svg'>" + script + "</svg>");
    write(home.resolve("x.pdf"), "<!doctype html>" + script);
    write(home.resolve("x.png"), "<!doctype html>" + script);
    browser.enter("", "emil", PASSWORD);
    for (String name : List.of("x.html", "x.svg", "x.pdf", "x.png")) {
      browser.go("").awaitEntry(name);
      browser.openEntry(name);
      browser.until("something is shown", () -> browser.count(".preview[open] .preview-body > :not(.spinner)") > 0);
      for (String query : List.of("", "?inline")) {
        browser.goToPath("/files/" + name + query);
      }
    }
    browser.go("").awaitEntry("x.html");
    assertNull(browser.script("return localStorage.getItem('ran')"));
  }

  @Test
  void uploads_areByteExact_pauseAndGoOn_andReplaceNothingUnasked() throws Exception {
    Path home = user("fred");
    byte[] content = random(30_000_000);
    Path file = Files.write(temp.resolve("large ü.bin"), content);
    Path small = write(temp.resolve("small.txt"), "new");
    write(home.resolve("small.txt"), "old");
    browser.enter("", "fred", PASSWORD);
    browser.limitUploads(4_000_000);
    browser.choose("input[type=file][multiple]", List.of(file));
    browser.until("some has gone", () -> progress() > 0.2);
    browser.screenshot("uploading");
    browser.press("Pause large ü.bin");
    browser.awaitText(".transfer-words", "Paused");
    assertFalse(Files.exists(home.resolve("large ü.bin")));
    browser.limitUploads(-1);
    browser.press("Resume large ü.bin");
    browser.awaitText(".transfers-title", "Uploads are complete");
    assertArrayEquals(content, Files.readAllBytes(home.resolve("large ü.bin")));
    browser.awaitEntry("large ü.bin");

    browser.choose("input[type=file][multiple]", List.of(small));
    browser.find("//dialog//*[contains(., 'Already there')]");
    browser.screenshot("already-there");
    browser.press("Keep both");
    browser.awaitEntry("small (1).txt");
    assertEquals("old", Files.readString(home.resolve("small.txt")));
    assertEquals("new", Files.readString(home.resolve("small (1).txt")));
    browser.choose("input[type=file][multiple]", List.of(small));
    browser.press("Replace");
    await().atMost(TestCluster.SOON).until(() -> Files.readString(home.resolve("small.txt")).equals("new"));

    Path late = Files.write(temp.resolve("late.bin"), random(6_000_000));
    browser.limitUploads(2_000_000);
    browser.choose("input[type=file][multiple]", List.of(late));
    browser.until("some has gone", () -> progress() > 0.2);
    write(home.resolve("late.bin"), "taken meanwhile");
    browser.limitUploads(-1);
    browser.press("Keep both");
    browser.awaitEntry("late (1).bin");
    assertEquals("taken meanwhile", Files.readString(home.resolve("late.bin")));
    assertArrayEquals(random(6_000_000), Files.readAllBytes(home.resolve("late (1).bin")));
  }

  @Test
  void anEmptyFile_whoseAnswerIsLost_isNotTakenForAnothers() throws Exception {
    Path home = user("rosa");
    Path file = Files.createFile(temp.resolve("empty.txt"));
    browser.enter("", "rosa", PASSWORD);
    browser.script("""
        const real = window.fetch;
        window.lost = 0;
        window.fetch = async (url, options) => {
          const answer = await real(url, options);
          if (options?.method === 'POST' && url === '/uploads' && window.lost++ === 0) {
            throw new TypeError('the answer is lost');
          }
          return answer;
        };""");
    browser.choose("input[type=file][multiple]", List.of(file));
    browser.until("it is complete or asked about", () -> browser.count("dialog[open]") > 0
        || browser.text(".transfers-title").equals("Uploads are complete"));
    assertEquals(2L, browser.script("return window.lost"));
    assertEquals(0, browser.count("dialog[open]"));
    browser.awaitText(".transfer-words", "0 B");
    assertEquals(0, Files.size(home.resolve("empty.txt")));

    browser.choose("input[type=file][multiple]", List.of(file));
    browser.find("//dialog//*[contains(., 'Already there')]"); // whose it is nobody knows this time
  }

  @Test
  void aFile_whoseNameAnEmptyOneHasTaken_isAskedAbout() throws Exception {
    Path home = user("vera");
    Path file = write(temp.resolve("full.txt"), "full");
    browser.enter("", "vera", PASSWORD);
    browser.script("""
        XMLHttpRequest.prototype.send = function() {
          setTimeout(() => this.dispatchEvent(new ProgressEvent('loadend')));
        };
        const real = window.fetch;
        window.fetch = async (url, options) => {
          if (options?.method === 'HEAD' && url.startsWith('/uploads/')) {
            await new Promise(resolve => { window.goOn = resolve; });
            return new Response(null, {status: 404});
          }
          return real(url, options);
        };""");
    browser.choose("input[type=file][multiple]", List.of(file));
    browser.until("it asks where it was", () -> Boolean.TRUE.equals(browser.script("return window.goOn !== undefined")));
    write(home.resolve("full.txt"), "");
    browser.script("window.goOn()");
    browser.find("//dialog//*[contains(., 'Already there')]");
  }

  private double progress() {
    Object value = browser.script("return document.querySelector('.transfer progress')?.value ?? 0");
    return ((Number) value).doubleValue();
  }

  @Test
  void aReloadedPage_goesOnWithTheSameFile() throws Exception {
    Path home = user("greta");
    byte[] content = random(40_000_000);
    Path file = Files.write(temp.resolve("later.bin"), content);
    browser.enter("", "greta", PASSWORD);
    browser.limitUploads(6_000_000);
    browser.choose("input[type=file][multiple]", List.of(file));
    browser.until("more than a part has gone", LONG, () -> progress() > 0.5);
    browser.press("Pause later.bin");
    browser.awaitText(".transfer-words", "Paused");
    browser.reload();
    browser.find(".grid");
    browser.limitUploads(1_000_000);
    browser.choose("input[type=file][multiple]", List.of(file));
    browser.until("it goes on where it was", () -> progress() > 0.35);
    browser.limitUploads(-1);
    await().atMost(LONG).until(() -> Files.exists(home.resolve("later.bin")));
    assertArrayEquals(content, Files.readAllBytes(home.resolve("later.bin")));
  }

  @Test
  void anotherFile_ofTheSameNameSizeAndTime_isAnotherUpload() throws Exception {
    Path home = user("sven");
    Path file = Files.write(temp.resolve("secret plan.bin"), random(20_000_000));
    FileTime time = Files.getLastModifiedTime(file);
    browser.enter("", "sven", PASSWORD);
    browser.limitUploads(6_000_000);
    browser.choose("input[type=file][multiple]", List.of(file));
    browser.until("some has gone", () -> progress() > 0.2);
    browser.press("Pause secret plan.bin");
    browser.awaitText(".transfer-words", "Paused");
    browser.press("Account of sven");
    browser.press("Sign out");
    browser.awaitText("dialog", "To go on with them later, choose the same files again for the same folder.");
    browser.click("//dialog//button[normalize-space(.)='Sign out']");
    browser.awaitText(".sign-in", "You have signed out.");
    String kept = (String) browser.script("return JSON.stringify(localStorage)");
    assertTrue(kept.contains("flotilla-upload:"), kept);
    assertFalse(kept.contains("sven") || kept.contains("secret"), kept);

    byte[] other = random(20_000_000);
    other[0]++;
    Files.write(file, other);
    Files.setLastModifiedTime(file, time);
    browser.limitUploads(-1);
    browser.reload();
    browser.signIn("sven", PASSWORD);
    browser.find(".grid");
    browser.choose("input[type=file][multiple]", List.of(file));
    browser.awaitText(".transfers-title", "Uploads are complete");
    assertArrayEquals(other, Files.readAllBytes(home.resolve("secret plan.bin")));
  }

  @Test
  void aFileThatIsChosenAgain_isNotSentTwice() throws Exception {
    Path home = user("tina");
    byte[] content = random(12_000_000);
    Path file = Files.write(temp.resolve("once.bin"), content);
    browser.enter("", "tina", PASSWORD);
    browser.limitUploads(3_000_000);
    browser.choose("input[type=file][multiple]", List.of(file));
    browser.until("some has gone", () -> progress() > 0.1);
    browser.choose("input[type=file][multiple]", List.of(file));
    browser.awaitText(".notice", "once.bin is already being uploaded.");
    browser.press("Pause once.bin");
    browser.awaitText(".transfer-words", "Paused");
    browser.choose("input[type=file][multiple]", List.of(file));
    browser.find("//button[@aria-label='Pause once.bin']"); // it goes on
    assertEquals(1, browser.count(".transfer"));

    Path other = Files.createDirectory(temp.resolve("other")).resolve("once.bin");
    content[0]++; // of the same name, size and time
    Files.setLastModifiedTime(Files.write(other, content), Files.getLastModifiedTime(file));
    browser.choose("input[type=file][multiple]", List.of(other));
    browser.awaitText(".transfer[data-state=waiting]", "Waiting");
    browser.limitUploads(-1);
    browser.find("//dialog//*[contains(., 'Already there')]");
    browser.press("Keep both");
    browser.awaitText(".transfers-title", "Uploads are complete");
    assertArrayEquals(content, Files.readAllBytes(home.resolve("once (1).bin")));
    assertArrayEquals(Files.readAllBytes(file), Files.readAllBytes(home.resolve("once.bin")));
  }

  /** Looking whether a chosen file is the same as another waits from now on, until it is released. */
  private void holdComparing() {
    browser.script("""
        const real = crypto.subtle.digest.bind(crypto.subtle);
        const held = new Promise(resolve => { window.release = resolve; });
        window.compared = 0;
        crypto.subtle.digest = async (...given) => {
          window.compared++;
          await held;
          return real(...given);
        };""");
  }

  private void chooseAgain(Path file) {
    holdComparing();
    browser.choose("input[type=file][multiple]", List.of(file));
    browser.until("it is compared", () -> !Long.valueOf(0).equals(browser.script("return window.compared")));
  }

  private void pauseUpload(Path file) {
    browser.limitUploads(1_000_000);
    browser.choose("input[type=file][multiple]", List.of(file));
    browser.press("Pause " + file.getFileName());
    browser.awaitText(".transfer-words", "Paused");
    browser.limitUploads(-1);
  }

  @Test
  void whatIsGivenUp_whileItIsChosenAgain_isUploadedAnew() throws Exception {
    Path home = user("wanda");
    byte[] content = random(6_000_000);
    Path file = Files.write(temp.resolve("again.bin"), content);
    browser.enter("", "wanda", PASSWORD);
    pauseUpload(file);
    chooseAgain(file);
    browser.press("Cancel again.bin");
    browser.script("window.release()");
    browser.awaitEntry("again.bin");
    assertArrayEquals(content, Files.readAllBytes(home.resolve("again.bin")));
  }

  @Test
  void whatOneUserHasChosen_isNotUploadedAsAnother() throws Exception {
    user("xaver");
    Path others = user("yvonne");
    byte[] content = random(6_000_000);
    Path file = Files.write(temp.resolve("private.bin"), content);
    browser.enter("", "xaver", PASSWORD);
    pauseUpload(file);
    Path other = Files.createDirectory(temp.resolve("other")).resolve("private.bin");
    content[0]++; // of the same name, size and time
    Files.setLastModifiedTime(Files.write(other, content), Files.getLastModifiedTime(file));
    chooseAgain(other);
    browser.press("Account of xaver");
    browser.press("Sign out");
    browser.click("//dialog//button[normalize-space(.)='Sign out']");
    browser.awaitText(".sign-in", "You have signed out.");
    browser.signIn("yvonne", PASSWORD);
    browser.find(".grid");
    browser.script("window.release()");
    browser.choose("input[type=file][multiple]", List.of(write(temp.resolve("hers.txt"), "hers")));
    browser.awaitEntry("hers.txt");
    browser.awaitText(".transfers-title", "Uploads are complete");
    assertEquals(1, browser.count(".transfer"));
    assertFalse(Files.exists(others.resolve("private.bin")));
  }

  @Test
  void folders_areUploadedWithWhatIsInThem() throws Exception {
    Path home = user("hugo");
    Path tree = temp.resolve("tree");
    write(tree.resolve("top.txt"), "top");
    write(tree.resolve("a/b c/deep.txt"), "deep");
    browser.enter("", "hugo", PASSWORD);
    browser.choose("input[type=file][webkitdirectory]", List.of(tree));
    browser.awaitText(".transfers-title", "Uploads are complete");
    assertEquals("top", Files.readString(home.resolve("tree/top.txt")));
    assertEquals("deep", Files.readString(home.resolve("tree/a/b c/deep.txt")));
    browser.awaitEntry("tree");
  }

  @Test
  void aDrop_uploadsFiles() throws Exception {
    Path home = user("ilse");
    browser.enter("", "ilse", PASSWORD);
    browser.script("""
        const transfer = new DataTransfer();
        transfer.items.add(new File(['dropped'], 'dropped.txt'));
        const target = document.querySelector('.grid');
        for (const type of ['dragenter', 'dragover', 'drop']) {
          target.dispatchEvent(new DragEvent(type, {bubbles: true, cancelable: true, dataTransfer: transfer}));
        }""");
    browser.awaitEntry("dropped.txt");
    assertEquals("dropped", Files.readString(home.resolve("dropped.txt")));
  }

  @Test
  void aKilledNode_losesNoUpload_andLogsNobodyOut() throws Exception {
    Path home = user("jana");
    Path file = temp.resolve("huge.bin");
    byte[] part = random(1_000_000);
    try (OutputStream out = Files.newOutputStream(file)) {
      for (int i = 0; i < 1000; i++) {
        ByteBuffer.wrap(part).putInt(i); // no two parts are the same
        out.write(part);
      }
    }
    browser.enter("", "jana", PASSWORD);
    JsonNode session = session("jana");
    int began = Integer.parseInt(session.path("node").asText().substring("node-".length()));
    browser.limitUploads(100_000_000);
    browser.choose("input[type=file][multiple]", List.of(file));
    browser.until("some has gone", LONG, () -> progress() > 0.3);
    cluster.node(began).kill();
    browser.limitUploads(-1);
    browser.until("the upload is complete", LONG, () -> browser.text(".transfers-title").equals("Uploads are complete"));
    assertEquals(-1, Files.mismatch(file, home.resolve("huge.bin")));
    assertEquals(0, browser.count("dialog.sign-in[open]"));
    browser.awaitEntry("huge.bin");
    browser.press("New folder");
    browser.type(".dialog input", "still here", Keys.ENTER);
    browser.awaitEntry("still here");
    cluster.startNode(began, List.of());
    cluster.awaitConverged();
    assertEquals(session.path("id"), session("jana").path("id"));
    await().atMost(TestCluster.SOON).ignoreExceptions().until(() ->
        WebUser.tryLogIn("http://" + cluster.host(began) + ":" + cluster.httpPort(), "jana", PASSWORD).statusCode() == 201);
  }

  private static JsonNode session(String user) {
    return await().atMost(TestCluster.SOON).ignoreExceptions().until(() ->
        cluster.api(1).get("/api/v1/sessions?user=" + user).expect(200).body().path("items").get(0), Objects::nonNull);
  }

  @Test
  void whatIsSelected_isDownloaded_asAZip() throws Exception {
    Path home = user("karl");
    byte[] content = random(300_000);
    Files.write(home.resolve("one.bin"), content);
    write(home.resolve("dir/ü.txt"), "in it");
    write(home.resolve("other.txt"), "not this one");
    browser.enter("", "karl", PASSWORD);
    browser.awaitEntry("one.bin");
    browser.selectEntry("one.bin");
    browser.selectEntry("dir");
    browser.awaitText(".tools", "2 selected");
    browser.screenshot("selected");
    browser.press("Download");
    Path zip = downloaded(".zip");
    Map<String, byte[]> found = new HashMap<>();
    try (ZipInputStream in = new ZipInputStream(Files.newInputStream(zip))) {
      for (ZipEntry entry = in.getNextEntry(); entry != null; entry = in.getNextEntry()) {
        found.put(entry.getName(), in.readAllBytes());
      }
    }
    assertEquals(java.util.Set.of("one.bin", "dir/", "dir/ü.txt"), found.keySet());
    assertArrayEquals(content, found.get("one.bin"));
    browser.selectEntry("dir");
    browser.press("Download");
    assertArrayEquals(content, Files.readAllBytes(downloaded(".bin")));

    for (int i = 0; i < 100; i++) {
      write(home.resolve("many/" + "n".repeat(100) + i), "x");
    }
    write(home.resolve("many/two\nlines"), "a form would make two characters of the end of the line");
    browser.go("#/many/").awaitEntry("n".repeat(100) + 0);
    browser.keysWith(Keys.CONTROL, "a");
    browser.awaitText(".tools", "101 selected");
    browser.press("Download");
    assertEquals(101, entries(downloaded("many.zip")));
  }

  private static int entries(Path zip) throws IOException {
    try (java.util.zip.ZipFile file = new java.util.zip.ZipFile(zip.toFile())) {
      return file.size();
    }
  }

  private Path downloaded(String ending) {
    return await().atMost(TestCluster.SOON).until(() -> {
      try (Stream<Path> files = Files.list(temp.resolve("browser/downloads"))) {
        return files.filter(file -> file.toString().endsWith(ending)).findAny().orElse(null);
      }
    }, Objects::nonNull);
  }

  @Test
  void entries_areMade_renamed_moved_andDeleted() throws Exception {
    Path home = user("lisa");
    write(home.resolve("old name.txt"), "text");
    write(home.resolve("taken.txt"), "taken");
    browser.enter("", "lisa", PASSWORD);
    browser.press("New folder");
    browser.type(".dialog input", "taken.txt", Keys.ENTER);
    browser.awaitText(".dialog .form-error", "There is already something with that name.");
    browser.find(".dialog input").clear();
    browser.type(".dialog input", "box", Keys.ENTER);
    browser.awaitEntry("box");
    assertTrue(Files.isDirectory(home.resolve("box")));

    browser.selectEntry("old name.txt");
    browser.press("Rename");
    browser.find(".dialog input").clear();
    browser.type(".dialog input", "taken.txt", Keys.ENTER);
    browser.awaitText(".dialog .form-error", "There is already something with that name.");
    browser.find(".dialog input").clear();
    browser.type(".dialog input", "näme #1?.txt", Keys.ENTER);
    browser.awaitEntry("näme #1?.txt");
    assertEquals("text", Files.readString(home.resolve("näme #1?.txt")));

    browser.selectEntry("näme #1?.txt");
    browser.press("Move");
    browser.click("//dialog//button[contains(., 'box')]");
    browser.awaitText(".chooser-list", "There are no folders in it.");
    browser.screenshot("move");
    browser.press("Move here");
    browser.until("it has gone", () -> !browser.names().contains("näme #1?.txt"));
    assertEquals("text", Files.readString(home.resolve("box/näme #1?.txt")));

    browser.selectEntry("box");
    browser.press("Delete");
    browser.awaitText(".dialog .named", "box");
    browser.screenshot("delete");
    browser.press("Cancel");
    assertTrue(Files.exists(home.resolve("box")));
    browser.press("Delete");
    browser.click(".dialog .danger");
    browser.until("it has gone", () -> browser.names().equals(List.of("taken.txt")));
    assertFalse(Files.exists(home.resolve("box")));
  }

  @Test
  void whatOneUserBegan_noOtherGoesOnWith() throws Exception {
    List<String> names = List.of("one.txt", "two.txt", "three.txt");
    Path mine = user("nina");
    Path others = user("olaf");
    for (String name : names) {
      write(mine.resolve(name), "mine");
      write(others.resolve(name), "another's");
    }
    browser.enter("", "nina", PASSWORD);
    names.forEach(name -> {
      browser.awaitEntry(name);
      browser.selectEntry(name);
    });
    browser.press("Delete");
    // In another window, with the same cookies.
    browser.script("window.signedIn = 0; fetch('/session', {method: 'POST', headers: {'Content-Type': 'application/json'}, "
        + "body: JSON.stringify({user: 'olaf', password: arguments[0]})}).then(answer => { window.signedIn = answer.status; })", PASSWORD);
    browser.until("the other user has signed in", () -> Long.valueOf(201).equals(browser.script("return window.signedIn")));
    browser.click(".dialog .danger");
    browser.until("it has failed", () -> browser.driver().getPageSource().contains("Somebody else has signed in meanwhile."));
    for (String name : names) {
      assertTrue(Files.exists(mine.resolve(name)), name);
      assertTrue(Files.exists(others.resolve(name)), name);
    }
  }

  @Test
  void pictures_text_andPdf_areShown() throws Exception {
    Path home = user("mona");
    picture(home.resolve("a.png"));
    write(home.resolve("b.txt"), "Grüße <b>aus</b> dem Text");
    pdf(home.resolve("c.pdf"));
    Files.write(home.resolve("d.bin"), random(1000));
    browser.enter("", "mona", PASSWORD);
    browser.openEntry("a.png");
    browser.until("the picture is shown", () -> Boolean.TRUE.equals(
        browser.script("return (document.querySelector('.preview img')?.naturalWidth ?? 0) === 320")));
    browser.screenshot("preview-picture");
    browser.keys(Keys.ARROW_RIGHT);
    browser.awaitText(".preview pre", "Grüße <b>aus</b> dem Text");
    browser.screenshot("preview-text");
    browser.keys(Keys.ARROW_RIGHT);
    browser.until("the PDF is shown", () -> Boolean.TRUE.equals(
        browser.script("return document.querySelector('.preview iframe')?.src.startsWith('blob:')")));
    browser.screenshot("preview-pdf");
    browser.press("Next");
    browser.awaitText(".preview", "There is no preview of this kind of file.");
    browser.keys(Keys.ARROW_LEFT, Keys.ARROW_LEFT);
    browser.find(".preview pre");
    browser.keys(Keys.ESCAPE);
    browser.until("it is closed", () -> browser.count("dialog.preview[open]") == 0);
    assertEquals(List.of(), browser.complaints());
  }

  private static void picture(Path file) throws IOException {
    BufferedImage image = new BufferedImage(320, 200, BufferedImage.TYPE_INT_RGB);
    for (int x = 0; x < image.getWidth(); x++) {
      for (int y = 0; y < image.getHeight(); y++) {
        image.setRGB(x, y, x * 255 / 320 << 16 | y * 255 / 200 << 8 | 140);
      }
    }
    ImageIO.write(image, "png", file.toFile());
  }

  private static void pdf(Path file) throws IOException {
    String text = "BT /F1 24 Tf 40 100 Td (Hello, Flotilla) Tj ET";
    Files.writeString(file, """
        %%PDF-1.4
        1 0 obj <</Type /Catalog /Pages 2 0 R>> endobj
        2 0 obj <</Type /Pages /Kids [3 0 R] /Count 1>> endobj
        3 0 obj <</Type /Page /Parent 2 0 R /MediaBox [0 0 300 200] /Contents 4 0 R /Resources <</Font <</F1 5 0 R>>>>>> endobj
        4 0 obj <</Length %d>> stream
        %s
        endstream endobj
        5 0 obj <</Type /Font /Subtype /Type1 /BaseFont /Helvetica>> endobj
        trailer <</Root 1 0 R>>
        %%%%EOF
        """.formatted(text.length(), text));
  }

  @Test
  void aChangedPassword_endsOtherSessions_andThisOneGoesOn() throws Exception {
    write(user("nils").resolve("a.txt"), "a");
    WebUser other = WebUser.logIn(proxy.url(), "nils", PASSWORD);
    browser.enter("", "nils", PASSWORD);
    changePassword("wrong horse", "another horse");
    browser.awaitText(".dialog .form-error", "The current password is wrong.");
    browser.find("#password-current").clear();
    browser.type("#password-current", PASSWORD, Keys.ENTER);
    browser.awaitText(".notice", "The password is changed.");
    assertEquals(401, other.status(proxy.url()));
    for (int i = 0; i < 3; i++) {
      browser.press("Refresh");
      browser.awaitEntry("a.txt");
    }
    browser.selectEntry("a.txt");
    browser.press("Delete");
    browser.click(".dialog .danger");
    browser.awaitText("file-list .message", "This folder is empty.");
    assertEquals(0, browser.count("dialog.sign-in[open]"));
    assertEquals(401, WebUser.tryLogIn(proxy.url(), "nils", PASSWORD).statusCode());
    assertEquals(201, WebUser.tryLogIn(proxy.url(), "nils", "another horse").statusCode());
  }

  private void changePassword(String current, String wanted) {
    browser.press("Account of nils");
    browser.press("Change password");
    browser.type("#password-current", current);
    browser.type("#password-new", wanted);
    browser.type("#password-again", wanted, Keys.ENTER);
  }

  @Test
  void aSessionThatHasEnded_isBegunAgain_whereOneWas() throws Exception {
    Path home = user("olga");
    write(home.resolve("in/here.txt"), "x");
    browser.enter("#/in/", "olga", PASSWORD);
    browser.awaitEntry("here.txt");
    browser.forgetCookies();
    browser.selectEntry("here.txt");
    browser.press("Delete");
    browser.click(".dialog .danger");
    browser.awaitText(".sign-in", "Your session has ended.");
    browser.screenshot("session-ended");
    assertTrue(Files.exists(home.resolve("in/here.txt")));
    browser.signIn("olga", PASSWORD);
    browser.until("what was asked for is done", () -> !Files.exists(home.resolve("in/here.txt")));
    assertTrue(browser.driver().getCurrentUrl().endsWith("/#/in/"));
  }

  @Test
  void everything_isReachedByKeys() throws Exception {
    Path home = user("paul");
    write(home.resolve("dir/one.txt"), "first");
    write(home.resolve("dir/two.txt"), "second");
    browser.go("");
    browser.until("the name has the focus", () -> browser.driver().switchTo().activeElement().getDomAttribute("id").equals("sign-in-user"));
    browser.keys("paul", Keys.TAB, PASSWORD, Keys.ENTER);
    browser.awaitEntry("dir");
    assertTrue(isInList());
    browser.keys(Keys.ENTER);
    browser.awaitEntry("one.txt");
    browser.keys("/", "two");
    browser.until("only one fits", () -> browser.names().equals(List.of("two.txt")));
    browser.keys(Keys.ESCAPE);
    browser.awaitEntry("one.txt");
    browser.keys(Keys.ESCAPE, Keys.END, Keys.F2);
    browser.find(".dialog input");
    browser.keys("second", Keys.ENTER); // the name without its ending is selected
    browser.awaitEntry("second.txt");
    browser.until("the list has the focus", this::isInList);
    browser.keys(Keys.HOME, Keys.ENTER);
    browser.awaitText(".preview pre", "first");
    browser.keys(Keys.ARROW_RIGHT);
    browser.awaitText(".preview pre", "second");
    browser.keys(Keys.ESCAPE);
    browser.until("the list has the focus", this::isInList);
    browser.keys(Keys.HOME, Keys.SPACE);
    browser.awaitText(".tools", "1 selected");
    browser.keysWith(Keys.SHIFT, Keys.ARROW_DOWN);
    browser.awaitText(".tools", "2 selected");
    browser.keys(Keys.ESCAPE, Keys.HOME, Keys.DELETE);
    browser.awaitText(".dialog .named", "one.txt");
    browser.keys(Keys.TAB, Keys.ENTER);
    browser.until("it has gone", () -> browser.names().equals(List.of("second.txt")));
    browser.until("the list has the focus", this::isInList);
    browser.keys(Keys.BACK_SPACE);
    browser.awaitEntry("dir");
  }

  @Test
  void theKeys_stayWithTheirEntry_whateverComesAndGoes() throws Exception {
    Path home = user("rita");
    for (String name : List.of("b.txt", "c.txt", "d.txt", "e.txt")) {
      write(home.resolve(name), name);
    }
    browser.enter("", "rita", PASSWORD);
    browser.awaitEntry("b.txt");
    browser.keys(Keys.ARROW_DOWN); // to c.txt
    write(home.resolve("a.txt"), "above it");
    browser.press("Refresh");
    browser.awaitEntry("a.txt");
    browser.script("document.querySelector('.grid').focus()");
    browser.keys(Keys.DELETE);
    browser.awaitText(".dialog .named", "c.txt");
    browser.press("Cancel");

    Files.delete(home.resolve("c.txt"));
    browser.press("Refresh");
    browser.until("it has gone", () -> !browser.names().contains("c.txt"));
    assertEquals(0, browser.count(".row.active"));
    browser.script("document.querySelector('.grid').focus()");
    browser.keys(Keys.DELETE, Keys.F2);
    assertEquals(0, browser.count("dialog.dialog")); // what is in its place was not meant
    browser.keys(Keys.ARROW_DOWN, Keys.DELETE);
    browser.awaitText(".dialog .named", "d.txt");
    browser.keys(Keys.TAB, Keys.ENTER);
    browser.until("it has gone", () -> browser.names().equals(List.of("a.txt", "b.txt", "e.txt")));
    browser.until("the next is where the keys are", () -> browser.text(".row.active").contains("e.txt"));
  }

  @Test
  void theFocus_isNotLost_whenWhatIsAroundItIsDrawnAnew() throws Exception {
    Path home = user("ruth");
    write(home.resolve("a.txt"), "a");
    write(home.resolve("b.txt"), "b");
    browser.enter("", "ruth", PASSWORD);
    browser.awaitEntry("b.txt");
    for (String focused : List.of("[data-sort=size]", ".head input")) {
      browser.script("document.querySelector(arguments[0]).focus()", focused);
      browser.keys(Keys.SPACE);
      refresh();
      assertEquals(Boolean.TRUE, browser.script("return document.activeElement.matches(arguments[0])", focused), focused);
    }
    browser.awaitText(".tools", "2 selected");
    browser.script("document.querySelector('.tools [aria-label=Move]').focus()");
    Files.delete(home.resolve("b.txt"));
    refresh();
    browser.awaitText(".tools", "1 selected");
    assertEquals("Move", browser.driver().switchTo().activeElement().getDomAttribute("aria-label"));
  }

  /** Without taking the focus, as when an upload has come. */
  private void refresh() {
    browser.script("window.read = performance.getEntriesByType('resource').length; document.querySelector('.refresh').click()");
    browser.until("it is read", () -> Boolean.TRUE.equals(browser.script("return performance.getEntriesByType('resource').length > window.read "
        + "&& !document.querySelector('file-list.is-loading')")));
  }

  private boolean isInList() {
    return "grid".equals(browser.driver().switchTo().activeElement().getDomAttribute("role"));
  }

  @Test
  void theMainViews_areAccessible_inLightAndDark_andOnAPhone() throws Exception {
    Path home = user("quentin");
    for (String name : List.of("Annual report 2025.pdf", "backup-2026-11.tar.gz", "harbour.txt", "meeting.mp4", "notes.md")) {
      write(home.resolve(name), name.repeat(500));
    }
    picture(home.resolve("quay.png"));
    for (String name : List.of("Contracts", "Invoices 2026", "Press photos")) {
      Files.createDirectory(home.resolve(name));
    }
    Path file = write(temp.resolve("new.txt"), "new");
    browser.dark(false);
    browser.go("");
    browser.find("#sign-in-user");
    assertAccessible("sign-in");
    browser.enter("", "quentin", PASSWORD);
    for (String shades : List.of("light", "dark")) {
      browser.dark(shades.equals("dark"));
      browser.awaitEntry("Contracts");
      browser.screenshot("desktop-" + shades);
      assertAccessible("list " + shades);
      browser.selectEntry("Contracts");
      assertAccessible("selection " + shades);
      browser.press("Delete");
      browser.find(".dialog");
      assertAccessible("delete " + shades);
      browser.press("Cancel");
      browser.press("Move");
      browser.find(".chooser-folder");
      assertAccessible("move " + shades);
      browser.press("Cancel");
      browser.press("Clear the selection");
      browser.press("Account of quentin");
      browser.press("Change password");
      browser.find("#password-new");
      assertAccessible("password " + shades);
      browser.screenshot("password-" + shades);
      browser.press("Cancel");
      for (String shown : List.of("quay.png", "notes.md", "meeting.mp4")) {
        browser.openEntry(shown);
        browser.until("it is shown", () -> browser.count(".preview[open] .preview-body > :not(.spinner)") > 0);
        assertAccessible("preview of " + shown + " " + shades);
        browser.keys(Keys.ESCAPE);
        browser.until("it is closed", () -> browser.count("dialog.preview[open]") == 0);
      }
    }
    browser.choose("input[type=file][multiple]", List.of(file));
    browser.awaitText(".transfers-title", "Uploads are complete");
    assertAccessible("uploads dark");
    browser.screenshot("uploads-dark");
    browser.press("Clear the list");
    browser.phone();
    for (String shades : List.of("dark", "light")) {
      browser.dark(shades.equals("dark"));
      browser.awaitEntry("Contracts");
      assertAccessible("phone " + shades);
      browser.screenshot("phone-" + shades);
    }
    assertEquals(Boolean.TRUE, browser.script("return document.documentElement.scrollWidth <= 360"));
    browser.selectEntry("notes.md");
    assertAccessible("phone selection");
    browser.screenshot("phone-selection");
    browser.openEntry("quay.png");
    browser.find(".preview img");
    assertAccessible("phone preview");
    browser.screenshot("phone-preview");
  }

  private void assertAccessible(String view) throws IOException {
    browser.script(axe());
    Object violations = browser.driver().executeAsyncScript("""
        const done = arguments[0];
        axe.run(document, {runOnly: ['wcag2a', 'wcag2aa']}).then(result => done(result.violations
          .map(found => `${found.id}: ${found.nodes.map(node => node.target.join(' ')).join(', ')}`).join('\\n')));""");
    assertEquals("", violations, view);
  }

  private static String axe() throws IOException {
    Properties properties = new Properties();
    try (InputStream in = resource("META-INF/maven/org.webjars.npm/axe-core/pom.properties")) {
      properties.load(in);
    }
    try (InputStream in = resource(AXE.formatted(properties.getProperty("version")))) {
      return new String(in.readAllBytes(), StandardCharsets.UTF_8);
    }
  }

  private static InputStream resource(String name) {
    return Objects.requireNonNull(WebClientTest.class.getClassLoader().getResourceAsStream(name), name);
  }
}
