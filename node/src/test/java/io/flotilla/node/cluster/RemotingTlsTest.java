package io.flotilla.node.cluster;

import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.typesafe.config.ConfigFactory;
import io.flotilla.config.model.ClusterKey;
import io.flotilla.tls.ClusterTls;
import java.io.IOException;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.List;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import javax.net.ssl.SSLException;
import javax.net.ssl.SSLSocket;
import org.apache.pekko.actor.ActorSystem;
import org.apache.pekko.actor.BootstrapSetup;
import org.apache.pekko.actor.ExtendedActorSystem;
import org.apache.pekko.actor.setup.ActorSystemSetup;
import org.apache.pekko.actor.typed.javadsl.Adapter;
import org.apache.pekko.remote.artery.tcp.SSLEngineProviderSetup;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Pekko's own remoting, as nodes have it, before those who are no nodes. */
class RemotingTlsTest {
  private static final ClusterKey KEY = ClusterKey.generate();
  private static final Duration SOON = Duration.ofSeconds(30);
  private static final Duration NEVER = Duration.ofHours(1);
  /** How a ClientHello begins of which no more comes. */
  private static final byte[] HALF = HexFormat.of().parseHex("1603014000" + "01003ffc" + "0303");

  private final List<AutoCloseable> opened = new ArrayList<>();

  @AfterEach
  void close() throws Exception {
    for (AutoCloseable one : opened.reversed()) {
      one.close();
    }
  }

  private ActorSystem node(String name, int maxStrangers, Duration patience) {
    ClusterTls tls = tls(name);
    ActorSystem node = ActorSystem.create("flotilla", ActorSystemSetup.create(
        BootstrapSetup.create(ConfigFactory.parseString("""
            pekko {
              loglevel = WARNING
              actor.provider = remote
              remote.artery { transport = tls-tcp, canonical { hostname = "127.0.0.1", port = 0 } }
              jvm-exit-on-fatal-error = off
              coordinated-shutdown { exit-jvm = off, run-by-jvm-shutdown-hook = off }
            }""").withFallback(ConfigFactory.load())),
        SSLEngineProviderSetup.create(system -> new RemotingTls(tls, new Strangers(system, maxStrangers, patience)))));
    // As nodes end theirs, since remoting may wait for its streams without a bound.
    opened.add(() -> {
      long begun = System.nanoTime();
      new Termination(Adapter.toTyped(node), Duration.ofSeconds(5)).await(() -> System.nanoTime() - begun > SOON.toNanos());
      assertTrue(node.getWhenTerminated().toCompletableFuture().isDone());
    });
    return node;
  }

  private static ClusterTls tls(String name) {
    return ClusterTls.of(KEY, name, UUID.nameUUIDFromBytes(name.getBytes(java.nio.charset.StandardCharsets.US_ASCII)));
  }

  private static int port(ActorSystem node) {
    return ((ExtendedActorSystem) node).provider().getDefaultAddress().getPort().orElseThrow();
  }

  private Socket connect(ActorSystem node) throws IOException {
    Socket socket = new Socket("127.0.0.1", port(node));
    opened.add(socket);
    socket.setSoTimeout((int) SOON.toMillis());
    return socket;
  }

  private SSLSocket secured(ActorSystem node) throws IOException {
    Socket socket = connect(node);
    return (SSLSocket) tls("client").context().getSocketFactory().createSocket(socket, "127.0.0.1", socket.getPort(), true);
  }

  private static void assertReaches(ActorSystem from, ActorSystem to) throws Exception {
    from.actorSelection("pekko://flotilla@127.0.0.1:" + port(to) + "/user").resolveOne(SOON)
        .toCompletableFuture().get(SOON.toSeconds(), TimeUnit.SECONDS);
  }

  private static void assertCut(Socket socket) throws IOException {
    try {
      assertEquals(-1, socket.getInputStream().read());
    } catch (SocketTimeoutException e) {
      throw new AssertionError("it was let wait", e);
    } catch (IOException reset) {
      // which is the other way to be cut off
    }
  }

  private static boolean isCut(Socket socket) throws IOException {
    socket.setSoTimeout(1);
    try {
      return socket.getInputStream().read() < 0;
    } catch (SocketTimeoutException e) {
      return false;
    } catch (IOException reset) {
      return true;
    }
  }

  private static void assertOpen(Socket socket) throws IOException {
    socket.setSoTimeout(200);
    assertThrows(SocketTimeoutException.class, () -> socket.getInputStream().read());
  }

  @Test
  void whoDoesNotEndItsHandshakeInTime_isCutOff_andANodeThatSaysNothingIsNot() throws Exception {
    ActorSystem node = node("server", 100, Duration.ofSeconds(6));
    SSLSocket member = secured(node);
    member.startHandshake();
    Socket silent = connect(node);
    Socket half = connect(node);
    half.getOutputStream().write(HALF);

    assertCut(silent);
    assertCut(half);

    assertOpen(member);
  }

  @Test
  void oneTooMany_costsTheOldestItsPlace_andNodesGoOnTalking() throws Exception {
    ActorSystem node = node("server", 8, NEVER);
    ActorSystem other = node("client", 8, NEVER);
    SSLSocket member = secured(node);
    member.startHandshake();
    List<Socket> silent = new ArrayList<>();
    for (int i = 0; i < 300; i++) {
      Socket socket = connect(node);
      if (i % 2 == 0) {
        socket.getOutputStream().write(HALF);
      }
      silent.add(socket);
    }

    assertReaches(other, node);
    assertReaches(node, other);
    // Pekko's threads may come to one that connected later first.
    Set<Socket> cut = new HashSet<>();
    await().atMost(SOON).until(() -> {
      for (Socket socket : silent) {
        if (!cut.contains(socket) && isCut(socket)) {
          cut.add(socket);
        }
      }
      return cut.size() >= 292;
    });
    assertTrue(cut.size() < silent.size(), "a node that comes costs one its place as well, but not all of them");
    assertOpen(member);
  }

  @Test
  void olderTls_isRefused() throws Exception {
    SSLSocket old = secured(node("server", 8, NEVER));
    old.setEnabledProtocols(new String[] {"TLSv1.2"});

    SSLException refused = assertThrows(SSLException.class, old::startHandshake);
    assertTrue(refused.getMessage().contains("protocol_version"), refused.getMessage());
  }
}
