package io.flotilla.config.model;

import java.util.List;

/** Why a change was not made. Nothing was changed anywhere. */
public record Refusal(Reason reason, String detail, List<FieldError> errors) {
  /** The most faults told at once: a refusal has to fit a message, and nobody mends more in one go. */
  public static final int MAX_ERRORS = 100;

  public Refusal {
    errors = List.copyOf(errors.subList(0, Math.min(errors.size(), MAX_ERRORS)));
  }

  public enum Reason {
    /** The change would make the configuration invalid. */
    INVALID,
    /** What is to be changed does not exist. */
    NOT_FOUND,
    /** The entity is not at the version that was expected. */
    STALE,
    /** Something else in the configuration stands against it, such as a reference to what is to be deleted. */
    CONFLICT
  }

  static Refusal of(Reason reason, String detail) {
    return new Refusal(reason, detail, List.of());
  }
}
