package io.flotilla.config.event;

import com.fasterxml.jackson.annotation.JsonInclude;
import java.util.List;

/**
 * The configuration at a version with the changes that are kept as history, as the journal's snapshot store holds it.
 *
 * @param lookups changes of the last day that are not in the history any more, oldest first; an earlier release neither reads
 *     nor writes them
 */
public record ConfigSnapshot(long version, String digest, List<StoredDocument> documents, List<ConfigChanged> history,
    @JsonInclude(JsonInclude.Include.NON_EMPTY) List<ChangeLookup> lookups)
    implements CborSerializable {
  public ConfigSnapshot {
    lookups = lookups == null ? List.of() : lookups;
  }

  public ConfigSnapshot(long version, String digest, List<StoredDocument> documents, List<ConfigChanged> history) {
    this(version, digest, documents, history, List.of());
  }
}
