package io.flotilla.node;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.flotilla.config.cluster.ConfigClient;
import io.flotilla.config.event.StoredDocument;
import io.flotilla.config.model.ClusterConfig;
import io.flotilla.config.model.ClusterKey;
import io.flotilla.config.model.ConfigDelta;
import io.flotilla.config.model.EntityCodec;
import io.flotilla.config.model.Kind;
import io.flotilla.config.model.SecretSealer;
import io.flotilla.config.view.BootCache;
import io.flotilla.config.view.LiveConfig;
import io.flotilla.config.view.NodeIdentity;
import io.flotilla.config.view.ReplicaStatus;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class StalenessTest {
  @TempDir private Path directory;
  private final EntityCodec codec = new EntityCodec(new SecretSealer(ClusterKey.generate()));
  private final ConfigClient client = new ConfigClient();
  private long now = 1;
  private LiveConfig live;
  private Staleness staleness;

  @BeforeEach
  void start() throws IOException {
    live = new LiveConfig(new NodeIdentity(UUID.randomUUID(), "node-1", "127.0.0.1", Set.of(NodeIdentity.GATEWAY)),
        new BootCache(directory.resolve("boot-cache"), codec));
    staleness = new Staleness(live, client, () -> now);
  }

  @AfterEach
  void stop() throws IOException {
    live.close();
  }

  private void policy(String json) {
    ClusterConfig after = ClusterConfig.of(1, List.of(new StoredDocument(Kind.POLICIES.id(), "health", 1, json.getBytes(UTF_8))), codec);
    live.swap(ConfigDelta.between(live.view().config(), after), Optional.empty());
  }

  private void heard(long epoch, long head) {
    client.heard(new ReplicaStatus(epoch, head, System.nanoTime(), false));
  }

  private void after(Duration time) {
    now += time.toNanos();
    staleness.look();
  }

  @Test
  void nothingCounts_byDefault() {
    policy("{}");
    after(Duration.ofHours(1));
    heard(7, 9);
    after(Duration.ofHours(1));
    assertEquals(List.of(), staleness.reasons());
  }

  @Test
  void nodeThatHearsNoPrimary_isTooStale_afterItsTime_andNotWhenItHearsOneAgain() {
    policy("{\"isolatedAfter\":\"30s\"}");
    heard(7, 1);
    after(Duration.ofMinutes(5));
    assertEquals(List.of(), staleness.reasons(), "it heard one right now");
    client.detach();
    after(Duration.ofSeconds(29));
    assertEquals(List.of(), staleness.reasons());
    after(Duration.ofSeconds(2));
    assertEquals(List.of("it has heard no primary for 31 s, and policies/health has isolatedAfter 30s"), staleness.reasons());
    heard(7, 1);
    after(Duration.ofSeconds(1));
    assertEquals(List.of(), staleness.reasons());
  }

  @Test
  void nodeThatIsBehind_isTooStale_afterItsTime_andAlsoWhenItHasLostThePrimarySince() {
    policy("{\"maxBehind\":\"10s\"}");
    heard(7, 2);
    after(Duration.ofSeconds(1));
    after(Duration.ofSeconds(9));
    assertEquals(List.of(), staleness.reasons());
    client.detach();
    after(Duration.ofSeconds(2));
    assertEquals(1, staleness.reasons().size());
    assertTrue(staleness.reasons().getFirst().contains("version 1 for 11 s"), staleness.reasons().toString());
    heard(8, 1);
    after(Duration.ofSeconds(1));
    assertEquals(List.of(), staleness.reasons());
  }
}
