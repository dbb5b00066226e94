package io.flotilla.ftp;

import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.flotilla.adapter.ClientEvent;
import io.flotilla.adapter.ConnectionGate;
import io.flotilla.config.model.Kind;
import io.flotilla.tls.TlsIdentity;
import io.flotilla.tls.TrustingClient;
import io.flotilla.transport.ProxyHeaders;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.time.Duration;
import java.time.Instant;
import java.util.Arrays;
import java.util.List;
import java.util.function.Consumer;
import javax.net.ssl.SSLContext;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** FTP by a proxy, 127.0.0.1, for clients that are elsewhere. */
class FtpProxyTest extends FtpFixture {
  private static final Duration SOON = Duration.ofSeconds(20);
  private static final String CLIENT = "192.0.2.1";
  private static final String BALANCER = "198.51.100.7";

  private void proxied(String mode, Consumer<ObjectNode> fields) {
    listener(json -> {
      json.put("proxyProtocol", mode).withArray("trustedProxies").add("127.0.0.1");
      fields.accept(json);
    });
    assertEquals(List.of(), config.commit(adapter));
  }

  private RawFtp open() throws IOException {
    return new RawFtp(port);
  }

  private static void say(RawFtp client, byte[] bytes) throws IOException {
    OutputStream out = client.socket.getOutputStream();
    out.write(bytes);
    out.flush();
  }

  private static byte[] header(int version, String client) {
    return version == 1 ? ProxyHeaders.version1(client, BALANCER) : ProxyHeaders.version2(client, BALANCER);
  }

  private RawFtp proxiedLogin(int version) throws IOException {
    RawFtp client = open();
    say(client, header(version, CLIENT));
    client.expect(220);
    client.command("USER ann", 331);
    client.command("PASS " + PASSWORD, 230);
    client.command("TYPE I", 200);
    return client;
  }

  /** A data connection of the proxy, for a client. */
  private static Socket proxiedData(int at, byte[] header) throws IOException {
    Socket data = new Socket("127.0.0.1", at);
    data.setSoTimeout(20_000);
    data.getOutputStream().write(header);
    return data;
  }

  private List<ConnectionGate.Refusal> refusals() {
    return events(ClientEvent.ConnectionRefused.class).stream().map(ClientEvent.ConnectionRefused::reason).toList();
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2})
  void clientOfAProxy_isWhoItSays_inConnectionsEventsAndPasv_andTransfersByIt(int version) throws Exception {
    proxied("required", json -> { });
    byte[] content = random(300_000);
    try (RawFtp client = proxiedLogin(version)) {
      assertEquals(CLIENT, connections.list().getFirst().address());
      assertEquals(CLIENT, events(ClientEvent.LoginSucceeded.class).getFirst().address());

      try (Socket data = proxiedData(client.passivePort(), header(version, CLIENT))) {
        client.command("STOR up.bin", 150);
        data.getOutputStream().write(content);
      }
      client.expect(226);
      assertArrayEquals(content, Files.readAllBytes(home().resolve("up.bin")));

      InetSocketAddress told = RawFtp.passiveAddress(client.command("PASV", 227));
      assertEquals(BALANCER, told.getAddress().getHostAddress(), "where the client connected to");
      try (Socket data = proxiedData(told.getPort(), header(version, CLIENT))) {
        client.command("RETR up.bin", 150);
        assertArrayEquals(content, data.getInputStream().readAllBytes());
      }
      client.expect(226);
    }
    await().atMost(SOON).until(() -> !events(ClientEvent.LoggedOut.class).isEmpty());
    assertEquals(List.of(CLIENT, CLIENT),
        events(ClientEvent.TransferFinished.class).stream().map(ClientEvent.TransferFinished::address).toList());
  }

  @Test
  void headerInOnePacketWithTheFirstCommand_orByteByByte_orBoth() throws Exception {
    proxied("required", json -> { });
    for (int version = 1; version <= 2; version++) {
      try (RawFtp client = open()) {
        say(client, ProxyHeaders.joined(header(version, CLIENT), "USER ann\r\n".getBytes(StandardCharsets.US_ASCII)));
        client.expect(220);
        client.expect(331);
        client.command("PASS " + PASSWORD, 230);
      }
      try (RawFtp client = open()) {
        for (byte one : ProxyHeaders.joined(header(version, CLIENT), "PWD\r\n".getBytes(StandardCharsets.US_ASCII))) {
          say(client, new byte[] {one});
        }
        client.expect(220);
        client.expect(530);
      }
    }
  }

  @Test
  void whereAHeaderIsRequired_nobodyElseGetsIn_andAnEventTellsIt() throws Exception {
    proxied("required", json -> { });
    try (RawFtp client = open()) {
      client.send("USER ann\r\n");
      assertTrue(client.isEnded());
    }
    await().atMost(SOON).until(() -> refusals().equals(List.of(ConnectionGate.Refusal.NO_PROXY_HEADER)));
    for (byte[] broken : List.of("PROXY TCP4 192.0.2.1\r\n".getBytes(StandardCharsets.US_ASCII), new byte[] {'\r', '\n', '\r', '\n', 0, 'x'})) {
      events.clear();
      try (RawFtp client = open()) {
        say(client, broken);
        assertTrue(client.isEnded());
      }
      await().atMost(SOON).until(() -> refusals().equals(List.of(ConnectionGate.Refusal.NO_PROXY_HEADER)));
    }
  }

  @Test
  void headerThatStops_isWaitedForNotForever_andSilenceIsNoEvent() throws Exception {
    proxied("required", json -> { });
    try (RawFtp half = open(); RawFtp silent = open()) {
      say(half, "PROXY TCP4 192.".getBytes(StandardCharsets.US_ASCII));
      long begun = System.nanoTime();
      assertTrue(silent.isEnded());
      assertTrue(half.isEnded());
      assertTrue(System.nanoTime() - begun < 15_000_000_000L);
    }
    await().atMost(SOON).until(() -> refusals().equals(List.of(ConnectionGate.Refusal.NO_PROXY_HEADER)));
  }

  @Test
  void headerOfAPeerThatIsNoProxy_isRefused_orGarbageWhereNoneIsNeeded() throws Exception {
    listener(json -> json.put("proxyProtocol", "required").withArray("trustedProxies").add("127.0.0.2"));
    config.commit(adapter);
    try (RawFtp client = open()) {
      say(client, header(2, CLIENT));
      assertTrue(client.isEnded());
    }
    await().atMost(SOON).until(() -> refusals().equals(List.of(ConnectionGate.Refusal.NO_PROXY)));
    assertEquals("127.0.0.1", events(ClientEvent.ConnectionRefused.class).getFirst().address());

    listener(json -> json.put("proxyProtocol", "optional").withArray("trustedProxies").add("127.0.0.2"));
    config.commit(adapter);
    try (RawFtp client = open()) {
      say(client, header(1, CLIENT));
      client.expect(220);
      client.expect(500);
      client.command("USER ann", 331);
      client.command("PASS " + PASSWORD, 230);
      assertEquals("127.0.0.1", connections.list().getFirst().address());
      client.list("LIST"); // so that the home is there before it is removed
    }
  }

  @Test
  void whereAHeaderIsOptional_clientsMayDoWithout_speakingOrSilent() throws Exception {
    proxied("optional", json -> { });
    try (RawFtp client = open()) {
      client.expect(220); // after the moment that a header is waited for
      client.command("USER ann", 331);
    }
    try (RawFtp client = open()) {
      client.send("USER ann\r\n");
      client.expect(220);
      client.expect(331);
      client.command("PASS " + PASSWORD, 230);
      assertEquals("127.0.0.1", connections.list().getFirst().address());
      try (Socket data = client.data()) {
        client.command("LIST", 150);
        data.getInputStream().readAllBytes();
      }
      client.expect(226);
    }
    try (RawFtp client = proxiedLogin(2)) {
      await().atMost(SOON).until(() -> connections.list().stream().anyMatch(one -> one.address().equals(CLIENT)));
      client.command("NOOP", 200);
    }
  }

  @Test
  void healthChecks_leaveNoTrace() throws Exception {
    // Rules are about clients; a proxy is none while it only looks.
    config.put(Kind.ACCESS_RULES, "nobody", json -> json.put("action", "deny").withArray("from").add("0.0.0.0/0"));
    for (String mode : List.of("required", "optional")) {
      proxied(mode, json -> { });
      for (int i = 0; i < 3; i++) {
        new Socket("127.0.0.1", port).close();
        try (RawFtp check = open()) {
          say(check, ProxyHeaders.LOCAL);
          check.expect(220);
        }
        try (RawFtp check = open()) {
          say(check, ProxyHeaders.LOCAL);
          check.expect(220);
          check.command("QUIT", 221);
        }
      }
    }
    assertEquals(List.of(), events.stream().filter(event -> !(event instanceof ClientEvent.ListenerOpened)).toList());
  }

  @Test
  void clientOfWhomItsProxyKnowsNothing_andWhoeverLogsInByACheck_areJudgedByTheProxysAddress() throws Exception {
    config.put(Kind.ACCESS_RULES, "not", json -> json.put("action", "deny").withArray("from").add("127.0.0.1"));
    proxied("required", json -> { });
    try (RawFtp unknown = open()) {
      say(unknown, "PROXY UNKNOWN\r\n".getBytes(StandardCharsets.US_ASCII));
      unknown.expect(421);
    }
    try (RawFtp check = open()) {
      say(check, ProxyHeaders.LOCAL);
      check.expect(220);
      check.command("USER ann", 331);
      check.command("PASS " + PASSWORD, 421);
    }
  }

  @Test
  void headerThatIsFinishedAfterTheListenerWasClosed_comesTooLate() throws Exception {
    proxied("required", json -> { });
    byte[] header = header(2, CLIENT);
    try (RawFtp late = open(); RawFtp other = open()) {
      late.socket.getOutputStream().write(header, 0, 10);
      say(other, header);
      other.expect(220); // so that the first one has been accepted, too
      config.remove(Kind.LISTENERS, "ftp");
      config.commit(adapter);
      say(late, Arrays.copyOfRange(header, 10, header.length));
      assertTrue(isEndedWithoutAWord(late));
    }
  }

  private static boolean isEndedWithoutAWord(RawFtp client) throws IOException {
    try {
      return client.socket.getInputStream().read() < 0;
    } catch (SocketException e) {
      return true;
    }
  }

  @Test
  void limitsAndRules_areForTheClient_notForTheProxy() throws Exception {
    proxied("required", json -> json.put("maxConnectionsPerAddress", 1));
    config.put(Kind.ACCESS_RULES, "not", json -> json.put("action", "deny").withArray("from").add("192.0.2.66"));
    config.change(Kind.USERS, "ann", json -> json.withArray("denyFrom").add("192.0.2.77"));
    config.commit(adapter);
    try (RawFtp first = proxiedLogin(2); RawFtp second = open(); RawFtp other = open(); RawFtp denied = open(); RawFtp not = open()) {
      say(second, header(2, CLIENT));
      second.expect(421);
      say(other, header(2, "192.0.2.2"));
      other.expect(220);
      say(denied, header(2, "192.0.2.66"));
      denied.expect(421);
      say(not, header(2, "192.0.2.77"));
      not.expect(220);
      not.command("USER ann", 331);
      not.command("PASS " + PASSWORD, 530);
      first.command("NOOP", 200);
    }
    assertEquals(List.of("192.0.2.77"), events(ClientEvent.LoginFailed.class).stream().map(ClientEvent.LoginFailed::address).toList());
    assertEquals(List.of(CLIENT, "192.0.2.66"),
        events(ClientEvent.ConnectionRefused.class).stream().map(ClientEvent.ConnectionRefused::address).toList());
  }

  @Test
  void dataConnection_forAnotherClient_orWithoutAHeader_isRefused_andTheOwnStillComesThrough() throws Exception {
    proxied("required", json -> { });
    Files.createDirectories(home());
    Files.writeString(home().resolve("secret.txt"), "for the client alone");
    try (RawFtp client = proxiedLogin(2)) {
      int at = client.passivePort();
      try (Socket thief = proxiedData(at, header(2, "192.0.2.2")); Socket self = proxiedData(at, ProxyHeaders.LOCAL);
          Socket naked = proxiedData(at, "GET".getBytes(StandardCharsets.US_ASCII))) {
        client.send("RETR secret.txt\r\n");
        for (Socket refused : List.of(thief, self, naked)) {
          assertThrows(IOException.class, () -> {
            if (refused.getInputStream().read() < 0) {
              throw new IOException("ended");
            }
          });
        }
        try (Socket data = proxiedData(at, header(2, CLIENT))) {
          client.expect(150);
          assertEquals("for the client alone", new String(data.getInputStream().readAllBytes(), StandardCharsets.US_ASCII));
        }
        client.expect(226);
      }
    }
  }

  /** The node connects to the client itself, which a proxy for incoming connections does not see. */
  @Test
  void activeDataConnection_goesToTheClient_andToNobodyElse() throws Exception {
    proxied("required", json -> { });
    try (RawFtp client = open(); ServerSocket listening = new ServerSocket(0, 1, InetAddress.getByName("127.0.0.5"))) {
      say(client, header(2, "127.0.0.5"));
      client.expect(220);
      client.command("USER ann", 331);
      client.command("PASS " + PASSWORD, 230);
      client.command("EPRT |1|127.0.0.1|" + listening.getLocalPort() + "|", 500);
      client.command("EPRT |1|127.0.0.5|" + listening.getLocalPort() + "|", 200);
      client.send("LIST\r\n");
      listening.setSoTimeout(20_000);
      try (Socket data = listening.accept()) {
        client.expect(150);
        data.getInputStream().readAllBytes();
      }
      client.expect(226);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"explicit", "implicit"})
  void underTls_theHeaderComesFirst_onControlAndData(String tls) throws Exception {
    TlsIdentity identity = TlsIdentity.selfSigned("ftp", List.of("127.0.0.1"), Instant.now());
    config.secret(Kind.CERTIFICATES, "cert", "privateKey", identity.privateKeyPem(), json -> json.put("certificate", identity.certificatePem()));
    proxied("optional", json -> json.putObject("ftp").put("tls", tls).put("certificate", "cert"));
    SSLContext context = TrustingClient.context();
    byte[] content = random(200_000);
    try (RawFtp client = open()) {
      say(client, header(2, CLIENT));
      if (tls.equals("explicit")) {
        client.expect(220);
        client.command("AUTH TLS", 234);
        client.secure(context);
      } else {
        client.secure(context);
        client.expect(220);
      }
      client.command("USER ann", 331);
      client.command("PASS " + PASSWORD, 230);
      client.command("PBSZ 0", 200);
      client.command("PROT P", 200);
      client.command("TYPE I", 200);
      assertEquals(CLIENT, connections.list().getFirst().address());
      int at = client.passivePort();
      client.send("STOR tls.bin\r\n");
      try (Socket data = proxiedData(at, header(2, CLIENT))) {
        client.expect(150);
        try (Socket secured = RawFtp.secure(context, data)) {
          secured.getOutputStream().write(content);
        }
      }
      client.expect(226);
      assertArrayEquals(content, Files.readAllBytes(home().resolve("tls.bin")));
    }
    // Where it is optional, TLS may begin at once, in the very packet that is looked at for a header.
    try (RawFtp client = open()) {
      if (tls.equals("explicit")) {
        client.send("AUTH TLS\r\n");
        client.expect(220);
        client.expect(234);
      }
      client.secure(context);
      if (tls.equals("implicit")) {
        client.expect(220);
      }
      client.command("USER ann", 331);
    }
  }
}
