package io.flotilla.system;

import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/**
 * A cluster of real node processes: node k on 127.0.0.k, all with the same free ports, sharing one storage directory.
 */
final class TestCluster implements AutoCloseable {
  static final Duration SOON = Duration.ofSeconds(90);
  private static final int[] OFFSETS = {0, 1, 2, 3, 4, 22, 23};

  private final Path directory;
  private final int size;
  private final int basePort;
  private final Map<Integer, NodeProcess> nodes = new TreeMap<>();
  private String token = "";

  TestCluster(Path directory, int size) throws IOException {
    this.directory = directory;
    this.size = size;
    this.basePort = freeBasePort(size + 1);
    Files.createDirectories(directory.resolve("files"));
  }

  /** Starts a new cluster and waits until every node serves the first configuration. */
  static TestCluster start(Path directory, int size) throws IOException {
    TestCluster cluster = new TestCluster(directory, size);
    try {
      cluster.startNode(1, List.of("--form"));
      await().atMost(SOON).until(() -> Files.exists(cluster.state(1).resolve("cluster.key"))
          && Files.exists(cluster.state(1).resolve("admin-token")));
      cluster.token = Files.readString(cluster.state(1).resolve("admin-token")).strip();
      for (int k = 2; k <= size; k++) {
        cluster.startNode(k, List.of("--cluster-key", cluster.state(1).resolve("cluster.key").toString()));
      }
      cluster.awaitConverged();
      return cluster;
    } catch (IOException | RuntimeException | AssertionError e) {
      System.err.println(cluster.logs());
      cluster.close();
      throw e;
    }
  }

  NodeProcess startNode(int k, List<String> more) throws IOException {
    return startNode(k, host(k), List.of(), more);
  }

  /** Starts node k again, perhaps at another address, under a command that changes its rights, or with more options. */
  NodeProcess startNode(int k, String host, List<String> prefix, List<String> more) throws IOException {
    List<String> arguments = new ArrayList<>(List.of(
        "--bind", host + ":" + (basePort + 1),
        "--seed-nodes", seeds(),
        "--admin", host + ":" + basePort,
        "--data", state(k).toString(),
        "--set", "flotilla.initial.sftp-port=" + sftpPort(),
        "--set", "flotilla.initial.storage-path=" + directory.resolve("files"),
        "--set", "flotilla.initial.storage-shared=true",
        "--set", "flotilla.stop-deadline=5s"));
    arguments.addAll(more);
    NodeProcess node = NodeProcess.start(name(k), log(k), prefix, arguments);
    nodes.put(k, node);
    return node;
  }

  /** Starts a node that is none of this cluster's own, and that the caller closes. */
  NodeProcess startStranger(String name, int k, Path data, List<String> more) throws IOException {
    List<String> arguments = new ArrayList<>(List.of("--bind", host(k) + ":" + (basePort + 1), "--seed-nodes", seeds(),
        "--admin", host(k) + ":" + basePort, "--data", data.toString()));
    arguments.addAll(more);
    return NodeProcess.start(name, data.resolveSibling(data.getFileName() + ".log"), List.of(), arguments);
  }

  /** Waits until all nodes are converged in each node's eyes. */
  void awaitConverged() {
    await().atMost(SOON).pollInterval(Duration.ofMillis(100)).until(() -> {
      for (int k : nodes.keySet()) {
        if (!isConverged(k)) {
          return false;
        }
      }
      return true;
    });
  }

  private boolean isConverged(int k) {
    try {
      JsonNode members = api(k).get("/api/v1/cluster").body().path("members");
      int converged = 0;
      for (JsonNode member : members) {
        converged += member.path("state").asText().equals("converged") ? 1 : 0;
      }
      return converged == nodes.size() && members.size() == nodes.size() && api(k).version() > 0;
    } catch (IOException e) {
      return false;
    }
  }

  NodeProcess node(int k) {
    return nodes.get(k);
  }

  int size() {
    return size;
  }

  AdminApi api(int k) {
    return new AdminApi("http://" + host(k) + ":" + basePort, token);
  }

  AdminApi apiAt(String host) {
    return new AdminApi("http://" + host + ":" + basePort, token);
  }

  /** The member with a name as node k sees it. */
  JsonNode member(int k, String name) throws IOException {
    for (JsonNode member : api(k).get("/api/v1/cluster").expect(200).body().path("members")) {
      if (member.path("name").asText().equals(name)) {
        return member;
      }
    }
    throw new AssertionError("node " + k + " does not see " + name);
  }

  /** The number of the node that is the primary, as node k sees it; 0 if there is none. */
  int primary(int k) throws IOException {
    for (JsonNode member : api(k).get("/api/v1/cluster").body().path("members")) {
      if (member.path("isPrimary").asBoolean()) {
        return Integer.parseInt(member.path("name").asText().substring("node-".length()));
      }
    }
    return 0;
  }

  String host(int k) {
    return "127.0.0." + k;
  }

  String name(int k) {
    return "node-" + k;
  }

  int sftpPort() {
    return basePort + 22;
  }

  int otherSftpPort() {
    return basePort + 23;
  }

  Path state(int k) {
    return directory.resolve(name(k)).resolve("state");
  }

  Path log(int k) {
    return directory.resolve(name(k)).resolve("node.log");
  }

  Path files() {
    return directory.resolve("files");
  }

  String seeds() {
    return IntStream.rangeClosed(1, size).mapToObj(k -> host(k) + ":" + (basePort + 1)).collect(Collectors.joining(","));
  }

  /** The ends of all logs, for a failure's message. */
  String logs() {
    return nodes.entrySet().stream().map(node -> "--- node-" + node.getKey() + "\n" + node.getValue().tail())
        .collect(Collectors.joining("\n"));
  }

  @Override
  public void close() {
    nodes.values().forEach(NodeProcess::close);
  }

  private static int freeBasePort(int hosts) throws IOException {
    Random random = new Random();
    for (int attempt = 0; attempt < 100; attempt++) {
      int base = 21_000 + random.nextInt(400) * 25;
      if (isFree(base, hosts)) {
        return base;
      }
    }
    throw new IOException("no free range of ports was found");
  }

  private static boolean isFree(int base, int hosts) {
    for (int k = 1; k <= hosts; k++) {
      for (int offset : OFFSETS) {
        try (ServerSocket socket = new ServerSocket()) {
          socket.bind(new InetSocketAddress("127.0.0." + k, base + offset));
        } catch (IOException taken) {
          return false;
        }
      }
    }
    return true;
  }
}
