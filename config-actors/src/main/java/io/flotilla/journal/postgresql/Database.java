package io.flotilla.journal.postgresql;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import javax.sql.DataSource;

/**
 * This node's connections to the database. They are made when they are needed and again after the database was away. Every wait
 * is bounded. Safe for all threads; calls block.
 */
public final class Database implements AutoCloseable {
  private static final Duration CONNECT = Duration.ofSeconds(3);
  /** A database that says nothing for so long, in the middle of a statement, is taken for dead. */
  private static final Duration SILENCE = Duration.ofSeconds(10);
  /** After so long without the next statement of a transaction the database ends it. */
  private static final Duration FROZEN = Duration.ofSeconds(4);

  /** What is done in a transaction. */
  interface Work<T> {
    T run(Connection connection) throws SQLException;
  }

  private final DatabaseSettings settings;
  private final HikariDataSource pool;

  private Database(DatabaseSettings settings, HikariDataSource pool) {
    this.settings = settings;
    this.pool = pool;
  }

  /** Connects, and makes or migrates the tables if they are not of this release. */
  public static Database open(DatabaseSettings settings) throws DatabaseException {
    HikariConfig config = new HikariConfig();
    config.setPoolName("flotilla-journal");
    config.setJdbcUrl(settings.url());
    config.setUsername(settings.user());
    config.setPassword(settings.secret());
    config.setMaximumPoolSize(settings.poolSize());
    config.setMinimumIdle(1);
    config.setConnectionTimeout(CONNECT.toMillis());
    config.setValidationTimeout(CONNECT.toMillis());
    // A database that is away when a node starts is nothing unusual.
    config.setInitializationFailTimeout(-1);
    // What is acknowledged must be on the database's disk, whatever its default is. A node that is frozen in the middle of a
    // transaction must not hold its locks, or no other could become the primary.
    config.setConnectionInitSql("SET synchronous_commit = on; SET idle_in_transaction_session_timeout = '"
        + FROZEN.toSeconds() + "s'");
    // As texts: the driver does not see what is none.
    config.addDataSourceProperty("connectTimeout", Long.toString(CONNECT.toSeconds()));
    config.addDataSourceProperty("loginTimeout", Long.toString(CONNECT.toSeconds()));
    config.addDataSourceProperty("socketTimeout", Long.toString(SILENCE.toSeconds()));
    config.addDataSourceProperty("tcpKeepAlive", "true");
    config.addDataSourceProperty("ApplicationName", "flotilla");
    // The details of an error hold the row it is about, and the sealed secrets in it: they must not get into any log.
    config.addDataSourceProperty("logServerErrorDetail", "false");
    Database database = new Database(settings, new HikariDataSource(config));
    try {
      database.inTransaction(connection -> {
        Schema.migrate(connection);
        return true;
      });
      return database;
    } catch (DatabaseException | RuntimeException e) {
      database.close();
      throw e;
    }
  }

  /** Runs in one transaction, which is committed unless the work fails. */
  <T> T inTransaction(Work<T> work) throws DatabaseException {
    boolean committing = false;
    try (Connection connection = pool.getConnection()) {
      connection.setAutoCommit(false);
      try {
        T result = work.run(connection);
        committing = true;
        connection.commit();
        return result;
      } catch (SQLException | RuntimeException e) {
        try {
          connection.rollback();
        } catch (SQLException alsoFailed) {
          e.addSuppressed(alsoFailed);
        }
        throw e;
      }
    } catch (SQLException e) {
      throw new DatabaseException(explanation(e), !committing);
    } catch (Schema.NewerSchemaException e) {
      throw new DatabaseException("the tables in " + settings.address() + " were made by a newer release (schema version "
          + e.found() + ", this release knows " + e.known() + "); upgrade this node", e);
    }
  }

  /**
   * A number after another, in SQL. It is a time (milliseconds since 1970) as long as the clock runs forward, so that it is later
   * than what nodes have heard before, also after the database was restored to what it held earlier.
   */
  static String later(String number) {
    return "greatest(" + number + " + 1, floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint)";
  }

  DataSource dataSource() {
    return pool;
  }

  int size() {
    return settings.poolSize();
  }

  /** What the driver says is told, but its exception is not handed on: it may hold what was to be written. */
  private String explanation(SQLException failure) {
    SQLException cause = failure;
    for (Throwable next = failure; next != null; next = next.getCause()) {
      if (next instanceof SQLException deeper && deeper.getSQLState() != null) {
        cause = deeper;
      }
    }
    String state = cause.getSQLState() == null ? "" : cause.getSQLState();
    String what = cause.getMessage() == null ? cause.toString() : cause.getMessage().strip().replaceAll("\\s+", " ");
    String place = "the database " + settings.address();
    return switch (state) {
      case "28P01", "28000" -> place + " refuses the user " + settings.user() + " (" + what
          + "); correct flotilla.journal.postgresql.user, password or password-file";
      case "3D000" -> place + " does not exist (" + what + "); create it or correct flotilla.journal.postgresql.url";
      case "42501" -> place + " does not let the user " + settings.user() + " do what is needed (" + what
          + "); grant it CREATE on its schema, or let an owner start the first node";
      case "25006" ->
          place + " can only be read (" + what + "); name the primary server in flotilla.journal.postgresql.url";
      case "57P01", "57P02", "57P03" -> place + " is being started or stopped (" + what + ")";
      default -> state.startsWith("08") || state.isEmpty()
          ? place + " does not answer (" + what + "); start it or correct flotilla.journal.postgresql.url"
          : place + " failed (" + what + ", SQL state " + state + ")";
    };
  }

  @Override
  public void close() {
    pool.close();
  }
}
