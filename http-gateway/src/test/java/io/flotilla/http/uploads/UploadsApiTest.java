package io.flotilla.http.uploads;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.flotilla.http.dav.Locks;
import io.flotilla.http.files.FilesFixture;
import io.flotilla.http.server.UserRequests;
import io.flotilla.vfs.ActiveUploads;
import io.flotilla.vfs.Links;
import io.flotilla.vfs.OpenFile;
import io.flotilla.vfs.OpenMode;
import io.flotilla.vfs.PublishingFileSystem;
import io.flotilla.vfs.SegmentWriter;
import io.flotilla.vfs.SegmentedUpload;
import io.flotilla.vfs.UploadClaim;
import io.flotilla.vfs.VirtualFileSystem;
import io.flotilla.vfs.VirtualPath;
import java.io.IOException;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.concurrent.CompletionException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import org.apache.pekko.http.javadsl.model.ContentTypes;
import org.apache.pekko.http.javadsl.model.HttpEntities;
import org.apache.pekko.http.javadsl.model.HttpRequest;
import org.apache.pekko.http.javadsl.model.HttpResponse;
import org.apache.pekko.stream.javadsl.Source;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class UploadsApiTest extends FilesFixture {
  private static final String OCTETS = "application/offset+octet-stream";
  private static final Duration KEEP = Duration.ofDays(7);

  private final MemoryLeases leases = new MemoryLeases();
  private Duration ahead = Duration.ZERO;
  private final UploadsApi uploads = new UploadsApi(leases, new Locks(System::nanoTime), "node", () -> KEEP, new Clock() {
    @Override
    public ZoneId getZone() {
      return ZoneOffset.UTC;
    }

    @Override
    public Clock withZone(ZoneId zone) {
      return this;
    }

    @Override
    public Instant instant() {
      return Instant.now().plus(ahead);
    }
  }, Lease.TIME);

  @Override
  protected UserRequests api() {
    return uploads;
  }

  @AfterEach
  void noLeaseIsLeft() {
    assertEquals(0, leases.heldNow());
    uploads.close();
  }

  private static String[] with(String[] headers, String... more) {
    List<String> all = new ArrayList<>(List.of(more));
    all.addAll(List.of(headers));
    return all.toArray(String[]::new);
  }

  private HttpResponse tus(String method, String target, String... headers) {
    return ask(method, target, with(headers, "Tus-Resumable", "1.0.0"));
  }

  private HttpResponse send(String method, String target, String body, String... headers) {
    HttpRequest request = request(method, target, with(headers, "Tus-Resumable", "1.0.0"));
    return ask(request.withEntity(HttpEntities.create(ContentTypes.parse(OCTETS), body.getBytes(StandardCharsets.UTF_8))), target);
  }

  private static String base64(String text) {
    return Base64.getEncoder().encodeToString(text.getBytes(StandardCharsets.UTF_8));
  }

  private HttpResponse create(String path, int length, String... more) {
    return tus("POST", "/uploads", "Upload-Length", Integer.toString(length), "Upload-Metadata",
        "path " + base64(path) + String.join("", more));
  }

  private String created(String path, int length, String... more) {
    HttpResponse response = create(path, length, more);
    assertEquals(201, status(response), () -> body(response));
    return header(response, "Location");
  }

  private HttpResponse patch(String location, long offset, String body, String... headers) {
    return send("PATCH", location, body, with(headers, "Upload-Offset", Long.toString(offset)));
  }

  private String offset(String location) {
    HttpResponse response = tus("HEAD", location);
    assertEquals(200, status(response));
    return header(response, "Upload-Offset");
  }

  @Test
  void theDirectory_isListedOnce_forLooking() {
    String location = created("/a", 10);
    AtomicInteger lists = new AtomicInteger();
    storage = files -> watched(files, called -> lists.addAndGet(called.equals("list") ? 1 : 0));
    assertEquals("0", offset(location));
    assertEquals(1, lists.getAndSet(0));
    assertEquals(204, status(patch(location, 0, "01234")));
    assertEquals(2, lists.getAndSet(0));
    assertEquals(204, status(patch(location, 5, "567")));
    assertEquals(3, lists.getAndSet(0)); // there was a segment to take over
  }

  /** @param called told of each call, before it is made, also in what is staged */
  private static VirtualFileSystem watched(VirtualFileSystem files, Consumer<String> called) {
    return (VirtualFileSystem) Proxy.newProxyInstance(UploadsApiTest.class.getClassLoader(), new Class<?>[] {VirtualFileSystem.class},
        (_, method, arguments) -> {
          called.accept(method.getName());
          try {
            Object result = method.invoke(files, arguments);
            return result instanceof VirtualFileSystem inner ? watched(inner, called) : result;
          } catch (InvocationTargetException e) {
            throw e.getCause();
          }
        });
  }

  private static String sha1(String text) throws Exception {
    return "sha1 " + Base64.getEncoder().encodeToString(
        MessageDigest.getInstance("SHA-1").digest(text.getBytes(StandardCharsets.UTF_8)));
  }

  @Test
  void options_tellWhatThereIs_toWhomeverAsks() {
    HttpResponse response = ask("OPTIONS", "/uploads");
    assertEquals(204, status(response));
    assertEquals("1.0.0", header(response, "Tus-Resumable"));
    assertEquals("1.0.0", header(response, "Tus-Version"));
    assertEquals("creation,creation-with-upload,checksum,expiration,termination", header(response, "Tus-Extension"));
    assertEquals("sha1,sha256,md5", header(response, "Tus-Checksum-Algorithm"));
    assertNull(header(response, "Tus-Max-Size"));
  }

  @Test
  void anotherVersion_is412() {
    HttpResponse response = ask("POST", "/uploads", "Tus-Resumable", "0.2.2");
    assertProblem(412, response);
    assertEquals("1.0.0", header(response, "Tus-Version"));
    assertProblem(412, ask("HEAD", "/uploads/x"));
  }

  @Test
  void anUpload_inParts_becomesTheFile() {
    write("d/other", "x");
    HttpResponse response = create("/d/\u00e4 b", 10, ",filename eA==,flag");
    assertEquals(201, status(response));
    assertNotNull(header(response, "Upload-Expires"));
    String location = header(response, "Location");
    assertTrue(location.matches("/uploads/[0-9a-f]{32}/d/%C3%A4%20b"), location);
    HttpResponse head = tus("HEAD", location);
    assertEquals("0", header(head, "Upload-Offset"));
    assertEquals("10", header(head, "Upload-Length"));
    assertEquals("path " + base64("/d/\u00e4 b") + ",filename eA==,flag", header(head, "Upload-Metadata"));
    assertEquals("no-store", header(head, "Cache-Control"));
    assertNotNull(header(head, "Upload-Expires"));
    HttpResponse part = patch(location, 0, "01234");
    assertEquals(204, status(part));
    assertEquals("5", header(part, "Upload-Offset"));
    assertNotNull(header(part, "Upload-Expires"));
    assertEquals("5", offset(location));
    assertFalse(Files.exists(root.resolve("d/\u00e4 b")));
    HttpResponse last = patch(location, 5, "56789");
    assertEquals(204, status(last));
    assertEquals("10", header(last, "Upload-Offset"));
    assertEquals("0123456789", read("d/\u00e4 b"));
    assertEquals(2, root.resolve("d").toFile().list().length);
    assertProblem(404, tus("HEAD", location));
    assertEquals(List.of("/d/\u00e4 b UPLOAD BROKEN", "/d/\u00e4 b UPLOAD COMPLETED"), transferred());
  }

  @Test
  void creationWithUpload_andAnEmptyFile_needNoMore() {
    HttpResponse response = send("POST", "/uploads", "hel", "Upload-Length", "5", "Upload-Metadata", "filename " + base64("a"));
    assertEquals(201, status(response));
    assertEquals("3", header(response, "Upload-Offset"));
    assertEquals(204, status(patch(header(response, "Location"), 3, "lo")));
    assertEquals("hello", read("a"));
    assertEquals(201, status(create("/empty", 0)));
    assertEquals("", read("empty"));
  }

  @Test
  void aCreationThatFails_leavesNothing() throws Exception {
    String[] five = {"Upload-Length", "5", "Upload-Metadata", "path " + base64("/a")};
    assertProblem(400, send("POST", "/uploads", "hello", with(five, "Upload-Checksum", "crc32 AAAA")));
    assertProblem(413, send("POST", "/uploads", "hello!", five));
    assertProblem(460, send("POST", "/uploads", "hello", with(five, "Upload-Checksum", sha1("hullo"))));
    breaksAfter = 2;
    assertProblem(400, send("POST", "/uploads", "hello", five));
    breaksAfter = Integer.MAX_VALUE;
    leases.unavailable(true);
    assertProblem(503, send("POST", "/uploads", "hello", five));
    assertProblem(503, create("/a", 0));
    leases.unavailable(false);
    assertEquals(0, entries());
  }

  @Test
  void filenameAndDirectory_areAPath() {
    write("d/x", "x");
    assertTrue(header(tus("POST", "/uploads", "Upload-Length", "1", "Upload-Metadata",
        "filename " + base64("a") + ",directory " + base64("/d")), "Location").endsWith("/d/a"));
    assertTrue(header(tus("POST", "/uploads", "Upload-Length", "1", "Upload-Metadata",
        "filename " + base64("a") + ",directory " + base64("/d/")), "Location").endsWith("/d/a"));
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "path", "path !", "path L2E=,path L2E=", "path L2E= x", "filename YS9i", "path YQ==", "path L2Ev",
      "path Ly4uL2E=", "path Ly4vYQ==", "path L2EAYg==", "path Lw==", "path L2E=,directory Lw==", "path L2E=,overwrite bm8=", " ,",
      "path L2E=,\tflag"})
  void metadataThatSaysNoPath_is400(String metadata) {
    assertProblem(400, tus("POST", "/uploads", "Upload-Length", "1", "Upload-Metadata", metadata));
    assertEquals(0, entries());
  }

  @Test
  void badCreations_changeNothing() {
    write("there", "old");
    write("d/x", "x");
    String path = "path " + base64("/a");
    assertProblem(400, tus("POST", "/uploads", "Upload-Metadata", path));
    assertProblem(400, tus("POST", "/uploads", "Upload-Metadata", path, "Upload-Defer-Length", "1"));
    assertProblem(400, tus("POST", "/uploads", "Upload-Metadata", path, "Upload-Length", "-1"));
    assertProblem(400, tus("POST", "/uploads", "Upload-Metadata", path, "Upload-Length", "99999999999999999999"));
    assertProblem(409, create("/none/a", 1));
    assertProblem(409, create("/there/a", 1));
    assertProblem(409, create("/d", 1));
    assertProblem(409, create("/there", 1, ",overwrite " + base64("false")));
    assertProblem(400, create("/" + "a".repeat(256), 1));
    assertProblem(415, ask(request("POST", "/uploads", "Tus-Resumable", "1.0.0", "Upload-Length", "1", "Upload-Metadata", path)
        .withEntity("x"), "/uploads"));
    assertProblem(405, tus("PUT", "/uploads"));
    assertProblem(405, tus("PATCH", "/uploads"));
    assertProblem(405, tus("POST", "/uploads/x", "X-HTTP-Method-Override", "PATCH"));
    assertEquals(2, entries());
  }

  @Test
  void badPatches_changeNothing() throws Exception {
    String location = created("/a", 5);
    patch(location, 0, "he");
    assertProblem(415, ask(request("PATCH", location, "Tus-Resumable", "1.0.0", "Upload-Offset", "2").withEntity("x"), location));
    assertProblem(400, send("PATCH", location, "x"));
    HttpResponse wrong = patch(location, 1, "x");
    assertProblem(409, wrong);
    assertEquals("2", header(wrong, "Upload-Offset"));
    assertProblem(413, patch(location, 2, "llo!"));
    assertProblem(400, patch(location, 2, "x", "Upload-Checksum", "crc32 AAAA"));
    assertProblem(400, patch(location, 2, "x", "Upload-Checksum", "sha1 !"));
    assertProblem(404, patch(location + "x", 2, "x"));
    assertProblem(404, patch(location.replaceFirst("/[0-9a-f]{32}/", "/" + "0".repeat(32) + "/"), 2, "x"));
    assertProblem(404, patch("/uploads/x/a", 2, "x"));
    assertProblem(400, patch(location + "%2f..", 2, "x"));
    assertEquals("2", offset(location));
    assertEquals(1, transfers.size());
  }

  @Test
  void aChecksum_isHeldAgainstWhatCame() throws Exception {
    String location = created("/a", 5);
    HttpResponse wrong = patch(location, 0, "hex", "Upload-Checksum", sha1("hel"));
    assertProblem(460, wrong);
    assertEquals("0", offset(location));
    assertEquals(204, status(patch(location, 0, "hel", "Upload-Checksum", sha1("hel"))));
    assertEquals("3", offset(location));
    breaksAfter = 1;
    assertProblem(400, patch(location, 3, "lo", "Upload-Checksum", sha1("lo")));
    assertEquals("3", offset(location));
    breaksAfter = Integer.MAX_VALUE;
    assertEquals(204, status(patch(location, 3, "lo", "Upload-Checksum", "sha256 " + Base64.getEncoder().encodeToString(
        MessageDigest.getInstance("SHA-256").digest("lo".getBytes(StandardCharsets.UTF_8))))));
    assertEquals("hello", read("a"));
  }

  @Test
  void aBodyThatBreaksOff_staysAsFarAsItCame() {
    String location = created("/a", 5);
    breaksAfter = 2;
    HttpResponse broken = patch(location, 0, "hello");
    assertProblem(400, broken);
    assertEquals("close", header(broken, "Connection"));
    assertEquals("2", offset(location));
    breaksAfter = Integer.MAX_VALUE;
    assertEquals(204, status(patch(location, 2, "llo")));
    assertEquals("hello", read("a"));
  }

  @Test
  void aNameThatIsTakenMeanwhile_isNotReplaced_ifItMayNot() {
    String location = created("/a", 5, ",overwrite " + base64("false"));
    storage = files -> watched(files, called -> {
      if (called.equals("syncDirectory")) { // all has come, and it is about to get its name
        write("a", "other");
      }
    });
    HttpResponse taken = patch(location, 0, "hello");
    assertProblem(409, taken);
    assertTrue(body(taken).contains("end this upload and begin one with another name"), body(taken));
    assertEquals("other", read("a"));
    assertProblem(409, tus("HEAD", location));
    String other = created("/b", 5, ",overwrite " + base64("false"));
    storage = UnaryOperator.identity();
    write("b", "other");
    assertProblem(409, patch(other, 0, "hello"));
    assertEquals("0", offset(other)); // nothing was taken in vain
    assertEquals(204, status(tus("DELETE", other)));
    assertEquals("other", read("b"));
    assertTrue(root.resolve("b").toFile().delete());
    assertEquals(204, status(tus("DELETE", location)));
    assertEquals(1, entries());
    String replacing = created("/a", 5);
    assertEquals(204, status(patch(replacing, 0, "hello")));
    assertEquals("hello", read("a"));
  }

  @Test
  void delete_endsIt() {
    String location = created("/a", 5);
    patch(location, 0, "he");
    assertEquals(204, status(tus("DELETE", location)));
    assertEquals(0, entries());
    assertProblem(404, tus("DELETE", location));
    assertProblem(404, patch(location, 2, "llo"));
  }

  @Test
  void anUploadThatIsTooOld_isGone() {
    String location = created("/a", 5);
    ahead = KEEP.minusMinutes(1);
    assertEquals("0", offset(location));
    ahead = KEEP.plusMinutes(1);
    assertProblem(410, tus("HEAD", location));
    assertProblem(410, patch(location, 0, "hello"));
    assertEquals(204, status(tus("DELETE", location)));
  }

  @Test
  void whoeverHasTheLease_isWaitedFor() {
    String location = created("/a", 5);
    String key = "upload/" + location.substring("/uploads/".length(), "/uploads/".length() + 32);
    leases.acquire(key, "another node", Duration.ofSeconds(30));
    HttpResponse held = patch(location, 0, "hello");
    assertProblem(423, held);
    assertEquals("8", header(held, "Retry-After"));
    assertProblem(423, tus("DELETE", location));
    assertEquals("0", offset(location));
    leases.runOut();
    assertEquals(204, status(patch(location, 0, "hello")));
  }

  @Test
  void withoutAQuorum_nobodyGoesOn() {
    String location = created("/a", 5);
    leases.unavailable(true);
    HttpResponse response = patch(location, 0, "hello");
    assertProblem(503, response);
    assertNotNull(header(response, "Retry-After"));
    assertEquals("0", offset(location), "to look needs no lease");
    leases.unavailable(false);
    assertEquals(204, status(patch(location, 0, "hello")));
  }

  @Test
  void whatIsWholeButHasNoNameYet_getsItBeforeItIsToldThatItIsWhole() throws IOException {
    String location = created("/a", 5);
    writeAndDie(location, 0, "hello");
    leases.unavailable(true);
    assertProblem(503, tus("HEAD", location));
    assertFalse(Files.exists(root.resolve("a")));
    leases.unavailable(false);
    assertEquals("5", offset(location));
    assertEquals("hello", read("a"));
    assertEquals(1, entries());
    assertEquals(List.of("/a UPLOAD COMPLETED"), transferred());
    assertEquals(0, transfers.getFirst().bytes());
  }

  /** As a node that has the upload of /a and dies. */
  private void writeAndDie(String location, long offset, String text) throws IOException {
    String id = location.substring("/uploads/".length(), "/uploads/".length() + 32);
    VirtualPath path = VirtualPath.parse("/a");
    try (VirtualFileSystem files = new PublishingFileSystem(
        VirtualFileSystem.open(root), Links.FOLLOW, "ann", new ActiveUploads());
        SegmentedUpload upload = SegmentedUpload.find(files, path, "ann", id).orElseThrow()) {
      SegmentWriter died = upload.take(new UploadClaim() {
        @Override
        public long number() {
          return 1;
        }

        @Override
        public void check() {}
      });
      died.open(false);
      died.write(ByteBuffer.wrap(text.getBytes(StandardCharsets.US_ASCII)), offset);
      died.abandon();
    }
  }

  @Test
  void whatHasNotArrivedAtTheNode_isWaitedFor() throws IOException {
    String location = created("/a", 5);
    writeAndDie(location, 0, "he");
    assertEquals(204, status(patch(location, 2, "ll")));
    Path first;
    try (Stream<Path> all = Files.list(root)) {
      first = all.filter(file -> file.toString().contains(".0000000000000000.")).findFirst().orElseThrow();
    }
    Path elsewhere = Files.move(first, root.resolve("elsewhere"));
    for (HttpResponse response : List.of(tus("HEAD", location), patch(location, 4, "o"), patch(location, 0, "hello"))) {
      assertProblem(503, response);
      assertNotNull(header(response, "Retry-After"));
    }
    Files.move(elsewhere, first);
    assertEquals("4", offset(location));
    assertEquals(204, status(patch(location, 4, "o")));
    assertEquals("hello", read("a"));
    assertEquals(1, entries());
  }

  @Test
  void whatHasNotArrivedAtTheNode_canBeEnded() throws IOException {
    String location = created("/a", 5);
    writeAndDie(location, 0, "he");
    assertEquals(204, status(patch(location, 2, "ll")));
    try (Stream<Path> all = Files.list(root)) {
      Files.delete(all.filter(file -> file.toString().contains(".0000000000000000.")).findFirst().orElseThrow());
    }
    assertProblem(503, tus("HEAD", location));
    assertEquals(204, status(tus("DELETE", location)));
    assertEquals(0, entries());
  }

  @Test
  void aLeaseThatCantBeGivenBack_leavesNoTransferRunning() {
    String location = created("/a", 5);
    leases.failToRelease();
    assertThrows(CompletionException.class, () -> patch(location, 0, "he"));
    assertEquals(List.of("/a UPLOAD BROKEN"), transferred());
    leases.runOut();
    assertEquals(204, status(patch(location, 2, "llo")));
  }

  /** Files that are open for writing can't be given up. */
  private static Object holding(Object real, Class<?> type) {
    return Proxy.newProxyInstance(type.getClassLoader(), new Class<?>[] {type}, (_, method, arguments) -> {
      try {
        Object result = method.invoke(real, arguments);
        return switch (result) {
          case VirtualFileSystem files -> holding(files, VirtualFileSystem.class);
          case OpenFile file when ((OpenMode) arguments[1]).write() -> Proxy.newProxyInstance(type.getClassLoader(),
              new Class<?>[] {OpenFile.class}, (_, use, given) -> {
                if (use.getName().equals("abandon")) {
                  file.abandon();
                  throw new IllegalStateException("a defect");
                }
                return use.invoke(file, given);
              });
          case null, default -> result;
        };
      } catch (InvocationTargetException e) {
        throw e.getCause();
      }
    });
  }

  @Test
  void aFileThatCantBeGivenUp_keepsNoLease_andLeavesNoTransferRunning() {
    String location = created("/a", 5);
    storage = files -> (VirtualFileSystem) holding(files, VirtualFileSystem.class);
    HttpRequest request = request("PATCH", location, "Tus-Resumable", "1.0.0", "Upload-Offset", "0")
        .withEntity(HttpEntities.createChunked(ContentTypes.parse(OCTETS), Source.empty())); // a body that can't be moved here
    IllegalStateException defect = assertThrows(IllegalStateException.class, () -> ask(request, location));
    assertEquals("a defect", defect.getMessage());
    assertEquals(0, leases.heldNow());
    assertEquals(List.of("/a UPLOAD FAILED"), transferred());
    storage = files -> files;
    assertEquals(204, status(patch(location, 0, "hello")));
  }

  @Test
  void moreUploadsThanAUserMayHaveInADirectory_are429() {
    for (int i = 0; i < 100; i++) {
      created("/a" + i, 1);
    }
    assertProblem(429, create("/b", 1));
    write("d/x", "x");
    assertEquals(201, status(create("/d/b", 1)));
  }

  @Test
  void whatALinkLeadsTo_isReplaced() throws IOException {
    write("d/real", "old");
    Files.createSymbolicLink(root.resolve("link"), root.getFileSystem().getPath("d/real"));
    String location = created("/link", 3);
    assertTrue(location.endsWith("/d/real"));
    assertEquals(204, status(patch(location, 0, "new")));
    assertEquals("new", read("d/real"));
    assertTrue(Files.isSymbolicLink(root.resolve("link")));
    Files.createSymbolicLink(root.resolve("nowhere"), root.getFileSystem().getPath("d/gone"));
    assertProblem(409, create("/nowhere", 3));
  }
}
