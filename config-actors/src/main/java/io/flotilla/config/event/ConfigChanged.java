package io.flotilla.config.event;

import java.time.Instant;
import java.util.List;

/**
 * A committed change: the one event of the configuration's journal.
 *
 * @param version the configuration's version after the change; one more than before it
 * @param id names the change; a repeated request carries the same one
 * @param digest the configuration's digest after the change, in hexadecimal
 */
public record ConfigChanged(
    long version, String id, Instant at, Author author, String comment, List<EntityChange> changes, String digest)
    implements CborSerializable {
  public long previous() {
    return version - 1;
  }

  /** About the bytes this change adds to a message. */
  public int size() {
    int frame = 300 + 3 * (comment.length() + id.length() + author.who().length());
    return frame + changes.stream().mapToInt(EntityChange::size).sum();
  }
}
