package io.flotilla.node;

import io.flotilla.adapter.ProtocolAdapters;
import io.flotilla.config.cluster.ConfigClient;
import io.flotilla.config.view.LiveConfig;
import io.flotilla.vfs.StorageDirectories;
import java.lang.management.ManagementFactory;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Whether load balancers are to send clients to this node, and how many. Not to a node that has not opened its listeners yet, lets its
 * clients go, lacks a storage, has just started and not heard what the others changed lately, or is too stale by {@code policies/health}. A
 * listener that fails does not count: the others serve, and its closed port speaks for itself. Safe for all threads.
 */
final class NodeReadiness implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(NodeReadiness.class);
  /**
   * So long after the node has become ready its agent says so by HAProxy's {@code ready}, which ends a drain that it was told before. Not
   * for longer, because it also ends what an operator has told the load balancer itself.
   */
  private static final Duration WELCOME = Duration.ofMinutes(2);

  private final LiveConfig live;
  private final ProtocolAdapters adapters;
  private final StorageDirectories storages;
  private final NodeDrain drain;
  private final Supplier<Optional<String>> unheard;
  private final Staleness staleness;
  private final NodeLoad load;
  private final ScheduledExecutorService looking =
      Executors.newSingleThreadScheduledExecutor(Thread.ofPlatform().name("readiness").daemon().factory());
  private final LoadBalancerAgent agent;
  private long notUpNanos = System.nanoTime();

  /**
   * @param unheard what this node has not heard yet of the others' recent changes, in words; empty if nothing
   * @param agentAddress where load balancers ask
   */
  NodeReadiness(LiveConfig live, ConfigClient client, ProtocolAdapters adapters, StorageDirectories storages, NodeDrain drain,
      Supplier<Optional<String>> unheard, InetSocketAddress agentAddress) {
    this.live = live;
    this.adapters = adapters;
    this.storages = storages;
    this.drain = drain;
    this.unheard = unheard;
    this.staleness = new Staleness(live, client, System::nanoTime);
    this.load = new NodeLoad(() -> adapters.use(live.view()), NodeReadiness::cpu);
    looking.scheduleWithFixedDelay(this::look, 0, 1, TimeUnit.SECONDS);
    this.agent = new LoadBalancerAgent(agentAddress, this::agentWords);
  }

  private static double cpu() {
    return ManagementFactory.getOperatingSystemMXBean() instanceof com.sun.management.OperatingSystemMXBean system
        ? system.getCpuLoad() : -1;
  }

  private void look() {
    try {
      staleness.look();
      load.sample();
    } catch (RuntimeException e) {
      log.error("The node's load could not be looked at", e); // thrown, it would end the looks
    }
  }

  /** Why clients should not be sent here; empty if they should. */
  List<String> notReady() {
    List<String> reasons = new ArrayList<>();
    drain.words().ifPresent(reasons::add);
    if (live.view().config().version() == 0) {
      reasons.add("it has no configuration yet");
    } else if (adapters.version() == 0) {
      reasons.add("it has not opened its listeners yet");
    }
    unheard.get().ifPresent(reasons::add);
    reasons.addAll(live.problemsOf(storages));
    reasons.addAll(staleness.reasons());
    return reasons;
  }

  /** By HAProxy's documentation of agent-check. Confined to the agent. */
  private String agentWords() {
    long now = System.nanoTime();
    boolean isUp = !drain.isDraining() && notReady().isEmpty();
    if (!isUp) {
      notUpNanos = now;
      return drain.isStopped() ? "stopped" : drain.isDraining() ? "drain" : "down";
    }
    return (now - notUpNanos < WELCOME.toNanos() ? "up ready " : "up ") + load.weight() + "%";
  }

  @Override
  public void close() {
    agent.close();
    looking.shutdownNow();
  }
}
