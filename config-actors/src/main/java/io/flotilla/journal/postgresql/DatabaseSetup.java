package io.flotilla.journal.postgresql;

import java.util.Objects;
import org.apache.pekko.actor.setup.Setup;

/** Gives an actor system the database that its journal is to use. The database isn't closed with the system. */
public final class DatabaseSetup extends Setup {
  private final Database database;

  public DatabaseSetup(Database database) {
    this.database = Objects.requireNonNull(database);
  }

  Database database() {
    return database;
  }
}
