package io.flotilla.http.uploads;

import io.flotilla.http.Problem;
import io.flotilla.http.RefusedException;
import io.flotilla.vfs.SegmentWriter;
import io.flotilla.vfs.VfsException;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.HexFormat;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.apache.pekko.http.javadsl.model.headers.RawHeader;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The uploads that this process goes on with, each by one request at a time: a newer one ends the older, whose client most likely lost
 * its connection without the server knowing yet. Holds one entry for each request that writes. Safe for all threads.
 */
final class ActiveLeases implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(ActiveLeases.class);
  private static final Duration RENEWAL = Duration.ofSeconds(5);
  private static final String KEY = "upload/";

  private final Leases leases;
  private final String process;
  private final Duration time;
  private final AtomicLong requests = new AtomicLong();
  private final ConcurrentHashMap<String, Active> active = new ConcurrentHashMap<>();
  private final ScheduledExecutorService timer = Executors.newSingleThreadScheduledExecutor(
      Thread.ofPlatform().daemon().name("upload-leases").factory());

  /** A request that writes. */
  record Active(Lease lease, SegmentWriter writer) {}

  /** @param time for which one holds */
  ActiveLeases(Leases leases, String node, Duration time) {
    this.leases = leases;
    this.time = time;
    byte[] random = new byte[8];
    new SecureRandom().nextBytes(random);
    this.process = node + "/" + HexFormat.of().formatHex(random);
  }

  /**
   * The lease on an upload, to be closed, for a request that goes on in the place of an older one.
   *
   * @throws RefusedException if it can't be had now
   * @throws VfsException if an older request doesn't end
   */
  Lease takeOver(String id) throws VfsException {
    Active older = active.get(id);
    if (older != null) {
      older.writer().revoke();
      active.remove(id, older);
      older.lease().close();
    }
    return acquire(id);
  }

  /** The same for one that leaves an older one alone. */
  Lease acquire(String id) {
    long asked = System.nanoTime();
    // Each request has a number of its own, so it is another holder.
    return switch (leases.acquire(KEY + id, process + "/" + requests.incrementAndGet(), time)) {
      case Leases.Answer.Granted(long number) -> {
        Lease lease = new Lease(leases, KEY + id, number, time, asked);
        long interval = Math.min(RENEWAL.toMillis(), time.toMillis() / 4);
        lease.renewedBy(timer.scheduleWithFixedDelay(() -> renew(lease), interval, interval, TimeUnit.MILLISECONDS));
        yield lease;
      }
      case Leases.Answer.Held(Duration remaining) -> throw new RefusedException(
          Problem.of(423, "locked", "It is in use", "somebody else goes on with this upload"),
          RawHeader.create("Retry-After", Long.toString(Math.clamp(remaining.toSeconds() + 1, 1, time.toSeconds() + 1))));
      case Leases.Answer.Unavailable(String reason) -> throw new RefusedException(
          Problem.of(503, "no-lease", "Not now", "the cluster can't say who may go on with an upload (" + reason + "); try again later"));
    };
  }

  private static void renew(Lease lease) {
    try {
      lease.renew();
    } catch (RuntimeException e) {
      log.error("The lease on an upload could not be renewed", e); // thrown, it would not be tried again
    }
  }

  void began(String id, Active request) {
    active.put(id, request);
  }

  void ended(String id, Active request) {
    active.remove(id, request);
  }

  @Override
  public void close() {
    timer.shutdownNow();
  }
}
