package io.flotilla.config.model;

/**
 * One wish of a change. Documents are JSON with secrets already sealed; {@code ifVersion} is the version of the entity's
 * last change that is expected, or one of the constants.
 */
public record Operation(Action action, String kind, String name, byte[] document, long ifVersion) {
  /** No expectation. */
  public static final long ANY = -1;
  /** The entity must exist. */
  public static final long EXISTS = -2;
  /** The entity must not exist. */
  public static final long ABSENT = 0;

  public enum Action { PUT, PATCH, DELETE }

  public EntityKey key() {
    return new EntityKey(kind, name);
  }

  public int size() {
    return 64 + kind.length() + name.length() + (document == null ? 0 : document.length);
  }
}
