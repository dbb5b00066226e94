package io.flotilla.node.cluster;

import io.flotilla.adapter.ClientEvent;
import io.flotilla.adapter.LiveConnections;
import io.flotilla.adapter.TerminalText;
import io.flotilla.config.event.CborSerializable;
import io.flotilla.http.admin.ClusterConnections;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import org.apache.pekko.actor.typed.ActorRef;
import org.apache.pekko.actor.typed.ActorRefResolver;
import org.apache.pekko.actor.typed.ActorSystem;
import org.apache.pekko.actor.typed.Behavior;
import org.apache.pekko.actor.typed.javadsl.Behaviors;
import org.apache.pekko.cluster.Member;

/** Tells other nodes of this one's client connections, and ends one for them. */
final class ConnectionDesk {

  sealed interface Command extends CborSerializable {}

  /** @param user and protocol, all if empty */
  record FindConnections(String user, String protocol, ActorRef<ConnectionsFound> replyTo) implements Command {}

  record CloseConnection(long id, String reason, ActorRef<ConnectionClosed> replyTo) implements Command {}

  /** @param more whether there are others that did not fit into a message */
  record ConnectionsFound(List<OneConnection> connections, boolean more) implements CborSerializable {}

  /**
   * A connection at a moment.
   *
   * @param since milliseconds since 1970
   * @param path of the running transfer, as text that can be sent and shown, cut if it is long; empty if none runs, as is the direction then
   */
  record OneConnection(long id, String protocol, String user, String address, long since, String path, String direction,
      long bytes) implements CborSerializable {
    private static final int MAX_PATH = 300;

    static OneConnection of(LiveConnections.Snapshot of) {
      return new OneConnection(of.id(), of.protocol(), of.user(), of.address(), of.since().toEpochMilli(),
          of.transfer().map(transfer -> cut(TerminalText.of(transfer.path()))).orElse(""),
          of.transfer().map(transfer -> transfer.direction().name().toLowerCase(Locale.ROOT)).orElse(""), of.bytes());
    }

    private static String cut(String path) {
      if (path.length() <= MAX_PATH) {
        return path;
      }
      // Half of a character could not be sent.
      return path.substring(0, Character.isHighSurrogate(path.charAt(MAX_PATH - 1)) ? MAX_PATH - 1 : MAX_PATH) + "...";
    }

    LiveConnections.Snapshot snapshot() {
      return new LiveConnections.Snapshot(id, protocol, user, address, Instant.ofEpochMilli(since),
          direction.isEmpty() ? Optional.empty() : Optional.of(new LiveConnections.CurrentTransfer(
              path, ClientEvent.Direction.valueOf(direction.toUpperCase(Locale.ROOT)))), bytes);
    }

    /** At most so many bytes in a message. */
    int size() {
      return 200 + 3 * (user.length() + path.length());
    }
  }

  /** @param wasThere whether there was such a connection */
  record ConnectionClosed(boolean wasThere) implements CborSerializable {}

  static final String NAME = "connection-desk";
  /** A frame of the remoting holds 256 KiB. */
  private static final int MAX_BYTES = 200_000;

  private ConnectionDesk() {}

  static Behavior<Command> create(LiveConnections connections) {
    return Behaviors.receive(Command.class)
        .onMessage(FindConnections.class, find -> {
          find.replyTo().tell(find(connections, find.user(), find.protocol()));
          return Behaviors.same();
        })
        .onMessage(CloseConnection.class, close -> {
          close.replyTo().tell(new ConnectionClosed(connections.close(close.id(), close.reason())));
          return Behaviors.same();
        })
        .build();
  }

  /** The desk of a member. */
  static ActorRef<Command> at(ActorSystem<?> system, Member member) {
    return ActorRefResolver.get(system).resolveActorRef(member.address() + "/user/" + NAME);
  }

  /** As many as fit into a message, the oldest first. */
  static ConnectionsFound find(LiveConnections connections, String user, String protocol) {
    return fitting(connections.list().stream().filter(connection -> (user.isEmpty() || user.equals(connection.user()))
        && (protocol.isEmpty() || protocol.equals(connection.protocol()))).toList(), false);
  }

  /** @param more whether there are others than these */
  static ConnectionsFound fitting(List<LiveConnections.Snapshot> connections, boolean more) {
    List<OneConnection> found = new ArrayList<>();
    int bytes = 0;
    for (LiveConnections.Snapshot connection : connections) {
      OneConnection one = OneConnection.of(connection);
      bytes += one.size();
      if (bytes > MAX_BYTES || found.size() == ClusterConnections.MAX_LISTED) {
        return new ConnectionsFound(found, true);
      }
      found.add(one);
    }
    return new ConnectionsFound(found, more);
  }
}
