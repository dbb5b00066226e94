package io.flotilla.node.cluster;

import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.typesafe.config.ConfigFactory;
import io.flotilla.config.model.ClusterKey;
import io.flotilla.node.DataDirectory;
import io.flotilla.node.NodeSettings;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The only voter of a cluster, on loopback. */
@Timeout(120)
class RaftMembershipTest {
  private static final Duration PATIENCE = Duration.ofSeconds(30);

  @TempDir private Path directory;
  private final ClusterKey key = ClusterKey.generate();
  private final AtomicReference<NodeAnswer> answer = new AtomicReference<>(NodeAnswer.none("node-1", key.id()));

  private NodeSettings settings() throws IOException {
    try (ServerSocket free = new ServerSocket(0, 1, InetAddress.getByName("127.0.0.1"))) {
      return NodeSettings.read(Optional.empty(), ConfigFactory.parseMap(Map.of("flotilla.data-directory", directory.toString(),
          "flotilla.raft.port", free.getLocalPort())), true, Optional.empty());
    }
  }

  private RaftMembership open(NodeSettings settings, DataDirectory data) throws Exception {
    return (RaftMembership) assertInstanceOf(ClusterRegistry.Opened.class, RaftMembership.open(settings, data, key, Optional.empty(), answer)).registry();
  }

  @Test
  void onlyVoter_whoseJournalIsFoundDamagedWhileItRuns_isToldToBeLost() throws Exception {
    NodeSettings settings = settings();
    try (DataDirectory data = DataDirectory.open(directory)) {
      RaftMembership membership = open(settings, data);
      try {
        assertTrue(membership.enter(Optional.empty()));
        // As after a failure of its disk.
        membership.voter().orElseThrow().close();
        damageLog();

        assertTrue(membership.tend());

        assertTrue(membership.over().orElse("").contains("this node was the only voter"), membership.over()::toString);
      } finally {
        membership.close();
      }
      ClusterRegistry.NobodyThere nobody =
          assertInstanceOf(ClusterRegistry.NobodyThere.class, RaftMembership.open(settings, data, key, Optional.empty(), answer));
      assertTrue(nobody.loss().orElse("").contains("this node was the only voter"), nobody::toString);
    }
  }

  @Test
  void openingThatFails_leavesTheVoterClosed_soThatTheNextMaySucceed() throws Exception {
    NodeSettings settings = settings();
    Path inTheWay = directory.resolve("cluster-id.next").resolve("in the way");
    try (DataDirectory data = DataDirectory.open(directory)) {
      Files.createDirectories(inTheWay);
      assertThrows(IOException.class, () -> RaftMembership.open(settings, data, key, Optional.empty(), answer));
      assertTrue(Files.exists(directory.resolve("raft")), "it fails after the voter was opened");
      Files.delete(inTheWay);

      open(settings, data).close();
      assertTrue(data.clusterId().isPresent());
    }
  }

  @Test
  void onlyVoter_thatStoppedAndIsWhole_goesOn() throws Exception {
    NodeSettings settings = settings();
    try (DataDirectory data = DataDirectory.open(directory)) {
      RaftMembership membership = open(settings, data);
      try {
        assertTrue(membership.enter(Optional.empty()));
        membership.voter().orElseThrow().close();

        assertTrue(membership.tend());

        assertEquals(Optional.empty(), membership.over());
        await().atMost(PATIENCE).until(membership::isLeader);
        assertEquals(1, membership.entries().size());
      } finally {
        membership.close();
      }
    }
  }

  private void damageLog() throws IOException {
    try (Stream<Path> files = Files.walk(directory.resolve("raft"))) {
      Path log = files.filter(file -> file.getFileName().toString().startsWith("log_")).findFirst().orElseThrow();
      try (RandomAccessFile file = new RandomAccessFile(log.toFile(), "rw")) {
        file.seek(40);
        file.write(new byte[40]);
      }
    }
  }
}
