package io.flotilla.node.cluster;

import io.flotilla.config.model.ClusterConfig;
import io.flotilla.config.model.ClusterKey;
import io.flotilla.config.model.EntityCodec;
import io.flotilla.config.model.SecretSealer;
import io.flotilla.config.view.BootCache;
import io.flotilla.config.view.NodeIdentity;
import io.flotilla.journal.raft.Discovery;
import io.flotilla.journal.raft.JournalRecovery;
import io.flotilla.journal.raft.JournalRecovery.Remains;
import io.flotilla.journal.raft.Lineage;
import io.flotilla.journal.raft.RaftTls;
import io.flotilla.journal.raft.VoterPeer;
import io.flotilla.node.DataDirectory;
import io.flotilla.node.HostPort;
import io.flotilla.node.NodeSettings;
import io.flotilla.tls.ClusterTls;
import java.io.IOException;
import java.nio.file.Files;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * Lets one node go on with the cluster alone when a majority of the voters' disks is lost: it begins a new lineage of which it
 * is the only voter. Offline: it holds the node's data directory, so the node can't run. First it only looks, and refuses where
 * something would be lost that need not be; {@link #begin} then changes the directory.
 */
public final class LoneRecovery implements AutoCloseable {

  /** It must not be done, or need not; the message says what to do instead. */
  public static final class RefusedException extends Exception {
    private static final long serialVersionUID = 1L;

    RefusedException(String message) {
      super(message);
    }
  }

  private static final Duration ELECTION_PATIENCE = Duration.ofSeconds(10);

  private final NodeSettings settings;
  private final DataDirectory data;
  private final Lineage former;
  private final Optional<Remains> journal;
  private final ClusterConfig cached;
  private final VoterSearch search;

  private LoneRecovery(NodeSettings settings, DataDirectory data, Lineage former, Optional<Remains> journal,
      ClusterConfig cached, VoterSearch search) {
    this.settings = settings;
    this.data = data;
    this.former = former;
    this.journal = journal;
    this.cached = cached;
    this.search = search;
  }

  /**
   * Looks at what the node has and at who else is there; blocks for some ten seconds if there may be others, at most about half a minute.
   *
   * @throws IOException if the data directory is in use or can't be read
   */
  public static LoneRecovery prepare(NodeSettings settings) throws IOException, RefusedException {
    if (settings.database().isPresent()) {
      throw new RefusedException("the journal of this node is in PostgreSQL (flotilla.journal.engine): restore the database");
    }
    if (Files.notExists(settings.dataDirectory())) {
      throw new RefusedException("there is no data directory " + settings.dataDirectory() + " (--data)");
    }
    DataDirectory data = DataDirectory.open(settings.dataDirectory());
    try {
      return prepare(settings, data);
    } catch (IOException | RefusedException | RuntimeException e) {
      data.close();
      throw e;
    }
  }

  private static LoneRecovery prepare(NodeSettings settings, DataDirectory data) throws IOException, RefusedException {
    if (Files.notExists(data.clusterKeyFile())) {
      throw new RefusedException("there is no " + data.clusterKeyFile() + ", and without the cluster's key its passwords and keys "
          + "can't be read; copy it there from a backup or another node");
    }
    Optional<Lineage> known = data.clusterId().map(Lineage::new);
    List<Remains> remains = JournalRecovery.find(data.raftDirectory()).stream()
        .filter(one -> known.isEmpty() || one.lineage().isOfSameCluster(known.get())).toList();
    Optional<Remains> journal = remains.stream().findFirst();
    Lineage former = Stream.concat(known.stream(), remains.stream().map(Remains::lineage))
        .max(Comparator.comparingInt(Lineage::number))
        .orElseThrow(() -> new RefusedException(data.path() + " belongs to no cluster yet: there is nothing to recover"));
    ClusterConfig cached = bootCache(data);
    if (journal.isEmpty() && cached.version() == 0) {
      throw new RefusedException(data.path() + " holds neither a readable journal nor a configuration in its boot cache. Form a new "
          + "cluster and restore a backup");
    }
    if (journal.isEmpty() && !settings.roles().contains(NodeIdentity.PRIMARY)) {
      throw new RefusedException("only the boot cache is left here, and this node does not have the role primary, which it needs to "
          + "bring that in; give it --roles gateway,primary,voter");
    }
    String address = raftAddress(settings);
    if (journal.filter(one -> one.inPlace() && one.isAlone() && one.damage().isEmpty()
        && one.self().map(VoterPeer::address).equals(Optional.of(address))).isPresent()) {
      throw new RefusedException("this node is the only voter of its cluster already, at this address, and its journal is whole: "
          + "start it without --recover-alone");
    }
    List<String> voters = journal.stream().flatMap(one -> Stream.concat(one.voters().stream(), one.self().stream()))
        .map(VoterPeer::address).distinct().toList();
    Optional<RaftTls> tls = settings.clusterTls()
        ? Optional.of(RaftMembership.tls(ClusterTls.of(ClusterKey.read(data.clusterKeyFile()), settings.name(), data.nodeId())))
        : Optional.empty();
    return new LoneRecovery(settings, data, former, journal, cached, askOthers(settings, data, former, journal, voters, tls));
  }

  /** Who else is there; refuses if they can go on, or may. Whoever starts or elects a leader meanwhile has the time for that. */
  private static VoterSearch askOthers(NodeSettings settings, DataDirectory data, Lineage former, Optional<Remains> journal,
      List<String> voters, Optional<RaftTls> tls) throws IOException, RefusedException {
    long begun = System.nanoTime();
    Set<String> asked = new TreeSet<>(voters);
    while (true) {
      VoterSearch search = VoterSearch.run(settings, data, asked, VoterSearch.THOROUGH, tls);
      refuse(whyOthersGoOn(search, former, journal));
      boolean askedAll = !asked.addAll(memberships(search, former).flatMap(List::stream).map(VoterPeer::address).toList());
      if (search.isOfNobody() || askedAll && System.nanoTime() - begun > ELECTION_PATIENCE.toNanos()) {
        refuse(whyOthersMayGoOn(search));
        return search;
      }
      pause();
    }
  }

  private static void refuse(Optional<String> why) throws RefusedException {
    if (why.isPresent()) {
      throw new RefusedException(why.get());
    }
  }

  private static void pause() throws IOException {
    try {
      TimeUnit.MILLISECONDS.sleep(500);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException("interrupted", e);
    }
  }

  /** What those who answer in a lineage say about who its voters are. */
  private static Stream<List<VoterPeer>> memberships(VoterSearch search, Lineage former) {
    return search.voters().stream().filter(voter -> VoterSearch.lineage(voter).equals(former) && voter.admitted())
        .map(Discovery.Voter::voters);
  }

  /**
   * Why the others don't need this node to go on alone. Whose list of voters is the newest can't be told, so a majority of any
   * counts.
   */
  static Optional<String> whyOthersGoOn(VoterSearch search, Lineage former, Optional<Remains> journal) {
    Optional<Lineage> newer = search.replacing(former).or(() -> search.contradicting(former));
    if (newer.isPresent()) {
      return Optional.of("the cluster was recovered already, and goes on as " + newer.get()
          + ": start this node without --recover-alone, and it joins that");
    }
    Optional<Discovery.Voter> led = search.voters().stream()
        .filter(voter -> VoterSearch.lineage(voter).equals(former) && voter.admitted() && voter.hasLeader()).findFirst();
    if (led.isPresent()) {
      return Optional.of("the voter at " + led.get().voter().address() + " answers and has a leader, so a majority of the "
          + "voters lives: start this node without --recover-alone");
    }
    Set<String> answering = search.voters().stream().filter(voter -> VoterSearch.lineage(voter).equals(former))
        .map(voter -> voter.voter().id()).collect(Collectors.toSet());
    Optional<VoterPeer> own = journal.filter(one -> one.inPlace() && one.damage().isEmpty()).flatMap(Remains::self);
    return Stream.concat(journal.stream().map(Remains::voters), memberships(search, former))
        .flatMap(voters -> whyMajority(voters, answering, own).stream()).findFirst();
  }

  private static Optional<String> whyMajority(List<VoterPeer> voters, Set<String> answering, Optional<VoterPeer> own) {
    List<VoterPeer> living = voters.stream().filter(voter -> answering.contains(voter.id())).toList();
    boolean couldVote = own.filter(self -> voters.stream().anyMatch(voter -> voter.id().equals(self.id()))).isPresent();
    return living.isEmpty() || living.size() + (couldVote ? 1 : 0) <= voters.size() / 2 ? Optional.empty()
        : Optional.of("the voters at " + living.stream().map(VoterPeer::address).collect(Collectors.joining(", "))
            + " answer and are a majority" + (couldVote ? " together with this node" : "")
            + ": start this node without --recover-alone, and nothing is lost");
  }

  /** Nobody knows what a silent one holds, and with whom it would go on when it wakes. */
  static Optional<String> whyOthersMayGoOn(VoterSearch search) {
    return search.silent().isEmpty() ? Optional.empty()
        : Optional.of("somebody listens there but does not answer: " + String.join(", ", search.silent()) + ". A voter that is frozen "
            + "or overloaded could go on when it wakes, and may hold more than this node. Wake it or stop it, or cut its machine off, "
            + "and try again");
  }

  private static ClusterConfig bootCache(DataDirectory data) throws IOException {
    EntityCodec codec = new EntityCodec(new SecretSealer(ClusterKey.read(data.clusterKeyFile())));
    try (BootCache cache = new BootCache(data.bootCacheFile(), codec)) {
      return cache.load().orElse(ClusterConfig.EMPTY);
    }
  }

  private static String raftAddress(NodeSettings settings) {
    return new HostPort(settings.bind().host(), settings.raftPort()).toString();
  }

  /** What there is to go on from, and what may be lost, for an administrator to decide by. */
  public List<String> report() {
    List<String> lines = new ArrayList<>();
    lines.add("Node " + settings.name() + " can go on alone with cluster " + former + ".");
    if (journal.isPresent()) {
      Remains remains = journal.get();
      lines.add("  journal      " + remains.directory() + remains.damage().map(why -> ", damaged: " + why).orElse(", whole"));
      lines.add("  its end      log index " + remains.index() + ", term " + remains.term()
          + remains.lastWritten().map(time -> ", written " + time).orElse(""));
      lines.add("  its voters   " + (remains.voters().isEmpty() ? "can't be read" : remains.voters().stream()
          .map(voter -> voter.address() + (remains.self().filter(voter::equals).isPresent() ? " (this node)" : ""))
          .collect(Collectors.joining(", "))));
    } else {
      lines.add("  journal      none that can be read: the history of the configuration is lost");
    }
    lines.add("  boot cache   " + (cached.version() == 0 ? "none" : cached.toString()));
    List<String> answering = search.voters().stream().map(voter -> voter.voter().address()).toList();
    lines.add("  answer now   " + (answering.isEmpty() ? "no other voters" : String.join(", ", answering) + ", without a leader"));
    search.tried().forEach(reason -> lines.add("  no answer    " + reason));
    if (journal.filter(one -> one.isAlone() && one.damage().isEmpty()).isPresent()) {
      lines.add("It was the only voter, and its journal is whole: nothing is lost.");
    } else {
      lines.addAll(List.of(
          "Whatever was acknowledged after that is lost. If the other voters' disks can be had back, start them instead.",
          "Of several voters that are left, recover the one with the highest term, and of those the highest log index.",
          "Former voters that return are set aside, and join with what this node has."));
    }
    if (!settings.roles().contains(NodeIdentity.PRIMARY)) {
      lines.add("This node does not have the role primary: no change can be made before a node with it joins.");
    }
    return lines;
  }

  /** Begins the new lineage; its only voter will be this node, at the address its settings say. */
  public Lineage begin() throws IOException {
    Lineage lineage = JournalRecovery.begin(data.raftDirectory(), former, journal, raftAddress(settings));
    data.keepClusterId(lineage.id());
    return lineage;
  }

  @Override
  public void close() throws IOException {
    data.close();
  }
}
