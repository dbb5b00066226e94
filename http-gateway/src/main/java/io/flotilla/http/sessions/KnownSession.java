package io.flotilla.http.sessions;

import java.time.Duration;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;
import java.util.function.LongSupplier;

/**
 * A session as this node knows it, wherever it began: its record, and the connections on this node that serve it. Whether it has been
 * idle for too long is measured by this process's own clock, from when its last use was here or was heard of, so that it matters little
 * that the clocks of two nodes differ. Safe for all threads; never blocks.
 */
final class KnownSession {
  /** By how much the clocks of nodes may differ. */
  private static final Duration SKEW = Duration.ofMinutes(5);

  private final Set<Served> connections = ConcurrentHashMap.newKeySet();
  private final LongSupplier nanoTime;
  private final AtomicBoolean isAdopted = new AtomicBoolean();
  private volatile SessionRecord record;
  private volatile long usedNanos;
  private volatile long toldNanos;
  private volatile Consumer<HttpSession.Command> actor = _ -> { };

  /**
   * @param age of the last use, in milliseconds, by the clocks of the nodes
   * @param nanoTime a monotonic clock
   */
  KnownSession(SessionRecord record, long age, LongSupplier nanoTime) {
    this.nanoTime = nanoTime;
    this.record = record;
    this.usedNanos = nanoTime.getAsLong() - (age > SKEW.toMillis() ? Duration.ofMillis(age).toNanos() : 0);
    this.toldNanos = usedNanos;
  }

  SessionRecord record() {
    return record;
  }

  /** Takes what was heard in; returns whether the session has ended by it. */
  synchronized boolean merge(SessionRecord heard) {
    SessionRecord before = record;
    record = before.merge(heard);
    if (heard.lastUsed() > before.lastUsed()) {
      usedNanos = nanoTime.getAsLong();
      toldNanos = usedNanos;
    }
    return record.ended() && !before.ended();
  }

  /** A connection serves it. */
  void use() {
    usedNanos = nanoTime.getAsLong();
  }

  /** Whether the other nodes have not heard of its last use for longer than they should. */
  boolean isUntold(Duration interval) {
    return usedNanos - toldNanos > interval.toNanos();
  }

  /** The record that tells of the last use; a newer one than before, whatever the clocks say. */
  synchronized SessionRecord told(long now) {
    toldNanos = nanoTime.getAsLong();
    record = record.used(Math.max(now, record.lastUsed() + 1));
    return record;
  }

  Duration unusedFor() {
    return Duration.ofNanos(nanoTime.getAsLong() - usedNanos);
  }

  boolean isAlive(Duration idleTimeout, long now) {
    SessionRecord present = record;
    return !present.ended() && now < present.expires() && (isServing() || unusedFor().compareTo(idleTimeout) < 0);
  }

  boolean isServing() {
    return connections.stream().anyMatch(Served::isServing);
  }

  void attach(Served connection) {
    connections.add(connection);
    if (record.ended()) {
      connection.disconnect("the session has ended"); // it did while the connection came
    }
  }

  void detach(Served connection) {
    connections.remove(connection);
  }

  void disconnectAll(String reason) {
    connections.forEach(connection -> connection.disconnect(reason));
  }

  /** Whether it has had no actor on this node until now. */
  boolean adopt() {
    return isAdopted.compareAndSet(false, true);
  }

  void adopted(Consumer<HttpSession.Command> by) {
    actor = by;
  }

  /** Its actor has stopped; the next use gives it another one. */
  void abandoned() {
    actor = _ -> { };
    isAdopted.set(false);
  }

  void tell(HttpSession.Command command) {
    actor.accept(command);
  }
}
