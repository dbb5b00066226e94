package io.flotilla.node.cli;

import io.flotilla.node.NodeSettings;
import picocli.CommandLine;
import picocli.CommandLine.Command;

/** The command line; every command but {@code node}, {@code up} and {@code down} is a client of the admin API. */
@Command(
    name = "flotilla",
    description = "A clustered file transfer server.",
    mixinStandardHelpOptions = true,
    synopsisSubcommandLabel = "COMMAND",
    subcommands = {
      UpCommand.class, DownCommand.class, NodeCommand.class, StatusCommand.class, ConfigCommand.class, UserCommand.class,
      ConnectionsCommand.class, SessionsCommand.class, PrimaryCommand.class, VotersCommand.class, NodesCommand.class, ClusterCommand.class,
      JoinTokenCommand.class, LbCommand.class
    },
    footer = {
      "  test    Runs the test suite (from a source checkout).",
      "  bench   Runs the measurements (from a source checkout)."
    })
public final class FlotillaCommand {
  private FlotillaCommand() {}

  public static void main(String[] arguments) {
    CommandLine commandLine = new CommandLine(new FlotillaCommand());
    commandLine.setExecutionExceptionHandler((failure, command, parsed) -> {
      switch (failure) {
        case CommandFailedException known -> command.getErr().println("flotilla: " + known.getMessage());
        case NodeSettings.InvalidSettingException setting ->
            command.getErr().println("flotilla: " + setting.getMessage());
        case java.io.IOException io -> command.getErr().println("flotilla: " + io.getMessage());
        default -> failure.printStackTrace(command.getErr());
      }
      command.getErr().flush();
      return 1;
    });
    int status = commandLine.execute(arguments);
    System.exit(status);
  }
}
