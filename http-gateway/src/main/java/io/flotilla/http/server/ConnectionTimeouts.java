package io.flotilla.http.server;

import java.time.Duration;
import java.util.function.LongSupplier;

/**
 * What a connection waits for, since when, and whether that takes too long. Each method says which thread calls it: the connection's own,
 * which reads from the socket, its stream, one thread at a time, or any. {@link #judge} is the timer's; it may see one field older than
 * another, which is mended the next time it looks.
 */
final class ConnectionTimeouts {
  /** Pekko looks at all pieces of a head anew with each that comes. */
  private static final int MAX_SMALL_PIECES = 200;
  private static final int MIN_PIECE_BYTES = 64;
  private static final Duration DRAIN = Duration.ofMillis(500);
  /** What of a request may have come and not be told yet: a record of TLS of which a part is missing. */
  private static final long UNSEEN_INPUT = 16 * 1024;

  private final HttpSettings settings;

  // Written by the stream.
  /** Whether a request is being answered. */
  private volatile boolean isServing;
  /** Whether a file, or what is made of files, is on its way; the next request is asked for meanwhile. */
  private volatile boolean isSending;
  /** Of the request that is being served, if that is wanted; or null. */
  private volatile BodyRate requestBody;
  /** Of the last response that was begun, whatever it is made of. */
  private volatile BodyRate response = new BodyRate(System.nanoTime());
  private volatile boolean isLoggedIn;
  private volatile long unauthenticatedSince = System.nanoTime();
  /** Since when nothing is served; of use while nothing is. */
  private volatile long idleSince = unauthenticatedSince;
  /** Since when the client is waited for to take something, or 0. */
  private volatile long writingSince;
  /** When the last response went out; 0 before. */
  private volatile long drainingSince;

  // Written by the connection's own thread.
  /** Since when the client is waited for to send something, or 0. */
  private volatile long readingSince;
  private long pieces;
  private long pieceBytes;

  /** Until when the server lets the client wait for the user's speed, written by whichever of the two threads moves the body. */
  private volatile long pausedUntil = unauthenticatedSince;
  /** When the first byte of a head came, written by the own thread; 0 while none has, written by the stream when it is whole. */
  private volatile long headSince;

  /** Whether it has been said that the connection has to end; written by the timer. */
  private volatile boolean hasToEnd;

  /** What has to become of a connection. */
  sealed interface Verdict {
    record Keep() implements Verdict {}

    /** When nothing is being answered any more. */
    record EndAfterResponse() implements Verdict {}

    /** The client moves a body slower than it may. */
    record EndTooSlow() implements Verdict {}

    /** @param what it has done, for the log */
    record End(String what) implements Verdict {}
  }

  ConnectionTimeouts(HttpSettings settings) {
    this.settings = settings;
  }

  // Told by the stream.

  /** A request is served from now on. */
  void began() {
    response = new BodyRate(System.nanoTime());
    isServing = true;
    headSince = 0;
  }

  /** Whether a request was being served, which now is answered. */
  boolean answered() {
    if (isServing) {
      idleSince = System.nanoTime();
      isServing = false;
      return true;
    }
    return false;
  }

  void sending() {
    isSending = true;
  }

  void sent() {
    idleSince = System.nanoTime();
    isSending = false;
  }

  void bodyBegan() {
    requestBody = new BodyRate(System.nanoTime());
  }

  void bodyEnded() {
    requestBody = null;
  }

  void writing() {
    writingSince = System.nanoTime();
  }

  /** @param bytes that the client, or the system in its place, has taken; perhaps without being waited for */
  void written(long bytes) {
    long since = writingSince;
    writingSince = 0;
    response.moved(bytes, since, pausedUntil, System.nanoTime());
  }

  /** Somebody has logged in or is not logged in any more, or has got a session for other connections. */
  void loggedIn(boolean now) {
    isLoggedIn = now;
    unauthenticatedSince = System.nanoTime();
  }

  /** Nothing goes out any more; the client may take what did, and end. */
  void draining() {
    writingSince = 0;
    drainingSince = System.nanoTime();
  }

  // Told by the connection's own thread.

  void reading() {
    readingSince = System.nanoTime();
  }

  /** @param bytes that came; less than 0 at the end */
  void haveRead(int bytes) {
    long since = readingSince;
    readingSince = 0;
    BodyRate body = requestBody;
    if (body != null && bytes > 0) {
      body.moved(bytes, since, pausedUntil, System.nanoTime());
    }
  }

  /** Counts bytes that came while nothing is served, and so are of a head; whether it comes in too many small pieces. */
  boolean isHeadTooSlow(int bytes) {
    if (headSince == 0) {
      headSince = System.nanoTime();
      pieces = 0;
      pieceBytes = 0;
    }
    pieces++;
    pieceBytes += bytes;
    return pieces > MAX_SMALL_PIECES && pieceBytes / pieces < MIN_PIECE_BYTES;
  }

  // Told by either.

  /** The client is not waited for, whatever it does, for as many nanoseconds. */
  void pausing(long nanoseconds) {
    pausedUntil = System.nanoTime() + nanoseconds;
  }

  // Asked by any thread.

  /** Whether something is being answered or sent. */
  boolean isBusy() {
    return isServing || isSending;
  }

  /** Whether a file, or what is made of files, is being sent. */
  boolean isSending() {
    return isSending;
  }

  boolean wantsBody() {
    return requestBody != null;
  }

  /**
   * That it has to end is said once, since it may take a while until it is gone.
   *
   * @param idle how long nothing may be served
   * @param unseenOutput bytes that the client may have taken though the system doesn't tell yet
   */
  Verdict judge(Duration idle, LongSupplier unseenOutput, long now) {
    if (hasToEnd) {
      return new Verdict.Keep();
    }
    Verdict verdict = verdict(idle, unseenOutput, now);
    hasToEnd = switch (verdict) {
      case Verdict.Keep _, Verdict.EndAfterResponse _ -> false;
      case Verdict.EndTooSlow _, Verdict.End _ -> true;
    };
    return verdict;
  }

  private Verdict verdict(Duration idle, LongSupplier unseenOutput, long now) {
    Duration grace = settings.loginGrace();
    boolean isBusy = isBusy();
    BodyRate body = requestBody;
    boolean isUnknown = !isLoggedIn && exceeds(unauthenticatedSince, grace, now);
    if (exceeds(writingSince, settings.stallTimeout(), now) || body != null && exceeds(readingSince, settings.stallTimeout(), now)) {
      return new Verdict.End("has stalled");
    }
    if (body != null && body.isBelow(settings.leastRate(), () -> readingSince, pausedUntil, () -> UNSEEN_INPUT, now)
        || response.isBelow(settings.leastRate(), () -> writingSince, pausedUntil, unseenOutput, now)) {
      return new Verdict.EndTooSlow();
    }
    if (isUnknown && (!isBusy || exceeds(unauthenticatedSince, grace.multipliedBy(2), now))
        || !isBusy && (exceeds(headSince, settings.headTimeout(), now) || headSince == 0 && exceeds(idleSince, idle, now))) {
      return new Verdict.End("has been idle");
    }
    if (exceeds(drainingSince, DRAIN, now)) {
      return new Verdict.End("has been told all");
    }
    return isUnknown ? new Verdict.EndAfterResponse() : new Verdict.Keep();
  }

  private static boolean exceeds(long since, Duration limit, long now) {
    return since != 0 && now - since > limit.toNanos();
  }
}
