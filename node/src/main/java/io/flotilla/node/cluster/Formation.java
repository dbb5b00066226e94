package io.flotilla.node.cluster;

import io.flotilla.config.model.ClusterKey;
import io.flotilla.node.NodeSettings;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.UUID;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Decides which Pekko cluster this node belongs to. Founding one is an entry of the registry: when the present generation is
 * over, one node commits the next generation with itself as founder, by compare-and-set, and only then joins itself; everybody
 * else joins the generation that is committed. So two clusters can't go on side by side. Methods block; they are for the
 * control plane's own thread.
 */
final class Formation {
  private static final Logger log = LoggerFactory.getLogger(Formation.class);
  /** A name's holder that nobody has seen for this long is dead. */
  private static final Duration HOLDER_SILENCE = Duration.ofSeconds(10);

  private final NodeSettings settings;
  private final UUID nodeId;
  private final ClusterKey key;
  private final ClusterRegistry registry;
  private long holderSilentSinceNanos;

  Formation(NodeSettings settings, UUID nodeId, ClusterKey key, ClusterRegistry registry) {
    this.settings = settings;
    this.nodeId = nodeId;
    this.key = key;
    this.registry = registry;
  }

  /** What to do next. */
  sealed interface Step {}

  /** Start the actor system and join itself. */
  record Found(long generation) implements Step {}

  /** Start the actor system and join one of the addresses. */
  record Join(long generation, List<String> addresses) implements Step {}

  /** Ask again shortly. */
  record WaitFor(String what) implements Step {}

  /**
   * Enters this node's name. A name is in use while its holder is alive; a dead holder's name is taken over, and the same
   * node id replaces its own record, at whatever address it comes back.
   */
  Step register() throws IOException, ClusterRefusedException {
    List<NodeAnswer> answers = registry.answers();
    checkKey(answers);
    Optional<ClusterRegistry.Entry> holder = registry.entries().stream()
        .filter(node -> node.name().equals(settings.name()) && !node.nodeId().equals(nodeId)).findFirst();
    if (holder.isPresent()) {
      String address = holder.get().address();
      // This node's own address can only show its former self, which the others have not missed yet.
      boolean alive = !address.equals(settings.bind().toString()) && answers.stream().flatMap(answer -> answer.members().stream())
          .anyMatch(member -> member.reachable() && member.address().equals(address));
      if (alive) {
        throw new ClusterRefusedException("the name " + settings.name() + " is in use by the node at " + address
            + "; give this node another name (flotilla.name or --name)");
      }
      long now = System.nanoTime();
      holderSilentSinceNanos = holderSilentSinceNanos == 0 ? now : holderSilentSinceNanos;
      if (now - holderSilentSinceNanos < HOLDER_SILENCE.toNanos()) {
        return new WaitFor("the former holder of the name " + settings.name() + " at " + address + " to be sure it is dead");
      }
      log.warn("The name {} is taken over from the node that was at {} and is dead", settings.name(), address);
    }
    return registry.enter(holder.map(ClusterRegistry.Entry::nodeId)) ? next() : new WaitFor("the name " + settings.name());
  }

  /** Tells the registry what has changed about this node, which has its name. */
  boolean enterAgain() throws IOException {
    return registry.enter(Optional.empty());
  }

  /** Whether the name is still this node's; a node that was out of reach for long may have lost it. */
  boolean holdsItsName() throws IOException {
    return registry.entries().stream().anyMatch(
        node -> node.nodeId().equals(nodeId) && node.name().equals(settings.name()));
  }

  private void checkKey(List<NodeAnswer> answers) throws ClusterRefusedException {
    Optional<NodeAnswer> other = answers.stream().filter(answer -> !answer.keyId().equals(key.id())).findFirst();
    if (other.isPresent()) {
      throw new ClusterRefusedException("node " + other.get().node() + " has the cluster key " + other.get().keyId()
          + ", this node has " + key.id() + "; give it the cluster's key file by --cluster-key");
    }
  }

  /** Decides from the committed generation and from what the voters say. */
  Step next() throws IOException {
    long generation = registry.generation();
    List<NodeAnswer> answers = registry.answers();
    if (registry.mayFound(generation, answers)) {
      return found(generation);
    }
    List<String> members = answers.stream().filter(answer -> answer.generation() == generation && generation > 0)
        .flatMap(answer -> answer.members().stream())
        .filter(NodeAnswer.Seen::reachable)
        .map(NodeAnswer.Seen::address)
        .filter(address -> !address.equals(settings.bind().toString()))
        .distinct().toList();
    if (!members.isEmpty()) {
      return new Join(generation, members);
    }
    return new WaitFor(registry.awaited(generation));
  }

  private Step found(long generation) throws IOException {
    OptionalLong founded = registry.found(generation);
    if (founded.isPresent()) {
      log.info("This node founds generation {} of the cluster", founded.getAsLong());
      return new Found(founded.getAsLong());
    }
    return new WaitFor("the generation that another node founded");
  }
}
