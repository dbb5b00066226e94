package io.flotilla.vfs;

import java.time.Instant;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;

/**
 * What to set on a file; what is empty stays. Of the permissions only the nine read, write and execute bits are ever
 * set: a client can't make a file setuid, setgid or sticky.
 *
 * @param size in bytes, 0 or more
 */
public record AttributeChange(
    OptionalLong size, OptionalInt permissions, Optional<Instant> accessed, Optional<Instant> modified) {
  public static final int PERMISSION_BITS = 0777;
  public static final AttributeChange NONE =
      new AttributeChange(OptionalLong.empty(), OptionalInt.empty(), Optional.empty(), Optional.empty());

  public AttributeChange {
    permissions = permissions.isPresent()
        ? OptionalInt.of(permissions.getAsInt() & PERMISSION_BITS) : OptionalInt.empty();
  }

  public static AttributeChange permissions(int bits) {
    return new AttributeChange(OptionalLong.empty(), OptionalInt.of(bits), Optional.empty(), Optional.empty());
  }

  public static AttributeChange size(long bytes) {
    return new AttributeChange(OptionalLong.of(bytes), OptionalInt.empty(), Optional.empty(), Optional.empty());
  }

  public boolean hasTimes() {
    return accessed.isPresent() || modified.isPresent();
  }
}
