package io.flotilla.journal.raft;

import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.flotilla.config.model.ClusterKey;
import io.flotilla.tls.ClusterTls;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.apache.ratis.thirdparty.io.netty.handler.ssl.util.InsecureTrustManagerFactory;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RaftTlsTest {
  private static final Duration PATIENCE = Duration.ofSeconds(180);
  private static final ClusterKey KEY = ClusterKey.generate();
  /** How a ClientHello begins of which no more comes. */
  private static final byte[] HALF_HELLO = {0x16, 3, 1, 0x40, 0, 1, 0, 0x3f, (byte) 0xfc, 3, 3};

  @TempDir private Path directory;
  private final UUID cluster = UUID.randomUUID();
  private final List<AutoCloseable> opened = new ArrayList<>();

  @AfterEach
  void close() throws Exception {
    for (AutoCloseable one : opened.reversed()) {
      one.close();
    }
  }

  private static Optional<RaftTls> tls(ClusterKey key, String node) {
    ClusterTls tls = ClusterTls.of(key, node, UUID.randomUUID());
    return Optional.of(new RaftTls(tls.keyManagers()[0], tls.trustManager()));
  }

  private RaftSettings settings(String name, Optional<RaftTls> tls) {
    // Elections are not what is tried here; a busy machine must not cause any.
    return new RaftSettings(directory.resolve(name), "127.0.0.1", 0, "127.0.0.1", Duration.ofSeconds(3), Duration.ofSeconds(6),
        RaftSettings.SNAPSHOT_THRESHOLD, RaftSettings.SNAPSHOT_BYTES, tls);
  }

  private <T extends AutoCloseable> T keep(T one) {
    opened.add(one);
    return one;
  }

  private RaftQuorum remote(RaftVoter voter, Optional<RaftTls> tls) {
    return keep(new RaftQuorum(cluster, List.of(voter.self()),
        new QuorumSettings(Duration.ofSeconds(20), Duration.ofSeconds(5), 8).withTls(tls)));
  }

  private static JournalReply claim(RaftQuorum quorum) throws Exception {
    return quorum.submit(new JournalCommand.ClaimEpoch("p", UUID.randomUUID())).toCompletableFuture().get(60, TimeUnit.SECONDS);
  }

  private static Discovery discover(RaftVoter voter, Optional<RaftTls> tls) {
    String address = voter.self().address();
    return RaftQuorum.discover("127.0.0.1", Integer.parseInt(address.substring(address.lastIndexOf(':') + 1)), Duration.ofSeconds(10), tls);
  }

  @Test
  void votersOfOneKey_voteAndAreAsked_andNobodyElseIsHeard() throws Exception {
    RaftVoter first = keep(RaftVoter.found(settings("a", tls(KEY, "node-1")), cluster, LocalAnswer.NONE));
    RaftVoter second = keep(RaftVoter.join(settings("b", tls(KEY, "node-2")), cluster, LocalAnswer.NONE));
    // On a busy machine Ratis may give up the first time, as the leader that this node's VoterKeeper is would see.
    await().atMost(PATIENCE).ignoreExceptions().until(() -> {
      first.addVoter(second.self());
      return second.isAdmitted();
    });
    RaftQuorum client = remote(first, tls(KEY, "node-3"));

    assertInstanceOf(JournalReply.EpochClaimed.class, claim(client));
    await().atMost(PATIENCE).until(() -> client.voters().size() == 2);
    await().atMost(PATIENCE).until(() -> second.takeLeadership(Duration.ofSeconds(10)));
    assertInstanceOf(JournalReply.EpochClaimed.class, claim(client));
    RaftTls trusting = new RaftTls(ClusterTls.of(ClusterKey.generate(), "node-9", UUID.randomUUID()).keyManagers()[0],
        InsecureTrustManagerFactory.INSTANCE.getTrustManagers()[0]);
    List<RaftQuorum> strangers = List.of(
        remote(second, Optional.empty()), remote(second, tls(ClusterKey.generate(), "node-9")), remote(second, Optional.of(trusting)));
    // Each tries until its time is over, so all do at once.
    try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
      for (Future<JournalReply> claim : strangers.stream().map(stranger -> threads.submit(() -> claim(stranger))).toList()) {
        ExecutionException refused = assertInstanceOf(ExecutionException.class, assertThrows(ExecutionException.class, claim::get).getCause());
        assertInstanceOf(QuorumUnavailableException.class, refused.getCause(), "nothing was written");
      }
    }
  }

  @Test
  void whoeverListens_butSpeaksOtherwise_isNotTakenForNobody() throws Exception {
    RaftVoter voter = keep(RaftVoter.found(settings("a", tls(KEY, "node-1")), cluster, LocalAnswer.NONE));
    RaftVoter clear = keep(RaftVoter.found(settings("b", Optional.empty()), UUID.randomUUID(), LocalAnswer.NONE));
    ClusterKey other = ClusterKey.generate();

    assertEquals(cluster, assertInstanceOf(Discovery.Voter.class, discover(voter, tls(KEY, "node-2"))).clusterId());
    assertSilent(discover(voter, tls(other, "node-9")), "has the cluster key " + KEY.id() + ", and this one has " + other.id());
    assertSilent(discover(voter, Optional.empty()), "speaks TLS, and this node does not");
    assertSilent(discover(clear, tls(KEY, "node-2")), "isn't known by the cluster's TLS");
    assertInstanceOf(Discovery.Voter.class, discover(clear, Optional.empty()));
  }

  private static void assertSilent(Discovery found, String reason) {
    String told = assertInstanceOf(Discovery.Silent.class, found).reason();
    assertTrue(told.contains(reason), told);
  }

  @Test
  void anotherService_isNoVoter_inClear_andMayBeOne_underTls() throws Exception {
    try (ServerSocket other = new ServerSocket(0, 5, InetAddress.getByName("127.0.0.1"))) {
      Thread.ofVirtual().start(() -> {
        try {
          while (true) {
            try (Socket client = other.accept()) {
              client.getOutputStream().write("220 another service\r\n".getBytes(StandardCharsets.US_ASCII));
            }
          }
        } catch (IOException closed) {
          // The end of the test.
        }
      });

      assertInstanceOf(Discovery.Nothing.class,
          RaftQuorum.discover("127.0.0.1", other.getLocalPort(), Duration.ofSeconds(10), Optional.empty()));
      assertInstanceOf(Discovery.Silent.class,
          RaftQuorum.discover("127.0.0.1", other.getLocalPort(), Duration.ofSeconds(10), tls(KEY, "node-2")));
    }
  }

  private static Optional<RaftTls> tls(int maxStrangers, Duration patience) {
    ClusterTls tls = ClusterTls.of(KEY, "node-1", UUID.randomUUID());
    return Optional.of(new RaftTls(tls.keyManagers()[0], tls.trustManager(), maxStrangers, patience));
  }

  /** Connects as somebody who never ends a handshake. */
  private Socket stranger(RaftVoter voter, String from) throws IOException {
    String address = voter.self().address();
    Socket socket = keep(new Socket(InetAddress.getByName("127.0.0.1"), Integer.parseInt(address.substring(address.lastIndexOf(':') + 1)),
        InetAddress.getByName(from), 0));
    socket.getOutputStream().write(HALF_HELLO);
    return socket;
  }

  private static void assertEnds(Socket socket) throws IOException {
    socket.setSoTimeout(60_000);
    try {
      assertEquals(-1, socket.getInputStream().read());
    } catch (SocketTimeoutException e) {
      throw new AssertionError("it may stay", e);
    } catch (IOException reset) {
      // That is an end, too.
    }
  }

  @Test
  void whoShowsNoCertificate_takesPlacesFromItselfOnly_andNodesAreHeard() throws Exception {
    RaftVoter voter = keep(RaftVoter.found(settings("a", tls(20, Duration.ofMinutes(5))), cluster, LocalAnswer.NONE));
    Socket other = stranger(voter, "127.0.0.2");
    Socket first = stranger(voter, "127.0.0.1");
    for (int i = 0; i < 40; i++) {
      stranger(voter, "127.0.0.1");
    }

    assertEnds(first);
    other.setSoTimeout(1);
    assertThrows(SocketTimeoutException.class, () -> other.getInputStream().read(), "the oldest of all, but alone at its address");
    assertInstanceOf(Discovery.Voter.class, discover(voter, tls(KEY, "node-2")));
  }

  @Test
  void whoShowsNoCertificate_hasItsTime() throws Exception {
    RaftVoter voter = keep(RaftVoter.found(settings("a", tls(20, Duration.ofMillis(300))), cluster, LocalAnswer.NONE));
    long began = System.nanoTime();

    assertEnds(stranger(voter, "127.0.0.1"));
    assertTrue(System.nanoTime() - began < Duration.ofSeconds(9).toNanos(), "Netty alone gives it ten seconds");
  }

  @Test
  void serviceThatAnswersNoTlsInTime_mayBeAVoter() throws Exception {
    try (ServerSocket busy = new ServerSocket(0, 5, InetAddress.getByName("127.0.0.1"))) {
      Thread.ofVirtual().start(() -> {
        List<Socket> held = new ArrayList<>();
        try {
          while (true) {
            Socket client = busy.accept();
            held.add(client);
            if (client.getInputStream().read() == 'P') {
              client.close();
            }
          }
        } catch (IOException closed) {
          // The end of the test.
        }
      });

      assertSilent(RaftQuorum.discover("127.0.0.1", busy.getLocalPort(), Duration.ofSeconds(3), Optional.empty()),
          "doesn't say within 3000 ms whether it speaks TLS");
    }
  }
}
