package io.flotilla.node;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.turbo.TurboFilter;
import ch.qos.logback.core.spi.FilterReply;
import java.io.NotSerializableException;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.slf4j.LoggerFactory;
import org.slf4j.Marker;

/**
 * Says in one line, once for each kind, that a message was ignored because only a newer release knows it. Pekko drops such a
 * message and goes on, but it would tell each one as an error with its stack. Safe for use by several threads.
 */
final class UnknownMessages extends TurboFilter {
  static final String TELLER = "org.apache.pekko.remote.artery.Deserializer";
  /** How many kinds are told; what is beyond is dropped without a word. */
  static final int MOST = 100;
  private static final Pattern UNKNOWN = Pattern.compile("Cannot find manifest (?:class|case object) \\[([^]]{1,200})].*");
  private static final Pattern SENDER = Pattern.compile(".* message from \\[([^]]*)].*");
  private static final org.slf4j.Logger log = LoggerFactory.getLogger(UnknownMessages.class);

  private final Set<String> told = ConcurrentHashMap.newKeySet();

  @Override
  public FilterReply decide(Marker marker, Logger logger, Level level, String format, Object[] arguments, Throwable failure) {
    if (failure == null || !logger.getName().equals(TELLER)) {
      return FilterReply.NEUTRAL;
    }
    Optional<String> kind = unknownKind(failure);
    if (kind.isEmpty()) {
      return FilterReply.NEUTRAL;
    }
    if (told.size() < MOST && told.add(kind.get())) {
      Matcher sender = SENDER.matcher(format);
      log.warn("Messages of the kind {} are ignored, because this release does not know it; the first came from {}, which runs "
          + "another release. That is as it should be while nodes are upgraded", kind.get(), sender.matches() ? sender.group(1) : "a node");
    }
    return FilterReply.DENY;
  }

  private static Optional<String> unknownKind(Throwable failure) {
    int depth = 0;
    for (Throwable cause = failure; cause != null && depth < 10; cause = cause.getCause(), depth++) {
      if (cause instanceof NotSerializableException && cause.getMessage() != null) {
        Matcher unknown = UNKNOWN.matcher(cause.getMessage());
        if (unknown.matches()) {
          return Optional.of(unknown.group(1));
        }
      }
    }
    return Optional.empty();
  }
}
