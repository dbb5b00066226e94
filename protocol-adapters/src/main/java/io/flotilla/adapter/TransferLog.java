package io.flotilla.adapter;

import io.flotilla.vfs.VirtualPath;
import java.time.Clock;

/**
 * Accounts one connection's transfers: as events, and in the list of live connections. Safe for all threads.
 *
 * @param protocol of the transfers; one connection may carry several
 */
public record TransferLog(LiveConnections.Connection connection, String protocol, ClientEventSink events, Clock clock) {
  /** A file was opened for the client. */
  public Transfer began(VirtualPath path, ClientEvent.Direction direction) {
    return new Transfer(this, path.toString(), direction);
  }
}
