package io.flotilla.fence;

import java.util.Optional;

/**
 * Another writer is entitled to a persistence id now. As the failure of an append: certainly nothing of it was written. As the
 * failure of a recovery: it must not begin yet.
 */
public final class FencedException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  public FencedException(String message) {
    super(message);
  }

  /** The fence behind a failure, if that is why. */
  public static Optional<FencedException> behind(Throwable failure) {
    for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
      if (cause instanceof FencedException fenced) {
        return Optional.of(fenced);
      }
    }
    return Optional.empty();
  }
}
