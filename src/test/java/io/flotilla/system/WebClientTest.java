package io.flotilla.system;

import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.awt.image.BufferedImage;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Properties;
import java.util.stream.Stream;
import java.util.zip.ZipEntry;
import java.util.zip.ZipInputStream;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.Test;
import org.openqa.selenium.Keys;

/** People at work in a real browser. Screenshots of the main views are kept in target/screenshots. */
class WebClientTest extends WebClientFixture {
  private static final String AXE = "META-INF/resources/webjars/axe-core/%s/axe.min.js";

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
