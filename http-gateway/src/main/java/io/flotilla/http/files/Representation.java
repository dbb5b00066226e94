package io.flotilla.http.files;

import io.flotilla.vfs.FileAttributes;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.Optional;

/**
 * What conditions are held against. A directory has neither tag nor date.
 *
 * @param modified in whole seconds, as a header has it
 */
record Representation(Optional<EntityTag> tag, Optional<Instant> modified) {
  static Representation of(FileAttributes attributes) {
    return attributes.kind() == FileAttributes.Kind.FILE
        ? new Representation(Optional.of(EntityTag.of(attributes)),
            Optional.of(attributes.modified().truncatedTo(ChronoUnit.SECONDS)))
        : new Representation(Optional.empty(), Optional.empty());
  }
}
