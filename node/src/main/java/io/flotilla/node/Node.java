package io.flotilla.node;

import io.flotilla.adapter.ClientLogins;
import io.flotilla.adapter.LiveConnections;
import io.flotilla.adapter.ProtocolAdapters;
import io.flotilla.adapter.UnknownProtocols;
import io.flotilla.auth.Authenticator;
import io.flotilla.auth.PasswordHasher;
import io.flotilla.claim.ClaimClient;
import io.flotilla.config.cluster.ClusterStatus;
import io.flotilla.config.cluster.ConfigClient;
import io.flotilla.config.cluster.ReplicaReport;
import io.flotilla.config.model.ClusterConfig;
import io.flotilla.config.model.ClusterKey;
import io.flotilla.config.model.EntityCodec;
import io.flotilla.config.model.JoinToken;
import io.flotilla.config.model.Policy;
import io.flotilla.config.model.SecretSealer;
import io.flotilla.config.view.BootCache;
import io.flotilla.config.view.LiveConfig;
import io.flotilla.config.view.NodeIdentity;
import io.flotilla.ftp.FtpAdapter;
import io.flotilla.ftp.FtpSettings;
import io.flotilla.http.admin.AdminCertificate;
import io.flotilla.http.admin.AdminContext;
import io.flotilla.http.admin.AdminServer;
import io.flotilla.http.admin.EntityInput;
import io.flotilla.http.admin.EventFeed;
import io.flotilla.http.admin.Joining;
import io.flotilla.http.admin.UserPasswords;
import io.flotilla.http.dav.Locks;
import io.flotilla.http.dav.WebDav;
import io.flotilla.http.files.FileTarget;
import io.flotilla.http.server.HttpAdapter;
import io.flotilla.http.server.HttpSettings;
import io.flotilla.http.server.UserRoutes;
import io.flotilla.http.sessions.HttpSessions;
import io.flotilla.http.uploads.UploadsApi;
import io.flotilla.http.web.WebClient;
import io.flotilla.node.cluster.ControlPlane;
import io.flotilla.node.cluster.DataPlane;
import io.flotilla.node.cluster.MemberLocks;
import io.flotilla.node.recent.RecentExchange;
import io.flotilla.node.streams.NodeStreams;
import io.flotilla.sftp.SftpAdapter;
import io.flotilla.sftp.SftpSettings;
import io.flotilla.tls.ClusterTls;
import io.flotilla.vfs.StorageDirectories;
import io.flotilla.vfs.UserHomes;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.locks.ReentrantLock;
import java.util.stream.Collectors;
import org.apache.pekko.actor.typed.ActorSystem;
import org.apache.pekko.actor.typed.javadsl.Behaviors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One node: the data plane, which belongs to the process (configuration view, protocol adapters, admin API), and the
 * control plane, which comes and goes beside it. The data plane starts first, from the boot cache, and stops last.
 */
public final class Node {
  private static final Logger log = LoggerFactory.getLogger("flotilla.node");
  private static final Duration ADMIN_CLOSE = Duration.ofSeconds(2);

  private final NodeSettings settings;
  private final DataDirectory data;
  private final LiveConfig live;
  private final ConfigClient client = new ConfigClient();
  private final ClaimClient claims = new ClaimClient();
  private final LiveConnections connections = new LiveConnections(Clock.systemUTC());
  private final EventFeed feed = new EventFeed();
  private final HttpSessions sessions;
  private final PasswordHasher hasher = new PasswordHasher();
  private final NodeMetrics metrics;
  private final ProtocolAdapters adapters;
  private final ActorSystem<Void> localSystem;
  private final UploadsApi uploads;
  private final NodeDrain drain;
  private final NodeReadiness readiness;
  private final RecentExchange recent;
  private final NodeStreams streams;
  private final AdminServer admin;
  private final ControlPlane controlPlane;
  private final InitialConfiguration initial;
  private final long upSince = System.currentTimeMillis();
  private final CompletableFuture<End> end = new CompletableFuture<>();
  private final ReentrantLock stopping = new ReentrantLock();
  private boolean isStopped;

  /** Why a node ends by itself. */
  public sealed interface End {}

  /** The cluster refuses it. */
  public record Refused(String reason) implements End {}

  /**
   * It was asked to leave or to restart, and has let its clients go.
   *
   * @param status of the process, for its supervisor
   */
  public record Asked(int status) implements End {}

  /** Sets the process's log as the settings say. */
  public static void configureLogging(NodeSettings settings) {
    Logging.configure(settings.config().getConfig("flotilla.log"));
  }

  /** Starts a node; the exception's message tells the operator what to mend. */
  public static Node start(NodeSettings settings) throws IOException {
    DataDirectory data = DataDirectory.open(settings.dataDirectory());
    try {
      return new Node(settings, data);
    } catch (IOException | RuntimeException e) {
      data.close();
      throw e;
    }
  }

  private Node(NodeSettings settings, DataDirectory data) throws IOException {
    this.settings = settings;
    this.data = data;
    ClusterKey key = clusterKey(settings, data);
    ClusterTls tls = ClusterTls.of(key, settings.name(), data.nodeId());
    EntityCodec codec = new EntityCodec(new SecretSealer(key));
    NodeIdentity identity =
        new NodeIdentity(data.nodeId(), settings.name(), settings.bind().host(), settings.roles());
    this.live = new LiveConfig(identity, new BootCache(data.bootCacheFile(), codec));
    this.metrics = new NodeMetrics(live, client, connections);
    NodeEventLog events = new NodeEventLog(settings.name(), metrics, feed);
    log.info("Node {} starts: flotilla {}, roles {}, data in {}, configuration version {} from the boot cache",
        settings.name(), version(), String.join(",", settings.roles()), data.path(), live.view().config().version());
    log.info("Nodes talk to each other {}, at {} and after",
        settings.clusterTls() ? "under TLS" : "in clear (flotilla.cluster-tls; streams of files under TLS)", settings.bind());
    Clock clock = Clock.systemUTC();
    EntityInput input = new EntityInput(codec, hasher, live);
    ClientLogins logins = new ClientLogins(live::view, connections, events, clock);
    Authenticator authenticator = new Authenticator(live::view, hasher, clock);
    this.recent = new RecentExchange(settings.name(), live::view, events, data.recentChangesFile());
    metrics.recent(recent.changes());
    UserHomes homes = new UserHomes(recent.changes(), recent.others());
    SftpAdapter sftp = new SftpAdapter(live::view, authenticator, logins, homes, SftpSettings.DEFAULT, clock);
    FtpAdapter ftp = new FtpAdapter(live::view, authenticator, logins, homes, FtpSettings.DEFAULT);
    this.localSystem = ActorSystem.create(Behaviors.empty(), "flotilla-local", NodeSettings.localSystem());
    this.sessions = new HttpSessions(live::view, authenticator, events, clock, localSystem);
    metrics.sessions(sessions);
    Locks locks = new Locks(System::nanoTime);
    MemberLocks lockNews = new MemberLocks();
    this.uploads = new UploadsApi(
        new ClaimLeases(claims), locks, settings.name(), () -> Policy.Uploads.of(live.view().config()).keepPartials());
    HttpAdapter http = new HttpAdapter(live::view, authenticator, logins, homes, sessions,
        HttpSettings.DEFAULT.withLeastRate(settings.httpLeastRate()), localSystem, new WebClient(),
        new UserRoutes(Map.of(FileTarget.ROOT, new WebDav(locks, claims, lockNews), UploadsApi.ROOT, uploads)),
        new UserPasswords(client, input, live));
    this.adapters = new ProtocolAdapters(List.of(sftp, ftp, http), logins, events, settings.drainDeadline(), clock);
    this.drain = new NodeDrain(adapters, connections, live, new DrainSurroundings(), settings.supervised(), settings.drainDeadline(),
        status -> end.complete(new Asked(status)), events, clock);
    metrics.drain(drain);
    this.controlPlane = new ControlPlane(settings, data, key, settings.clusterTls() ? Optional.of(tls) : Optional.empty(), live, codec, client, claims,
        new DataPlane(connections, homes, sessions, locks, lockNews, drain), events, this::report,
        reason -> end.complete(new Refused(reason)));
    StorageDirectories storages = new StorageDirectories(homes::problems);
    this.readiness = new NodeReadiness(live, client, adapters, storages, drain, recent::notReady,
        new InetSocketAddress(settings.bind().host(), settings.agentPort()));
    this.streams = NodeStreams.open(settings.bind(), tls, recent.services(homes));
    this.admin = openAdmin(key, codec, input);
    recent.start(streams, controlPlane::members);
    live.add(storages);
    live.add(new UnknownProtocols());
    live.add(sessions);
    live.add(adapters);
    this.initial = new InitialConfiguration(settings, data, codec, live, client);
    controlPlane.start();
    recent.watchArrivals(homes);
    if (initial.isDue()) {
      Thread.ofVirtual().name("initial-configuration").start(this::submitInitialConfiguration);
    }
  }

  private AdminServer openAdmin(ClusterKey key, EntityCodec codec, EntityInput input) throws IOException {
    Optional<AdminCertificate> certificate = adminCertificate();
    List<HostPort> seedNodes = settings.seedNodes().isEmpty() ? List.of(settings.bind()) : settings.seedNodes();
    // Others can't come to a wildcard address.
    HostPort reached = InetAddress.getByName(settings.admin().host()).isAnyLocalAddress()
        ? new HostPort(settings.bind().host(), settings.admin().port()) : settings.admin();
    Joining joining = new Joining(new JoinToken.Welcome(key, seedNodes.stream().map(HostPort::toString).toList()),
        List.of((certificate.isPresent() ? "https://" : "http://") + reached));
    AdminContext context = new AdminContext(live, client, claims, codec, input, feed,
        readiness::notReady, this::localStatus, node -> controlPlane.designatePrimary(node), controlPlane.connections(),
        controlPlane.nodes(), sessions,
        () -> controlPlane.voters(),
        () -> controlPlane.journal(), () -> metrics.scrape(controlPlane.journal().own()), this::clusterId, joining,
        settings.maxBodyBytes(), settings.maxImportBytes());
    try {
      AdminServer server = await(AdminServer.open(localSystem, settings.admin().host(), settings.admin().port(), context,
          certificate.map(AdminCertificate::context)), Duration.ofSeconds(10));
      certificate.ifPresentOrElse(
          own -> log.info("The admin API listens on https://{}, certificate SHA-256 {}", settings.admin(), own.fingerprint()),
          () -> log.info("The admin API listens on http://{}", settings.admin()));
      return server;
    } catch (ExecutionException | TimeoutException e) {
      localSystem.terminate();
      streams.close();
      throw new IOException("the admin address " + settings.admin() + " cannot be opened (" + e.getCause()
          + "); stop what uses it or set flotilla.admin.address", e);
    }
  }

  private Optional<UUID> clusterId() {
    try {
      return data.clusterId();
    } catch (IOException e) {
      log.warn("The cluster id cannot be read: {}", e.toString());
      return Optional.empty();
    }
  }

  /** On loopback nobody can listen in, and tools need no certificate. */
  private Optional<AdminCertificate> adminCertificate() throws IOException {
    String host = settings.admin().host();
    return InetAddress.getByName(host).isLoopbackAddress()
        ? Optional.empty() : Optional.of(AdminCertificate.open(data.path(), host, Clock.systemUTC()));
  }

  /** The key comes from the data directory, from a given file, or is made by a forming node. */
  private static ClusterKey clusterKey(NodeSettings settings, DataDirectory data) throws IOException {
    Path kept = data.clusterKeyFile();
    // As long as nothing here is sealed with it, a wrong key can be replaced by giving the right one.
    if (settings.clusterKeyFile().isPresent() && Files.exists(kept) && Files.notExists(data.bootCacheFile())
        && Files.notExists(data.raftDirectory())) {
      Files.delete(kept);
    }
    if (settings.clusterKeyFile().isPresent() && Files.exists(kept)
        && !ClusterKey.read(settings.clusterKeyFile().get()).equals(ClusterKey.read(kept))) {
      throw new IOException("the cluster key given in " + settings.clusterKeyFile().get() + " is not the one this node has in "
          + kept + "; its configuration is sealed with the latter");
    }
    boolean forms = data.clusterId().isEmpty() && settings.mayForm();
    if (!Files.exists(kept)) {
      if (settings.clusterKeyFile().isPresent()) {
        ClusterKey.read(settings.clusterKeyFile().get()).writeTo(kept);
      } else if (forms) {
        ClusterKey.generate().writeTo(kept);
      } else {
        throw new IOException("this node has no cluster key; give it a token that 'flotilla join-token' makes, by "
            + "--join-token TOKEN, or copy the file cluster.key from a node of the cluster and give it by --cluster-key FILE");
      }
    }
    if (forms && !Files.exists(data.adminTokenFile())) {
      InitialConfiguration.makeToken(data);
      log.info("The admin token is in {}", data.adminTokenFile());
    }
    return ClusterKey.read(kept);
  }

  private void submitInitialConfiguration() {
    try {
      initial.submit();
    } catch (IOException e) {
      log.error("The first configuration could not be made: {}", e.toString());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /** Completes when the node has to be stopped, with the reason. */
  public CompletableFuture<End> end() {
    return end;
  }

  /** Lets the clients go, leaves the cluster, stops Raft, and closes what is left; blocks until done, whoever began it. */
  public void stop() {
    stopping.lock();
    try {
      if (!isStopped) {
        isStopped = true;
        stopOnce();
      }
    } finally {
      stopping.unlock();
    }
  }

  private void stopOnce() {
    log.info("Node {} stops: running transfers have {} s", settings.name(), settings.stopDeadline().toSeconds());
    if (!drain.isStopped()) {
      drain.stop(settings.stopDeadline());
    }
    adapters.close(Duration.ZERO);
    uploads.close();
    controlPlane.stop();
    try {
      await(admin.close(ADMIN_CLOSE), ADMIN_CLOSE.multipliedBy(3));
    } catch (ExecutionException | TimeoutException e) {
      log.debug("The admin listener did not close in time", e);
    }
    readiness.close();
    streams.close();
    recent.close();
    drain.close();
    localSystem.terminate();
    hasher.close();
    metrics.close();
    try {
      live.close();
      data.close();
    } catch (IOException e) {
      log.warn("The data directory was not closed cleanly: {}", e.toString());
    }
    log.info("Node {} stopped", settings.name());
  }

  private final class DrainSurroundings implements NodeDrain.Surroundings {
    @Override
    public List<String> notReady() {
      return readiness.notReady();
    }

    @Override
    public boolean isVoter() {
      // Before the registry is open nobody knows, and a vote is not to be lost by that.
      return controlPlane.isVoter() || controlPlane.generation() == 0 && settings.isVoter();
    }

    @Override
    public CompletionStage<Optional<String>> handOverPrimary() {
      return controlPlane.handOverPrimary();
    }
  }

  private ReplicaReport report(boolean catchingUp, LiveConfig source) {
    ClusterConfig config = source.view().config();
    return new ReplicaReport(settings.name(), settings.bind().toString(), config.version(), config.digest().toString(),
        catchingUp, source.problems(), drain.isDraining(), version(), upSince, connectionCounts(), drain.words().orElse(null));
  }

  private Map<String, Integer> connectionCounts() {
    return connections.list().stream().collect(
        Collectors.groupingBy(LiveConnections.Snapshot::protocol, Collectors.summingInt(one -> 1)));
  }

  /** What this node can say when the primary can't be asked: itself. */
  private ClusterStatus localStatus() {
    ReplicaReport own = report(false, live);
    String state = drain.isDraining() ? "draining" : client.isIsolated() ? "isolated"
        : own.problems().isEmpty() ? "converged" : "degraded";
    List<String> reasons = new ArrayList<>();
    drain.words().ifPresent(reasons::add);
    reasons.addAll(client.isIsolated() ? List.of("this node hears no primary; the other nodes cannot be shown") : own.problems());
    return new ClusterStatus(own.version(), own.digest(), client.status().epoch(), List.of(new ClusterStatus.Member(
        own.node(), own.address(), List.copyOf(settings.roles()), controlPlane.generation() > 0 ? "up" : "out", false,
        own.softwareVersion(), upSince, own.version(), own.digest(), state, reasons, own.connections())));
  }

  static String version() {
    String version = Node.class.getPackage().getImplementationVersion();
    return version == null ? "development" : version;
  }

  private static <T> T await(CompletionStage<T> stage, Duration timeout) throws ExecutionException, TimeoutException {
    try {
      return stage.toCompletableFuture().get(timeout.toMillis(), TimeUnit.MILLISECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new TimeoutException("interrupted");
    }
  }

}
