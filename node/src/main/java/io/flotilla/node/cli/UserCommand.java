package io.flotilla.node.cli;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.flotilla.config.model.EntityCodec;
import java.io.Console;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Shortcuts for users. */
@Command(name = "user", description = "Adds users.", mixinStandardHelpOptions = true, synopsisSubcommandLabel = "COMMAND")
final class UserCommand {

  @Command(name = "add", description = "Adds a user who may log in on every node.", mixinStandardHelpOptions = true)
  int add(
      @Mixin AdminOptions options,
      @Parameters(paramLabel = "NAME") String name,
      @Option(names = "--password-file", paramLabel = "FILE",
          description = "The password, - for standard input; asked for at a terminal.") Path passwordFile,
      @Option(names = "--public-key", paramLabel = "FILE", description = "An OpenSSH public key; may be repeated.")
          List<Path> publicKeys)
      throws IOException {
    ObjectNode user = EntityCodec.JSON.createObjectNode();
    if (publicKeys != null) {
      var keys = user.putArray("publicKeys");
      for (Path file : publicKeys) {
        Files.readAllLines(file).stream().filter(line -> !line.isBlank()).forEach(keys::add);
      }
    }
    password(passwordFile, publicKeys != null).ifPresent(password -> user.put("password", password));
    AdminClient.Answer answer = options.client().create(
        "/api/v1/config/users/" + AdminClient.encode(name) + "?wait=applied", user.toString());
    if (answer.status() == 412) {
      throw new CommandFailedException("there is a user named " + name + " already");
    }
    answer.orFail();
    System.out.println(options.isJson() ? answer.body().toPrettyString()
        : "User " + name + " was added with configuration version " + answer.body().path("version").asText() + ".");
    return 0;
  }

  private static Optional<String> password(Path file, boolean hasKey) throws IOException {
    if (file != null) {
      String text = file.toString().equals("-")
          ? new String(System.in.readAllBytes(), StandardCharsets.UTF_8)
          : Files.readString(file);
      return Optional.of(text.strip());
    }
    if (hasKey) {
      return Optional.empty();
    }
    Console console = System.console();
    if (console == null || !console.isTerminal()) {
      throw new CommandFailedException("give --password-file or --public-key; there is no terminal to ask at");
    }
    char[] password = console.readPassword("Password: ");
    char[] again = console.readPassword("Once more: ");
    if (password == null || !java.util.Arrays.equals(password, again)) {
      throw new CommandFailedException("the passwords differ");
    }
    return Optional.of(new String(password));
  }
}
