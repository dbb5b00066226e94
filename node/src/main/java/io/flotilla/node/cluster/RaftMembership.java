package io.flotilla.node.cluster;

import io.flotilla.config.cluster.ConfigPrimary;
import io.flotilla.config.model.ClusterKey;
import io.flotilla.config.view.NodeIdentity;
import io.flotilla.journal.raft.Discovery;
import io.flotilla.journal.raft.Generation;
import io.flotilla.journal.raft.JournalCommand;
import io.flotilla.journal.raft.JournalQuery;
import io.flotilla.journal.raft.JournalReply;
import io.flotilla.journal.raft.Lineage;
import io.flotilla.journal.raft.NewerFormatException;
import io.flotilla.journal.raft.NodeRecord;
import io.flotilla.journal.raft.QuorumSettings;
import io.flotilla.journal.raft.RaftJournalExtension;
import io.flotilla.journal.raft.RaftQuorum;
import io.flotilla.journal.raft.RaftQuorumSetup;
import io.flotilla.journal.raft.RaftSettings;
import io.flotilla.journal.raft.RaftTls;
import io.flotilla.journal.raft.RaftVoter;
import io.flotilla.journal.raft.VoterPeer;
import io.flotilla.journal.raft.VoterWish;
import io.flotilla.node.DataDirectory;
import io.flotilla.node.HostPort;
import io.flotilla.node.NodeSettings;
import io.flotilla.tls.ClusterTls;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicReference;
import org.apache.pekko.actor.ClassicActorSystemProvider;
import org.apache.pekko.actor.setup.Setup;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * This node's side of the Raft group: its voter, if it is one, and the quorum it asks. It runs before the clustered actor
 * system and apart from it. Methods block. Those that change something are for the control plane's own thread, those that ask
 * for any.
 */
final class RaftMembership implements ClusterRegistry {
  private static final Logger log = LoggerFactory.getLogger(RaftMembership.class);
  private static final Duration LEADERSHIP_TIMEOUT = Duration.ofSeconds(1);
  private static final Duration ANSWER_TIMEOUT = Duration.ofSeconds(2);
  private static final Duration LOG_LOOK_INTERVAL = Duration.ofSeconds(30);
  private static final Duration GIVE_UP_TIMEOUT = Duration.ofSeconds(5);

  private final NodeSettings settings;
  private final DataDirectory data;
  private final Optional<RaftTls> tls;
  private final AtomicReference<NodeAnswer> answer;
  private final Lineage lineage;
  private final RaftQuorum quorum;
  private final VoterKeeper keeper = new VoterKeeper(this);
  private final LineageWatch lineages;
  private final Leadership leadership = new Leadership(System::nanoTime);
  private final LogGrowth logGrowth = new LogGrowth();
  private long logLookedAtNanos = System.nanoTime();
  private volatile Optional<RaftVoter> voter;
  private volatile List<NodeRecord> lastNodes = List.of();
  private List<String> remembered = List.of();
  private boolean tooOld;
  private boolean changed;
  private volatile boolean silent;
  /** Why nobody is left to admit the voter that was opened again. */
  private volatile Optional<String> lost = Optional.empty();

  private RaftMembership(NodeSettings settings, DataDirectory data, Optional<RaftTls> tls, AtomicReference<NodeAnswer> answer,
      Lineage lineage, RaftQuorum quorum, Optional<RaftVoter> voter) {
    this.settings = settings;
    this.data = data;
    this.tls = tls;
    this.answer = answer;
    this.lineage = lineage;
    this.quorum = quorum;
    this.voter = voter;
    this.lineages = new LineageWatch(lineage, () -> VoterSearch.run(settings, data, addresses(), VoterSearch.QUICK, tls));
    quorum.useLocal(voter);
  }

  /**
   * Opens what the data directory holds, founds a new cluster if this node may, or finds one by the seed nodes.
   *
   * @param tls as all voters have it
   * @param answer what this node says when others ask its voter
   */
  static Opening open(NodeSettings settings, DataDirectory data, ClusterKey key, Optional<RaftTls> tls, AtomicReference<NodeAnswer> answer)
      throws IOException, ClusterRefusedException {
    RaftSettings raft = raftSettings(settings, data, tls);
    Optional<Lineage> known = data.clusterId().map(Lineage::new);
    Optional<Lineage> held = RaftVoter.clusterIn(data.raftDirectory()).map(Lineage::new);
    if (held.isEmpty() && known.isEmpty() && settings.mayForm()) {
      return form(settings, data, key, answer, raft);
    }
    VoterSearch search = VoterSearch.run(
        settings, data, List.of(), held.isPresent() ? VoterSearch.THOROUGH : VoterSearch.QUICK, tls);
    if (held.isPresent()) {
      // Before its voter can vote: in a newer lineage nobody counts what it votes for any more.
      Optional<Lineage> newer = known.filter(one -> one.replaces(held.get())).or(() -> search.replacing(held.get()));
      if (newer.isEmpty()) {
        return reopen(settings, data, answer, raft, held.get(), search);
      }
      log.error("The cluster was recovered as {} without this node, which kept the journal of {}. That journal is set aside in {}; "
          + "changes that were acknowledged only there are not in the cluster. This node joins as it is, and as a new voter if it "
          + "is one", newer.get(), held.get(), RaftVoter.setAside(data.raftDirectory(), held.get().id(), "superseded").orElse(null));
    }
    Optional<Discovery.Voter> found = search.member(known);
    if (found.isEmpty()) {
      return new NobodyThere(search.reasons(known), known.filter(one -> search.isOfNobody()).map(one ->
          "this node belongs to cluster " + one + ", but holds no journal, and knows no other voter (flotilla.seed-nodes)"));
    }
    Lineage lineage = VoterSearch.lineage(found.get());
    if (known.isPresent() && !known.get().isOfSameCluster(lineage)) {
      throw new ClusterRefusedException("this node belongs to cluster " + known.get() + ", but its seed nodes are in cluster "
          + lineage + "; correct flotilla.seed-nodes, or give it an empty data directory");
    }
    data.keepInitialized();
    return opened(settings, data, tls, answer, lineage, found.get().voters(), Optional.empty());
  }

  private static RaftSettings raftSettings(NodeSettings settings, DataDirectory data, Optional<RaftTls> tls) {
    return RaftSettings.of(data.raftDirectory(), settings.bind().host(), settings.raftPort()).withTls(tls);
  }

  private static Opening form(NodeSettings settings, DataDirectory data, ClusterKey key, AtomicReference<NodeAnswer> answer,
      RaftSettings raft) throws IOException, ClusterRefusedException {
    if (!settings.isVoter()) {
      throw new ClusterRefusedException("a node that forms a cluster must have the role voter");
    }
    VoterSearch search = VoterSearch.run(settings, data, List.of(), VoterSearch.THOROUGH, raft.tls());
    if (!search.voters().isEmpty()) {
      throw new ClusterRefusedException("the seed nodes are in cluster " + search.voters().getFirst().clusterId()
          + " already, so no other is formed beside it; start this node without --form and it joins them");
    }
    if (!search.silent().isEmpty()) {
      // A voter that is frozen or overloaded may be in a cluster, and must not wake beside a second one.
      return new NobodyThere(search.tried(), Optional.empty());
    }
    UUID clusterId = UUID.randomUUID();
    RaftVoter voter = RaftVoter.found(raft, clusterId, () -> answer.get().toBytes());
    Opening opened = opened(settings, data, raft.tls(), answer, new Lineage(clusterId), List.of(voter.self()), Optional.of(voter));
    log.info("Cluster {} was formed by this node with cluster key {}", clusterId, key.id());
    return opened;
  }

  private static Opening reopen(NodeSettings settings, DataDirectory data, AtomicReference<NodeAnswer> answer, RaftSettings raft,
      Lineage held, VoterSearch search) throws IOException, ClusterRefusedException {
    RaftVoter voter = RaftVoter.open(raft, () -> answer.get().toBytes());
    List<VoterPeer> peers = voter.voters();
    if (!voter.isAdmitted()) {
      peers = search.member(Optional.of(held)).map(Discovery.Voter::voters).orElse(List.of());
      if (peers.isEmpty()) {
        // Without a vote it knows nobody; it is of no use before one that has a vote can be asked.
        voter.close();
        return new NobodyThere(search.reasons(Optional.of(held)), voter.loss());
      }
    }
    return opened(settings, data, raft.tls(), answer, held, peers, Optional.of(voter));
  }

  /** @param voter is closed if this fails: the next try opens its directory again */
  private static Opening opened(NodeSettings settings, DataDirectory data, Optional<RaftTls> tls, AtomicReference<NodeAnswer> answer,
      Lineage lineage, List<VoterPeer> peers, Optional<RaftVoter> voter) throws ClusterRefusedException, IOException {
    try {
      keepLineage(data, lineage);
      return new Opened(new RaftMembership(settings, data, tls, answer, lineage,
          new RaftQuorum(lineage.id(), peers, QuorumSettings.DEFAULTS.withTls(tls)), voter));
    } catch (ClusterRefusedException | IOException | RuntimeException e) {
      voter.ifPresent(RaftVoter::close);
      throw e;
    }
  }

  private static void keepLineage(DataDirectory data, Lineage lineage) throws ClusterRefusedException, IOException {
    Optional<Lineage> known = data.clusterId().map(Lineage::new);
    if (known.isPresent() && !known.get().equals(lineage) && !lineage.replaces(known.get())) {
      throw new ClusterRefusedException("the data directory " + data.path() + " mixes cluster " + known.get()
          + " with the journal of cluster " + lineage + "; restore it as a whole");
    }
    if (!known.equals(Optional.of(lineage))) {
      known.ifPresent(former -> log.warn("Cluster {} was recovered and goes on as {}; this node goes on there", former, lineage));
      data.keepClusterId(lineage.id());
    }
  }

  /** What a cluster's TLS is to Raft. */
  static RaftTls tls(ClusterTls tls) {
    return new RaftTls(tls.keyManagers()[0], tls.trustManager());
  }

  Optional<RaftTls> tls() {
    return tls;
  }

  /** Remembers the voters for the next start: the seed nodes may not be among them any more. */
  private void rememberVoters() throws IOException {
    List<String> addresses = addresses();
    if (!addresses.isEmpty() && !addresses.equals(remembered)) {
      data.keepLastVoters(addresses);
      remembered = addresses;
    }
  }

  @Override
  public UUID clusterId() {
    return lineage.id();
  }

  @Override
  public Optional<String> over() {
    return lineages.replacing()
        .map(newer -> "cluster " + lineage + " was recovered by one of its voters alone, and goes on as " + newer)
        .or(() -> lost);
  }

  @Override
  public boolean tend() throws IOException {
    if (silent || hasVoter()) {
      lineages.tend(silent);
    }
    rememberVoters();
    changed = reopenIfFailed() || changed;
    if (lost.isPresent()) {
      return changed;
    }
    changed = tendOwnVoter() || changed;
    keeper.tend();
    watchLog();
    return changed;
  }

  private void watchLog() {
    if (System.nanoTime() - logLookedAtNanos > LOG_LOOK_INTERVAL.toNanos()) {
      logLookedAtNanos = System.nanoTime();
      ownStorage(ConfigPrimary.PERSISTENCE_ID.id())
          .flatMap(held -> logGrowth.observe(held.logBytes(), held.snapshotBytes())).ifPresent(log::warn);
    }
  }

  @Override
  public boolean isVoter() {
    return isAdmitted();
  }

  @Override
  public boolean awaitsAdmission() {
    return hasVoter() && !isAdmitted();
  }

  @Override
  public boolean isGrowing() {
    return isLeader() && voters().size() < settings.seedNodes().size();
  }

  @Override
  public List<NodeAnswer> answers() {
    return askVoters();
  }

  @Override
  public boolean enter(Optional<UUID> formerHolder) throws IOException {
    NodeRecord record = new NodeRecord(data.nodeId(), settings.name(), settings.bind().toString(),
        self().map(VoterPeer::address), self().map(VoterPeer::id), roles());
    boolean entered = await(quorum.submit(new JournalCommand.RegisterNode(record, formerHolder)).toCompletableFuture())
        instanceof JournalReply.NodeRegistered;
    changed = changed && !entered;
    return entered;
  }

  @Override
  public List<Entry> entries() throws IOException {
    return nodes().stream().map(node -> new Entry(node.nodeId(), node.name(), node.remotingAddress())).toList();
  }

  @Override
  public long generation() throws IOException {
    return ask(new JournalQuery.CurrentGeneration()) instanceof JournalReply.CurrentGeneration current
        ? current.generation().map(Generation::number).orElse(0L) : 0;
  }

  /** The leader's, when a majority of the voters, itself included, is in no cluster of the present generation. */
  @Override
  public boolean mayFound(long generation, List<NodeAnswer> answers) {
    long outside = answers.stream().filter(answer -> answer.generation() != generation || generation == 0).count();
    return isLeader() && isAdmitted() && outside > voters().size() / 2;
  }

  @Override
  public OptionalLong found(long expected) throws IOException {
    return await(quorum.submit(new JournalCommand.CompareAndSetGeneration(
        expected, data.nodeId(), settings.bind().toString())).toCompletableFuture())
        instanceof JournalReply.GenerationFounded founded
        ? OptionalLong.of(founded.generation().number()) : OptionalLong.empty();
  }

  /** The next leader may found; this node goes on as a voter. */
  @Override
  public void giveUpFounding() {
    voter.ifPresent(own -> own.transferLeadership(GIVE_UP_TIMEOUT));
  }

  @Override
  public String awaited(long generation) {
    return generation == 0
        ? "a majority of the voters " + voters() + " to found the cluster"
        : "a voter that is in generation " + generation + " of the cluster, or a majority to found the next";
  }

  /** A leader beside the primary saves each change a way over the network, and the load of it. */
  @Override
  public void followPrimary(ClassicActorSystemProvider system, String persistenceId, long heardEpoch) {
    if (isAdmitted() && RaftJournalExtension.get(system).holds(persistenceId, heardEpoch)) {
      voter.ifPresent(own -> leadership.take(() -> own.takeLeadership(LEADERSHIP_TIMEOUT)));
    }
  }

  @Override
  public void handOver(Duration timeout) {
    leadership.leave(() -> voter.ifPresent(own -> own.transferLeadership(timeout)));
  }

  @Override
  public Setup setup() {
    return new RaftQuorumSetup(quorum);
  }

  @Override
  public Map<String, Object> systemSettings() {
    return Map.of();
  }

  @Override
  public long epoch(ClassicActorSystemProvider system, String persistenceId) {
    return RaftJournalExtension.get(system).epoch(persistenceId);
  }

  RaftQuorum quorum() {
    return quorum;
  }

  boolean isLeader() {
    return voter.map(RaftVoter::isLeader).orElse(false);
  }

  private boolean hasVoter() {
    return voter.isPresent();
  }

  /** Whether this node's voter has a vote. */
  boolean isAdmitted() {
    return voter.map(RaftVoter::isAdmitted).orElse(false);
  }

  private Optional<VoterPeer> self() {
    return voter.map(RaftVoter::self);
  }

  /** The voters, from the surest source there is. */
  List<VoterPeer> voters() {
    return voter.filter(RaftVoter::isAdmitted).map(RaftVoter::voters).orElseGet(quorum::voters);
  }

  private List<String> addresses() {
    return voters().stream().map(VoterPeer::address).sorted().toList();
  }

  /** What each voter that answers says about the Pekko cluster. */
  List<NodeAnswer> askVoters() {
    List<CompletableFuture<Optional<NodeAnswer>>> asked = voters().stream()
        .map(peer -> quorum.queryPeer(peer, new JournalQuery.LocalStatus()).toCompletableFuture()
            .orTimeout(ANSWER_TIMEOUT.toMillis(), TimeUnit.MILLISECONDS)
            .handle((reply, failure) -> reply instanceof JournalReply.LocalStatus status
                ? NodeAnswer.of(status.nodeAnswer()) : Optional.<NodeAnswer>empty()))
        .toList();
    return asked.stream().map(CompletableFuture::join).flatMap(Optional::stream).toList();
  }

  /**
   * Opens the voter again if it closed itself or its log failed; true if it had to. One that met what only a newer release knows
   * stays closed until this node runs that release; the others go on without it.
   */
  private boolean reopenIfFailed() throws IOException {
    if (voter.isEmpty() || voter.get().isRunning() || voter.get().isTooOld() || tooOld) {
      return false;
    }
    log.warn("The Raft voter of this node stopped ({}); it is opened again",
        voter.get().failure().map(Throwable::toString).orElse("closed"));
    voter.get().close();
    try {
      voter = Optional.of(RaftVoter.open(
          raftSettings(settings, data, tls), () -> answer.get().toBytes()));
    } catch (NewerFormatException e) {
      tooOld = true;
      log.error("The Raft voter of this node stays closed, because a newer Flotilla wrote its journal ({}); install the newer "
          + "release on this node", e.getMessage());
      return false;
    }
    lost = voter.flatMap(RaftVoter::loss);
    quorum.useLocal(voter);
    return true;
  }

  /**
   * Starts or ends this node's voter as it is wished, and as it has come to be: a node that is to vote starts without a vote,
   * for the leader to admit; one whose vote was taken away for good ends, and its log is set aside.
   *
   * @return whether it did either, so that the registry has to be told
   */
  private boolean tendOwnVoter() throws IOException {
    Optional<Boolean> wished = wishes().stream().filter(wish -> wish.node().equals(settings.name())).map(VoterWish::votes).findFirst();
    boolean byItself = settings.isVoter() && settings.seedNodes().contains(settings.bind());
    if (voter.isEmpty() && wished.orElse(byItself)) {
      RaftVoter joined = RaftVoter.join(raftSettings(settings, data, tls),
          lineage.id(), () -> answer.get().toBytes());
      voter = Optional.of(joined);
      quorum.useLocal(voter);
      return true;
    }
    if (voter.isPresent() && !wished.orElse(true)) {
      String self = voter.get().self().id();
      // Before the smaller membership is committed, the larger one may still need this voter.
      boolean gone = ask(new JournalQuery.VoterProgress()) instanceof JournalReply.VoterProgress leader && leader.settled()
          && !leader.peerId().equals(self) && leader.voters().stream().noneMatch(peer -> peer.id().equals(self));
      if (gone) {
        quorum.useLocal(Optional.empty());
        voter.get().close();
        voter = Optional.empty();
        Optional<Path> aside = RaftVoter.setAside(data.raftDirectory(), lineage.id(), "removed");
        log.warn("The vote of this node was removed. It keeps no journal any more; its old one is in {}, and can be deleted",
            aside.map(Path::toString).orElse("no place"));
        return true;
      }
    }
    return false;
  }

  /** The roles of this node as the registry shows them: {@code voter} is whether it keeps the journal. */
  private List<String> roles() {
    List<String> roles = new ArrayList<>(settings.roles());
    roles.remove(NodeIdentity.VOTER);
    if (hasVoter()) {
      roles.add(NodeIdentity.VOTER);
    }
    return List.copyOf(roles);
  }

  /** This node's own voter; only it can change the membership, while it leads. */
  Optional<RaftVoter> voter() {
    return voter;
  }

  /** Whether a node's voter is let in without being asked for: seed nodes are. */
  boolean isSeed(String raftAddress) {
    return settings.seedNodes().stream()
        .anyMatch(address -> address.withPort(address.port() + 1).toString().equals(raftAddress));
  }

  /** The Raft addresses of the seed nodes other than this one. */
  List<HostPort> otherSeeds() {
    return settings.seedNodes().stream().filter(seed -> !seed.equals(settings.bind())).map(seed -> seed.withPort(seed.port() + 1))
        .toList();
  }

  List<VoterWish> wishes() throws IOException {
    return ask(new JournalQuery.ListWishes()) instanceof JournalReply.Wishes wishes ? wishes.wishes() : List.of();
  }

  /** How far a voter is; empty if it does not answer in time. */
  CompletableFuture<Optional<JournalReply.VoterProgress>> progress(VoterPeer peer, Duration patience) {
    return askPeer(peer, new JournalQuery.VoterProgress(), JournalReply.VoterProgress.class, patience);
  }

  /** What a voter holds; empty if it does not answer in time, or is of a release that does not tell. */
  CompletableFuture<Optional<JournalReply.VoterStorage>> storage(VoterPeer peer, String persistenceId, Duration patience) {
    return askPeer(peer, new JournalQuery.VoterStorage(persistenceId), JournalReply.VoterStorage.class, patience);
  }

  private <T extends JournalReply> CompletableFuture<Optional<T>> askPeer(
      VoterPeer peer, JournalQuery query, Class<T> answer, Duration patience) {
    return quorum.queryPeer(peer, query).toCompletableFuture()
        .orTimeout(patience.toMillis(), TimeUnit.MILLISECONDS)
        .handle((reply, failure) -> answer.isInstance(reply) ? Optional.of(answer.cast(reply)) : Optional.empty());
  }

  /** What this node's own voter holds; asks nobody. */
  Optional<JournalReply.VoterStorage> ownStorage(String persistenceId) {
    return voter.filter(RaftVoter::isRunning).flatMap(own -> {
      try {
        return Optional.of(own.storage(persistenceId));
      } catch (IOException e) {
        log.debug("The files of the own voter cannot be counted", e);
        return Optional.empty();
      }
    });
  }

  List<NodeRecord> nodes() throws IOException {
    if (ask(new JournalQuery.ListNodes()) instanceof JournalReply.Nodes nodes) {
      lastNodes = nodes.nodes();
      return lastNodes;
    }
    return List.of();
  }

  /** The registry's nodes, or those of the last time if it does not answer in time. */
  CompletableFuture<List<NodeRecord>> knownNodes(Duration patience) {
    return quorum.query(new JournalQuery.ListNodes()).toCompletableFuture()
        .orTimeout(patience.toMillis(), TimeUnit.MILLISECONDS)
        .handle((reply, failure) -> {
          if (reply instanceof JournalReply.Nodes nodes) {
            lastNodes = nodes.nodes();
          }
          return lastNodes;
        });
  }

  /** Asks the group and waits; an IOException says why there is no answer. */
  JournalReply ask(JournalQuery query) throws IOException {
    try {
      JournalReply reply = await(quorum.query(query).toCompletableFuture());
      silent = false;
      return reply;
    } catch (IOException e) {
      silent = true;
      throw e;
    }
  }

  static JournalReply await(CompletableFuture<JournalReply> reply) throws IOException {
    try {
      return reply.get(QuorumSettings.DEFAULTS.deadline().toMillis() + 1_000, TimeUnit.MILLISECONDS);
    } catch (ExecutionException e) {
      throw new IOException(e.getCause().getMessage(), e.getCause());
    } catch (TimeoutException e) {
      throw new IOException("the voters did not answer in time", e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException("interrupted", e);
    }
  }

  @Override
  public void close() {
    quorum.close();
    voter.ifPresent(RaftVoter::close);
  }
}
