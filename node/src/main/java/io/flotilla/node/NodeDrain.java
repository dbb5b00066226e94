package io.flotilla.node;

import io.flotilla.adapter.LiveConnections;
import io.flotilla.adapter.ProtocolAdapters;
import io.flotilla.config.view.LiveConfig;
import io.flotilla.http.admin.ClusterConnections;
import io.flotilla.http.admin.ClusterNodes;
import io.flotilla.node.cluster.LocalNode;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import java.util.function.IntConsumer;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Lets this node's clients go, whatever for: the listeners are closed, what is being transferred goes on, who transfers nothing is sent
 * away, and at the deadline all who are left. A node that is the primary hands that role over meanwhile. Nothing of it outlives the process.
 * All is decided on one thread of its own; the methods may be called by any.
 */
final class NodeDrain implements LocalNode, AutoCloseable {
  /** The status by which the node asks its supervisor to start it again: EX_TEMPFAIL of sysexits.h, "try again". */
  static final int RESTART_STATUS = 75;

  private static final Logger log = LoggerFactory.getLogger(NodeDrain.class);
  /** What clients have from a login to their first file, and from one to the next: a part of all the time there is, within bounds. */
  private static final int QUIET_PART = 10;
  private static final Duration LEAST_QUIET = Duration.ofSeconds(1);
  private static final Duration MOST_QUIET = Duration.ofSeconds(5);
  /** How long clients that were ended have to go. */
  private static final Duration FAREWELL = Duration.ofSeconds(2);
  private static final long TICK_MILLISECONDS = 100;

  /** Is told what happens. */
  interface Events {
    void draining(String purpose, long seconds, String by, int remaining);

    /** @param ended how many clients were ended at the deadline */
    void drained(String purpose, String by, int ended, String trouble);

    void resumed(String by, List<String> problems);
  }

  /** What this node is asked about, or asks for, beside its clients. */
  interface Surroundings {
    /** Why it isn't ready. */
    List<String> notReady();

    boolean isVoter();

    /** Hands the role of the primary over; see {@link io.flotilla.node.cluster.ControlPlane#handOverPrimary}. */
    CompletionStage<Optional<String>> handOverPrimary();
  }

  private final ProtocolAdapters adapters;
  private final LiveConnections connections;
  private final LiveConfig live;
  private final Surroundings surroundings;
  private final boolean isSupervised;
  private final Duration usualDeadline;
  private final IntConsumer exit;
  private final Events events;
  private final Clock clock;
  private final ScheduledExecutorService thread =
      Executors.newSingleThreadScheduledExecutor(Thread.ofPlatform().name("drain").daemon().factory());
  private final CountDownLatch stopped = new CountDownLatch(1);
  private volatile Optional<ClusterNodes.Drain> now = Optional.empty();

  // Of the thread.
  private long deadlineNanos;
  private boolean isHandingOver;
  private long handOvers;
  private boolean isTicking;
  private long endedAt;
  private int ended;

  /**
   * @param isSupervised whether something starts the node again after {@link #RESTART_STATUS}
   * @param usualDeadline for who names none
   * @param exit is told, on this one's thread, with which status the process is to end; must not block
   */
  NodeDrain(ProtocolAdapters adapters, LiveConnections connections, LiveConfig live, Surroundings surroundings, boolean isSupervised,
      Duration usualDeadline, IntConsumer exit, Events events, Clock clock) {
    this.adapters = adapters;
    this.connections = connections;
    this.live = live;
    this.surroundings = surroundings;
    this.isSupervised = isSupervised;
    this.usualDeadline = usualDeadline;
    this.exit = exit;
    this.events = events;
    this.clock = clock;
  }

  boolean isDraining() {
    return now.isPresent();
  }

  /** Whether nothing is left to wait for before the process ends. */
  boolean isStopped() {
    return now.filter(drain -> drain.over() && drain.purpose() != ClusterNodes.Purpose.DRAIN).isPresent();
  }

  /** How far it is, in words; nothing while the node serves. */
  Optional<String> words() {
    return now.map(drain -> {
      int remaining = adapters.remaining();
      return switch (drain.purpose()) {
        case DRAIN -> "it is drained";
        case LEAVE -> "it leaves the cluster";
        case RESTART -> "it restarts";
        case STOP -> "it stops";
      } + " (by " + drain.by() + " at " + drain.since() + "); " + (remaining == 0 ? "no client is left"
          : remaining + (remaining == 1 ? " client has until " : " clients have until ") + drain.deadline())
          + (drain.trouble().isEmpty() ? "" : "; " + drain.trouble());
    });
  }

  @Override
  public ClusterNodes.State look() {
    List<LiveConnections.Snapshot> all = connections.list();
    return new ClusterNodes.State(now, surroundings.notReady(), adapters.remaining(),
        all.stream().limit(ClusterConnections.MAX_LISTED).toList(), all.size() > ClusterConnections.MAX_LISTED);
  }

  @Override
  public CompletionStage<ClusterNodes.Answer> begin(
      ClusterNodes.Purpose purpose, Optional<Duration> deadline, boolean keepVote, String by) {
    return onThread(() -> whyNot(purpose, keepVote).<ClusterNodes.Answer>map(ClusterNodes.Refused::new).orElseGet(() -> {
      beginNow(purpose, deadline, by);
      return new ClusterNodes.Told(look());
    }));
  }

  @Override
  public CompletionStage<ClusterNodes.Answer> resume(String by) {
    return onThread(() -> whyNotResumed()
        .<CompletionStage<ClusterNodes.Answer>>map(refusal -> CompletableFuture.completedFuture(new ClusterNodes.Refused(refusal)))
        .orElseGet(() -> resumeNow(by).thenApply(done -> new ClusterNodes.Told(look()))))
        .thenCompose(answer -> answer);
  }

  /** Lets the clients go because the process is to end, and blocks until they have, or the deadline is over. */
  void stop(Duration deadline) {
    begin(ClusterNodes.Purpose.STOP, Optional.of(deadline), true, "a signal");
    try {
      if (!stopped.await(deadline.plus(FAREWELL.multipliedBy(2)).toMillis(), TimeUnit.MILLISECONDS)) {
        log.warn("The clients were not let go in time; the node stops all the same");
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private <T> CompletableFuture<T> onThread(Supplier<T> task) {
    return CompletableFuture.supplyAsync(task, thread);
  }

  private Optional<String> whyNot(ClusterNodes.Purpose purpose, boolean keepVote) {
    ClusterNodes.Purpose present = now.map(ClusterNodes.Drain::purpose).orElse(ClusterNodes.Purpose.DRAIN);
    if (purpose != ClusterNodes.Purpose.STOP && present != ClusterNodes.Purpose.DRAIN && present != purpose) {
      return Optional.of("this node is about to " + word(present) + " already"
          + (present == ClusterNodes.Purpose.STOP ? "" : "; resume it first"));
    }
    return switch (purpose) {
      case DRAIN, STOP -> Optional.empty();
      case LEAVE -> surroundings.isVoter() && !keepVote ? Optional.of("this node is a voter, and a voter that is away for good is missed "
          + "whenever another one is away too. Take its vote away first (flotilla voters remove, or replace), or leave with keepVote=true "
          + "if it is to return") : Optional.empty();
      case RESTART -> isSupervised ? Optional.empty() : Optional.of("nothing would start this node again: what runs it has not said so. "
          + "./flotilla node, flotilla up and the systemd unit do; where something else starts it again after status " + RESTART_STATUS
          + ", set FLOTILLA_SUPERVISED=true for it");
    };
  }

  private void beginNow(ClusterNodes.Purpose purpose, Optional<Duration> wanted, String by) {
    Optional<ClusterNodes.Drain> before = now;
    boolean isOther = before.isEmpty() || before.get().purpose() != purpose;
    long time = System.nanoTime();
    if (wanted.isPresent() || before.isEmpty()) {
      long until = time + wanted.orElse(usualDeadline).toNanos();
      // Who is told to stop has no more time than before.
      deadlineNanos = before.isPresent() && purpose == ClusterNodes.Purpose.STOP ? Math.min(until, deadlineNanos) : until;
      endedAt = endedAt != 0 && until > time ? 0 : endedAt;
    }
    Instant deadline = wanted.isEmpty() && before.isPresent() ? before.get().deadline()
        : clock.instant().plusNanos(Math.max(0, deadlineNanos - time));
    now = Optional.of(new ClusterNodes.Drain(purpose, before.map(ClusterNodes.Drain::since).orElseGet(clock::instant), deadline,
        isOther ? by : before.get().by(), !isOther && before.get().over(), before.map(ClusterNodes.Drain::trouble).orElse("")));
    if (isOther) {
      events.draining(word(purpose), Math.max(0, deadlineNanos - time) / 1_000_000_000, by, adapters.remaining());
    }
    if (before.isEmpty()) {
      ended = 0;
      endedAt = 0;
      adapters.drain(); // which must not wait for, or fail with, anything of the cluster
      if (purpose != ClusterNodes.Purpose.STOP) { // whoever stops hands it over by leaving the cluster
        handOver();
      }
    }
    if (!isTicking) {
      isTicking = true;
      tick();
    }
  }

  private void handOver() {
    isHandingOver = true;
    long number = ++handOvers;
    CompletionStage<Optional<String>> done;
    try {
      done = surroundings.handOverPrimary();
    } catch (RuntimeException e) {
      done = CompletableFuture.failedFuture(e);
    }
    done.exceptionally(failure -> Optional.of(String.valueOf(failure.getMessage())))
        .thenAcceptAsync(trouble -> {
          if (number != handOvers) {
            return; // that of a drain that was ended, and followed by another
          }
          isHandingOver = false;
          trouble.ifPresent(why -> {
            log.warn("The role of the primary could not be handed over: {}", why);
            now = now.map(drain -> with(drain, drain.over(), "the role of the primary could not be handed over: " + why));
          });
        }, thread);
  }

  private void tick() {
    if (now.isEmpty() || now.get().over()) {
      isTicking = false;
      return;
    }
    try {
      letGo(now.get());
    } catch (RuntimeException e) {
      log.error("The clients could not be looked at", e); // thrown, it would end the drain half-way
    }
    thread.schedule(this::tick, TICK_MILLISECONDS, TimeUnit.MILLISECONDS);
  }

  private void letGo(ClusterNodes.Drain drain) {
    String reason = drain.purpose() == ClusterNodes.Purpose.DRAIN
        ? "this server takes no clients for a while; connect again" : "the server is shutting down";
    adapters.endQuiet(quiet(drain), reason);
    long time = System.nanoTime();
    if (time - deadlineNanos >= 0 && endedAt == 0) {
      endedAt = time;
      ended += adapters.remaining();
      adapters.endAll(reason);
    }
    boolean isEmpty = adapters.remaining() == 0 || endedAt != 0 && time - endedAt > FAREWELL.toNanos();
    if (isEmpty && (!isHandingOver || drain.purpose() == ClusterNodes.Purpose.STOP)) {
      now = Optional.of(with(drain, true, drain.trouble()));
      events.drained(word(drain.purpose()), drain.by(), ended, drain.trouble());
      switch (drain.purpose()) {
        case DRAIN -> { }
        case LEAVE -> exit.accept(0);
        case RESTART -> exit.accept(RESTART_STATUS);
        case STOP -> stopped.countDown();
      }
    }
  }

  private static Duration quiet(ClusterNodes.Drain drain) {
    Duration part = Duration.between(drain.since(), drain.deadline()).dividedBy(QUIET_PART);
    return part.compareTo(LEAST_QUIET) < 0 ? LEAST_QUIET : part.compareTo(MOST_QUIET) > 0 ? MOST_QUIET : part;
  }

  private Optional<String> whyNotResumed() {
    return now.filter(drain -> drain.purpose() == ClusterNodes.Purpose.STOP
            || drain.purpose() != ClusterNodes.Purpose.DRAIN && drain.over())
        .map(drain -> "this node is on its way to " + word(drain.purpose()) + ", which can't be held up any more");
  }

  private CompletionStage<Void> resumeNow(String by) {
    if (now.isEmpty()) {
      return CompletableFuture.completedFuture(null);
    }
    now = Optional.empty();
    adapters.resume();
    return live.applyAgain(adapters).thenAccept(problems -> events.resumed(by, problems));
  }

  private static ClusterNodes.Drain with(ClusterNodes.Drain drain, boolean over, String trouble) {
    return new ClusterNodes.Drain(drain.purpose(), drain.since(), drain.deadline(), drain.by(), over, trouble);
  }

  private static String word(ClusterNodes.Purpose purpose) {
    return purpose.name().toLowerCase(Locale.ROOT);
  }

  @Override
  public void close() {
    thread.shutdownNow();
  }
}
