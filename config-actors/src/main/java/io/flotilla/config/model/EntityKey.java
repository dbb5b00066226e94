package io.flotilla.config.model;

import java.util.Comparator;
import java.util.Optional;

/**
 * Names one entity. The kind is kept as text, so that an entity of a kind that only a newer release knows survives on
 * this one.
 */
public record EntityKey(String kind, String name) implements Comparable<EntityKey> {
  public static final int MAX_NAME_LENGTH = 128;
  private static final Comparator<EntityKey> ORDER =
      Comparator.comparing(EntityKey::kind).thenComparing(EntityKey::name);

  public static EntityKey of(Kind kind, String name) {
    return new EntityKey(kind.id(), name);
  }

  @Override
  public int compareTo(EntityKey other) {
    return ORDER.compare(this, other);
  }

  @Override
  public String toString() {
    return kind + "/" + name;
  }

  /** Says what is wrong with a name, or nothing if it may be used. A name ends up in paths, logs and URLs. */
  public static Optional<String> problemWithName(String name) {
    if (name.isEmpty()) {
      return Optional.of("the name is empty");
    }
    if (name.codePointCount(0, name.length()) > MAX_NAME_LENGTH) {
      return Optional.of("the name has over " + MAX_NAME_LENGTH + " characters");
    }
    if (name.equals(".") || name.equals("..")) {
      return Optional.of("'.' and '..' are not names");
    }
    if (!name.strip().equals(name)) {
      return Optional.of("the name begins or ends with white space");
    }
    return name.codePoints()
        .filter(EntityKey::isForbidden)
        .mapToObj(point -> String.format("the name has the character U+%04X, which is not allowed", point))
        .findFirst();
  }

  private static boolean isForbidden(int point) {
    return point == '/' || point == '\\' || point == '%'
        || switch (Character.getType(point)) {
          case Character.CONTROL, Character.FORMAT, Character.SURROGATE, Character.UNASSIGNED,
              Character.LINE_SEPARATOR, Character.PARAGRAPH_SEPARATOR, Character.PRIVATE_USE -> true;
          default -> false;
        };
  }
}
