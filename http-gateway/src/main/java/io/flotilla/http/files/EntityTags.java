package io.flotilla.http.files;

import java.util.List;
import java.util.Optional;

/** What If-Match and If-None-Match hold (RFC 9110, 13.1.1). */
sealed interface EntityTags {
  /** Whatever there is. */
  record Any() implements EntityTags {}

  record Listed(List<EntityTag> tags) implements EntityTags {}

  /** Nothing if it is malformed. */
  static Optional<EntityTags> parse(String text) {
    return text.strip().equals("*") ? Optional.of(new Any()) : EntityTag.parseList(text).map(Listed::new);
  }
}
