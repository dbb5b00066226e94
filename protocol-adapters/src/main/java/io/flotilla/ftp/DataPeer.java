package io.flotilla.ftp;

import io.flotilla.config.model.Listener;
import io.flotilla.transport.Incoming;
import io.flotilla.transport.ProxyReader;
import io.flotilla.transport.ProxyRule;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.channels.SocketChannel;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Who may connect to a port for data: the client of the control connection. If a proxy has opened that for it, proxies may open this
 * one for it too, and have to say so.
 *
 * @param isProxied whether a proxy opened the control connection
 * @param proxies those that are trusted now
 */
record DataPeer(InetAddress client, boolean isProxied, Supplier<Listener.Proxies> proxies) {
  private static final Logger log = LoggerFactory.getLogger(DataPeer.class);

  static DataPeer of(Incoming control, Supplier<Listener.Proxies> proxies) {
    return new DataPeer(control.address(), control.isProxied(), proxies);
  }

  /** Whether it is at the other end of a connection. Waits for a proxy's word for five seconds at most. */
  boolean isAt(SocketChannel channel) {
    try {
      InetAddress from = ((InetSocketAddress) channel.getRemoteAddress()).getAddress();
      if (!isProxied || !proxies.get().trusts(from)) {
        return from.equals(client); // past the proxies, to the node's own address
      }
      return ProxyReader.read(channel, ProxyRule.ALWAYS)
          .filter(found -> found.isProxied() && found.address().equals(client)).isPresent();
    } catch (IOException e) {
      log.debug("A data connection for {} is not taken: {}", client.getHostAddress(), e.toString());
      return false;
    }
  }
}
