package io.flotilla.node.cluster;

import io.flotilla.claim.event.Claim;
import io.flotilla.golden.Example;
import io.flotilla.http.sessions.SessionRecord;
import io.flotilla.vfs.UsageNews;
import java.util.List;
import org.apache.pekko.actor.typed.ActorRefResolver;

/** One of each message about client connections, what users' homes hold, and HTTP sessions. */
public final class DataPlaneExamples {
  private DataPlaneExamples() {}

  public static List<Example> all(ActorRefResolver refs) {
    ConnectionDesk.OneConnection one = new ConnectionDesk.OneConnection(
        17, "sftp", "alice", "192.0.2.1", 1_790_000_000_000L, "/in/file", "upload", 4096);
    SessionRecord session = new SessionRecord("3q2-7wAAAAAAAAAAAAAAAA", "alice", "fingerprint", SessionRecord.Use.COOKIE, "node-1",
        "192.0.2.1", 1_790_000_000_000L, 1_790_043_200_000L, 1_790_000_060_000L, false);
    SessionRecord ended = new SessionRecord("zzz-7wAAAAAAAAAAAAAAAA", "bob", "", SessionRecord.Use.TOKEN, "node-2", "",
        1_790_000_000_000L, 1_790_043_200_000L, 1_790_000_060_000L, true);
    return List.of(
        Example.of(session),
        Example.of(new SessionBucket(List.of(session, ended))),
        Example.of(new ConnectionDesk.FindConnections("alice", "sftp", refs.resolveActorRef("pekko://golden/user/asker"))),
        Example.of(new ConnectionDesk.CloseConnection(17, "an administrator ended the connection",
            refs.resolveActorRef("pekko://golden/user/asker"))),
        Example.of(one),
        Example.of(new ConnectionDesk.ConnectionsFound(List.of(one), true)),
        Example.of(new ConnectionDesk.ConnectionClosed(true)),
        Example.of(new NodeDesk.Look(refs.resolveActorRef("pekko://golden/user/asker"))),
        Example.of(new NodeDesk.Begin("drain", 600_000, true, "root", refs.resolveActorRef("pekko://golden/user/asker"))),
        Example.of(new NodeDesk.Resume("root", refs.resolveActorRef("pekko://golden/user/asker"))),
        Example.of(new NodeDesk.Told("drain", 1_790_000_000_000L, 1_790_000_600_000L, "root", true, "it could not be handed over",
            List.of("it is drained"), 3, new ConnectionDesk.ConnectionsFound(List.of(one), true))),
        Example.of(new NodeDesk.Refused("this node is a voter")),
        Example.of(new LockDesk.LockHolds(new Claim("lock/x/a", "alice", 78, 30_000, "what she says"),
            refs.resolveActorRef("pekko://golden/user/asker"))),
        Example.of(new LockDesk.LocksGone(List.of("token"), refs.resolveActorRef("pekko://golden/user/asker"))),
        Example.of(new LockDesk.Heard()),
        Example.of(new UsageExchange.UsageAnnounced("node-2", new UsageNews(
            List.of(new UsageNews.Change(new UsageNews.Home("main", "/users/alice"), "origin", 4096, -1, true)),
            List.of(new UsageNews.Home("main", "/users/bob"))))));
  }
}
