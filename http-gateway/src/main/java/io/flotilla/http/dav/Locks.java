package io.flotilla.http.dav;

import io.flotilla.claim.event.Claim;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.LongSupplier;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The locks of all nodes as this one knows them: what it granted itself, what others told it, and every so often all that the keeper of
 * the claims has. Requests are judged by it without anybody being asked. A token that is gone stays so, whatever is heard later, because
 * news overtake each other. Safe for all threads; nothing here blocks.
 */
public final class Locks {
  private static final Logger log = LoggerFactory.getLogger(Locks.class);
  static final int MAX_LOCKS = 20_000;
  static final int MAX_OF_USER = 500;
  private static final int MAX_GONE = 10_000;
  private static final long PURGE_NANOS = 1_000_000_000;

  private final LongSupplier nanoTime;
  /** By place, two slashes, and token. */
  private final TreeMap<String, Known> byPlace = new TreeMap<>();
  private final Map<String, String> keys = new HashMap<>();
  private final Map<String, Integer> ofUsers = new HashMap<>();
  private final Set<String> gone = Collections.newSetFromMap(new LinkedHashMap<>() {
    private static final long serialVersionUID = 1L;

    @Override
    protected boolean removeEldestEntry(Map.Entry<String, Boolean> eldest) {
      return size() > MAX_GONE;
    }
  });
  private volatile boolean isEmpty = true;
  private long lastPurge;
  private boolean isFullTold;

  /** @param heard when it was last heard of */
  private record Known(Lock lock, long deadline, long heard) {}

  /** @param nanoTime a monotonic clock */
  public Locks(LongSupplier nanoTime) {
    this.nanoTime = nanoTime;
    this.lastPurge = nanoTime.getAsLong();
  }

  /**
   * What a request is about to change.
   *
   * @param isMember whether it makes, removes or renames what is there, which changes the directory that holds it as well
   * @param isTree whether all that is in it goes or is replaced too
   */
  record Write(LockPlace place, boolean isMember, boolean isTree) {}

  /** The one rule for whoever writes: finds a lock of which the request has no token. */
  synchronized Optional<Lock> check(Write write, Set<String> tokens) {
    if (byPlace.isEmpty()) {
      return Optional.empty();
    }
    Optional<Lock> obstacle = obstacle(covering(write.place()), tokens);
    if (obstacle.isEmpty() && write.isMember() && write.place().depth() > 0) {
      List<LockPlace> way = write.place().way();
      obstacle = obstacle(covering(way.get(way.size() - 2)), tokens);
    }
    if (obstacle.isEmpty() && write.isTree()) {
      Map<LockPlace, List<Lock>> roots = new HashMap<>();
      beneath(write.place()).forEach(lock -> roots.computeIfAbsent(lock.place(), _ -> new ArrayList<>()).add(lock));
      obstacle = roots.values().stream().flatMap(locks -> obstacle(locks, tokens).stream()).findFirst();
    }
    return obstacle;
  }

  /** Of several locks on one thing, which are shared then, one token is enough. */
  private static Optional<Lock> obstacle(List<Lock> locks, Set<String> tokens) {
    return locks.stream().anyMatch(lock -> tokens.contains(lock.token())) ? Optional.empty() : locks.stream().findFirst();
  }

  /** Whether there may be no lock at all. */
  boolean isEmpty() {
    return isEmpty;
  }

  synchronized Optional<Lock> find(String token) {
    String key = keys.get(token);
    return key == null ? Optional.empty() : Optional.of(byPlace.get(key)).filter(this::holds).map(Known::lock);
  }

  /** The locks that a place is under: its own, and deep ones above. */
  synchronized List<Lock> covering(LockPlace place) {
    List<Lock> found = new ArrayList<>();
    for (LockPlace at : place.way()) {
      startingWith(at.key() + "//").filter(lock -> lock.isDeep() || lock.place().equals(place)).forEach(found::add);
    }
    return found;
  }

  /** Those of a place itself. */
  synchronized List<Lock> at(LockPlace place) {
    return startingWith(place.key() + "//").toList();
  }

  /** Those of what is in a place. */
  synchronized List<Lock> beneath(LockPlace place) {
    return startingWith(place.key() + "/").filter(lock -> !lock.place().equals(place)).toList();
  }

  /** The first lock that another can't be beside. */
  synchronized Optional<Lock> conflict(Lock wanted) {
    List<Lock> others = new ArrayList<>(covering(wanted.place()));
    if (wanted.isDeep()) {
      others.addAll(beneath(wanted.place()));
    }
    return others.stream().filter(other -> other.isExclusive() || wanted.isExclusive()).findFirst();
  }

  /** How long a lock goes on. */
  synchronized Duration remaining(Lock lock) {
    Known known = byPlace.get(key(lock));
    return known == null ? Duration.ZERO : Duration.ofNanos(Math.max(0, known.deadline() - nanoTime.getAsLong()));
  }

  synchronized boolean hasRoomFor(String user) {
    purge();
    return byPlace.size() < MAX_LOCKS && ofUsers.getOrDefault(user, 0) < MAX_OF_USER;
  }

  /**
   * A lock was granted, or refreshed.
   *
   * @param remaining how long it goes on from now
   */
  public synchronized void holds(Lock lock, Duration remaining) {
    purge();
    if (gone.contains(lock.token()) || remaining.isNegative()) {
      return;
    }
    String key = key(lock);
    if (byPlace.size() >= MAX_LOCKS && !byPlace.containsKey(key)) {
      if (!isFullTold) {
        log.error("There are {} locks, and no more are known here: files under others are not protected on this node", MAX_LOCKS);
      }
      isFullTold = true;
      return;
    }
    long now = nanoTime.getAsLong();
    if (byPlace.put(key, new Known(lock, now + remaining.toNanos(), now)) == null) {
      keys.put(lock.token(), key);
      ofUsers.merge(lock.user(), 1, Integer::sum);
      isEmpty = false;
    }
  }

  /** They hold no longer, and never will again. */
  public synchronized void gone(Collection<String> tokens) {
    for (String token : tokens) {
      gone.add(token);
      remove(token);
    }
  }

  /** A moment for {@link #read}. */
  public long now() {
    return nanoTime.getAsLong();
  }

  /**
   * Takes over all that the keeper has. What was not heard of since the reading began, and is not among it, is gone.
   *
   * @param since when the reading began
   * @param remaining of each claim, how many milliseconds it goes on
   * @return those that the keeper has though they are gone, because it could not be told; they are to be released
   */
  public synchronized List<Claim> read(long since, Map<Claim, Long> remaining) {
    List<Claim> toRelease = new ArrayList<>();
    Set<String> there = new HashSet<>();
    remaining.forEach((claim, milliseconds) -> Lock.of(claim).ifPresent(lock -> {
      there.add(lock.token());
      if (gone.contains(lock.token())) {
        toRelease.add(claim);
      } else if (!isHeardSince(since, lock)) {
        holds(lock, Duration.ofMillis(milliseconds));
      }
    }));
    List<String> lost = byPlace.values().stream().filter(known -> known.heard() - since < 0 && !there.contains(known.lock().token()))
        .map(known -> known.lock().token()).toList();
    lost.forEach(this::remove);
    return toRelease;
  }

  private boolean isHeardSince(long since, Lock lock) {
    Known known = byPlace.get(key(lock));
    return known != null && known.heard() - since >= 0;
  }

  private Stream<Lock> startingWith(String prefix) {
    return byPlace.tailMap(prefix).entrySet().stream().takeWhile(entry -> entry.getKey().startsWith(prefix))
        .map(Map.Entry::getValue).filter(this::holds).map(Known::lock);
  }

  private boolean holds(Known known) {
    return known.deadline() - nanoTime.getAsLong() > 0;
  }

  private static String key(Lock lock) {
    return lock.place().key() + "//" + lock.token();
  }

  private void remove(String token) {
    String key = keys.remove(token);
    if (key != null) {
      ofUsers.computeIfPresent(byPlace.remove(key).lock().user(), (_, count) -> count > 1 ? count - 1 : null);
      isEmpty = byPlace.isEmpty();
    }
  }

  private void purge() {
    long now = nanoTime.getAsLong();
    if (now - lastPurge > PURGE_NANOS) {
      lastPurge = now;
      byPlace.values().stream().filter(known -> !holds(known)).map(known -> known.lock().token()).toList().forEach(this::remove);
      isFullTold &= byPlace.size() >= MAX_LOCKS;
    }
  }
}
