package io.flotilla.node.cluster;

import io.flotilla.config.cluster.ConfigPrimary;
import io.flotilla.config.model.ClusterKey;
import io.flotilla.config.view.NodeIdentity;
import io.flotilla.http.admin.Journal;
import io.flotilla.journal.StoredJournal;
import io.flotilla.journal.postgresql.ClusterTables.ClusterRow;
import io.flotilla.journal.postgresql.ClusterTables.NodeRow;
import io.flotilla.journal.postgresql.ClusterTables;
import io.flotilla.journal.postgresql.Database;
import io.flotilla.journal.postgresql.DatabaseExtension;
import io.flotilla.journal.postgresql.DatabaseSettings;
import io.flotilla.journal.postgresql.DatabaseSetup;
import io.flotilla.journal.postgresql.StoredRows;
import io.flotilla.node.DataDirectory;
import io.flotilla.node.NodeSettings;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicReference;
import org.apache.pekko.actor.ClassicActorSystemProvider;
import org.apache.pekko.actor.setup.Setup;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The registry of a cluster whose journal is in PostgreSQL. Every node tells the database every two seconds that it lives and in
 * which generation it is; any node with the role primary may found the next one when nobody alive is in the present one.
 */
final class DatabaseRegistry implements ClusterRegistry {
  private static final Logger log = LoggerFactory.getLogger(DatabaseRegistry.class);
  private static final Duration TELL_INTERVAL = Duration.ofMillis(1500);
  private static final Duration LOOK_INTERVAL = Duration.ofSeconds(10);
  /**
   * How long nodes that did not say good-bye must look dead, in this node's own time: after the database was away, or its clock
   * jumped, the living ones look dead as well until they have told again.
   */
  private static final Duration SILENCE = Duration.ofSeconds(5);

  /** How long a founder that did not come up leaves it to the others to found. */
  private static final Duration MAKE_WAY = Duration.ofSeconds(10);

  private final NodeSettings settings;
  private final DataDirectory data;
  private final ClusterKey key;
  private final AtomicReference<NodeAnswer> answer;
  private final Database database;
  private final ClusterTables tables;
  private final UUID clusterId;
  private NodeAnswer told;
  private long toldNanos;
  private long silentSinceNanos;
  private boolean anyFellSilent;
  private boolean gaveUp;
  private long gaveUpNanos;
  private long lookedNanos = System.nanoTime() - LOOK_INTERVAL.toNanos();
  private volatile Optional<StoredJournal> stored = Optional.empty();
  private volatile List<NodeRow> nodes = List.of();

  private DatabaseRegistry(NodeSettings settings, DataDirectory data, ClusterKey key, AtomicReference<NodeAnswer> answer,
      Database database, UUID clusterId) {
    this.settings = settings;
    this.data = data;
    this.key = key;
    this.answer = answer;
    this.database = database;
    this.tables = new ClusterTables(database);
    this.clusterId = clusterId;
  }

  /**
   * Connects, makes or migrates the tables, and finds or forms the cluster.
   *
   * @param answer what this node says about the Pekko cluster
   */
  static Opening open(NodeSettings settings, DatabaseSettings where, DataDirectory data, ClusterKey key,
      AtomicReference<NodeAnswer> answer) throws IOException, ClusterRefusedException {
    Database database = Database.open(where);
    try {
      UUID clusterId = join(settings, where, data, key, new ClusterTables(database));
      if (data.clusterId().isEmpty()) {
        data.keepClusterId(clusterId);
      }
      return new Opened(new DatabaseRegistry(settings, data, key, answer, database, clusterId));
    } catch (IOException | ClusterRefusedException | RuntimeException e) {
      database.close();
      throw e;
    }
  }

  private static UUID join(NodeSettings settings, DatabaseSettings where, DataDirectory data, ClusterKey key,
      ClusterTables tables) throws IOException, ClusterRefusedException {
    Optional<UUID> known = data.clusterId();
    Optional<ClusterRow> found = tables.cluster();
    if (found.isEmpty() && known.isEmpty() && settings.mayForm()) {
      if (!settings.roles().contains(NodeIdentity.PRIMARY)) {
        throw new ClusterRefusedException("a node that forms a cluster must have the role primary");
      }
      ClusterRow own = new ClusterRow(UUID.randomUUID(), key.id(), data.nodeId());
      if (tables.form(own)) {
        log.info("Cluster {} was formed by this node in {} with cluster key {}", own.clusterId(), where, key.id());
      }
      found = tables.cluster();
    }
    if (found.isEmpty()) {
      throw new IOException(known.isPresent()
          ? "this node belongs to cluster " + known.get() + ", but " + where + " holds none: it is another database, or its "
              + "content was lost; correct flotilla.journal.postgresql.url, or restore the database from a backup"
          : where + " holds no cluster yet; start the cluster's first node with --form");
    }
    ClusterRow cluster = found.get();
    if (known.isPresent() && !known.get().equals(cluster.clusterId())) {
      throw new ClusterRefusedException("this node belongs to cluster " + known.get() + ", but " + where + " holds cluster "
          + cluster.clusterId() + "; correct flotilla.journal.postgresql.url, or give it an empty data directory");
    }
    if (known.isEmpty() && settings.form() && !cluster.formedBy().equals(data.nodeId())) {
      throw new ClusterRefusedException(where + " holds cluster " + cluster.clusterId() + " already, so no other is formed "
          + "there; start this node without --form and it joins that");
    }
    if (!cluster.formedBy().equals(data.nodeId())) {
      data.keepJoined(cluster.clusterId());
    }
    if (!cluster.keyId().equals(key.id())) {
      throw new ClusterRefusedException("cluster " + cluster.clusterId() + " in " + where + " has the cluster key "
          + cluster.keyId() + ", this node has " + key.id() + "; give it the cluster's key file by --cluster-key");
    }
    return cluster.clusterId();
  }

  @Override
  public UUID clusterId() {
    return clusterId;
  }

  @Override
  public Optional<String> over() {
    return Optional.empty();
  }

  @Override
  public boolean tend() throws IOException {
    NodeAnswer now = answer.get();
    if (!now.equals(told) || System.nanoTime() - toldNanos > TELL_INTERVAL.toNanos()) {
      tables.tell(data.nodeId(), now.generation(), now.toText());
      told = now;
      toldNanos = System.nanoTime();
    }
    if (System.nanoTime() - lookedNanos >= LOOK_INTERVAL.toNanos()) {
      lookedNanos = System.nanoTime();
      look();
    }
    return false;
  }

  private void look() throws IOException {
    try {
      stored = Optional.of(StoredRows.of(database, ConfigPrimary.PERSISTENCE_ID.id()));
    } catch (IOException e) {
      stored = Optional.empty();
      throw e;
    }
  }

  /** What the database held of the configuration when this node looked last, some seconds ago; empty if it could not. */
  Optional<StoredJournal> stored() {
    return stored;
  }

  /** Those that have a name, as this node has seen them last. */
  List<Journal.Node> lastNodes() {
    return nodes.stream().map(node -> new Journal.Node(node.name(), node.address(), node.roles())).toList();
  }

  @Override
  public boolean isVoter() {
    return false;
  }

  @Override
  public boolean awaitsAdmission() {
    return false;
  }

  @Override
  public boolean isGrowing() {
    return false;
  }

  /** Those of the other living nodes; each sees itself. */
  @Override
  public List<NodeAnswer> answers() throws IOException {
    List<NodeAnswer> answers = new ArrayList<>();
    long generation = tables.generation();
    anyFellSilent = false;
    nodes = tables.nodes();
    for (NodeRow node : nodes) {
      if (!node.nodeId().equals(data.nodeId())) {
        anyFellSilent |= !node.alive() && generation > 0 && node.generation() == generation;
        if (node.alive()) {
          answers.add(NodeAnswer.of(node.said()).orElseGet(() -> NodeAnswer.none(node.name(), key.id()))
              .seeing(new NodeAnswer.Seen(node.name(), node.address(), true)));
        }
      }
    }
    return List.copyOf(answers);
  }

  @Override
  public boolean enter(Optional<UUID> formerHolder) throws IOException {
    boolean entered = tables.enter(
        data.nodeId(), settings.name(), settings.bind().toString(), List.copyOf(settings.roles()), formerHolder);
    told = null;
    return entered;
  }

  @Override
  public List<Entry> entries() throws IOException {
    return tables.nodes().stream().map(node -> new Entry(node.nodeId(), node.name(), node.address())).toList();
  }

  @Override
  public long generation() throws IOException {
    return tables.generation();
  }

  @Override
  public boolean mayFound(long generation, List<NodeAnswer> answers) {
    boolean inhabited = generation > 0 && answers.stream().anyMatch(answer -> answer.generation() == generation);
    gaveUp = gaveUp && System.nanoTime() - gaveUpNanos < MAKE_WAY.toNanos();
    if (inhabited || gaveUp || !settings.roles().contains(NodeIdentity.PRIMARY)) {
      silentSinceNanos = 0;
      return false;
    }
    if (!anyFellSilent) {
      return true;
    }
    long now = System.nanoTime();
    silentSinceNanos = silentSinceNanos == 0 ? now : silentSinceNanos;
    return now - silentSinceNanos > SILENCE.toNanos();
  }

  @Override
  public OptionalLong found(long expected) throws IOException {
    silentSinceNanos = 0;
    return tables.found(expected, data.nodeId(), settings.bind().toString());
  }

  /** Gives back the founder's lease, and leaves the others some time. */
  @Override
  public void giveUpFounding() {
    gaveUpNanos = System.nanoTime();
    gaveUp = true;
    try {
      tables.giveUpFounding(data.nodeId());
    } catch (IOException e) {
      log.debug("The founder's lease was not given back, and ends by itself: {}", e.getMessage());
    }
  }

  @Override
  public String awaited(long generation) {
    return generation == 0
        ? "a node with the role primary to found the cluster"
        : "a living node in generation " + generation + " of the cluster, or one with the role primary to found the next";
  }

  /** Nothing: the database is as near to every node. */
  @Override
  public void followPrimary(ClassicActorSystemProvider system, String persistenceId, long heardEpoch) {}

  /** Nothing: no other node depends on this one. */
  @Override
  public void handOver(Duration timeout) {}

  @Override
  public Setup setup() {
    return new DatabaseSetup(database);
  }

  @Override
  public Map<String, Object> systemSettings() {
    return Map.of(
        "flotilla.journal.plugin", "flotilla.journal.jdbc",
        "flotilla.snapshot-store.plugin", "flotilla.snapshot-store.jdbc",
        "pekko.cluster.split-brain-resolver.active-strategy", "lease-majority");
  }

  @Override
  public long epoch(ClassicActorSystemProvider system, String persistenceId) {
    return DatabaseExtension.get(system).epoch(persistenceId);
  }

  /** Takes a dead node out of the registry; false if it lives, or there is none of that name. */
  boolean forget(String name) throws IOException {
    return tables.forget(name);
  }

  /** Says good-bye, so that nobody has to wait until this node counts as dead. */
  @Override
  public void close() {
    try {
      tables.tell(data.nodeId(), 0, "");
    } catch (IOException e) {
      log.debug("The database was not told that this node goes: {}", e.getMessage());
    }
    database.close();
  }
}
