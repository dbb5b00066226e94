package io.flotilla.persistence;

import java.util.Optional;

/** The journal did not take an append, and certainly nothing of it was written. The message tells why, fit for an answer. */
public class NotWrittenException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  public NotWrittenException(String message, Throwable cause) {
    super(message, cause);
  }

  /** What a journal knew for certain, behind the failure that Pekko makes of it. */
  public static Optional<NotWrittenException> behind(Throwable failure) {
    for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
      if (cause instanceof NotWrittenException known) {
        return Optional.of(known);
      }
    }
    return Optional.empty();
  }
}
