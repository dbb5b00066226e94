package io.flotilla.journal.postgresql;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;

/**
 * The tables, made and migrated by numbered SQL resources, each once and in order. Nodes that start together take turns by an
 * advisory lock. A migration must leave the tables so that nodes of the release before can go on with them (an upgrade is
 * rolling), but those are not let in anew.
 */
final class Schema {
  /** The newest resource of this release. */
  static final int VERSION = 1;
  private static final long LOCK = 0x666c6f74696c6c61L;

  /** The tables are of a newer release than this node. */
  static final class NewerSchemaException extends RuntimeException {
    private static final long serialVersionUID = 1L;
    private final int found;

    private NewerSchemaException(int found) {
      super("schema version " + found);
      this.found = found;
    }

    int found() {
      return found;
    }

    int known() {
      return VERSION;
    }
  }

  private Schema() {}

  /** Brings the tables to {@link #VERSION}, within the transaction of the connection. */
  static void migrate(Connection connection) throws SQLException {
    try (Statement statement = connection.createStatement()) {
      statement.execute("SET LOCAL lock_timeout = '10s'");
      statement.execute("SELECT pg_advisory_xact_lock(" + LOCK + ")");
      int found = version(statement);
      if (found > VERSION) {
        throw new NewerSchemaException(found);
      }
      for (int next = found + 1; next <= VERSION; next++) {
        statement.execute(resource(next));
        try (PreparedStatement done = connection.prepareStatement("INSERT INTO flotilla_schema (version) VALUES (?)")) {
          done.setInt(1, next);
          done.executeUpdate();
        }
      }
    }
  }

  private static int version(Statement statement) throws SQLException {
    // Asked for first: making a table that exists needs rights that a careful owner has taken away since.
    try (ResultSet table = statement.executeQuery("SELECT to_regclass('flotilla_schema') IS NOT NULL")) {
      table.next();
      if (!table.getBoolean(1)) {
        return 0;
      }
    }
    try (ResultSet version = statement.executeQuery("SELECT coalesce(max(version), 0) FROM flotilla_schema")) {
      version.next();
      return version.getInt(1);
    }
  }

  private static String resource(int version) {
    String name = "schema-" + version + ".sql";
    try (InputStream in = Schema.class.getResourceAsStream(name)) {
      if (in == null) {
        throw new IllegalStateException(name + " is missing in the program");
      }
      return new String(in.readAllBytes(), StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
