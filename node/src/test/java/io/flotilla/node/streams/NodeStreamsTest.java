package io.flotilla.node.streams;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.flotilla.config.model.ClusterKey;
import io.flotilla.node.HostPort;
import io.flotilla.node.streams.NodeStreams.Service;
import io.flotilla.tls.ClusterTls;
import io.flotilla.tls.ClusterTls.Peer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.security.SecureRandom;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLException;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.TrustManager;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class NodeStreamsTest {
  private static final ClusterKey KEY = ClusterKey.generate();
  private static final Duration SOON = Duration.ofSeconds(60);
  private static final Service ECHO = (peer, stream) -> stream.in().transferTo(stream.out());

  private final List<AutoCloseable> opened = new ArrayList<>();
  /** Long enough for a busy machine, where nobody is to be sent away. */
  private Duration greeting = SOON;

  @AfterEach
  void close() throws Exception {
    for (AutoCloseable one : opened.reversed()) {
      one.close();
    }
  }

  /** A remoting address whose port for streams is free. */
  private static HostPort freeAddress() throws IOException {
    try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      return new HostPort("127.0.0.1", socket.getLocalPort() - NodeStreams.OFFSET);
    }
  }

  private NodeStreams open(HostPort address, ClusterKey key, String name, Map<String, Service> services) throws IOException {
    NodeStreams streams = NodeStreams.open(address, ClusterTls.of(key, name, id(name)), services, 4, 4, greeting, Duration.ofSeconds(60));
    opened.add(streams);
    return streams;
  }

  private HostPort node(String name, Map<String, Service> services) throws IOException {
    HostPort address = freeAddress();
    open(address, KEY, name, services);
    return address;
  }

  private NodeStreams client() throws IOException {
    return open(freeAddress(), KEY, "client", Map.of());
  }

  private static UUID id(String name) {
    return UUID.nameUUIDFromBytes(name.getBytes(US_ASCII));
  }

  private Socket connect(HostPort node) throws IOException {
    Socket socket = new Socket("127.0.0.1", node.port() + NodeStreams.OFFSET);
    opened.add(socket);
    socket.setSoTimeout((int) SOON.toMillis());
    return socket;
  }

  private SSLSocket secured(HostPort node, SSLContext context) throws IOException {
    Socket socket = connect(node);
    SSLSocket secured = (SSLSocket) context.getSocketFactory().createSocket(socket, "127.0.0.1", socket.getPort(), true);
    secured.setSSLParameters(new SSLParameters(null, new String[] {"TLSv1.3"}));
    return secured;
  }

  @Test
  void service_isAskedByName_andBothKnowWhoTheOtherIs() throws Exception {
    CompletableFuture<Peer> asked = new CompletableFuture<>();
    HostPort node = node("server", Map.of("other", (peer, stream) -> { }, "echo", (peer, stream) -> {
      asked.complete(peer);
      assertEquals(peer, stream.peer());
      ECHO.serve(peer, stream);
    }));
    byte[] data = new byte[3_000_000];
    new SecureRandom().nextBytes(data);

    try (NodeStream stream = client().connect(node, "echo", SOON)) {
      assertEquals(new Peer("server", id("server")), stream.peer());
      Thread writer = Thread.ofVirtual().start(() -> {
        try {
          stream.out().write(data);
        } catch (IOException e) {
          asked.completeExceptionally(e);
        }
      });
      assertArrayEquals(data, stream.in().readNBytes(data.length));
      writer.join();
    }

    assertEquals(new Peer("client", id("client")), asked.get(10, TimeUnit.SECONDS));
  }

  @Test
  void whatAServiceWroteBeforeItReturned_arrivesWhole() throws Exception {
    byte[] data = new byte[1_000_000];
    Arrays.fill(data, (byte) 7);
    HostPort node = node("server", Map.of("give", (peer, stream) -> stream.out().write(data)));

    try (NodeStream stream = client().connect(node, "give", SOON)) {
      assertArrayEquals(data, stream.in().readAllBytes());
    }
  }

  @Test
  void serviceThatFails_endsItsStreamOnly() throws Exception {
    HostPort node = node("server", Map.of("fail", (peer, stream) -> {
      throw new IllegalStateException("as it has to");
    }, "echo", ECHO));
    NodeStreams client = client();

    try (NodeStream stream = client.connect(node, "fail", SOON)) {
      assertEquals(-1, stream.in().read());
    }
    assertEchoes(client, node);
  }

  private static void assertEchoes(NodeStreams client, HostPort node) throws IOException {
    try (NodeStream stream = client.connect(node, "echo", SOON)) {
      stream.out().write(42);
      assertEquals(42, stream.in().read());
    }
  }

  @Test
  void serviceThatANodeDoesNotHave_isToldAsThat_whetherItOrTheVersionIsNotKnown() throws Exception {
    HostPort node = node("server", Map.of("echo", ECHO));

    NodeStreams.ServiceUnknownException refused = assertThrows(
        NodeStreams.ServiceUnknownException.class, () -> client().connect(node, "files", SOON));
    assertTrue(refused.getMessage().contains("files, does not have that service"), refused.getMessage());

    SSLSocket newer = secured(node, ClusterTls.of(KEY, "newer", id("newer")).context());
    newer.getOutputStream().write(new byte[] {'F', 'L', 'S', 2, 9, 9, 9});
    assertEquals(2, newer.getInputStream().read(), "an unknown version");
    assertEquals(-1, newer.getInputStream().read());
  }

  @Test
  void peerWithoutTheClustersCertificate_getsNothing() throws Exception {
    CountDownLatch served = new CountDownLatch(1);
    HostPort node = node("server", Map.of("echo", (peer, stream) -> served.countDown()));
    ClusterTls own = ClusterTls.of(KEY, "client", id("client"));
    SSLContext nameless = SSLContext.getInstance("TLS");
    nameless.init(null, new TrustManager[] {own.trustManager()}, null);
    SSLContext stranger = SSLContext.getInstance("TLS");
    stranger.init(ClusterTls.of(ClusterKey.generate(), "client", id("client")).keyManagers(),
        new TrustManager[] {own.trustManager()}, null);

    for (SSLContext context : List.of(nameless, stranger)) {
      SSLSocket socket = secured(node, context);
      assertThrows(IOException.class, () -> {
        socket.getOutputStream().write(new byte[] {'F', 'L', 'S', 1, 4, 'e', 'c', 'h', 'o'});
        socket.getInputStream().read();
      });
    }
    SSLSocket old = secured(node, own.context());
    old.setEnabledProtocols(new String[] {"TLSv1.2"});
    assertThrows(SSLException.class, old::startHandshake);
    Socket plain = connect(node);
    plain.getOutputStream().write("FLS\1\4echo".getBytes(US_ASCII));
    assertTrue(isOver(plain), "in clear");
    assertEquals(1, served.getCount());
  }

  /** After an alert at most. */
  private static boolean isOver(Socket socket) {
    try {
      return socket.getInputStream().readAllBytes().length <= 16;
    } catch (IOException e) {
      return !(e instanceof SocketTimeoutException);
    }
  }

  @Test
  void nodeOfAnotherCluster_isNotTalkedTo_andTheReasonNamesBothKeys() throws Exception {
    ClusterKey other = ClusterKey.generate();
    HostPort node = freeAddress();
    open(node, other, "server", Map.of("echo", ECHO));

    IOException refused = assertThrows(IOException.class, () -> client().connect(node, "echo", SOON));

    assertTrue(refused.getMessage().contains(other.id()) && refused.getMessage().contains(KEY.id()), refused.getMessage());
  }

  @Test
  void whoSaysNothing_isSentAway_beforeAndAfterTheHandshake() throws Exception {
    greeting = Duration.ofSeconds(2);
    HostPort node = node("server", Map.of("echo", ECHO));
    Socket silent = connect(node);
    SSLSocket secured = secured(node, ClusterTls.of(KEY, "client", id("client")).context());
    secured.startHandshake();
    long begun = System.nanoTime();

    assertTrue(isOver(silent));
    assertTrue(isOver(secured));
    assertTrue(System.nanoTime() - begun < SOON.toNanos());
  }

  @Test
  void manyWhoSayNothing_keepNoNodeOut_evenWhileTheyMayStay() throws Exception {
    HostPort node = node("server", Map.of("echo", ECHO));
    for (int i = 0; i < 100; i++) {
      connect(node);
    }

    assertEchoes(client(), node);
  }

  @Test
  void oneStreamTooMany_isRefused_untilAnotherEnds() throws Exception {
    HostPort node = node("server", Map.of("echo", ECHO));
    NodeStreams client = client();
    List<NodeStream> held = new ArrayList<>();
    for (int i = 0; i < 4; i++) {
      held.add(client.connect(node, "echo", SOON));
    }

    IOException refused = assertThrows(NodeStreams.BusyException.class, () -> client.connect(node, "echo", SOON));
    assertTrue(refused.getMessage().contains("as many streams as it may"), refused.getMessage());
    held.getFirst().close();
    await().atMost(SOON).ignoreExceptions().until(() -> {
      assertEchoes(client, node);
      return true;
    });
    held.forEach(NodeStream::cut);
  }

  @Test
  void nodeThatHasAsManyStreamsAsOneMay_leavesRoomToOthers_andToOtherServices() throws Exception {
    HostPort node = freeAddress();
    opened.add(NodeStreams.open(node, ClusterTls.of(KEY, "server", id("server")), Map.of("echo", ECHO, "more", ECHO), 4, 3,
        greeting, Duration.ofSeconds(60)));
    NodeStreams client = client();
    NodeStreams other = open(freeAddress(), KEY, "other", Map.of());
    List<NodeStream> held = new ArrayList<>();
    for (int i = 0; i < 3; i++) {
      held.add(client.connect(node, "echo", SOON));
    }

    assertThrows(NodeStreams.BusyException.class, () -> client.connect(node, "echo", SOON));
    held.add(other.connect(node, "echo", SOON));
    assertThrows(NodeStreams.BusyException.class, () -> other.connect(node, "echo", SOON));
    held.add(other.connect(node, "more", SOON));
    held.add(client.connect(node, "more", SOON));
    held.forEach(NodeStream::cut);
    await().atMost(SOON).ignoreExceptions().until(() -> {
      assertEchoes(other, node);
      return true;
    });
  }

  @Test
  void readTimeout_endsARead_andClosingEndsWhatWaits_atBothSides() throws Exception {
    CompletableFuture<IOException> interrupted = new CompletableFuture<>();
    HostPort node = node("server", Map.of("wait", (peer, stream) -> {
      try {
        stream.in().read();
        interrupted.complete(null);
      } catch (IOException e) {
        interrupted.complete(e);
      }
    }));
    NodeStreams client = client();
    NodeStream stream = client.connect(node, "wait", SOON);
    stream.readTimeout(Duration.ofMillis(50));
    assertThrows(SocketTimeoutException.class, () -> stream.in().read());

    stream.readTimeout(SOON.multipliedBy(2));
    CountDownLatch reads = new CountDownLatch(1);
    Thread reader = Thread.ofVirtual().start(() -> {
      reads.countDown();
      try {
        stream.in().read();
      } catch (IOException e) {
        // which is one of the ways to end
      }
    });
    reads.await();
    stream.close();

    assertTrue(reader.join(SOON));
    interrupted.get(SOON.toSeconds(), TimeUnit.SECONDS);
  }

  @Test
  void streamThatNobodyReads_isCutOff_byItself_orByWhoeverClosesIt_withoutWaiting() throws Exception {
    CountDownLatch end = new CountDownLatch(1);
    HostPort node = node("server", Map.of("deaf", (peer, stream) -> {
      try {
        end.await();
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
    }));
    NodeStream stream = client().connect(node, "deaf", SOON);
    CompletableFuture<IOException> closed = writeUntilItFails(stream);
    await().atMost(SOON).until(() -> stream.isStuck(System.nanoTime(), Duration.ofMillis(300)));
    stream.close();
    closed.get(SOON.toSeconds(), TimeUnit.SECONDS);

    NodeStreams impatient = NodeStreams.open(
        freeAddress(), ClusterTls.of(KEY, "impatient", id("impatient")), Map.of(), 4, 4, greeting, Duration.ofMillis(300));
    opened.add(impatient);
    writeUntilItFails(impatient.connect(node, "deaf", SOON)).get(SOON.toSeconds(), TimeUnit.SECONDS);
    end.countDown();
  }

  private static CompletableFuture<IOException> writeUntilItFails(NodeStream stream) {
    CompletableFuture<IOException> failed = new CompletableFuture<>();
    Thread.ofVirtual().start(() -> {
      try {
        while (true) {
          stream.out().write(new byte[1 << 16]);
        }
      } catch (IOException e) {
        failed.complete(e);
      }
    });
    return failed;
  }

  @Test
  void nodeThatDoesNotAnswer_isGivenUp_inTime() throws Exception {
    try (ServerSocket silent = new ServerSocket(0, 10, InetAddress.getLoopbackAddress())) {
      HostPort node = new HostPort("127.0.0.1", silent.getLocalPort() - NodeStreams.OFFSET);
      SocketTimeoutException late = assertThrows(
          SocketTimeoutException.class, () -> client().connect(node, "echo", Duration.ofMillis(300)));
      assertTrue(late.getMessage().contains("did not answer within 300 ms"), late.getMessage());
    }
  }

  @Test
  void closing_givesThePortBack_andEndsAllStreams() throws Exception {
    HostPort address = freeAddress();
    NodeStreams server = open(address, KEY, "server", Map.of("echo", ECHO));
    NodeStreams client = client();
    NodeStream stream = client.connect(address, "echo", SOON);

    server.close();

    assertEquals(-1, readOrEnd(stream));
    assertThrows(IOException.class, () -> client.connect(address, "echo", SOON));
    NodeStreams again = open(address, KEY, "server", Map.of("echo", ECHO));
    assertEchoes(client, address);
    client.close();
    assertThrows(IOException.class, () -> client.connect(address, "echo", SOON));
    again.close();
  }

  private static int readOrEnd(NodeStream stream) {
    try {
      return stream.in().read();
    } catch (IOException e) {
      return -1;
    }
  }

  @Test
  void portThatIsTaken_isNamed_withWhatToDo() throws Exception {
    HostPort address = freeAddress();
    try (ServerSocket taken = new ServerSocket()) {
      taken.bind(new InetSocketAddress("127.0.0.1", address.port() + NodeStreams.OFFSET));

      IOException refused = assertThrows(IOException.class, () -> open(address, KEY, "server", Map.of()));

      assertTrue(refused.getMessage().contains(address.withPort(address.port() + 2) + ", cannot be opened")
          && refused.getMessage().contains("flotilla.bind"), refused.getMessage());
    }
  }

  @Test
  void serverShowsItsCertificate_andNoOtherAuthority() throws Exception {
    HostPort node = node("server", Map.of());
    SSLSocket socket = secured(node, ClusterTls.of(KEY, "client", id("client")).context());
    socket.startHandshake();

    X509Certificate shown = (X509Certificate) socket.getSession().getPeerCertificates()[0];

    assertEquals("CN=server", shown.getSubjectX500Principal().getName());
    assertEquals("urn:uuid:" + id("server"), shown.getSubjectAlternativeNames().iterator().next().get(1));
    assertEquals("TLS_AES_128_GCM_SHA256", socket.getSession().getCipherSuite());
  }
}
