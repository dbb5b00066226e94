package io.flotilla.http;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.TreeSet;
import org.apache.pekko.http.javadsl.model.HttpRequest;

/**
 * The query of a request, checked.
 *
 * @param values of each parameter, one at least, in their order
 */
public record QueryParameters(Map<String, List<String>> values) {
  /**
   * A parameter that is misspelt must not be ignored: {@code ?ofset=100} would replace the whole file.
   *
   * @param known to the method
   */
  public static QueryParameters of(HttpRequest request, Set<String> known) {
    Map<String, List<String>> values = new HashMap<>();
    for (FormFields.Field field : fields(request)) {
      if (!known.contains(field.name())) {
        throw RefusedException.malformed("'" + field.name() + "' is not a parameter here; known are "
            + (known.isEmpty() ? "none" : String.join(", ", new TreeSet<>(known))));
      }
      values.computeIfAbsent(field.name(), _ -> new ArrayList<>()).add(field.value());
    }
    return new QueryParameters(values);
  }

  /** Whether a request has a parameter, whatever others it has. */
  public static boolean has(HttpRequest request, String name) {
    return fields(request).stream().anyMatch(field -> field.name().equals(name));
  }

  private static List<FormFields.Field> fields(HttpRequest request) {
    try {
      return FormFields.parse(request.getUri().rawQueryString().orElse(""));
    } catch (IllegalArgumentException e) {
      throw RefusedException.malformed("the query is not well formed: " + e.getMessage());
    }
  }

  /** All values of a parameter that may be given several times. */
  public List<String> all(String name) {
    return List.copyOf(values.getOrDefault(name, List.of()));
  }

  /** The value of a parameter that may be given once. */
  public Optional<String> text(String name) {
    List<String> given = all(name);
    if (given.size() > 1) {
      throw RefusedException.malformed("the parameter " + name + " is given " + given.size() + " times");
    }
    return given.stream().findFirst();
  }

  public OptionalLong number(String name, long least, long most) {
    Optional<String> text = text(name);
    if (text.isEmpty()) {
      return OptionalLong.empty();
    }
    try {
      long number = Long.parseLong(text.get());
      if (number >= least && number <= most) {
        return OptionalLong.of(number);
      }
    } catch (NumberFormatException e) {
      // falls through to the one message for both
    }
    throw RefusedException.malformed("the parameter " + name + " must be a whole number from " + least + " to " + most);
  }

  public boolean flag(String name) {
    return switch (text(name).orElse("false")) {
      case "true", "" -> true;
      case "false" -> false;
      default -> throw RefusedException.malformed("the parameter " + name + " must be true or false");
    };
  }
}
