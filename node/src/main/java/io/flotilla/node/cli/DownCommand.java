package io.flotilla.node.cli;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** Stops a detached cluster cleanly. */
@Command(name = "down", description = "Stops a cluster that 'up --detach' left running.", mixinStandardHelpOptions = true)
final class DownCommand implements Callable<Integer> {
  @Option(names = "--dir", paramLabel = "DIR", description = "The cluster's directory; default: ./data, if it is yours.")
  private Path named;

  private final Path working;

  DownCommand() {
    this(Path.of(""));
  }

  /** @param working where ./data is */
  DownCommand(Path working) {
    this.working = working;
  }

  @Override
  public Integer call() throws IOException {
    Path directory = named == null ? working.resolve("data") : named;
    LocalCluster cluster = (named == null ? LocalCluster.find(directory) : LocalCluster.read(directory)).orElseThrow(() ->
        new CommandFailedException("there is no cluster in " + directory.toAbsolutePath().normalize()));
    List<ProcessHandle> running =
        cluster.nodes().stream().flatMap(node -> node.process().stream()).toList();
    if (running.isEmpty()) {
      System.out.println("The cluster in " + directory + " was not running.");
      return 0;
    }
    if (!LocalProcesses.stop(running)) {
      throw new CommandFailedException("a node still runs after a minute; its log in " + directory + " says what it waits for");
    }
    System.out.println("Stopped " + running.size() + (running.size() == 1 ? " node." : " nodes."));
    return 0;
  }
}
