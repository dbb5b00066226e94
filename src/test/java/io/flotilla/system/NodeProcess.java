package io.flotilla.system;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;

/** One node as a process of its own, its log in a file; killed at the end whatever happened. */
public final class NodeProcess implements AutoCloseable {
  private static final Path HOME = Path.of(System.getProperty("flotilla.home")).toAbsolutePath().normalize();
  private static final long STOP_SECONDS = 60;

  private final String name;
  private final Path log;
  private final Process process;
  private final long logBegin;

  private NodeProcess(String name, Path log, long logBegin, Process process) {
    this.name = name;
    this.log = log;
    this.logBegin = logBegin;
    this.process = process;
  }

  /**
   * @param prefix a command that runs the node, such as one that takes a right away; empty for none
   * @param arguments of the node; those that begin with -J are for its JVM
   */
  static NodeProcess start(String name, Path log, List<String> prefix, List<String> arguments) throws IOException {
    return start(name, log, prefix, "", arguments);
  }

  /** @param classes a directory whose classes replace the product's own, and a colon; or nothing */
  static NodeProcess start(String name, Path log, List<String> prefix, String classes, List<String> arguments)
      throws IOException {
    List<String> command = new ArrayList<>(prefix);
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.add("@" + HOME.resolve("jvm.options"));
    // Collector and object headers are those of the start-up cache, which the launcher makes; without it nodes start more slowly.
    command.addAll(List.of("-Xmx256m", "-XX:+UseSerialGC", "-XX:+UseCompactObjectHeaders", "-XX:TieredStopAtLevel=1",
        "-XX:AOTCache=" + HOME.resolve("node/target/node.aot"), "-Xlog:aot=off,cds=off"));
    arguments.stream().filter(argument -> argument.startsWith("-J")).forEach(option -> command.add(option.substring(2)));
    command.addAll(List.of("-cp",
        classes + classPath(),
        "io.flotilla.node.cli.FlotillaCommand", "node", "--name", name));
    arguments.stream().filter(argument -> !argument.startsWith("-J")).forEach(command::add);
    Files.createDirectories(log.getParent());
    long logBegin = Files.exists(log) ? Files.size(log) : 0;
    Process process = new ProcessBuilder(command)
        .redirectErrorStream(true)
        .redirectInput(ProcessBuilder.Redirect.from(Path.of("/dev/null").toFile()))
        .redirectOutput(ProcessBuilder.Redirect.appendTo(log.toFile()))
        .start();
    return new NodeProcess(name, log, logBegin, process);
  }

  static String classPath() {
    return HOME.resolve("node/target/node.jar") + ":" + HOME.resolve("node/target/lib") + "/*";
  }

  static Path home() {
    return HOME;
  }

  public boolean isAlive() {
    return process.isAlive();
  }

  public long pid() {
    return process.pid();
  }

  public String log() throws IOException {
    return Files.exists(log) ? Files.readString(log) : "";
  }

  /** Whether its program has not begun, as far as can be seen: a node's first act is to say that it starts. */
  public boolean hasSaidNothing() throws IOException {
    return Files.size(log) == logBegin;
  }

  /** SIGKILL: no chance to say goodbye. */
  public void kill() throws InterruptedException {
    process.destroyForcibly().waitFor();
  }

  /** SIGTERM; returns the exit status. */
  public int stop() throws InterruptedException {
    process.destroy();
    return awaitExit();
  }

  /** SIGSTOP: it lives, holds its connections, and does nothing; as in a long pause of the machine. */
  public void freeze() throws IOException, InterruptedException {
    signal("STOP");
  }

  /** SIGCONT: goes on where it was frozen. */
  public void thaw() throws IOException, InterruptedException {
    signal("CONT");
  }

  /** Appends what its threads do to its log, for somebody to read who asks why it stands still. */
  public void logThreads() throws IOException, InterruptedException {
    signal("QUIT");
    Path virtual = log.resolveSibling("threads-" + System.currentTimeMillis() + ".txt");
    Process dump = new ProcessBuilder(Path.of(System.getProperty("java.home"), "bin", "jcmd").toString(), Long.toString(pid()),
        "Thread.dump_to_file", virtual.toString()).redirectErrorStream(true)
        .redirectOutput(ProcessBuilder.Redirect.DISCARD).start();
    if (!dump.waitFor(20, TimeUnit.SECONDS)) {
      dump.destroyForcibly();
    }
  }

  private void signal(String name) throws IOException, InterruptedException {
    int status = new ProcessBuilder("kill", "-" + name, Long.toString(pid())).start().waitFor();
    if (status != 0 && process.isAlive()) {
      throw new IOException("signal " + name + " to " + this.name + " failed");
    }
  }

  public int awaitExit() throws InterruptedException {
    if (!process.waitFor(STOP_SECONDS, TimeUnit.SECONDS)) {
      throw new AssertionError(name + " still runs after " + STOP_SECONDS + " s:\n" + tail());
    }
    return process.exitValue();
  }

  public String tail() {
    try {
      List<String> lines = Files.readAllLines(log);
      return lines.stream().skip(Math.max(0, lines.size() - 30)).collect(Collectors.joining("\n"));
    } catch (IOException e) {
      return "(no log: " + e + ")";
    }
  }

  @Override
  public void close() {
    process.destroyForcibly();
    try {
      process.waitFor();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
