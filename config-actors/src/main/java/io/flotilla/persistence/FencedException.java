package io.flotilla.persistence;


/**
 * Another writer is entitled to a persistence id now. As the failure of an append: certainly nothing of it was written. As the
 * failure of a recovery: it must not begin yet.
 */
public final class FencedException extends NotWrittenException {
  private static final long serialVersionUID = 1L;

  public FencedException(String message) {
    super(message, null);
  }
}
