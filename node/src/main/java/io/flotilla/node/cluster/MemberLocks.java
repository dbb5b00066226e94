package io.flotilla.node.cluster;

import io.flotilla.http.dav.Lock;
import io.flotilla.http.dav.LockNews;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Function;
import org.apache.pekko.actor.typed.ActorRef;
import org.apache.pekko.actor.typed.ActorSystem;
import org.apache.pekko.actor.typed.javadsl.AskPattern;
import org.apache.pekko.cluster.Member;
import org.apache.pekko.cluster.typed.Cluster;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Tells the {@link LockDesk} of every other member of locks. One that does not answer is waited for no longer than a second, and one that
 * is not reachable not at all: it reads all locks when it is back. While this node is in no cluster nobody is told.
 */
public final class MemberLocks implements LockNews {
  private static final Logger log = LoggerFactory.getLogger(MemberLocks.class);
  private static final Duration PATIENCE = Duration.ofSeconds(1);
  /** In one message. */
  private static final int MAX_TOKENS = 1000;

  private volatile Optional<ActorSystem<?>> system = Optional.empty();

  void attach(ActorSystem<?> running) {
    system = Optional.of(running);
  }

  void detach() {
    system = Optional.empty();
  }

  @Override
  public void holds(Lock lock) {
    tell(replyTo -> new LockDesk.LockHolds(lock.toClaim(), replyTo));
  }

  @Override
  public void gone(Collection<String> tokens) {
    List<String> all = List.copyOf(tokens);
    for (int from = 0; from < all.size(); from += MAX_TOKENS) {
      List<String> some = all.subList(from, Math.min(all.size(), from + MAX_TOKENS));
      tell(replyTo -> new LockDesk.LocksGone(some, replyTo));
    }
  }

  private void tell(Function<ActorRef<LockDesk.Heard>, LockDesk.Command> message) {
    system.ifPresent(running -> tell(running, others(running), message));
  }

  /** While they are told the actor system may end. */
  static void tell(ActorSystem<?> running, List<Member> members, Function<ActorRef<LockDesk.Heard>, LockDesk.Command> message) {
    try {
      List<CompletableFuture<LockDesk.Heard>> answers = new ArrayList<>();
      for (Member member : members) {
        answers.add(AskPattern.<LockDesk.Command, LockDesk.Heard>ask(LockDesk.at(running, member),
            message::apply, PATIENCE, running.scheduler()).toCompletableFuture());
      }
      // The actor system may end meanwhile, and its timers with it; so the time is kept here as well.
      CompletableFuture.allOf(answers.toArray(CompletableFuture[]::new)).get(PATIENCE.toMillis() + 200, TimeUnit.MILLISECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } catch (ExecutionException | TimeoutException e) {
      // It reads them.
    } catch (IllegalStateException e) {
      log.debug("The actor system has just ended, so the other nodes are not told of locks and will read them", e);
    }
  }

  static List<Member> others(ActorSystem<?> running) {
    Cluster cluster = Cluster.get(running);
    Set<Member> unreachable = cluster.state().getUnreachable();
    List<Member> others = new ArrayList<>();
    cluster.state().getMembers().forEach(member -> {
      if (!member.uniqueAddress().equals(cluster.selfMember().uniqueAddress()) && !unreachable.contains(member)) {
        others.add(member);
      }
    });
    return others;
  }
}
