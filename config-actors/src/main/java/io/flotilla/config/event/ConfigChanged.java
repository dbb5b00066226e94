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
 * @param version the configuration's version after the change; one more than before it, unless a lineage begins with it
 * @param id names the change; a repeated request carries the same one
 * @param digest the configuration's digest after the change, in hexadecimal
 * @param lineage where a new lineage of the cluster begins, null in every other change
 * @param others fields of a newer release, by name: kept and passed on, because a primary of this release may write the
 *     snapshot that a newer one starts from
 */
public record ConfigChanged(
    long version, String id, Instant at, Author author, String comment, List<EntityChange> changes, String digest,
    @JsonInclude(JsonInclude.Include.NON_NULL) LineageBegun lineage,
    @JsonAnySetter @JsonAnyGetter @JsonInclude(JsonInclude.Include.NON_EMPTY) Map<String, Object> others)
    implements CborSerializable {

  /**
   * The first change after the cluster was recovered alone, with a version that no lost change can have had.
   *
   * @param previous the version that the journal led to before it
   * @param known the newest version of the former lineage that the configuration was taken from; changes after it are lost
   */
  public record LineageBegun(long previous, long known) {}

  public ConfigChanged {
    others = others == null ? Map.of() : Collections.unmodifiableMap(new LinkedHashMap<>(others));
  }

  public ConfigChanged(
      long version, String id, Instant at, Author author, String comment, List<EntityChange> changes, String digest) {
    this(version, id, at, author, comment, changes, digest, null, Map.of());
  }

  /** The same change with some of its entities only, or with all of them again. */
  public ConfigChanged with(List<EntityChange> entities) {
    return new ConfigChanged(version, id, at, author, comment, entities, digest, lineage, others);
  }

  /** The same change with the digest that it leads to. */
  public ConfigChanged withDigest(String known) {
    return new ConfigChanged(version, id, at, author, comment, changes, known, lineage, others);
  }

  /** The version that this change follows. */
  public long previous() {
    return lineage == null ? version - 1 : lineage.previous();
  }

  /** About the bytes this change adds to a message. */
  public int size() {
    int frame = 300 + 3 * (comment.length() + id.length() + author.who().length());
    return frame + changes.stream().mapToInt(EntityChange::size).sum();
  }
}
