package io.flotilla.vfs;

import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashSet;
import java.util.Iterator;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;

/**
 * Goes through whole trees in the background, few at once, however many come into use together, as when a node restarts and all
 * its users come back. A scan that has seen nothing new for a minute hangs with its storage: it no longer counts, and none of the
 * same storage begins until it has come back. So a storage that hangs takes as many threads as there are places at most, and
 * no place for longer than that. Its threads don't keep the process. Safe for all threads.
 */
final class TreeScans {
  private static final int PLACES = 4;
  private static final int MAX_WAITING = 10_000;
  private static final Duration HANGS = Duration.ofMinutes(1);

  private final Duration hangs;
  private final Executor review;
  private final Deque<Task> waiting = new ArrayDeque<>();
  private final Set<Task> running = new HashSet<>();

  TreeScans() {
    this(HANGS);
  }

  /** @param hangs after how long without progress a scan counts as one that hangs */
  TreeScans(Duration hangs) {
    this.hangs = hangs;
    this.review = CompletableFuture.delayedExecutor(hangs.toMillis() + 1, TimeUnit.MILLISECONDS);
  }

  /** Goes through a tree. */
  interface Scan {
    /** @param progress to be run for each entry */
    void run(Runnable progress);
  }

  /** Where scans of one storage are begun. */
  interface OfStorage {
    /** @throws RejectedExecutionException if too many wait already; it is then not run */
    void start(Scan scan);
  }

  private final class Task implements Runnable {
    private final String storage;
    private final Scan scan;
    private volatile long progressAt = System.nanoTime();
    private boolean isGivenUp;

    Task(String storage, Scan scan) {
      this.storage = storage;
      this.scan = scan;
    }

    @Override
    public void run() {
      try {
        scan.run(() -> progressAt = System.nanoTime());
      } finally {
        ended(this);
      }
    }
  }

  /** The scans of a storage, which run among all others. */
  OfStorage of(String storage) {
    return scan -> start(new Task(storage, scan));
  }

  private synchronized void start(Task task) {
    if (waiting.size() >= MAX_WAITING) {
      throw new RejectedExecutionException("too many trees wait to be scanned");
    }
    waiting.add(task);
    startNext();
  }

  private synchronized void ended(Task task) {
    running.remove(task);
    startNext();
  }

  private synchronized void review() {
    for (Task task : running) {
      task.isGivenUp |= System.nanoTime() - task.progressAt > hangs.toNanos();
    }
    startNext();
    if (running.stream().anyMatch(task -> !task.isGivenUp)) {
      review.execute(this::review);
    }
  }

  /** A task that starts waits for the lock before it can end. */
  private void startNext() {
    boolean wasIdle = running.stream().allMatch(task -> task.isGivenUp);
    Iterator<Task> next = waiting.iterator();
    while (next.hasNext() && running.stream().filter(task -> !task.isGivenUp).count() < PLACES) {
      Task task = next.next();
      if (running.stream().noneMatch(other -> other.isGivenUp && other.storage.equals(task.storage))) {
        next.remove();
        task.progressAt = System.nanoTime();
        Thread.ofPlatform().daemon().name("tree-scan").priority(Thread.MIN_PRIORITY).start(task);
        running.add(task);
      }
    }
    if (wasIdle && running.stream().anyMatch(task -> !task.isGivenUp)) {
      review.execute(this::review);
    }
  }
}
