package io.flotilla.http.admin;

import io.flotilla.config.model.Durations;
import io.flotilla.config.view.ConfigView;
import io.flotilla.config.view.LiveConfig;
import io.flotilla.http.Problem;
import java.time.Duration;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.TimeoutException;

/** The query parameters of a request, checked. */
record RequestParameters(Map<String, String> values) {
  static final Duration DEFAULT_TIMEOUT = Duration.ofSeconds(5);
  private static final Duration MAX_TIMEOUT = Duration.ofSeconds(60);
  private static final Duration MAX_DEADLINE = Duration.ofDays(1);

  private static final Set<String> KNOWN =
      Set.of("limit", "after", "query", "before", "minVersion", "timeout", "wait", "dryRun", "force", "prefix", "comment",
          "from", "to", "kind", "secrets", "delete", "node", "user", "protocol", "deadline", "keepVote",
          "address", "source", "runAs", "listener", "agent", "healthPort", "healthTls");

  /** A parameter that is misspelt must not be ignored: {@code ?dryrun=true} would commit. */
  RequestParameters {
    values.keySet().stream().filter(name -> !KNOWN.contains(name)).findFirst().ifPresent(name -> {
      throw malformed("'" + name + "' is not a parameter; known are " + String.join(", ", new TreeSet<>(KNOWN)));
    });
  }

  enum Wait { COMMITTED, APPLIED }

  Optional<String> text(String name) {
    return Optional.ofNullable(values.get(name));
  }

  long number(String name, long least, long most, long otherwise) {
    return Optional.ofNullable(values.get(name)).map(text -> {
      try {
        long number = Long.parseLong(text);
        if (number >= least && number <= most) {
          return number;
        }
      } catch (NumberFormatException e) {
        // falls through to the one message for both
      }
      throw malformed("the parameter " + name + " must be a whole number from " + least + " to " + most);
    }).orElse(otherwise);
  }

  boolean flag(String name) {
    return flag(name, false);
  }

  boolean flag(String name, boolean otherwise) {
    return switch (values.getOrDefault(name, Boolean.toString(otherwise))) {
      case "true", "" -> true;
      case "false" -> false;
      default -> throw malformed("the parameter " + name + " must be true or false");
    };
  }

  Wait waiting() {
    return switch (values.getOrDefault("wait", "committed")) {
      case "committed" -> Wait.COMMITTED;
      case "applied" -> Wait.APPLIED;
      default -> throw malformed("the parameter wait must be 'committed' or 'applied'");
    };
  }

  Duration timeout() {
    return timeout(DEFAULT_TIMEOUT);
  }

  Duration timeout(Duration otherwise) {
    return Optional.ofNullable(values.get("timeout")).map(text -> {
      try {
        Duration timeout = Durations.parse(text, MAX_TIMEOUT);
        if (timeout.isZero()) {
          throw new IllegalArgumentException("must be at least 1ms");
        }
        return timeout;
      } catch (IllegalArgumentException e) {
        throw malformed("the parameter timeout " + e.getMessage());
      }
    }).orElse(otherwise);
  }

  /** How long clients may go on. */
  Optional<Duration> deadline() {
    return Optional.ofNullable(values.get("deadline")).map(text -> {
      try {
        return Durations.parse(text, MAX_DEADLINE);
      } catch (IllegalArgumentException e) {
        throw malformed("the parameter deadline " + e.getMessage());
      }
    });
  }

  /** Why a change is made, in the words of whoever makes it. */
  String comment() {
    String comment = values.getOrDefault("comment", "");
    if (!ConfigWrites.isComment(comment)) {
      throw malformed("the parameter comment must be Unicode text of at most 1000 characters");
    }
    return comment;
  }

  ConfigReads.Page page() {
    return new ConfigReads.Page(
        (int) number("limit", 1, ConfigReads.MAX_LIMIT, ConfigReads.DEFAULT_LIMIT),
        values.getOrDefault("after", ""),
        values.getOrDefault("query", "").toLowerCase(Locale.ROOT));
  }

  /** The view once it is at {@code minVersion}, if that was asked for. */
  CompletionStage<ConfigView> atVersion(LiveConfig live) {
    long version = number("minVersion", 0, Long.MAX_VALUE, 0);
    return live.awaitVersion(version, timeout()).exceptionallyCompose(failure -> {
      throw failure instanceof TimeoutException || failure.getCause() instanceof TimeoutException
          ? new Problem.ProblemException(Problem.of(504, "not-yet", "The version has not arrived",
              "this node is at version " + live.view().config().version() + ", not at " + version + " yet"))
          : new CompletionException(failure);
    });
  }

  private static Problem.ProblemException malformed(String detail) {
    return new Problem.ProblemException(Problem.malformed(detail));
  }
}
