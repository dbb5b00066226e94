package io.flotilla.http.admin;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import javax.net.ssl.SSLContext;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Who may stay connected to the admin API, and for how long. */
class AdminServerTest {
  private static final String LIVE = "GET /health/live HTTP/1.1\r\nHost: a\r\n\r\n";
  private static final String LAST_LIVE = "GET /health/live HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
  private static final String EVENTS = "GET /api/v1/events HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer " + AdminFixture.ADMIN + "\r\n\r\n";
  private static final Duration LONG = Duration.ofMinutes(5);
  private static final Duration SHORT = Duration.ofMillis(500);
  private static final int PATIENCE_MILLISECONDS = 60_000;
  /** As a ClientHello of TLS begins, of which no more comes. */
  private static final byte[] HALF_HELLO = {0x16, 3, 1, 0x40, 0, 1, 0, 0x3f, (byte) 0xfc, 3, 3};

  @TempDir private Path directory;
  private final List<Socket> sockets = new ArrayList<>();
  private AdminFixture node;
  private AdminServer server;

  @BeforeEach
  void start() throws IOException {
    node = new AdminFixture(directory);
  }

  @AfterEach
  void stop() throws IOException {
    for (Socket socket : sockets) {
      socket.close();
    }
    if (server != null) {
      server.close(Duration.ofSeconds(1)).toCompletableFuture().join();
    }
    node.close();
  }

  private void open(AdminConnections.Limits limits, Optional<SSLContext> tls) {
    server = AdminServer.open(node.kit.system(), "127.0.0.1", 0, node.context(node.client), tls, Duration.ofSeconds(60), limits)
        .toCompletableFuture().join();
  }

  /** @param from a loopback address */
  private Socket connect(String from) throws IOException {
    Socket socket = new Socket(InetAddress.getByName("127.0.0.1"), server.port(), InetAddress.getByName(from), 0);
    sockets.add(socket);
    socket.setSoTimeout(PATIENCE_MILLISECONDS);
    return socket;
  }

  private Socket connect() throws IOException {
    return connect("127.0.0.1");
  }

  private static void send(Socket socket, String text) throws IOException {
    socket.getOutputStream().write(text.getBytes(StandardCharsets.US_ASCII));
  }

  /** Sends a request for the last time by this connection. */
  private static String ask(Socket socket) throws IOException {
    send(socket, LAST_LIVE);
    return new String(socket.getInputStream().readAllBytes(), StandardCharsets.US_ASCII);
  }

  private static void readUntil(Socket socket, String end) throws IOException {
    StringBuilder text = new StringBuilder();
    while (text.indexOf(end) < 0) {
      int read = socket.getInputStream().read();
      assertTrue(read >= 0, () -> "it ended after " + text);
      text.append((char) read);
    }
  }

  private static void assertEnds(Socket socket) throws IOException {
    try {
      assertEquals(-1, socket.getInputStream().read());
    } catch (SocketTimeoutException e) {
      throw new AssertionError("it may stay", e);
    } catch (IOException reset) {
      // That is an end, too.
    }
  }

  @Test
  void silentConnections_manyOfThem_keepNobodyOut() throws Exception {
    open(AdminConnections.Limits.DEFAULT, Optional.empty());
    Socket listening = connect();
    send(listening, EVENTS);
    readUntil(listening, "events of this node");
    for (int i = 0; i < 1_100; i++) {
      connect();
    }

    assertTrue(ask(connect()).startsWith("HTTP/1.1 200 "));
    assertTrue(ask(connect("127.0.0.2")).startsWith("HTTP/1.1 200 "));
    assertEnds(sockets.get(1));
    readUntil(listening, ": keep-alive");
  }

  @Test
  void places_areTakenFromWhoeverHasMost_theQuietestFirst() throws Exception {
    AdminConnections connections = new AdminConnections(new AdminConnections.Limits(4, 3, LONG, LONG));
    List<String> cut = new ArrayList<>();
    AdminConnection waited = connection("192.0.2.1", "waited", cut);
    waited.began();
    AdminConnection first = connection("192.0.2.1", "first", cut);
    AdminConnection second = connection("192.0.2.1", "second", cut);
    first.moved();
    for (AdminConnection one : List.of(waited, first, second)) {
      connections.add(one);
    }

    connections.add(connection("192.0.2.1", "third", cut));
    assertEquals(List.of("second"), cut, "of its own, which is quiet and served nothing");
    connections.add(connection("192.0.2.2", "other", cut));
    assertEquals(List.of("second"), cut);
    connections.add(connection("192.0.2.3", "another", cut));
    assertEquals(List.of("second", "first"), cut);
    connections.remove(first);
    connections.remove(waited);
    connections.add(connection("192.0.2.4", "one more", cut));
    assertEquals(List.of("second", "first"), cut, "there is a place again");
    assertFalse(connections.close().toCompletableFuture().isDone());
  }

  private static AdminConnection connection(String address, String name, List<String> cut) throws IOException {
    AdminConnection connection = new AdminConnection(InetAddress.getByName(address));
    connection.started(() -> { }, _ -> cut.add(name));
    return connection;
  }

  @Test
  void headThatDrips_isEnded_inClear() throws Exception {
    open(new AdminConnections.Limits(10, 10, SHORT, LONG), Optional.empty());
    drip(connect(), "GET /health/live HTTP/1.1\r\nHost: a\r\nX-Long: ");
  }

  @Test
  void handshakeThatDrips_isEnded() throws Exception {
    AdminCertificate certificate = AdminCertificate.open(directory, "127.0.0.1", Clock.systemUTC());
    open(new AdminConnections.Limits(10, 10, SHORT, LONG), Optional.of(certificate.context()));
    Socket socket = connect();
    socket.getOutputStream().write(HALF_HELLO);
    drip(socket, "");
  }

  /** Sends a byte now and then, until that is no longer possible. */
  private static void drip(Socket socket, String beginning) throws IOException {
    send(socket, beginning);
    socket.setSoTimeout(50);
    long deadline = System.nanoTime() + Duration.ofMillis(PATIENCE_MILLISECONDS).toNanos();
    while (true) {
      try {
        send(socket, "a");
        assertEquals(-1, socket.getInputStream().read(), "an answer came");
        return;
      } catch (SocketTimeoutException e) {
        assertTrue(System.nanoTime() < deadline, "it may stay");
      } catch (IOException reset) {
        return;
      }
    }
  }

  @Test
  void keptConnection_isEndedWithoutAnotherRequest_andAStreamGoesOn() throws Exception {
    // Longer than the pauses of the event stream.
    open(new AdminConnections.Limits(10, 10, LONG, Duration.ofSeconds(4)), Optional.empty());
    Socket listening = connect();
    send(listening, EVENTS);
    readUntil(listening, "events of this node");
    Socket kept = connect();
    send(kept, LIVE);
    readUntil(kept, "live\"}");
    send(kept, LIVE);
    readUntil(kept, "live\"}");
    drip(kept, "GET /health/live HTTP/1.1\r\nHost: a\r\nX-Long: ");

    for (int i = 0; i < 3; i++) {
      readUntil(listening, ": keep-alive");
    }
  }
}
