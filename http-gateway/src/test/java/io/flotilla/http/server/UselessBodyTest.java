package io.flotilla.http.server;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ch.qos.logback.classic.LoggerContext;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import java.io.IOException;
import java.nio.file.Files;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.slf4j.LoggerFactory;

/** Requests with bodies that nothing is done with. */
class UselessBodyTest extends HttpFixture {
  private static final String BODY = "b".repeat(1000);

  private final LoggerContext context = (LoggerContext) LoggerFactory.getILoggerFactory();
  private final ListAppender<ILoggingEvent> lines = new ListAppender<>();

  @BeforeEach
  void collectLog() throws IOException {
    Files.createDirectories(home());
    lines.setContext(context);
    lines.start();
    context.getLogger("ROOT").addAppender(lines);
  }

  @AfterEach
  void forgetLog() {
    context.getLogger("ROOT").detachAppender(lines);
  }

  private static String length(int bytes) {
    return "Content-Length: " + bytes;
  }

  /** Says the body after its head, so that it is not read with that. */
  private static int ask(RawHttp client, String method, String path, String... fields) throws IOException {
    String[] all = new String[fields.length + 1];
    System.arraycopy(fields, 0, all, 1, fields.length);
    all[0] = length(BODY.length());
    client.say(RawHttp.head(method, path, all)).say(BODY.substring(0, 1)).say(BODY.substring(1));
    return client.answer().status();
  }

  @Test
  void aFlood_isServed_onOneConnection_andNothingIsLogged() throws Exception {
    RawHttp client = connect();
    for (int i = 0; i < 50; i++) {
      Files.writeString(home().resolve("a"), "contents");
      String tag = client.say(RawHttp.head("HEAD", "/files/a")).readHead().replaceAll("(?s).*ETag: (\\S+).*", "$1");
      assertEquals(200, ask(client, "GET", "/files/a"));
      assertEquals(304, ask(client, "GET", "/files/a", "If-None-Match: " + tag));
      assertEquals(200, ask(client, "GET", "/files/"));
      assertEquals(200, ask(client, "OPTIONS", "/files/"));
      assertEquals(201, ask(client, "COPY", "/files/a", "Destination: /files/b"));
      assertEquals(201, ask(client, "MOVE", "/files/b", "Destination: /files/c"));
      assertEquals(204, ask(client, "DELETE", "/files/c"));
      assertEquals(204, ask(client, "DELETE", "/files/a"));
      assertEquals(204, ask(client, "OPTIONS", "/uploads", "Tus-Resumable: 1.0.0"));
      assertEquals(200, ask(client, "GET", "/session"));
      assertEquals(200, ask(client, "GET", "/"));
      assertEquals(415, ask(client, "MKCOL", "/files/d"));
    }
    assertEquals(List.of(), lines.list);
    assertEquals(List.of(), homeEntries());
  }

  @Test
  void ofHead_isRefused() throws Exception {
    RawHttp client = connect();
    assertEquals(422, ask(client, "HEAD", "/files/"));
    assertEquals(List.of(), lines.list);
  }

  @Test
  void bodiesInChunks_areTaken() throws Exception {
    RawHttp client = connect();
    for (int i = 0; i < 20; i++) {
      Files.writeString(home().resolve("a"), "contents");
      client.say(RawHttp.head("DELETE", "/files/a", "Transfer-Encoding: chunked")).say("3\r\nabc\r\n").say("0\r\n\r\n");
      assertEquals(204, client.answer().status());
    }
    assertEquals(List.of(), lines.list);
  }

  @Test
  void theBodyOfWhoAsksFirst_isAskedFor() throws Exception {
    RawHttp client = connect().say(RawHttp.head("GET", "/files/", length(3), "Expect: 100-continue"));
    assertTrue(client.readHead().startsWith("HTTP/1.1 100 "));
    assertEquals(200, client.say("abc").answer().status());
    assertEquals(List.of(), lines.list);
  }

  @ParameterizedTest
  @ValueSource(strings = {"Content-Length: 16385", "Transfer-Encoding: chunked"})
  void aLongOne_isRefused_andNothingIsDone(String length) throws Exception {
    Files.writeString(home().resolve("a"), "contents");
    RawHttp client = connect().say(RawHttp.head("DELETE", "/files/a", length)).say(length.endsWith("chunked") ? "4001\r\n" : "")
        .say(new byte[16385]).say(length.endsWith("chunked") ? "\r\n" : "");
    RawHttp.Answer answer = client.answer();
    assertEquals(413, answer.status());
    assertEquals("close", answer.field("Connection"));
    client.drain();
    assertEquals(List.of("a"), homeEntries());
    assertEquals(List.of(), lines.list);
  }
}
