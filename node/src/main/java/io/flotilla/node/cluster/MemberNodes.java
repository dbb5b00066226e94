package io.flotilla.node.cluster;

import io.flotilla.config.cluster.MemberNames;
import io.flotilla.http.admin.ClusterNodes;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import java.util.function.Supplier;
import java.util.stream.StreamSupport;
import org.apache.pekko.actor.typed.ActorRef;
import org.apache.pekko.actor.typed.ActorSystem;
import org.apache.pekko.actor.typed.javadsl.AskPattern;
import org.apache.pekko.cluster.Member;
import org.apache.pekko.cluster.typed.Cluster;

/** Asks the desks of members; this node is asked directly, whatever the cluster's state. Safe for all threads. */
final class MemberNodes implements ClusterNodes {
  /** Closing the listeners may take a while. */
  private static final Duration PATIENCE = Duration.ofSeconds(8);

  private final String own;
  private final LocalNode local;
  private final Supplier<Optional<ActorSystem<ClusterGuardian.Command>>> system;

  /** @param system the actor system of the control plane, while there is one */
  MemberNodes(String own, LocalNode local, Supplier<Optional<ActorSystem<ClusterGuardian.Command>>> system) {
    this.own = own;
    this.local = local;
    this.system = system;
  }

  @Override
  public CompletionStage<Answer> look(String node) {
    return node.equals(own) ? CompletableFuture.completedFuture(new Told(local.look())) : ask(node, NodeDesk.Look::new);
  }

  @Override
  public CompletionStage<Answer> begin(String node, Purpose purpose, Optional<Duration> deadline, boolean keepVote, String by) {
    return node.equals(own) ? local.begin(purpose, deadline, keepVote, by) : ask(node, replyTo ->
        new NodeDesk.Begin(NodeDesk.word(purpose), deadline.map(Duration::toMillis).orElse(-1L), keepVote, by, replyTo));
  }

  @Override
  public CompletionStage<Answer> resume(String node, String by) {
    return node.equals(own) ? local.resume(by) : ask(node, replyTo -> new NodeDesk.Resume(by, replyTo));
  }

  private CompletionStage<Answer> ask(String node, Function<ActorRef<NodeDesk.Reply>, NodeDesk.Command> message) {
    Optional<ActorSystem<ClusterGuardian.Command>> running = system.get();
    if (running.isEmpty()) {
      return CompletableFuture.completedFuture(new Silent());
    }
    Optional<Member> member = StreamSupport.stream(Cluster.get(running.get()).state().getMembers().spliterator(), false)
        .filter(one -> MemberNames.name(one).equals(node)).findFirst();
    if (member.isEmpty()) {
      return CompletableFuture.completedFuture(new Unknown());
    }
    // The actor system may end while it is asked, and its own timer with it; so the time is kept outside as well.
    return AskPattern.<NodeDesk.Command, NodeDesk.Reply>ask(NodeDesk.at(running.get(), member.get()), message::apply, PATIENCE,
        running.get().scheduler()).toCompletableFuture().orTimeout(PATIENCE.toMillis() + 200, TimeUnit.MILLISECONDS)
        .handle((reply, failure) -> failure != null ? new Silent() : switch (reply) {
          case NodeDesk.Told told -> new Told(told.state());
          case NodeDesk.Refused refused -> new Refused(refused.reason());
        });
  }
}
