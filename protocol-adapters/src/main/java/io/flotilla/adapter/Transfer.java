package io.flotilla.adapter;

import java.time.Clock;
import java.util.OptionalLong;

/**
 * The account of one transfer, from opening the file to its end, which has to be told exactly once; and its pace, which all
 * transfers of the user share. Used by one thread at a time.
 */
public final class Transfer {
  private final LiveConnections.Connection connection;
  private final String protocol;
  private final Pace pace;
  private final ClientEventSink events;
  private final Clock clock;
  private final String path;
  private final ClientEvent.Direction direction;
  private final long since = System.nanoTime();
  private long bytes;
  private long firstOffset = -1;
  private boolean failed;
  /** What the pace was when the present part began. */
  private long rate;

  Transfer(LiveConnections.Connection connection, String protocol, Pace pace, String path, ClientEvent.Direction direction,
      ClientEventSink events, Clock clock) {
    this.connection = connection;
    this.protocol = protocol;
    this.pace = pace;
    this.rate = pace.bytesPerSecond();
    this.path = path;
    this.direction = direction;
    this.events = events;
    this.clock = clock;
    connection.began(new LiveConnections.CurrentTransfer(path, direction));
  }

  /**
   * Counts bytes of the file that went to or came from the client.
   *
   * @param offset in the file; that of the first bytes is where the transfer was resumed
   * @return how long to wait before more is moved, in nanoseconds; 0 unless the user's speed is limited
   */
  public long moved(long offset, long count) {
    firstOffset = firstOffset < 0 ? offset : firstOffset;
    bytes += count;
    connection.moved(count);
    long before = rate;
    rate = pace.bytesPerSecond();
    return pace.moved(count, before, System.nanoTime());
  }

  /** The most bytes to move at once: less than {@code most} if the speed is limited, so that the pauses are short. */
  public int part(int most) {
    rate = pace.bytesPerSecond();
    return (int) pace.part(most);
  }

  /** The server could not read or write: whatever the client does now, the transfer will not be complete. */
  public void failed() {
    failed = true;
  }

  /** The file was closed, or given up. */
  public void ended(ClientEvent.Outcome outcome) {
    connection.ended();
    events.accept(new ClientEvent.TransferFinished(clock.instant(), connection.user(),
        protocol, connection.address(), path, direction, bytes,
        (System.nanoTime() - since) / 1_000_000,
        failed && outcome == ClientEvent.Outcome.COMPLETED ? ClientEvent.Outcome.FAILED : outcome,
        firstOffset > 0 ? OptionalLong.of(firstOffset) : OptionalLong.empty()));
  }
}
