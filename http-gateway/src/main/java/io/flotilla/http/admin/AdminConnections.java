package io.flotilla.http.admin;

import io.flotilla.log.LogThrottle;
import java.net.InetAddress;
import java.time.Duration;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The connections to the admin API. All are let in, since whoever has no token could else keep everybody out: when there are as many as
 * there may be, of one address or of all, one more costs another its place. That is the one that has been quiet for longest, first among
 * those by which nothing is being answered; when there are too many of all, one of the address that has most. Safe for all threads; never
 * blocks.
 */
final class AdminConnections {
  private static final Logger log = LoggerFactory.getLogger(AdminConnections.class);

  private final Limits limits;
  private final LogThrottle throttle = new LogThrottle();
  private final Map<InetAddress, Set<AdminConnection>> byPlace = new HashMap<>();
  private final CompletableFuture<Void> ended = new CompletableFuture<>();
  private int count;
  private boolean isClosed;

  /**
   * @param max of all
   * @param maxPerAddress of one address, or one IPv6 network, or this machine by whatever loopback address
   * @param firstRequest how long a connection may take until the head of its first request is whole, TLS handshake included
   * @param idle how long the next may take, or the client may take nothing of an answer
   */
  record Limits(int max, int maxPerAddress, Duration firstRequest, Duration idle) {
    static final Limits DEFAULT = new Limits(1_024, 512, Duration.ofSeconds(30), Duration.ofSeconds(120));
  }

  AdminConnections(Limits limits) {
    this.limits = limits;
  }

  /** @param connection that has started */
  synchronized void add(AdminConnection connection) {
    if (isClosed) {
      connection.abort("the admin API is being closed");
    }
    Set<AdminConnection> same = byPlace.getOrDefault(connection.place(), Set.of());
    if (same.size() >= limits.maxPerAddress()) {
      cut(same, "there are " + limits.maxPerAddress() + " of its address, as many as there may be, and one more came");
    } else if (count >= limits.max()) {
      Set<AdminConnection> most = byPlace.values().stream().max(Comparator.comparingInt(Set::size)).orElseThrow();
      cut(most, "there are " + limits.max() + ", as many as there may be, most of them of its address, and one more came");
    }
    byPlace.computeIfAbsent(connection.place(), _ -> new HashSet<>()).add(connection);
    count++;
  }

  private void cut(Set<AdminConnection> some, String why) {
    AdminConnection quietest = some.stream()
        .min(Comparator.comparing(AdminConnection::isBusy).thenComparing(AdminConnection::since)).orElseThrow();
    if (throttle.isDue()) {
      log.warn("A connection of {} to the admin API was cut off: {}. Only those who need that port should reach it; "
          + "see the firewall in docs/operations.md", quietest.place().getHostAddress(), why);
    }
    quietest.abort(why);
    remove(quietest);
  }

  /** It has ended. Removing it twice is harmless. */
  synchronized void remove(AdminConnection connection) {
    Set<AdminConnection> same = byPlace.getOrDefault(connection.place(), Set.of());
    if (same.remove(connection)) {
      count--;
      if (same.isEmpty()) {
        byPlace.remove(connection.place());
      }
    }
    if (isClosed && count == 0) {
      ended.complete(null);
    }
  }

  /** Ends those that were waited for too long; called again and again. */
  void sweep() {
    long now = System.nanoTime();
    all().stream().filter(connection -> connection.isOverdue(limits, now))
        .forEach(connection -> connection.abort("no request came in time, or nothing of an answer was taken"));
  }

  private synchronized List<AdminConnection> all() {
    return byPlace.values().stream().flatMap(Collection::stream).toList();
  }

  /**
   * Ends all when nothing is being answered by them any more.
   *
   * @return completes when they have ended
   */
  CompletionStage<Void> close() {
    synchronized (this) {
      isClosed = true;
      if (count == 0) {
        ended.complete(null);
      }
    }
    all().forEach(AdminConnection::end);
    return ended;
  }

  /** Ends all at once. */
  void abort() {
    all().forEach(connection -> connection.abort("the admin API is closed"));
  }
}
