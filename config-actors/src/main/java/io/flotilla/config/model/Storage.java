package io.flotilla.config.model;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Arrays;
import java.util.Optional;

/**
 * A directory tree that holds users' files, or a storage of a type that only a newer release knows. {@code ${node}} in the
 * path stands for the node's name; {@code shared} says that all nodes see the same files there.
 *
 * @param guard the name of a file that is in the directory if the right file system is mounted there
 * @param recentChanges how long a node remembers what the others changed in theirs, until it has arrived here; zero if it doesn't
 */
public record Storage(String name, String type, String path, boolean shared, Optional<String> guard, Duration recentChanges)
    implements Entity {
  private static final String LOCAL = "local";
  private static final String OFF = "off";
  private static final Duration LEAST_RECENT = Duration.ofSeconds(1);
  private static final Duration MOST_RECENT = Duration.ofDays(1);
  private static final Duration USUAL_RECENT = Duration.ofMinutes(10);
  private static final int MAX_NAME_BYTES = 255;

  static Storage read(Fields fields) {
    String type = fields.has("type") ? fields.text("type").orElse("unknown") : LOCAL;
    if (!type.equals(LOCAL)) {
      fields.error("type", "must be 'local'");
    }
    String path = fields.requiredText("path");
    if (!path.isEmpty()) {
      problemWithPath(path).ifPresent(problem -> fields.error("path", problem));
    }
    Optional<String> guard = fields.text("guard");
    guard.flatMap(Storage::problemWithGuard).ifPresent(problem -> fields.error("guard", problem));
    boolean shared = fields.bool("shared", false);
    Duration recentChanges = fields.parsed("recentChanges", Storage::parseRecent).orElse(shared ? Duration.ZERO : USUAL_RECENT);
    return new Storage(fields.name(), type, path, shared, guard, recentChanges);
  }

  private static Duration parseRecent(String text) {
    if (text.equals(OFF)) {
      return Duration.ZERO;
    }
    Duration duration;
    try {
      duration = Durations.parse(text, MOST_RECENT);
    } catch (IllegalArgumentException e) {
      throw new IllegalArgumentException(e.getMessage() + ", or 'off'", e);
    }
    if (duration.compareTo(LEAST_RECENT) < 0) {
      throw new IllegalArgumentException("must be at least " + Durations.format(LEAST_RECENT) + ", or 'off'");
    }
    return duration;
  }

  /** Whether this release knows the type; it opens nothing in another one, which a newer release has let in. */
  public boolean isKnown() {
    return type.equals(LOCAL);
  }

  @Override
  public void describe(ObjectNode json) {
    json.put("type", type).put("path", path).put("shared", shared).put("guard", guard.orElse(null))
        .put("recentChanges", recentChanges.isZero() ? OFF : Durations.format(recentChanges));
  }

  private static Optional<String> problemWithGuard(String name) {
    if (name.isEmpty() || name.equals(".") || name.equals("..") || name.indexOf('/') >= 0) {
      return Optional.of("must be the name of a file, without a directory");
    }
    if (name.codePoints().anyMatch(c -> c < ' ' || c == 0x7f || Character.getType(c) == Character.SURROGATE)) {
      return Optional.of("has a control character, or is not Unicode");
    }
    return name.getBytes(StandardCharsets.UTF_8).length > MAX_NAME_BYTES
        ? Optional.of("has over " + MAX_NAME_BYTES + " bytes") : Optional.empty();
  }

  /** Says why a text is not an absolute path without steps back, or nothing. */
  static Optional<String> problemWithPath(String path) {
    if (!path.startsWith("/")) {
      return Optional.of("must be an absolute path");
    }
    if (path.codePoints().anyMatch(c -> c < ' ' || c == 0x7f || Character.getType(c) == Character.SURROGATE)) {
      return Optional.of("has a control character, or is not Unicode");
    }
    if (path.length() > 1024) {
      return Optional.of("has over 1024 characters");
    }
    return Arrays.asList(path.split("/")).contains("..")
        ? Optional.of("must not step back by '..'")
        : Optional.empty();
  }
}
