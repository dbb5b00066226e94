package io.flotilla.node.cluster;

import io.flotilla.adapter.LiveConnections;
import io.flotilla.config.cluster.MemberNames;
import io.flotilla.http.admin.ClusterConnections;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.function.Supplier;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import org.apache.pekko.actor.typed.ActorSystem;
import org.apache.pekko.actor.typed.javadsl.AskPattern;
import org.apache.pekko.cluster.Member;
import org.apache.pekko.cluster.typed.Cluster;

/** Asks the desks of all members; this node's own connections are told whatever the cluster's state. Safe for all threads. */
final class MemberConnections implements ClusterConnections {
  private static final Duration PATIENCE = Duration.ofSeconds(2);

  private final String node;
  private final LiveConnections own;
  private final Supplier<Optional<ActorSystem<ClusterGuardian.Command>>> system;

  /** @param system the actor system of the control plane, while there is one */
  MemberConnections(String node, LiveConnections own, Supplier<Optional<ActorSystem<ClusterGuardian.Command>>> system) {
    this.node = node;
    this.own = own;
    this.system = system;
  }

  /** @param found empty if the node did not answer */
  private record Answer(String node, Optional<ConnectionDesk.ConnectionsFound> found) {}

  @Override
  public CompletionStage<Listing> find(Query query) {
    String user = query.user().orElse("");
    String protocol = query.protocol().orElse("");
    List<CompletableFuture<Answer>> answers = new ArrayList<>();
    if (isAsked(query, node)) {
      answers.add(CompletableFuture.completedFuture(
          new Answer(node, Optional.of(ConnectionDesk.find(own, user, protocol)))));
    }
    Optional<ActorSystem<ClusterGuardian.Command>> running = system.get();
    running.ifPresent(one -> others(one).filter(member -> isAsked(query, MemberNames.name(member))).forEach(member ->
        answers.add(AskPattern.<ConnectionDesk.Command, ConnectionDesk.ConnectionsFound>ask(ConnectionDesk.at(one, member),
            replyTo -> new ConnectionDesk.FindConnections(user, protocol, replyTo), PATIENCE, one.scheduler())
            .handle((found, failure) -> new Answer(MemberNames.name(member), Optional.ofNullable(found)))
            .toCompletableFuture())));
    return CompletableFuture.allOf(answers.toArray(CompletableFuture[]::new)).thenApply(done -> {
      List<Found> found = new ArrayList<>();
      List<String> silent = new ArrayList<>();
      boolean more = false;
      for (CompletableFuture<Answer> one : answers) {
        Answer answer = one.join();
        answer.found().ifPresentOrElse(
            told -> told.connections().forEach(connection -> found.add(new Found(answer.node(), connection.snapshot()))),
            () -> silent.add(answer.node()));
        more |= answer.found().map(ConnectionDesk.ConnectionsFound::more).orElse(false);
      }
      query.node().filter(wanted -> answers.isEmpty()).ifPresent(silent::add);
      return new Listing(found, silent, more);
    });
  }

  private static boolean isAsked(Query query, String name) {
    return query.node().map(name::equals).orElse(true);
  }

  @Override
  public CompletionStage<Closing> close(String where, long id, String reason) {
    if (where.equals(node)) {
      return CompletableFuture.completedFuture(own.close(id, reason) ? Closing.CLOSED : Closing.NOT_FOUND);
    }
    Optional<ActorSystem<ClusterGuardian.Command>> running = system.get();
    Optional<Member> member = running.flatMap(one ->
        others(one).filter(other -> MemberNames.name(other).equals(where)).findFirst());
    if (member.isEmpty()) {
      return CompletableFuture.completedFuture(Closing.NODE_SILENT);
    }
    return AskPattern.<ConnectionDesk.Command, ConnectionDesk.ConnectionClosed>ask(
        ConnectionDesk.at(running.get(), member.get()),
        replyTo -> new ConnectionDesk.CloseConnection(id, reason, replyTo), PATIENCE, running.get().scheduler())
        .handle((closed, failure) -> failure != null ? Closing.NODE_SILENT
            : closed.wasThere() ? Closing.CLOSED : Closing.NOT_FOUND);
  }

  private static Stream<Member> others(ActorSystem<?> running) {
    Cluster cluster = Cluster.get(running);
    return StreamSupport.stream(cluster.state().getMembers().spliterator(), false)
        .filter(member -> !member.uniqueAddress().equals(cluster.selfMember().uniqueAddress()));
  }
}
