package io.flotilla.config.model;

import com.fasterxml.jackson.core.JsonPointer;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.cfg.JsonNodeFeature;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ContainerNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.flotilla.config.event.StoredDocument;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** Turns committed documents into entities and back. Safe for use by several threads. */
public final class EntityCodec {
  /** The largest committed document of one entity, in bytes: it has to fit into one message between nodes. */
  public static final int MAX_DOCUMENT_BYTES = 64 * 1024;

  private static final Map<String, Set<String>> SECRET_FIELDS = Map.of(
      Kind.USERS.id(), Set.of("passwordHash"),
      Kind.CERTIFICATES.id(), Set.of("privateKey"),
      Kind.HOST_KEYS.id(), Set.of("privateKey"),
      Kind.ADMINS.id(), Set.of("tokenHash"));

  /** Keys sorted, duplicate keys refused, depth bounded: one document has one form. */
  public static final JsonMapper JSON = JsonMapper.builder(JsonFactory.builder()
          .streamReadConstraints(StreamReadConstraints.builder().maxNestingDepth(64).build())
          .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
          .build())
      .enable(JsonNodeFeature.WRITE_PROPERTIES_SORTED)
      .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
      .build();

  private final SecretSealer sealer;

  public EntityCodec(SecretSealer sealer) {
    this.sealer = sealer;
  }

  /** Reads a committed document; fields and kinds of a newer release are kept in the bytes and otherwise ignored. */
  public StoredEntity read(StoredDocument stored) {
    return read(new EntityKey(stored.kind(), stored.name()), stored.version(), stored.document());
  }

  StoredEntity read(EntityKey key, long version, byte[] document) {
    return new StoredEntity(key, version, document, parse(key, document(document), false, new ArrayList<>(), new ArrayList<>()));
  }

  /**
   * Checks a document that is to replace another; returns its faults, none if it is good. What the other one holds as well is
   * no fault: a newer release, which knows it, has let it in.
   */
  public List<FieldError> check(EntityKey key, ObjectNode document, Optional<byte[]> before) {
    List<FieldError> errors = check(key, document);
    if (!errors.isEmpty() && before.isPresent()) {
      ObjectNode old = document(before.get());
      List<FieldError> had = check(key, old);
      errors.removeIf(error -> had.contains(error) && document.at(error.pointer()).equals(old.at(error.pointer())));
    }
    return errors;
  }

  /**
   * What a PUT makes of a document; the wish itself is changed and returned. What its author could not read stays: secrets, also
   * those within the fields of a newer release, and these fields themselves, unless an explicit null takes them away.
   *
   * @param before the entity as it is, null if it does not exist
   */
  public ObjectNode afterPut(EntityKey key, byte[] before, ObjectNode wish) {
    if (before != null) {
      keepSecrets(key.kind(), document(before), wish);
      keepNewerFields(key, document(before), wish);
    }
    wish.removeIf(JsonNode::isNull);
    return wish;
  }

  private static void keepSecrets(String kind, ObjectNode old, ObjectNode wish) {
    for (String field : secretFields(kind)) {
      if (!wish.has(field) && old.has(field)) {
        wish.set(field, old.get(field));
      }
    }
  }

  private void keepNewerFields(EntityKey key, ObjectNode old, ObjectNode wish) {
    List<String> unknown = new ArrayList<>();
    parse(key, old, false, new ArrayList<>(), unknown);
    for (String field : unknown) {
      JsonPointer pointer = JsonPointer.compile(field);
      String name = pointer.last().getMatchingProperty();
      JsonNode value = old.at(pointer);
      JsonNode shown = value.deepCopy();
      removeSealed(shown);
      if (wish.at(pointer.head()) instanceof ObjectNode parent && (!parent.has(name) || parent.get(name).equals(shown))) {
        parent.set(name, value);
      }
    }
  }

  /** Checks a document that is to be committed; returns its faults, none if it is good. */
  public List<FieldError> check(EntityKey key, ObjectNode document) {
    List<FieldError> errors = new ArrayList<>();
    EntityKey.problemWithName(key.name()).ifPresent(problem -> errors.add(new FieldError("", problem)));
    parse(key, document, true, errors, new ArrayList<>());
    if (errors.isEmpty() && bytes(document).length > MAX_DOCUMENT_BYTES) {
      errors.add(new FieldError("", "the document has over " + MAX_DOCUMENT_BYTES + " bytes"));
    }
    return errors;
  }

  /** Puts a clear secret into a document, sealed with the cluster key. */
  public void putSecret(ObjectNode document, EntityKey key, String field, String clear) {
    Fields.putSecret(document, key, field, clear, sealer);
  }

  /**
   * Opens a sealed secret of a document; empty if the field holds none.
   *
   * @throws SecretSealer.SealedWithAnotherKeyException if this cluster's key did not seal it for this entity and field
   */
  public Optional<String> openSecret(EntityKey key, String field, JsonNode value) {
    return Fields.isSealed(value) && value.size() == 1 && value.get(Fields.SEALED).isTextual()
        ? Optional.of(sealer.open(key, field, value.get(Fields.SEALED).textValue()))
        : Optional.empty();
  }

  /** Names the cluster key that seals secrets here, without telling it. */
  public String keyId() {
    return sealer.keyId();
  }

  /** The fields of a kind that are written and never read back. */
  public static Set<String> secretFields(String kind) {
    return SECRET_FIELDS.getOrDefault(kind, Set.of());
  }

  static ObjectNode document(byte[] bytes) {
    try {
      return (ObjectNode) JSON.readTree(bytes);
    } catch (IOException | ClassCastException e) {
      throw new IllegalArgumentException("a document of the configuration is not a JSON object", e);
    }
  }

  /** A document in the one form it is committed in. */
  public static byte[] bytes(ObjectNode document) {
    try {
      return JSON.writeValueAsBytes(document);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("a JSON tree can always be written", e);
    }
  }

  /** What a reader of the admin API sees of an entity. */
  public static ObjectNode describe(Entity entity) {
    ObjectNode json = JSON.createObjectNode();
    json.put("name", entity.name());
    entity.describe(json);
    return json;
  }

  /** The fields of a committed document, sealed secrets among them; none if there is no document. */
  public static ObjectNode read(byte[] document) {
    return document == null ? JSON.createObjectNode() : document(document);
  }

  /** A committed document without its secrets, for whoever may read but not have them; none if there is no document. */
  public static Optional<ObjectNode> withoutSecrets(String kind, byte[] document) {
    return Optional.ofNullable(document).map(bytes -> {
      ObjectNode json = document(bytes);
      json.remove(secretFields(kind));
      removeSealed(json);
      return json;
    });
  }

  /** Those of a newer release may be anywhere; what this one knows of them is that they are sealed. */
  private static void removeSealed(JsonNode node) {
    if (node instanceof ContainerNode<?> container) {
      container.removeIf(Fields::isSealed);
      container.forEach(EntityCodec::removeSealed);
    }
  }

  private Entity parse(
      EntityKey key, ObjectNode document, boolean strict, List<FieldError> errors, List<String> unknown) {
    Optional<Kind> kind = Kind.of(key.kind());
    if (kind.isEmpty()) {
      if (strict) {
        errors.add(new FieldError("", "'" + key.kind() + "' is not a kind of entity; known are " + Kind.known()));
      }
      return new Entity.Unknown(key.kind(), key.name());
    }
    Fields fields = Fields.of(document, key, sealer, strict, errors, unknown);
    Entity entity = switch (kind.get()) {
      case USERS -> User.read(fields);
      case GROUPS -> Group.read(fields);
      case LISTENERS -> Listener.read(fields);
      case STORAGES -> Storage.read(fields);
      case FOLDERS -> Folder.read(fields);
      case CERTIFICATES -> Certificate.read(fields);
      case HOST_KEYS -> HostKey.read(fields);
      case ACCESS_RULES -> AccessRule.read(fields);
      case NODES -> NodeOverride.read(fields);
      case ADMINS -> Admin.read(fields);
      case POLICIES -> Policy.read(fields);
    };
    fields.end();
    return entity;
  }
}
