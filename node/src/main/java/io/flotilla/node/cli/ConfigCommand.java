package io.flotilla.node.cli;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Reads and changes the configuration. */
@Command(name = "config", description = "Reads and changes the configuration.", mixinStandardHelpOptions = true,
    synopsisSubcommandLabel = "COMMAND")
final class ConfigCommand {
  private static final String PATH = "/api/v1/config/";

  @Command(name = "get", description = "Shows one entity, a kind, or everything.", mixinStandardHelpOptions = true)
  int get(
      @Mixin AdminOptions options,
      @Parameters(arity = "0..1", paramLabel = "KIND[/NAME]", defaultValue = "") String what)
      throws IOException {
    print(options.client().send("GET", path(what), Optional.empty()).orFail().body());
    return 0;
  }

  @Command(name = "put", description = "Makes an entity what a JSON document says.", mixinStandardHelpOptions = true)
  int put(
      @Mixin AdminOptions options,
      @Parameters(paramLabel = "KIND/NAME") String what,
      @Parameters(paramLabel = "JSON", description = "the document, @FILE, or - for standard input") String document,
      @Option(names = "--if-version", description = "Only if the entity's last change is this version.") Long version,
      @Option(names = "--wait", description = "committed or applied; default: ${DEFAULT-VALUE}.",
          defaultValue = "committed") String wait)
      throws IOException {
    return change(options, "PUT", what, Optional.of(text(document)), version, wait);
  }

  @Command(name = "patch", description = "Changes some fields of an entity (merge patch).", mixinStandardHelpOptions = true)
  int patch(
      @Mixin AdminOptions options,
      @Parameters(paramLabel = "KIND/NAME") String what,
      @Parameters(paramLabel = "JSON", description = "the patch, @FILE, or - for standard input") String document,
      @Option(names = "--if-version", description = "Only if the entity's last change is this version.") Long version,
      @Option(names = "--wait", description = "committed or applied; default: ${DEFAULT-VALUE}.",
          defaultValue = "committed") String wait)
      throws IOException {
    return change(options, "PATCH", what, Optional.of(text(document)), version, wait);
  }

  @Command(name = "delete", description = "Deletes an entity.", mixinStandardHelpOptions = true)
  int delete(
      @Mixin AdminOptions options,
      @Parameters(paramLabel = "KIND/NAME") String what,
      @Option(names = "--if-version", description = "Only if the entity's last change is this version.") Long version,
      @Option(names = "--wait", description = "committed or applied; default: ${DEFAULT-VALUE}.",
          defaultValue = "committed") String wait)
      throws IOException {
    return change(options, "DELETE", what, Optional.empty(), version, wait);
  }

  @Command(name = "history", description = "Shows the latest changes.", mixinStandardHelpOptions = true)
  int history(
      @Mixin AdminOptions options,
      @Option(names = "--limit", description = "How many; default: ${DEFAULT-VALUE}.", defaultValue = "20") int limit)
      throws IOException {
    JsonNode history =
        options.client().send("GET", PATH + "history?limit=" + limit, Optional.empty()).orFail().body();
    if (options.isJson()) {
      print(history);
    } else {
      history.path("changes").forEach(change -> {
        StringBuilder line = new StringBuilder(String.format("%6s  %s  %s from %s",
            change.path("version").asText(), change.path("at").asText(), change.path("who").asText(),
            change.path("from").asText()));
        change.path("operations").forEach(operation -> line.append("  ").append(operation.path("op").asText()).append(' ')
            .append(operation.path("kind").asText()).append('/').append(operation.path("name").asText()));
        System.out.println(line);
      });
    }
    return 0;
  }

  private static int change(AdminOptions options, String method, String what, Optional<String> body, Long version,
      String wait) throws IOException {
    if (!what.contains("/")) {
      throw new CommandFailedException("name the entity as KIND/NAME, for example users/alice");
    }
    print(options.client().change(method, path(what) + "?wait=" + AdminClient.encode(wait), body,
        Optional.ofNullable(version)).orFail().body());
    return 0;
  }

  private static String path(String what) {
    int slash = what.indexOf('/');
    return slash < 0
        ? (PATH + AdminClient.encode(what)).replaceAll("/$", "")
        : PATH + AdminClient.encode(what.substring(0, slash)) + "/" + AdminClient.encode(what.substring(slash + 1));
  }

  private static String text(String argument) throws IOException {
    if (argument.equals("-")) {
      return new String(System.in.readAllBytes(), StandardCharsets.UTF_8);
    }
    return argument.startsWith("@") ? Files.readString(Path.of(argument.substring(1))) : argument;
  }

  private static void print(JsonNode json) {
    System.out.println(json.toPrettyString());
  }
}
