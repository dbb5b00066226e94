package io.flotilla.vfs;

import io.flotilla.vfs.RecentChange.Draft;
import io.flotilla.vfs.RecentChange.Version;
import io.flotilla.vfs.RecentChange.Written;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Function;
import java.util.function.LongSupplier;

/**
 * What all nodes changed lately in the storages of which each has a copy of its own, as far as this node has heard: a log of this node's
 * changes, which the others follow, and what was heard of theirs. Of each path only the newest change counts, whatever the order in which
 * they are heard. In memory only: a process that starts has an empty log under a new incarnation. One per process, safe for all threads;
 * looking takes no lock.
 */
public final class RecentChanges {
  /** Of one node; beyond it the oldest go. */
  static final int MAX_CHANGES = 20_000;
  /** Of nodes whose changes are kept; those of more are not listened to. */
  static final int MAX_NODES = 200;
  /** No clock of a node is that far; a stamp beyond it would leave no room for later ones. */
  private static final long MAX_STAMP = Long.MAX_VALUE / 2;

  private final String node;
  private final UUID incarnation = UUID.randomUUID();
  private final Function<String, Duration> keep;
  private final LongSupplier micros;
  private final LongSupplier nanos;
  private final Events events;
  private final ReentrantLock lock = new ReentrantLock();
  private final Condition told = lock.newCondition();
  private final Log own = new Log();
  private final Map<String, Log> others = new HashMap<>();
  private final Map<String, Index> storages = new ConcurrentHashMap<>();
  private long lastStamp;
  private long lastSequence;

  /** Is told what an operator should know. Called with a lock held: must not block. */
  public interface Events {
    /** Two nodes wrote one path, and neither knew of the other. */
    void conflict(Conflict conflict);

    /** Changes were forgotten before their time, because there were too many. */
    void forgotten(String node, int count);
  }

  /** Two versions of one path: this node's, and another's. */
  public record Conflict(String storage, VirtualPath path, Version version, String otherNode, Version otherVersion) {}

  /** How far a log is known. */
  public record Position(UUID incarnation, long sequence) {}

  /** Changes in their order, after which the log is known up to a position. */
  public record Batch(Position position, List<Aged> changes) {}

  /** A change, with how long ago it was made. */
  public record Aged(RecentChange change, Duration age) {}

  /** The newest change of a path, as far as this node has heard. */
  static final class Known {
    private final String node;
    private final RecentChange change;
    private final long order;
    private final long expires;
    private volatile boolean settled;

    private Known(String node, RecentChange change, long order, long expires) {
      this.node = node;
      this.change = change;
      this.order = order;
      this.expires = expires;
    }

    String node() {
      return node;
    }

    VirtualPath path() {
      return change.path();
    }

    RecentChange.State state() {
      return change.state();
    }

    /** It has arrived here, or does not hold any longer: what is here counts. */
    void settle() {
      settled = true;
    }

    private boolean isNewerThan(Known other) {
      return other == null || change.stamp() > other.change.stamp()
          || change.stamp() == other.change.stamp() && node.compareTo(other.node) > 0;
    }
  }

  private record Key(String storage, VirtualPath path) {}

  /** The changes of one node that are kept, each path once, in the order in which they were heard. Under the lock. */
  private static final class Log {
    private final TreeMap<Long, Known> inOrder = new TreeMap<>();
    private final Map<Key, Known> byPath = new HashMap<>();
    private Position heard = new Position(new UUID(0, 0), 0);
    private long lastOrder;

    private static Key key(Known known) {
      return new Key(known.change.storage(), known.change.path());
    }
  }

  /** What is known of one storage: looked at by any thread, changed under the lock. */
  private static final class Index {
    private final Map<VirtualPath, Known> newest = new ConcurrentHashMap<>();
    /** Of what other nodes changed, and the directories above it. */
    private final Map<VirtualPath, Set<VirtualPath>> beneath = new ConcurrentHashMap<>();
    private final AtomicInteger foreign = new AtomicInteger();
  }

  /**
   * @param node its name
   * @param keep how long changes of a storage are kept; zero if they aren't told
   * @param micros the time of day, in microseconds
   * @param nanos as System.nanoTime
   */
  public RecentChanges(String node, Function<String, Duration> keep, LongSupplier micros, LongSupplier nanos, Events events) {
    this.node = node;
    this.keep = keep;
    this.micros = micros;
    this.nanos = nanos;
    this.events = events;
  }

  /** Whether nodes tell each other nothing of such a name, because unfinished uploads have it. */
  public static boolean isHidden(String name) {
    return Partials.isHidden(name);
  }

  /** Whether a file is of a version, as far as a synchroniser could tell. */
  public static boolean isVersion(Version version, FileAttributes file) {
    return version.isOf(file);
  }

  /** Whether changes in a storage are told, and those of others shown. */
  boolean isOn(String storage) {
    return !keep.apply(storage).isZero();
  }

  /** Tells the other nodes of changes that were made here, as one. Never blocks. */
  void made(String storage, List<Draft> drafts) {
    Duration kept = keep.apply(storage);
    if (kept.isZero() || drafts.isEmpty()) {
      return;
    }
    lock.lock();
    try {
      for (Draft draft : drafts) {
        Known before = index(storage).newest.get(draft.path());
        boolean counts = before != null && !isOver(before);
        lastStamp = Math.max(micros.getAsLong(), lastStamp + 1);
        RecentChange change = new RecentChange(
            ++lastSequence, lastStamp, counts ? before.change.stamp() : 0, storage, draft.path(), draft.state());
        if (counts && !before.settled && !before.node.equals(node)) {
          tellIfConflict(change, before.node, before.change);
        }
        add(own, node, change, kept.toNanos());
      }
      told.signalAll();
    } finally {
      lock.unlock();
    }
  }

  private void tellIfConflict(RecentChange mine, String otherNode, RecentChange other) {
    if (mine.state() instanceof Written here && other.state() instanceof Written there && !here.isDirectory() && !there.isDirectory()
        && !here.version().isSame(there.version())) {
      events.conflict(new Conflict(mine.storage(), mine.path(), here.version(), otherNode, there.version()));
    }
  }

  /** The end of this node's log. */
  public Position position() {
    lock.lock();
    try {
      return new Position(incarnation, lastSequence);
    } finally {
      lock.unlock();
    }
  }

  /**
   * This node's changes after a position, in their order: at most some, and none if there are none after a wait. Those of before are all
   * there are if the position is of another incarnation.
   *
   * @throws InterruptedException if the thread is interrupted while it waits
   */
  public Batch after(Position position, int most, Duration wait) throws InterruptedException {
    lock.lockInterruptibly();
    try {
      long sequence = position.incarnation().equals(incarnation) ? position.sequence() : 0;
      long left = wait.toNanos();
      while (lastSequence <= sequence && left > 0) {
        left = told.awaitNanos(left);
      }
      long now = nanos.getAsLong();
      List<Aged> changes = new ArrayList<>();
      for (Known known : own.inOrder.tailMap(sequence, false).values()) { // its own are ordered by their numbers
        long kept = keep.apply(known.change.storage()).toNanos();
        if (kept > 0) {
          changes.add(new Aged(known.change, Duration.ofNanos(Math.max(0, kept - (known.expires - now)))));
        }
        if (changes.size() == most) {
          return new Batch(new Position(incarnation, known.change.sequence()), changes);
        }
      }
      return new Batch(new Position(incarnation, lastSequence), changes);
    } finally {
      lock.unlock();
    }
  }

  /** How far another node's changes have been heard. */
  public Position heardOf(String other) {
    lock.lock();
    try {
      Log log = others.get(other);
      return log == null ? new Position(new UUID(0, 0), 0) : log.heard;
    } finally {
      lock.unlock();
    }
  }

  /**
   * Takes what another node has told. Never blocks.
   *
   * @param batch with how far its log is known then
   */
  public void heard(String other, Batch batch) {
    if (other.equals(node)) {
      return;
    }
    lock.lock();
    try {
      if (!others.containsKey(other) && others.size() >= MAX_NODES) {
        return;
      }
      Log log = others.computeIfAbsent(other, _ -> new Log());
      for (Aged aged : batch.changes()) {
        RecentChange change = aged.change();
        long left = keep.apply(change.storage()).minus(aged.age()).toNanos();
        if (left > 0 && change.stamp() > 0 && change.stamp() < MAX_STAMP && !Partials.isHidden(change.path())) {
          lastStamp = Math.max(lastStamp, change.stamp());
          Known mine = own.byPath.get(new Key(change.storage(), change.path()));
          // The node of the older one tells, so that one does.
          if (mine != null && !isOver(mine) && change.known() < mine.change.stamp() && change.stamp() > mine.change.stamp()) {
            tellIfConflict(mine.change, other, change);
          }
          add(log, other, change, left);
        }
      }
      log.heard = batch.position();
      told.signalAll();
    } finally {
      lock.unlock();
    }
  }

  /** Waits until another node's changes have been heard up to a position, and says whether they have in time. */
  public boolean awaitHeard(String other, Position position, Duration wait) throws InterruptedException {
    lock.lockInterruptibly();
    try {
      long left = wait.toNanos();
      while (!hasHeard(other, position) && left > 0) {
        left = told.awaitNanos(left);
      }
      return hasHeard(other, position);
    } finally {
      lock.unlock();
    }
  }

  private boolean hasHeard(String other, Position position) {
    Log log = others.get(other);
    return log != null && log.heard.incarnation().equals(position.incarnation()) && log.heard.sequence() >= position.sequence();
  }

  private Index index(String storage) {
    return storages.computeIfAbsent(storage, _ -> new Index());
  }

  private void add(Log log, String from, RecentChange change, long left) {
    long order = log == own ? change.sequence() : ++log.lastOrder;
    Known known = new Known(from, change, order, nanos.getAsLong() + left);
    Known former = log.byPath.put(Log.key(known), known);
    if (former != null) {
      log.inOrder.remove(former.order);
    }
    log.inOrder.put(order, known);
    Index index = index(change.storage());
    Known newest = index.newest.get(change.path());
    if (known.isNewerThan(newest) || newest == former || isOver(newest)) {
      show(index, known);
    }
    int tooMany = log.inOrder.size() - MAX_CHANGES;
    for (int i = 0; i < tooMany; i++) {
      forget(log, log.inOrder.firstEntry().getValue());
    }
    if (tooMany > 0) {
      events.forgotten(from, tooMany);
    }
  }

  private void show(Index index, Known known) {
    Known former = index.newest.put(known.path(), known);
    boolean wasForeign = former != null && !former.node.equals(node);
    boolean isForeign = !known.node.equals(node);
    index.foreign.addAndGet((isForeign ? 1 : 0) - (wasForeign ? 1 : 0));
    if (isForeign && !wasForeign) {
      link(index, known.path());
    } else if (wasForeign && !isForeign) {
      unlink(index, known.path());
    }
  }

  private void forget(Log log, Known known) {
    log.inOrder.remove(known.order);
    log.byPath.remove(Log.key(known), known);
    Index index = index(known.change.storage());
    if (index.newest.remove(known.path(), known) && !known.node.equals(node)) {
      index.foreign.decrementAndGet();
      unlink(index, known.path());
    }
  }

  private static void link(Index index, VirtualPath path) {
    for (VirtualPath at = path; !at.isRoot(); at = at.parent()) {
      if (!index.beneath.computeIfAbsent(at.parent(), _ -> ConcurrentHashMap.newKeySet()).add(at)) {
        return;
      }
    }
  }

  private void unlink(Index index, VirtualPath path) {
    for (VirtualPath at = path; !at.isRoot() && !index.beneath.containsKey(at) && !isForeign(index.newest.get(at)); at = at.parent()) {
      Set<VirtualPath> siblings = index.beneath.get(at.parent());
      if (siblings != null) {
        siblings.remove(at);
        if (siblings.isEmpty()) {
          index.beneath.remove(at.parent());
        }
      }
    }
  }

  private boolean isForeign(Known known) {
    return known != null && !known.node.equals(node);
  }

  /** Forgets what is over; to be called now and then. */
  public void expire() {
    lock.lock();
    try {
      for (Log log : logs()) {
        List.copyOf(log.inOrder.values()).stream().filter(this::isOver).forEach(known -> forget(log, known));
      }
    } finally {
      lock.unlock();
    }
  }

  private List<Log> logs() {
    List<Log> logs = new ArrayList<>(others.values());
    logs.add(own);
    return logs;
  }

  /** How many changes are kept, of all nodes. */
  public int size() {
    lock.lock();
    try {
      return logs().stream().mapToInt(log -> log.inOrder.size()).sum();
    } finally {
      lock.unlock();
    }
  }

  private boolean isOver(Known known) {
    return known.expires - nanos.getAsLong() <= 0 || !isOn(known.change.storage());
  }

  /** Whether other nodes changed anything in a storage; if not, what is here is all there is to look at. */
  boolean hasForeign(String storage) {
    Index index = storages.get(storage);
    return index != null && index.foreign.get() > 0;
  }

  /** The newest change of a path, if another node made it and it is not known to have arrived. */
  Optional<Known> expected(String storage, VirtualPath path) {
    Index index = storages.get(storage);
    return index == null ? Optional.empty() : Optional.ofNullable(index.newest.get(path)).filter(this::isExpected);
  }

  private boolean isExpected(Known known) {
    return isForeign(known) && !known.settled && !isOver(known);
  }

  /** The entries of a directory that other nodes changed, or that lead to what they changed. */
  Collection<VirtualPath> changedIn(String storage, VirtualPath directory) {
    Index index = storages.get(storage);
    return index == null ? List.of() : List.copyOf(entries(index, directory));
  }

  private static Set<VirtualPath> entries(Index index, VirtualPath directory) {
    return index.beneath.getOrDefault(directory, Set.of());
  }

  /** What other nodes wrote beneath a directory and has not arrived, as far as this node knows. */
  List<Known> writtenBeneath(String storage, VirtualPath directory, int most) {
    List<Known> found = new ArrayList<>();
    Index index = storages.get(storage);
    if (index != null) {
      collect(index, directory, most, found);
    }
    return found;
  }

  private void collect(Index index, VirtualPath directory, int most, List<Known> found) {
    for (VirtualPath entry : entries(index, directory)) {
      Known known = index.newest.get(entry);
      if (known != null && isExpected(known) && known.state() instanceof Written) {
        found.add(known);
      }
      if (found.size() < most) {
        collect(index, entry, most, found);
      }
      if (found.size() >= most) {
        return;
      }
    }
  }
}
