package io.flotilla.config.model;

import io.flotilla.config.event.StoredDocument;
import java.util.Arrays;

/** An entity, the bytes it was committed as, and the version of its last change. */
public record StoredEntity(EntityKey key, long version, byte[] document, Entity entity) {
  ConfigDigest digest() {
    return ConfigDigest.of(key, version, document);
  }

  public StoredDocument toDocument() {
    return new StoredDocument(key.kind(), key.name(), version, document);
  }

  boolean isSameAs(StoredEntity other) {
    return this == other || version == other.version && Arrays.equals(document, other.document);
  }
}
