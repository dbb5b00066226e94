package io.flotilla.transport;

import io.flotilla.config.model.Listener;
import java.net.InetAddress;
import java.time.Duration;

/** What a peer of a listener has to send before the protocol begins. */
public enum ProxyRule {
  /** Nothing: it is the client. */
  NONE,
  /** A PROXY header, unless it is a client that is where proxies may be. */
  MAYBE,
  /** A PROXY header. */
  ALWAYS,
  /** It may not connect at all: it is no proxy. */
  REFUSED;

  /** For the whole header. A proxy sends it with its first packet. */
  public static final Duration PATIENCE = Duration.ofSeconds(5);
  /** For its first byte, where there may be none: a client that waits for the server's greeting has to wait for this. */
  public static final Duration SHORT_PATIENCE = Duration.ofSeconds(1);

  public static ProxyRule of(Listener.Proxies proxies, InetAddress peer) {
    boolean isTrusted = proxies.trusts(peer);
    return switch (proxies.protocol()) {
      case OFF -> NONE;
      case OPTIONAL -> isTrusted ? MAYBE : NONE;
      case REQUIRED -> isTrusted ? ALWAYS : REFUSED;
    };
  }
}
