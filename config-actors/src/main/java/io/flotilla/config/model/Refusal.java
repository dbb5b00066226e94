package io.flotilla.config.model;

import com.fasterxml.jackson.annotation.JsonEnumDefaultValue;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/**
 * Why a change was not made. Nothing was changed anywhere.
 *
 * @param nodes what single nodes had against it, in words, by name
 */
public record Refusal(Reason reason, String detail, List<FieldError> errors, Map<String, String> nodes) {
  /** The most faults told at once: a refusal has to fit a message, and nobody mends more in one go. */
  public static final int MAX_ERRORS = 100;

  public Refusal {
    errors = List.copyOf(errors.subList(0, Math.min(errors.size(), MAX_ERRORS)));
    nodes = Map.copyOf(nodes);
  }

  public Refusal(Reason reason, String detail, List<FieldError> errors) {
    this(reason, detail, errors, Map.of());
  }

  public enum Reason {
    /** The change would make the configuration invalid. */
    INVALID,
    /** What is to be changed does not exist. */
    NOT_FOUND,
    /** The entity is not at the version that was expected. */
    STALE,
    /** Something else stands against it, such as a reference to what is to be deleted; also a reason of a newer release. */
    @JsonEnumDefaultValue
    CONFLICT,
    /** A node says that it could not apply the change. */
    NOT_PREPARED
  }

  /** A change that some nodes could not apply, with their reasons by name. */
  public static Refusal byNodes(Map<String, List<String>> objections) {
    Map<String, String> nodes = objections.entrySet().stream()
        .collect(Collectors.toMap(Map.Entry::getKey, node -> String.join("; ", node.getValue())));
    String detail = nodes.entrySet().stream().sorted(Map.Entry.comparingByKey())
        .map(node -> node.getKey() + ": " + node.getValue()).collect(Collectors.joining("; "));
    return new Refusal(Reason.NOT_PREPARED, detail, List.of(), nodes);
  }

  public static Refusal of(Reason reason, String detail) {
    return new Refusal(reason, detail, List.of());
  }
}
