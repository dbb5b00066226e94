package io.flotilla.sftp;

import java.util.ArrayDeque;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.AbstractExecutorService;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Runs what NIO.2 has to tell of the connections, none of which blocks. A switch between threads of the system is most of what a small
 * request costs, so there is one only where data arrives, and that into a virtual thread: a channel's thread that it wakes
 * runs on the same carrier next. Of those there are as many at once as processors, which leaves carriers to others, whatever
 * clients that have not logged in yet want to have computed. What a virtual thread itself caused, such as the end of a write that the
 * socket took at once, it is told on the spot, also while it holds MINA's locks for writing, so listeners of sessions and of
 * writes may take no lock under which something is sent. NIO.2 clears the interrupt of a thread after it has told it something:
 * nothing here interrupts one. Safe for all threads; there is nothing to shut down.
 */
final class TransportThreads extends AbstractExecutorService {
  private static final Logger log = LoggerFactory.getLogger(TransportThreads.class);

  /** Of what one that arrived causes, before it is the turn of others: a client that sends without a pause causes reads without an end. */
  private static final int IN_TURN = 16;

  /** What a virtual thread still has to run; so that one task that causes the next does not deepen the stack. */
  private final ThreadLocal<Queue<Runnable>> caused = new ThreadLocal<>();
  /** What has come: one task at most for each connection and direction. */
  private final Queue<Runnable> arrived = new ConcurrentLinkedQueue<>();
  private final AtomicInteger threads = new AtomicInteger();
  private final int maxThreads;
  private volatile boolean isShutdown;

  /** @param maxThreads for what has come, 1 or more */
  TransportThreads(int maxThreads) {
    this.maxThreads = maxThreads;
  }

  @Override
  public void execute(Runnable task) {
    if (!Thread.currentThread().isVirtual()) {
      arrived.add(task);
      startThread();
      return;
    }
    Queue<Runnable> waiting = caused.get();
    if (waiting == null) {
      runWithWhatItCauses(task, Integer.MAX_VALUE);
    } else {
      waiting.add(task);
    }
  }

  private void startThread() {
    int running = threads.get();
    while (running < maxThreads && !arrived.isEmpty()) {
      if (threads.compareAndSet(running, running + 1)) {
        try {
          Thread.ofVirtual().name("ssh-transport").start(this::runArrived);
        } catch (RuntimeException | Error e) {
          threads.decrementAndGet();
          throw e;
        }
        return;
      }
      running = threads.get();
    }
  }

  private void runArrived() {
    try {
      for (Runnable next = arrived.poll(); next != null; next = arrived.poll()) {
        runWithWhatItCauses(next, IN_TURN);
      }
    } finally {
      threads.decrementAndGet();
    }
    startThread(); // for what came since the last look
  }

  /** @param most of what it causes; the rest waits with what has arrived */
  private void runWithWhatItCauses(Runnable task, int most) {
    Queue<Runnable> queue = new ArrayDeque<>(2);
    caused.set(queue);
    try {
      run(task);
      for (int i = 0; i < most && !queue.isEmpty(); i++) {
        run(queue.poll());
      }
    } finally {
      caused.remove();
    }
    if (!queue.isEmpty()) {
      arrived.addAll(queue);
      startThread();
    }
  }

  /** Those that wait behind a task are not to be lost with it. */
  private static void run(Runnable task) {
    try {
      task.run();
    } catch (Throwable e) { // an Error too would lose them, and the connection stand still
      log.error("What the SSH transport had to tell could not be taken, by a defect", e);
    }
  }

  @Override
  public void shutdown() {
    isShutdown = true;
  }

  @Override
  public List<Runnable> shutdownNow() {
    isShutdown = true;
    return List.of();
  }

  @Override
  public boolean isShutdown() {
    return isShutdown;
  }

  @Override
  public boolean isTerminated() {
    return isShutdown;
  }

  @Override
  public boolean awaitTermination(long timeout, TimeUnit unit) {
    return isShutdown;
  }
}
