package io.flotilla.system;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/**
 * The launcher, as people call it.
 *
 * @param directory where its output is kept
 */
record Launcher(Path directory) {
  private static final long PATIENCE_MINUTES = 10;

  /**
   * Runs it to its end and returns what it has printed.
   *
   * @param expected the exit status, -1 for any
   */
  String run(int expected, List<String> arguments) throws IOException, InterruptedException {
    List<String> command = new ArrayList<>(List.of(NodeProcess.home().resolve("flotilla").toString()));
    command.addAll(arguments);
    Path output = Files.createTempFile(directory, "output", ".txt");
    Process process = new ProcessBuilder(command).redirectErrorStream(true)
        .redirectInput(ProcessBuilder.Redirect.from(Path.of("/dev/null").toFile()))
        .redirectOutput(output.toFile()).start();
    if (!process.waitFor(PATIENCE_MINUTES, TimeUnit.MINUTES)) {
      process.destroyForcibly();
      throw new AssertionError(arguments + " still runs:\n" + Files.readString(output));
    }
    String text = Files.readString(output);
    if (expected >= 0) {
      assertEquals(expected, process.exitValue(), arguments + ":\n" + text);
    }
    return text;
  }
}
