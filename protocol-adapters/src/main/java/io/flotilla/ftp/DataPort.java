package io.flotilla.ftp;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.Optional;

/**
 * The data connection that the client has prepared: never more than one, so that a flood of PASV holds one port. Safe for
 * all threads.
 */
final class DataPort {
  private final InetAddress local;
  private final DataPeer peer;
  private DataRoute route;
  private boolean closed;

  /**
   * @param local our address of the control connection
   * @param peer who may connect
   */
  DataPort(InetAddress local, DataPeer peer) {
    this.local = local;
    this.peer = peer;
  }

  /** Listens for the client and returns the port; a former port is given up first. Throws BindException without a free one. */
  synchronized int listen(PassivePorts ports) throws IOException {
    clear();
    if (closed) {
      throw new IOException("the session has ended");
    }
    DataRoute.Passive passive = new DataRoute.Passive(ports.listen(local), peer, System.nanoTime());
    route = passive;
    return passive.port();
  }

  /** Notes an address of the client to connect to. */
  synchronized void connectTo(InetSocketAddress target) {
    clear();
    route = new DataRoute.Active(local, target);
  }

  /** What was prepared, which is then the caller's to close. */
  synchronized Optional<DataRoute> take() {
    Optional<DataRoute> taken = Optional.ofNullable(route);
    route = null;
    return taken;
  }

  /** Gives up what was prepared. */
  synchronized void clear() {
    take().ifPresent(DataRoute::close);
  }

  /** Gives up a port that no transfer asked for in time. */
  synchronized void expire(long now, Duration longest) {
    if (route instanceof DataRoute.Passive passive && now - passive.since() > longest.toNanos()) {
      clear();
    }
  }

  synchronized void close() {
    closed = true;
    clear();
  }
}
