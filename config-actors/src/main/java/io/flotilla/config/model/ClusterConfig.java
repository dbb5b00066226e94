package io.flotilla.config.model;

import io.flotilla.config.event.ConfigChanged;
import io.flotilla.config.event.EntityChange;
import io.flotilla.config.event.StoredDocument;
import java.util.Collection;
import java.util.Objects;
import java.util.Optional;
import java.util.SortedMap;
import org.pcollections.TreePMap;

/**
 * The configuration at one version: immutable, shared freely between threads. Its entities are in a persistent tree, so
 * the next version costs as much as the change touches, whatever the number of entities. The only way from one version
 * to the next is {@link #apply}.
 */
public final class ClusterConfig {
  public static final ClusterConfig EMPTY = new ClusterConfig(0, ConfigDigest.EMPTY, TreePMap.empty());

  private final long version;
  private final ConfigDigest digest;
  private final TreePMap<EntityKey, StoredEntity> entities;
  /** Made when first asked for; which thread makes it is no matter. */
  private volatile AccessRules accessRules;

  private ClusterConfig(long version, ConfigDigest digest, TreePMap<EntityKey, StoredEntity> entities) {
    this.version = version;
    this.digest = digest;
    this.entities = entities;
  }

  /** Builds a version from a snapshot's documents. */
  public static ClusterConfig of(long version, Collection<StoredDocument> documents, EntityCodec codec) {
    TreePMap<EntityKey, StoredEntity> entities = TreePMap.empty();
    ConfigDigest digest = ConfigDigest.EMPTY;
    for (StoredDocument document : documents) {
      StoredEntity entity = codec.read(document);
      entities = entities.plus(entity.key(), entity);
      digest = digest.plus(entity.digest());
    }
    return new ClusterConfig(version, digest, entities);
  }

  /** The next version; IllegalStateException if the change does not follow this version. */
  public ClusterConfig apply(ConfigChanged changed, EntityCodec codec) {
    if (changed.previous() != version) {
      throw new IllegalStateException(
          "change " + changed.version() + " does not follow configuration version " + version);
    }
    return with(changed.version(), changed.changes(), codec);
  }

  /** The version before a change; IllegalStateException if the change did not lead to this version. */
  public ClusterConfig undo(ConfigChanged changed, EntityCodec codec) {
    if (changed.version() != version) {
      throw new IllegalStateException(
          "change " + changed.version() + " did not lead to configuration version " + version);
    }
    return before(changed.previous(), changed.changes(), codec);
  }

  /**
   * An earlier version, with the entities as they were before some changes.
   *
   * @param changes the first change after that version of every entity that was changed since
   */
  public ClusterConfig before(long earlier, Collection<EntityChange> changes, EntityCodec codec) {
    TreePMap<EntityKey, StoredEntity> past = entities;
    ConfigDigest pastDigest = digest;
    for (EntityChange change : changes) {
      EntityKey key = new EntityKey(change.kind(), change.name());
      StoredEntity present = past.get(key);
      if (present != null) {
        pastDigest = pastDigest.minus(present.digest());
      }
      if (change.before() == null) {
        past = past.minus(key);
      } else {
        StoredEntity before = codec.read(key, change.beforeVersion(), change.before());
        pastDigest = pastDigest.plus(before.digest());
        past = past.plus(key, before);
      }
    }
    return new ClusterConfig(earlier, pastDigest, past);
  }

  ClusterConfig with(long newVersion, Collection<EntityChange> changes, EntityCodec codec) {
    TreePMap<EntityKey, StoredEntity> next = entities;
    ConfigDigest nextDigest = digest;
    for (EntityChange change : changes) {
      EntityKey key = new EntityKey(change.kind(), change.name());
      StoredEntity before = next.get(key);
      if (before != null) {
        nextDigest = nextDigest.minus(before.digest());
      }
      if (change.after() == null) {
        next = next.minus(key);
      } else {
        StoredEntity after = codec.read(key, newVersion, change.after());
        nextDigest = nextDigest.plus(after.digest());
        next = next.plus(key, after);
      }
    }
    return new ClusterConfig(newVersion, nextDigest, next);
  }

  public long version() {
    return version;
  }

  public ConfigDigest digest() {
    return digest;
  }

  public Optional<StoredEntity> stored(EntityKey key) {
    return Optional.ofNullable(entities.get(key));
  }

  public <T extends Entity> Optional<T> find(Kind kind, String name, Class<T> type) {
    return stored(EntityKey.of(kind, name)).map(StoredEntity::entity).map(type::cast);
  }

  /** All entities in order of kind and name. */
  public SortedMap<EntityKey, StoredEntity> entities() {
    return entities;
  }

  /** The entities of one kind in order of name, those after a name if one is given. */
  public Collection<StoredEntity> ofKind(String kind, String after) {
    return entities.subMap(
        new EntityKey(kind, after.isEmpty() ? "" : after + "\0"), new EntityKey(kind + "\0", "")).values();
  }

  public Collection<StoredEntity> ofKind(Kind kind) {
    return ofKind(kind.id(), "");
  }

  /** Which clients may connect at all. */
  public AccessRules accessRules() {
    AccessRules rules = accessRules;
    if (rules == null) {
      rules = new AccessRules(ofKind(Kind.ACCESS_RULES).stream().map(stored -> (AccessRule) stored.entity()).toList());
      accessRules = rules;
    }
    return rules;
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof ClusterConfig that && version == that.version && digest.equals(that.digest)
        && entities.size() == that.entities.size();
  }

  @Override
  public int hashCode() {
    return Objects.hash(version, digest);
  }

  @Override
  public String toString() {
    return "configuration version " + version + " (" + entities.size() + " entities, digest "
        + digest.toString().substring(0, 12) + ")";
  }
}
