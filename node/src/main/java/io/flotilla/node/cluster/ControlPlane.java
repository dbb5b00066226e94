package io.flotilla.node.cluster;

import com.typesafe.config.Config;
import com.typesafe.config.ConfigFactory;
import io.flotilla.claim.ClaimClient;
import io.flotilla.config.cluster.ClusterStatus;
import io.flotilla.config.cluster.ConfigClient;
import io.flotilla.config.cluster.ConfigPrimary;
import io.flotilla.config.cluster.MemberNames;
import io.flotilla.config.cluster.ReplicaReport;
import io.flotilla.config.model.ClusterKey;
import io.flotilla.config.model.EntityCodec;
import io.flotilla.config.view.LiveConfig;
import io.flotilla.config.view.NodeIdentity;
import io.flotilla.http.admin.ClusterConnections;
import io.flotilla.http.admin.ClusterNodes;
import io.flotilla.http.admin.Journal;
import io.flotilla.http.admin.Voters;
import io.flotilla.journal.raft.RaftTls;
import io.flotilla.node.DataDirectory;
import io.flotilla.node.HostPort;
import io.flotilla.node.NodeSettings;
import io.flotilla.tls.ClusterTls;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Executor;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.BiFunction;
import java.util.function.Consumer;
import java.util.stream.Collectors;
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
import org.apache.pekko.remote.artery.tcp.SSLEngineProviderSetup;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The control plane of a node: the registry of the cluster and the clustered actor system, which can end and start again while
 * the node goes on serving. One thread of its own opens the registry, learns which generation of the cluster is valid, starts the actor system in
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
  private static final Duration HAND_OVER_PATIENCE = Duration.ofSeconds(40);
  private static final Executor SOON = CompletableFuture.delayedExecutor(200, TimeUnit.MILLISECONDS);
  /** The states of members that are not to be the primary. */
  private static final Set<String> UNFIT = Set.of("draining", "unreachable");
  private static final Duration TERMINATION_PATIENCE = Duration.ofSeconds(15);

  /** Opens the registry of the cluster; an IOException may pass. */
  interface Opener {
    ClusterRegistry.Opening open(AtomicReference<NodeAnswer> answer) throws IOException, ClusterRefusedException;
  }

  private final NodeSettings settings;
  private final Opener opener;
  private final DataDirectory data;
  private final ClusterKey key;
  private final Optional<ClusterTls> tls;
  private final ClusterGuardian.Surroundings surroundings;
  private final Consumer<String> refused;
  private final AtomicReference<NodeAnswer> answer;
  /** Ends a pause before its time. */
  private final Semaphore wakeUps = new Semaphore(0);
  private volatile boolean stopping;
  private volatile Optional<String> rejoinWanted = Optional.empty();
  private final Thread thread;
  private volatile Optional<ClusterRegistry> registry = Optional.empty();
  private final Voters voters;
  private final ClusterConnections connections;
  private final ClusterNodes nodes;
  private final Journal journal;
  private volatile Optional<ActorSystem<ClusterGuardian.Command>> system = Optional.empty();
  private volatile long generation;
  /** Whether this node has been up since it last founded a generation. */
  private volatile boolean cameUp;
  private boolean registryIsSilent;
  private String lastComplaint = "";
  private long lastComplaintNanos;

  /**
   * @param tls what remoting and Raft are under, if they are
   * @param report makes this node's report to the primary, given whether it is catching up
   * @param refused is told, once, why this node may not be in the cluster
   */
  public ControlPlane(NodeSettings settings, DataDirectory data, ClusterKey key, Optional<ClusterTls> tls, LiveConfig live,
      EntityCodec codec, ConfigClient client, ClaimClient claims, DataPlane dataPlane, ClusterEvents events,
      BiFunction<Boolean, LiveConfig, ReplicaReport> report, Consumer<String> refused) {
    this(settings, opener(settings, data, key, tls), data, key, tls, live, codec, client, claims, dataPlane, events, report, refused);
  }

  private static Opener opener(NodeSettings settings, DataDirectory data, ClusterKey key, Optional<ClusterTls> tls) {
    if (settings.database().isPresent()) {
      return answer -> DatabaseRegistry.open(settings, settings.database().get(), data, key, answer);
    }
    Optional<RaftTls> raft = tls.map(RaftMembership::tls);
    return answer -> RaftMembership.open(settings, data, key, raft, answer);
  }

  ControlPlane(NodeSettings settings, Opener opener, DataDirectory data, ClusterKey key, Optional<ClusterTls> tls,
      LiveConfig live, EntityCodec codec, ConfigClient client, ClaimClient claims, DataPlane dataPlane, ClusterEvents events,
      BiFunction<Boolean, LiveConfig, ReplicaReport> report, Consumer<String> refused) {
    this.settings = settings;
    this.opener = opener;
    this.data = data;
    this.key = key;
    this.tls = tls;
    this.refused = refused;
    this.voters = settings.database().isPresent() ? new NoVoters(this::database) : new VoterAdministration(this::raft);
    this.journal = settings.database().isPresent() ? new DatabaseJournal(this::database) : new EmbeddedJournal(this::raft);
    this.connections = new MemberConnections(settings.name(), dataPlane.connections(), () -> system);
    this.nodes = new MemberNodes(settings.name(), dataPlane.node(), () -> system);
    this.answer = new AtomicReference<>(NodeAnswer.none(settings.name(), key.id()));
    this.surroundings = new ClusterGuardian.Surroundings(
        settings, live, codec, client, claims, dataPlane, events, report, this::rememberMembership, this::rejoin);
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

  /** The client connections of all nodes. */
  public ClusterConnections connections() {
    return connections;
  }

  /** Each node, as it is asked to let its clients go. */
  public ClusterNodes nodes() {
    return nodes;
  }

  /** Names and remoting addresses of the cluster's members; none while this node is in no cluster. Never blocks. */
  public Map<String, HostPort> members() {
    Map<String, HostPort> members = new HashMap<>();
    system.ifPresent(running -> Cluster.get(running).state().getMembers().forEach(member -> {
      Optional<String> host = member.address().getHost();
      Optional<Integer> port = member.address().getPort();
      if (host.isPresent() && port.isPresent()) {
        members.put(MemberNames.name(member), new HostPort(host.get(), port.get()));
      }
    }));
    return members;
  }

  /** What is stored of the journal. */
  public Journal journal() {
    return journal;
  }

  public boolean isVoter() {
    return registry.map(ClusterRegistry::isVoter).orElse(false);
  }

  private Optional<RaftMembership> raft() {
    return registry.flatMap(opened -> switch (opened) {
      case RaftMembership membership -> Optional.of(membership);
      case DatabaseRegistry database -> Optional.empty();
    });
  }

  private Optional<DatabaseRegistry> database() {
    return registry.flatMap(opened -> switch (opened) {
      case RaftMembership membership -> Optional.empty();
      case DatabaseRegistry database -> Optional.of(database);
    });
  }

  /** Leaves the cluster and closes the registry, in this order; returns when done or out of patience. */
  public void stop() {
    registry.ifPresent(opened -> opened.handOver(Duration.ofSeconds(2)));
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

  /**
   * Hands the role of the primary over to a node that is not being drained, if this one has it and there is one. Completes when another
   * node has it; the answer says why not, if it could not be, and is empty if there is nobody to have it.
   */
  public CompletionStage<Optional<String>> handOverPrimary() {
    Optional<ActorSystem<ClusterGuardian.Command>> running = system;
    if (running.isEmpty() || !NodeControl.isPrimary(Cluster.get(running.get()))) {
      return CompletableFuture.completedFuture(Optional.empty());
    }
    return surroundings.client().clusterStatus(DESIGNATION_TIMEOUT)
        .thenApply(status -> status.members().stream().filter(member -> UNFIT.contains(member.state()))
            .map(ClusterStatus.Member::name).collect(Collectors.toSet()))
        .thenCompose(unfit -> AskPattern.<NodeControl.Command, NodeControl.DesignateReply>ask(
            NodeControl.at(running.get(), Cluster.get(running.get()).selfMember()), replyTo -> new NodeControl.HandOver(unfit, replyTo),
            DESIGNATION_TIMEOUT, running.get().scheduler()))
        .thenCompose(reply -> switch (reply) {
          case NodeControl.Designated designated -> designated.node().equals(settings.name())
              ? CompletableFuture.completedFuture(Optional.empty())
              : awaitPrimary(designated.node(), System.nanoTime() + HAND_OVER_PATIENCE.toNanos());
          case NodeControl.Refused refused -> CompletableFuture.completedFuture(Optional.of(refused.reason()));
        });
  }

  private CompletionStage<Optional<String>> awaitPrimary(String heir, long deadline) {
    Optional<String> primary = system.flatMap(one -> NodeControl.primary(Cluster.get(one))).map(MemberNames::name);
    boolean isMoved = primary.isPresent() && !primary.get().equals(settings.name());
    if (isMoved || System.nanoTime() > deadline) {
      return CompletableFuture.completedFuture(isMoved ? Optional.empty()
          : Optional.of(heir + " did not become the primary within " + HAND_OVER_PATIENCE.toSeconds() + " s"));
    }
    return CompletableFuture.supplyAsync(() -> awaitPrimary(heir, deadline), SOON).thenCompose(next -> next);
  }

  private void run() {
    try {
      while (!isStopping()) {
        openRegistry();
        while (registry.isPresent() && registry.get().over().isEmpty() && !isStopping()) {
          tryASession(registry.get());
        }
        Optional<String> over = registry.flatMap(ClusterRegistry::over);
        if (over.isPresent()) {
          log.warn("This node looks for its cluster anew: {}", over.get());
          registry.ifPresent(ClusterRegistry::close);
          registry = Optional.empty();
        }
      }
    } catch (ClusterRefusedException e) {
      refused.accept(e.getMessage());
    } finally {
      registry.ifPresent(ClusterRegistry::close);
    }
  }

  /** Returns when the registry is open, or the node stops. */
  private void openRegistry() throws ClusterRefusedException {
    while (registry.isEmpty() && !isStopping()) {
      Duration pause = STEP_PAUSE.multipliedBy(2);
      try {
        switch (opener.open(answer)) {
          case ClusterRegistry.Opened opened -> {
            registry = Optional.of(opened.registry());
            return;
          }
          case ClusterRegistry.NobodyThere nobody -> {
            String why = nobody.loss().map(loss -> loss + "; stop it and run 'flotilla node --recover-alone', or restore its journal")
                .orElse("No seed node can be asked for the cluster (" + (nobody.tried().isEmpty()
                    ? "flotilla.seed-nodes names no other node" : String.join("; ", nobody.tried())) + ")");
            pause = nobody.loss().isPresent() ? FAILURE_PAUSE : pause;
            surroundings.client().troubled(why);
            complain(why + ". " + whatNext());
          }
        }
      } catch (IOException e) {
        cannotOpen(e.getMessage());
      } catch (RuntimeException e) {
        // Whatever it is may pass as well, and without this thread the node would never be in its cluster again.
        log.debug("Opening the journal failed", e);
        cannotOpen(e.toString());
        pause = FAILURE_PAUSE;
      }
      pause(pause);
    }
  }

  private void cannotOpen(String why) {
    surroundings.client().troubled(why);
    complain("The journal cannot be opened: " + why + ". This node keeps trying and meanwhile serves configuration version "
        + surroundings.live().view().config().version() + " from its boot cache.");
  }

  private String whatNext() throws IOException {
    return data.clusterId().isPresent()
        ? "This node keeps trying and meanwhile serves configuration version "
            + surroundings.live().view().config().version() + " from its boot cache."
        : settings.mayForm() ? "This node keeps trying; it forms no cluster as long as it can't be sure that there is none."
        : "This node keeps trying and never forms a cluster by itself; if there is none yet, start its first node with --form.";
  }

  /** Whatever a session fails of, such as a port that is taken, may pass; the voter must not go with it. */
  private void tryASession(ClusterRegistry opened) throws ClusterRefusedException {
    try {
      runSession(opened);
    } catch (ClusterRefusedException e) {
      throw e;
    } catch (Exception e) {
      log.debug("The clustered actor system failed", e);
      complain("This node is in no cluster, because its clustered actor system failed: " + e.getMessage()
          + ". It keeps trying and goes on serving.");
      pause(FAILURE_PAUSE);
    }
  }

  private void runSession(ClusterRegistry opened) throws ClusterRefusedException {
    Formation formation = new Formation(settings, data.nodeId(), key, opened);
    Formation.Step step = decide(opened, formation);
    switch (step) {
      case Formation.Found found -> found(opened, formation, found.generation());
      case Formation.Join join -> session(opened, formation, join.generation(), join.addresses());
      case Formation.WaitFor stopped -> { }
    }
  }

  /** A founder that does not come up, as when its port is taken, makes way for another: all others wait for a founder. */
  private void found(ClusterRegistry opened, Formation formation, long newGeneration) {
    cameUp = false;
    try {
      session(opened, formation, newGeneration, List.of());
    } finally {
      if (!cameUp && !isStopping()) {
        opened.giveUpFounding();
      }
    }
  }

  /** Repeats until there is a cluster to found or to join. */
  private Formation.Step decide(ClusterRegistry opened, Formation formation) throws ClusterRefusedException {
    long begun = System.nanoTime();
    boolean registered = false;
    Formation.Step step = new Formation.WaitFor("the registry of the cluster");
    while (!isStopping() && opened.over().isEmpty()) {
      try {
        registered = !opened.tend() && registered;
        step = registered ? formation.next() : formation.register();
        registered = registered || !(step instanceof Formation.WaitFor);
        boolean admissionPending = opened.awaitsAdmission()
            && System.nanoTime() - begun < ADMISSION_PATIENCE.toNanos();
        surroundings.client().troubled("");
        if (!(step instanceof Formation.WaitFor) && !admissionPending) {
          return step;
        }
        if (step instanceof Formation.WaitFor wait && System.nanoTime() - begun > COMPLAINT_INTERVAL.toNanos()) {
          complain("This node is in no cluster: it waits for " + wait.what());
        }
      } catch (IOException e) {
        surroundings.client().troubled(e.getMessage());
        complain("This node is in no cluster: " + e.getMessage() + ". It keeps trying and goes on serving.");
      }
      pause(STEP_PAUSE);
    }
    return new Formation.WaitFor("nothing, this registry is over");
  }

  private void session(ClusterRegistry opened, Formation formation, long newGeneration, List<String> addresses) {
    boolean voting = opened.isVoter();
    rejoinWanted = Optional.empty();
    ActorSystem<ClusterGuardian.Command> running = ActorSystem.create(
        ClusterGuardian.create(surroundings, opened), SYSTEM,
        secured(ActorSystemSetup.create(BootstrapSetup.create(systemConfig(opened, newGeneration, voting)), opened.setup())));
    generation = newGeneration;
    system = Optional.of(running);
    Optional<String> obstacle = addresses.isEmpty() ? whyNotFounded(opened, formation) : Optional.empty();
    if (obstacle.isEmpty()) {
      join(Cluster.get(running), addresses);
    }
    String why = obstacle.isPresent() ? obstacle.get() : watch(opened, formation, running, voting);
    generation = 0;
    answer.set(NodeAnswer.none(settings.name(), key.id()));
    surroundings.client().detach();
    surroundings.claims().detach();
    surroundings.dataPlane().sessions().detach();
    surroundings.dataPlane().lockNews().detach();
    end(running);
    system = Optional.empty();
    surroundings.events().controlPlaneEnded(why);
  }

  private ActorSystemSetup secured(ActorSystemSetup setup) {
    return tls.map(own -> setup.withSetup(SSLEngineProviderSetup.create(system -> new RemotingTls(own, system)))).orElse(setup);
  }

  /** The founder joins itself, everybody else those who are there. */
  private static void join(Cluster cluster, List<String> addresses) {
    if (addresses.isEmpty()) {
      cluster.manager().tell(Join.create(cluster.selfMember().address()));
    } else {
      List<Address> seeds = addresses.stream()
          .map(address -> AddressFromURIString.parse("pekko://" + SYSTEM + "@" + address)).toList();
      cluster.manager().tell(new JoinSeedNodes(seeds));
    }
  }

  /**
   * A founder that slept or was deposed after its generation was committed must not begin a cluster beside the one that the
   * others have founded since. So it asks again, as late as it can; and writes before it asks, because a leader that was deposed
   * without knowing it still answers questions, but commits nothing.
   */
  private Optional<String> whyNotFounded(ClusterRegistry opened, Formation formation) {
    try {
      if (!formation.enterAgain()) {
        return Optional.of("another node took the name " + settings.name() + " while this one founded generation " + generation);
      }
      long valid = opened.generation();
      return valid == generation ? Optional.empty()
          : Optional.of("it was too late to found generation " + generation + ", generation " + valid + " was founded meanwhile");
    } catch (IOException e) {
      return Optional.of("it could not be sure that generation " + generation + ", which it founds, is still valid: " + e.getMessage());
    }
  }

  /** Returns why the session has to end. */
  private String watch(ClusterRegistry opened, Formation formation, ActorSystem<ClusterGuardian.Command> running,
      boolean voting) {
    boolean toldRegistry = true;
    while (!isStopping()) {
      if (running.getWhenTerminated().toCompletableFuture().isDone()) {
        return "its actor system ended; it was downed, or could not join";
      }
      if (rejoinWanted.isPresent()) {
        return rejoinWanted.get();
      }
      if (opened.over().isPresent()) {
        return opened.over().get();
      }
      rememberMembership(Cluster.get(running));
      try {
        toldRegistry = !opened.tend() && toldRegistry;
        toldRegistry = toldRegistry || formation.enterAgain();
        if (opened.isVoter() != voting) {
          return voting ? "its vote was taken away" : "it was given a vote";
        }
        if (!formation.holdsItsName()) {
          return "another node took the name " + settings.name() + " while this one was out of reach";
        }
        long valid = opened.generation();
        if (valid > generation) {
          return "generation " + valid + " of the cluster was founded, this node was in " + generation;
        }
        followPrimary(opened, running);
        registryAnswered();
      } catch (IOException e) {
        registryFellSilent(e.getMessage());
      }
      boolean unsettled = answer.get().generation() == 0 || opened.isGrowing();
      pause(unsettled ? UNSETTLED_WATCH_INTERVAL : WATCH_INTERVAL);
    }
    return "this node is stopping";
  }

  /** One that was frozen and wakes takes itself for the primary until it has learnt that it was replaced. */
  private void followPrimary(ClusterRegistry opened, ActorSystem<?> running) {
    Cluster cluster = Cluster.get(running);
    if (NodeControl.isPrimary(cluster) && !NodeControl.missesVoter(cluster) && !surroundings.client().isIsolated()) {
      opened.followPrimary(running, ConfigPrimary.PERSISTENCE_ID.id(), surroundings.client().status().epoch());
    }
  }

  private void registryAnswered() {
    if (registryIsSilent) {
      log.info("The registry of the cluster answers again");
    }
    registryIsSilent = false;
    surroundings.client().troubled("");
  }

  private void registryFellSilent(String why) {
    if (!registryIsSilent) {
      log.warn("The registry of the cluster does not answer: {}. Until it does, no configuration change can be made; file "
          + "service goes on", why);
    }
    registryIsSilent = true;
    surroundings.client().troubled(why);
  }

  private Config systemConfig(ClusterRegistry opened, long newGeneration, boolean voting) {
    List<String> roles = new ArrayList<>(settings.roles());
    roles.remove(NodeIdentity.VOTER);
    if (voting) {
      roles.add(NodeIdentity.VOTER);
    }
    roles.add(MemberNames.nameRole(settings.name()));
    Map<String, Object> own = new HashMap<>(opened.systemSettings());
    own.put("pekko.remote.artery.canonical.hostname", settings.bind().host());
    own.put("pekko.remote.artery.canonical.port", settings.bind().port());
    own.put("pekko.remote.artery.transport", tls.isPresent() ? "tls-tcp" : "tcp");
    own.put("pekko.cluster.roles", roles);
    own.put(GenerationCompatibility.CLUSTER_ID, opened.clusterId().toString());
    own.put(GenerationCompatibility.KEY_ID, key.id());
    own.put(GenerationCompatibility.GENERATION, newGeneration);
    own.put("flotilla.data-directory", data.path().toString());
    return ConfigFactory.parseMap(own).withFallback(settings.config());
  }

  private void rememberMembership(Cluster cluster) {
    boolean up = cluster.selfMember().status() == MemberStatus.up();
    cameUp = cameUp || up;
    answer.set(up
        ? new NodeAnswer(generation, settings.name(), key.id(), ClusterGuardian.seen(cluster))
        : NodeAnswer.none(settings.name(), key.id()));
  }

  /** The next one needs the same port; only a node that stops needs not wait for more than its patience. */
  private void end(ActorSystem<ClusterGuardian.Command> running) {
    new Termination(running, TERMINATION_PATIENCE).await(this::isStopping);
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
