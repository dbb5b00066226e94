package io.flotilla.adapter;

import java.time.Clock;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.Consumer;

/** The logged-in connections of this node, of all protocols. Safe for all threads. Bounded by the listeners' limits. */
public final class LiveConnections {
  private final Clock clock;
  private final AtomicLong lastId = new AtomicLong();
  private final Map<Long, Connection> connections = new ConcurrentHashMap<>();

  public LiveConnections(Clock clock) {
    this.clock = clock;
  }

  /**
   * What is known of a connection at a moment.
   *
   * @param id unique in this process
   * @param bytes moved in both directions in all transfers so far
   */
  public record Snapshot(long id, String protocol, String user, String address, Instant since,
      Optional<CurrentTransfer> transfer, long bytes) {}

  /** A running transfer; path is virtual. */
  public record CurrentTransfer(String path, ClientEvent.Direction direction) {}

  /** One connection, in the hands of the adapter that has it. */
  public final class Connection implements AutoCloseable {
    private final long id;
    private final String protocol;
    private final String user;
    private final String address;
    private final Instant since = clock.instant();
    private final Consumer<String> disconnect;
    private final LongAdder bytes = new LongAdder();
    private final AtomicInteger running = new AtomicInteger();
    private volatile CurrentTransfer transfer;

    private Connection(long id, String protocol, String user, String address, Consumer<String> disconnect) {
      this.id = id;
      this.protocol = protocol;
      this.user = user;
      this.address = address;
      this.disconnect = disconnect;
    }

    public long id() {
      return id;
    }

    public String protocol() {
      return protocol;
    }

    public String user() {
      return user;
    }

    public String address() {
      return address;
    }

    /** A transfer begins; the newest is the one shown. */
    public void began(CurrentTransfer newest) {
      running.incrementAndGet();
      transfer = newest;
    }

    /** One of the transfers that began has ended. */
    public void ended() {
      if (running.decrementAndGet() == 0) {
        transfer = null;
      }
    }

    public boolean isTransferring() {
      return running.get() > 0;
    }

    public void moved(long count) {
      bytes.add(count);
    }

    public Snapshot snapshot() {
      return new Snapshot(id, protocol, user, address, since, Optional.ofNullable(transfer), bytes.sum());
    }

    /** The connection has ended. */
    @Override
    public void close() {
      connections.remove(id);
    }
  }

  /**
   * Enters a connection.
   *
   * @param disconnect ends it, with a reason for the client; must not block
   */
  public Connection open(String protocol, String user, String address, Consumer<String> disconnect) {
    Connection connection = new Connection(lastId.incrementAndGet(), protocol, user, address, disconnect);
    connections.put(connection.id, connection);
    return connection;
  }

  /** All connections, oldest first. */
  public List<Snapshot> list() {
    return connections.values().stream().map(Connection::snapshot)
        .sorted(java.util.Comparator.comparingLong(Snapshot::id)).toList();
  }

  /** Ends a connection; false if there is none of this id. */
  public boolean close(long id, String reason) {
    Connection connection = connections.get(id);
    if (connection != null) {
      connection.disconnect.accept(reason);
    }
    return connection != null;
  }
}
