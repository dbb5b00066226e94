package io.flotilla.transport;

import java.net.InetSocketAddress;

/** What a proxy says about the connection that it opens (the PROXY protocol of HAProxy, versions 1 and 2). */
public sealed interface ProxyHeader {
  /**
   * It opens the connection for a client.
   *
   * @param client as the proxy sees it
   * @param called where the client connected to, as the proxy sees it
   */
  record Proxied(InetSocketAddress client, InetSocketAddress called) implements ProxyHeader {}

  /** It opens the connection for itself, to look whether the server is there. */
  record Check() implements ProxyHeader {}

  /** It opens the connection for a client that it doesn't know. */
  record Unknown() implements ProxyHeader {}
}
