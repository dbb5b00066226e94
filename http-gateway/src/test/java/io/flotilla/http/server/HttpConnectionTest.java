package io.flotilla.http.server;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static java.util.concurrent.TimeUnit.SECONDS;
import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.flotilla.adapter.ClientEvent;
import io.flotilla.config.model.Kind;
import java.io.ByteArrayInputStream;
import java.net.http.HttpRequest;
import java.nio.file.Files;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

class HttpConnectionTest extends HttpFixture {
  private static final int MIB = 1 << 20;
  private static final int LARGE = 48 * MIB;

  static Stream<Arguments> sizes() {
    return Stream.of(0, 1, 8191, 8192, 100_000, MIB, 4 * MIB, 4 * MIB + 1, 9 * MIB)
        .flatMap(size -> Stream.of(Arguments.of(size, false), Arguments.of(size, true)));
  }

  @ParameterizedTest
  @MethodSource("sizes")
  void files_ofAllSizes_goBothWays(int size, boolean tls) throws Exception {
    byte[] data = random(size);
    assertEquals(201, put(tls, "/files/a.bin", data).statusCode());
    assertArrayEquals(data, Files.readAllBytes(home().resolve("a.bin")));
    assertArrayEquals(data, get(tls, "/files/a.bin").body());
    assertEquals(List.of("a.bin"), homeEntries());
    await().atMost(30, SECONDS).until(() -> events(ClientEvent.TransferFinished.class).size() == 2);
    for (ClientEvent.TransferFinished transfer : events(ClientEvent.TransferFinished.class)) {
      assertEquals(ClientEvent.Outcome.COMPLETED, transfer.outcome());
      assertEquals(size, transfer.bytes());
      assertEquals("http", transfer.protocol());
    }
  }

  /** What comes with the head goes through the stream, what comes later past it. */
  @ParameterizedTest
  @ValueSource(ints = {1, 100, 8000, 8192, 20_000, 70_000})
  void bodies_inAnyPieces_areInOrder(int first) throws Exception {
    byte[] data = random(300_000);
    RawHttp client = connect();
    String head = RawHttp.head("PUT", "/files/a.bin", "Content-Length: " + data.length);
    byte[] start = new byte[head.length() + first];
    System.arraycopy(head.getBytes(java.nio.charset.StandardCharsets.ISO_8859_1), 0, start, 0, head.length());
    System.arraycopy(data, 0, start, head.length(), first);
    client.say(start);
    for (int at = first; at < data.length; at += 60_000) {
      client.say(Arrays.copyOfRange(data, at, Math.min(data.length, at + 60_000)));
    }
    assertEquals(201, client.answer().status());
    assertArrayEquals(data, Files.readAllBytes(home().resolve("a.bin")));
    assertEquals(200, client.say(RawHttp.head("GET", "/files/a.bin")).answer().status());
  }

  @Test
  void requestsThatFollowAtOnce_areAnsweredInOrder() throws Exception {
    byte[] data = random(3 * MIB);
    Files.createDirectories(home());
    Files.write(home().resolve("a.bin"), data);
    Files.write(home().resolve("b.bin"), new byte[] {42});
    RawHttp client = connect().say(RawHttp.head("GET", "/files/a.bin") + RawHttp.head("PUT", "/files/c.bin", "Content-Length: 5") + "hello"
        + RawHttp.head("GET", "/files/b.bin"));
    assertArrayEquals(data, client.answer().body());
    assertEquals(201, client.answer().status());
    assertArrayEquals(new byte[] {42}, client.answer().body());
    assertEquals("hello", Files.readString(home().resolve("c.bin")));
  }

  @Test
  void filesThatAreAskedForAtOnce_comeWhole_andOneAfterTheOther() throws Exception {
    byte[] large = random(LARGE);
    byte[] small = random(9 * MIB);
    Files.createDirectories(home());
    Files.write(home().resolve("a.bin"), large);
    Files.write(home().resolve("b.bin"), small);
    user("bob", json -> json.putObject("home").put("storage", "main").put("path", "/users/ann"));
    assertEquals(List.of(), config.commit(adapter));
    String other = "GET /files/b.bin HTTP/1.1\r\nHost: localhost\r\nAuthorization: " + basic("bob", PASSWORD) + "\r\n\r\n";
    RawHttp client = connect().say(RawHttp.head("GET", "/files/a.bin") + RawHttp.head("GET", "/files/b.bin") + other
        + RawHttp.head("GET", "/files/a.bin"));
    assertArrayEquals(large, client.answer().body());
    assertArrayEquals(small, client.answer().body());
    assertArrayEquals(small, client.answer().body());
    assertArrayEquals(large, client.answer().body());
    await().atMost(30, SECONDS).until(() -> events(ClientEvent.TransferFinished.class).size() == 4);
    assertTrue(events(ClientEvent.TransferFinished.class).stream()
        .allMatch(transfer -> transfer.outcome() == ClientEvent.Outcome.COMPLETED));
  }

  @Test
  void aBodyOfUnknownLength_isTakenAsItComes() throws Exception {
    byte[] data = random(700_000);
    assertEquals(201, send(request(false, "/files/a.bin").PUT(HttpRequest.BodyPublishers.ofInputStream(
        () -> new ByteArrayInputStream(data)))).statusCode());
    assertArrayEquals(data, Files.readAllBytes(home().resolve("a.bin")));
  }

  @Test
  void theBodyIsAskedFor_whenTheRequestIsAccepted() throws Exception {
    RawHttp client = connect().say(RawHttp.head("PUT", "/files/a.bin", "Content-Length: 5", "Expect: 100-continue"));
    assertTrue(client.readHead().startsWith("HTTP/1.1 100 "));
    assertEquals(201, client.say("hello").answer().status());
    RawHttp refused = connect().say(RawHttp.head("PUT", "/files/none/a.bin", "Content-Length: 5000000", "Expect: 100-continue"));
    RawHttp.Answer answer = refused.answer();
    assertEquals(409, answer.status());
    assertEquals("close", answer.field("Connection"));
    assertEquals(0, refused.drain());
  }

  @Test
  void anUploadThatBreaksOff_leavesTheOldFile_andCanBeResumed() throws Exception {
    put(false, "/files/a.bin", new byte[] {1, 2, 3});
    byte[] data = random(6 * MIB);
    RawHttp client = connect().say(RawHttp.head("PUT", "/files/new.bin", "Content-Length: " + data.length))
        .say(Arrays.copyOf(data, 5 * MIB));
    RawHttp other = connect().say(RawHttp.head("PUT", "/files/a.bin", "Content-Length: 1000")).say(new byte[500]);
    await().atMost(30, SECONDS).until(() -> homeEntries().size() == 3);
    client.reset();
    other.close();
    await().atMost(30, SECONDS).until(() -> events(ClientEvent.TransferFinished.class).stream()
        .filter(transfer -> transfer.outcome() == ClientEvent.Outcome.BROKEN).count() == 2);
    assertArrayEquals(new byte[] {1, 2, 3}, get(false, "/files/a.bin").body());
    assertEquals(3, homeEntries().size(), "two partials are kept");
    assertFalse(Files.exists(home().resolve("new.bin")));
    await().atMost(30, SECONDS).until(() -> connections.list().stream().noneMatch(one -> one.transfer().isPresent()));
  }

  @Test
  void withoutAName_orWithAWrongPassword_nothingIsServed() throws Exception {
    RawHttp nobody = connect().say("GET /files/ HTTP/1.1\r\nHost: localhost\r\n\r\n");
    RawHttp.Answer answer = nobody.answer();
    assertEquals(401, answer.status());
    assertEquals("Basic realm=\"flotilla\", charset=\"UTF-8\"", answer.field("WWW-Authenticate"));
    RawHttp wrong = connect();
    String head = "GET /files/ HTTP/1.1\r\nHost: localhost\r\nAuthorization: " + basic("ann", "guessed") + "\r\n\r\n";
    assertEquals(401, wrong.say(head).answer().status());
    assertEquals(401, wrong.say(head).answer().status());
    RawHttp.Answer last = wrong.say(head).answer();
    assertEquals(401, last.status());
    assertEquals("close", last.field("Connection"));
    assertEquals(0, wrong.drain());
    List<ClientEvent.LoginFailed> failed = events(ClientEvent.LoginFailed.class);
    assertEquals(3, failed.size());
    assertEquals("the password is wrong", failed.getFirst().reason());
    assertEquals(List.of(), connections.list());
  }

  @Test
  void aPasswordThatIsKnown_isJudgedByThePresentConfiguration() throws Exception {
    assertEquals(200, get(false, "/files/").statusCode());
    config.change(Kind.USERS, "ann", json -> json.put("enabled", false));
    assertEquals(List.of(), config.commit(adapter));
    await().atMost(30, SECONDS).until(() -> connections.list().isEmpty());
    assertEquals(401, get(false, "/files/").statusCode());
  }

  @Test
  void aRevokedUser_losesTheDownloadThatRuns() throws Exception {
    Files.createDirectories(home());
    Files.write(home().resolve("a.bin"), new byte[LARGE]);
    RawHttp client = connect().say(RawHttp.head("GET", "/files/a.bin"));
    client.readHead();
    config.change(Kind.USERS, "ann", json -> json.put("enabled", false));
    assertEquals(List.of(), config.commit(adapter));
    assertTrue(client.drain() < LARGE);
    await().atMost(30, SECONDS).until(() -> !events(ClientEvent.TransferFinished.class).isEmpty());
    assertEquals(ClientEvent.Outcome.BROKEN, events(ClientEvent.TransferFinished.class).getFirst().outcome());
  }

  @Test
  void aMovedListener_servesWhatRunsToItsEnd_andClosesWhoIsIdle() throws Exception {
    byte[] data = random(LARGE);
    Files.createDirectories(home());
    Files.write(home().resolve("a.bin"), data);
    RawHttp idle = connect().say(RawHttp.head("OPTIONS", "/files/"));
    assertEquals(200, idle.answer().status());
    RawHttp busy = connect().say(RawHttp.head("GET", "/files/a.bin"));
    busy.readHead();
    int former = port;
    port = freePort();
    config.change(Kind.LISTENERS, "http", json -> json.put("port", port));
    assertEquals(List.of(), config.commit(adapter));
    assertEquals(0, idle.drain());
    assertArrayEquals(data, busy.read(LARGE));
    assertEquals(0, busy.drain());
    assertEquals(200, get(false, "/files/").statusCode());
    org.junit.jupiter.api.Assertions.assertThrows(java.net.ConnectException.class, () -> new RawHttp(former));
  }

  @Test
  void aQuota_endsTheUploadThatExceedsIt() throws Exception {
    user("ann", json -> json.putObject("limits").put("quotaBytes", MIB));
    assertEquals(List.of(), config.commit(adapter));
    RawHttp client = connect().say(RawHttp.head("PUT", "/files/a.bin", "Content-Length: " + 2 * MIB)).say(new byte[2 * MIB]);
    assertEquals(507, client.answer().status());
    client.drain();
    assertEquals(List.of(), homeEntries());
  }

  @Test
  void directoriesAreMade_andFilesMovedCopiedAndRemoved() throws Exception {
    RawHttp client = connect();
    String destination = "Destination: http://localhost/files/in/b%20c.bin";
    assertEquals(201, client.say(RawHttp.head("MKCOL", "/files/in")).answer().status());
    put(false, "/files/a.bin", new byte[] {1, 2});
    assertEquals(201, client.say(RawHttp.head("MOVE", "/files/a.bin", destination)).answer().status());
    assertEquals(201, client.say(RawHttp.head("COPY", "/files/in/b%20c.bin", "Destination: /files/d.bin")).answer().status());
    assertArrayEquals(new byte[] {1, 2}, client.say(RawHttp.head("GET", "/files/in/b%20c.bin")).answer().body());
    assertEquals("2", client.say(RawHttp.head("HEAD", "/files/d.bin")).readHead().replaceAll("(?s).*Content-Length: (\\d+).*", "$1"));
    assertEquals(204, client.say(RawHttp.head("DELETE", "/files/in")).answer().status());
    assertEquals(List.of("d.bin"), homeEntries());
    assertEquals(405, client.say(RawHttp.head("PATCH", "/files/d.bin")).answer().status());
  }

  @Test
  void bodiesThatAreCollected_comeWholeOrInChunks_andAreBounded() throws Exception {
    put(false, "/files/a.bin", new byte[] {1, 2});
    String body = "<propfind xmlns='DAV:'><prop><getcontentlength/></prop></propfind>";
    RawHttp client = connect();
    String whole = RawHttp.head("PROPFIND", "/files/a.bin", "Depth: 0", "Content-Length: " + body.length());
    String chunked = RawHttp.head("PROPFIND", "/files/a.bin", "Depth: 0", "Transfer-Encoding: chunked");
    client.say(whole).say(body.substring(0, 10)).say(body.substring(10));
    assertTrue(new String(client.answer().body(), US_ASCII).contains("<D:getcontentlength>2</D:getcontentlength>"));
    client.say(chunked + "5\r\n" + body.substring(0, 5) + "\r\n").say(Integer.toHexString(body.length() - 5) + "\r\n"
        + body.substring(5) + "\r\n0\r\n\r\n");
    assertEquals(207, client.answer().status());
    client.say(chunked + "ffff\r\n").say(new byte[0xFFFF]).say("\r\n10\r\n").say(new byte[0x10]).say("\r\n");
    assertEquals(413, client.answer().status());
    client.drain();
    RawHttp another = connect();
    assertEquals(413, another.say(RawHttp.head("PROPFIND", "/files/", "Content-Length: 65537")).answer().status());
    another.drain();
  }

  @Test
  void aPartOfAFile_isSent_andAnUploadGoesOnWhereItWas() throws Exception {
    byte[] data = random(3 * MIB);
    put(true, "/files/a.bin", data);
    var part = send(request(true, "/files/a.bin").header("Range", "bytes=1000000-2999999").GET());
    assertEquals(206, part.statusCode());
    assertArrayEquals(Arrays.copyOfRange(data, 1_000_000, 3_000_000), part.body());
    assertEquals(201, put(true, "/files/b.bin?offset=0", Arrays.copyOf(data, MIB)).statusCode());
    assertEquals(204, put(true, "/files/b.bin?offset=" + MIB, Arrays.copyOfRange(data, MIB, 3 * MIB)).statusCode());
    assertArrayEquals(data, Files.readAllBytes(home().resolve("b.bin")));
  }

  @Test
  void aNameOf255Bytes_andPathsThatLeadOut_areWhatTheyAre() throws Exception {
    String name = "%C3%A4".repeat(127) + "x";
    assertEquals(201, put(false, "/files/" + name, new byte[] {1}).statusCode());
    assertEquals(1, get(false, "/files/" + name).body().length);
    RawHttp client = connect();
    for (String path : List.of("/files/../../etc/passwd", "/files/%2e%2e/%2e%2e/etc/passwd", "/files/..%2f..%2fetc/passwd",
        "/files/a%00b", "/files//etc/passwd", "/files/%c0%ae%c0%ae/x", "/etc/passwd", "/files/%252e%252e/x")) {
      RawHttp.Answer answer = client.say(RawHttp.head("GET", path)).answer();
      assertTrue(answer.status() == 400 || answer.status() == 404, path + ": " + answer.head());
    }
  }

  @Test
  void whatCouldBeReadInTwoWays_isRefused() throws Exception {
    for (String fields : List.of("Content-Length: 5\r\nContent-Length: 6", "Content-Length: 5\r\nTransfer-Encoding: chunked",
        "Transfer-Encoding: chunked, gzip", "Content-Length: +5", "Content-Length : 5")) {
      RawHttp client = connect().say(RawHttp.head("PUT", "/files/a.bin", fields) + "0\r\n\r\nGET /files/ HTTP/1.1\r\nHost: x\r\n\r\n");
      RawHttp.Answer answer = client.answer();
      assertTrue(answer.status() / 100 >= 4, fields + ": " + answer.head());
      client.drain();
    }
    assertFalse(Files.exists(home().resolve("a.bin")));
  }
}
