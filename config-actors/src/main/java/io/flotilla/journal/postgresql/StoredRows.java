package io.flotilla.journal.postgresql;

import io.flotilla.journal.StoredJournal;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.util.Optional;

/** Counts what the database holds of one persistence id. */
public final class StoredRows {
  private StoredRows() {}

  /** The lengths are stored beside the payloads, so these are not read. */
  public static StoredJournal of(Database database, String persistenceId) throws DatabaseException {
    return database.inTransaction(connection -> {
      try (PreparedStatement ask = connection.prepareStatement("""
          SELECT count(event.sequence_number), coalesce(sum(octet_length(event.event_payload)), 0),
            coalesce(min(event.sequence_number), writer.highest), writer.highest,
            (SELECT count(*) FROM flotilla_snapshot snapshot WHERE snapshot.persistence_id = writer.persistence_id),
            (SELECT coalesce(sum(octet_length(snapshot_payload)), 0) FROM flotilla_snapshot snapshot
              WHERE snapshot.persistence_id = writer.persistence_id)
          FROM flotilla_writer writer LEFT JOIN flotilla_event event
            ON event.persistence_id = writer.persistence_id AND NOT event.deleted
          WHERE writer.persistence_id = ? GROUP BY writer.persistence_id""");
          PreparedStatement askNewest = connection.prepareStatement("""
              SELECT sequence_number, created, octet_length(snapshot_payload) FROM flotilla_snapshot
              WHERE persistence_id = ? ORDER BY sequence_number DESC LIMIT 1""")) {
        ask.setString(1, persistenceId);
        askNewest.setString(1, persistenceId);
        try (ResultSet row = ask.executeQuery(); ResultSet snapshot = askNewest.executeQuery()) {
          Optional<StoredJournal.Snapshot> newest = snapshot.next()
              ? Optional.of(new StoredJournal.Snapshot(snapshot.getLong(1), snapshot.getLong(2), snapshot.getLong(3))) : Optional.empty();
          return row.next()
              ? new StoredJournal(
                  row.getLong(1), row.getLong(2), row.getLong(3), row.getLong(4), row.getLong(5), row.getLong(6), newest)
              : StoredJournal.NOTHING;
        }
      }
    });
  }
}
