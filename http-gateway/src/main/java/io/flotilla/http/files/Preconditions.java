package io.flotilla.http.files;

import io.flotilla.http.RefusedException;
import java.time.Instant;
import java.util.Optional;
import java.util.function.Function;

/** The conditions of a request (RFC 9110, 13.1). A date that is malformed is none; a list of tags that is, is refused. */
record Preconditions(Optional<EntityTags> ifMatch, Optional<Instant> ifUnmodifiedSince, Optional<EntityTags> ifNoneMatch,
    Optional<Instant> ifModifiedSince) {
  /** What comes of them. */
  enum Verdict { PROCEED, NOT_MODIFIED, FAILED }

  /** @param header the value of a header by its name */
  static Preconditions of(Function<String, Optional<String>> header) {
    return new Preconditions(tags("If-Match", header), header.apply("If-Unmodified-Since").flatMap(HttpDate::parse),
        tags("If-None-Match", header), header.apply("If-Modified-Since").flatMap(HttpDate::parse));
  }

  private static Optional<EntityTags> tags(String name, Function<String, Optional<String>> header) {
    return header.apply(name).map(text -> EntityTags.parse(text)
        .orElseThrow(() -> RefusedException.malformed(name + " must be * or a list of entity tags in double quotes")));
  }

  boolean isAny() {
    return ifMatch.isPresent() || ifUnmodifiedSince.isPresent() || ifNoneMatch.isPresent() || ifModifiedSince.isPresent();
  }

  /** Whether there may be nothing yet. */
  boolean isOnlyIfNew() {
    return ifNoneMatch.filter(EntityTags.Any.class::isInstance).isPresent();
  }

  /**
   * Holds them against what there is, in the order of RFC 9110, 13.2.2.
   *
   * @param isRead whether the method is GET or HEAD
   */
  Verdict judge(Optional<Representation> current, boolean isRead) {
    boolean isUnchanged = ifMatch.isPresent()
        ? matches(ifMatch.get(), current, true)
        : !isAfter(current, ifUnmodifiedSince);
    if (!isUnchanged) {
      return Verdict.FAILED;
    }
    if (ifNoneMatch.isPresent()) {
      if (matches(ifNoneMatch.get(), current, false)) {
        return isRead ? Verdict.NOT_MODIFIED : Verdict.FAILED;
      }
    } else if (isRead && ifModifiedSince.isPresent() && current.flatMap(Representation::modified).isPresent()
        && !isAfter(current, ifModifiedSince)) {
      return Verdict.NOT_MODIFIED;
    }
    return Verdict.PROCEED;
  }

  private static boolean isAfter(Optional<Representation> current, Optional<Instant> date) {
    return date.isPresent() && current.flatMap(Representation::modified).filter(date.get()::isBefore).isPresent();
  }

  private static boolean matches(EntityTags tags, Optional<Representation> current, boolean isStrong) {
    return switch (tags) {
      case EntityTags.Any _ -> current.isPresent();
      case EntityTags.Listed(var listed) -> current.flatMap(Representation::tag)
          .filter(tag -> listed.stream().anyMatch(isStrong ? tag::isSame : tag::isEquivalent)).isPresent();
    };
  }
}
