package io.flotilla.http.balancer;

import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.net.httpserver.HttpServer;
import io.flotilla.adapter.TestConfiguration;
import io.flotilla.config.model.EntityCodec;
import io.flotilla.config.model.Kind;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Whom a real HAProxy leads where, where nodes have files of their own. */
class StickyBalancerTest {
  private static final Duration SOON = Duration.ofSeconds(30);
  private static final int CLIENTS = 100;
  private static final String ADDRESS = "127.0.0.9";

  @TempDir private Path temp;
  private final List<HttpServer> nodes = new ArrayList<>();
  private ServerSocket agent;
  private volatile String word = "up 100%";
  private Path log;
  private Process balancer;
  private int port;

  @BeforeEach
  void start() throws Exception {
    for (int k = 1; k <= 3; k++) {
      nodes.add(node(k));
      port = nodes.getFirst().getAddress().getPort();
    }
    agent = new ServerSocket(0, 50, InetAddress.getByName("127.0.0.2"));
    Thread.ofVirtual().start(this::speak);
    TestConfiguration config = new TestConfiguration();
    config.put(Kind.of("storages").orElseThrow(), "main", entity -> entity.put("path", "/srv").put("shared", false));
    config.put(Kind.of("listeners").orElseThrow(), "web", entity -> entity.put("protocol", "http").put("port", port)
        .set("http", EntityCodec.JSON.createObjectNode().put("tls", false)));
    config.commit();
    BalancerPlan plan = BalancerPlan.of(config.view().config(), IntStream.rangeClosed(1, 3)
        .mapToObj(k -> BalancerPlan.Node.of("node-" + k, "127.0.0." + k + ":" + (agent.getLocalPort() - 3), Set.of("gateway"), false)).toList(), Optional.of("web"));
    String text = HaProxyConfig.of(plan, new BalancerOptions(ADDRESS, Optional.empty(), Optional.empty(), true, Optional.empty()));
    log = temp.resolve("haproxy.log");
    balancer = new ProcessBuilder("/usr/sbin/haproxy", "-db", "-f",
        Files.writeString(temp.resolve("haproxy.cfg"), text.replace("inter 2s", "inter 200ms")).toString())
        .redirectErrorStream(true).redirectOutput(log.toFile()).start();
    await().atMost(SOON).until(() -> {
      assertTrue(balancer.isAlive(), () -> "HAProxy has ended: " + said());
      try (Socket socket = new Socket()) {
        socket.connect(new InetSocketAddress(ADDRESS, port), 1000);
        return true;
      } catch (IOException e) {
        return false;
      }
    });
  }

  /** As the agent of node 2; the others can't be reached, and are known by the checks alone. */
  private void speak() {
    try {
      while (true) {
        try (Socket asked = agent.accept()) {
          asked.getOutputStream().write((word + "\n").getBytes(StandardCharsets.US_ASCII));
        }
      }
    } catch (IOException closed) {
      // The end of the test.
    }
  }

  /** All have the port of the first, as nodes have. */
  private HttpServer node(int k) throws IOException {
    HttpServer server = HttpServer.create(new InetSocketAddress("127.0.0." + k, port), 0);
    byte[] name = ("node-" + k).getBytes(StandardCharsets.UTF_8);
    server.createContext("/", exchange -> {
      exchange.sendResponseHeaders(200, name.length);
      exchange.getResponseBody().write(name);
      exchange.close();
    });
    server.start();
    return server;
  }

  @AfterEach
  void stop() throws IOException, InterruptedException {
    nodes.forEach(server -> server.stop(0));
    agent.close();
    if (balancer == null) {
      return;
    }
    balancer.destroy();
    if (!balancer.waitFor(10, TimeUnit.SECONDS)) {
      balancer.destroyForcibly();
    }
  }

  private String said() {
    try {
      return Files.readString(log);
    } catch (IOException e) {
      return e.toString();
    }
  }

  /** Which node serves each client, by its address. */
  private Map<String, String> served() throws IOException {
    Map<String, String> served = new TreeMap<>();
    for (int i = 1; i <= CLIENTS; i++) {
      String client = "127.0.1." + i;
      try (Socket socket = new Socket()) {
        socket.bind(new InetSocketAddress(InetAddress.getByName(client), 0));
        socket.connect(new InetSocketAddress(ADDRESS, port), 5000);
        socket.getOutputStream().write("GET / HTTP/1.0\r\n\r\n".getBytes(StandardCharsets.US_ASCII));
        String answer = new String(socket.getInputStream().readAllBytes(), StandardCharsets.US_ASCII);
        served.put(client, answer.substring(answer.lastIndexOf('\n') + 1));
      }
    }
    return served;
  }

  @Test
  void clientsOfOtherNodes_stay_whenANodeGoes_andAllAreBackWhenItReturns() throws Exception {
    Map<String, String> before = served();
    for (int k = 1; k <= 3; k++) {
      int share = Collections.frequency(before.values(), "node-" + k);
      assertTrue(share > CLIENTS / 6, "node-" + k + " has " + share + ": " + before);
    }
    nodes.get(1).stop(0);
    await().atMost(SOON).until(() -> said().contains("Server web/node-2 is DOWN"));
    Map<String, String> without = served();
    before.forEach((client, node) -> assertEquals(!node.equals("node-2"), without.get(client).equals(node), client + " of " + node));
    assertEquals(0, Collections.frequency(without.values(), "node-2"));
    nodes.set(1, node(2));
    await().atMost(SOON).until(() -> said().contains("Server web/node-2 is UP"));
    assertEquals(before, served());
  }

  @Test
  void agent_saysWhetherANodeTakesClients_andItsLoadMovesNobody() throws Exception {
    Map<String, String> before = served();
    for (String no : List.of("down", "drain")) {
      word = no;
      await().atMost(SOON).until(() -> !served().containsValue("node-2"));
      Map<String, String> without = served();
      before.forEach((client, node) -> assertEquals(!node.equals("node-2"), without.get(client).equals(node), client + " of " + node));
      word = "up ready 10%";
      await().atMost(SOON).until(() -> served().equals(before));
    }
    await().during(Duration.ofSeconds(3)).atMost(SOON).until(() -> served().equals(before)); // longer than from one question to the next
  }
}
