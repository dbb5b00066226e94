package io.flotilla.adapter;

import java.util.OptionalLong;

/**
 * The account of one transfer, from opening the file to its end, which has to be told exactly once. Used by one thread at a
 * time.
 */
public final class Transfer {
  private final TransferLog log;
  private final String path;
  private final ClientEvent.Direction direction;
  private final long since = System.nanoTime();
  private long bytes;
  private long firstOffset = -1;
  private boolean failed;

  Transfer(TransferLog log, String path, ClientEvent.Direction direction) {
    this.log = log;
    this.path = path;
    this.direction = direction;
    log.connection().began(new LiveConnections.CurrentTransfer(path, direction));
  }

  /**
   * Counts bytes of the file that went to or came from the client.
   *
   * @param offset in the file; that of the first bytes is where the transfer was resumed
   */
  public void moved(long offset, long count) {
    firstOffset = firstOffset < 0 ? offset : firstOffset;
    bytes += count;
    log.connection().moved(count);
  }

  /** The server could not read or write: whatever the client does now, the transfer will not be complete. */
  public void failed() {
    failed = true;
  }

  /** The file was closed, or given up. */
  public void ended(ClientEvent.Outcome outcome) {
    log.connection().ended();
    log.events().accept(new ClientEvent.TransferFinished(log.clock().instant(), log.connection().user(),
        log.protocol(), log.connection().address(), path, direction, bytes,
        (System.nanoTime() - since) / 1_000_000,
        failed && outcome == ClientEvent.Outcome.COMPLETED ? ClientEvent.Outcome.FAILED : outcome,
        firstOffset > 0 ? OptionalLong.of(firstOffset) : OptionalLong.empty()));
  }
}
