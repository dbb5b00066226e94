package io.flotilla.system.clients;

import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * One call of a program.
 *
 * @param input what it reads from its standard input
 */
public record Command(List<String> line, Map<String, String> environment, String input) {
  public Command {
    line = List.copyOf(line);
    environment = Map.copyOf(environment);
  }

  static Command of(List<String> line) {
    return new Command(line, Map.of(), "");
  }

  Command with(Map<String, String> more) {
    Map<String, String> all = new HashMap<>(environment);
    all.putAll(more);
    return new Command(line, all, input);
  }

  Command reading(String text) {
    return new Command(line, environment, text);
  }
}
