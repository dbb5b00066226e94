package io.flotilla.system;

import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.openqa.selenium.Keys;

/** People upload in a real browser; see {@link WebClientTest}. */
class WebClientUploadsTest extends WebClientFixture {
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

  @Tag("long")
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
}
