package io.flotilla.node.cluster;

import io.flotilla.journal.raft.Lineage;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.UUID;
import org.apache.pekko.actor.ClassicActorSystemProvider;
import org.apache.pekko.actor.setup.Setup;

/**
 * What the nodes agree about before there is a Pekko cluster, and outside of it: the cluster's id, which generation of the
 * Pekko cluster is valid, and which node has which name. It is kept where the journal is. It runs before the clustered actor
 * system and apart from it. Methods block; those that change something are for the control plane's own thread, those that ask
 * for any. An IOException says why there is no answer, and what to do.
 */
sealed interface ClusterRegistry extends AutoCloseable permits RaftMembership, DatabaseRegistry {

  /** Whether an attempt to open found its cluster. */
  sealed interface Opening {}

  record Opened(ClusterRegistry registry) implements Opening {}

  /**
   * Nobody could be asked.
   *
   * @param tried whom, and why not
   * @param loss what nobody else can mend, if this node's own journal is lost and no other is known
   */
  record NobodyThere(List<String> tried, Optional<String> loss) implements Opening {}

  /** A node that has its name. */
  record Entry(UUID nodeId, String name, String address) {}

  UUID clusterId();

  /** The life of the cluster that this registry is of. */
  default Lineage lineage() {
    return new Lineage(clusterId());
  }

  /** Why this registry is over, so that it has to be closed and the cluster looked for anew; empty while it is not. */
  Optional<String> over();

  /**
   * Keeps up what this node does for the registry: opens again what failed, tells that it lives. Called every two seconds at
   * least.
   *
   * @return whether {@link #enter} has to be called again, since what it tells about this node has changed
   */
  boolean tend() throws IOException;

  /** Whether this node has a vote about the journal; when that changes, its control plane starts again. */
  boolean isVoter();

  /** Whether this node is about to become a voter, so that it is better to wait with joining the cluster. */
  boolean awaitsAdmission();

  /** Whether nodes are still on their way in, so that it is worth to look more often. */
  boolean isGrowing();

  /** What those that know say about the Pekko cluster they are in, and whom they see there. */
  List<NodeAnswer> answers() throws IOException;

  /**
   * Enters this node under its name.
   *
   * @param formerHolder a dead node that has the name and loses it
   * @return false if yet another node has the name
   */
  boolean enter(Optional<UUID> formerHolder) throws IOException;

  List<Entry> entries() throws IOException;

  /** The valid generation, 0 before the first. */
  long generation() throws IOException;

  /** Whether it is for this node to found the next generation, given what is said about the present one. */
  boolean mayFound(long generation, List<NodeAnswer> answers);

  /** Makes a generation after {@code expected} the valid one, founded by this node; empty if another was founded already. */
  OptionalLong found(long expected) throws IOException;

  /** This node founded a generation and did not come up in it: lets another node found the next. Best effort. */
  void giveUpFounding();

  /** What has to happen before a node that is in no cluster can be in one, in words. */
  String awaited(long generation);

  /**
   * Brings the journal's writing side to this node, which runs the primary; called again and again while it does.
   *
   * @param heardEpoch whose the announcements are that this node hears; if not its own, its primary was replaced
   */
  void followPrimary(ClassicActorSystemProvider system, String persistenceId, long heardEpoch);

  /** Hands over what this node does for the others, because it is going. */
  void handOver(Duration timeout);

  /** Gives the clustered actor system its journal. */
  Setup setup();

  /** The settings of the clustered actor system that depend on the journal. */
  Map<String, Object> systemSettings();

  /** The fence under which a system writes a persistence id; an IllegalStateException before its recovery. */
  long epoch(ClassicActorSystemProvider system, String persistenceId);

  @Override
  void close();
}
