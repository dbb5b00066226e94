package io.flotilla.node.cluster;

import com.typesafe.config.Config;
import com.typesafe.config.ConfigFactory;
import io.flotilla.claim.ClaimClient;
import io.flotilla.config.cluster.ConfigClient;
import io.flotilla.config.cluster.MemberNames;
import io.flotilla.config.cluster.ReplicaReport;
import io.flotilla.config.model.ClusterKey;
import io.flotilla.config.model.EntityCodec;
import io.flotilla.config.view.LiveConfig;
import io.flotilla.config.view.NodeIdentity;
import io.flotilla.http.admin.Voters;
import io.flotilla.journal.raft.Generation;
import io.flotilla.journal.raft.RaftQuorumSetup;
import io.flotilla.node.DataDirectory;
import io.flotilla.node.NodeSettings;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.BiFunction;
import java.util.function.Consumer;
import org.apache.pekko.actor.Address;
import org.apache.pekko.actor.AddressFromURIString;
import org.apache.pekko.actor.BootstrapSetup;
import org.apache.pekko.actor.setup.ActorSystemSetup;
import org.apache.pekko.actor.typed.ActorSystem;
import org.apache.pekko.actor.typed.javadsl.AskPattern;
import org.apache.pekko.cluster.Member;
import org.apache.pekko.cluster.MemberStatus;
import org.apache.pekko.cluster.typed.Cluster;
import org.apache.pekko.cluster.typed.Join;
import org.apache.pekko.cluster.typed.JoinSeedNodes;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The control plane of a node: Raft and the clustered actor system, which can end and start again while the node goes on
 * serving. One thread of its own opens Raft, learns which generation of the cluster is valid, starts the actor system in
 * it, and watches: a downed system, a newer generation or a changed vote lead back to the beginning.
 */
public final class ControlPlane {
  private static final Logger log = LoggerFactory.getLogger(ControlPlane.class);
  private static final String SYSTEM = "flotilla";
  private static final Duration STEP_PAUSE = Duration.ofMillis(150);
  private static final Duration WATCH_INTERVAL = Duration.ofSeconds(2);
  private static final Duration UNSETTLED_WATCH_INTERVAL = Duration.ofMillis(300);
  private static final Duration COMPLAINT_INTERVAL = Duration.ofSeconds(30);
  private static final Duration FAILURE_PAUSE = Duration.ofSeconds(2);
  private static final Duration ADMISSION_PATIENCE = Duration.ofSeconds(10);
  private static final Duration DESIGNATION_TIMEOUT = Duration.ofSeconds(3);
  private static final Duration TERMINATION_PATIENCE = Duration.ofSeconds(15);

  private final NodeSettings settings;
  private final DataDirectory data;
  private final ClusterKey key;
  private final ClusterGuardian.Surroundings surroundings;
  private final Consumer<String> refused;
  private final AtomicReference<VoterAnswer> answer;
  /** Ends a pause before its time. */
  private final Semaphore wakeUps = new Semaphore(0);
  private volatile boolean stopping;
  private volatile Optional<String> rejoinWanted = Optional.empty();
  private final Thread thread;
  private volatile Optional<RaftMembership> raft = Optional.empty();
  private final Voters voters = new VoterAdministration(() -> raft);
  private volatile Optional<ActorSystem<ClusterGuardian.Command>> system = Optional.empty();
  private volatile long generation;
  private String lastComplaint = "";
  private long lastComplaintNanos;

  /**
   * @param report makes this node's report to the primary, given whether it is catching up
   * @param refused is told, once, why this node may not be in the cluster
   */
  public ControlPlane(NodeSettings settings, DataDirectory data, ClusterKey key, LiveConfig live, EntityCodec codec,
      ConfigClient client, ClaimClient claims, ClusterEvents events, BiFunction<Boolean, LiveConfig, ReplicaReport> report,
      Consumer<String> refused) {
    this.settings = settings;
    this.data = data;
    this.key = key;
    this.refused = refused;
    this.answer = new AtomicReference<>(VoterAnswer.none(settings.name(), key.id()));
    this.surroundings = new ClusterGuardian.Surroundings(
        settings, live, codec, client, claims, events, report, this::rememberMembership, this::rejoin);
    this.thread = Thread.ofPlatform().name("control-plane").unstarted(this::run);
  }

  public void start() {
    thread.start();
  }

  /** The generation this node's actor system is in, 0 if none runs. */
  public long generation() {
    return generation;
  }

  /** Who keeps the journal, as an administrator sees and changes it. */
  public Voters voters() {
    return voters;
  }

  public boolean isVoter() {
    return raft.map(RaftMembership::isAdmitted).orElse(false);
  }

  /** Leaves the cluster and stops Raft, in this order; returns when done or out of patience. */
  public void stop() {
    raft.ifPresent(membership -> membership.transferLeadership(Duration.ofSeconds(2)));
    stopping = true;
    wakeUps.release();
    try {
      thread.join(TERMINATION_PATIENCE.plusSeconds(5));
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /** Leaves the cluster and joins it again; returns at once. */
  private void rejoin(String why) {
    rejoinWanted = Optional.of(why);
    wakeUps.release();
  }

  /**
   * Has a node become the primary. Completes when the present primary has begun to hand over; the answer says why not, if
   * it does not.
   */
  public CompletionStage<Optional<String>> designatePrimary(String node) {
    Optional<ActorSystem<ClusterGuardian.Command>> running = system;
    Optional<Member> primary = running.flatMap(one -> NodeControl.primary(Cluster.get(one)));
    if (primary.isEmpty()) {
      return CompletableFuture.failedFuture(new ConfigClient.PrimaryUnavailableException(
          "this node knows no primary at the moment, so there is nobody to hand over"));
    }
    return AskPattern.<NodeControl.Command, NodeControl.DesignateReply>ask(NodeControl.at(running.get(), primary.get()),
        replyTo -> new NodeControl.DesignatePrimary(node, replyTo), DESIGNATION_TIMEOUT, running.get().scheduler())
        .thenApply(reply -> switch (reply) {
          case NodeControl.Designated designated -> Optional.empty();
          case NodeControl.Refused refused -> Optional.of(refused.reason());
        });
  }

  private void run() {
    try {
      Optional<RaftMembership> opened = openRaft();
      Optional<VoterKeeper> keeper = opened.map(VoterKeeper::new);
      while (opened.isPresent() && !isStopping()) {
        tryASession(opened.get(), keeper.orElseThrow());
      }
    } catch (ClusterRefusedException e) {
      refused.accept(e.getMessage());
    } finally {
      raft.ifPresent(RaftMembership::close);
    }
  }

  private Optional<RaftMembership> openRaft() throws ClusterRefusedException {
    while (!isStopping()) {
      try {
        switch (RaftMembership.open(settings, data, key, answer)) {
          case RaftMembership.Opened opened -> {
            raft = Optional.of(opened.membership());
            return raft;
          }
          case RaftMembership.NobodyThere nobody -> complain("No seed node can be asked for the cluster ("
              + String.join("; ", nobody.tried()) + "). This node keeps trying and meanwhile serves configuration version "
              + surroundings.live().view().config().version() + " from its boot cache.");
        }
      } catch (IOException e) {
        complain("The journal cannot be opened: " + e.getMessage() + ". This node keeps trying.");
      }
      pause(STEP_PAUSE.multipliedBy(2));
    }
    return Optional.empty();
  }

  /** Whatever a session fails of, such as a port that is taken, may pass; the voter must not go with it. */
  private void tryASession(RaftMembership membership, VoterKeeper keeper) throws ClusterRefusedException {
    try {
      runSession(membership, keeper);
    } catch (ClusterRefusedException e) {
      throw e;
    } catch (Exception e) {
      log.debug("The clustered actor system failed", e);
      complain("This node is in no cluster, because its clustered actor system failed: " + e.getMessage()
          + ". It keeps trying and goes on serving.");
      pause(FAILURE_PAUSE);
    }
  }

  private void runSession(RaftMembership membership, VoterKeeper keeper) throws ClusterRefusedException {
    Formation formation = new Formation(settings, data.nodeId(), key, membership);
    Formation.Step step = decide(membership, formation, keeper);
    switch (step) {
      case Formation.Found found -> session(membership, formation, keeper, found.generation(), List.of());
      case Formation.Join join -> session(membership, formation, keeper, join.generation(), join.addresses());
      case Formation.WaitFor stopped -> { }
    }
  }

  /** Repeats until there is a cluster to found or to join. */
  private Formation.Step decide(RaftMembership membership, Formation formation, VoterKeeper keeper) throws ClusterRefusedException {
    long begun = System.nanoTime();
    boolean registered = false;
    Formation.Step step = new Formation.WaitFor("the voters");
    while (!isStopping()) {
      try {
        registered = !membership.reopenIfFailed() && registered;
        registered = !membership.tendOwnVoter() && registered;
        step = registered ? formation.next() : formation.register();
        registered = registered || !(step instanceof Formation.WaitFor);
        keeper.tend();
        boolean admissionPending = membership.hasVoter() && !membership.isAdmitted()
            && System.nanoTime() - begun < ADMISSION_PATIENCE.toNanos();
        if (!(step instanceof Formation.WaitFor) && !admissionPending) {
          return step;
        }
        if (step instanceof Formation.WaitFor wait && System.nanoTime() - begun > COMPLAINT_INTERVAL.toNanos()) {
          complain("This node is in no cluster: it waits for " + wait.what());
        }
      } catch (IOException e) {
        complain("This node is in no cluster: " + e.getMessage() + ". It keeps trying and goes on serving.");
      }
      pause(STEP_PAUSE);
    }
    return new Formation.WaitFor("nothing, it is stopping");
  }

  private void session(
      RaftMembership membership, Formation formation, VoterKeeper keeper, long newGeneration, List<String> addresses) {
    boolean voting = membership.isAdmitted();
    rejoinWanted = Optional.empty();
    generation = newGeneration;
    ActorSystem<ClusterGuardian.Command> running = ActorSystem.create(
        ClusterGuardian.create(surroundings), SYSTEM,
        ActorSystemSetup.create(
            BootstrapSetup.create(systemConfig(membership, newGeneration, voting)),
            new RaftQuorumSetup(membership.quorum())));
    system = Optional.of(running);
    Cluster cluster = Cluster.get(running);
    if (addresses.isEmpty()) {
      cluster.manager().tell(Join.create(cluster.selfMember().address()));
    } else {
      List<Address> seeds = addresses.stream()
          .map(address -> AddressFromURIString.parse("pekko://" + SYSTEM + "@" + address)).toList();
      cluster.manager().tell(new JoinSeedNodes(seeds));
    }
    String why = watch(membership, formation, keeper, running, voting);
    generation = 0;
    answer.set(VoterAnswer.none(settings.name(), key.id()));
    surroundings.client().detach();
    surroundings.claims().detach();
    end(running);
    system = Optional.empty();
    surroundings.events().controlPlaneEnded(why);
  }

  /** Returns why the session has to end. */
  private String watch(RaftMembership membership, Formation formation, VoterKeeper keeper,
      ActorSystem<ClusterGuardian.Command> running, boolean voting) {
    boolean toldRegistry = true;
    while (!isStopping()) {
      if (running.getWhenTerminated().toCompletableFuture().isDone()) {
        return "its actor system ended; it was downed, or could not join";
      }
      if (rejoinWanted.isPresent()) {
        return rejoinWanted.get();
      }
      rememberMembership(Cluster.get(running));
      try {
        membership.rememberVoters();
        toldRegistry = !membership.reopenIfFailed() && toldRegistry;
        toldRegistry = !membership.tendOwnVoter() && toldRegistry;
        toldRegistry = toldRegistry || formation.enterAgain();
        if (membership.isAdmitted() != voting) {
          return voting ? "its vote was taken away" : "it was given a vote";
        }
        keeper.tend();
        if (!formation.holdsItsName()) {
          return "another node took the name " + settings.name() + " while this one was out of reach";
        }
        long valid = formation.generation().map(Generation::number).orElse(0L);
        if (valid > generation) {
          return "generation " + valid + " of the cluster was founded, this node was in " + generation;
        }
      } catch (IOException e) {
        log.debug("The voters do not answer: {}", e.getMessage());
      }
      boolean unsettled = answer.get().generation() == 0
          || membership.isLeader() && membership.voters().size() < settings.seedNodes().size();
      pause(unsettled ? UNSETTLED_WATCH_INTERVAL : WATCH_INTERVAL);
    }
    return "this node is stopping";
  }

  private Config systemConfig(RaftMembership membership, long newGeneration, boolean voting) {
    List<String> roles = new ArrayList<>(settings.roles());
    roles.remove(NodeIdentity.VOTER);
    if (voting) {
      roles.add(NodeIdentity.VOTER);
    }
    roles.add(MemberNames.nameRole(settings.name()));
    Map<String, Object> own = new HashMap<>();
    own.put("pekko.remote.artery.canonical.hostname", settings.bind().host());
    own.put("pekko.remote.artery.canonical.port", settings.bind().port());
    own.put("pekko.cluster.roles", roles);
    own.put(GenerationCompatibility.CLUSTER_ID, membership.clusterId().toString());
    own.put(GenerationCompatibility.KEY_ID, key.id());
    own.put(GenerationCompatibility.GENERATION, newGeneration);
    own.put("flotilla.data-directory", data.path().toString());
    return ConfigFactory.parseMap(own).withFallback(settings.config());
  }

  private void rememberMembership(Cluster cluster) {
    boolean up = cluster.selfMember().status() == MemberStatus.up();
    answer.set(up
        ? new VoterAnswer(generation, settings.name(), key.id(), ClusterGuardian.seen(cluster))
        : VoterAnswer.none(settings.name(), key.id()));
  }

  private void end(ActorSystem<ClusterGuardian.Command> running) {
    running.terminate();
    // The next one needs the same port; only a node that stops needs not wait for more than its patience.
    do {
      try {
        running.getWhenTerminated().toCompletableFuture().get(TERMINATION_PATIENCE.toMillis(), TimeUnit.MILLISECONDS);
        return;
      } catch (TimeoutException | ExecutionException e) {
        log.warn("The clustered actor system did not end within {} s", TERMINATION_PATIENCE.toSeconds());
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        return;
      }
    } while (!isStopping());
  }

  private boolean isStopping() {
    return stopping;
  }

  private void pause(Duration time) {
    try {
      if (wakeUps.tryAcquire(time.toMillis(), TimeUnit.MILLISECONDS)) {
        wakeUps.drainPermits();
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      stopping = true;
    }
  }

  private void complain(String message) {
    long now = System.nanoTime();
    if (!message.equals(lastComplaint) || now - lastComplaintNanos > COMPLAINT_INTERVAL.toNanos()) {
      log.warn(message);
      lastComplaint = message;
      lastComplaintNanos = now;
    }
  }
}
