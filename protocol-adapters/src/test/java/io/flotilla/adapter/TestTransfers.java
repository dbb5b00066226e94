package io.flotilla.adapter;

import java.time.Clock;

/** Accounts of transfers without a login, for tests of what moves bytes. */
public final class TestTransfers {
  private TestTransfers() {}

  /** Of a connection whose user's speed is not limited. */
  public static TransferLog of(LiveConnections.Connection connection, String protocol, ClientEventSink events) {
    return new TransferLog(connection, protocol, _ -> new Pace(), events, Clock.systemUTC());
  }
}
