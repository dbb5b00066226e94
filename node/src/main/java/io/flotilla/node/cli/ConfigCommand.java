package io.flotilla.node.cli;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.flotilla.config.model.EntityCodec;
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
  /** Of a change in history; an import has thousands. */
  private static final int MAX_OPERATIONS_SHOWN = 10;

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
      @Mixin ChangeOptions how)
      throws IOException {
    return change(options, "PUT", what, Optional.of(text(document)), version, how);
  }

  @Command(name = "patch", description = "Changes some fields of an entity (merge patch).", mixinStandardHelpOptions = true)
  int patch(
      @Mixin AdminOptions options,
      @Parameters(paramLabel = "KIND/NAME") String what,
      @Parameters(paramLabel = "JSON", description = "the patch, @FILE, or - for standard input") String document,
      @Option(names = "--if-version", description = "Only if the entity's last change is this version.") Long version,
      @Mixin ChangeOptions how)
      throws IOException {
    return change(options, "PATCH", what, Optional.of(text(document)), version, how);
  }

  @Command(name = "delete", description = "Deletes an entity.", mixinStandardHelpOptions = true)
  int delete(
      @Mixin AdminOptions options,
      @Parameters(paramLabel = "KIND/NAME") String what,
      @Option(names = "--if-version", description = "Only if the entity's last change is this version.") Long version,
      @Mixin ChangeOptions how)
      throws IOException {
    return change(options, "DELETE", what, Optional.empty(), version, how);
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
        JsonNode operations = change.path("operations");
        int shown = Math.min(operations.size(), MAX_OPERATIONS_SHOWN);
        for (int i = 0; i < shown; i++) {
          JsonNode operation = operations.get(i);
          line.append("  ").append(operation.path("op").asText()).append(' ')
              .append(operation.path("kind").asText()).append('/').append(operation.path("name").asText());
        }
        int more = change.path("operationCount").asInt() - shown;
        line.append(more > 0 ? "  and " + more + " more" : "");
        String comment = change.path("comment").asText();
        line.append(comment.isEmpty() ? "" : "  (" + PlanText.printable(comment) + ")");
        System.out.println(line);
      });
    }
    return 0;
  }

  @Command(name = "diff", description = "Shows what differs between two versions.", mixinStandardHelpOptions = true)
  int diff(
      @Mixin AdminOptions options,
      @Parameters(paramLabel = "FROM", description = "a version") long from,
      @Parameters(arity = "0..1", paramLabel = "TO", description = "a version; default: the present one") Long to)
      throws IOException {
    AdminClient client = options.client();
    String path = PATH + "diff?limit=1000&from=" + from;
    JsonNode page = client.send("GET", path + (to == null ? "" : "&to=" + to), Optional.empty()).orFail().body();
    // Later pages are of the same two versions, whatever happens meanwhile.
    String pinned = path + "&to=" + page.path("to").asText();
    ArrayNode all = EntityCodec.JSON.createArrayNode();
    while (true) {
      if (options.isJson()) {
        page.path("changes").forEach(all::add);
      } else {
        page.path("changes").forEach(change -> System.out.println(PlanText.names(change)));
      }
      if (page.path("next").isNull()) {
        break;
      }
      page = client.send("GET", pinned + "&after=" + AdminClient.encode(page.path("next").asText()), Optional.empty())
          .orFail().body();
    }
    if (options.isJson()) {
      print(((ObjectNode) page).set("changes", all));
    } else if (page.path("count").asInt() == 0) {
      System.out.println("Versions " + from + " and " + page.path("to").asText() + " hold the same.");
    }
    return 0;
  }

  @Command(name = "rollback", description = "Restores an earlier version by one new change.", mixinStandardHelpOptions = true)
  int rollback(
      @Mixin AdminOptions options,
      @Parameters(paramLabel = "VERSION", description = "the version to restore; see 'config history'") long to,
      @Option(names = "--if-version", description = "Only if the configuration is at this version.") Long version,
      @Option(names = "--comment", description = "Why, for the history; default: restore version VERSION.") String comment,
      @Option(names = "--dry-run", description = "Only checks whether it can be done.") boolean dryRun,
      @Option(names = "--force", description = "In spite of what the nodes say.") boolean force,
      @Option(names = "--yes", description = "Does not ask, though old passwords, keys or tokens become valid again.")
          boolean yes,
      @Option(names = "--wait", description = "committed or applied; default: ${DEFAULT-VALUE}.",
          defaultValue = "committed") String wait)
      throws IOException {
    ObjectNode body = EntityCodec.JSON.createObjectNode().put("to", to);
    if (comment != null) {
      body.put("comment", comment);
    }
    AdminClient client = options.client();
    String path = PATH + "rollback?wait=" + AdminClient.encode(wait) + "&force=" + force;
    JsonNode answer = client.change("POST", path + "&dryRun=true", Optional.of(body.toString()),
        Optional.ofNullable(version)).orFail().body();
    if (!options.isJson()) {
      warnOfRevived(answer);
    }
    if (!dryRun) {
      int revived = answer.path("revivesCount").asInt();
      if (revived > 0 && !yes) {
        Confirmation.ask("Restore version " + to + ", which lets " + revived + " in again by what was taken from them?", "--yes");
      }
      // Tied to the version that was looked at, so that nobody else gets in.
      Optional<Long> seen = Optional.ofNullable(version)
          .or(() -> Optional.of(answer.path("base")).filter(JsonNode::isNumber).map(JsonNode::asLong));
      AdminClient.Answer made = client.change("POST", path, Optional.of(body.toString()), seen);
      return tellRestored(options, made.orFail().body(), to, false);
    }
    return tellRestored(options, answer, to, true);
  }

  private static void warnOfRevived(JsonNode plan) {
    plan.path("revives").forEach(one -> {
      StringBuilder what = new StringBuilder();
      one.path("what").forEach(text -> what.append(what.isEmpty() ? "" : ", ").append(PlanText.printable(text.asText())));
      System.out.println("! " + PlanText.printable(one.path("kind").asText() + "/" + one.path("name").asText())
          + " can get in again: " + what);
    });
    int hidden = plan.path("revivesCount").asInt() - plan.path("revives").size();
    if (hidden > 0) {
      System.out.println("! and " + hidden + " more");
    }
  }

  private static int tellRestored(AdminOptions options, JsonNode answer, long to, boolean dryRun) {
    String now = answer.path("version").asText();
    if (options.isJson()) {
      print(answer);
    } else if (answer.has("changed")) {
      System.out.println("Nothing to change: version " + now + " holds the same as version " + to + ".");
    } else {
      System.out.println(dryRun ? "Version " + to + " could be restored, as version " + now + "."
          : "Version " + to + " was restored as version " + now + ".");
    }
    return 0;
  }

  @Command(name = "export", description = "Writes the whole configuration as one document.", mixinStandardHelpOptions = true)
  int export(
      @Mixin AdminOptions options,
      @Parameters(arity = "0..1", paramLabel = "FILE", description = "default: standard output", defaultValue = "-") Path file,
      @Option(names = "--secrets", description = "none, or sealed with the cluster's key; default: ${DEFAULT-VALUE}.",
          defaultValue = "none") String secrets)
      throws IOException {
    String what = PATH + "export?secrets=" + AdminClient.encode(secrets);
    if (file.toString().equals("-")) {
      options.client().download(what, System.out);
      System.out.flush();
    } else {
      ConfigFile.download(options.client(), what, file);
      System.out.println("The configuration is in " + file + (secrets.equals("sealed")
          ? ", with its secrets; they can be read with the cluster's key alone (cluster.key in a node's data directory)."
          : ", without its secrets."));
    }
    return 0;
  }

  @Command(name = "import", description = "Takes over the entities of a document by one change.",
      mixinStandardHelpOptions = true)
  int importDocument(
      @Mixin AdminOptions options,
      @Parameters(paramLabel = "FILE", description = "a document as 'config export' writes it, or - for standard input")
          Path file,
      @Option(names = "--delete", description = "Also deletes what the document does not have, of the kinds it has.")
          boolean delete,
      @Option(names = "--if-version", description = "Only if the configuration is at this version.") Long version,
      @Option(names = "--dry-run", description = "Only shows what would change.") boolean dryRun,
      @Option(names = "--force", description = "In spite of what the nodes say.") boolean force,
      @Mixin ChangeOptions how)
      throws IOException {
    AdminClient client = options.client();
    try (ConfigFile document = ConfigFile.open(file)) {
      JsonNode answer = client.upload(PATH + "import?dryRun=" + dryRun + "&delete=" + delete + "&force=" + force + "&"
          + how.query(), document.path(), Optional.ofNullable(version)).orFail().body();
      tell(options, answer, dryRun);
      return 0;
    }
  }

  @Command(name = "apply", description = {"Makes the configuration equal to a file: shows the plan, asks, and makes one change.",
      "Kinds that the file has no section for stay as they are; secrets that it does not name too."},
      mixinStandardHelpOptions = true)
  int apply(
      @Mixin AdminOptions options,
      @Parameters(paramLabel = "FILE", description = "a document as 'config export' writes it, or - for standard input")
          Path file,
      @Option(names = "--yes", description = "Does not ask.") boolean yes,
      @Option(names = "--delete", description = "With --yes: agrees that entities are deleted.") boolean delete,
      @Option(names = "--dry-run", description = "Only shows the plan.") boolean dryRun,
      @Option(names = "--force", description = "In spite of what the nodes say.") boolean force,
      @Mixin ChangeOptions how)
      throws IOException {
    AdminClient client = options.client();
    String path = PATH + "import?delete=true&force=" + force;
    try (ConfigFile document = ConfigFile.open(file)) {
      JsonNode plan = client.upload(path + "&dryRun=true", document.path(), Optional.empty()).orFail().body();
      if (dryRun || isEmpty(plan)) {
        tell(options, plan, true);
        return 0;
      }
      if (!options.isJson()) {
        tell(options, plan, true);
      }
      int deleted = plan.path("deleted").asInt();
      if (!yes) {
        Confirmation.ask("Make this change" + (deleted > 0 ? ", which deletes " + deleted : "") + "?", "--yes");
      } else if (deleted > 0 && !delete) {
        throw new CommandFailedException("nothing was changed: this deletes " + deleted
            + " that the file does not have; give --delete with --yes to agree");
      }
      // Tied to the version that the plan was made from: what was shown is what is done.
      AdminClient.Answer answer = client.upload(path + "&" + how.query(),
          document.path(), Optional.of(plan.path("base").asLong()));
      if (answer.status() == 412) {
        throw new CommandFailedException(
            "nothing was changed: the configuration has changed since the plan was made; run the command again");
      }
      tell(options, answer.orFail().body(), false);
      return 0;
    }
  }

  private static boolean isEmpty(JsonNode plan) {
    return plan.path("created").asInt() + plan.path("changed").asInt() + plan.path("deleted").asInt() == 0;
  }

  private static void tell(AdminOptions options, JsonNode answer, boolean isPlan) {
    if (options.isJson()) {
      print(answer);
      return;
    }
    if (isPlan) {
      answer.path("changes").forEach(change -> System.out.println(PlanText.values(change)));
      if (answer.path("truncated").asBoolean()) {
        System.out.println("... the rest is not shown");
      }
    }
    answer.path("warnings").forEach(warning -> System.out.println("! " + PlanText.printable(warning.asText())));
    String version = answer.path("version").asText();
    String counts = answer.path("created").asText() + " created, " + answer.path("changed").asText() + " changed, "
        + answer.path("deleted").asText() + " deleted";
    System.out.println(isEmpty(answer) ? "Nothing to change: version " + version + " holds what the file says."
        : isPlan ? "Plan: " + counts + ", from version " + answer.path("base").asText() + "."
        : "Version " + version + " was made: " + counts + ".");
  }

  private static int change(AdminOptions options, String method, String what, Optional<String> body, Long version,
      ChangeOptions how) throws IOException {
    if (!what.contains("/")) {
      throw new CommandFailedException("name the entity as KIND/NAME, for example users/alice");
    }
    print(options.client().change(method, path(what) + "?" + how.query(), body,
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
