package io.flotilla.adapter;

import io.flotilla.vfs.VirtualPath;
import java.time.Clock;
import java.util.function.Function;

/**
 * Accounts one connection's transfers: as events, and in the list of live connections; and keeps them to the speed that their
 * user may have. Safe for all threads.
 */
public final class TransferLog {
  private final LiveConnections.Connection connection;
  private final String protocol;
  private final Function<ClientEvent.Direction, Pace> paces;
  private final ClientEventSink events;
  private final Clock clock;

  /** @param protocol of the transfers; one connection may carry several */
  TransferLog(LiveConnections.Connection connection, String protocol, Function<ClientEvent.Direction, Pace> paces,
      ClientEventSink events, Clock clock) {
    this.connection = connection;
    this.protocol = protocol;
    this.paces = paces;
    this.events = events;
    this.clock = clock;
  }

  /** A file was opened for the client. */
  public Transfer began(VirtualPath path, ClientEvent.Direction direction) {
    return new Transfer(connection, protocol, paces.apply(direction), path.toString(), direction, events, clock);
  }
}
