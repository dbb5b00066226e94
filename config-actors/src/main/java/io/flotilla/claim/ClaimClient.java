package io.flotilla.claim;

import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import org.apache.pekko.actor.typed.ActorRef;
import org.apache.pekko.actor.typed.ActorSystem;
import org.apache.pekko.actor.typed.javadsl.AskPattern;

/**
 * How the process reaches the ClaimKeeper, wherever it runs. A claim that was granted holds for its time from when it was
 * <em>asked</em> for: measure from before the call. While no keeper can be reached the calls fail, in the time given at the
 * latest; what is held goes on until it runs out. Safe for use by several threads.
 */
public final class ClaimClient {

  /** No keeper answered; whether the claim was granted is not known, so treat it as not granted, and let it run out. */
  public static final class KeeperUnavailableException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    KeeperUnavailableException(String message, Throwable cause) {
      super(message, cause);
    }
  }

  private record Access(ActorSystem<?> system, ActorRef<ClaimKeeper.Command> keeper) {}

  private volatile Optional<Access> access = Optional.empty();

  public void attach(ActorSystem<?> system, ActorRef<ClaimKeeper.Command> keeper) {
    access = Optional.of(new Access(system, keeper));
  }

  public void detach() {
    access = Optional.empty();
  }

  /** Completes with Granted, Held or Refused. */
  public CompletionStage<ClaimKeeper.Reply> acquire(String key, String holder, Duration time, Duration timeout) {
    return ask(timeout, replyTo -> new ClaimKeeper.Acquire(key, holder, time.toMillis(), replyTo));
  }

  /**
   * The same for a claim that gives way to others and has a detail; see {@link ClaimKeeper.Acquire}. Held may name another claim than the
   * one that was asked for.
   */
  public CompletionStage<ClaimKeeper.Reply> acquire(
      String key, String holder, Duration time, List<String> unless, String detail, Duration timeout) {
    return ask(timeout, replyTo -> new ClaimKeeper.Acquire(key, holder, time.toMillis(), unless, detail, replyTo));
  }

  /** Completes with Granted, Lost or Refused. */
  public CompletionStage<ClaimKeeper.Reply> renew(String key, long number, Duration time, Duration timeout) {
    return ask(timeout, replyTo -> new ClaimKeeper.Renew(key, number, time.toMillis(), replyTo));
  }

  /** Completes with Released or Lost. */
  public CompletionStage<ClaimKeeper.Reply> release(String key, long number, Duration timeout) {
    return ask(timeout, replyTo -> new ClaimKeeper.Release(key, number, replyTo));
  }

  public CompletionStage<ClaimKeeper.Found> find(String prefix, String after, int limit, Duration timeout) {
    return ask(timeout, replyTo -> new ClaimKeeper.FindClaims(prefix, after, limit, replyTo));
  }

  private <T> CompletionStage<T> ask(Duration timeout, Function<ActorRef<T>, ClaimKeeper.Command> message) {
    Optional<Access> now = access;
    if (now.isEmpty()) {
      return inNoCluster(null);
    }
    CompletableFuture<T> answer;
    try {
      answer = AskPattern.<ClaimKeeper.Command, T>ask(now.get().keeper(), message::apply, timeout, now.get().system().scheduler())
          .toCompletableFuture();
    } catch (IllegalStateException e) {
      return inNoCluster(e); // the timer of a system that has ended takes no more
    }
    // The actor system may end while it is asked, and its own timer with it; so the time is kept outside as well.
    return answer.orTimeout(timeout.toMillis() + 200, TimeUnit.MILLISECONDS)
        .exceptionallyCompose(failure -> CompletableFuture.failedFuture(new KeeperUnavailableException(
            "the keeper of the claims did not answer within " + timeout.toMillis() + " ms", failure)));
  }

  private static <T> CompletionStage<T> inNoCluster(Throwable cause) {
    return CompletableFuture.failedFuture(new KeeperUnavailableException(
        "this node is in no cluster at the moment, so no claim can be granted", cause));
  }
}
