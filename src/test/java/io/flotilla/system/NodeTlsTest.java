package io.flotilla.system;

import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.flotilla.config.model.ClusterKey;
import io.flotilla.tls.ClusterTls;
import io.flotilla.tls.ClusterTls.Peer;
import java.io.IOException;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLException;
import javax.net.ssl.SSLSocket;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Nodes that are under TLS in all that they say to each other, as they are wherever they are bound to more than loopback. */
@Tag("long")
class NodeTlsTest {
  private static final int PATIENCE_MILLISECONDS = 60_000;
  /** Of an alert of TLS, which is all that somebody gets who doesn't speak it, or is not trusted. */
  private static final int ALERT_BYTES = 7;
  private static final byte[] RAFT = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0".getBytes(StandardCharsets.US_ASCII);
  /** How a ClientHello begins of which no more comes. */
  private static final byte[] HALF = {0x16, 3, 1, 0x40, 0, 1, 0, 0x3f, (byte) 0xfc, 3, 3};
  private static final byte[] REMOTING = "AKKA\1".getBytes(StandardCharsets.US_ASCII);

  @TempDir private Path directory;
  private TestCluster cluster;

  @BeforeEach
  void start() throws IOException {
    cluster = TestCluster.start(directory.resolve("cluster"), 3, Optional.empty(), List.of("--set", "flotilla.cluster-tls=on"));
  }

  @AfterEach
  void stop() {
    cluster.close();
  }

  @Test
  void changesConverge_afterTheLossOfThePrimaryToo_andOnlyNodesOfTheClusterAreHeard() throws Exception {
    cluster.api(2).put("/api/v1/config/users/alice?wait=applied", "{\"password\":\"correct horse\"}").expect(201);
    ClusterKey key = ClusterKey.read(cluster.state(1).resolve("cluster.key"));
    SSLContext own = ClusterTls.of(key, "test", UUID.randomUUID()).context();
    SSLContext strange = ClusterTls.of(ClusterKey.generate(), "test", UUID.randomUUID()).context();
    for (int port = cluster.remotingPort(); port <= cluster.remotingPort() + 2; port++) {
      assertEquals(cluster.name(1), shown(own, port).name());
      int asked = port;
      assertThrows(IOException.class, () -> shown(strange, asked));
      assertThrows(SSLException.class, () -> shown(own, asked, "TLSv1.2"));
      assertGetsNothing(SelfSigned.trusted(), port);
      for (byte[] words : List.of(RAFT, REMOTING)) {
        assertGetsNothing(words, port);
      }
    }

    int primary = cluster.primary(1);
    int other = primary % 3 + 1;
    cluster.node(primary).kill();
    await().atMost(TestCluster.SOON).ignoreExceptions().until(() ->
        cluster.api(other).put("/api/v1/config/users/bob?timeout=2s", "{\"password\":\"battery staple\"}").status() == 201);
    cluster.startNode(primary, List.of());
    cluster.awaitConverged();
  }

  /** What the node at a port says it is. */
  private Peer shown(SSLContext context, int port) throws IOException {
    return shown(context, port, "TLSv1.3");
  }

  private Peer shown(SSLContext context, int port, String protocol) throws IOException {
    try (SSLSocket socket = (SSLSocket) context.getSocketFactory().createSocket(cluster.host(1), port)) {
      socket.setSoTimeout(PATIENCE_MILLISECONDS);
      socket.setEnabledProtocols(new String[] {protocol});
      socket.startHandshake();
      assertEquals("TLSv1.3", socket.getSession().getProtocol());
      return ClusterTls.peer(socket.getSession());
    }
  }

  /** Without a certificate, or with a wrong one. */
  private void assertGetsNothing(SSLContext context, int port) throws IOException {
    try (SSLSocket socket = (SSLSocket) context.getSocketFactory().createSocket(cluster.host(1), port)) {
      socket.setSoTimeout(PATIENCE_MILLISECONDS);
      IOException refused = assertThrows(IOException.class, () -> {
        socket.getOutputStream().write(RAFT);
        socket.getInputStream().read();
      });
      assertTrue(!(refused instanceof SocketTimeoutException), "port " + port + " waits for more");
    }
  }

  /** In clear. */
  private void assertGetsNothing(byte[] words, int port) throws IOException {
    try (Socket socket = new Socket(cluster.host(1), port)) {
      socket.setSoTimeout(PATIENCE_MILLISECONDS);
      socket.getOutputStream().write(words);
      byte[] answer;
      try {
        answer = socket.getInputStream().readNBytes(ALERT_BYTES + 1);
      } catch (SocketTimeoutException e) {
        throw new AssertionError("port " + port + " waits for more", e);
      } catch (IOException reset) {
        return;
      }
      assertTrue(answer.length <= ALERT_BYTES, "port " + port + " answers " + new String(answer, StandardCharsets.ISO_8859_1));
    }
  }

  @Test
  void hundredsWhoSayNothing_orHalfAWord_holdNothingUp() throws Exception {
    List<Socket> flood = new ArrayList<>();
    try {
      for (int port = cluster.remotingPort(); port <= cluster.remotingPort() + 2; port++) {
        for (int i = 0; i < 600; i++) {
          Socket socket = new Socket(cluster.host(1), port);
          flood.add(socket);
          if (i % 2 == 0) {
            try {
              socket.getOutputStream().write(HALF);
            } catch (IOException cutAlready) {
              // as the port for streams does
            }
          }
        }
      }
      cluster.api(2).put("/api/v1/config/users/carol?wait=applied", "{\"password\":\"correct horse\"}").expect(201);
      // The oldest at remoting, who has sent half a ClientHello.
      flood.getFirst().setSoTimeout(PATIENCE_MILLISECONDS);
      try {
        assertEquals(-1, flood.getFirst().getInputStream().read());
      } catch (IOException reset) {
        assertTrue(!(reset instanceof SocketTimeoutException), "it may stay");
      }
    } finally {
      for (Socket socket : flood) {
        socket.close();
      }
    }
    cluster.awaitConverged();
  }

  @Test
  void nodeOfAnotherCluster_andOneInClear_stayOutside_andSayWhy() throws Exception {
    ClusterKey other = ClusterKey.generate();
    Path file = directory.resolve("other.key");
    other.writeTo(file);
    ClusterKey key = ClusterKey.read(cluster.state(1).resolve("cluster.key"));
    try (NodeProcess stranger = cluster.startStranger("node-9", 4, directory.resolve("stranger"),
        List.of("--cluster-key", file.toString(), "--set", "flotilla.cluster-tls=on"))) {
      await().atMost(TestCluster.SOON).until(() ->
          stranger.log().contains("has the cluster key " + key.id() + ", and this one has " + other.id()));
    }
    // A client of TLS looks first, so only of one that trusts everybody does a node see who it is.
    SSLContext intruder = SSLContext.getInstance("TLS");
    intruder.init(ClusterTls.of(other, "intruder", UUID.randomUUID()).keyManagers(), SelfSigned.all(), null);
    for (int port = cluster.remotingPort(); port <= cluster.remotingPort() + 2; port++) {
      assertGetsNothing(intruder, port);
    }
    await().atMost(TestCluster.SOON).until(() -> cluster.node(1).log().contains(
        "the other node, 'intruder', has the cluster key " + other.id() + ", and this one has " + key.id()));
    try (NodeProcess clear = cluster.startStranger("node-8", 4, directory.resolve("clear"), List.of("--form",
        "--cluster-key", cluster.state(1).resolve("cluster.key").toString(), "--set", "flotilla.cluster-tls=off"))) {
      await().atMost(TestCluster.SOON).until(() -> clear.log().contains("speaks TLS, and this node does not"));
      assertTrue(clear.log().contains("it forms no cluster as long as it can't be sure"), clear::tail);
    }
    assertEquals(3, cluster.api(1).get("/api/v1/cluster").expect(200).body().path("members").size());
    assertTrue(cluster.node(1).log().contains("Nodes talk to each other under TLS"), cluster.node(1)::tail);
  }
}
