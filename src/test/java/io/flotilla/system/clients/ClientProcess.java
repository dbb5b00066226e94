package io.flotilla.system.clients;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/** A running client and the processes it has started. Its output goes to a file, so it never waits for a reader. */
public final class ClientProcess implements AutoCloseable {
  private static final int MOST_INPUT_SHOWN = 1_000;

  private final Command command;
  private final Process process;
  private final Path output;

  private ClientProcess(Command command, Process process, Path output) {
    this.command = command;
    this.process = process;
    this.output = output;
  }

  /** @param directory where it works, has its home and keeps its output */
  public static ClientProcess start(Command command, Path directory) throws IOException {
    Path output = Files.createTempFile(directory, "output-", ".txt");
    ProcessBuilder builder = builder(command, directory).redirectErrorStream(true).redirectOutput(output.toFile());
    return new ClientProcess(command, builder.start(), output);
  }

  /** The same, but the caller reads its standard output, and to the end. */
  public static ClientProcess startPrinting(Command command, Path directory) throws IOException {
    Path errors = Files.createTempFile(directory, "errors-", ".txt");
    return new ClientProcess(command, builder(command, directory).redirectError(errors.toFile()).start(), errors);
  }

  private static ProcessBuilder builder(Command command, Path directory) throws IOException {
    Path input = Files.writeString(Files.createTempFile(directory, "input-", ".txt"), command.input());
    ProcessBuilder builder = new ProcessBuilder(command.line()).directory(directory.toFile()).redirectInput(input.toFile());
    // Names are sent as they are only in a locale that has them; what clients remember of former calls stays in the directory.
    builder.environment().putAll(Map.of("LC_ALL", "C.UTF-8", "HOME", directory.toString()));
    builder.environment().putAll(command.environment());
    return builder;
  }

  /** Runs a command to its end; returns its output. A status other than 0 or too long a time is a failure. */
  public static String run(Command command, Path directory, long patienceSeconds) throws IOException, InterruptedException {
    try (ClientProcess client = start(command, directory)) {
      return client.awaitSuccess(patienceSeconds);
    }
  }

  public String awaitSuccess(long patienceSeconds) throws IOException, InterruptedException {
    if (!process.waitFor(patienceSeconds, TimeUnit.SECONDS)) {
      throw new AssertionError("still runs after " + patienceSeconds + " s: " + describe());
    }
    if (process.exitValue() != 0) {
      throw new AssertionError("ended with status " + process.exitValue() + ": " + describe());
    }
    return output();
  }

  /** What it prints, if it was started for that. */
  public InputStream standardOutput() {
    return process.getInputStream();
  }

  public boolean isAlive() {
    return process.isAlive();
  }

  /** The command and what it has printed. */
  public String describe() {
    try {
      String input = command.input();
      return String.join(" ", command.line()) + "\n" + input.substring(0, Math.min(input.length(), MOST_INPUT_SHOWN)) + output();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private String output() throws IOException {
    return new String(Files.readAllBytes(output), StandardCharsets.UTF_8);
  }

  /**
   * SIGKILL to it and all that it has started, the oldest of those first: what carries the connection began before what uses it,
   * and must not be told in order that the other has died.
   */
  @Override
  public void close() throws InterruptedException {
    List<ProcessHandle> started = process.descendants()
        .sorted(Comparator.comparing(handle -> handle.info().startInstant().orElse(Instant.MAX))).toList();
    started.forEach(ProcessHandle::destroyForcibly);
    process.destroyForcibly().waitFor();
  }
}
