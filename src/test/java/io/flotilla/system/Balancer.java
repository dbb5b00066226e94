package io.flotilla.system;

import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.awaitility.core.ConditionTimeoutException;

/** A load balancer that runs with a whole configuration of its own, all of it TCP. */
final class Balancer implements AutoCloseable {
  private static final int TAIL = 60;

  private final Process process;
  private final Path log;

  private Balancer(Process process, Path log) {
    this.process = process;
    this.log = log;
  }

  static Balancer haproxy(Path directory, String name, String config) throws IOException {
    Path file = Files.writeString(directory.resolve(name + ".cfg"), config);
    return start(directory.resolve(name + ".log"), List.of("/usr/sbin/haproxy", "-db", "-f", file.toString()));
  }

  static Balancer nginx(Path directory, String name, String config) throws IOException {
    Path file = Files.writeString(directory.resolve(name + ".conf"), config);
    return start(directory.resolve(name + ".log"), List.of("/usr/sbin/nginx", "-c", file.toString(),
        "-g", "daemon off; error_log stderr; pid " + directory.resolve(name + ".pid") + ";"));
  }

  private static Balancer start(Path log, List<String> command) throws IOException {
    return new Balancer(new ProcessBuilder(new ArrayList<>(command)).redirectErrorStream(true).redirectOutput(log.toFile()).start(), log);
  }

  /** Waits until it takes connections at an address. */
  Balancer awaitOpen(String host, int port) throws IOException {
    await().atMost(TestCluster.SOON).until(() -> {
      if (!process.isAlive()) {
        throw new AssertionError("the load balancer has ended: " + log());
      }
      try (Socket socket = new Socket()) {
        socket.connect(new InetSocketAddress(host, port), 1000);
        return true;
      } catch (IOException e) {
        return false;
      }
    });
    return this;
  }

  /** Waits until it has said a line with both. */
  void awaitLine(String one, String other) {
    await().atMost(TestCluster.SOON).until(() -> log().lines().anyMatch(line -> line.contains(one) && line.contains(other)));
  }

  private String log() throws IOException {
    return Files.readString(log);
  }

  /** What clients do through it; a failure says which connections it had, and what it thought of the nodes. */
  interface Scene {
    void play() throws Exception;
  }

  void play(Scene scene) throws Exception {
    try {
      scene.play();
    } catch (AssertionError | ConditionTimeoutException e) {
      throw new AssertionError(e.getMessage() + "\n--- the load balancer's last lines:\n" + tail(), e);
    }
  }

  private String tail() throws IOException {
    List<String> lines = Files.readAllLines(log);
    return String.join("\n", lines.subList(Math.max(0, lines.size() - TAIL), lines.size()));
  }

  @Override
  public void close() {
    process.destroy();
    try {
      if (!process.waitFor(10, TimeUnit.SECONDS)) {
        process.destroyForcibly();
      }
    } catch (InterruptedException e) {
      process.destroyForcibly();
      Thread.currentThread().interrupt();
    }
  }
}
