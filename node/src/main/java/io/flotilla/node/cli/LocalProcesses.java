package io.flotilla.node.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/** The node processes of a cluster on this machine. */
final class LocalProcesses {
  private static final Duration STOP_PATIENCE = Duration.ofSeconds(60);
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
      Process process = new ProcessBuilder(command)
          .redirectErrorStream(true)
          .redirectInput(ProcessBuilder.Redirect.from(Path.of("/dev/null").toFile()))
          .redirectOutput(ProcessBuilder.Redirect.appendTo(UpCommand.logFile(home, name)))
          .start();
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

  /** Waits until a node ends by itself, or until the latch; says which node it was. */
  String awaitAnyEnd(CountDownLatch interrupted) throws InterruptedException {
    while (!interrupted.await(500, TimeUnit.MILLISECONDS)) {
      for (Map.Entry<String, Process> node : processes.entrySet()) {
        if (!node.getValue().isAlive()) {
          return ended(node.getKey());
        }
      }
    }
    return "";
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
