package io.flotilla.config.cluster;

import static io.flotilla.config.model.ConfigExamples.CODEC;
import static io.flotilla.config.model.ConfigExamples.delete;
import static io.flotilla.config.model.ConfigExamples.event;
import static io.flotilla.config.model.ConfigExamples.put;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.flotilla.config.event.ChangeLookup;
import io.flotilla.config.event.ConfigChanged;
import io.flotilla.config.model.ClusterConfig;
import io.flotilla.config.model.ConfigDelta;
import io.flotilla.config.model.ConfigExamples;
import io.flotilla.config.model.Operation;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Map;
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

  @Test
  void snapshot_leavesAChangeOverTheHistoryBoundOut_butKnowsItsId() {
    String key = "ssh-ed25519 " + "AAAAC3NzaC1lZDI1NTE5".repeat(400);
    String user = "{\"publicKeys\":[\"%1$s a\",\"%1$s b\"]}".formatted(key);
    commit(put("storages", "main", "{\"path\":\"/srv\"}"));
    commit(IntStream.range(0, 1_100).mapToObj(i -> put("users", "u" + i, user)).toArray(Operation[]::new));
    assertTrue(state.history().containsKey(2L), "the newest change always stays");

    PrimaryState restored = PrimaryState.of(state.toSnapshot(), CODEC);

    assertEquals(state.config(), restored.config());
    assertTrue(restored.history().isEmpty());
    assertEquals(2, restored.versionOf("change-2"));
    assertEquals(1, restored.versionOf("change-1"));
  }

  @Test
  void history_pagesHoldWholeChanges_unlessOneIsLargerThanAPage() {
    String key = "ssh-ed25519 " + "AAAAC3NzaC1lZDI1NTE5".repeat(400);
    String user = "{\"publicKeys\":[\"%1$s a\",\"%1$s b\"]}".formatted(key);
    commit(put("storages", "main", "{\"path\":\"/srv\"}"));
    commit(put("users", "a", user), put("users", "b", user));
    commit(put("users", "c", user), put("users", "d", user), put("users", "e", user));
    commit(IntStream.range(0, 10).mapToObj(i -> put("users", "u" + i, user)).toArray(Operation[]::new));

    assertEquals(List.of(4L), versions(state.history(4, 20)), "it is larger than a page");
    assertTrue(state.history(4, 20).changes().getFirst().changes().size() < 10);
    assertEquals(List.of(3L), versions(state.history(3, 20)));
    assertEquals(3, state.history(3, 20).changes().getFirst().changes().size());
    assertEquals(List.of(2L, 1L), versions(state.history(2, 20)));
    assertEquals(List.of(2L), versions(state.history(2, 1)));
  }

  private static List<Long> versions(ConfigPrimary.History history) {
    return history.changes().stream().map(ConfigChanged::version).toList();
  }

  @Test
  void lookups_areKeptForADay_boundedInNumberAndBytes_andNeverLessThanHistory() {
    ChangeLookups lookups = ChangeLookups.EMPTY;
    long day = ChangeLookups.KEPT.toMillis();
    for (int version = 1; version <= ChangeLookups.MAX_BEYOND_HISTORY + 10; version++) {
      lookups = lookups.plus(new ChangeLookup("id-" + version, version, 0), Long.MAX_VALUE);
    }
    assertEquals(ChangeLookups.MAX_BEYOND_HISTORY, lookups.size());
    assertEquals(0, lookups.versionOf("id-10"));
    assertEquals(11, lookups.versionOf("id-11"));

    ChangeLookups later = lookups.plus(new ChangeLookup("later", 200_000, day + 1), 100_000);
    assertEquals(12, later.size(), "history holds eleven of those, and the new one");
    assertEquals(100_010, later.versionOf("id-100010"));
    assertEquals(0, later.versionOf("id-99999"));

    String longId = "x".repeat(1_000);
    ChangeLookups many = ChangeLookups.EMPTY;
    for (int version = 1; version <= 10_000; version++) {
      many = many.plus(new ChangeLookup(longId + version, version, 0), Long.MAX_VALUE);
    }
    assertTrue(many.bytes() <= ChangeLookups.MAX_BYTES);
    assertTrue(many.size() > 8_000, "as many as fit");
  }

  @Test
  void lookups_ofAnIdThatIsUsedAgain_nameTheNewerChange() {
    ChangeLookups lookups = ChangeLookups.EMPTY.plus(new ChangeLookup("id", 1, 0), 1)
        .plus(new ChangeLookup("id", 2, 1), 1)
        .plus(new ChangeLookup("other", 3, ChangeLookups.KEPT.toMillis() + 1), 2);

    assertEquals(2, lookups.versionOf("id"));
    assertEquals(2, lookups.size());
  }

  /** Versions 3 to 99 were never committed here; 3 to 7 of them perhaps in the former lineage, whose 3 was still known. */
  @Test
  void versionsThatALineageSkipped_areNone_andWhoeverHasOneHearsWhatWasKept() {
    commit(put("storages", "main", "{\"path\":\"/srv\"}"));
    commit(put("users", "ann", "{}"));
    ConfigChanged begun = new ConfigChanged(100, "lineage", Instant.EPOCH, ConfigExamples.AUTHOR, "", List.of(),
        state.config().digest().toString(), new ConfigChanged.LineageBegun(2, 3), Map.of());
    state = state.apply(begun, CODEC);
    state = state.apply(event(state.config(), List.of(put("users", "bob", "{}"))), CODEC);

    for (PrimaryState either : List.of(state, PrimaryState.of(state.toSnapshot(), CODEC))) {
      assertEquals(101, either.config().version());
      assertEquals(versions.get(2), either.configAt(2, CODEC).orElseThrow());
      assertEquals(Optional.empty(), either.configAt(3, CODEC));
      assertEquals(Optional.empty(), either.configAt(99, CODEC));
      assertEquals(versions.get(2).digest(), either.configAt(100, CODEC).orElseThrow().digest());
      assertEquals(List.of(100L, 101L), versionsSince(either, 2), "who was at the last version kept gets the changes");
      assertEquals(new ConfigPrimary.SnapshotNeeded(7, 101, 0), since(either, 3));
      assertEquals(new ConfigPrimary.SnapshotNeeded(7, 101, 3), since(either, 5));
      assertEquals(List.of(), versionsSince(either, 101));
      assertEquals(1, either.oldest());
    }
  }

  private static ConfigPrimary.ChangesReply since(PrimaryState of, long version) {
    return of.changesSince(7, new ConfigPrimary.FetchChanges(version, 0, null));
  }

  private static List<Long> versionsSince(PrimaryState of, long version) {
    return ((ConfigPrimary.Changes) since(of, version)).parts().stream().map(part -> part.change().version()).toList();
  }

  private void commit(Operation... operations) {
    state = state.apply(event(state.config(), List.of(operations)), CODEC);
    versions.add(state.config());
  }
}
