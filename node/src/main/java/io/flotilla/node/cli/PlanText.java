package io.flotilla.node.cli;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.List;

/** Changes of entities as lines for people; nothing in them can steer the terminal. */
final class PlanText {
  private static final int MAX_VALUE_LENGTH = 60;

  private PlanText() {}

  /** {@code ~ users/alice  enabled, passwordHash (secret)}. */
  static String names(JsonNode change) {
    List<String> fields = new ArrayList<>();
    if (isChange(change)) {
      change.path("changed").forEach(field -> fields.add(printable(field.asText())));
    }
    return line(change, fields);
  }

  /** {@code ~ listeners/sftp  port 2022 -> 2023}. */
  static String values(JsonNode change) {
    List<String> fields = new ArrayList<>();
    if (isChange(change)) {
      change.path("changed").forEach(field -> fields.add(printable(field.asText()) + " "
          + value(change.path("before").path(field.asText())) + " -> " + value(change.path("after").path(field.asText()))));
    }
    return line(change, fields);
  }

  private static boolean isChange(JsonNode change) {
    return change.path("op").asText().equals("change");
  }

  private static String line(JsonNode change, List<String> fields) {
    String mark = switch (change.path("op").asText()) {
      case "create" -> "+ ";
      case "delete" -> "- ";
      default -> "~ ";
    };
    if (isChange(change)) {
      change.path("changedSecrets").forEach(field -> fields.add(field.asText() + " (secret)"));
    }
    return (mark + printable(change.path("kind").asText() + "/" + change.path("name").asText()) + "  "
        + String.join(", ", fields)).stripTrailing();
  }

  private static String value(JsonNode value) {
    if (value.isMissingNode()) {
      return "(default)";
    }
    String text = value.isTextual() ? value.textValue() : value.toString();
    return printable(text.length() > MAX_VALUE_LENGTH ? text.substring(0, MAX_VALUE_LENGTH) + "..." : text);
  }

  /** One line that cannot steer the terminal it is shown on. */
  static String printable(String text) {
    return text.replaceAll("[\\p{C}\\p{Zl}\\p{Zp}]", "?");
  }
}
