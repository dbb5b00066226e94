package io.flotilla.node;

import io.flotilla.adapter.LiveConnections;
import io.flotilla.config.cluster.ConfigClient;
import io.flotilla.config.cluster.HistoryStatus;
import io.flotilla.config.model.Listener;
import io.flotilla.config.view.LiveConfig;
import io.flotilla.http.admin.Journal;
import io.flotilla.http.sessions.HttpSessions;
import io.flotilla.journal.StoredJournal;
import io.flotilla.vfs.RecentChanges;
import io.flotilla.node.PassingGauges.Measure;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.Timer;
import io.micrometer.core.instrument.binder.jvm.ClassLoaderMetrics;
import io.micrometer.core.instrument.binder.jvm.JvmGcMetrics;
import io.micrometer.core.instrument.binder.jvm.JvmMemoryMetrics;
import io.micrometer.core.instrument.binder.jvm.JvmThreadMetrics;
import io.micrometer.core.instrument.binder.system.FileDescriptorMetrics;
import io.micrometer.core.instrument.binder.system.ProcessorMetrics;
import io.micrometer.core.instrument.binder.system.UptimeMetrics;
import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import java.time.Duration;
import java.util.List;
import java.util.Optional;

/** The node's metrics, named by Prometheus' conventions. Safe for all threads. */
final class NodeMetrics implements AutoCloseable {
  private final PrometheusMeterRegistry registry = new PrometheusMeterRegistry(PrometheusConfig.DEFAULT);
  private final JvmGcMetrics gc = new JvmGcMetrics();
  private final PassingGauges<HistoryStatus> history = new PassingGauges<>(registry, List.of(
      new Measure<>("flotilla.config.history.changes", "Changes kept as history, told by the primary's node",
          HistoryStatus::changes),
      new Measure<>("flotilla.config.history.bytes", "What the changes kept as history take", HistoryStatus::bytes),
      new Measure<>("flotilla.config.history.oldest.version", "The oldest configuration version that can be restored",
          HistoryStatus::oldestVersion),
      new Measure<>("flotilla.config.lookups", "Changes whose outcome can be looked up by their ids", HistoryStatus::lookups)));
  private final PassingGauges<StoredJournal> journal = new PassingGauges<>(registry, List.of(
      new Measure<>("flotilla.journal.events", "Changes that the configuration's journal holds", StoredJournal::events),
      new Measure<>("flotilla.journal.bytes", "What the changes in the configuration's journal take", StoredJournal::eventBytes),
      new Measure<>("flotilla.journal.snapshots", "Snapshots that the configuration's journal holds", StoredJournal::snapshots),
      new Measure<>("flotilla.journal.snapshot.bytes", "What the snapshots in the configuration's journal take",
          StoredJournal::snapshotBytes)));
  private final PassingGauges<Journal.Own> raft = new PassingGauges<>(registry, List.of(
      new Measure<>("flotilla.raft.log.bytes", "This voter's Raft log on disk", own -> own.logBytes().orElse(0)),
      new Measure<>("flotilla.raft.log.large", "1 while this voter's Raft log is far larger than while all voters keep up",
          own -> Journal.isLargeLog(own.logBytes().orElse(0), own.raftSnapshotBytes().orElse(0)) ? 1 : 0),
      new Measure<>("flotilla.raft.snapshot.bytes", "This voter's Raft snapshots on disk",
          own -> own.raftSnapshotBytes().orElse(0))));

  NodeMetrics(LiveConfig live, ConfigClient client, LiveConnections connections) {
    Gauge.builder("flotilla.config.version", live, l -> l.view().config().version())
        .description("Configuration version this node serves").register(registry);
    Gauge.builder("flotilla.config.head.version", client, c -> c.status().headVersion())
        .description("Newest configuration version the primary announced").register(registry);
    Gauge.builder("flotilla.config.entities", live, l -> l.view().config().entities().size())
        .description("Entities in the configuration").register(registry);
    Gauge.builder("flotilla.node.problems", live, l -> l.problems().size())
        .description("What this node could not do of its configuration").register(registry);
    Gauge.builder("flotilla.node.isolated", client, c -> c.isIsolated() ? 1 : 0)
        .description("1 while this node hears no primary").register(registry);
    Listener.Protocol.KNOWN.forEach(protocol -> Gauge.builder("flotilla.connections", connections,
            c -> c.list().stream().filter(one -> one.protocol().equals(protocol.id())).count())
        .description("Logged-in client connections").tag("protocol", protocol.id()).register(registry));
    new ClassLoaderMetrics().bindTo(registry);
    new JvmMemoryMetrics().bindTo(registry);
    gc.bindTo(registry);
    new JvmThreadMetrics().bindTo(registry);
    new ProcessorMetrics().bindTo(registry);
    new FileDescriptorMetrics().bindTo(registry);
    new UptimeMetrics().bindTo(registry);
  }

  void count(String name, String description, String... tags) {
    Counter.builder(name).description(description).tags(tags).register(registry).increment();
  }

  void add(String name, String description, double amount, String... tags) {
    Counter.builder(name).description(description).tags(tags).register(registry).increment(amount);
  }

  void time(String name, String description, long milliseconds, String... tags) {
    Timer.builder(name).description(description).tags(tags).publishPercentileHistogram(false)
        .serviceLevelObjectives(Duration.ofMillis(5), Duration.ofMillis(10), Duration.ofMillis(50),
            Duration.ofMillis(250), Duration.ofSeconds(1), Duration.ofSeconds(5))
        .register(registry).record(Duration.ofMillis(milliseconds));
  }

  /** Tells of the sessions as well. */
  void sessions(HttpSessions sessions) {
    Gauge.builder("flotilla.http.sessions", sessions, HttpSessions::count)
        .description("HTTP sessions that this node knows to be alive, on whichever nodes").register(registry);
  }

  /** Tells as well how many recent changes are kept. */
  void recent(RecentChanges changes) {
    Gauge.builder("flotilla.recent.changes", changes, RecentChanges::size)
        .description("Recent changes in storages of which each node has a copy, of all nodes, that this node remembers").register(registry);
  }

  /** Tells as well whether the node lets its clients go. */
  void drain(NodeDrain drain) {
    Gauge.builder("flotilla.node.draining", drain, one -> one.isDraining() ? 1 : 0)
        .description("1 while this node takes no clients, because it is drained or stops").register(registry);
  }

  /** Told while this node is the primary. */
  void history(Optional<HistoryStatus> kept) {
    history.set(kept);
  }

  /** @param held what this node holds of the journal now */
  String scrape(Optional<Journal.Own> held) {
    journal.set(held.map(Journal.Own::stored));
    raft.set(held.filter(own -> own.logBytes().isPresent()));
    return registry.scrape();
  }

  @Override
  public void close() {
    gc.close();
    registry.close();
  }
}
