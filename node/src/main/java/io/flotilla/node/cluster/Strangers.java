package io.flotilla.node.cluster;

import io.flotilla.log.LogThrottle;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Queue;
import javax.net.ssl.SSLEngine;
import org.apache.pekko.actor.ActorCell;
import org.apache.pekko.actor.ActorContext;
import org.apache.pekko.actor.ActorRef;
import org.apache.pekko.actor.ActorSystem;
import org.apache.pekko.stream.impl.FanIn;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import scala.collection.Iterator;

/**
 * Connections to remoting of which it is not known yet whether a node is behind them. Pekko takes as many as come, each with some 90 KB of
 * actors and buffers, and gives them all the time they like for their handshake; here each has a time, and there are only so
 * many: one more, and the oldest is cut off, because a node's handshake takes milliseconds and who only
 * holds a place is among the oldest. Connections of nodes are never touched. Safe for all threads.
 *
 * <p>Pekko has no setting for this, and a limit of its channels ({@code pekko.io.tcp.max-channels}) stops it from accepting for good. Its
 * connections run each through an actor for TLS, in whose constructor the engine is asked for: so that is where the actor is learnt, from the
 * thread's {@link ActorCell#contextStack}. It fails its connection when told that its input has failed ({@link FanIn.OnError}), and the
 * connection is reset. Both are internal to Pekko; RemotingTlsTest sees when another release has them otherwise.
 */
final class Strangers {
  private static final Logger log = LoggerFactory.getLogger(Strangers.class);
  private static final Duration SWEEP = Duration.ofSeconds(1);
  /** Of the input from the network, in Pekko's actor for TLS. */
  private static final int TRANSPORT_IN = 0;
  /** What a session has that was not agreed upon yet (RFC 5246, A.5). */
  private static final String NO_SUITE = "SSL_NULL_WITH_NULL_NULL";

  private final int max;
  private final Duration patience;
  private final LogThrottle throttle = new LogThrottle();
  /** The oldest first. */
  private final Queue<Stranger> strangers = new ArrayDeque<>();

  private record Stranger(SSLEngine engine, ActorRef connection, long sinceNanos) {
    /** Its handshake is through, which only nodes get, or it failed and ended the connection. */
    boolean isKnown() {
      return isNode() || engine.isInboundDone() && engine.isOutboundDone();
    }

    boolean isNode() {
      return !engine.getSession().getCipherSuite().equals(NO_SUITE);
    }
  }

  /**
   * @param system that ends the watch when it ends
   * @param max of them at a time
   * @param patience with each
   */
  Strangers(ActorSystem system, int max, Duration patience) {
    this.max = max;
    this.patience = patience;
    system.scheduler().scheduleWithFixedDelay(SWEEP, SWEEP, this::sweep, system.dispatcher());
  }

  /**
   * Watches over the handshake of a connection; called by the actor for TLS of that connection, as it begins.
   *
   * @throws IllegalStateException if no actor calls
   */
  synchronized void add(SSLEngine engine) {
    ActorRef connection = calling();
    if (strangers.size() >= max) {
      strangers.removeIf(Stranger::isKnown);
    }
    if (strangers.size() >= max) {
      cut(strangers.remove(), max + " others came to do the same");
    }
    strangers.add(new Stranger(engine, connection, System.nanoTime()));
  }

  /** An actor takes its context from the top of the stack and leaves null there until its constructor ends. */
  private static ActorRef calling() {
    Iterator<ActorContext> contexts = ActorCell.contextStack().get().iterator();
    while (contexts.hasNext()) {
      ActorContext context = contexts.next();
      if (context != null) {
        return context.self();
      }
    }
    throw new IllegalStateException("this release of Pekko asks for TLS engines elsewhere than in the actor of a connection");
  }

  private synchronized void sweep() {
    long now = System.nanoTime();
    strangers.removeIf(Stranger::isKnown);
    while (!strangers.isEmpty() && now - strangers.element().sinceNanos >= patience.toNanos()) {
      cut(strangers.remove(), patience.toSeconds() + " s went by");
    }
  }

  private void cut(Stranger stranger, String why) {
    if (stranger.isNode()) {
      return;
    }
    String words = "A connection to remoting was cut off: it had not shown that a node of this cluster is behind it when " + why;
    if (throttle.isDue()) {
      log.info("{}. Only nodes should reach that port; see the firewall in docs/operations.md", words);
    }
    stranger.connection.tell(new FanIn.OnError(TRANSPORT_IN, new HandshakeException(words)), ActorRef.noSender());
  }

  /** Has no stack, since anybody can cause it as often as they like. */
  private static final class HandshakeException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    HandshakeException(String message) {
      super(message, null, false, false);
    }
  }
}
