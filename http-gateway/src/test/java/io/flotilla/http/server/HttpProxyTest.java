package io.flotilla.http.server;

import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.flotilla.adapter.ClientEvent;
import io.flotilla.adapter.ConnectionGate;
import io.flotilla.adapter.LiveConnections;
import io.flotilla.config.model.Kind;
import io.flotilla.tls.TrustingClient;
import io.flotilla.transport.ProxyHeaders;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.time.Duration;
import java.util.List;
import java.util.function.Consumer;
import javax.net.ssl.SSLSocket;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** HTTP and HTTPS by a proxy, 127.0.0.1, for clients that are elsewhere: by the PROXY protocol, or by header fields. */
class HttpProxyTest extends HttpFixture {
  private static final Duration SOON = Duration.ofSeconds(20);
  private static final String CLIENT = "192.0.2.1";

  private void proxied(String mode, String trusted, Consumer<ObjectNode> fields) {
    for (String name : List.of("http", "https")) {
      config.change(Kind.LISTENERS, name, json -> {
        json.put("proxyProtocol", mode).putArray("trustedProxies").add(trusted);
        fields.accept(json);
      });
    }
    assertEquals(List.of(), config.commit(adapter));
  }

  private void forwarding(String header) {
    for (String name : List.of("http", "https")) {
      config.change(Kind.LISTENERS, name, json -> {
        json.putArray("trustedProxies").add("127.0.0.1").add("10.0.0.0/8");
        ((ObjectNode) json.get("http")).put("forwardedBy", header);
      });
    }
    assertEquals(List.of(), config.commit(adapter));
  }

  private static byte[] header(int version, String client) {
    return version == 1 ? ProxyHeaders.version1(client, "198.51.100.7") : ProxyHeaders.version2(client, "198.51.100.7");
  }

  private static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.ISO_8859_1);
  }

  private List<String> addresses() {
    return connections.list().stream().map(LiveConnections.Snapshot::address).toList();
  }

  private List<ConnectionGate.Refusal> refusals() {
    return events(ClientEvent.ConnectionRefused.class).stream().map(ClientEvent.ConnectionRefused::reason).toList();
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2})
  void clientOfAProxy_isWhoItSays_whateverItsPackets(int version) throws Exception {
    proxied("required", "127.0.0.1", json -> { });
    try (RawHttp client = connect()) {
      client.say(ProxyHeaders.joined(header(version, CLIENT), bytes(RawHttp.head("PUT", "/files/a.txt", "Content-Length: 5") + "hello")));
      assertEquals(201, client.answer().status());
      assertEquals(List.of(CLIENT), addresses());
      assertEquals("hello", Files.readString(home().resolve("a.txt")));
    }
    try (RawHttp client = connect()) {
      for (byte one : ProxyHeaders.joined(header(version, CLIENT), bytes(RawHttp.head("GET", "/files/a.txt")))) {
        client.say(new byte[] {one});
      }
      assertEquals("hello", new String(client.answer().body(), StandardCharsets.US_ASCII));
    }
    assertEquals(CLIENT, events(ClientEvent.LoginSucceeded.class).getFirst().address());
    await().atMost(SOON).until(() -> events(ClientEvent.TransferFinished.class).size() == 2);
    assertEquals(List.of(CLIENT, CLIENT),
        events(ClientEvent.TransferFinished.class).stream().map(ClientEvent.TransferFinished::address).toList());
  }

  @ParameterizedTest
  @ValueSource(strings = {"required", "optional"})
  void underTls_theHeaderComesFirst(String mode) throws Exception {
    proxied(mode, "127.0.0.1", json -> { });
    byte[] content = random(300_000);
    Files.createDirectories(home());
    Files.write(home().resolve("big.bin"), content);
    for (byte[] first : List.of(header(1, CLIENT), header(2, CLIENT), new byte[0])) {
      if (first.length == 0 && mode.equals("required")) {
        continue;
      }
      try (Socket socket = new Socket("127.0.0.1", tlsPort)) {
        socket.setSoTimeout(20_000);
        socket.getOutputStream().write(first);
        try (SSLSocket secured = (SSLSocket) TrustingClient.context().getSocketFactory().createSocket(socket, "localhost", tlsPort, true)) {
          secured.getOutputStream().write(bytes(RawHttp.head("GET", "/files/big.bin", "Connection: close")));
          byte[] answer = secured.getInputStream().readAllBytes();
          byte[] body = java.util.Arrays.copyOfRange(answer, answer.length - content.length, answer.length);
          assertArrayEquals(content, body);
        }
      }
      await().atMost(SOON).until(() -> events(ClientEvent.LoginSucceeded.class).size() == 1);
      assertEquals(first.length == 0 ? "127.0.0.1" : CLIENT, events(ClientEvent.LoginSucceeded.class).getFirst().address());
      events.clear();
    }
  }

  @Test
  void whereAHeaderIsRequired_nobodyElseGetsIn_andAnEventTellsIt() throws Exception {
    proxied("required", "127.0.0.1", json -> { });
    try (RawHttp client = connect()) {
      client.say(RawHttp.head("GET", "/files/"));
      assertEquals(0, client.drain());
    }
    await().atMost(SOON).until(() -> refusals().equals(List.of(ConnectionGate.Refusal.NO_PROXY_HEADER)));
    events.clear();
    try (RawHttp silent = connect()) {
      assertEquals(0, silent.drain());
    }
    assertEquals(List.of(), List.copyOf(events));

    proxied("required", "127.0.0.2", json -> { });
    try (RawHttp client = connect()) {
      client.say(ProxyHeaders.joined(header(2, CLIENT), bytes(RawHttp.head("GET", "/files/"))));
      assertEquals(0, client.drain());
    }
    await().atMost(SOON).until(() -> refusals().equals(List.of(ConnectionGate.Refusal.NO_PROXY)));
  }

  @Test
  void spoofedHeader_isGarbage_whereProxiesAreElsewhere() throws Exception {
    proxied("optional", "127.0.0.2", json -> { });
    try (RawHttp client = connect()) {
      client.say(ProxyHeaders.joined(header(1, CLIENT), bytes(RawHttp.head("GET", "/files/"))));
      assertEquals(501, client.answer().status(), "a method that nobody knows");
    }
    assertEquals(200, get(false, "/files/").statusCode());
    assertEquals("127.0.0.1", events(ClientEvent.LoginSucceeded.class).getFirst().address());
  }

  @Test
  void healthChecks_leaveNoTrace() throws Exception {
    // Rules are about clients; a proxy is none while it only looks.
    config.put(Kind.ACCESS_RULES, "nobody", json -> json.put("action", "deny").withArray("from").add("0.0.0.0/0"));
    for (String mode : List.of("required", "optional")) {
      proxied(mode, "127.0.0.1", json -> { });
      for (int i = 0; i < 3; i++) {
        connect().close();
        try (RawHttp check = connect()) {
          check.say(ProxyHeaders.LOCAL);
        }
        try (RawHttp check = connect()) {
          check.say(ProxyHeaders.joined(ProxyHeaders.LOCAL, bytes("GET / HTTP/1.1\r\nHost: health-check\r\n\r\n")));
          assertTrue(List.of(200, 401).contains(check.answer().status()));
        }
      }
    }
    assertEquals(List.of(), events.stream().filter(event -> !(event instanceof ClientEvent.ListenerOpened)).toList());
  }

  @Test
  void limitsAndRules_areForTheClient_notForTheProxy() throws Exception {
    config.put(Kind.ACCESS_RULES, "not", json -> json.put("action", "deny").withArray("from").add("192.0.2.66"));
    config.change(Kind.USERS, "ann", json -> json.withArray("denyFrom").add("192.0.2.77"));
    proxied("required", "127.0.0.1", json -> json.put("maxConnectionsPerAddress", 1));
    try (RawHttp first = connect(); RawHttp second = connect(); RawHttp other = connect(); RawHttp denied = connect(); RawHttp not = connect()) {
      first.say(ProxyHeaders.joined(header(2, CLIENT), bytes(RawHttp.head("GET", "/files/"))));
      assertEquals(200, first.answer().status());
      second.say(ProxyHeaders.joined(header(2, CLIENT), bytes(RawHttp.head("GET", "/files/"))));
      assertEquals(503, second.answer().status());
      other.say(ProxyHeaders.joined(header(2, "192.0.2.2"), bytes(RawHttp.head("GET", "/files/"))));
      assertEquals(200, other.answer().status());
      denied.say(ProxyHeaders.joined(header(2, "192.0.2.66"), bytes(RawHttp.head("GET", "/files/"))));
      assertEquals(403, denied.answer().status());
      not.say(ProxyHeaders.joined(header(2, "192.0.2.77"), bytes(RawHttp.head("GET", "/files/"))));
      assertEquals(401, not.answer().status());
    }
    assertEquals(List.of("192.0.2.77"), events(ClientEvent.LoginFailed.class).stream().map(ClientEvent.LoginFailed::address).toList());
  }

  @ParameterizedTest
  @CsvSource(delimiter = '|', value = {"x-forwarded-for|X-Forwarded-For: |", "forwarded|Forwarded: |for="})
  void requestsOfOneConnection_areOfTheClientsThatTheProxyNames(String by, String field, String before) throws Exception {
    forwarding(by);
    String prefix = before == null ? "" : before;
    config.change(Kind.USERS, "ann", json -> json.withArray("denyFrom").add("192.0.2.77"));
    config.put(Kind.ACCESS_RULES, "not", json -> json.put("action", "deny").withArray("from").add("192.0.2.66"));
    config.change(Kind.LISTENERS, "http", json -> json.put("maxConnectionsPerAddress", 1));
    config.commit(adapter);
    try (RawHttp proxy = connect(); RawHttp another = connect()) {
      assertEquals(200, proxy.say(RawHttp.head("GET", "/files/", field + prefix + CLIENT)).answer().status());
      assertEquals(List.of(CLIENT), addresses());
      assertEquals(200, proxy.say(RawHttp.head("GET", "/files/", field + prefix + CLIENT)).answer().status());
      assertEquals(1, events(ClientEvent.LoginSucceeded.class).size(), "the same client goes on");

      assertEquals(200, proxy.say(RawHttp.head("GET", "/files/", field + prefix + "192.0.2.2")).answer().status());
      assertEquals(List.of("192.0.2.2"), addresses());
      assertEquals(CLIENT, events(ClientEvent.LoggedOut.class).getFirst().address());

      assertEquals(401, proxy.say(RawHttp.head("GET", "/files/", field + prefix + "192.0.2.77")).answer().status());
      assertEquals("192.0.2.77", events(ClientEvent.LoginFailed.class).getFirst().address());
      assertEquals(403, proxy.say(RawHttp.head("GET", "/files/", field + prefix + "192.0.2.66")).answer().status());
      assertEquals("192.0.2.66", events(ClientEvent.ConnectionRefused.class).getFirst().address());
      assertEquals(List.of(), addresses());

      // What the client wrote, in a line of its own or in the same one, comes before what the proxy has appended.
      assertEquals(200, proxy.say(RawHttp.head("GET", "/files/", field + prefix + "203.0.113.9", field + prefix + CLIENT)).answer().status());
      assertEquals(List.of(CLIENT), addresses());
      assertEquals(200, proxy.say(RawHttp.head("GET", "/files/", field + prefix + "203.0.113.9, " + prefix + "192.0.2.3, " + prefix + "10.0.0.1"))
          .answer().status());
      assertEquals(List.of("192.0.2.3"), addresses());
      assertEquals(200, proxy.say(RawHttp.head("GET", "/files/", field + prefix + "_hidden")).answer().status());
      assertEquals(List.of("127.0.0.1"), addresses());
      assertEquals(200, another.say(RawHttp.head("GET", "/files/", field + prefix + CLIENT)).answer().status(),
          "a proxy has as many connections as it likes");
    }
  }

  @Test
  void fieldsOfAnybodyElse_countForNothing() throws Exception {
    try (RawHttp client = connect()) {
      assertEquals(200, client.say(RawHttp.head("GET", "/files/", "X-Forwarded-For: " + CLIENT, "Forwarded: for=" + CLIENT,
          "X-Forwarded-Proto: https", "X-Real-IP: " + CLIENT)).answer().status());
      assertEquals(List.of("127.0.0.1"), addresses());
    }
  }

  /** Its proxy may know nothing of HTTP, and pass on what clients write. */
  @Test
  void fieldsOfAProxyThatWasToSendAHeader_andSaidNothingOfItsClient_countForNothing() throws Exception {
    proxied("optional", "127.0.0.1", json -> { });
    for (byte[] first : List.of(new byte[0], bytes("PROXY UNKNOWN\r\n"))) {
      try (RawHttp client = connect()) {
        client.say(ProxyHeaders.joined(first, bytes(RawHttp.head("GET", "/files/", "X-Forwarded-For: " + CLIENT))));
        assertEquals(200, client.answer().status());
        assertEquals(List.of("127.0.0.1"), addresses());
      }
      await().atMost(SOON).until(() -> addresses().isEmpty());
    }
  }

  @Test
  void proxyProtocol_thenFields_countOnlyIfThatClientIsAProxyItself() throws Exception {
    proxied("required", "127.0.0.1", json -> json.withArray("trustedProxies").add("10.0.0.0/8"));
    try (RawHttp client = connect(); RawHttp chained = connect()) {
      client.say(header(2, CLIENT));
      assertEquals(200, client.say(RawHttp.head("GET", "/files/", "X-Forwarded-For: 203.0.113.9")).answer().status());
      assertEquals(List.of(CLIENT), addresses());
      client.close();
      await().atMost(SOON).until(() -> addresses().isEmpty());
      chained.say(header(2, "10.0.0.5"));
      assertEquals(200, chained.say(RawHttp.head("GET", "/files/", "X-Forwarded-For: 192.0.2.5")).answer().status());
      assertEquals(List.of("192.0.2.5"), addresses());
    }
  }

  @Test
  void behindAProxyThatEndsTls_cookiesAreSecure_andTheSessionStaysWithItsClientsScheme() throws Exception {
    forwarding("x-forwarded-for");
    String form = "{\"user\":\"ann\",\"password\":\"" + PASSWORD + "\"}";
    try (RawHttp proxy = connect()) {
      String login = "POST /session HTTP/1.1\r\nHost: files.example.org\r\nContent-Type: application/json\r\nContent-Length: "
          + form.length() + "\r\nX-Forwarded-For: " + CLIENT + "\r\nX-Forwarded-Proto: %s\r\n\r\n" + form;
      RawHttp.Answer secure = proxy.say(login.formatted("https")).answer();
      assertEquals(201, secure.status(), secure.head());
      assertTrue(secure.field("Set-Cookie").startsWith("__Host-flotilla=") && secure.field("Set-Cookie").contains("; Secure"), secure.head());
      assertEquals(CLIENT, events(ClientEvent.LoginSucceeded.class).getFirst().address());
      String cookie = secure.field("Set-Cookie").split(";")[0];
      String read = "GET /files/ HTTP/1.1\r\nHost: files.example.org\r\nCookie: " + cookie + "\r\nX-Forwarded-For: " + CLIENT
          + "\r\nX-Forwarded-Proto: %s\r\n\r\n";
      assertEquals(200, proxy.say(read.formatted("https")).answer().status());
      assertEquals(401, proxy.say(read.formatted("http")).answer().status(), "a cookie that goes under TLS only does not count in clear");

      RawHttp.Answer clear = proxy.say(login.formatted("http")).answer();
      assertTrue(clear.field("Set-Cookie").startsWith("flotilla="), clear.head());
      assertFalse(clear.field("Set-Cookie").contains("Secure"), clear.head());
    }
  }

  @Test
  void behindAProxyThatEndsTls_webDavMovesToTheUrlsThatItsClientsSee() throws Exception {
    forwarding("x-forwarded-for");
    put(false, "/files/a.txt", bytes("a"));
    try (RawHttp proxy = connect()) {
      String move = "MOVE /files/%s HTTP/1.1\r\nHost: files.example.org\r\nAuthorization: " + basic("ann", PASSWORD)
          + "\r\nX-Forwarded-For: " + CLIENT + "\r\nX-Forwarded-Proto: https\r\nDestination: %s\r\n\r\n";
      assertEquals(201, proxy.say(move.formatted("a.txt", "https://files.example.org/files/b.txt")).answer().status());
      assertEquals(201, proxy.say(move.formatted("b.txt", "https://files.example.org:443/files/c.txt")).answer().status());
      assertEquals(502, proxy.say(move.formatted("c.txt", "https://elsewhere.example.org/files/d.txt")).answer().status());
      assertEquals("a", Files.readString(home().resolve("c.txt")));
    }
  }

  /** While a request of one client is being served by a connection, the next one waits, so both are whole. */
  @Test
  void pipelinedRequestsOfTwoClients_areServedOneAfterTheOther() throws Exception {
    forwarding("x-forwarded-for");
    try (RawHttp proxy = connect()) {
      StringBuilder both = new StringBuilder();
      for (int i = 0; i < 6; i++) {
        both.append(RawHttp.head("PUT", "/files/p" + i, "Content-Length: 3", "X-Forwarded-For: 192.0.2." + (1 + i % 2))).append("abc");
      }
      proxy.say(both.toString());
      for (int i = 0; i < 6; i++) {
        assertEquals(201, proxy.answer().status());
      }
    }
    await().atMost(SOON).until(() -> events(ClientEvent.TransferFinished.class).size() == 6);
    assertEquals(List.of("192.0.2.1", "192.0.2.2", "192.0.2.1", "192.0.2.2", "192.0.2.1", "192.0.2.2"),
        events(ClientEvent.TransferFinished.class).stream().map(ClientEvent.TransferFinished::address).toList());
  }

  @Test
  void largeFields_areAnsweredOrRefused_andNeverBelieved() throws Exception {
    forwarding("x-forwarded-for");
    try (RawHttp proxy = connect()) {
      proxy.say(RawHttp.head("GET", "/files/", "X-Forwarded-For: " + "203.0.113.9, ".repeat(500) + CLIENT));
      assertEquals(200, proxy.answer().status());
      assertEquals(List.of(CLIENT), addresses());
    }
    try (RawHttp proxy = connect()) {
      proxy.say(RawHttp.head("GET", "/files/", "X-Forwarded-For: " + "203.0.113.9, ".repeat(5_000) + CLIENT));
      assertEquals(431, proxy.answer().status());
    }
  }

}
