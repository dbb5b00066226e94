package io.flotilla.node.cluster;

import io.flotilla.journal.raft.Discovery;
import io.flotilla.journal.raft.JournalReply;
import io.flotilla.journal.raft.NodeRecord;
import io.flotilla.journal.raft.RaftQuorum;
import io.flotilla.journal.raft.RaftVoter;
import io.flotilla.journal.raft.VoterPeer;
import io.flotilla.journal.raft.VoterWish;
import io.flotilla.node.HostPort;
import java.io.IOException;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The leader's part in who votes: makes the membership what the wishes and the seed nodes say, one change at a time, because
 * Raft refuses to change a majority in one step. A change may take half a minute, so it is done on a thread of its own; after
 * one that failed, the next try waits. A new leader goes on from the committed wishes.
 */
final class VoterKeeper {
  private static final Logger log = LoggerFactory.getLogger(VoterKeeper.class);
  private static final Duration DISCOVERY_TIMEOUT = Duration.ofSeconds(1);
  private static final Duration ANSWER_TIMEOUT = Duration.ofSeconds(2);
  private static final Duration FIRST_PAUSE = Duration.ofSeconds(1);
  private static final Duration LONGEST_PAUSE = Duration.ofSeconds(30);
  private static final Duration LOOK_INTERVAL = Duration.ofSeconds(30);

  private final RaftMembership membership;
  private final AtomicBoolean busy = new AtomicBoolean();
  private volatile long notBeforeNanos = System.nanoTime();
  private volatile long nextLookNanos = System.nanoTime();
  private Duration pause = FIRST_PAUSE;

  VoterKeeper(RaftMembership membership) {
    this.membership = membership;
  }

  /** Begins the next step, if this node leads and none is under way. Returns at once. */
  void tend() {
    if (membership.isLeader() && System.nanoTime() - notBeforeNanos >= 0 && busy.compareAndSet(false, true)) {
      Thread.ofVirtual().name("voter-keeper").start(() -> {
        try {
          lookForOtherClusters();
          step();
          pause = FIRST_PAUSE;
        } catch (IOException | RuntimeException e) {
          log.warn("The voters could not be changed: {}. The next try is in {} s", e.getMessage(), pause.toSeconds());
          notBeforeNanos = System.nanoTime() + pause.toNanos();
          pause = pause.multipliedBy(2).compareTo(LONGEST_PAUSE) < 0 ? pause.multipliedBy(2) : LONGEST_PAUSE;
        } finally {
          busy.set(false);
        }
      });
    }
  }

  /** A second cluster can be formed from the same seed nodes while none of them can be asked; somebody has to be told. */
  private void lookForOtherClusters() {
    if (System.nanoTime() - nextLookNanos < 0) {
      return;
    }
    nextLookNanos = System.nanoTime() + LOOK_INTERVAL.toNanos();
    for (HostPort seed : membership.otherSeeds()) {
      if (RaftQuorum.discover(seed.host(), seed.port(), DISCOVERY_TIMEOUT, membership.tls()) instanceof Discovery.Voter found
          && !VoterSearch.lineage(found).isOfSameCluster(membership.lineage())) {
        log.error("The seed node whose Raft address is {} is in cluster {}, this node is in cluster {}: they were formed apart, and "
            + "what is changed in one is not in the other. Decide which one stays; stop the nodes of the other, empty their data "
            + "directories, and start them without --form and with the cluster key", seed, found.clusterId(), membership.clusterId());
      }
    }
  }

  private void step() throws IOException {
    Optional<RaftVoter> own = membership.voter();
    if (own.isEmpty()) {
      return;
    }
    Map<String, VoterWish> wishes = membership.wishes().stream().collect(Collectors.toMap(VoterWish::node, Function.identity()));
    List<NodeRecord> nodes = membership.nodes();
    List<VoterPeer> admitted = membership.voters();
    for (NodeRecord node : nodes) {
      if (isDue(node, wishes, admitted) && admit(own.get(), node, admitted)) {
        return;
      }
    }
    for (VoterWish wish : wishes.values()) {
      if (!wish.votes() && remove(own.get(), wish, nodes, admitted)) {
        return;
      }
    }
  }

  private boolean isDue(NodeRecord node, Map<String, VoterWish> wishes, List<VoterPeer> admitted) {
    if (node.raftPeerId().isEmpty() || node.raftAddress().isEmpty() || peerOf(node, admitted).isPresent()) {
      return false;
    }
    return Optional.ofNullable(wishes.get(node.name())).map(VoterWish::votes).orElseGet(() -> node.roles().contains("voter")
        && (membership.isSeed(node.raftAddress().get()) || at(node.raftAddress().get(), admitted).isPresent()));
  }

  /** A dead node is passed over: waiting for it would keep the others from their votes. */
  private boolean admit(RaftVoter own, NodeRecord node, List<VoterPeer> admitted) throws IOException {
    VoterPeer peer = new VoterPeer(node.raftPeerId().orElseThrow(), node.raftAddress().orElseThrow());
    HostPort address = HostPort.parse("the Raft address of " + node.name(), peer.address());
    boolean there = RaftQuorum.discover(address.host(), address.port(), DISCOVERY_TIMEOUT, membership.tls()) instanceof Discovery.Voter found
        && found.clusterId().equals(membership.clusterId()) && found.voter().id().equals(peer.id());
    if (!there) {
      log.debug("Voter {} of node {} does not answer yet", peer, node.name());
      return false;
    }
    Optional<VoterPeer> replaced = at(peer.address(), admitted);
    if (replaced.isPresent()) {
      own.removeVoter(replaced.get().id());
      log.info("Voter {} of node {} lost its journal and its vote; it will be admitted again", replaced.get(), node.name());
    } else {
      own.addVoter(peer);
      log.info("Node {} became a voter; the voters are now {}", node.name(), membership.voters());
    }
    return true;
  }

  private boolean remove(RaftVoter own, VoterWish wish, List<NodeRecord> nodes, List<VoterPeer> admitted) throws IOException {
    Optional<VoterPeer> peer = named(wish.node(), nodes).flatMap(node -> peerOf(node, admitted)
        .or(() -> node.raftAddress().flatMap(address -> at(address, admitted))));
    boolean waits = wish.after().isPresent()
        && named(wish.after().get(), nodes).flatMap(node -> peerOf(node, admitted)).isEmpty();
    if (peer.isEmpty() || waits) {
      return false;
    }
    Optional<String> reason = whyNotRemoved(membership, peer.get(), admitted);
    if (reason.isPresent()) {
      throw new IOException("the vote of node " + wish.node() + " is not removed yet: " + reason.get());
    }
    own.removeVoter(peer.get().id());
    log.info("Node {} is no voter any more; the voters are now {}", wish.node(), membership.voters());
    return true;
  }

  /** Why a voter's vote can't be taken away now; empty if it can. */
  static Optional<String> whyNotRemoved(RaftMembership membership, VoterPeer peer, List<VoterPeer> admitted) {
    List<VoterPeer> left = admitted.stream().filter(other -> !other.id().equals(peer.id())).toList();
    if (left.isEmpty()) {
      return Optional.of("it is the last voter, and holds the only journal; add another voter first");
    }
    Map<VoterPeer, CompletableFuture<Optional<JournalReply.VoterProgress>>> asked = new LinkedHashMap<>();
    left.forEach(other -> asked.put(other, membership.progress(other, ANSWER_TIMEOUT)));
    List<VoterPeer> silent = left.stream().filter(other -> asked.get(other).join().isEmpty()).toList();
    return left.size() - silent.size() > left.size() / 2 ? Optional.empty()
        : Optional.of("of the voters left, these do not answer: " + silent + "; without a majority of them no change could "
            + "be made. Start them, or remove them first");
  }

  static Optional<NodeRecord> named(String name, List<NodeRecord> nodes) {
    return nodes.stream().filter(node -> node.name().equals(name)).findFirst();
  }

  static Optional<VoterPeer> peerOf(NodeRecord node, List<VoterPeer> admitted) {
    return admitted.stream().filter(peer -> node.raftPeerId().filter(peer.id()::equals).isPresent()).findFirst();
  }

  static Optional<VoterPeer> at(String raftAddress, List<VoterPeer> admitted) {
    return admitted.stream().filter(peer -> peer.address().equals(raftAddress)).findFirst();
  }
}
