package io.flotilla.journal.postgresql;

import io.zonky.test.db.postgres.embedded.EmbeddedPostgres;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Assumptions;

/** A real PostgreSQL server in a directory, which can be stopped and started again. Its user flotilla needs a password. */
final class TestPostgres implements AutoCloseable {
  static final String PASSWORD = "a database's password";

  private final Path directory;
  private final AtomicInteger databases = new AtomicInteger();
  private EmbeddedPostgres server;
  private int port;

  TestPostgres(Path directory) throws IOException, SQLException {
    this.directory = directory;
    requireAnotherUser();
    start();
    execute("postgres", "CREATE ROLE flotilla LOGIN PASSWORD '" + PASSWORD.replace("'", "''") + "'");
  }

  /** PostgreSQL refuses to run as root, so it is given another user then, which not every machine allows. */
  private static void requireAnotherUser() throws IOException {
    try {
      boolean allowed = !System.getProperty("user.name").equals("root")
          || new ProcessBuilder("unshare", "-U", "true").start().waitFor() == 0;
      Assumptions.assumeTrue(allowed, "PostgreSQL does not run as root, and this machine does not allow 'unshare -U'; run the "
          + "tests as another user to have them all");
    } catch (InterruptedException e) {
      throw new IOException(e);
    }
  }

  void start() throws IOException {
    server = EmbeddedPostgres.builder().setDataDirectory(directory).setCleanDataDirectory(false).setPort(port)
        .setRegisterShutdownHook(false).setServerConfig("fsync", "on")
        .setDataDirectoryCustomizer(data -> authenticate(data.toPath()))
        .start();
    port = server.getPort();
  }

  private static void authenticate(Path data) {
    try {
      Files.writeString(data.resolve("pg_hba.conf"), "host all postgres 127.0.0.1/32 trust\nhost all all 127.0.0.1/32 scram-sha-256\n");
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  void stop() throws IOException {
    server.close();
  }

  /** The settings of a new database. */
  DatabaseSettings newDatabase() throws SQLException {
    String name = "test_" + databases.incrementAndGet();
    execute("postgres", "CREATE DATABASE " + name + " OWNER flotilla");
    return settings(name);
  }

  DatabaseSettings settings(String database) {
    return new DatabaseSettings(
        "jdbc:postgresql://127.0.0.1:" + port + "/" + database, "flotilla", PASSWORD, Optional.empty(), 4);
  }

  void execute(String database, String sql) throws SQLException {
    try (Connection connection = server.getDatabase("postgres", database).getConnection();
        Statement statement = connection.createStatement()) {
      statement.execute(sql);
    }
  }

  @Override
  public void close() throws IOException {
    server.close();
  }
}
