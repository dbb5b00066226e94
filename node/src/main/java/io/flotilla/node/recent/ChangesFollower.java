package io.flotilla.node.recent;

import io.flotilla.node.HostPort;
import io.flotilla.vfs.RecentChanges;
import io.flotilla.vfs.RecentChanges.Batch;
import io.flotilla.vfs.RecentChanges.Position;
import java.io.IOException;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Listens to the recent changes of every other node of the cluster. Who these are is what the control plane said last, for as long as
 * changes may be kept, since a node that is out of the cluster for a while still has its files. Each node is followed by a virtual thread
 * of its own, which connects again when a stream ends. Safe for all threads.
 */
final class ChangesFollower implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(ChangesFollower.class);
  private static final Duration CONNECT = Duration.ofSeconds(3);
  private static final Duration SILENCE = ChangesService.HEARTBEAT.multipliedBy(3);
  private static final long FIRST_PAUSE_MILLIS = 200;
  private static final long LONGEST_PAUSE_MILLIS = 5_000;
  private static final long LOOK_MILLIS = 1_000;
  private static final long EXPIRE_EVERY = 5;
  /** How long a node is remembered that is no member any longer. */
  private static final Duration REMEMBERED = Duration.ofDays(1);
  private static final int MAX_NODES = 200;

  private final String own;
  private final RecentChanges changes;
  private final Link.Dialer dialer;
  private final Supplier<Map<String, HostPort>> members;
  private final Map<String, Followed> followed = new ConcurrentHashMap<>();
  private final Thread thread;
  private volatile boolean closed;

  /** Another node, as it is followed. */
  private static final class Followed {
    private final String name;
    private volatile HostPort address;
    private volatile long seen;
    private volatile Link link;
    private volatile Thread thread;
    private volatile boolean ended;

    Followed(String name) {
      this.name = name;
    }

    void end() {
      ended = true;
      Link open = link;
      if (open != null) {
        open.close();
      }
      Thread running = thread;
      if (running != null) {
        running.interrupt();
      }
    }
  }

  /**
   * @param own this node's name
   * @param members names and remoting addresses of the cluster's members; none as long as the control plane doesn't run
   */
  ChangesFollower(String own, RecentChanges changes, Link.Dialer dialer, Supplier<Map<String, HostPort>> members) {
    this.own = own;
    this.changes = changes;
    this.dialer = dialer;
    this.members = members;
    this.thread = Thread.ofVirtual().name("recent-changes").start(this::run);
  }

  /** The remoting address of a node, as it was known last. */
  Optional<HostPort> address(String node) {
    return Optional.ofNullable(followed.get(node)).map(one -> one.address);
  }

  private void run() {
    try {
      for (long i = 0; !closed; i++) {
        try {
          look();
        } catch (RuntimeException e) {
          log.warn("The cluster's members can't be looked at, so those known before are followed: {}", e.toString());
        }
        if (i % EXPIRE_EVERY == 0) {
          changes.expire();
        }
        TimeUnit.MILLISECONDS.sleep(LOOK_MILLIS);
      }
    } catch (InterruptedException e) {
      log.debug("Recent changes are not followed any longer");
    }
  }

  private void look() {
    long now = System.nanoTime();
    Map<String, HostPort> found = new HashMap<>(members.get());
    found.remove(own);
    found.forEach((name, address) -> {
      Followed one = followed.get(name);
      if (one == null && followed.size() < MAX_NODES) {
        one = new Followed(name);
        one.address = address;
        followed.put(name, one);
        Followed started = one;
        one.thread = Thread.ofVirtual().name("recent-changes-of-" + name).start(() -> follow(started));
      }
      if (one != null) {
        one.address = address;
        one.seen = now;
      }
    });
    followed.values().removeIf(one -> {
      boolean isOver = !found.containsKey(one.name) && now - one.seen > REMEMBERED.toNanos();
      if (isOver) {
        one.end();
      }
      return isOver;
    });
  }

  private void follow(Followed one) {
    long pause = FIRST_PAUSE_MILLIS;
    try {
      while (!one.ended && !closed) {
        long began = System.nanoTime();
        try {
          listen(one);
        } catch (IOException | RuntimeException e) {
          log.debug("The recent changes of {} are not heard for now: {}", one.name, e.toString());
        }
        pause = System.nanoTime() - began > SILENCE.toNanos() ? FIRST_PAUSE_MILLIS : Math.min(2 * pause, LONGEST_PAUSE_MILLIS);
        TimeUnit.MILLISECONDS.sleep(pause);
      }
    } catch (InterruptedException e) {
      log.debug("{} is not followed any longer", one.name);
    }
  }

  private void listen(Followed one) throws IOException {
    try (Link link = dialer.dial(one.address, ChangesMessages.SERVICE, CONNECT)) {
      if (!link.peer().equals(one.name)) {
        throw new IOException("at " + one.address + " there is " + link.peer());
      }
      one.link = link;
      if (one.ended || closed) {
        return;
      }
      link.readTimeout(SILENCE);
      Position from = changes.heardOf(one.name);
      ChangesMessages.from(from).writeTo(link.out());
      for (boolean isMore = ChangesMessages.isNew(from); isMore; ) {
        Batch former = ChangesMessages.batch(Frame.read(link.in()));
        changes.remember(former.changes());
        isMore = former.position().sequence() > 0;
      }
      while (true) {
        changes.heard(one.name, ChangesMessages.batch(Frame.read(link.in())));
      }
    } finally {
      one.link = null;
    }
  }

  @Override
  public void close() {
    closed = true;
    thread.interrupt();
    followed.values().forEach(Followed::end);
  }
}
