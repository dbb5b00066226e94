package io.flotilla.node.cluster;

import io.flotilla.config.event.CborSerializable;
import io.flotilla.http.admin.ClusterNodes;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.CompletionStage;
import java.util.stream.Stream;
import org.apache.pekko.actor.typed.ActorRef;
import org.apache.pekko.actor.typed.ActorRefResolver;
import org.apache.pekko.actor.typed.ActorSystem;
import org.apache.pekko.actor.typed.Behavior;
import org.apache.pekko.actor.typed.javadsl.Behaviors;
import org.apache.pekko.cluster.Member;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Tells other nodes of this one's clients and whether it lets them go, and does what they ask of it. */
final class NodeDesk {

  sealed interface Command extends CborSerializable {}

  record Look(ActorRef<Reply> replyTo) implements Command {}

  /**
   * @param purpose of {@link ClusterNodes.Purpose}, in small letters
   * @param deadlineMillis from now on; negative for the one that the node has, or its default
   */
  record Begin(String purpose, long deadlineMillis, boolean keepVote, String by, ActorRef<Reply> replyTo) implements Command {}

  record Resume(String by, ActorRef<Reply> replyTo) implements Command {}

  sealed interface Reply extends CborSerializable {}

  /**
   * The node as it is now.
   *
   * @param purpose empty while it serves; the other fields of a drain mean nothing then
   * @param since and {@code deadline}: milliseconds since 1970
   * @param remaining how many clients it has, logged in or not
   */
  record Told(String purpose, long since, long deadline, String by, boolean over, String trouble, List<String> notReady, int remaining,
      ConnectionDesk.ConnectionsFound connections) implements Reply {

    static Told of(ClusterNodes.State state) {
      Optional<ClusterNodes.Drain> drain = state.drain();
      return new Told(drain.map(one -> word(one.purpose())).orElse(""),
          drain.map(one -> one.since().toEpochMilli()).orElse(0L), drain.map(one -> one.deadline().toEpochMilli()).orElse(0L),
          drain.map(ClusterNodes.Drain::by).orElse(""), drain.map(ClusterNodes.Drain::over).orElse(false),
          drain.map(ClusterNodes.Drain::trouble).orElse(""), state.notReady(), state.remaining(),
          ConnectionDesk.fitting(state.connections(), state.more()));
    }

    ClusterNodes.State state() {
      Optional<ClusterNodes.Drain> drain = purpose.isEmpty() ? Optional.empty() : Optional.of(new ClusterNodes.Drain(
          NodeDesk.purpose(purpose).orElse(ClusterNodes.Purpose.DRAIN), Instant.ofEpochMilli(since), Instant.ofEpochMilli(deadline), by,
          over, trouble));
      return new ClusterNodes.State(drain, notReady, remaining,
          connections.connections().stream().map(ConnectionDesk.OneConnection::snapshot).toList(), connections.more());
    }
  }

  record Refused(String reason) implements Reply {}

  static final String NAME = "node-desk";
  private static final Logger log = LoggerFactory.getLogger(NodeDesk.class);

  private NodeDesk() {}

  static Behavior<Command> create(LocalNode node) {
    return Behaviors.receiveMessage(command -> {
      switch (command) {
        case Look look -> look.replyTo().tell(Told.of(node.look()));
        case Begin begin -> purpose(begin.purpose()).ifPresentOrElse(
            purpose -> answer(begin.replyTo(), node.begin(purpose, begin.deadlineMillis() < 0
                ? Optional.empty() : Optional.of(Duration.ofMillis(begin.deadlineMillis())), begin.keepVote(), begin.by())),
            () -> begin.replyTo().tell(new Refused("the release of the node does not know '" + begin.purpose() + "'")));
        case Resume resume -> answer(resume.replyTo(), node.resume(resume.by()));
      }
      return Behaviors.same();
    });
  }

  private static void answer(ActorRef<Reply> to, CompletionStage<ClusterNodes.Answer> answer) {
    answer.whenComplete((told, failure) -> {
      if (failure != null) {
        log.error("A drain, or its end, failed by a defect", failure);
        to.tell(new Refused("the node failed to do it: " + failure.getMessage() + "; look at its log"));
        return;
      }
      switch (told) {
        case ClusterNodes.Told(var state) -> to.tell(Told.of(state));
        case ClusterNodes.Refused(var reason) -> to.tell(new Refused(reason));
        case ClusterNodes.Unknown _, ClusterNodes.Silent _ -> { }
      }
    });
  }

  static String word(ClusterNodes.Purpose purpose) {
    return purpose.name().toLowerCase(Locale.ROOT);
  }

  private static Optional<ClusterNodes.Purpose> purpose(String word) {
    return Stream.of(ClusterNodes.Purpose.values()).filter(purpose -> word(purpose).equals(word)).findFirst();
  }

  /** The desk of a member. */
  static ActorRef<Command> at(ActorSystem<?> system, Member member) {
    return ActorRefResolver.get(system).resolveActorRef(member.address() + "/user/" + NAME);
  }
}
