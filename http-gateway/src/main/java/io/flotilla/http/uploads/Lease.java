package io.flotilla.http.uploads;

import io.flotilla.vfs.UploadClaim;
import io.flotilla.vfs.VfsError;
import io.flotilla.vfs.VfsException;
import java.time.Duration;
import java.util.concurrent.ScheduledFuture;

/**
 * The lease on an upload. It is renewed as long as it is used, by a timer and never by whoever moves the bytes, who only looks at the
 * time. A client that sends nothing lets it run out, so that another node can go on.
 */
final class Lease implements UploadClaim, AutoCloseable {
  static final Duration TIME = Duration.ofSeconds(30);

  private final Leases leases;
  private final String key;
  private final long number;
  private final Duration time;
  /** As System.nanoTime. */
  private volatile long deadline;
  private volatile boolean isUsed;
  private volatile boolean isWorking;
  private volatile ScheduledFuture<?> renewal;

  /** @param asked when it was asked for, as System.nanoTime */
  Lease(Leases leases, String key, long number, Duration time, long asked) {
    this.leases = leases;
    this.key = key;
    this.number = number;
    this.time = time;
    this.deadline = asked + time.toNanos();
  }

  void renewedBy(ScheduledFuture<?> timer) {
    renewal = timer;
  }

  @Override
  public long number() {
    return number;
  }

  @Override
  public void check() throws VfsException {
    if (System.nanoTime() - deadline >= 0) {
      throw new VfsException(VfsError.BUSY, "this node may go on with the upload no longer; ask for its offset and go on");
    }
    isUsed = true;
  }

  /** From now on it is used until it is closed, though it may not be looked at for a while. */
  void work() {
    isWorking = true;
  }

  /** Called by the timer. */
  void renew() {
    if (!isUsed && !isWorking) {
      return;
    }
    isUsed = false;
    long asked = System.nanoTime();
    leases.renew(key, number, time).whenComplete((holds, failure) -> {
      if (failure == null) {
        deadline = holds ? asked + time.toNanos() : System.nanoTime();
      } else {
        isUsed = true; // so that it is tried again
      }
    });
  }

  @Override
  public void close() {
    ScheduledFuture<?> timer = renewal;
    if (timer != null) {
      timer.cancel(false);
    }
    deadline = System.nanoTime();
    leases.release(key, number);
  }
}
