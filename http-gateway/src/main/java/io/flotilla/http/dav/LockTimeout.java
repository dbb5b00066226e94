package io.flotilla.http.dav;

import java.time.Duration;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** How long a lock is to hold (RFC 4918, 10.7). Stateless. */
final class LockTimeout {
  static final Duration MOST = Duration.ofHours(1);
  private static final Duration USUAL = Duration.ofMinutes(10);
  private static final Pattern SECONDS = Pattern.compile("(?i)Second-([0-9]{1,18})");

  private LockTimeout() {}

  /** The first of the times that a client names that is understood, as far as it is granted. */
  static Duration of(Optional<String> header) {
    for (String choice : header.orElse("").split(",")) {
      if (choice.strip().equalsIgnoreCase("Infinite")) {
        return MOST;
      }
      Matcher seconds = SECONDS.matcher(choice.strip());
      if (seconds.matches()) {
        return Duration.ofSeconds(Math.clamp(Long.parseLong(seconds.group(1)), 1, MOST.toSeconds()));
      }
    }
    return USUAL;
  }
}
