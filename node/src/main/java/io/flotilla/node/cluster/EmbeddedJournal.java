package io.flotilla.node.cluster;

import io.flotilla.config.cluster.ConfigPrimary;
import io.flotilla.http.admin.Journal;
import io.flotilla.journal.StoredJournal;
import io.flotilla.journal.raft.JournalReply.VoterStorage;
import io.flotilla.journal.raft.NodeRecord;
import io.flotilla.journal.raft.VoterPeer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.function.Supplier;

/** The journal that the voters keep. Each is asked for itself and at the same time, so that a dead one costs a second at most. */
final class EmbeddedJournal implements Journal {
  private static final String ENGINE = "embedded";
  private static final Duration PATIENCE = Duration.ofSeconds(1);

  private final Supplier<Optional<RaftMembership>> raft;

  EmbeddedJournal(Supplier<Optional<RaftMembership>> raft) {
    this.raft = raft;
  }

  private record Asked(VoterPeer peer, CompletableFuture<Optional<VoterStorage>> storage) {}

  @Override
  public CompletionStage<Report> report() {
    Optional<RaftMembership> found = raft.get();
    if (found.isEmpty()) {
      return CompletableFuture.completedFuture(
          new Report(ENGINE, Optional.empty(), List.of(), List.of(), "this node has found no voter yet"));
    }
    RaftMembership membership = found.get();
    List<Asked> asked = membership.voters().stream()
        .map(peer -> new Asked(peer, membership.storage(peer, ConfigPrimary.PERSISTENCE_ID.id(), PATIENCE))).toList();
    CompletableFuture<List<NodeRecord>> nodes = membership.knownNodes(PATIENCE);
    return CompletableFuture.allOf(asked.stream().map(Asked::storage).toArray(CompletableFuture[]::new))
        .thenCombine(nodes, (all, records) -> report(asked, records));
  }

  private static Report report(List<Asked> asked, List<NodeRecord> nodes) {
    List<Voter> voters = new ArrayList<>();
    for (Asked one : asked) {
      Optional<VoterStorage> storage = one.storage().join();
      String name = nodes.stream().filter(node -> node.raftPeerId().filter(one.peer().id()::equals).isPresent())
          .map(NodeRecord::name).findFirst().orElse("");
      voters.add(new Voter(name, one.peer().address(), storage.isPresent(), number(storage.map(VoterStorage::logBytes)),
          number(storage.map(VoterStorage::snapshotBytes))));
    }
    voters.sort(Comparator.comparing(Voter::node).thenComparing(Voter::raftAddress));
    // One that is behind still knows what others have deleted.
    Optional<StoredJournal> stored = asked.stream().flatMap(one -> one.storage().join().stream()).map(VoterStorage::journal)
        .max(Comparator.comparingLong(StoredJournal::highest));
    return new Report(ENGINE, stored, voters,
        nodes.stream().map(node -> new Node(node.name(), node.remotingAddress(), node.roles())).toList(), trouble(voters));
  }

  static String trouble(List<Voter> voters) {
    List<String> trouble = new ArrayList<>();
    List<String> silent = voters.stream().filter(voter -> !voter.reachable()).map(EmbeddedJournal::name).toList();
    if (!silent.isEmpty()) {
      trouble.add("voters that do not answer: " + String.join(", ", silent) + "; the others keep their logs for them until they "
          + "return, or are replaced");
    }
    List<String> large = voters.stream()
        .filter(voter -> Journal.isLargeLog(voter.logBytes().orElse(0), voter.snapshotBytes().orElse(0)))
        .map(voter -> name(voter) + " (" + LogGrowth.mebibytes(voter.logBytes().orElse(0)) + ")").toList();
    if (!large.isEmpty()) {
      trouble.add("Raft logs that are far too large: " + String.join(", ", large) + "; " + LogGrowth.ADVICE);
    }
    return String.join(". ", trouble);
  }

  private static String name(Voter voter) {
    return voter.node().isEmpty() ? voter.raftAddress() : voter.node();
  }

  private static OptionalLong number(Optional<Long> value) {
    return value.map(OptionalLong::of).orElseGet(OptionalLong::empty);
  }

  @Override
  public Optional<Own> own() {
    return raft.get().flatMap(membership -> membership.ownStorage(ConfigPrimary.PERSISTENCE_ID.id()))
        .map(storage -> new Own(storage.journal(), OptionalLong.of(storage.logBytes()),
            OptionalLong.of(storage.snapshotBytes())));
  }
}
