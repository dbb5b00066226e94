package io.flotilla.node.recent;

import io.flotilla.node.HostPort;
import io.flotilla.vfs.RecentChanges;
import io.flotilla.vfs.RecentChanges.Batch;
import io.flotilla.vfs.RecentChanges.Position;
import java.io.IOException;
import java.time.Duration;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.LongSupplier;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Listens to the recent changes of every other node of the cluster. Who these are is what the control plane said last, before or after a
 * start of this process, for as long as changes may be kept, since a node that is out of the cluster for a while still has its files. Each
 * node is followed by a virtual thread of its own, which connects again when a stream ends. Nobody is followed before there is a
 * configuration, because until then it isn't known which storages' changes count; when more of them do, all is heard anew. Safe for all
 * threads.
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
  private static final Duration PATIENCE = Duration.ofSeconds(5);
  private static final Duration TELL_AGAIN = Duration.ofMinutes(10);
  /** How long a node that starts waits for what the others changed while it was down, whoever does not answer. */
  private static final Duration HEARING = Duration.ofSeconds(10);

  private final String own;
  private final RecentChanges changes;
  private final Link.Dialer dialer;
  private final Supplier<Map<String, HostPort>> members;
  private final Supplier<Optional<Set<String>>> storages;
  private final ExchangeMemory memory;
  private final LongSupplier nanos;
  private final Map<String, Followed> followed = new ConcurrentHashMap<>();
  private final Thread thread;
  private final CountDownLatch stopped = new CountDownLatch(1);
  private volatile boolean areMembersKnown;
  private volatile boolean closed;
  /** Since when others are listened to, by the nanos; empty before there is a configuration. */
  private volatile Optional<Long> hearsSince = Optional.empty();
  /** The storages whose changes were taken so far. */
  private Set<String> taken = Set.of();
  /** When it was said last that there are too many nodes, by System.nanoTime. */
  private volatile long toldTooMany = System.nanoTime() - TELL_AGAIN.toNanos();

  /** Another node, as it is followed. */
  private static final class Followed {
    private final String name;
    private volatile HostPort address;
    private volatile long seen;
    private volatile boolean isMember;
    /** Whether all it had to tell was heard once. */
    private volatile boolean heard;
    /** Whether it did not answer when it was asked last. */
    private volatile boolean failed;
    private volatile Thread thread;
    private volatile boolean ended;
    /** What is heard is taken from this one only, under the lock. */
    private final ReentrantLock lock = new ReentrantLock();
    private Link link;

    Followed(String name, HostPort address) {
      this.name = name;
      this.address = address;
      this.seen = System.nanoTime();
    }

    void begin(Link open) {
      lock.lock();
      try {
        link = open;
      } finally {
        lock.unlock();
      }
    }

    /** Ends a stream, for what else is to be done before the next begins. */
    void cut(Runnable then) {
      lock.lock();
      try {
        if (link != null) {
          link.close();
          link = null;
        }
        then.run();
      } finally {
        lock.unlock();
      }
    }

    void end() {
      ended = true;
      cut(() -> { });
      Thread running = thread;
      if (running != null) {
        running.interrupt();
      }
    }
  }

  /**
   * @param own this node's name
   * @param members names and remoting addresses of the cluster's members; none as long as the control plane doesn't run
   * @param storages those whose changes count; empty as long as there is no configuration
   * @param memory used by this only from now on
   * @param nanos as System.nanoTime, for how long a start may take
   */
  ChangesFollower(String own, RecentChanges changes, Link.Dialer dialer, Supplier<Map<String, HostPort>> members,
      Supplier<Optional<Set<String>>> storages, ExchangeMemory memory, LongSupplier nanos) {
    this.own = own;
    this.changes = changes;
    this.dialer = dialer;
    this.members = members;
    this.storages = storages;
    this.memory = memory;
    this.nanos = nanos;
    memory.nodes().forEach((name, address) -> {
      if (!name.equals(own)) {
        followed.put(name, new Followed(name, address));
      }
    });
    this.thread = Thread.ofVirtual().name("recent-changes").start(this::run);
  }

  /** The remoting address of a node, as it was known last. */
  Optional<HostPort> address(String node) {
    return Optional.ofNullable(followed.get(node)).map(one -> one.address);
  }

  /**
   * Whom this node has to hear before it knows what was changed lately, in words; empty if it does, or it has listened for so long that
   * nodes which have not been heard since can't be waited for. A node that is no member and does not answer isn't waited for at all.
   */
  Optional<String> unheard() {
    Optional<Long> since = hearsSince;
    if (since.isEmpty()) {
      return Optional.of("it does not listen to the other nodes yet");
    }
    if (nanos.getAsLong() - since.get() > HEARING.toNanos()) {
      return Optional.empty();
    }
    if (memory.isNew() && !areMembersKnown) {
      return Optional.of("it does not know yet which other nodes there are");
    }
    List<String> names = followed.values().stream().filter(one -> !one.heard && (one.isMember || !areMembersKnown || !one.failed))
        .map(one -> one.name).sorted().toList();
    return names.isEmpty() ? Optional.empty()
        : Optional.of("it has not heard yet what was changed lately at " + String.join(", ", names));
  }

  private void run() {
    try {
      for (long i = 0; i == 0 || !stopped.await(LOOK_MILLIS, TimeUnit.MILLISECONDS); i++) {
        try {
          if (hearsSince.isEmpty() && storages.get().isPresent()) {
            hearsSince = Optional.of(nanos.getAsLong());
          }
          look();
        } catch (RuntimeException e) {
          log.warn("The cluster's members can't be looked at, so those known before are followed: {}", e.toString());
        }
        if (i % EXPIRE_EVERY == 0) {
          changes.expire();
          changes.keepOnly(Set.copyOf(followed.keySet()));
        }
      }
    } catch (InterruptedException e) {
      log.debug("Recent changes are not followed any longer");
    }
    memory.close(changes.lastStamp());
  }

  private void look() {
    long now = System.nanoTime();
    Map<String, HostPort> found = new HashMap<>(members.get());
    boolean isKnown = !found.isEmpty();
    found.remove(own);
    found.forEach((name, address) -> {
      Followed one = followed.get(name);
      if (one == null && hasRoom(found.keySet(), now)) {
        one = new Followed(name, address);
        followed.put(name, one);
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
    followed.values().forEach(one -> one.isMember = found.containsKey(one.name));
    areMembersKnown |= isKnown;
    if (areMembersKnown || !memory.isNew()) {
      memory.keep(followed.values().stream().collect(Collectors.toMap(one -> one.name, one -> one.address)), changes.lastStamp());
    }
    storages.get().ifPresent(this::listen);
  }

  /** Of more nodes than may be followed, who is no member any longer goes first. */
  private boolean hasRoom(Set<String> found, long now) {
    if (followed.size() < MAX_NODES) {
      return true;
    }
    Optional<Followed> gone = followed.values().stream().filter(one -> !found.contains(one.name))
        .min(Comparator.comparingLong(one -> one.seen - now));
    gone.ifPresent(one -> {
      one.end();
      followed.remove(one.name);
    });
    if (gone.isEmpty()) {
      tellTooMany();
    }
    return gone.isPresent();
  }

  private void tellTooMany() {
    long now = System.nanoTime();
    if (now - toldTooMany >= TELL_AGAIN.toNanos()) {
      toldTooMany = now;
      log.warn("There are more than {} nodes to be listened to for recent changes; clients of this node see those of the others only when "
          + "they have arrived", MAX_NODES);
    }
  }

  /** Follows all, and from the first change on if there are storages whose changes were not taken. */
  private void listen(Set<String> storages) {
    boolean isMore = !taken.containsAll(storages);
    taken = Set.copyOf(storages);
    for (Followed one : followed.values()) {
      if (one.thread == null) {
        one.thread = Thread.ofVirtual().name("recent-changes-of-" + one.name).start(() -> follow(one));
      } else if (isMore) {
        one.cut(() -> changes.hearAnew(one.name));
      }
    }
  }

  private void follow(Followed one) {
    long pause = FIRST_PAUSE_MILLIS;
    try {
      while (!one.ended && !closed) {
        long began = System.nanoTime();
        try {
          listen(one);
        } catch (IOException e) {
          one.failed = true;
          log.debug("The recent changes of {} are not heard for now: {}", one.name, e.toString());
        } catch (RuntimeException | Error e) { // nobody would start the thread again
          one.failed = true;
          log.warn("The recent changes of {} are not heard for now, which is tried again; tell the developers of this", one.name, e);
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
      one.begin(link);
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
        hear(one, link, ChangesMessages.batch(Frame.read(link.in())));
      }
    } finally {
      one.begin(null);
    }
  }

  private void hear(Followed one, Link link, Batch batch) throws IOException {
    one.lock.lock();
    try {
      if (one.link != link) {
        throw new IOException("it is heard anew");
      }
      if (!changes.heard(one.name, batch)) {
        tellTooMany();
        throw new IOException("changes of too many nodes are kept already");
      }
    } finally {
      one.lock.unlock();
    }
    one.failed = false;
    one.heard |= batch.changes().size() < ChangesMessages.MAX_CHANGES;
  }

  @Override
  public void close() {
    closed = true;
    stopped.countDown();
    try {
      thread.join(PATIENCE); // it may be writing, which an interrupt would break
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    followed.values().forEach(Followed::end);
  }
}
