package io.flotilla.config.model;

import static io.flotilla.config.model.ConfigExamples.CODEC;
import static io.flotilla.config.model.ConfigExamples.commit;
import static io.flotilla.config.model.ConfigExamples.delete;
import static io.flotilla.config.model.ConfigExamples.event;
import static io.flotilla.config.model.ConfigExamples.initial;
import static io.flotilla.config.model.ConfigExamples.put;
import static org.junit.jupiter.api.Assertions.assertEquals;

import io.flotilla.config.event.ConfigChanged;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.Size;

class ClusterConfigProperties {

  @Property(tries = 200)
  void digest_addedAndSubtracted_isAsBefore(
      @ForAll long a, @ForAll long b, @ForAll long c, @ForAll long d, @ForAll long e) {
    ConfigDigest base = new ConfigDigest(a, b, c, d);
    ConfigDigest other = new ConfigDigest(e, d, b, a);

    assertEquals(base, base.plus(other).minus(other));
    assertEquals(base.plus(other), other.plus(base));
    assertEquals(ConfigDigest.EMPTY, base.minus(base));
  }

  @Property(tries = 100)
  void digest_byChanges_equalsDigestOfTheWhole(@ForAll @Size(max = 40) List<@IntRange(min = 0, max = 15) Integer> steps) {
    ClusterConfig config = evolve(initial(), steps);

    ClusterConfig rebuilt = ClusterConfig.of(config.version(),
        config.entities().values().stream().map(StoredEntity::toDocument).toList(), CODEC);

    assertEquals(rebuilt.digest(), config.digest());
    assertEquals(rebuilt, config);
  }

  @Property(tries = 100)
  void delta_namesExactlyWhatDiffers(
      @ForAll @Size(max = 20) List<@IntRange(min = 0, max = 15) Integer> first,
      @ForAll @Size(max = 20) List<@IntRange(min = 0, max = 15) Integer> second) {
    ClusterConfig from = evolve(initial(), first);
    ClusterConfig to = evolve(initial(), second);
    Set<EntityKey> expected = java.util.stream.Stream.concat(
            from.entities().keySet().stream(), to.entities().keySet().stream())
        .filter(key -> !from.stored(key).isPresent() || !to.stored(key).isPresent()
            || !from.stored(key).get().isSameAs(to.stored(key).get()))
        .collect(Collectors.toSet());

    assertEquals(expected, ConfigDelta.between(from, to).changed());
  }

  @Property(tries = 100)
  void undo_afterApply_isTheVersionBefore_withDigestAndEntityVersions(
      @ForAll @Size(max = 20) List<@IntRange(min = 0, max = 15) Integer> steps,
      @ForAll @Size(min = 1, max = 20) List<@IntRange(min = 0, max = 15) Integer> more) {
    ClusterConfig start = evolve(initial(), steps);
    List<ConfigChanged> events = new ArrayList<>();
    ClusterConfig end = start;
    for (int step : more) {
      ConfigChanged event = event(end, List.of(step(end, step)));
      assertSame(end, end.apply(event, CODEC).undo(event, CODEC));
      events.add(event);
      end = end.apply(event, CODEC);
    }

    for (ConfigChanged event : events.reversed()) {
      end = end.undo(event, CODEC);
    }

    assertSame(start, end);
  }

  private static void assertSame(ClusterConfig expected, ClusterConfig actual) {
    assertEquals(expected, actual);
    assertEquals(Set.of(), ConfigDelta.between(expected, actual).changed());
    assertEquals(expected.digest(), ClusterConfig.of(actual.version(),
        actual.entities().values().stream().map(StoredEntity::toDocument).toList(), CODEC).digest());
  }

  /** Each number toggles a user, or changes it. */
  private static ClusterConfig evolve(ClusterConfig start, List<Integer> steps) {
    ClusterConfig config = start;
    for (int step : new ArrayList<>(steps)) {
      config = commit(config, List.of(step(config, step)));
    }
    return config;
  }

  private static Operation step(ClusterConfig config, int step) {
    String name = "user-" + step / 2;
    boolean exists = config.stored(EntityKey.of(Kind.USERS, name)).isPresent();
    return exists && step % 2 == 0
        ? delete("users", name) : put("users", name, "{\"enabled\":" + (step % 2 == 0) + "}");
  }
}
