package io.flotilla.config.cluster;

import com.fasterxml.jackson.annotation.JsonInclude;
import io.flotilla.config.event.CborSerializable;
import io.flotilla.config.event.ConfigChanged;

/** What the primary publishes to all replicas. Each carries the writer's epoch; replicas ignore an older one. */
public sealed interface ConfigAnnouncement extends ConfigReplica.Command, CborSerializable {
  long epoch();

  long version();

  /**
   * A version was committed.
   *
   * @param change null if it is too large for a message; replicas then fetch it in parts
   */
  @JsonInclude(JsonInclude.Include.NON_NULL)
  record ConfigCommitted(long epoch, long version, ConfigChanged change) implements ConfigAnnouncement {}

  /** What the newest version is; repeated every second, it repairs every lost publication. */
  record HeadAnnounced(long epoch, long version, String digest) implements ConfigAnnouncement {}
}
