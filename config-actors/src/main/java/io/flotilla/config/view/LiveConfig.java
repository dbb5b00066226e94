package io.flotilla.config.view;

import io.flotilla.config.event.ConfigChanged;
import io.flotilla.config.model.ClusterConfig;
import io.flotilla.config.model.ConfigDelta;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The configuration this process serves. It belongs to the process, not to the clustered actor system, and outlives it.
 * Readers get the newest view without waiting. {@link #swap} publishes a view at once and hands the delta to the
 * listeners on one thread of its own, in order; a listener that throws or has problems does not hold up the others and is
 * called again every {@value #RETRY_SECONDS} seconds, as is one that is watchful.
 */
public final class LiveConfig implements AutoCloseable {
  private static final long RETRY_SECONDS = 3;
  private static final int MAX_WAITING_READERS = 10_000;
  private static final Logger log = LoggerFactory.getLogger(LiveConfig.class);

  private final BootCache bootCache;
  private final List<ConfigListener> listeners = new ArrayList<>();
  private final Map<String, List<String>> problems = new LinkedHashMap<>();
  private final List<Waiter> waiters = new ArrayList<>();
  private final ScheduledExecutorService applying =
      Executors.newSingleThreadScheduledExecutor(Thread.ofPlatform().name("config-apply").daemon().factory());
  private volatile ConfigView view;
  private volatile List<String> currentProblems = List.of();
  private volatile Map<String, List<String>> problemsByListener = Map.of();

  private record Waiter(long version, CompletableFuture<ConfigView> future) {}

  /** Starts from what the boot cache holds, and records every step there. */
  public LiveConfig(NodeIdentity node, BootCache bootCache) throws IOException {
    this.bootCache = bootCache;
    this.view = new ConfigView(bootCache.load().orElse(ClusterConfig.EMPTY), node);
    applying.scheduleWithFixedDelay(this::callAgain, RETRY_SECONDS, RETRY_SECONDS, TimeUnit.SECONDS);
  }

  public ConfigView view() {
    return view;
  }

  /** What the listeners could not do, in words; empty if this node serves all it should. */
  public List<String> problems() {
    return currentProblems;
  }

  /** What one listener could not do. */
  public List<String> problemsOf(ConfigListener listener) {
    return problemsByListener.getOrDefault(listener.name(), List.of());
  }

  /** Has a listener look at the present configuration again; completes with what it could not do. */
  public CompletionStage<List<String>> applyAgain(ConfigListener listener) {
    return CompletableFuture.supplyAsync(() -> {
      ConfigView now = view;
      call(listener, ConfigDelta.none(now.config()), now);
      return problemsOf(listener);
    }, applying);
  }

  /** Adds a listener, which is first called with the delta from the empty configuration. */
  public CompletionStage<Void> add(ConfigListener listener) {
    return CompletableFuture.runAsync(() -> {
      listeners.add(listener);
      ConfigView now = view;
      call(listener, ConfigDelta.between(ClusterConfig.EMPTY, now.config()), now);
    }, applying);
  }

  /**
   * Publishes the next configuration. The stage completes with the listeners' problems when all have been called. To be
   * called by one thread at a time.
   *
   * @param change the one change that the delta is, if it is one
   */
  public CompletionStage<List<String>> swap(ConfigDelta delta, Optional<ConfigChanged> change) {
    ConfigView next = new ConfigView(delta.to(), view.node());
    view = next;
    releaseWaiters(next);
    CompletionStage<List<String>> applied = CompletableFuture.supplyAsync(() -> {
      listeners.forEach(listener -> call(listener, delta, next));
      return currentProblems;
    }, applying);
    applying.execute(() -> record(delta, change));
    return applied;
  }

  /** What the listeners have against a change that is not made yet. */
  public CompletionStage<List<String>> check(ConfigDelta delta) {
    return CompletableFuture.supplyAsync(() -> {
      ConfigView next = new ConfigView(delta.to(), view.node());
      List<String> objections = new ArrayList<>();
      listeners.forEach(listener -> objections.addAll(listener.check(delta, next)));
      return objections;
    }, applying);
  }

  /** Completes when this node serves at least a version; fails with a TimeoutException after the time. */
  public CompletionStage<ConfigView> awaitVersion(long version, Duration timeout) {
    CompletableFuture<ConfigView> future = new CompletableFuture<>();
    synchronized (waiters) {
      if (view.config().version() >= version) {
        return CompletableFuture.completedFuture(view);
      }
      if (waiters.size() >= MAX_WAITING_READERS) {
        return CompletableFuture.failedFuture(new IllegalStateException("too many requests wait for a version"));
      }
      waiters.add(new Waiter(version, future));
    }
    future.orTimeout(timeout.toMillis(), TimeUnit.MILLISECONDS).whenComplete((done, failure) -> {
      synchronized (waiters) {
        waiters.removeIf(waiter -> waiter.future == future);
      }
    });
    return future;
  }

  private void releaseWaiters(ConfigView next) {
    List<Waiter> ready;
    synchronized (waiters) {
      ready = waiters.stream().filter(waiter -> waiter.version <= next.config().version()).toList();
    }
    ready.forEach(waiter -> waiter.future.complete(next));
  }

  private void call(ConfigListener listener, ConfigDelta delta, ConfigView target) {
    List<String> found;
    try {
      found = listener.apply(delta, target);
    } catch (RuntimeException e) {
      log.error("{} failed to apply configuration version {}", listener.name(), target.config().version(), e);
      found = List.of(listener.name() + " failed: " + e);
    }
    note(listener.name(), found);
  }

  private void record(ConfigDelta delta, Optional<ConfigChanged> change) {
    try {
      bootCache.store(delta, change);
      note("boot cache", List.of());
    } catch (IOException e) {
      log.warn("The boot cache cannot be written: {}. Should this node restart now, it would serve an older configuration "
          + "until it has caught up. Look at the disk of its data directory.", e.toString());
      note("boot cache", List.of("the boot cache cannot be written: " + e));
    }
  }

  private void note(String who, List<String> found) {
    if (found.isEmpty()) {
      problems.remove(who);
    } else {
      problems.put(who, found);
    }
    problemsByListener = Map.copyOf(problems);
    currentProblems = problems.values().stream().flatMap(List::stream).toList();
  }

  private void callAgain() {
    ConfigView now = view;
    listeners.stream().filter(listener -> problems.containsKey(listener.name()) || listener.isWatchful()).toList()
        .forEach(listener -> call(listener, ConfigDelta.none(now.config()), now));
  }

  /** Ends the applying thread after what is queued, and closes the boot cache. */
  @Override
  public void close() throws IOException {
    applying.close();
    bootCache.close();
  }
}
