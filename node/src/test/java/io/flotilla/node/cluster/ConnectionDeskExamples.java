package io.flotilla.node.cluster;

import io.flotilla.golden.Example;
import java.util.List;
import org.apache.pekko.actor.typed.ActorRefResolver;

/** One of each message about client connections. */
public final class ConnectionDeskExamples {
  private ConnectionDeskExamples() {}

  public static List<Example> all(ActorRefResolver refs) {
    ConnectionDesk.OneConnection one = new ConnectionDesk.OneConnection(
        17, "sftp", "alice", "192.0.2.1", 1_790_000_000_000L, "/in/file", "upload", 4096);
    return List.of(
        Example.of(new ConnectionDesk.FindConnections("alice", "sftp", refs.resolveActorRef("pekko://golden/user/asker"))),
        Example.of(new ConnectionDesk.CloseConnection(17, "an administrator ended the connection",
            refs.resolveActorRef("pekko://golden/user/asker"))),
        Example.of(one),
        Example.of(new ConnectionDesk.ConnectionsFound(List.of(one), true)),
        Example.of(new ConnectionDesk.ConnectionClosed(true)));
  }
}
