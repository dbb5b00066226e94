package io.flotilla.config.cluster;

import static io.flotilla.config.model.ConfigExamples.CODEC;
import static io.flotilla.config.model.ConfigExamples.delete;
import static io.flotilla.config.model.ConfigExamples.event;
import static io.flotilla.config.model.ConfigExamples.put;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.flotilla.config.model.ClusterConfig;
import io.flotilla.config.model.ConfigDelta;
import io.flotilla.config.model.Operation;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class PrimaryStateTest {
  private final List<ClusterConfig> versions = new ArrayList<>(List.of(ClusterConfig.EMPTY));
  private PrimaryState state = PrimaryState.EMPTY;

  @Test
  void configAt_anyKeptVersion_isWhatItWas_alsoFromASnapshot() {
    commit(put("storages", "main", "{\"path\":\"/srv\"}"));
    commit(put("users", "ann", "{}"));
    commit(put("users", "ann", "{\"enabled\":false}"), put("users", "bob", "{}"));
    commit(delete("users", "ann"));
    commit(put("users", "ann", "{}"));

    for (PrimaryState either : List.of(state, PrimaryState.of(state.toSnapshot(), CODEC))) {
      for (int version = 1; version <= 5; version++) {
        ClusterConfig past = either.configAt(version, CODEC).orElseThrow();
        assertEquals(versions.get(version), past);
        assertEquals(Set.of(), ConfigDelta.between(versions.get(version), past).changed());
      }
    }
    assertEquals(1, state.oldest());
    assertEquals(Optional.empty(), state.configAt(0, CODEC));
    assertEquals(Optional.empty(), state.configAt(6, CODEC));
  }

  @Test
  void configAt_versionBeforeTheOldestChangeKept_isTheOldest() {
    commit(put("storages", "main", "{\"path\":\"/srv\"}"), put("policies", "history", "{\"changes\":2}"));
    commit(put("users", "ann", "{}"));
    commit(put("users", "bob", "{}"));
    commit(put("users", "carl", "{}"));

    assertEquals(2, state.oldest());
    assertEquals(versions.get(2), state.configAt(2, CODEC).orElseThrow());
    assertEquals(Optional.empty(), state.configAt(1, CODEC));
  }

  @Test
  void snapshot_besideALargeConfiguration_leavesTheLargeChangeOut_butNotTheConfiguration() {
    commit(put("storages", "main", "{\"path\":\"/srv\"}"));
    String key = "ssh-rsa " + Base64.getEncoder().encodeToString(
        ByteBuffer.allocate(6_011).putInt(7).put("ssh-rsa".getBytes(StandardCharsets.US_ASCII)).array());
    String user = "{\"publicKeys\":[" + "\"%s\",".repeat(6).formatted(key, key, key, key, key, key) + "\"" + key + "\"]}";
    commit(IntStream.range(0, 1_200).mapToObj(i -> put("users", "u" + i, user)).toArray(Operation[]::new));

    assertEquals(2, state.config().version());
    assertTrue(state.history().containsKey(2L));
    PrimaryState restored = PrimaryState.of(state.toSnapshot(), CODEC);
    assertEquals(state.config(), restored.config());
    assertTrue(restored.history().isEmpty());
    assertEquals(2, restored.oldest());
  }

  private void commit(Operation... operations) {
    state = state.apply(event(state.config(), List.of(operations)), CODEC);
    versions.add(state.config());
  }
}
