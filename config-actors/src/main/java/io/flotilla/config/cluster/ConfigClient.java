package io.flotilla.config.cluster;

import io.flotilla.config.event.Author;
import io.flotilla.config.model.Operation;
import io.flotilla.config.view.ReplicaStatus;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Function;
import org.apache.pekko.actor.typed.ActorRef;
import org.apache.pekko.actor.typed.ActorSystem;
import org.apache.pekko.actor.typed.javadsl.AskPattern;

/**
 * How the rest of the process reaches the ConfigPrimary, wherever it runs. It belongs to the process: while no clustered
 * actor system runs, or the primary has not been heard, calls fail with {@link PrimaryUnavailableException}, and nothing
 * was sent. Safe for use by several threads.
 */
public final class ConfigClient {
  /** A primary announces its head every second; after this long without one it counts as out of reach. */
  public static final Duration SILENCE = Duration.ofSeconds(5);

  /** The change was refused before it was handed to anyone; repeating it is safe. */
  public static final class PrimaryUnavailableException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    public PrimaryUnavailableException(String message) {
      super(message);
    }
  }

  /** The change was handed to the primary and no answer came; it may have been committed. */
  public static final class OutcomeUnknownException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    public OutcomeUnknownException(String message) {
      super(message);
    }
  }

  /** What surrounds the operations of a change: see {@link ConfigPrimary.SubmitChange}. */
  public record Request(String id, Author author, String comment, boolean dryRun, boolean force, long expectedHead) {
    public Request(String id, Author author, String comment, boolean dryRun, boolean force) {
      this(id, author, comment, dryRun, force, 0);
    }
  }

  private record Access(ActorSystem<?> system, ActorRef<ConfigPrimary.Command> primary) {}

  private volatile Optional<Access> access = Optional.empty();
  private volatile ReplicaStatus status = ReplicaStatus.SILENT;
  private volatile String trouble = "";

  public void attach(ActorSystem<?> system, ActorRef<ConfigPrimary.Command> primary) {
    access = Optional.of(new Access(system, primary));
  }

  public void detach() {
    access = Optional.empty();
    status = ReplicaStatus.SILENT;
  }

  /** Is told why there may be no primary, so that refusals can say it; an empty text when nothing is known to be wrong. */
  public void troubled(String why) {
    trouble = why;
  }

  public void heard(ReplicaStatus newStatus) {
    status = newStatus;
  }

  public ReplicaStatus status() {
    return status;
  }

  /** Whether the primary has not been heard for longer than {@link #SILENCE}. */
  public boolean isIsolated() {
    return status.epoch() == 0 || System.nanoTime() - status.heardNanos() > SILENCE.toNanos();
  }

  /**
   * Sends a change, in parts if it is large, and completes with what became of it: Committed, WouldCommit, Refused or
   * Busy.
   */
  public CompletionStage<ConfigPrimary.SubmitReply> submit(
      Request request, List<Operation> operations, Duration timeout) {
    return isIsolated() ? noPrimary() : submitPart(request, parts(operations), 0, timeout);
  }

  /**
   * Restores an earlier version; completes as {@link #submit}, or with Unchanged.
   *
   * @param expectedHead the version the configuration must be at, or {@link Operation#ANY}
   */
  public CompletionStage<ConfigPrimary.SubmitReply> rollBack(
      Request request, long to, long expectedHead, Duration timeout) {
    return isIsolated() ? noPrimary() : told(request, true, timeout, ask(timeout, replyTo ->
        new ConfigPrimary.RollBack(request.id(), request.author(), request.comment(), to, expectedHead,
            request.dryRun(), request.force(), replyTo)));
  }

  private CompletionStage<ConfigPrimary.SubmitReply> noPrimary() {
    String why = trouble;
    return CompletableFuture.failedFuture(new PrimaryUnavailableException("this node hears no primary"
        + (why.isEmpty() ? "" : " (" + why + ")")
        + ", so it takes no configuration changes; it goes on serving what it has"));
  }

  private CompletionStage<ConfigPrimary.SubmitReply> submitPart(
      Request request, List<List<Operation>> parts, int index, Duration timeout) {
    boolean last = index == parts.size() - 1;
    CompletionStage<ConfigPrimary.SubmitReply> answer = ask(timeout, replyTo ->
        new ConfigPrimary.SubmitChange(request.id(), request.author(), request.comment(), index, last, request.dryRun(),
            request.force(), request.expectedHead(), parts.get(index), replyTo));
    return told(request, last, timeout, answer).thenCompose(reply ->
        reply instanceof ConfigPrimary.PartTaken && !last
            ? submitPart(request, parts, index + 1, timeout)
            : CompletableFuture.completedStage(reply));
  }

  /** Tells apart whether an unanswered message may have changed something: only the last of a change can. */
  private static CompletionStage<ConfigPrimary.SubmitReply> told(
      Request request, boolean last, Duration timeout, CompletionStage<ConfigPrimary.SubmitReply> answer) {
    return answer.handle((reply, failure) -> {
      if (failure == null) {
        return CompletableFuture.completedStage(reply);
      }
      return CompletableFuture.<ConfigPrimary.SubmitReply>failedStage(
          !(cause(failure) instanceof TimeoutException) ? cause(failure)
              : last ? new OutcomeUnknownException("no answer came from the primary, which had " + timeout.toMillis()
                  + " ms or has just gone; look up the change " + request.id() + " before repeating it with another id")
              : new PrimaryUnavailableException("the primary did not take the change, for which it had "
                  + timeout.toMillis() + " ms, or has just gone; nothing was changed"));
    }).thenCompose(Function.identity());
  }

  /** The changes after a version, as many as fit a message, beginning within the first of them. */
  public CompletionStage<ConfigPrimary.ChangesReply> changes(long sinceVersion, int fromEntity, Duration timeout) {
    return ask(timeout, replyTo -> new ConfigPrimary.FetchChanges(sinceVersion, fromEntity, replyTo));
  }

  public CompletionStage<ConfigPrimary.Applied> awaitApplied(long version, Duration timeout) {
    return ask(timeout.plusSeconds(1), replyTo -> new ConfigPrimary.AwaitApplied(version, timeout, replyTo));
  }

  public CompletionStage<ConfigPrimary.History> history(long fromVersion, int limit, Duration timeout) {
    return ask(timeout, replyTo -> new ConfigPrimary.FetchHistory(fromVersion, limit, replyTo));
  }

  public CompletionStage<ConfigPrimary.ChangeFound> findChange(String id, Duration timeout) {
    return ask(timeout, replyTo -> new ConfigPrimary.FindChange(id, replyTo));
  }

  public CompletionStage<ClusterStatus> clusterStatus(Duration timeout) {
    return ask(timeout, ConfigPrimary.GetStatus::new);
  }

  private <T> CompletionStage<T> ask(Duration timeout, Function<ActorRef<T>, ConfigPrimary.Command> message) {
    return access.map(to -> ask(to, timeout, message)).orElseGet(ConfigClient::inNoCluster);
  }

  private static <T> CompletionStage<T> ask(
      Access to, Duration timeout, Function<ActorRef<T>, ConfigPrimary.Command> message) {
    long begun = System.nanoTime();
    CompletableFuture<T> answer;
    try {
      answer = AskPattern.<ConfigPrimary.Command, T>ask(to.primary(), message::apply, timeout, to.system().scheduler())
          .toCompletableFuture();
    } catch (IllegalStateException e) {
      // The timer of a system that has ended takes no more, and it comes before the message is sent.
      return inNoCluster();
    }
    if (answer.isCompletedExceptionally() && System.nanoTime() - begun < timeout.toNanos()) {
      // Before its time is up, and at once: the way to the primary had ended before anything was sent.
      return inNoCluster();
    }
    // The actor system may end while it is asked, and its own timer with it; so the time is kept outside as well.
    return answer.orTimeout(timeout.toMillis() + 200, TimeUnit.MILLISECONDS);
  }

  private static <T> CompletionStage<T> inNoCluster() {
    return CompletableFuture.failedFuture(
        new PrimaryUnavailableException("this node is in no cluster at the moment; it is trying to join one"));
  }

  private static Throwable cause(Throwable failure) {
    return failure instanceof java.util.concurrent.CompletionException && failure.getCause() != null
        ? failure.getCause() : failure;
  }

  private static List<List<Operation>> parts(List<Operation> operations) {
    List<List<Operation>> parts = new ArrayList<>();
    List<Operation> part = new ArrayList<>();
    int bytes = 0;
    for (Operation operation : operations) {
      if (!part.isEmpty() && bytes + operation.size() > ConfigPrimary.MAX_MESSAGE_BYTES) {
        parts.add(List.copyOf(part));
        part.clear();
        bytes = 0;
      }
      part.add(operation);
      bytes += operation.size();
    }
    parts.add(List.copyOf(part));
    return parts;
  }
}
