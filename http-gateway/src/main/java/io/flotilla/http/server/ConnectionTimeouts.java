package io.flotilla.http.server;

import java.time.Duration;

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

  private final HttpSettings settings;

  // Written by the stream.
  /** Whether a request is being answered. */
  private volatile boolean isServing;
  /** Whether a file, or what is made of files, is on its way; the next request is asked for meanwhile. */
  private volatile boolean isSending;
  private volatile boolean wantsBody;
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

  /** When the first byte of a head came, written by the own thread; 0 while none has, written by the stream when it is whole. */
  private volatile long headSince;

  /** What has to become of a connection. */
  sealed interface Verdict {
    record Keep() implements Verdict {}

    /** When nothing is being answered any more. */
    record EndAfterResponse() implements Verdict {}

    /** @param what it has done, for the log */
    record End(String what) implements Verdict {}
  }

  ConnectionTimeouts(HttpSettings settings) {
    this.settings = settings;
  }

  // Told by the stream.

  /** A request is served from now on. */
  void began() {
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
    wantsBody = true;
  }

  void bodyEnded() {
    wantsBody = false;
  }

  void writing() {
    writingSince = System.nanoTime();
  }

  void written() {
    writingSince = 0;
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

  void haveRead() {
    readingSince = 0;
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
    return wantsBody;
  }

  /** @param idle how long nothing may be served */
  Verdict judge(Duration idle, long now) {
    Duration grace = settings.loginGrace();
    boolean isBusy = isBusy();
    boolean isUnknown = !isLoggedIn && exceeds(unauthenticatedSince, grace, now);
    if (exceeds(writingSince, settings.stallTimeout(), now) || wantsBody && exceeds(readingSince, settings.stallTimeout(), now)) {
      return new Verdict.End("has stalled");
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
