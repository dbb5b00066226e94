package io.flotilla.journal.postgresql;

/** Another writer is entitled to this persistence id now. Nothing was written; recover before writing again. */
public final class FencedException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  public FencedException(String message) {
    super(message);
  }
}
