package io.flotilla.system;

import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Assertions;

/** A real HAProxy that gives each request to the next node, over connections that all its clients share. */
final class HaProxy implements AutoCloseable {
  private final Process process;
  private final int port;

  private HaProxy(Process process, int port) {
    this.process = process;
    this.port = port;
  }

  /** @param nodes addresses of listeners in clear, as host:port */
  static HaProxy start(Path directory, List<String> nodes) throws IOException {
    int port = freePort();
    StringBuilder servers = new StringBuilder();
    for (int i = 0; i < nodes.size(); i++) {
      servers.append("  server node-").append(i + 1).append(' ').append(nodes.get(i)).append('\n');
    }
    Path config = Files.writeString(directory.resolve("haproxy.cfg"), """
        global
          maxconn 500
        defaults
          mode http
          timeout connect 1s
          timeout client 60s
          timeout server 60s
          timeout http-keep-alive 30s
          option redispatch 1
          retries 3
          # A node that was killed has answered nothing yet.
          retry-on conn-failure empty-response 503
          http-reuse always
        frontend clients
          bind 127.0.0.1:%d
          default_backend nodes
        backend nodes
          balance roundrobin
          default-server check inter 300ms fall 1 rise 1
        %s""".formatted(port, servers));
    Process process = new ProcessBuilder("/usr/sbin/haproxy", "-db", "-f", config.toString())
        .redirectErrorStream(true).redirectOutput(directory.resolve("haproxy.log").toFile()).start();
    HaProxy proxy = new HaProxy(process, port);
    try {
      await().atMost(TestCluster.SOON).until(proxy::takesConnections);
    } catch (RuntimeException e) {
      proxy.close();
      throw new AssertionError("HAProxy did not start: " + Files.readString(directory.resolve("haproxy.log")), e);
    }
    return proxy;
  }

  private boolean takesConnections() throws IOException {
    Assertions.assertTrue(process.isAlive(), "HAProxy has ended");
    try (Socket socket = new Socket()) {
      socket.connect(new InetSocketAddress("127.0.0.1", port), 1000);
      return true;
    } catch (IOException e) {
      return false;
    }
  }

  private static int freePort() throws IOException {
    try (ServerSocket socket = new ServerSocket(0)) {
      return socket.getLocalPort();
    }
  }

  String url() {
    return "http://127.0.0.1:" + port;
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
