package io.flotilla.system;

import io.zonky.test.db.postgres.embedded.EmbeddedPostgres;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Assumptions;

/** A real PostgreSQL server in a directory, which can be stopped and started again. Its user flotilla needs a password. */
final class PostgresServer implements AutoCloseable {
  private static final String PASSWORD = "secret-of-the-database";

  private final Path directory;
  private EmbeddedPostgres server;
  private int port;

  PostgresServer(Path directory) throws IOException {
    this.directory = directory;
    requireAnotherUser();
    start();
    execute("postgres", "CREATE ROLE flotilla LOGIN PASSWORD '" + PASSWORD + "'");
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
      Files.writeString(data.resolve("pg_hba.conf"),
          "host all postgres 127.0.0.1/32 trust\nhost all all 127.0.0.1/32 scram-sha-256\n");
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  void stop() throws IOException {
    server.close();
  }

  /** SIGSTOP to all its processes: its port takes connections, those that exist stay, and it says nothing. */
  void freeze() throws IOException {
    signal("-STOP");
  }

  void thaw() throws IOException {
    signal("-CONT");
  }

  private void signal(String name) throws IOException {
    ProcessHandle main = ProcessHandle.of(Long.parseLong(Files.readAllLines(directory.resolve("postmaster.pid")).getFirst().strip()))
        .orElseThrow(() -> new IOException("the database server does not run"));
    // It starts others, so it is the first to be stopped.
    List<String> command = new ArrayList<>(List.of("kill", name, Long.toString(main.pid())));
    try {
      for (int round = 0; round < 2; round++) {
        new ProcessBuilder(command).start().waitFor();
        main.descendants().forEach(child -> command.add(Long.toString(child.pid())));
      }
    } catch (InterruptedException e) {
      throw new IOException(e);
    }
  }

  void makeDatabase(String name) throws IOException {
    execute("postgres", "CREATE DATABASE " + name + " OWNER flotilla");
  }

  /** The command line options of a node whose journal is in a database here. */
  List<String> options(String database) {
    return options(database, PASSWORD);
  }

  List<String> options(String database, String password) {
    return List.of("--set", "flotilla.journal.engine=postgresql",
        "--set", "flotilla.journal.postgresql.url=jdbc:postgresql://127.0.0.1:" + port + "/" + database,
        "--set", "flotilla.journal.postgresql.user=flotilla",
        "--set", "flotilla.journal.postgresql.password=" + password);
  }

  void execute(String database, String sql) throws IOException {
    try (Connection connection = server.getDatabase("postgres", database).getConnection();
        Statement statement = connection.createStatement()) {
      statement.execute(sql);
    } catch (SQLException e) {
      throw new IOException(e);
    }
  }

  @Override
  public void close() throws IOException {
    server.close();
  }
}
