package io.flotilla.node.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/**
 * The nodes of a cluster on this machine. Each runs under a process of the launcher, which starts it again when it ends with the status for
 * that; where there is no launcher, none is.
 */
final class LocalProcesses {
  private static final Duration STOP_PATIENCE = Duration.ofSeconds(60);
  private static final String SUPERVISED = "FLOTILLA_SUPERVISED";
  private static final Path SETSID = Path.of("/usr/bin/setsid");

  private final Path home;
  private final int basePort;
  private final int count;
  private final boolean detached;
  private final Map<String, Process> processes = new LinkedHashMap<>();

  LocalProcesses(Path home, int basePort, int count, boolean detached) {
    this.home = home;
    this.basePort = basePort;
    this.count = count;
    this.detached = detached;
  }

  /** @param first whether the first node is to form a new cluster */
  LocalCluster start(boolean first) throws IOException {
    String seeds = IntStream.rangeClosed(1, count).mapToObj(k -> host(k) + ":" + (basePort + 1))
        .collect(Collectors.joining(","));
    List<LocalCluster.LocalNode> nodes = new ArrayList<>();
    for (int k = 1; k <= count; k++) {
      String name = "node-" + k;
      Path directory = home.resolve(name);
      Files.createDirectories(directory);
      List<String> command = new ArrayList<>();
      if (detached && Files.isExecutable(SETSID)) {
        command.add(SETSID.toString());
      }
      Optional<String> launcher = Optional.ofNullable(System.getProperty("flotilla.launcher"));
      launcher.ifPresent(path -> command.addAll(List.of(path, "supervise")));
      command.addAll(UpCommand.javaCommand(System.getProperty("flotilla.node.options", "")));
      command.addAll(List.of(
          "--name", name,
          "--bind", host(k) + ":" + (basePort + 1),
          "--seed-nodes", seeds,
          "--admin", host(k) + ":" + basePort,
          "--data", directory.resolve("state").toString(),
          "--cluster-key", home.resolve("cluster.key").toString(),
          "--set", "flotilla.initial.sftp-port=" + (basePort + 22),
          "--set", "flotilla.initial.storage-path=" + home.resolve("files"),
          "--set", "flotilla.initial.storage-shared=true"));
      if (k == 1 && first) {
        command.add("--form");
      }
      Files.createDirectories(home.resolve("files"));
      ProcessBuilder builder = new ProcessBuilder(command)
          .redirectErrorStream(true)
          .redirectInput(ProcessBuilder.Redirect.from(Path.of("/dev/null").toFile()))
          .redirectOutput(ProcessBuilder.Redirect.appendTo(UpCommand.logFile(home, name)));
      builder.environment().remove(SUPERVISED); // that somebody starts this process again says nothing of its nodes
      Process process = builder.start();
      processes.put(name, process);
      nodes.add(new LocalCluster.LocalNode(name, "http://" + host(k) + ":" + basePort, host(k) + ":" + (basePort + 22),
          process.pid(), process.info().startInstant().orElseThrow().toEpochMilli()));
    }
    return new LocalCluster(nodes);
  }

  void failIfEnded() {
    processes.forEach((name, process) -> {
      if (!process.isAlive()) {
        throw new CommandFailedException(ended(name));
      }
    });
  }

  /**
   * Waits until a node fails, or until the latch; says which node it was. One that was told to leave has not failed, and the others go on
   * without it.
   *
   * @return empty if the latch came, or no node is left
   */
  Optional<String> awaitAnyFailure(CountDownLatch interrupted) throws InterruptedException {
    List<String> running = new ArrayList<>(processes.keySet());
    while (!running.isEmpty() && !interrupted.await(500, TimeUnit.MILLISECONDS)) {
      for (String name : List.copyOf(running)) {
        Process process = processes.get(name);
        if (!process.isAlive() && process.exitValue() != 0) {
          return Optional.of(ended(name));
        }
        if (!process.isAlive()) {
          System.out.println(name + " was told to leave or to stop, and has.");
          running.remove(name);
        }
      }
    }
    return Optional.empty();
  }

  void stop() {
    stop(processes.values().stream().map(Process::toHandle).toList());
  }

  /** Asks processes to stop and waits; false if one still runs after a minute. */
  static boolean stop(List<ProcessHandle> handles) {
    handles.forEach(ProcessHandle::destroy);
    long deadline = System.nanoTime() + STOP_PATIENCE.toNanos();
    for (ProcessHandle handle : handles) {
      try {
        handle.onExit().get(Math.max(1, deadline - System.nanoTime()), TimeUnit.NANOSECONDS);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        return false;
      } catch (java.util.concurrent.ExecutionException | java.util.concurrent.TimeoutException e) {
        return false;
      }
    }
    return true;
  }

  private String ended(String name) {
    return name + " ended by itself; its log says why: " + UpCommand.logFile(home, name) + lastLines(name);
  }

  private String lastLines(String name) {
    try {
      List<String> lines = Files.readAllLines(UpCommand.logFile(home, name).toPath());
      return lines.stream().skip(Math.max(0, lines.size() - 3)).collect(Collectors.joining("\n  ", "\n  ", ""));
    } catch (IOException e) {
      return "";
    }
  }

  private static String host(int k) {
    return "127.0.0." + k;
  }
}
