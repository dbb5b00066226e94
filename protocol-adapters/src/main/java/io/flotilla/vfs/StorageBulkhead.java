package io.flotilla.vfs;

import java.time.Duration;
import java.util.Optional;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.Executor;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Keeps what hangs in one storage from holding up anything else. Calls into it run on platform threads, because a system call
 * that hangs would hold a carrier of virtual threads, and there are as many of those as processors. At most {@link #MAX_CALLS}
 * run at once, so no more than that can hang; when they all do, the next ones fail at once. Reads and writes of open files are
 * too many and too short for another thread: they run where they are, and {@link CarrierReserve} makes up for those that hang. As
 * many of these run at once as calls, and the same holds when all of them hang. See docs/decisions/0013. Safe for all threads.
 */
final class StorageBulkhead {
  static final int MAX_CALLS = 64;
  /** Calls that have given up their place to wait for something else; each keeps its thread. */
  static final int MAX_OUTSIDE = 256;
  /** How often, and how long, one call tries whether a storage that is silent answers again; the others fail at once. */
  private static final Duration PROBE_INTERVAL = Duration.ofSeconds(10);
  private static final Duration PROBE_WAIT = Duration.ofSeconds(1);
  private static final long ORIGIN = System.nanoTime();

  private final String storage;
  private final Executor threads;
  private final CarrierReserve carriers;
  private final Semaphore free = new Semaphore(MAX_CALLS);
  private final Semaphore outside = new Semaphore(MAX_OUTSIDE);
  private final Set<Call<?>> running = ConcurrentHashMap.newKeySet();
  /** What waits for a thread to be closed: no more than sessions have open. */
  private final Queue<Call<?>> closings = new ConcurrentLinkedQueue<>();
  /** Those that run. */
  private final Set<DataCalls> dataCalls = ConcurrentHashMap.newKeySet();
  private final Semaphore data = new Semaphore(MAX_CALLS);
  /** Sessions that may use it. */
  private final AtomicInteger users = new AtomicInteger();
  private volatile int hungData;
  private volatile long answeredAt = System.nanoTime();
  private final AtomicLong probedAt = new AtomicLong(answeredAt - PROBE_INTERVAL.toNanos());

  /** @param threads starts a platform thread for each task if it has none that is idle */
  StorageBulkhead(String storage, Executor threads, CarrierReserve carriers) {
    this.storage = storage;
    this.threads = threads;
    this.carriers = carriers;
  }

  /** How long an answer may take before the call counts as one that hangs. */
  enum Patience {
    USUAL(Duration.ofSeconds(10)),
    /** For what brings to the disk all that a large file has. */
    LONG(Duration.ofMinutes(5));

    private final Duration duration;

    Patience(Duration duration) {
      this.duration = duration;
    }
  }

  /** A place of the storage that the present thread holds; it has at most one. */
  private static final ThreadLocal<Place> HELD = new ThreadLocal<>();

  /** What a thread holds while it is in a call into the storage. */
  private interface Place {
    /** @throws VfsException NOT_ARRIVED if too many have; it is kept then */
    void giveUp() throws VfsException;

    /** @throws VfsException IO if there is none again in time; it is given up then */
    void takeAgain() throws VfsException;
  }

  /** What waits for something other than the storage. */
  interface Outside<T> {
    T make() throws VfsException;
  }

  /**
   * Waits for something other than the storage, such as another node, in the midst of a call into it: the call's place is free for others
   * meanwhile. Does no more than make it if the present thread is in no such call.
   *
   * @throws VfsException also NOT_ARRIVED if too many calls wait already, and IO if the storage has no place again afterwards; what was
   *     opened is abandoned then
   */
  static <T> T outside(Outside<T> waiting) throws VfsException {
    Place place = HELD.get();
    if (place == null) {
      return waiting.make();
    }
    T value = null;
    boolean isInside = false;
    place.giveUp();
    try {
      value = waiting.make();
    } finally {
      isInside = takeAgain(place);
    }
    if (!isInside) {
      StorageLane.release(value);
      throw new VfsException(VfsError.IO, "the storage does not answer");
    }
    return value;
  }

  private static boolean takeAgain(Place place) {
    try {
      place.takeAgain();
      return true;
    } catch (VfsException e) {
      return false;
    }
  }

  /** Runs on a thread of its own, and holds a place of the storage unless it waits outside. */
  private final class Call<T> implements Place {
    private final Callable<T> action;
    private final Patience patience;
    private final CompletableFuture<T> answer = new CompletableFuture<>();
    private volatile long since;

    Call(Callable<T> action, Patience patience) {
      this.action = action;
      this.patience = patience;
    }

    private void run() {
      HELD.set(this);
      try {
        answer.complete(action.call());
      } catch (Throwable e) { // whatever it is, the caller gets it
        answer.completeExceptionally(e);
      } finally {
        HELD.remove();
      }
    }

    @Override
    public void giveUp() throws VfsException {
      if (!outside.tryAcquire()) {
        throw new VfsException(VfsError.NOT_ARRIVED,
            "it has not arrived at this node yet, and too many wait for the nodes that have such files; try again later");
      }
      HELD.remove();
      ended(this);
    }

    @Override
    public void takeAgain() throws VfsException {
      boolean hasPlace = acquire(patience.duration);
      outside.release();
      if (!hasPlace) {
        throw silent();
      }
      since = System.nanoTime();
      running.add(this);
      HELD.set(this);
    }

    private boolean hangs() {
      return System.nanoTime() - since > patience.duration.toNanos();
    }
  }

  /**
   * Starts a call. Waits for a thread if all are in use by calls that don't hang, as long as patience lasts.
   *
   * @throws VfsException IO if no thread becomes free, or at once if the storage is silent
   */
  <T> CompletableFuture<T> start(Callable<T> action, Patience patience) throws VfsException {
    if (isSilent() && !mayProbe()) {
      throw silent();
    }
    if (!free.tryAcquire() && (hung() >= MAX_CALLS || !acquire(wait(patience)))) {
      throw silent();
    }
    Call<T> call = new Call<>(action, patience);
    if (!launch(call)) {
      throw new VfsException(VfsError.IO, "storage " + storage + " can't be used now, because this node has no more threads");
    }
    return call.answer;
  }

  private long hung() {
    return running.stream().filter(Call::hangs).count();
  }

  private boolean acquire(Duration wait) {
    try {
      return free.tryAcquire(wait.toMillis(), TimeUnit.MILLISECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return false;
    }
  }

  /** Closes something as soon as there is a thread for it, which may be when the storage answers again. */
  CompletableFuture<Void> startClosing(Runnable closing) {
    Call<Void> call = new Call<>(() -> {
      closing.run();
      return null;
    }, Patience.USUAL);
    closings.add(call);
    launchClosing();
    return call.answer;
  }

  private void launchClosing() {
    while (!closings.isEmpty() && free.tryAcquire()) {
      Call<?> next = closings.poll();
      if (next == null) {
        free.release();
      } else if (!launch(next)) {
        closings.add(next); // tried again when another call ends
        return;
      }
    }
  }

  /** False if there can be no more threads; then the call's place is free again. */
  private boolean launch(Call<?> call) {
    call.since = System.nanoTime();
    running.add(call);
    try {
      threads.execute(() -> {
        try {
          call.run();
        } finally {
          ended(call);
        }
      });
      return true;
    } catch (RuntimeException | OutOfMemoryError e) {
      running.remove(call);
      free.release();
      return false;
    }
  }

  /** The call's place is free, unless it has given it up already. */
  private void ended(Call<?> call) {
    if (running.remove(call)) {
      answeredAt = System.nanoTime();
      free.release();
      launchClosing();
    }
  }

  /** Whether a call hangs since whose beginning nobody has had an answer. */
  private boolean isSilent() {
    return running.stream().anyMatch(call -> call.hangs() && call.since - answeredAt > 0);
  }

  private boolean mayProbe() {
    long last = probedAt.get();
    long now = System.nanoTime();
    return now - last > PROBE_INTERVAL.toNanos() && probedAt.compareAndSet(last, now);
  }

  /** How long to wait for an answer now. */
  Duration wait(Patience patience) {
    return isSilent() ? PROBE_WAIT : patience.duration;
  }

  VfsException silent() {
    return new VfsException(VfsError.IO, "storage " + storage + " does not answer");
  }

  /** Calls that run on their caller's thread, one at a time: the reads and writes of an open file, or a session's. */
  final class DataCalls implements Place {
    /** Since when one runs, in nanoseconds from 1 on; 0 if none does, and less than 0 if it is known to hold its carrier. */
    private final AtomicLong since = new AtomicLong();

    /** @throws VfsException IO if as many as may hang do already, or there is no place for it in time */
    void begin() throws VfsException {
      if (!data.tryAcquire() && (hungData >= MAX_CALLS || !waitForData())) {
        throw silent();
      }
      if (!carriers.enter(Patience.USUAL.duration)) {
        data.release();
        throw silent();
      }
      since.set(now());
      dataCalls.add(this);
      HELD.set(this);
      carriers.watch();
    }

    @Override
    public void giveUp() {
      end();
    }

    @Override
    public void takeAgain() throws VfsException {
      begin();
    }

    private boolean waitForData() {
      try {
        return data.tryAcquire(Patience.USUAL.duration.toMillis(), TimeUnit.MILLISECONDS);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        return false;
      }
    }

    /** To be called once after each begin that did not fail; does nothing if the place was given up meanwhile. */
    void end() {
      HELD.remove();
      dataCalls.remove(this);
      long began = since.getAndSet(0);
      if (began > 0) {
        carriers.leave();
      }
      if (began != 0) {
        data.release();
      }
    }

    private boolean takes(Duration time) {
      long began = since.get();
      return began != 0 && now() - Math.abs(began) > time.toNanos();
    }

    /** Whether it holds its carrier; if that is new, another may come in its place. */
    private boolean holds() {
      long began = since.get();
      if (began > 0 && now() - began > CarrierReserve.INTERVAL.toNanos() && since.compareAndSet(began, -began)) {
        carriers.leave();
        return true;
      }
      return began < 0;
    }

    private static long now() {
      return System.nanoTime() - ORIGIN + 1;
    }
  }

  boolean hasDataCalls() {
    return !dataCalls.isEmpty();
  }

  /** Counts the reads and writes that hold carriers; called by {@link CarrierReserve}'s thread only. */
  int countHeld() {
    int held = 0;
    int hung = 0;
    for (DataCalls calls : dataCalls) {
      held += calls.holds() ? 1 : 0;
      hung += calls.takes(Patience.USUAL.duration) ? 1 : 0;
    }
    hungData = hung;
    return held;
  }

  /** Somebody may use it from now on. */
  void enter() {
    users.incrementAndGet();
  }

  void leave() {
    users.decrementAndGet();
  }

  boolean isIdle() {
    return users.get() == 0 && running.isEmpty() && dataCalls.isEmpty() && closings.isEmpty();
  }

  /** How many more calls may run, of the kind of which there are fewer. */
  int freePlaces() {
    return Math.min(free.availablePermits(), data.availablePermits());
  }

  /** What to tell the operator, or nothing as long as the storage answers. */
  Optional<String> problem() {
    long hung = hung() + dataCalls.stream().filter(calls -> calls.takes(Patience.USUAL.duration)).count();
    return hung == 0 ? Optional.empty() : Optional.of("storage " + storage + " does not answer: calls of clients wait "
        + "for it; look at its mount on this node");
  }
}
