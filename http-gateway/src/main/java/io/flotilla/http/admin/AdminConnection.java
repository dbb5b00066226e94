package io.flotilla.http.admin;

import java.net.InetAddress;
import java.time.Duration;
import java.util.function.Consumer;
import org.apache.pekko.http.javadsl.model.HttpResponse;
import org.apache.pekko.http.javadsl.model.headers.Connection;
import org.apache.pekko.stream.javadsl.Flow;
import org.apache.pekko.util.ByteString;

/**
 * One connection to the admin API: what it is waited for, and since when. Only whole requests and what the client takes of answers count,
 * never bytes that it sends. Safe for all threads; never blocks.
 */
final class AdminConnection {
  private final InetAddress place;
  private Runnable end;
  private Consumer<Throwable> abort;
  /** A request was begun and its answer was not. */
  private boolean isServing;
  /** An answer of which the end is not known beforehand goes out. */
  private boolean isStreaming;
  private boolean isKnown;
  private boolean isEnding;
  private long since = System.nanoTime();

  /** @param place from where it is; what comes from one place shares a limit */
  AdminConnection(InetAddress place) {
    this.place = place;
  }

  InetAddress place() {
    return place;
  }

  /**
   * Its stream runs.
   *
   * @param end takes no more requests and ends it when the present answer has gone out
   * @param abort resets it, for a reason
   */
  synchronized void started(Runnable end, Consumer<Throwable> abort) {
    this.end = end;
    this.abort = abort;
  }

  /** A whole head of a request has come. */
  synchronized void began() {
    isKnown = true;
    isServing = true;
    since = System.nanoTime();
  }

  /** The answer begins. */
  synchronized HttpResponse answered(HttpResponse response) {
    isServing = false;
    since = System.nanoTime();
    HttpResponse answer = isEnding ? response.addHeader(Connection.create("close")) : response;
    if (!answer.entity().isChunked()) {
      return answer;
    }
    isStreaming = true;
    return answer.transformEntityDataBytes(Flow.<ByteString>create().watchTermination((_, done) -> done.whenComplete((_, _) -> streamed())));
  }

  private synchronized void streamed() {
    isStreaming = false;
  }

  /** The client takes what is sent to it. */
  synchronized void moved() {
    since = System.nanoTime();
  }

  /** Whether something is being answered or, as a stream, sent. */
  synchronized boolean isBusy() {
    return isServing || isStreaming;
  }

  synchronized long since() {
    return since;
  }

  /** Whether the client was waited for too long. While a request is being served it is the server that has to do something. */
  synchronized boolean isOverdue(AdminConnections.Limits limits, long now) {
    Duration patience = isKnown ? limits.idle() : limits.firstRequest();
    return !isServing && now - since > patience.toNanos();
  }

  /** Ends it when nothing is being answered any more. */
  synchronized void end() {
    isEnding = true;
    if (!isServing) {
      end.run();
    }
  }

  /** Resets it. */
  synchronized void abort(String why) {
    abort.accept(new AbortedException(why));
  }

  /** Has no stack, since anybody can cause it as often as they like. */
  private static final class AbortedException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    AbortedException(String message) {
      super(message, null, false, false);
    }
  }
}
