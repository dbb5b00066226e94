package io.flotilla.adapter;

import io.flotilla.config.model.Listener;
import io.flotilla.config.view.ConfigView;
import io.flotilla.transport.ProxyFault;
import io.flotilla.transport.ProxyRule;
import java.net.Inet6Address;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.time.Clock;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.OptionalInt;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Lets connections of one listener in: as many as its limits allow, and from where the access rules allow it. It is asked
 * before a connection costs anything. Safe for all threads; never blocks.
 */
public final class ConnectionGate {
  private static final Logger log = LoggerFactory.getLogger(ConnectionGate.class);
  private static final long SILENCE_LOG_NANOSECONDS = 60_000_000_000L;
  /** An IPv6 client has all addresses of such a network (RFC 6177), so they count as one. */
  private static final int IPV6_PREFIX_BYTES = 8;

  private final String listener;
  private final Listener.Protocol protocol;
  private final int maxUnauthenticated;
  private final Supplier<ConfigView> view;
  private final ClientEventSink events;
  private final Clock clock;
  private final Map<InetAddress, Integer> byAddress = new HashMap<>();
  private int connections;
  private int unauthenticated;
  private volatile long silenceLogged = System.nanoTime() - SILENCE_LOG_NANOSECONDS;

  ConnectionGate(String listener, Listener.Protocol protocol, int maxUnauthenticated, Supplier<ConfigView> view,
      ClientEventSink events, Clock clock) {
    this.listener = listener;
    this.protocol = protocol;
    this.maxUnauthenticated = maxUnauthenticated;
    this.view = view;
    this.events = events;
    this.clock = clock;
  }

  /** @param maxPerAddress no limit if there is none */
  public record Limits(int maxConnections, OptionalInt maxPerAddress) {
    public static Limits of(Listener listener) {
      return new Limits(listener.maxConnections(), listener.maxConnectionsPerAddress());
    }
  }

  /** Why a connection is refused. */
  public enum Refusal {
    DENIED("connections from this address are not accepted"),
    LISTENER_FULL("this server has as many connections as it may; try again later"),
    ADDRESS_FULL("too many connections from this address; try again later"),
    LOGINS_FULL("too many clients are logging in; try again later"),
    NO_PROXY("connections are accepted from this listener's proxies only"),
    NO_PROXY_HEADER("the proxy did not say by the PROXY protocol for whom the connection is");

    private final String words;

    Refusal(String words) {
      this.words = words;
    }

    /** For the client. */
    public String words() {
      return words;
    }
  }

  public sealed interface Answer {}

  /** The connection was refused, which has been told as an event. */
  public record Refused(Refusal reason) implements Answer {}

  /** A connection that was let in, until it is closed. Closing it twice is harmless. */
  public final class Admitted implements Answer, AutoCloseable {
    private final InetAddress place;
    private final AtomicBoolean open = new AtomicBoolean(true);
    private boolean authenticated;

    private Admitted(InetAddress place) {
      this.place = place;
    }

    /** Its client has logged in, or has logged out and stays. */
    public void authenticated(boolean now) {
      synchronized (ConnectionGate.this) {
        if (open.get() && authenticated != now) {
          authenticated = now;
          unauthenticated += now ? -1 : 1;
        }
      }
    }

    /** The connection has ended. */
    @Override
    public void close() {
      synchronized (ConnectionGate.this) {
        if (open.compareAndSet(true, false)) {
          connections--;
          unauthenticated -= authenticated ? 0 : 1;
          byAddress.computeIfPresent(place, (address, count) -> count == 1 ? null : count - 1);
        }
      }
    }
  }

  /**
   * Asks for one connection.
   *
   * @param isCheck whether a trusted proxy only looks whether the server is there: then access rules, which are about clients, don't
   *     count. They do for whoever logs in by it
   */
  public Answer ask(InetAddress address, boolean isCheck, Limits limits) {
    Answer answer = !isCheck && isDenied(address) ? new Refused(Refusal.DENIED) : count(place(address), limits);
    if (answer instanceof Refused refused) {
      tell(address, refused.reason());
    }
    return answer;
  }

  /**
   * A connection is refused because of a proxy, before its client is known. Of a silent one there is no event, since health checks may
   * be silent; but that no client gets in by a proxy that sends no header must not be a riddle.
   */
  public void refused(InetAddress peer, ProxyFault fault) {
    switch (fault) {
      case NOT_TRUSTED -> tell(peer, Refusal.NO_PROXY);
      case NO_HEADER -> tell(peer, Refusal.NO_PROXY_HEADER);
      case TOO_MANY -> tell(peer, Refusal.LOGINS_FULL);
      case SILENT -> {
        long now = System.nanoTime();
        if (now - silenceLogged > SILENCE_LOG_NANOSECONDS) {
          silenceLogged = now;
          log.info("Listener {} closed a connection of the proxy {} that said nothing for {} s; if its clients can't connect, have it send "
              + "a PROXY header", listener, peer.getHostAddress(), ProxyRule.PATIENCE.toSeconds());
        }
      }
    }
  }

  /** Asks for a client whose requests come by a connection of its proxy. A refusal is told as an event. */
  public boolean admits(InetAddress client) {
    boolean isDenied = isDenied(client);
    if (isDenied) {
      tell(client, Refusal.DENIED);
    }
    return !isDenied;
  }

  private boolean isDenied(InetAddress address) {
    return view.get().config().accessRules().denial(protocol, address).isPresent();
  }

  private void tell(InetAddress address, Refusal reason) {
    events.accept(new ClientEvent.ConnectionRefused(clock.instant(), listener, protocol.id(), address.getHostAddress(), reason));
  }

  private synchronized Answer count(InetAddress place, Limits limits) {
    if (connections >= limits.maxConnections()) {
      return new Refused(Refusal.LISTENER_FULL);
    }
    if (limits.maxPerAddress().isPresent() && byAddress.getOrDefault(place, 0) >= limits.maxPerAddress().getAsInt()) {
      return new Refused(Refusal.ADDRESS_FULL);
    }
    if (unauthenticated >= maxUnauthenticated) {
      return new Refused(Refusal.LOGINS_FULL);
    }
    connections++;
    unauthenticated++;
    byAddress.merge(place, 1, Integer::sum);
    return new Admitted(place);
  }

  /** What counts as one address with it. */
  public static InetAddress place(InetAddress address) {
    if (!(address instanceof Inet6Address)) {
      return address;
    }
    byte[] bytes = address.getAddress();
    Arrays.fill(bytes, IPV6_PREFIX_BYTES, bytes.length, (byte) 0);
    try {
      return InetAddress.getByAddress(bytes);
    } catch (UnknownHostException e) {
      throw new IllegalStateException("an IPv6 address has 16 bytes", e);
    }
  }
}
