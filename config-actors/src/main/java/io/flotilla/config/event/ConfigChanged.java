package io.flotilla.config.event;

import com.fasterxml.jackson.annotation.JsonAnyGetter;
import com.fasterxml.jackson.annotation.JsonAnySetter;
import com.fasterxml.jackson.annotation.JsonInclude;
import java.time.Instant;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * A committed change: the one event of the configuration's journal.
 *
 * @param version the configuration's version after the change; one more than before it
 * @param id names the change; a repeated request carries the same one
 * @param digest the configuration's digest after the change, in hexadecimal
 * @param others fields of a newer release, by name: kept and passed on, because a primary of this release may write the
 *     snapshot that a newer one starts from
 */
public record ConfigChanged(
    long version, String id, Instant at, Author author, String comment, List<EntityChange> changes, String digest,
    @JsonAnySetter @JsonAnyGetter @JsonInclude(JsonInclude.Include.NON_EMPTY) Map<String, Object> others)
    implements CborSerializable {
  public ConfigChanged {
    others = others == null ? Map.of() : Collections.unmodifiableMap(new LinkedHashMap<>(others));
  }

  public ConfigChanged(
      long version, String id, Instant at, Author author, String comment, List<EntityChange> changes, String digest) {
    this(version, id, at, author, comment, changes, digest, Map.of());
  }

  /** The same change with some of its entities only, or with all of them again. */
  public ConfigChanged with(List<EntityChange> entities) {
    return new ConfigChanged(version, id, at, author, comment, entities, digest, others);
  }

  public long previous() {
    return version - 1;
  }

  /** About the bytes this change adds to a message. */
  public int size() {
    int frame = 300 + 3 * (comment.length() + id.length() + author.who().length());
    return frame + changes.stream().mapToInt(EntityChange::size).sum();
  }
}
