package io.flotilla.transport;

import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.junit.jupiter.api.Test;

class AcceptorProxyTest {
  private static final Duration SOON = Duration.ofSeconds(30);
  private static final int MAX_WAITING = 1_000;

  private static final class Noting implements Acceptor.Welcome {
    final Queue<Incoming> accepted = new ConcurrentLinkedQueue<>();
    final Queue<ProxyFault> refused = new ConcurrentLinkedQueue<>();

    @Override
    public ProxyRule rule(InetAddress peer) {
      return ProxyRule.ALWAYS;
    }

    @Override
    public void accept(Incoming connection) {
      accepted.add(connection);
    }

    @Override
    public void refused(InetAddress peer, ProxyFault fault) {
      refused.add(fault);
    }
  }

  /** As long as more come than can be waited for, they are turned away; those that leave make room. */
  @Test
  void soManyConnectionsAreWaitedFor_andNoMore() throws Exception {
    Noting noting = new Noting();
    Acceptor acceptor = new Acceptor("test", noting);
    InetSocketAddress address;
    try (ServerSocket free = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      address = new InetSocketAddress(InetAddress.getLoopbackAddress(), free.getLocalPort());
    }
    acceptor.bind(address);
    List<Socket> sockets = new ArrayList<>();
    try {
      for (int i = 0; i < MAX_WAITING; i++) {
        sockets.add(new Socket(address.getAddress(), address.getPort()));
      }
      try (Socket last = new Socket(address.getAddress(), address.getPort())) {
        last.setSoTimeout((int) SOON.toMillis());
        assertEquals(-1, last.getInputStream().read());
      }
      await().atMost(SOON).until(() -> noting.refused.contains(ProxyFault.TOO_MANY));

      for (Socket socket : sockets) {
        socket.close();
      }
      await().atMost(SOON).until(() -> {
        try (Socket next = new Socket(address.getAddress(), address.getPort())) {
          next.setSoTimeout(500);
          next.getOutputStream().write(ProxyHeaders.version2("192.0.2.1", "192.0.2.2"));
          await().atMost(Duration.ofSeconds(2)).until(() -> !noting.accepted.isEmpty());
          return true;
        } catch (java.io.IOException | org.awaitility.core.ConditionTimeoutException e) {
          return false;
        }
      });
      assertEquals("192.0.2.1", noting.accepted.peek().address().getHostAddress());
    } finally {
      for (Socket socket : sockets) {
        socket.close();
      }
      acceptor.releaseAll();
    }
  }
}
