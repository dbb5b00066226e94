package io.flotilla.journal.postgresql;

import java.io.IOException;

/** The database could not be used; the message says why, and what the operator can do. */
public final class DatabaseException extends IOException {
  private static final long serialVersionUID = 1L;

  DatabaseException(String message, Throwable cause) {
    super(message, cause);
  }

  /** For what is told in full by its message: it happens again and again while the database is away. */
  DatabaseException(String message) {
    super(message);
  }

  /** Where it happened is of interest only with a cause. */
  @Override
  public synchronized Throwable fillInStackTrace() {
    return this;
  }
}
