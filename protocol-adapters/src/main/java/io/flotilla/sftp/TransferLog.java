package io.flotilla.sftp;

import io.flotilla.adapter.ClientEvent;
import io.flotilla.adapter.ClientEventSink;
import io.flotilla.adapter.LiveConnections;
import java.time.Clock;
import java.util.OptionalLong;

/** Accounts one connection's transfers: as events, and in the list of live connections. */
record TransferLog(LiveConnections.Connection connection, ClientEventSink events, Clock clock) {
  void started(HandleTable.FileHandle handle) {
    connection.began(new LiveConnections.Transfer(handle.path().toString(), handle.direction));
  }

  void moved(HandleTable.FileHandle handle, long offset, int bytes) {
    handle.moved(offset, bytes);
    connection.moved(bytes);
  }

  void ended(HandleTable.FileHandle handle, ClientEvent.Outcome outcome) {
    connection.ended();
    events.accept(new ClientEvent.TransferFinished(clock.instant(), connection.user(), "sftp", connection.address(),
        handle.path().toString(), handle.direction, handle.bytes, (System.nanoTime() - handle.since) / 1_000_000,
        outcome, handle.firstOffset > 0 ? OptionalLong.of(handle.firstOffset) : OptionalLong.empty()));
  }
}
