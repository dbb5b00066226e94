package io.flotilla.config.model;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.flotilla.config.event.EntityChange;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;

/**
 * Computes what a list of operations would change, or why it may not. It decides and touches nothing: the result becomes
 * an event, and only {@link ClusterConfig#apply} makes the next version.
 */
public final class ConfigEditor {
  /** The most operations one change may have: an import of many small entities. */
  public static final int MAX_OPERATIONS = 250_000;
  /**
   * The most bytes one change may have, before and after its entities together: the journal takes commands of up to 128 MiB.
   */
  public static final long MAX_CHANGE_BYTES = 112L << 20;

  private final EntityCodec codec;

  public ConfigEditor(EntityCodec codec) {
    this.codec = codec;
  }

  /** What came of the operations. */
  public sealed interface Result {}

  /** They may be committed; {@code config} is the configuration they lead to, the present one if there are none. */
  public record Edited(List<EntityChange> changes, ClusterConfig config) implements Result {}

  public record Refused(Refusal refusal) implements Result {}

  public Result edit(ClusterConfig config, List<Operation> operations) {
    return edit(config, operations, Operation.ANY);
  }

  /** @param expectedHead the version the configuration must be at; {@link Operation#ANY} or 0 is none in particular */
  public Result edit(ClusterConfig config, List<Operation> operations, long expectedHead) {
    if (expectedHead > 0 && expectedHead != config.version()) {
      return notAt(config, expectedHead);
    }
    if (operations.isEmpty() || operations.size() > MAX_OPERATIONS) {
      return new Refused(Refusal.of(
          Refusal.Reason.INVALID, "a change has from 1 to " + MAX_OPERATIONS + " operations, not " + operations.size()));
    }
    List<EntityChange> changes = new ArrayList<>(operations.size());
    List<FieldError> errors = new ArrayList<>();
    Set<EntityKey> touched = new HashSet<>();
    for (int i = 0; i < operations.size(); i++) {
      Operation operation = operations.get(i);
      String pointer = "/operations/" + i;
      Optional<StoredEntity> before = config.stored(operation.key());
      Optional<Refusal> refusal = touched.add(operation.key())
          ? precondition(operation, before)
          : Optional.of(Refusal.of(Refusal.Reason.INVALID, operation.key() + " is named twice in one change"));
      if (refusal.isPresent()) {
        return new Refused(refusal.get());
      }
      change(operation, before, pointer, errors).ifPresent(changes::add);
    }
    if (!errors.isEmpty()) {
      return new Refused(new Refusal(Refusal.Reason.INVALID, summary(errors), List.copyOf(errors)));
    }
    return checked(config, changes, operations);
  }

  private static Refused notAt(ClusterConfig config, long expectedHead) {
    return new Refused(Refusal.of(Refusal.Reason.STALE, "the configuration is at version " + config.version()
        + ", not at " + expectedHead + "; look at what changed and repeat the request"));
  }

  private Result checked(ClusterConfig config, List<EntityChange> changes, List<Operation> operations) {
    long bytes = changes.stream().mapToLong(EntityChange::size).sum();
    if (bytes > MAX_CHANGE_BYTES) {
      return new Refused(Refusal.of(Refusal.Reason.INVALID, "the change has " + bytes + " bytes, before and after together, and "
          + "one change may have " + MAX_CHANGE_BYTES + "; make it in several steps"));
    }
    ClusterConfig next = config.with(config.version() + 1, changes, codec);
    Optional<Refusal> broken = ConfigRules.check(config, next, operations);
    return broken.isPresent() ? new Refused(broken.get()) : new Edited(List.copyOf(changes), next);
  }

  /**
   * What makes a configuration hold exactly the entities of another, secrets as they are sealed there; {@link Edited} without
   * changes if it does already.
   *
   * @param expectedHead the version the configuration must be at, or {@link Operation#ANY}
   */
  public Result restore(ClusterConfig config, ClusterConfig wanted, long expectedHead) {
    if (expectedHead != Operation.ANY && expectedHead != config.version()) {
      return notAt(config, expectedHead);
    }
    List<EntityChange> changes = differences(config, wanted);
    if (changes.isEmpty()) {
      return new Edited(List.of(), config);
    }
    if (changes.size() > MAX_OPERATIONS) {
      return new Refused(Refusal.of(Refusal.Reason.INVALID, "version " + wanted.version() + " differs in " + changes.size()
          + " entities, and one change may touch " + MAX_OPERATIONS + "; restore it in steps, by versions between"));
    }
    List<Operation> operations = changes.stream().map(change -> new Operation(
        change.after() == null ? Operation.Action.DELETE : Operation.Action.PUT,
        change.kind(), change.name(), change.after(), Operation.ANY)).toList();
    return checked(config, changes, operations);
  }

  /** What has to change for a configuration to hold exactly the entities of another, in order; their versions don't matter. */
  public static List<EntityChange> differences(ClusterConfig config, ClusterConfig wanted) {
    List<EntityChange> changes = new ArrayList<>();
    for (EntityKey key : new TreeSet<>(ConfigDelta.between(config, wanted).changed())) {
      Optional<StoredEntity> present = config.stored(key);
      byte[] before = present.map(StoredEntity::document).orElse(null);
      byte[] after = wanted.stored(key).map(StoredEntity::document).orElse(null);
      if (!Arrays.equals(before, after)) {
        long version = present.map(StoredEntity::version).orElse(Operation.ABSENT);
        changes.add(new EntityChange(key.kind(), key.name(), version, before, after));
      }
    }
    return changes;
  }

  private Optional<EntityChange> change(
      Operation operation, Optional<StoredEntity> before, String pointer, List<FieldError> errors) {
    long beforeVersion = before.map(StoredEntity::version).orElse(0L);
    byte[] beforeBytes = before.map(StoredEntity::document).orElse(null);
    if (operation.action() == Operation.Action.DELETE) {
      return Optional.of(new EntityChange(operation.kind(), operation.name(), beforeVersion, beforeBytes, null));
    }
    ObjectNode wish;
    try {
      wish = EntityCodec.document(operation.document());
    } catch (IllegalArgumentException e) {
      errors.add(new FieldError(pointer + "/value", "must be a JSON object"));
      return Optional.empty();
    }
    ObjectNode after = operation.action() == Operation.Action.PATCH
        ? merge(beforeBytes == null ? EntityCodec.JSON.createObjectNode() : EntityCodec.document(beforeBytes), wish)
        : codec.afterPut(operation.key(), beforeBytes, wish);
    after.removeIf(JsonNode::isNull);
    List<FieldError> found = codec.check(operation.key(), after, Optional.ofNullable(beforeBytes));
    found.forEach(error -> errors.add(new FieldError(pointer + "/value" + error.pointer(), error.detail())));
    return found.isEmpty()
        ? Optional.of(new EntityChange(
            operation.kind(), operation.name(), beforeVersion, beforeBytes, EntityCodec.bytes(after)))
        : Optional.empty();
  }

  private static Optional<Refusal> precondition(Operation operation, Optional<StoredEntity> before) {
    long version = before.map(StoredEntity::version).orElse(Operation.ABSENT);
    long expected = operation.ifVersion();
    boolean stale = expected == Operation.EXISTS ? before.isEmpty() : expected != Operation.ANY && expected != version;
    if (stale) {
      return Optional.of(Refusal.of(Refusal.Reason.STALE, before.isEmpty()
          ? operation.key() + " does not exist"
          : operation.key() + " is at version " + version + "; read it again and repeat the change"));
    }
    boolean isThere = before.isPresent() || operation.action() == Operation.Action.PATCH && isOfWhatIsThere(operation.kind());
    if (!isThere && operation.action() != Operation.Action.PUT) {
      return Optional.of(Refusal.of(Refusal.Reason.NOT_FOUND, operation.key() + " does not exist"));
    }
    return Optional.empty();
  }

  /** Nodes and what policies are about are there without an entity, which then says nothing. */
  private static boolean isOfWhatIsThere(String kind) {
    return kind.equals(Kind.NODES.id()) || kind.equals(Kind.POLICIES.id());
  }

  /** RFC 7396. */
  private static ObjectNode merge(ObjectNode target, ObjectNode patch) {
    patch.properties().forEach(field -> {
      if (field.getValue().isNull()) {
        target.remove(field.getKey());
      } else if (field.getValue() instanceof ObjectNode inner && !Fields.isSealed(inner)) {
        ObjectNode child = target.get(field.getKey()) instanceof ObjectNode present
            ? present
            : EntityCodec.JSON.createObjectNode();
        target.set(field.getKey(), merge(child, inner));
      } else {
        target.set(field.getKey(), field.getValue());
      }
    });
    return target;
  }

  private static String summary(List<FieldError> errors) {
    FieldError first = errors.getFirst();
    return first.pointer() + " " + first.detail()
        + (errors.size() > 1 ? " (and " + (errors.size() - 1) + " more)" : "");
  }
}
