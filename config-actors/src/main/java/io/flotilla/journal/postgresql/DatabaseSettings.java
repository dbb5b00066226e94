package io.flotilla.journal.postgresql;

import com.typesafe.config.Config;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.util.Optional;

/**
 * Where the database is and who this node is there.
 *
 * @param url a JDBC URL; what follows its question mark is never shown, as it may hold a password
 * @param password ignored if there is a password file
 * @param poolSize connections of this node at the most: one writes, the others ask
 */
public record DatabaseSettings(String url, String user, String password, Optional<Path> passwordFile, int poolSize) {
  private static final String PREFIX = "jdbc:postgresql:";

  public DatabaseSettings {
    if (!url.startsWith(PREFIX) || !isUnderstood(url)) {
      throw new IllegalArgumentException("flotilla.journal.postgresql.url must be like " + PREFIX + "//HOST:PORT/DATABASE");
    }
    if (url.contains("logServerErrorDetail")) {
      throw new IllegalArgumentException("flotilla.journal.postgresql.url must be without logServerErrorDetail: the details of an "
          + "error hold sealed secrets, which must not get into the log");
    }
    if (poolSize < 2 || poolSize > 100) {
      throw new IllegalArgumentException("flotilla.journal.postgresql.pool-size must be from 2 to 100, not " + poolSize);
    }
  }

  /** Reads {@code flotilla.journal.postgresql}; an IllegalArgumentException says what cannot be used. */
  public static DatabaseSettings from(Config postgresql) {
    String file = postgresql.getString("password-file");
    return new DatabaseSettings(postgresql.getString("url"), postgresql.getString("user"), postgresql.getString("password"),
        file.isEmpty() ? Optional.empty() : Optional.of(Path.of(file)), postgresql.getInt("pool-size"));
  }

  private static boolean isUnderstood(String url) {
    try {
      return DriverManager.getDriver(url) != null;
    } catch (SQLException e) {
      // It says nothing but that no driver takes the URL.
      return false;
    }
  }

  String secret() throws DatabaseException {
    if (passwordFile.isEmpty()) {
      return password;
    }
    try {
      return Files.readString(passwordFile.get()).strip();
    } catch (IOException e) {
      throw new DatabaseException("the password file " + passwordFile.get() + " cannot be read (" + e
          + "); mend it or correct flotilla.journal.postgresql.password-file", e);
    }
  }

  /** The URL as it may be shown. */
  String address() {
    int question = url.indexOf('?');
    return question < 0 ? url : url.substring(0, question);
  }

  @Override
  public String toString() {
    return address() + " as " + user;
  }
}
