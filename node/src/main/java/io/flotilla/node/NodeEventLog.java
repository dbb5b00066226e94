package io.flotilla.node;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.util.JsonRecyclerPools;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.flotilla.adapter.ClientEvent;
import io.flotilla.adapter.ClientEventSink;
import io.flotilla.config.cluster.HistoryStatus;
import io.flotilla.config.event.Author;
import io.flotilla.config.event.ConfigChanged;
import io.flotilla.config.event.EntityChange;
import io.flotilla.config.model.Refusal;
import io.flotilla.http.admin.EventFeed;
import io.flotilla.log.LogThrottle;
import io.flotilla.node.cluster.ClusterEvents;
import io.flotilla.vfs.RecentChanges;
import java.time.Instant;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.Collectors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.slf4j.event.Level;
import org.slf4j.spi.LoggingEventBuilder;

/**
 * Tells what happens on this node three times over, in the same words: one clear line in the log, a metric, and an event
 * of the admin API's stream. Safe for all threads; never blocks.
 */
final class NodeEventLog implements ClusterEvents, ClientEventSink, NodeDrain.Events, RecentChanges.Events {
  /** Otherwise each session's thread would keep 8 KiB of buffers. */
  private static final JsonMapper JSON = JsonMapper.builder(
      JsonFactory.builder().recyclerPool(JsonRecyclerPools.sharedBoundedPool()).build()).build();
  private static final Logger clusterLog = LoggerFactory.getLogger("flotilla.cluster");
  private static final Logger configLog = LoggerFactory.getLogger("flotilla.config");
  private static final Logger clientLog = LoggerFactory.getLogger("flotilla.client");
  private static final int ENTITIES_NAMED = 5;
  /** Between two lines about the same excess. */
  private static final long FORGOTTEN_NANOS = 600_000_000_000L;

  private final String node;
  private final NodeMetrics metrics;
  private final EventFeed feed;
  private final LogThrottle refusals = new LogThrottle();
  /** When it was last said that changes were forgotten, by System.nanoTime. */
  private final AtomicLong forgotten = new AtomicLong(System.nanoTime() - FORGOTTEN_NANOS);

  NodeEventLog(String node, NodeMetrics metrics, EventFeed feed) {
    this.node = node;
    this.metrics = metrics;
    this.feed = feed;
  }

  /** One happening on its way into log and stream. */
  private final class Line {
    private final String type;
    private final LoggingEventBuilder builder;
    private final ObjectNode json = JSON.createObjectNode();

    Line(Logger logger, Level level, String type) {
      this.type = type;
      this.builder = logger.atLevel(level).addKeyValue("event", type);
      json.put("at", Instant.now().toString()).put("node", node).put("type", type);
    }

    Line with(String field, String value) {
      builder.addKeyValue(field, value);
      json.put(field, value);
      return this;
    }

    Line with(String field, long value) {
      builder.addKeyValue(field, value);
      json.put(field, value);
      return this;
    }

    void say(String message) {
      builder.log(message);
      feed.publish(type, text(json.put("message", message)));
    }

    private static String text(ObjectNode tree) {
      try {
        return JSON.writeValueAsString(tree);
      } catch (JsonProcessingException e) {
        throw new IllegalStateException("a tree can always be written", e);
      }
    }
  }

  private void member(Level level, String type, String name, String address, String message) {
    metrics.count("flotilla.cluster.member.events", "Membership events seen by this node", "event", type);
    new Line(clusterLog, level, type).with("member", name).with("address", address).say(message);
  }

  @Override
  public void memberUp(String name, String address) {
    member(Level.INFO, "member-up", name, address, "Node " + name + " is up at " + address);
  }

  @Override
  public void memberDown(String name, String address, String why) {
    member(Level.INFO, "member-down", name, address, "Node " + name + " at " + address + " is out of the cluster: " + why);
  }

  @Override
  public void memberUnreachable(String name, String address) {
    member(Level.WARN, "member-unreachable", name, address, "Node " + name + " at " + address + " does not answer");
  }

  @Override
  public void memberReachable(String name, String address) {
    member(Level.INFO, "member-reachable", name, address, "Node " + name + " at " + address + " answers again");
  }

  @Override
  public void primaryMoved(String name) {
    metrics.count("flotilla.cluster.primary.moves", "Times the primary moved, as seen by this node");
    new Line(clusterLog, Level.INFO, "primary-moved").with("primary", name).say("The primary is " + name);
  }

  @Override
  public void historyKept(HistoryStatus status) {
    metrics.history(Optional.of(status));
  }

  @Override
  public void primaryStopped() {
    metrics.history(Optional.empty());
  }

  @Override
  public void controlPlaneEnded(String why) {
    metrics.count("flotilla.cluster.control.plane.ends", "Times this node's clustered actor system ended");
    new Line(clusterLog, Level.INFO, "control-plane-ended").with("reason", why)
        .say("This node left the cluster (" + why + "); file service goes on");
  }

  @Override
  public void primaryStarted(long epoch, long version) {
    new Line(configLog, Level.INFO, "primary-started").with("epoch", epoch).with("version", version)
        .say("This node is the primary now, epoch " + epoch + ", configuration version " + version);
  }

  @Override
  public void committed(ConfigChanged change, long milliseconds) {
    metrics.count("flotilla.config.changes", "Changes decided by the primary on this node", "outcome", "committed");
    metrics.time("flotilla.config.commit", "From decision to durable", milliseconds);
    String what = change.changes().stream().limit(ENTITIES_NAMED).map(NodeEventLog::describe)
        .collect(Collectors.joining(", "))
        + (change.changes().size() > ENTITIES_NAMED ? " and " + (change.changes().size() - ENTITIES_NAMED) + " more" : "");
    new Line(configLog, Level.INFO, "configuration-committed").with("version", change.version()).with("id", change.id())
        .with("who", change.author().who()).with("from", change.author().address()).with("milliseconds", milliseconds)
        .say("Configuration version " + change.version() + " committed in " + milliseconds + " ms: " + what + " by "
            + Printable.of(change.author().who()) + " from " + change.author().address() + " through "
            + change.author().node());
  }

  private static String describe(EntityChange change) {
    String verb = change.after() == null ? "delete " : change.before() == null ? "create " : "change ";
    return verb + change.kind() + "/" + Printable.of(change.name());
  }

  @Override
  public void rejected(String id, Author author, Refusal refusal) {
    metrics.count("flotilla.config.changes", "Changes decided by the primary on this node", "outcome",
        refusal.reason().name().toLowerCase(Locale.ROOT));
    new Line(configLog, Level.INFO, "configuration-rejected").with("id", id).with("who", author.who())
        .with("reason", refusal.reason().name().toLowerCase(Locale.ROOT))
        .say("Configuration change by " + Printable.of(author.who()) + " from " + author.address() + " rejected: "
            + Printable.of(refusal.detail()));
  }

  @Override
  public void applied(long version) {
    metrics.count("flotilla.config.applied", "Configuration versions applied by this node");
    new Line(configLog, Level.INFO, "configuration-applied").with("version", version)
        .say("Configuration version " + version + " applied");
  }

  @Override
  public void degraded(long version, List<String> problems) {
    metrics.count("flotilla.config.degraded", "Configuration versions this node could apply only in part");
    new Line(configLog, Level.WARN, "configuration-degraded").with("version", version)
        .with("problems", String.join("; ", problems))
        .say("Configuration version " + version + " applied in part: " + String.join("; ", problems));
  }

  @Override
  public void catchingUp(long from, long to) {
    new Line(configLog, Level.INFO, "catching-up").with("from", from).with("to", to)
        .say("Catching up from configuration version " + from + " to " + to);
  }

  @Override
  public void caughtUp(long from, long to, long milliseconds) {
    metrics.count("flotilla.config.catch.ups", "Times this node caught up");
    new Line(configLog, Level.INFO, "caught-up").with("from", from).with("to", to).with("milliseconds", milliseconds)
        .say("Caught up at configuration version " + to + (from == to ? "" : " from " + from + " in " + milliseconds + " ms"));
  }

  @Override
  public void draining(String purpose, long seconds, String by, int remaining) {
    drain("node-draining", purpose, by).with("seconds", seconds).with("remaining", remaining)
        .say("This node takes no more clients (" + purpose + ", by " + Printable.of(by) + "); " + remaining + " are left, and have "
            + seconds + " s");
  }

  @Override
  public void drained(String purpose, String by, int ended, String trouble) {
    drain("node-drained", purpose, by).with("ended", ended).with("trouble", trouble)
        .say("This node is drained (" + purpose + "); " + ended + " clients were ended at the deadline"
            + (trouble.isEmpty() ? "" : "; " + trouble));
  }

  @Override
  public void resumed(String by, List<String> problems) {
    new Line(clusterLog, problems.isEmpty() ? Level.INFO : Level.WARN, "node-resumed").with("who", by)
        .with("problems", String.join("; ", problems))
        .say("This node takes clients again (by " + Printable.of(by) + ")"
            + (problems.isEmpty() ? "" : ", but " + String.join("; ", problems)));
  }

  @Override
  public void conflict(RecentChanges.Conflict conflict) {
    metrics.count("flotilla.file.conflicts", "Files that two nodes wrote without knowing of each other, told by one of them");
    String path = Printable.of(conflict.path().toString());
    new Line(clusterLog, Level.WARN, "file-conflict").with("storage", conflict.storage()).with("path", path)
        .with("size", conflict.version().size()).with("modified", conflict.version().modified().toString())
        .with("otherNode", conflict.otherNode()).with("otherSize", conflict.otherVersion().size())
        .with("otherModified", conflict.otherVersion().modified().toString())
        .say("The file " + path + " of storage " + conflict.storage() + " was written on this node (" + conflict.version().size()
            + " bytes, " + conflict.version().modified() + ") and on " + conflict.otherNode() + " (" + conflict.otherVersion().size()
            + " bytes, " + conflict.otherVersion().modified() + ") before either had the other's; the synchroniser keeps one of them "
            + "under its name, and should keep the other as a conflict copy");
  }

  @Override
  public void forgotten(String of, int count) {
    metrics.add("flotilla.recent.changes.forgotten", "Recent changes that were forgotten before their time, because there were too many",
        count);
    long now = System.nanoTime();
    long last = forgotten.get();
    if (now - last >= FORGOTTEN_NANOS && forgotten.compareAndSet(last, now)) {
      clusterLog.warn("More changes were made on {} than can be remembered; until the synchroniser has brought the oldest of them, "
          + "clients of other nodes don't see them", of);
    }
  }

  private Line drain(String type, String purpose, String by) {
    metrics.count("flotilla.node.drains", "Times this node began and ended to be drained", "event", type, "purpose", purpose);
    return new Line(clusterLog, Level.INFO, type).with("purpose", purpose).with("who", by);
  }

  @Override
  public void accept(ClientEvent event) {
    switch (event) {
      case ClientEvent.LoginSucceeded login -> {
        login("succeeded", login.protocol());
        client("login", Level.INFO, login.user(), login.protocol(), login.address())
            .with("method", login.method())
            .say("Login of " + Printable.of(login.user()) + " by " + login.protocol() + " from " + login.address()
                + " with " + login.method());
      }
      case ClientEvent.LoginFailed login -> {
        login("failed", login.protocol());
        client("login-failed", Level.WARN, login.user(), login.protocol(), login.address())
            .with("method", login.method()).with("reason", login.reason())
            .say("Login of " + Printable.of(login.user()) + " by " + login.protocol() + " from " + login.address()
                + " with " + login.method() + " failed: " + login.reason());
      }
      case ClientEvent.ConnectionRefused refused -> refused(refused);
      case ClientEvent.LoggedOut logout ->
          client("logout", Level.INFO, logout.user(), logout.protocol(), logout.address())
              .say("Logout of " + Printable.of(logout.user()) + " by " + logout.protocol() + " from " + logout.address());
      case ClientEvent.TransferFinished transfer -> transfer(transfer);
      case ClientEvent.ListenerOpened opened -> listener("listener-opened", Level.INFO, opened.listener(),
          "Listener " + opened.listener() + " (" + opened.protocol() + ") opened on " + opened.address() + ":"
              + opened.port());
      case ClientEvent.ListenerClosed closed -> listener("listener-closed", Level.INFO, closed.listener(),
          "Listener " + closed.listener() + " (" + closed.protocol() + ") closed on " + closed.address() + ":"
              + closed.port());
      case ClientEvent.ListenerFailed failed -> listener("listener-failed", Level.ERROR, failed.listener(),
          "Listener " + failed.listener() + " (" + failed.protocol() + ") failed: " + failed.problem());
    }
  }

  /** Each counts; the log and the stream get one a second, because clients can cause as many as they like. */
  private void refused(ClientEvent.ConnectionRefused refused) {
    String reason = refused.reason().name().toLowerCase(Locale.ROOT).replace('_', '-');
    metrics.count("flotilla.connections.refused", "Connections that were not let in", "listener", refused.listener(),
        "protocol", refused.protocol(), "reason", reason);
    if (refusals.isDue()) {
      new Line(clientLog, Level.WARN, "connection-refused").with("listener", refused.listener())
          .with("protocol", refused.protocol()).with("address", refused.address()).with("reason", reason)
          .say("Listener " + refused.listener() + " (" + refused.protocol() + ") refused a connection from "
              + refused.address() + ": " + refused.reason().words());
    }
  }

  private void transfer(ClientEvent.TransferFinished transfer) {
    String direction = transfer.direction().name().toLowerCase(Locale.ROOT);
    String outcome = transfer.outcome().name().toLowerCase(Locale.ROOT);
    metrics.count("flotilla.transfers", "Finished transfers",
        "protocol", transfer.protocol(), "direction", direction, "outcome", outcome);
    metrics.add("flotilla.transfer.bytes", "Bytes of finished transfers", transfer.bytes(),
        "protocol", transfer.protocol(), "direction", direction);
    Line line = client("transfer", Level.INFO, transfer.user(), transfer.protocol(), transfer.address())
        .with("path", Printable.of(transfer.path())).with("direction", direction).with("outcome", outcome)
        .with("bytes", transfer.bytes()).with("milliseconds", transfer.milliseconds());
    transfer.resumeOffset().ifPresent(offset -> line.with("resumeOffset", offset));
    line.say("Transfer " + outcome + ": " + direction + " of " + Printable.of(transfer.path()) + " by "
        + Printable.of(transfer.user()) + " (" + transfer.protocol() + ", " + transfer.address() + "), "
        + transfer.bytes() + " bytes in " + transfer.milliseconds() + " ms");
  }

  private void login(String outcome, String protocol) {
    metrics.count("flotilla.logins", "Login attempts", "protocol", protocol, "outcome", outcome);
  }

  private Line client(String type, Level level, String user, String protocol, String address) {
    return new Line(clientLog, level, type).with("user", Printable.of(user)).with("protocol", protocol)
        .with("address", address);
  }

  private void listener(String type, Level level, String name, String message) {
    metrics.count("flotilla.listener.events", "Listeners opened, closed or failed", "event", type);
    new Line(clientLog, level, type).with("listener", name).say(message);
  }
}
