package io.flotilla.http;

import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.TreeSet;
import org.apache.pekko.http.javadsl.model.HttpRequest;
import org.apache.pekko.http.scaladsl.model.IllegalUriException;

/** The query of a request, checked. */
public record QueryParameters(Map<String, String> values) {
  /**
   * A parameter that is misspelt must not be ignored: {@code ?ofset=100} would replace the whole file.
   *
   * @param known to the method
   */
  public static QueryParameters of(HttpRequest request, Set<String> known) {
    Map<String, String> values = new HashMap<>();
    try {
      request.getUri().query().toList().forEach(pair -> values.put(pair.first(), pair.second()));
    } catch (IllegalUriException e) {
      throw RefusedException.malformed("the query is not well formed: " + e.getMessage());
    }
    values.keySet().stream().filter(name -> !known.contains(name)).findFirst().ifPresent(name -> {
      throw RefusedException.malformed("'" + name + "' is not a parameter here; known are "
          + (known.isEmpty() ? "none" : String.join(", ", new TreeSet<>(known))));
    });
    return new QueryParameters(Map.copyOf(values));
  }

  public Optional<String> text(String name) {
    return Optional.ofNullable(values.get(name));
  }

  public OptionalLong number(String name, long least, long most) {
    String text = values.get(name);
    if (text == null) {
      return OptionalLong.empty();
    }
    try {
      long number = Long.parseLong(text);
      if (number >= least && number <= most) {
        return OptionalLong.of(number);
      }
    } catch (NumberFormatException e) {
      // falls through to the one message for both
    }
    throw RefusedException.malformed("the parameter " + name + " must be a whole number from " + least + " to " + most);
  }

  public boolean flag(String name) {
    return switch (values.getOrDefault(name, "false")) {
      case "true", "" -> true;
      case "false" -> false;
      default -> throw RefusedException.malformed("the parameter " + name + " must be true or false");
    };
  }
}
