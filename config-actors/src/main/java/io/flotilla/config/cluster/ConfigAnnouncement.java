package io.flotilla.config.cluster;

import com.fasterxml.jackson.annotation.JsonInclude;
import io.flotilla.config.event.CborSerializable;
import io.flotilla.config.event.ConfigChanged;
import io.flotilla.config.event.EntityChange;
import java.util.List;
import org.apache.pekko.actor.typed.ActorRef;

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

  /**
   * Asks every node whether it could apply a change. Repeated until answered.
   *
   * @param version what the configuration was when the change was computed; a node answers when it has that
   * @param round numbers the questions of one epoch
   * @param part the place of {@code changes} among {@code parts} messages
   */
  record PrepareRequested(long epoch, long version, long round, int part, int parts, List<EntityChange> changes,
      ActorRef<ConfigPrimary.Command> replyTo) implements ConfigAnnouncement {}
}
