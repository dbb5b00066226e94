package io.flotilla.config.view;

import static io.flotilla.config.model.ConfigExamples.CODEC;
import static io.flotilla.config.model.ConfigExamples.event;
import static io.flotilla.config.model.ConfigExamples.initial;
import static io.flotilla.config.model.ConfigExamples.put;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.flotilla.config.event.ConfigChanged;
import io.flotilla.config.model.ClusterConfig;
import io.flotilla.config.model.ConfigDelta;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class BootCacheTest {
  @TempDir private Path directory;
  private Path file;

  @BeforeEach
  void name() {
    file = directory.resolve("boot-cache");
  }

  @Test
  void load_withoutFile_isEmpty() throws IOException {
    assertTrue(new BootCache(file, CODEC).load().isEmpty());
  }

  @Test
  void load_snapshotAndChanges_givesTheLastVersion() throws IOException {
    ClusterConfig last = storeWithUsers(20);

    assertEquals(last, new BootCache(file, CODEC).load().orElseThrow());
  }

  @Test
  void store_afterLoad_goesOnAppending() throws IOException {
    ClusterConfig config = storeWithUsers(3);
    try (BootCache cache = new BootCache(file, CODEC)) {
      config = step(cache, cache.load().orElseThrow(), "late");
    }

    assertEquals(config, new BootCache(file, CODEC).load().orElseThrow());
  }

  @Test
  void load_lastRecordCutShort_losesOnlyThatChange() throws IOException {
    ClusterConfig before = storeWithUsers(3);
    long size = Files.size(file);
    try (BootCache cache = new BootCache(file, CODEC)) {
      step(cache, cache.load().orElseThrow(), "late");
    }
    byte[] bytes = Files.readAllBytes(file);
    Files.write(file, java.util.Arrays.copyOf(bytes, (int) (size + (bytes.length - size) / 2)));

    try (BootCache cache = new BootCache(file, CODEC)) {
      ClusterConfig loaded = cache.load().orElseThrow();
      assertEquals(before, loaded);
      step(cache, loaded, "again");
    }
    assertEquals(before.version() + 1, new BootCache(file, CODEC).load().orElseThrow().version());
  }

  @Test
  void load_anyByteFlipped_setsTheFileAsideOrIsStillRight() throws IOException {
    ClusterConfig whole = storeWithUsers(5);
    byte[] good = Files.readAllBytes(file);
    for (int i = 0; i < good.length; i += 7) {
      byte[] bad = good.clone();
      bad[i] ^= 0x10;
      Files.write(file, bad);
      Optional<ClusterConfig> loaded = new BootCache(file, CODEC).load();
      // A length field of the last record may make it look cut short; nothing else may load.
      loaded.ifPresent(config -> assertTrue(config.version() < whole.version(), "a flipped byte went unseen"));
      assertEquals(loaded.isPresent(), Files.exists(file));
    }
  }

  @Test
  void load_damaged_keepsTheFileForLookingAt() throws IOException {
    storeWithUsers(1);
    Files.writeString(file, "not a cache");

    assertTrue(new BootCache(file, CODEC).load().isEmpty());
    assertFalse(Files.exists(file));
    assertEquals("not a cache", Files.readString(directory.resolve("boot-cache.damaged")));
  }

  private ClusterConfig storeWithUsers(int users) throws IOException {
    ClusterConfig config = initial();
    try (BootCache cache = new BootCache(file, CODEC)) {
      cache.store(ConfigDelta.between(ClusterConfig.EMPTY, config), Optional.empty());
      for (int i = 0; i < users; i++) {
        config = step(cache, config, "user-" + i);
      }
    }
    return config;
  }

  private static ClusterConfig step(BootCache cache, ClusterConfig config, String user) throws IOException {
    ConfigChanged change = event(config, List.of(put("users", user, "{}")));
    ClusterConfig next = config.apply(change, CODEC);
    cache.store(ConfigDelta.of(config, next, change), Optional.of(change));
    return next;
  }
}
