package io.flotilla.config.event;

/**
 * One entity before and after a change, as the canonical JSON that is committed; secrets in it are sealed.
 *
 * @param beforeVersion the version of the entity's last change, 0 if it did not exist
 * @param before null if it did not exist
 * @param after null if it was deleted
 */
public record EntityChange(String kind, String name, long beforeVersion, byte[] before, byte[] after) {
  /** The bytes this change adds to a message. */
  public int size() {
    return 64 + kind.length() + name.length() + (before == null ? 0 : before.length) + (after == null ? 0 : after.length);
  }
}
