package io.flotilla.http.server;

import static java.util.concurrent.TimeUnit.SECONDS;
import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.flotilla.adapter.ClientEvent;
import java.io.ByteArrayInputStream;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.security.MessageDigest;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The bodies of uploads that are resumed go the same ways as those of PUT. */
class ResumedUploadTest extends HttpFixture {
  private static final int MIB = 1 << 20;

  private HttpRequest.Builder tus(boolean tls, String path) {
    return request(tls, path).header("Tus-Resumable", "1.0.0");
  }

  private String create(int length) throws Exception {
    HttpResponse<byte[]> created = send(tus(false, "/uploads").header("Upload-Length", Integer.toString(length))
        .header("Upload-Metadata", "path " + Base64.getEncoder().encodeToString("/a.bin".getBytes(StandardCharsets.UTF_8)))
        .POST(HttpRequest.BodyPublishers.noBody()));
    assertEquals(201, created.statusCode());
    return created.headers().firstValue("Location").orElseThrow();
  }

  private HttpResponse<byte[]> patch(boolean tls, String location, long offset, HttpRequest.BodyPublisher body, String... headers)
      throws Exception {
    HttpRequest.Builder request = tus(tls, location).header("Upload-Offset", Long.toString(offset))
        .header("Content-Type", "application/offset+octet-stream").method("PATCH", body);
    return send(headers.length == 0 ? request : request.headers(headers));
  }

  private long offset(String location) throws Exception {
    HttpResponse<byte[]> head = send(tus(true, location).method("HEAD", HttpRequest.BodyPublishers.noBody()));
    assertEquals(200, head.statusCode());
    return Long.parseLong(head.headers().firstValue("Upload-Offset").orElseThrow());
  }

  private RawHttp begin(String location, int length) throws Exception {
    return connect().say(RawHttp.head("PATCH", location, "Tus-Resumable: 1.0.0", "Upload-Offset: 0",
        "Content-Type: application/offset+octet-stream", "Content-Length: " + length));
  }

  @Test
  void whatCameBeforeTheClientBrokeOff_isGoneOnWith() throws Exception {
    byte[] data = random(9 * MIB);
    String location = create(data.length);
    begin(location, data.length).say(Arrays.copyOf(data, 5 * MIB)).close();
    await().atMost(30, SECONDS).until(() -> events(ClientEvent.TransferFinished.class).size() == 1);
    assertEquals(5 * MIB, offset(location));
    byte[] part = Arrays.copyOfRange(data, 5 * MIB, 7 * MIB);
    String checksum = "sha256 " + Base64.getEncoder().encodeToString(MessageDigest.getInstance("SHA-256").digest(part));
    assertEquals(204, patch(true, location, 5 * MIB, HttpRequest.BodyPublishers.ofByteArray(part), "Upload-Checksum", checksum)
        .statusCode());
    assertEquals(204, patch(false, location, 7 * MIB,
        HttpRequest.BodyPublishers.ofInputStream(() -> new ByteArrayInputStream(data, 7 * MIB, 2 * MIB))).statusCode());
    assertArrayEquals(data, Files.readAllBytes(home().resolve("a.bin")));
    assertEquals(List.of("a.bin"), homeEntries());
  }

  @Test
  void moreThanWasSaid_isRefused_whetherItsLengthIsToldOrNot() throws Exception {
    String location = create(10);
    assertEquals(413, patch(false, location, 0, HttpRequest.BodyPublishers.ofByteArray(new byte[11])).statusCode());
    assertEquals(413, patch(false, location, 0,
        HttpRequest.BodyPublishers.ofInputStream(() -> new ByteArrayInputStream(new byte[11]))).statusCode());
    assertEquals(0, offset(location));
  }

  @ParameterizedTest
  @ValueSource(strings = {"upload", "upload list"})
  void whoMayNotReplace_isToldWhatToDo_whenTheNameIsTaken(String permissions) throws Exception {
    user("ann", json -> Stream.of(permissions.split(" ")).forEach(json.putObject("permissions").putArray("/")::add));
    config.commit(adapter);
    String location = create(10);
    assertEquals(204, patch(false, location, 0, HttpRequest.BodyPublishers.ofByteArray(new byte[4])).statusCode());
    Files.writeString(home().resolve("a.bin"), "another's");
    HttpResponse<byte[]> taken = patch(false, location, 4, HttpRequest.BodyPublishers.ofByteArray(new byte[6]));
    assertEquals(409, taken.statusCode());
    assertTrue(new String(taken.body(), StandardCharsets.UTF_8).contains("end this upload and begin one with another name"));
    assertEquals(4, offset(location));
    assertEquals(204, send(tus(false, location).DELETE()).statusCode());
    assertEquals(List.of("a.bin"), homeEntries());
    assertEquals("another's", Files.readString(home().resolve("a.bin")));
  }

  @Test
  void aNewerRequest_endsTheOlder_whoseClientIsSilent() throws Exception {
    byte[] data = random(3 * MIB);
    String location = create(data.length);
    RawHttp silent = begin(location, data.length).say(Arrays.copyOf(data, MIB));
    await().atMost(30, SECONDS).until(() -> offset(location) == MIB);
    assertEquals(204, patch(false, location, MIB, HttpRequest.BodyPublishers.ofByteArray(Arrays.copyOfRange(data, MIB, data.length)))
        .statusCode());
    assertArrayEquals(data, Files.readAllBytes(home().resolve("a.bin")));
    assertEquals(423, silent.say(new byte[100]).answer().status());
    assertArrayEquals(data, Files.readAllBytes(home().resolve("a.bin")));
    assertEquals(List.of("a.bin"), homeEntries());
  }
}
