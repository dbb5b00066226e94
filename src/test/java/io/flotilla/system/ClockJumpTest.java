package io.flotilla.system;

import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The time of day jumps by hours, in both directions, on running nodes; nothing that matters may depend on it. */
@Tag("long")
class ClockJumpTest {
  private static final OpenSsh.Password PASSWORD = new OpenSsh.Password("a good password");

  @TempDir private Path directory;

  @Test
  void clockJumps_changeNothingButTheTimesInHistory() throws Exception {
    assumeTrue(FakeClock.at(directory).isPresent(), "libfaketime is not installed");
    OpenSsh ssh = new OpenSsh(directory);
    try (TestCluster cluster = TestCluster.start(directory.resolve("cluster"), 3)) {
      cluster.api(1).put("/api/v1/config/users/alice?wait=applied", "{\"password\":\"a good password\"}").expect(201);
      for (int k = 1; k <= 3; k++) {
        jump(k, "+0");
        assertEquals(0, cluster.node(k).stop());
        cluster.startNode(k, cluster.host(k), clock(k).prefix(), List.of());
        cluster.awaitConverged();
      }
      int primary = cluster.primary(1);
      int other = primary % 3 + 1;
      long epoch = cluster.api(1).get("/api/v1/cluster").body().path("epoch").asLong();

      for (String offset : List.of("+7h", "-9h", "+0")) {
        jump(primary, offset);
        jump(other, offset.startsWith("+") ? "-3h" : "+3h");
        awaitClock(cluster, primary, offset);
        for (int i = 0; i < 20; i++) {
          int status = cluster.api(i % 3 + 1)
              .put("/api/v1/config/users/user-" + i, "{\"enabled\":" + offset.startsWith("+") + "}").status();
          assertEquals(2, status / 100, "a change was answered by " + status);
        }
        for (int k = 1; k <= 3; k++) {
          ssh.sftp("alice", PASSWORD, cluster.host(k), cluster.sftpPort(), "pwd\n").expectSuccess();
        }
        cluster.awaitConverged();
      }

      assertEquals(primary, cluster.primary(other), "nobody took the primary for dead");
      assertEquals(epoch, cluster.api(other).get("/api/v1/cluster").body().path("epoch").asLong());
      JsonNode history = cluster.api(other).get("/api/v1/config/history?limit=100").expect(200).body().path("changes");
      long version = history.path(0).path("version").asLong();
      for (JsonNode change : history) {
        assertEquals(version--, change.path("version").asLong());
      }
    }
  }

  /** Until a change carries the time that the node should believe in. */
  private void awaitClock(TestCluster cluster, int primary, String offset) {
    long hours = offset.equals("+0") ? 0 : Long.parseLong(offset.replace("h", ""));
    await().atMost(TestCluster.SOON).untilAsserted(() -> {
      long version = cluster.api(primary).put("/api/v1/config/users/clock", "{}").body().path("version").asLong();
      assertTrue(version > 0);
      String at = cluster.api(primary).get("/api/v1/config/history?limit=1").body().path("changes").path(0).path("at").asText();
      Duration off = Duration.between(Instant.now().plus(Duration.ofHours(hours)), Instant.parse(at)).abs();
      assertTrue(off.compareTo(Duration.ofMinutes(30)) < 0, at);
    });
  }

  private FakeClock clock(int k) throws IOException {
    return FakeClock.at(directory.resolve("clock-" + k)).orElseThrow();
  }

  private void jump(int k, String offset) throws IOException {
    clock(k).jump(offset);
  }
}
