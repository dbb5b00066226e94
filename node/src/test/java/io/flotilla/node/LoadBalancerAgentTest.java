package io.flotilla.node;

import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

class LoadBalancerAgentTest {
  private static final Duration SOON = Duration.ofSeconds(30);
  private final AtomicInteger asked = new AtomicInteger();
  private volatile String words = "up 75%";

  private static InetSocketAddress freeAddress() throws IOException {
    try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      return new InetSocketAddress(InetAddress.getLoopbackAddress(), socket.getLocalPort());
    }
  }

  private LoadBalancerAgent open(InetSocketAddress address) {
    return new LoadBalancerAgent(address, () -> {
      asked.incrementAndGet();
      return words;
    });
  }

  private static String ask(InetSocketAddress address) throws IOException {
    try (Socket socket = new Socket()) {
      socket.connect(address, 5_000);
      socket.setSoTimeout(10_000);
      return new String(socket.getInputStream().readAllBytes(), StandardCharsets.US_ASCII);
    }
  }

  @Test
  void eachConnection_getsTheNewestLine_andIsClosed() throws Exception {
    InetSocketAddress address = freeAddress();
    try (LoadBalancerAgent agent = open(address)) {
      await().atMost(SOON).ignoreExceptions().until(() -> ask(address).equals("up 75%\n"));
      words = "drain";
      await().atMost(SOON).until(() -> ask(address).equals("drain\n"));
      assertTrue(agent != null);
    }
    await().atMost(SOON).until(() -> !isOpen(address));
  }

  private static boolean isOpen(InetSocketAddress address) {
    try {
      ask(address);
      return true;
    } catch (IOException e) {
      return false;
    }
  }

  @Test
  void clientsThatNeitherReadNorLeave_holdNobodyUp_andManyAskTheNodeRarely() throws Exception {
    InetSocketAddress address = freeAddress();
    List<Socket> idle = new ArrayList<>();
    try (LoadBalancerAgent agent = open(address)) {
      await().atMost(SOON).ignoreExceptions().until(() -> ask(address).equals("up 75%\n"));
      int before = asked.get();
      long begun = System.nanoTime();
      for (int i = 0; i < 200; i++) {
        Socket socket = new Socket();
        socket.connect(address, 5_000);
        idle.add(socket);
        if (i % 20 == 0) {
          assertEquals("up 75%\n", ask(address));
        }
      }
      assertTrue(asked.get() - before <= (System.nanoTime() - begun) / 100_000_000 + 1, asked.get() - before + " times");
      assertTrue(agent != null);
    } finally {
      for (Socket socket : idle) {
        socket.close();
      }
    }
  }

  @Test
  void portThatIsTaken_isTriedAgain() throws Exception {
    InetSocketAddress address = freeAddress();
    try (ServerSocket thief = new ServerSocket(address.getPort(), 1, address.getAddress());
        LoadBalancerAgent agent = open(address)) {
      assertTrue(thief.isBound() && agent != null);
      thief.close();
      await().atMost(SOON).ignoreExceptions().until(() -> ask(address).equals("up 75%\n"));
    }
  }
}
