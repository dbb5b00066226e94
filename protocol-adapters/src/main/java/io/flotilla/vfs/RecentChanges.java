package io.flotilla.vfs;

import io.flotilla.vfs.RecentChange.Draft;
import io.flotilla.vfs.RecentChange.Removed;
import io.flotilla.vfs.RecentChange.Version;
import io.flotilla.vfs.RecentChange.Written;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Deque;
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
import java.util.function.Predicate;
import java.util.stream.Collectors;
import java.util.stream.Stream;

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
  /** Versions of one path that are known to be older, of those that are not told. */
  static final int MAX_OLDER = 32;
  /** No clock of a node is that far; a stamp beyond it would leave no room for later ones. */
  private static final long MAX_STAMP = Long.MAX_VALUE / 2;
  /** Before the first change of any log. */
  private static final Position NOWHERE = new Position(new UUID(0, 0), 0);

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
  /** What an operator should know, to be told when the lock is free. */
  private final List<Runnable> news = new ArrayList<>();
  private long lastStamp;
  private volatile long lastSequence;

  /** Is told what an operator should know, by the thread that changed or heard something. */
  public interface Events {
    /** Two nodes wrote one path, and neither had the other's file. */
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
    /** What it put an end to besides, as far as this node heard: more than is told with one change. */
    private final List<Version> older;
    private volatile boolean settled;

    private Known(String node, RecentChange change, long order, long expires, List<Version> older) {
      this.node = node;
      this.change = change;
      this.order = order;
      this.expires = expires;
      this.older = older;
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

    RecentChange change() {
      return change;
    }

    /** Whether a file is one of those that this change, and those of the path before it, put an end to. */
    boolean isNewerThan(FileAttributes file) {
      return ended().anyMatch(version -> version.isOf(file));
    }

    /** The versions that are older than it for sure, the latest first. */
    private Stream<Version> ended() {
      List<Version> told = change.ended().toList();
      int latest = change.replaced().size() < RecentChange.MAX_REPLACED ? told.size() : told.size() - 1; // then the last one is the oldest
      return Stream.of(told.subList(0, latest), older, told.subList(latest, told.size())).flatMap(List::stream);
    }

    private static boolean isNewer(RecentChange change, String node, Known than) {
      return change.stamp() > than.change.stamp() || change.stamp() == than.change.stamp() && node.compareTo(than.node) > 0;
    }
  }

  private record Key(String storage, VirtualPath path) {}

  /** The changes of one node that are kept, each path once, in the order in which they were heard. Under the lock. */
  private static final class Log {
    private final TreeMap<Long, Known> inOrder = new TreeMap<>();
    private final Map<Key, Known> byPath = new HashMap<>();
    private Position heard = NOWHERE;
    private long lastOrder;

    private static Key key(Known known) {
      return new Key(known.change.storage(), known.change.path());
    }
  }

  /** What is known of one storage: looked at by any thread, changed under the lock. */
  private static final class Index {
    private final Map<VirtualPath, Known> newest = new ConcurrentHashMap<>();
    /** Of what other nodes changed and may not be so here yet. */
    private final Ways changed = new Ways();
    /** Of what they wrote and is not known to have arrived. */
    private final Ways coming = new Ways();
    private final AtomicInteger open = new AtomicInteger();
  }

  /** Leads from the root to some paths: the entries of each directory that are one, or lead to one. */
  private static final class Ways {
    private final Map<VirtualPath, Set<VirtualPath>> entries = new ConcurrentHashMap<>();

    Set<VirtualPath> from(VirtualPath directory) {
      return entries.getOrDefault(directory, Set.of());
    }

    void add(VirtualPath path) {
      for (VirtualPath at = path; !at.isRoot(); at = at.parent()) {
        if (!entries.computeIfAbsent(at.parent(), _ -> ConcurrentHashMap.newKeySet()).add(at)) {
          return;
        }
      }
    }

    /** @param isOne whether a path on the way is one itself */
    void remove(VirtualPath path, Predicate<VirtualPath> isOne) {
      for (VirtualPath at = path; !at.isRoot() && !entries.containsKey(at) && !isOne.test(at); at = at.parent()) {
        Set<VirtualPath> siblings = entries.get(at.parent());
        if (siblings != null) {
          siblings.remove(at);
          if (siblings.isEmpty()) {
            entries.remove(at.parent());
          }
        }
      }
    }
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

  /**
   * Tells the other nodes of changes that were made here, as one. Never blocks.
   *
   * @param since where this node's log ended before anything was changed or looked at
   * @return what is not told, since this node has told of these paths meanwhile: that may be newer, so they are to be looked at again
   */
  List<Draft> made(String storage, List<Draft> drafts, long since) {
    Duration kept = keep.apply(storage);
    if (kept.isZero() || drafts.isEmpty()) {
      return List.of();
    }
    List<Draft> outdated = new ArrayList<>();
    lock.lock();
    try {
      for (Draft draft : withAllThatIsGone(storage, drafts)) {
        made(storage, draft, kept, since, outdated);
      }
      told.signalAll();
    } finally {
      unlock();
    }
    return outdated;
  }

  private void made(String storage, Draft draft, Duration kept, long since, List<Draft> outdated) {
    Known mine = own.byPath.get(new Key(storage, draft.path()));
    if (mine != null && mine.change.sequence() > since) {
      outdated.add(draft);
      return;
    }
    Optional<Known> before = Optional.ofNullable(index(storage).newest.get(draft.path())).filter(known -> !isOver(known));
    Optional<Known> unseen = before.filter(known -> isUnseen(known, draft));
    if (unseen.isPresent() && draft.state() instanceof Removed) {
      return; // another file was removed than the newest, which is still to come
    }
    Optional<Known> seen = before.filter(_ -> unseen.isEmpty());
    long known = Math.max(seen.or(draft::over).map(one -> one.change.stamp()).orElse(0L), unseen.map(one -> one.change.known()).orElse(0L));
    lastStamp = Math.max(micros.getAsLong(), lastStamp + 1);
    // What the unseen one left is not older, but what it put an end to is.
    Stream<Version> older = Stream.of(draft.found().stream(), seen.flatMap(one -> one.change.left()).stream(),
        before.stream().flatMap(Known::ended), draft.over().flatMap(one -> one.change.left()).stream(),
        draft.over().stream().flatMap(Known::ended)).flatMap(versions -> versions);
    RecentChange change = new RecentChange(++lastSequence, lastStamp, known, storage, draft.path(), draft.state(),
        RecentChange.replacedBy(draft.state(), older));
    seen.filter(this::isOpen).ifPresent(one -> tellIfConflict(change, one.node, one.change));
    add(own, node, change, kept.toNanos());
  }

  /**
   * Whether what was done to a path was not done to the file that another node is known to have left there: something else was here and
   * counted, or it was heard of only meanwhile.
   */
  private boolean isUnseen(Known known, Draft draft) {
    return isComing(known) && known.change.left().isPresent() && draft.over().filter(over -> over == known).isEmpty()
        && !(draft.state() instanceof Removed removed && ((Written) known.state()).isSame(removed));
  }

  /**
   * With what this node has told of in directories that are removed, or renamed and too large to be told of anew: it is gone with them.
   * Under the lock, so all that is told is gone through once.
   */
  private List<Draft> withAllThatIsGone(String storage, List<Draft> drafts) {
    Set<VirtualPath> directories = drafts.stream().filter(draft -> draft.state() instanceof Removed removed && removed.isDirectory())
        .map(Draft::path).collect(Collectors.toSet());
    if (directories.isEmpty()) {
      return drafts;
    }
    List<VirtualPath> topmost = directories.stream().filter(directory -> !isBeneath(directory, directories)).toList();
    Set<VirtualPath> told = drafts.stream().map(Draft::path).collect(Collectors.toSet());
    List<Draft> gone = own.byPath.values().stream()
        .filter(known -> known.change.storage().equals(storage) && known.state() instanceof Written)
        .filter(known -> topmost.stream().anyMatch(known.path()::isWithin) && !told.contains(known.path()))
        .map(known -> new Draft(known.path(), ((Written) known.state()).asRemoved())).toList();
    List<Draft> all = new ArrayList<>(drafts);
    int first = 0; // what is written comes before what is gone
    while (!directories.contains(drafts.get(first).path())) {
      first++;
    }
    all.addAll(first, gone);
    return all;
  }

  private static boolean isBeneath(VirtualPath path, Set<VirtualPath> directories) {
    for (VirtualPath at = path; !at.isRoot(); ) {
      at = at.parent();
      if (directories.contains(at)) {
        return true;
      }
    }
    return false;
  }

  private void tellIfConflict(RecentChange mine, String otherNode, RecentChange other) {
    if (mine.state() instanceof Written here && other.state() instanceof Written there && !here.isDirectory() && !there.isDirectory()
        && !here.version().isSame(there.version())) {
      news.add(() -> events.conflict(new Conflict(mine.storage(), mine.path(), here.version(), otherNode, there.version())));
    }
  }

  /** Then tells what has happened, which may write to a log. */
  private void unlock() {
    List<Runnable> happened = List.copyOf(news);
    news.clear();
    lock.unlock();
    happened.forEach(Runnable::run);
  }

  /** The number of the last change in this node's log. */
  long sequence() {
    return lastSequence;
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
        if (isOn(known.change.storage())) {
          changes.add(aged(known, now));
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
      return log == null ? NOWHERE : log.heard;
    } finally {
      lock.unlock();
    }
  }

  /**
   * Takes what another node has told. Never blocks.
   *
   * @param batch with how far its log is known then
   * @return false if too many nodes are listened to already, and nothing was taken
   */
  public boolean heard(String other, Batch batch) {
    if (other.equals(node)) {
      return true;
    }
    lock.lock();
    try {
      if (!others.containsKey(other) && others.size() >= MAX_NODES) {
        return false;
      }
      Log log = others.computeIfAbsent(other, _ -> new Log());
      for (Aged aged : batch.changes()) {
        RecentChange change = aged.change();
        long left = keep.apply(change.storage()).minus(aged.age()).toNanos();
        if (left > 0 && isSane(change)) {
          lastStamp = Math.max(lastStamp, change.stamp());
          Known last = log.byPath.get(new Key(change.storage(), change.path()));
          if (last != null && !isOver(last) && last.change.stamp() >= change.stamp()) {
            continue; // told again, as whether it has arrived is known already; or given back to that node by one that heard no newer one
          }
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
      return true;
    } finally {
      unlock();
    }
  }

  /** Has another node's changes told again from the first on, because some could not be taken when they were told. */
  public void hearAnew(String other) {
    lock.lock();
    try {
      Log log = others.get(other);
      if (log != null) {
        log.heard = NOWHERE;
      }
    } finally {
      lock.unlock();
    }
  }

  /** Makes room for other nodes: forgets those that are not listened to any longer, once all they told is over. */
  public void keepOnly(Set<String> listenedTo) {
    lock.lock();
    try {
      others.entrySet().removeIf(other -> !listenedTo.contains(other.getKey()) && other.getValue().inOrder.isEmpty());
    } finally {
      lock.unlock();
    }
  }

  /** The highest stamp this node has made or heard, in microseconds; 0 if none. */
  public long lastStamp() {
    lock.lock();
    try {
      return lastStamp;
    } finally {
      lock.unlock();
    }
  }

  /** What was heard of another node, also before it started anew: to be given back to it when it has, since its own log was in memory. */
  public List<Aged> heardFrom(String other) {
    lock.lock();
    try {
      Log log = others.get(other);
      long now = nanos.getAsLong();
      return log == null ? List.of() : log.inOrder.values().stream().filter(known -> !isOver(known)).map(known -> aged(known, now)).toList();
    } finally {
      lock.unlock();
    }
  }

  /** Takes back what this node told before it started anew; changes that it has made since count. Never blocks. */
  public void remember(List<Aged> former) {
    lock.lock();
    try {
      for (Aged aged : former) {
        RecentChange change = aged.change();
        long left = keep.apply(change.storage()).minus(aged.age()).toNanos();
        Known mine = own.byPath.get(new Key(change.storage(), change.path()));
        if (left > 0 && isSane(change) && (mine == null || mine.change.stamp() < change.stamp())) {
          lastStamp = Math.max(lastStamp, change.stamp());
          add(own, node, change.as(++lastSequence), left);
        }
      }
      told.signalAll();
    } finally {
      unlock();
    }
  }

  private static boolean isSane(RecentChange change) {
    return change.stamp() > 0 && change.stamp() < MAX_STAMP && !Partials.isHidden(change.path());
  }

  private Aged aged(Known known, long now) {
    long kept = keep.apply(known.change.storage()).toNanos();
    return new Aged(known.change, Duration.ofNanos(Math.max(0, kept - (known.expires - now))));
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
    Index index = index(change.storage());
    Known newest = index.newest.get(change.path());
    boolean isFirst = newest == null || isOver(newest);
    boolean isNewest = isFirst || Known.isNewer(change, from, newest);
    List<Version> older = isNewest && !isFirst ? older(newest, from, change) : List.of();
    Known known = new Known(from, change, order, nanos.getAsLong() + left, older);
    Known former = log.byPath.put(Log.key(known), known);
    if (former != null) {
      log.inOrder.remove(former.order);
    }
    log.inOrder.put(order, known);
    if (isNewest) {
      show(index, known);
    }
    int tooMany = log.inOrder.size() - MAX_CHANGES;
    for (int i = 0; i < tooMany; i++) {
      forget(log, log.inOrder.firstEntry().getValue());
    }
    if (tooMany > 0) {
      news.add(() -> events.forgotten(from, tooMany));
    }
  }

  /**
   * What is older than a change that takes the place of another one: all that this put an end to, and what it left if it is of the same
   * node. Another node's may have been made without knowing of that.
   */
  private static List<Version> older(Known former, String node, RecentChange change) {
    List<Version> told = change.ended().toList();
    return RecentChange.atMost(MAX_OLDER, Stream.concat(former.change.left().filter(_ -> former.node.equals(node)).stream(), former.ended())
        .distinct().filter(version -> !told.contains(version) && !Optional.of(version).equals(change.left())).toList());
  }

  private void show(Index index, Known known) {
    turn(index, known.path(), index.newest.put(known.path(), known), known);
  }

  private void forget(Log log, Known known) {
    log.inOrder.remove(known.order);
    log.byPath.remove(Log.key(known), known);
    Index index = index(known.change.storage());
    if (index.newest.remove(known.path(), known)) {
      turn(index, known.path(), known, null);
    }
  }

  /** Keeps the ways to a path whose newest change is another one now, or none. */
  private void turn(Index index, VirtualPath path, Known former, Known now) {
    if (isOpen(former) != isOpen(now)) {
      if (isOpen(now)) {
        index.open.incrementAndGet();
        index.changed.add(path);
      } else {
        close(index, path);
      }
    }
    if (isComing(now)) {
      index.coming.add(path);
    } else if (isComing(former)) {
      index.coming.remove(path, at -> isComing(index.newest.get(at)));
    }
  }

  private void close(Index index, VirtualPath path) {
    index.open.decrementAndGet();
    index.changed.remove(path, at -> isOpen(index.newest.get(at)));
  }

  /** It has arrived here, or does not hold any longer: what is here counts. */
  void settle(Known known) {
    if (known.settled) {
      return;
    }
    lock.lock();
    try {
      Index index = index(known.change.storage());
      boolean isShown = isOpen(known) && index.newest.get(known.path()) == known;
      known.settled = true;
      if (isShown) {
        close(index, known.path());
        index.coming.remove(known.path(), at -> isComing(index.newest.get(at)));
      }
    } finally {
      lock.unlock();
    }
  }

  /** Whether it says of a path what may not be so here yet. */
  private boolean isOpen(Known known) {
    return isForeign(known) && !known.settled;
  }

  private boolean isForeign(Known known) {
    return known != null && !known.node.equals(node);
  }

  private boolean isComing(Known known) {
    return isOpen(known) && known.state() instanceof Written;
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

  /** Whether other nodes changed anything in a storage that may not be so here yet; if not, what is here is all there is to look at. */
  boolean hasForeign(String storage) {
    Index index = storages.get(storage);
    return index != null && index.open.get() > 0;
  }

  /** The newest change of a path, if another node made it and it is not known to have arrived. */
  Optional<Known> expected(String storage, VirtualPath path) {
    Index index = storages.get(storage);
    return index == null ? Optional.empty() : Optional.ofNullable(index.newest.get(path)).filter(this::isExpected);
  }

  private boolean isExpected(Known known) {
    return isOpen(known) && !isOver(known);
  }

  /** Whether another node wrote a path that is not known to have arrived. */
  public boolean isComing(String storage, VirtualPath path) {
    return expected(storage, path).filter(known -> known.state() instanceof Written).isPresent();
  }

  Set<String> storages() {
    return Set.copyOf(storages.keySet());
  }

  /** The entries of a directory that other nodes changed, or that lead to what they changed. */
  Collection<VirtualPath> changedIn(String storage, VirtualPath directory) {
    Index index = storages.get(storage);
    return index == null ? List.of() : List.copyOf(index.changed.from(directory));
  }

  /** Whether other nodes wrote anything beneath a directory that is not known to have arrived, or was not until a moment ago. */
  boolean isAnythingComing(String storage, VirtualPath directory) {
    Index index = storages.get(storage);
    return index != null && !index.coming.from(directory).isEmpty() && isOn(storage);
  }

  /** What other nodes wrote beneath a directory and has not arrived, as far as this node knows. */
  List<Known> writtenBeneath(String storage, VirtualPath directory, int most) {
    Index index = storages.get(storage);
    return index == null ? List.of() : beneath(index, directory, most);
  }

  private List<Known> beneath(Index index, VirtualPath directory, int most) {
    List<Known> found = new ArrayList<>();
    Deque<VirtualPath> left = new ArrayDeque<>(index.coming.from(directory));
    while (!left.isEmpty() && found.size() < most) {
      VirtualPath path = left.pop();
      Known known = index.newest.get(path);
      if (known != null && isExpected(known) && known.state() instanceof Written) {
        found.add(known);
      }
      left.addAll(index.coming.from(path));
    }
    return found;
  }
}
