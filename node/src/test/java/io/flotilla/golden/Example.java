package io.flotilla.golden;

/**
 * A hand-made object whose bytes are recorded.
 *
 * @param name of the files
 * @param written whether this build writes the recorded bytes; a former shape is only read
 */
public record Example(String name, Object value, boolean written) {
  /** What this build writes, under its class's name. */
  public static Example of(Object value) {
    return new Example(name(value.getClass()), value, true);
  }

  /** Another one of the same class, told apart by a word. */
  public static Example of(Object value, String word) {
    return new Example(name(value.getClass()) + "-" + word, value, true);
  }

  /** What an earlier build wrote under a name, and what it is read as today. */
  public static Example former(String name, Object value) {
    return new Example(name, value, false);
  }

  /** The class without its package. */
  public static String name(Class<?> type) {
    return type.getName().substring(type.getPackageName().length() + 1).replace('$', '.');
  }
}
