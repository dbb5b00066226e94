package io.flotilla.node.cluster;

import io.flotilla.http.admin.Voters;
import io.flotilla.journal.raft.JournalCommand;
import io.flotilla.journal.raft.JournalQuery;
import io.flotilla.journal.raft.JournalReply;
import io.flotilla.journal.raft.NodeRecord;
import io.flotilla.journal.raft.VoterPeer;
import io.flotilla.journal.raft.VoterWish;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * Who votes, for administrators, on any node: a change is a committed wish, which the leader carries out. The waiting is done
 * on virtual threads, one for each request, bounded in number.
 */
final class VoterAdministration implements Voters {
  private static final Duration POLL = Duration.ofMillis(200);
  private static final Duration PROGRESS_TIMEOUT = Duration.ofSeconds(1);

  private final RegistryWork<RaftMembership> work;

  VoterAdministration(Supplier<Optional<RaftMembership>> raft) {
    this.work = new RegistryWork<>(raft, "this node has found no voter yet");
  }

  @Override
  public CompletionStage<Report> list() {
    return work.run(membership -> {
      // Asked before the leader is, which may have to be found first: a dead voter must not cost its time twice.
      Progress progress = Progress.of(membership.voters(), membership);
      return report(state(membership), progress);
    });
  }

  @Override
  public CompletionStage<Outcome> add(String node, Duration patience) {
    return work.run(membership -> {
      State state = state(membership);
      Optional<Outcome> refusal = cannotVote(node, state, membership);
      return refusal.isPresent() ? refusal.get()
          : wish(membership, List.of(new VoterWish(node, true, Optional.empty())), patience, now -> now.votes(node));
    });
  }

  @Override
  public CompletionStage<Outcome> remove(String node, Duration patience) {
    return work.run(membership -> {
      State state = state(membership);
      Optional<NodeRecord> record = state.node(node);
      if (record.isEmpty()) {
        return unknown(node);
      }
      Optional<VoterPeer> peer = state.peer(record.get());
      Optional<String> reason = peer.flatMap(found -> VoterKeeper.whyNotRemoved(membership, found, state.admitted()));
      return reason.isPresent() ? new Refused("the vote of node " + node + " cannot be removed: " + reason.get())
          : wish(membership, List.of(new VoterWish(node, false, Optional.empty())), patience, now -> !now.votes(node));
    });
  }

  @Override
  public CompletionStage<Outcome> replace(String node, String by, Duration patience) {
    return work.run(membership -> {
      State state = state(membership);
      if (state.node(node).isEmpty()) {
        return unknown(node);
      }
      if (!state.votes(node) || node.equals(by)) {
        return new Refused(node.equals(by) ? "a node cannot be replaced by itself" : "node " + node + " is no voter");
      }
      Optional<Outcome> refusal = cannotVote(by, state, membership);
      return refusal.isPresent() ? refusal.get()
          : wish(membership,
              List.of(new VoterWish(by, true, Optional.empty()), new VoterWish(node, false, Optional.of(by))), patience,
              now -> now.votes(by) && !now.votes(node));
    });
  }

  @Override
  public CompletionStage<Outcome> forget(String node) {
    return work.run(membership -> {
      State state = state(membership);
      Optional<NodeRecord> record = state.node(node);
      if (record.isEmpty()) {
        return unknown(node);
      }
      if (state.votes(node)) {
        return new Refused("node " + node + " is a voter; remove its vote first: flotilla voters remove " + node);
      }
      if (isAlive(record.get(), membership)) {
        return new Refused("node " + node + " is running; stop it first");
      }
      return commit(membership, new JournalCommand.ForgetNode(record.get().nodeId()))
          .orElseGet(() -> new Settled(report(state, Progress.of(state.admitted(), membership))));
    });
  }

  private static Outcome unknown(String node) {
    return new Unknown("there is no node named " + node + " in the cluster's registry");
  }

  private static Optional<Outcome> cannotVote(String node, State state, RaftMembership membership) {
    Optional<NodeRecord> record = state.node(node);
    if (record.isEmpty()) {
      return Optional.of(unknown(node));
    }
    if (!state.votes(node) && !isAlive(record.get(), membership)) {
      return Optional.of(new Refused("node " + node + " does not run, so it cannot take over the journal; start it first"));
    }
    return Optional.empty();
  }

  private static boolean isAlive(NodeRecord node, RaftMembership membership) {
    return membership.askVoters().stream().flatMap(answer -> answer.members().stream())
        .anyMatch(member -> member.reachable() && member.address().equals(node.remotingAddress()));
  }

  private static Optional<Outcome> commit(RaftMembership membership, JournalCommand command) throws IOException {
    return RaftMembership.await(membership.quorum().submit(command).toCompletableFuture()) instanceof JournalReply.Refused refused
        ? Optional.of(new Refused(refused.reason())) : Optional.empty();
  }

  private static Outcome wish(RaftMembership membership, List<VoterWish> wishes, Duration patience, Predicate<State> done)
      throws IOException, InterruptedException {
    long deadline = System.nanoTime() + patience.toNanos();
    // A voter of an older release would refuse the wish, and then not know it.
    List<String> older = membership.voters().stream()
        .filter(peer -> membership.quorum().queryPeer(peer, new JournalQuery.ListWishes()).toCompletableFuture()
            .handle((reply, failure) -> reply instanceof JournalReply.Refused).join())
        .map(VoterPeer::address).toList();
    if (!older.isEmpty()) {
      return new Refused("the voters at " + older + " run an older release that cannot remember this; upgrade them first");
    }
    Optional<Outcome> refused = commit(membership, new JournalCommand.WishVoters(wishes));
    if (refused.isPresent()) {
      return refused.get();
    }
    State state = state(membership);
    while (!done.test(state) && System.nanoTime() < deadline) {
      Thread.sleep(POLL);
      try {
        state = state(membership);
      } catch (IOException e) {
        // The leader may just be removed; the wish is kept, and the next one carries it out.
        state = state.unsettled();
      }
    }
    Report report = report(state, Progress.of(state.admitted(), membership));
    return done.test(state) ? new Settled(report) : new UnderWay(report);
  }

  /** @param settled whether the membership is committed */
  private record State(List<NodeRecord> nodes, List<VoterPeer> admitted, boolean settled, Map<String, VoterWish> wishes,
      String leader) {
    Optional<NodeRecord> node(String name) {
      return VoterKeeper.named(name, nodes);
    }

    Optional<VoterPeer> peer(NodeRecord node) {
      return VoterKeeper.peerOf(node, admitted)
          .or(() -> node.raftAddress().flatMap(address -> VoterKeeper.at(address, admitted)));
    }

    /** While a change is under way, as if it had not happened. */
    boolean votes(String name) {
      VoterWish wish = wishes.get(name);
      return settled ? node(name).flatMap(this::peer).isPresent() : wish == null || !wish.votes();
    }

    /** Voters of the registry that have no vote. */
    List<VoterPeer> waiting() {
      return nodes.stream().filter(node -> node.raftPeerId().isPresent() && node.raftAddress().isPresent() && peer(node).isEmpty())
          .map(node -> new VoterPeer(node.raftPeerId().get(), node.raftAddress().get())).toList();
    }

    State unsettled() {
      return new State(nodes, admitted, false, wishes, leader);
    }
  }

  private static State state(RaftMembership membership) throws IOException {
    if (!(membership.ask(new JournalQuery.VoterProgress()) instanceof JournalReply.VoterProgress leader)) {
      throw new IOException("the leader of the voters runs an older release; upgrade it first");
    }
    return new State(membership.nodes(), leader.voters(), leader.settled(),
        membership.wishes().stream().collect(Collectors.toMap(VoterWish::node, Function.identity())), leader.peerId());
  }

  /** How far voters are; each is asked once, all at the same time. */
  private record Progress(RaftMembership membership,
      Map<String, CompletableFuture<Optional<JournalReply.VoterProgress>>> asked) {
    static Progress of(List<VoterPeer> voters, RaftMembership membership) {
      Progress progress = new Progress(membership, new HashMap<>());
      voters.forEach(progress::ask);
      return progress;
    }

    CompletableFuture<Optional<JournalReply.VoterProgress>> ask(VoterPeer voter) {
      return asked.computeIfAbsent(voter.id(), id -> membership.progress(voter, PROGRESS_TIMEOUT));
    }
  }

  private static Report report(State state, Progress progress) {
    state.admitted().forEach(progress::ask);
    state.waiting().forEach(progress::ask);
    List<Voter> voters = new ArrayList<>();
    for (VoterPeer peer : state.admitted()) {
      String name = state.nodes().stream().filter(node -> state.peer(node).filter(peer::equals).isPresent())
          .map(NodeRecord::name).findFirst().orElse("");
      voters.add(voter(name, peer, true, state, progress));
    }
    for (NodeRecord node : state.nodes()) {
      if (node.raftPeerId().isPresent() && node.raftAddress().isPresent() && state.peer(node).isEmpty()) {
        voters.add(voter(node.name(), new VoterPeer(node.raftPeerId().get(), node.raftAddress().get()), false, state, progress));
      }
    }
    Stream<String> pending = state.wishes().values().stream().filter(VoterWish::votes).map(VoterWish::node)
        .filter(name -> voters.stream().noneMatch(voter -> voter.node().equals(name)));
    pending.forEach(name -> voters.add(new Voter(name, "", "", false, false, false, OptionalLong.empty(),
        OptionalLong.empty(), OptionalLong.empty(), OptionalLong.empty(), "voter")));
    int count = state.admitted().size();
    return new Report(voters, count % 2 == 0
        ? Optional.of(count + " voters bear no more failures than " + (count - 1) + ": add one, or remove one") : Optional.empty());
  }

  private static Voter voter(String name, VoterPeer peer, boolean votes, State state, Progress asked) {
    Optional<JournalReply.VoterProgress> progress = asked.ask(peer).join();
    String wish = Optional.ofNullable(state.wishes().get(name)).map(one -> one.votes() ? "voter" : "removed").orElse("");
    return new Voter(name, peer.address(), peer.id(), votes, peer.id().equals(state.leader()), progress.isPresent(),
        number(progress.map(JournalReply.VoterProgress::appliedIndex)),
        number(progress.map(JournalReply.VoterProgress::committedIndex)),
        number(progress.map(JournalReply.VoterProgress::snapshotIndex)),
        number(progress.map(JournalReply.VoterProgress::logBytes)), wish);
  }

  private static OptionalLong number(Optional<Long> value) {
    return value.filter(known -> known >= 0).map(OptionalLong::of).orElseGet(OptionalLong::empty);
  }
}
