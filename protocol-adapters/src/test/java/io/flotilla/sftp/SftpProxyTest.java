package io.flotilla.sftp;

import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.flotilla.adapter.ClientEvent;
import io.flotilla.adapter.ConnectionGate;
import io.flotilla.config.model.Kind;
import io.flotilla.transport.ProxyHeaders;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** SFTP by a proxy, 127.0.0.1, for clients that are elsewhere. */
class SftpProxyTest extends SftpFixture {
  private static final Duration SOON = Duration.ofSeconds(20);
  private static final String CLIENT = "192.0.2.1";
  private static final byte[] IDENT = "SSH-2.0-test\r\n".getBytes(StandardCharsets.US_ASCII);

  private void proxied(String mode, String trusted) {
    config.put(Kind.LISTENERS, "sftp", json -> json.put("protocol", "sftp").put("address", "127.0.0.1").put("port", port)
        .put("proxyProtocol", mode).withArray("trustedProxies").add(trusted));
    assertEquals(List.of(), config.commit(adapter));
  }

  private static byte[] header(int version, String client) {
    return version == 1 ? ProxyHeaders.version1(client, "198.51.100.7") : ProxyHeaders.version2(client, "198.51.100.7");
  }

  private Socket open() throws IOException {
    Socket socket = new Socket("127.0.0.1", port);
    socket.setTcpNoDelay(true);
    socket.setSoTimeout(20_000);
    return socket;
  }

  /** The server's first line; empty if it ends the connection. */
  private static String line(Socket socket) throws IOException {
    StringBuilder line = new StringBuilder();
    try {
      InputStream in = socket.getInputStream();
      for (int one = in.read(); one >= 0 && one != '\n'; one = in.read()) {
        line.append((char) one);
      }
    } catch (SocketException e) {
      return "";
    }
    return line.toString().strip();
  }

  private List<ConnectionGate.Refusal> refusals() {
    return events(ClientEvent.ConnectionRefused.class).stream().map(ClientEvent.ConnectionRefused::reason).toList();
  }

  /** A proxy of the listener that writes a header and then passes on what comes, either way. */
  private final class Proxy implements AutoCloseable {
    private final ServerSocket listening = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
    private final byte[] header;
    private final int node = port;

    Proxy(byte[] header) throws IOException {
      this.header = header;
      Thread.ofVirtual().start(this::run);
    }

    private void run() {
      while (true) {
        try {
          Socket client = listening.accept();
          Socket server = new Socket("127.0.0.1", node);
          Thread.ofVirtual().start(() -> pump(client, server, header));
          Thread.ofVirtual().start(() -> pump(server, client, new byte[0]));
        } catch (IOException e) {
          return;
        }
      }
    }

    private static void pump(Socket from, Socket to, byte[] first) {
      try (from; to) {
        OutputStream out = to.getOutputStream();
        // With the client's first bytes in one packet.
        byte[] buffer = new byte[64 * 1024];
        System.arraycopy(first, 0, buffer, 0, first.length);
        int length = first.length + Math.max(0, from.getInputStream().read(buffer, first.length, buffer.length - first.length));
        while (length > 0) {
          out.write(buffer, 0, length);
          length = from.getInputStream().read(buffer);
        }
      } catch (IOException e) {
        // One of both has ended.
      }
    }

    int port() {
      return listening.getLocalPort();
    }

    @Override
    public void close() throws IOException {
      listening.close();
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2})
  void clientOfAProxy_isWhoItSays_andTransfersByIt(int version) throws Exception {
    proxied("required", "127.0.0.1");
    byte[] content = new byte[3_000_000];
    new Random(1).nextBytes(content);
    Path file = Files.write(temp.resolve("up.bin"), content);
    int node = port;
    try (Proxy proxy = new Proxy(header(version, CLIENT))) {
      Process waiting;
      port = proxy.port();
      try {
        sftpOk("put " + file + " up.bin", "get up.bin " + temp.resolve("back.bin"));
        waiting = startSftp("ann", "ed25519", List.of(), "pwd", "!sleep 60");
      } finally {
        port = node;
      }
      await().atMost(SOON).until(() -> connections.list().stream().anyMatch(one -> one.address().equals(CLIENT)));
      waiting.descendants().forEach(ProcessHandle::destroyForcibly);
      waiting.destroyForcibly().waitFor();
    }
    assertArrayEquals(content, Files.readAllBytes(home("ann").resolve("up.bin")));
    assertArrayEquals(content, Files.readAllBytes(temp.resolve("back.bin")));
    assertEquals(CLIENT, events(ClientEvent.LoginSucceeded.class).getFirst().address());
    assertEquals(CLIENT, events(ClientEvent.TransferFinished.class).getFirst().address());
  }

  @Test
  void headerByteByByte_thenTheClient() throws Exception {
    proxied("required", "127.0.0.1");
    for (int version = 1; version <= 2; version++) {
      try (Socket socket = open()) {
        for (byte one : ProxyHeaders.joined(header(version, CLIENT), IDENT)) {
          socket.getOutputStream().write(one);
        }
        assertTrue(line(socket).startsWith("SSH-2.0-"));
      }
    }
  }

  @Test
  void whereAHeaderIsRequired_nobodyElseGetsIn_andAnEventTellsIt() throws Exception {
    proxied("required", "127.0.0.1");
    for (byte[] wrong : List.of(IDENT, "PROXY TCP4 192.0.2.1\r\n".getBytes(StandardCharsets.US_ASCII))) {
      events.clear();
      try (Socket socket = open()) {
        socket.getOutputStream().write(wrong);
        assertEquals("", line(socket));
      }
      await().atMost(SOON).until(() -> refusals().equals(List.of(ConnectionGate.Refusal.NO_PROXY_HEADER)));
    }
    assertNotEquals(0, sftp("pwd").status());
  }

  @Test
  void headerThatStops_isWaitedForNotForever_andSilenceIsNoEvent() throws Exception {
    proxied("required", "127.0.0.1");
    try (Socket half = open(); Socket silent = open()) {
      half.getOutputStream().write("PROXY TCP4 192.".getBytes(StandardCharsets.US_ASCII));
      assertEquals("", line(silent));
      assertEquals("", line(half));
    }
    await().atMost(SOON).until(() -> refusals().equals(List.of(ConnectionGate.Refusal.NO_PROXY_HEADER)));
  }

  @Test
  void headerOfAPeerThatIsNoProxy_isRefused_orGarbageWhereNoneIsNeeded() throws Exception {
    proxied("required", "127.0.0.2");
    try (Socket socket = open()) {
      socket.getOutputStream().write(ProxyHeaders.joined(header(2, CLIENT), IDENT));
      assertEquals("", line(socket));
    }
    await().atMost(SOON).until(() -> refusals().equals(List.of(ConnectionGate.Refusal.NO_PROXY)));

    proxied("optional", "127.0.0.2");
    try (Socket socket = open()) {
      assertTrue(line(socket).startsWith("SSH-2.0-"), "its own client gets the greeting at once");
      socket.getOutputStream().write(ProxyHeaders.joined(header(1, CLIENT), IDENT));
      await().atMost(SOON).until(() -> connections.list().isEmpty());
    }
    sftpOk("pwd");
    assertEquals("127.0.0.1", events(ClientEvent.LoginSucceeded.class).getFirst().address());
  }

  @Test
  void whereAHeaderIsOptional_clientsMayDoWithout_speakingOrSilent() throws Exception {
    proxied("optional", "127.0.0.1");
    sftpOk("pwd");
    assertEquals("127.0.0.1", events(ClientEvent.LoginSucceeded.class).getFirst().address());
    try (Socket socket = open()) {
      assertTrue(line(socket).startsWith("SSH-2.0-"), "after the moment that a header is waited for");
    }
    int node = port;
    try (Proxy proxy = new Proxy(header(2, CLIENT))) {
      port = proxy.port();
      sftpOk("pwd");
    } finally {
      port = node;
    }
    assertEquals(CLIENT, events(ClientEvent.LoginSucceeded.class).getLast().address());
  }

  @Test
  void healthChecks_leaveNoTrace() throws Exception {
    // Rules are about clients; a proxy is none while it only looks.
    config.put(Kind.ACCESS_RULES, "nobody", json -> json.put("action", "deny").withArray("from").add("0.0.0.0/0"));
    for (String mode : List.of("required", "optional")) {
      proxied(mode, "127.0.0.1");
      for (int i = 0; i < 3; i++) {
        open().close();
        try (Socket check = open()) {
          check.getOutputStream().write(ProxyHeaders.LOCAL);
          assertTrue(line(check).startsWith("SSH-2.0-"));
        }
      }
    }
    assertEquals(List.of(), events.stream().filter(event -> !(event instanceof ClientEvent.ListenerOpened)).toList());
  }

  @Test
  void clientOfWhomItsProxyKnowsNothing_andWhoeverLogsInByACheck_areJudgedByTheProxysAddress() throws Exception {
    config.put(Kind.ACCESS_RULES, "not", json -> json.put("action", "deny").withArray("from").add("127.0.0.1"));
    proxied("required", "127.0.0.1");
    try (Socket unknown = open()) {
      unknown.getOutputStream().write("PROXY UNKNOWN\r\n".getBytes(StandardCharsets.US_ASCII));
      assertEquals(ConnectionGate.Refusal.DENIED.words(), line(unknown));
    }
    int node = port;
    try (Proxy proxy = new Proxy(ProxyHeaders.LOCAL)) {
      port = proxy.port();
      assertNotEquals(0, sftp("pwd").status());
    } finally {
      port = node;
    }
  }

  @Test
  void headerThatIsFinishedAfterTheListenerWasClosed_comesTooLate() throws Exception {
    proxied("required", "127.0.0.1");
    byte[] header = header(2, CLIENT);
    try (Socket late = open(); Socket other = open()) {
      late.getOutputStream().write(header, 0, 10);
      other.getOutputStream().write(header);
      assertTrue(line(other).startsWith("SSH-2.0-"), "so that the first one has been accepted, too");
      config.remove(Kind.LISTENERS, "sftp");
      config.commit(adapter);
      assertEquals("", line(late));
    }
  }

  @Test
  void limitsAndRules_areForTheClient_notForTheProxy() throws Exception {
    config.put(Kind.ACCESS_RULES, "not", json -> json.put("action", "deny").withArray("from").add("192.0.2.66"));
    proxied("required", "127.0.0.1");
    config.change(Kind.LISTENERS, "sftp", json -> json.put("maxConnectionsPerAddress", 1));
    config.change(Kind.USERS, "ann", json -> json.withArray("denyFrom").add("192.0.2.77"));
    config.commit(adapter);
    try (Socket first = open(); Socket second = open(); Socket other = open(); Socket denied = open()) {
      first.getOutputStream().write(header(2, CLIENT));
      assertTrue(line(first).startsWith("SSH-2.0-"));
      second.getOutputStream().write(header(2, CLIENT));
      assertEquals(ConnectionGate.Refusal.ADDRESS_FULL.words(), line(second));
      other.getOutputStream().write(header(2, "192.0.2.2"));
      assertTrue(line(other).startsWith("SSH-2.0-"));
      denied.getOutputStream().write(header(2, "192.0.2.66"));
      assertEquals(ConnectionGate.Refusal.DENIED.words(), line(denied));
    }
    int node = port;
    try (Proxy proxy = new Proxy(header(2, "192.0.2.77"))) {
      port = proxy.port();
      assertNotEquals(0, sftp("pwd").status());
    } finally {
      port = node;
    }
    await().atMost(SOON).until(() -> events(ClientEvent.LoginFailed.class).stream().anyMatch(event -> event.address().equals("192.0.2.77")));
  }

  /** The time that a header may take runs out while it comes: whatever wins, the client is served or sees its connection end. */
  @Test
  void headerThatComesJustAsItIsGivenUp_isOneOrTheOther() throws Exception {
    proxied("optional", "127.0.0.1");
    for (int i = 0; i < 4; i++) {
      try (Socket socket = open()) {
        // Near the moment in which a silent client is served without a header.
        java.util.concurrent.locks.LockSupport.parkNanos(996_000_000L + i * 2_000_000L);
        socket.getOutputStream().write(IDENT);
        assertTrue(line(socket).startsWith("SSH-2.0-"));
      }
    }
  }
}
