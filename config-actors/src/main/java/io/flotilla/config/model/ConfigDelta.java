package io.flotilla.config.model;

import io.flotilla.config.event.ConfigChanged;
import io.flotilla.config.event.EntityChange;
import java.util.Arrays;
import java.util.Collection;
import java.util.Iterator;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;

/** Which entities differ between two configurations. */
public record ConfigDelta(ClusterConfig from, ClusterConfig to, Set<EntityKey> changed) {
  public ConfigDelta {
    changed = Set.copyOf(changed);
  }

  /** The delta of one committed change, at the change's own cost. */
  public static ConfigDelta of(ClusterConfig from, ClusterConfig to, ConfigChanged event) {
    return new ConfigDelta(from, to, event.changes().stream()
        .map(change -> new EntityKey(change.kind(), change.name())).collect(Collectors.toSet()));
  }

  /** The delta of changes that are not made yet. */
  public static ConfigDelta preview(ClusterConfig from, Collection<EntityChange> changes, EntityCodec codec) {
    return new ConfigDelta(from, from.with(from.version() + 1, changes, codec), changes.stream()
        .map(change -> new EntityKey(change.kind(), change.name())).collect(Collectors.toSet()));
  }

  /** The delta between any two configurations, by walking both. */
  public static ConfigDelta between(ClusterConfig from, ClusterConfig to) {
    Set<EntityKey> changed = new TreeSet<>();
    Iterator<StoredEntity> old = from.entities().values().iterator();
    StoredEntity before = next(old);
    for (StoredEntity after : to.entities().values()) {
      while (before != null && before.key().compareTo(after.key()) < 0) {
        changed.add(before.key());
        before = next(old);
      }
      if (before != null && before.key().equals(after.key())) {
        if (!before.isSameAs(after)) {
          changed.add(after.key());
        }
        before = next(old);
      } else {
        changed.add(after.key());
      }
    }
    while (before != null) {
      changed.add(before.key());
      before = next(old);
    }
    return new ConfigDelta(from, to, changed);
  }

  public static ConfigDelta none(ClusterConfig config) {
    return new ConfigDelta(config, config, Set.of());
  }

  public boolean touches(Kind... kinds) {
    return changed.stream().anyMatch(key -> Arrays.stream(kinds).anyMatch(kind -> key.kind().equals(kind.id())));
  }

  /** The names of the changed entities of one kind. */
  public Set<String> names(Kind kind) {
    return changed.stream().filter(key -> key.kind().equals(kind.id())).map(EntityKey::name)
        .collect(Collectors.toUnmodifiableSet());
  }

  private static StoredEntity next(Iterator<StoredEntity> entities) {
    return entities.hasNext() ? entities.next() : null;
  }
}
