package io.flotilla.journal.postgresql;

import io.flotilla.persistence.DeposedWriters;
import io.flotilla.persistence.FencedException;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Types;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/**
 * The epochs that one actor system holds, one {@link Writer} per persistence id, and the append that needs one.
 *
 * <p>The plugin's primary key alone stops a second writer that would use a number again, but not one that is so far behind that
 * its number was deleted since, nor one that is up to date and about to be replaced. So each recovery claims an epoch before it
 * reads anything, and an append is committed only together with the check that its epoch is the present one and that its number
 * follows the highest ever written. An epoch that was lost is never claimed again by a write, only by the next recovery, and not
 * at once ({@link DeposedWriters}). Safe for all threads; calls block.
 */
final class JournalFence {

  /** The right to write one persistence id, as long as nobody claims it after us. */
  static final class Writer {
    private final long epoch;
    private volatile long highest;

    private Writer(long epoch, long highest) {
      this.epoch = epoch;
      this.highest = highest;
    }

    long highest() {
      return highest;
    }
  }

  /** One event as it is stored; the metadata's parts are null if it has none. */
  record Row(String persistenceId, long sequenceNumber, String writer, long timestamp, String adapterManifest, int serializerId,
      String serializerManifest, byte[] payload, Integer metaSerializerId, String metaManifest, byte[] meta) {}

  private final Database database;
  private final DeposedWriters deposed;
  private final Map<String, Writer> writers = new ConcurrentHashMap<>();
  /** Persistence ids whose recovery has claimed with the snapshot, and whose highest number hasn't been asked yet. */
  private final Set<String> recovering = ConcurrentHashMap.newKeySet();

  JournalFence(Database database, DeposedWriters deposed) {
    this.database = database;
    this.deposed = deposed;
  }

  /**
   * The beginning of a recovery: claims anew.
   *
   * @throws FencedException while it must not
   */
  Writer claimForSnapshot(String persistenceId) throws DatabaseException {
    Writer writer = claimToRecover(persistenceId);
    recovering.add(persistenceId);
    return writer;
  }

  /** The second step of a recovery, or its first if it loads no snapshot. */
  Writer claimForReplay(String persistenceId) throws DatabaseException {
    Writer held = writers.get(persistenceId);
    return recovering.remove(persistenceId) && held != null ? held : claimToRecover(persistenceId);
  }

  private Writer claimToRecover(String persistenceId) throws DatabaseException {
    deposed.requireOver(persistenceId);
    Writer held = writers.get(persistenceId);
    if (held != null && !deposed.contains(persistenceId)) {
      long present = presentEpoch(persistenceId).orElse(held.epoch);
      if (present != held.epoch) {
        throw deposed.deposed(persistenceId, "another writer has claimed " + persistenceId + " (epoch " + present
            + ", this writer has " + held.epoch + ")");
      }
    }
    return claim(persistenceId);
  }

  private OptionalLong presentEpoch(String persistenceId) throws DatabaseException {
    return database.inTransaction(connection -> {
      try (PreparedStatement query = connection.prepareStatement("SELECT epoch FROM flotilla_writer WHERE persistence_id = ?")) {
        query.setString(1, persistenceId);
        try (ResultSet row = query.executeQuery()) {
          return row.next() ? OptionalLong.of(row.getLong(1)) : OptionalLong.empty();
        }
      }
    });
  }

  Optional<Writer> held(String persistenceId) {
    return Optional.ofNullable(writers.get(persistenceId));
  }

  /** Whoever writes now; claims only if nothing in this system ever did. */
  Writer writer(String persistenceId) throws DatabaseException {
    Writer held = writers.get(persistenceId);
    return held == null ? claim(persistenceId) : held;
  }

  long epoch(String persistenceId) {
    Writer held = writers.get(persistenceId);
    if (held == null) {
      throw new IllegalStateException("no epoch of " + persistenceId + " is held here: it isn't known before the recovery");
    }
    return held.epoch;
  }

  private Writer claim(String persistenceId) throws DatabaseException {
    // Waits for an append that is under way, so what is read afterwards holds it.
    Writer claimed = database.inTransaction(connection -> {
      try (PreparedStatement claim = connection.prepareStatement("""
          INSERT INTO flotilla_writer AS present (persistence_id, epoch, highest) VALUES (?, %s, 0)
          ON CONFLICT (persistence_id) DO UPDATE SET epoch = %s
          RETURNING epoch, highest""".formatted(Database.later("0"), Database.later("present.epoch")))) {
        claim.setString(1, persistenceId);
        try (ResultSet row = claim.executeQuery()) {
          row.next();
          return new Writer(row.getLong(1), row.getLong(2));
        }
      }
    });
    writers.put(persistenceId, claimed);
    deposed.claimed(persistenceId);
    return claimed;
  }

  /** Appends events of one persistence id atomically, in order of their numbers. One at a time for each writer. */
  void append(Writer writer, List<Row> rows) throws DatabaseException {
    String persistenceId = rows.getFirst().persistenceId();
    long first = rows.getFirst().sequenceNumber();
    long last = rows.getLast().sequenceNumber();
    if (first <= writer.highest) {
      throw new FencedException("event " + first + " of " + persistenceId + " was written already");
    }
    database.inTransaction(connection -> {
      try (PreparedStatement fence = connection.prepareStatement(
          "UPDATE flotilla_writer SET highest = ? WHERE persistence_id = ? AND epoch = ? AND highest = ?")) {
        fence.setLong(1, last);
        fence.setString(2, persistenceId);
        fence.setLong(3, writer.epoch);
        fence.setLong(4, writer.highest);
        if (fence.executeUpdate() != 1) {
          throw new FencedException("event " + first + " of " + persistenceId + " is refused: another writer has claimed a later "
              + "epoch than " + writer.epoch + ", or has written after " + writer.highest);
        }
      }
      insert(connection, rows);
      return true;
    });
    writer.highest = last;
  }

  /** Only what a snapshot makes needless is deleted, so whoever asks for it may: the present writer or one before it. */
  void deleteTo(String persistenceId, long sequenceNumber) throws DatabaseException {
    database.inTransaction(connection -> {
      try (PreparedStatement delete = connection.prepareStatement(
          "DELETE FROM flotilla_event WHERE persistence_id = ? AND sequence_number <= ?")) {
        delete.setString(1, persistenceId);
        delete.setLong(2, sequenceNumber);
        return delete.executeUpdate();
      }
    });
  }

  private static void insert(Connection connection, List<Row> rows) throws SQLException {
    try (PreparedStatement insert = connection.prepareStatement("""
        INSERT INTO flotilla_event (persistence_id, sequence_number, writer, write_timestamp, adapter_manifest,
          event_ser_id, event_ser_manifest, event_payload, meta_ser_id, meta_ser_manifest, meta_payload)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)""")) {
      for (Row row : rows) {
        insert.setString(1, row.persistenceId());
        insert.setLong(2, row.sequenceNumber());
        insert.setString(3, row.writer());
        insert.setLong(4, row.timestamp());
        insert.setString(5, row.adapterManifest());
        insert.setInt(6, row.serializerId());
        insert.setString(7, row.serializerManifest());
        insert.setBytes(8, row.payload());
        insert.setObject(9, row.metaSerializerId(), Types.INTEGER);
        insert.setString(10, row.metaManifest());
        insert.setBytes(11, row.meta());
        // Not as a batch: if that fails the driver tells the row in its message, and the sealed secrets in it.
        insert.executeUpdate();
      }
    }
  }
}
