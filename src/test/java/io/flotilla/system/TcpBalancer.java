package io.flotilla.system;

import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/** A real HAProxy that gives each TCP connection to the next node. */
final class TcpBalancer implements AutoCloseable {
  private static final String ADDRESS = "127.0.0.9";

  private final Process process;
  private final Path admin;
  private final Map<String, Integer> ports;

  private TcpBalancer(Process process, Path admin, Map<String, Integer> ports) {
    this.process = process;
    this.admin = admin;
    this.ports = ports;
  }

  /**
   * A protocol to be balanced.
   *
   * @param nodes host:port of each node's listener
   * @param server what HAProxy is told of each node, such as how it is checked; node k's host stands for {@code %h}
   */
  record Backend(String name, List<String> nodes, String server) {}

  /** @param more of the defaults, a line each */
  static TcpBalancer start(Path directory, List<Backend> backends, List<String> more) throws IOException {
    Files.createDirectories(directory);
    Path admin = directory.resolve("admin.sock");
    StringBuilder config = new StringBuilder("global\n  maxconn 1000\n  stats socket " + admin + " level admin\ndefaults\n  mode tcp\n"
        + "  timeout connect 2s\n  timeout client 10m\n  timeout server 10m\n  balance roundrobin\n");
    more.forEach(line -> config.append("  ").append(line).append('\n'));
    Map<String, Integer> ports = new LinkedHashMap<>();
    for (Backend backend : backends) {
      int port = freePort();
      ports.put(backend.name(), port);
      config.append("listen ").append(backend.name()).append("\n  bind ").append(ADDRESS).append(':').append(port).append('\n');
      for (int i = 0; i < backend.nodes().size(); i++) {
        String node = backend.nodes().get(i);
        config.append("  server node-").append(i + 1).append(' ').append(node).append(' ')
            .append(backend.server().replace("%h", node.substring(0, node.lastIndexOf(':')))).append('\n');
      }
    }
    Path file = Files.writeString(directory.resolve("haproxy.cfg"), config);
    Path log = directory.resolve("haproxy.log");
    Process process = new ProcessBuilder("/usr/sbin/haproxy", "-db", "-f", file.toString())
        .redirectErrorStream(true).redirectOutput(log.toFile()).start();
    TcpBalancer balancer = new TcpBalancer(process, admin, ports);
    try {
      await().atMost(TestCluster.SOON).until(() -> {
        if (!process.isAlive()) {
          throw new AssertionError("HAProxy has ended: " + Files.readString(log));
        }
        return Files.exists(admin) && !balancer.servers().isEmpty();
      });
    } catch (RuntimeException | AssertionError e) {
      balancer.close();
      throw e;
    }
    return balancer;
  }

  private static int freePort() throws IOException {
    try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getByName(ADDRESS))) {
      return socket.getLocalPort();
    }
  }

  String host() {
    return ADDRESS;
  }

  int port(String backend) {
    return ports.get(backend);
  }

  /** What HAProxy says of a server in its statistics, such as {@code UP} or {@code DRAIN (agent)}. */
  String state(String backend, String server) throws IOException {
    return column(backend, server, "status");
  }

  /** Its weight beside the others'. */
  int weight(String backend, String server) throws IOException {
    return Integer.parseInt(column(backend, server, "weight"));
  }

  private String column(String backend, String server, String name) throws IOException {
    List<String> lines = command("show stat").lines().toList();
    List<String> columns = List.of(lines.getFirst().replace("# ", "").split(","));
    for (String line : lines) {
      String[] cells = line.split(",", -1);
      if (cells.length > 1 && cells[0].equals(backend) && cells[1].equals(server)) {
        return cells[columns.indexOf(name)];
      }
    }
    throw new AssertionError("there is no server " + backend + "/" + server);
  }

  private List<String> servers() {
    try {
      return new ArrayList<>(command("show servers state").lines().toList());
    } catch (IOException notYet) {
      return List.of();
    }
  }

  /** To its socket for operators. */
  String command(String text) throws IOException {
    try (SocketChannel channel = SocketChannel.open(StandardProtocolFamily.UNIX)) {
      channel.connect(UnixDomainSocketAddress.of(admin));
      channel.write(ByteBuffer.wrap((text + "\n").getBytes(StandardCharsets.US_ASCII)));
      StringBuilder answer = new StringBuilder();
      ByteBuffer buffer = ByteBuffer.allocate(8192);
      while (channel.read(buffer.clear()) >= 0) {
        answer.append(StandardCharsets.US_ASCII.decode(buffer.flip()));
      }
      return answer.toString();
    }
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
