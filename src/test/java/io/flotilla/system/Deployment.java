package io.flotilla.system;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/** One of the architectures in {@code deploy/}, started and stopped by its own commands, on ports that were free. */
final class Deployment implements AutoCloseable {
  /** Of HAProxy. */
  static final String FRONT = "127.0.0.100";
  private static final long PATIENCE_MINUTES = 10;
  private static final Pattern PASSWORD = Pattern.compile("User demo has the password (\\w+) \\(shown only now\\)");

  private final String name;
  private final Path directory;
  private final int basePort;
  private String password = "";

  Deployment(String name, Path directory) throws IOException {
    this.name = name;
    this.directory = directory;
    this.basePort = freePorts();
  }

  record Result(int status, String output) {}

  /** Starts all of it that does not run. */
  String start() throws IOException, InterruptedException {
    String output = expect(0, start(Map.of()));
    Matcher told = PASSWORD.matcher(output);
    password = told.find() ? told.group(1) : password;
    return output;
  }

  Result start(Map<String, String> environment) throws IOException, InterruptedException {
    return run(environment, script("start"), "--base-port", Integer.toString(basePort), directory.toString());
  }

  String stop() throws IOException, InterruptedException {
    return expect(0, run(Map.of(), script("stop"), directory.toString()));
  }

  /** An admin command, at a node that runs. */
  String flotilla(String... arguments) throws IOException, InterruptedException {
    List<String> command = new ArrayList<>(List.of(NodeProcess.home().resolve("flotilla").toString()));
    command.addAll(List.of(arguments));
    command.addAll(List.of("--dir", directory.toString()));
    return expect(0, run(Map.of(), command.toArray(String[]::new)));
  }

  private String script(String which) {
    return NodeProcess.home().resolve("deploy").resolve(name).resolve(which).toString();
  }

  private static String expect(int status, Result result) {
    assertEquals(status, result.status(), result.output());
    return result.output();
  }

  /** Runs a command to its end. */
  static Result run(Map<String, String> environment, String... command) throws IOException, InterruptedException {
    Path output = Files.createTempFile("deployment", ".txt");
    try {
      ProcessBuilder builder = new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(output.toFile())
          .redirectInput(ProcessBuilder.Redirect.from(Path.of("/dev/null").toFile()));
      builder.environment().putAll(environment);
      Process process = builder.start();
      if (!process.waitFor(PATIENCE_MINUTES, TimeUnit.MINUTES)) {
        process.destroyForcibly();
        throw new AssertionError(String.join(" ", command) + " still runs:\n" + Files.readString(output));
      }
      return new Result(process.exitValue(), Files.readString(output));
    } finally {
      Files.delete(output);
    }
  }

  Path directory() {
    return directory;
  }

  String password() {
    return password;
  }

  int sftpPort() {
    return basePort + 22;
  }

  int ftpPort() {
    return basePort + 21;
  }

  int httpsPort() {
    return basePort + 43;
  }

  /** The admin API of node k. */
  AdminApi api(int k) throws IOException {
    return new AdminApi("http://127.0.0." + k + ":" + basePort, Files.readString(directory.resolve("admin-token")).strip());
  }

  /** SIGKILL for what was started by a name; of a node for its JVM, not for the launcher that would start it again. */
  void kill(String process) {
    ProcessHandle started = processes().get(process);
    ProcessHandle victim = started.children().findFirst().orElse(started);
    victim.destroyForcibly();
    started.onExit().orTimeout(PATIENCE_MINUTES, TimeUnit.MINUTES).join();
  }

  /** What was started last by each name, and may have ended. */
  private Map<String, ProcessHandle> processes() {
    Map<String, ProcessHandle> found = new TreeMap<>();
    try (Stream<String> lines = Files.lines(directory.resolve("processes"))) {
      lines.map(line -> line.split(" ")).forEach(line ->
          ProcessHandle.of(Long.parseLong(line[1])).filter(this::isOurs).ifPresent(process -> found.put(line[0], process)));
    } catch (IOException e) {
      throw new AssertionError(e);
    }
    return found;
  }

  private boolean isOurs(ProcessHandle process) {
    return process.info().arguments().stream().flatMap(Stream::of).anyMatch(argument -> argument.contains(directory.toString()));
  }

  /** All processes that have to do with the directory, whoever started them. */
  List<ProcessHandle> running() {
    return ProcessHandle.allProcesses().filter(this::isOurs).toList();
  }

  @Override
  public void close() throws IOException {
    try {
      run(Map.of(), script("stop"), directory.toString());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } finally {
      running().forEach(ProcessHandle::destroyForcibly);
    }
  }

  private static int freePorts() throws IOException {
    Random random = new Random();
    for (int attempt = 0; attempt < 100; attempt++) {
      // Below those that the system gives to clients.
      int base = 11_000 + random.nextInt(90) * 100;
      if (isFree(base)) {
        return base;
      }
    }
    throw new IOException("no hundred free ports were found");
  }

  private static boolean isFree(int base) {
    for (String host : List.of("127.0.0.1", "127.0.0.2", "127.0.0.3", "127.0.0.4", FRONT)) {
      for (int offset = 0; offset < 80; offset++) {
        try (ServerSocket socket = new ServerSocket()) {
          socket.bind(new InetSocketAddress(host, base + offset));
        } catch (IOException taken) {
          return false;
        }
      }
    }
    return true;
  }
}
