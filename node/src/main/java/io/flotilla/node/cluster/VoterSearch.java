package io.flotilla.node.cluster;

import io.flotilla.journal.raft.Discovery;
import io.flotilla.journal.raft.Lineage;
import io.flotilla.journal.raft.RaftQuorum;
import io.flotilla.journal.raft.RaftTls;
import io.flotilla.node.DataDirectory;
import io.flotilla.node.HostPort;
import io.flotilla.node.NodeSettings;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Who answered where voters of this node's cluster may be: at the seed nodes, and where they were the last time.
 *
 * @param voters in the order in which they were asked for
 * @param tried tells of each other address why it is of no use
 * @param silent those of them where somebody listens who can't be understood, each with the reason
 */
record VoterSearch(List<Discovery.Voter> voters, List<String> tried, List<String> silent) {
  private static final Logger log = LoggerFactory.getLogger(VoterSearch.class);
  /** For whoever asks again if nobody answers. */
  static final Duration QUICK = Duration.ofSeconds(1);
  /** For whoever goes on alone if nobody answers: a process that has just started is slow to ask. */
  static final Duration THOROUGH = Duration.ofSeconds(5);

  VoterSearch {
    voters = List.copyOf(voters);
    tried = List.copyOf(tried);
    silent = List.copyOf(silent);
  }

  /**
   * Asks all at the same time, this node itself left out; blocks for about twice the timeout at the most.
   *
   * @param more Raft addresses to be asked too
   * @param tls as the voters have it
   */
  static VoterSearch run(NodeSettings settings, DataDirectory data, Collection<String> more, Duration timeout, Optional<RaftTls> tls)
      throws IOException {
    Map<HostPort, String> asked = new LinkedHashMap<>();
    settings.seedNodes().forEach(seed -> asked.put(seed.withPort(seed.port() + 1), seed.toString()));
    for (String voter : Stream.concat(data.lastVoters().stream(), more.stream()).toList()) {
      try {
        asked.putIfAbsent(HostPort.parse("a voter", voter), "voter " + voter);
      } catch (NodeSettings.InvalidSettingException e) {
        log.warn("{} is damaged ({}); the seed nodes are asked", data.path().resolve("voters"), e.getMessage());
      }
    }
    asked.remove(settings.bind().withPort(settings.raftPort()));
    List<Discovery.Voter> voters = new ArrayList<>();
    List<String> tried = new ArrayList<>();
    List<String> silent = new ArrayList<>();
    try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
      Map<String, CompletableFuture<Discovery>> answers = new LinkedHashMap<>();
      asked.forEach((address, name) -> answers.put(name, CompletableFuture.supplyAsync(
          () -> RaftQuorum.discover(address.host(), address.port(), timeout, tls), threads)));
      for (Map.Entry<String, CompletableFuture<Discovery>> answer : answers.entrySet()) {
        String name = answer.getKey();
        switch (answer.getValue().join()) {
          case Discovery.Voter found -> {
            voters.add(found);
            if (found.voters().isEmpty()) {
              tried.add(name + " is not admitted to its cluster yet");
            }
          }
          case Discovery.Silent mute -> {
            silent.add(name + ": " + mute.reason());
            tried.add(name + ": " + mute.reason());
          }
          case Discovery.Nothing nothing -> tried.add(name + ": " + nothing.reason());
        }
      }
    }
    return new VoterSearch(voters, tried, silent);
  }

  /** Whether there was nobody to ask. */
  boolean isOfNobody() {
    return voters.isEmpty() && tried.isEmpty();
  }

  /** A voter of a newer lineage of the same cluster, admitted there or not. */
  Optional<Lineage> replacing(Lineage known) {
    return voters.stream().map(VoterSearch::lineage).filter(found -> found.replaces(known)).findFirst();
  }

  /** A voter of a lineage that was begun beside the known one. */
  Optional<Lineage> contradicting(Lineage known) {
    return voters.stream().map(VoterSearch::lineage).filter(found -> found.contradicts(known)).findFirst();
  }

  /**
   * A voter that knows its voters, of the newest lineage.
   *
   * @param known the lineage that this node was in last
   * @return empty if there is none, or if it can't be told which of two lineages is the valid one
   */
  Optional<Discovery.Voter> member(Optional<Lineage> known) {
    List<Discovery.Voter> members = voters.stream().filter(voter -> !voter.voters().isEmpty()).toList();
    Optional<Lineage> cluster = known.or(() -> members.stream().map(VoterSearch::lineage).findFirst());
    if (cluster.isEmpty()) {
      return Optional.empty();
    }
    List<Discovery.Voter> own = members.stream().filter(voter -> lineage(voter).isOfSameCluster(cluster.get())).toList();
    if (own.isEmpty()) {
      // Another cluster: whoever asks has to refuse it.
      return members.stream().findFirst();
    }
    int newest = own.stream().mapToInt(voter -> lineage(voter).number()).max().orElse(0);
    if (known.isPresent() && known.get().number() >= newest) {
      return own.stream().filter(voter -> lineage(voter).equals(known.get())).findFirst();
    }
    List<Discovery.Voter> candidates = own.stream().filter(voter -> lineage(voter).number() == newest).toList();
    Set<Lineage> lineages = candidates.stream().map(VoterSearch::lineage).collect(Collectors.toSet());
    return lineages.size() == 1 ? Optional.of(candidates.getFirst()) : Optional.empty();
  }

  /** Why voters that answered were of no use, too. */
  List<String> reasons(Optional<Lineage> known) {
    List<String> reasons = new ArrayList<>(tried);
    for (Discovery.Voter voter : voters) {
      if (known.isPresent() && known.get().replaces(lineage(voter))) {
        reasons.add("voter " + voter.voter().address() + " is in " + lineage(voter) + ", a former lineage of this cluster");
      } else if (known.isPresent() && known.get().contradicts(lineage(voter))
          || voters.stream().anyMatch(other -> lineage(other).contradicts(lineage(voter)))) {
        reasons.add("voter " + voter.voter().address() + " is in " + lineage(voter) + ": the cluster was recovered twice. Stop "
            + "one of both, empty its data directory but for cluster.key, and start it again");
      }
    }
    return reasons;
  }

  static Lineage lineage(Discovery.Voter voter) {
    return new Lineage(voter.clusterId());
  }
}
