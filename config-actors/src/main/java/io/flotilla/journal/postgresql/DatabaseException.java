package io.flotilla.journal.postgresql;

import java.io.IOException;

/** The database could not be used; the message says why, and what the operator can do. */
public final class DatabaseException extends IOException {
  private static final long serialVersionUID = 1L;

  private final boolean undone;

  DatabaseException(String message, Throwable cause) {
    super(message, cause);
    this.undone = true;
  }

  /** For what is told in full by its message: it happens again and again while the database is away. */
  DatabaseException(String message) {
    this(message, true);
  }

  /** @param undone whether certainly nothing was changed, since it was not asked to commit */
  DatabaseException(String message, boolean undone) {
    super(message);
    this.undone = undone;
  }

  boolean isUndone() {
    return undone;
  }

  /** Where it happened is of interest only with a cause. */
  @Override
  public synchronized Throwable fillInStackTrace() {
    return this;
  }
}
