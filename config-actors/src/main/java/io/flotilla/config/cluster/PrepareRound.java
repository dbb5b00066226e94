package io.flotilla.config.cluster;

import io.flotilla.config.event.EntityChange;
import io.flotilla.config.model.Kind;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.apache.pekko.actor.typed.ActorRef;

/**
 * One change put to the reachable nodes: can each of them apply it? A node that says nothing has refused; one that becomes
 * unreachable meanwhile is no longer asked, since it could not serve anyway. Confined to its actor.
 */
final class PrepareRound {
  static final long TIMEOUT_NANOS = 2_000_000_000L;
  /** What nodes hold resources for: ports, keys, directories. All other kinds are judged by the primary alone. */
  private static final Set<String> NODE_RESOURCES =
      Set.of(Kind.LISTENERS.id(), Kind.CERTIFICATES.id(), Kind.HOST_KEYS.id(), Kind.STORAGES.id(), Kind.NODES.id());

  private final long number;
  private final Proposal proposal;
  private final long version;
  private final List<List<EntityChange>> parts;
  private final Map<String, String> names;
  private final Map<String, List<String>> objections = new LinkedHashMap<>();
  private final long deadline;

  /**
   * @param version the configuration's version that the changes were computed for
   * @param names the names of the nodes to ask, by address
   */
  PrepareRound(long number, Proposal proposal, long version, List<EntityChange> changes, Map<String, String> names, long now) {
    this.number = number;
    this.proposal = proposal;
    this.version = version;
    this.parts = parts(changes.stream().filter(PrepareRound::isNodeResource).toList());
    this.names = new TreeMap<>(names);
    this.deadline = now + TIMEOUT_NANOS;
  }

  /** Whether a change has to be put to the nodes at all. */
  static boolean isNeededFor(List<EntityChange> changes) {
    return changes.stream().anyMatch(PrepareRound::isNodeResource);
  }

  private static boolean isNodeResource(EntityChange change) {
    return NODE_RESOURCES.contains(change.kind());
  }

  private static List<List<EntityChange>> parts(List<EntityChange> changes) {
    List<List<EntityChange>> parts = new ArrayList<>();
    List<EntityChange> part = new ArrayList<>();
    int bytes = 0;
    for (EntityChange change : changes) {
      if (!part.isEmpty() && bytes + change.size() > ConfigPrimary.MAX_MESSAGE_BYTES) {
        parts.add(List.copyOf(part));
        part.clear();
        bytes = 0;
      }
      part.add(change);
      bytes += change.size();
    }
    parts.add(List.copyOf(part));
    return parts;
  }

  Proposal proposal() {
    return proposal;
  }

  /** The question in messages; they may be lost, and asking again does no harm. */
  List<ConfigAnnouncement.PrepareRequested> requests(long epoch, ActorRef<ConfigPrimary.Command> replyTo) {
    List<ConfigAnnouncement.PrepareRequested> requests = new ArrayList<>();
    for (int i = 0; i < parts.size(); i++) {
      requests.add(new ConfigAnnouncement.PrepareRequested(epoch, version, number, i, parts.size(), parts.get(i), replyTo));
    }
    return requests;
  }

  void answered(ConfigPrimary.NodePrepared answer) {
    if (answer.round() == number && names.containsKey(answer.address())) {
      objections.put(answer.address(), answer.objections());
    }
  }

  void keepOnly(Set<String> reachable) {
    names.keySet().retainAll(reachable);
  }

  boolean isOver(long now) {
    return objections.keySet().containsAll(names.keySet()) || now >= deadline;
  }

  /** What each node has against the change, by its name; nothing, for one that can apply it. */
  Map<String, List<String>> verdicts() {
    Map<String, List<String>> verdicts = new TreeMap<>();
    names.forEach((address, name) -> verdicts.put(name, objections.getOrDefault(address,
        List.of("it did not answer within " + TIMEOUT_NANOS / 1_000_000_000L + " s"))));
    return verdicts;
  }
}
