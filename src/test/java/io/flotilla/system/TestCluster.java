package io.flotilla.system;

import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.BindException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/**
 * A cluster of real node processes: node k on 127.0.0.k or in a network of its own, all with the same free ports, sharing
 * one storage directory.
 */
public final class TestCluster implements AutoCloseable {
  public static final Duration SOON = Duration.ofSeconds(180);
  private static final int FIRST_PORT = 21_000;
  /** Of the port that is held as long as the others are in use, since they are not at every moment. */
  private static final int GUARD = 24;
  private static final int[] OFFSETS = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 20, 21, 22, 23};

  private final Path directory;
  private final int size;
  /** Of the cluster's ports; without one they are its network's. */
  private final Optional<ServerSocket> guard;
  private final int basePort;
  private final Map<Integer, NodeProcess> nodes = new TreeMap<>();
  private final Map<Integer, Path> builds = new TreeMap<>();
  private final Optional<Network> network;
  private final List<String> options;
  private String token = "";

  TestCluster(Path directory, int size) throws IOException {
    this(directory, size, Optional.empty(), List.of());
  }

  private TestCluster(Path directory, int size, Optional<Network> network, List<String> options) throws IOException {
    this.directory = directory;
    this.size = size;
    this.network = network;
    this.options = options;
    this.guard = network.isPresent() ? Optional.empty() : Optional.of(guardOfFreePorts(size + 1));
    this.basePort = guard.map(socket -> socket.getLocalPort() - GUARD).orElse(FIRST_PORT);
    Files.createDirectories(directory.resolve("files"));
  }

  /** Starts a new cluster and waits until every node serves the first configuration. */
  static TestCluster start(Path directory, int size) throws IOException {
    return start(directory, size, Optional.empty(), List.of());
  }

  /**
   * Starts a new cluster, in a network of its own if one is given, which it then closes.
   *
   * @param options command line options that every node gets at every start
   */
  public static TestCluster start(Path directory, int size, Optional<Network> network, List<String> options)
      throws IOException {
    TestCluster cluster = new TestCluster(directory, size, network, options);
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

  /**
   * Starts nodes that were broken on purpose: each is a cluster of one by itself, though all have one key and one token,
   * as if each voter took itself for a majority. What the checker of the guarantees must find out.
   */
  public static TestCluster startEachAlone(Path directory, int size, List<String> options) throws IOException {
    TestCluster cluster = new TestCluster(directory, size, Optional.empty(), options);
    try {
      cluster.startAlone(1, List.of());
      await().atMost(SOON).until(() -> cluster.isAlone(1));
      for (int k = 2; k <= size; k++) {
        Files.createDirectories(cluster.state(k));
        Files.copy(cluster.state(1).resolve("admin-token"), cluster.state(k).resolve("admin-token"));
        cluster.startAlone(k, List.of("--cluster-key", cluster.state(1).resolve("cluster.key").toString()));
      }
      for (int k = 2; k <= size; k++) {
        int node = k;
        await().atMost(SOON).until(() -> cluster.isAlone(node));
      }
      return cluster;
    } catch (IOException | RuntimeException | AssertionError e) {
      System.err.println(cluster.logs());
      cluster.close();
      throw e;
    }
  }

  private void startAlone(int k, List<String> more) throws IOException {
    List<String> arguments = new ArrayList<>(List.of("--bind", host(k) + ":" + (basePort + 1),
        "--admin", host(k) + ":" + basePort, "--data", state(k).toString(), "--form",
        "--set", "flotilla.initial.sftp-port=" + sftpPort()));
    arguments.addAll(options);
    arguments.addAll(more);
    nodes.put(k, NodeProcess.start(name(k), log(k), List.of(), arguments));
  }

  private boolean isAlone(int k) throws IOException {
    Path tokenFile = state(k).resolve("admin-token");
    if (token.isEmpty() && Files.exists(tokenFile)) {
      token = Files.readString(tokenFile).strip();
    }
    return !token.isEmpty() && api(k).version() > 0;
  }

  public NodeProcess startNode(int k, List<String> more) throws IOException {
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
    arguments.addAll(options);
    arguments.addAll(more);
    List<String> command = new ArrayList<>(network.map(own -> own.prefix(k)).orElse(List.of()));
    command.addAll(prefix);
    String classes = builds.containsKey(k) ? builds.get(k) + ":" : "";
    NodeProcess node = NodeProcess.start(name(k), log(k), command, classes, arguments);
    nodes.put(k, node);
    return node;
  }

  /** Lets node k run another build from its next start on: classes that replace the product's own, or none. */
  void useBuild(int k, Optional<Path> classes) {
    builds.remove(k);
    classes.ifPresent(directory -> builds.put(k, directory));
  }

  /** Starts a node that is none of this cluster's own, and that the caller closes. */
  NodeProcess startStranger(String name, int k, Path data, List<String> more) throws IOException {
    List<String> arguments = new ArrayList<>(List.of("--bind", host(k) + ":" + (basePort + 1), "--seed-nodes", seeds(),
        "--admin", host(k) + ":" + basePort, "--data", data.toString()));
    arguments.addAll(more);
    return NodeProcess.start(name, data.resolveSibling(data.getFileName() + ".log"), List.of(), arguments);
  }

  /** Waits until all nodes are converged in each node's eyes. */
  public void awaitConverged() {
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
      int away = 0;
      for (JsonNode member : members) {
        away += member.path("status").asText().equals("away") ? 1 : 0;
        converged += member.path("state").asText().equals("converged") ? 1 : 0;
      }
      return converged == nodes.size() && members.size() - away == nodes.size() && api(k).version() > 0;
    } catch (IOException e) {
      return false;
    }
  }

  public NodeProcess node(int k) {
    return nodes.get(k);
  }

  public int size() {
    return size;
  }

  public AdminApi api(int k) {
    return apiAt(host(k));
  }

  AdminApi apiAt(String host) {
    // A node serves TLS where others could listen in.
    return new AdminApi((network.isPresent() ? "https://" : "http://") + host + ":" + basePort, token);
  }

  /** The member with a name as node k sees it. */
  public JsonNode member(int k, String name) throws IOException {
    for (JsonNode member : api(k).get("/api/v1/cluster").expect(200).body().path("members")) {
      if (member.path("name").asText().equals(name)) {
        return member;
      }
    }
    throw new AssertionError("node " + k + " does not see " + name);
  }

  /** The number of the node that is the primary, as node k sees it; 0 if there is none. */
  public int primary(int k) throws IOException {
    for (JsonNode member : api(k).get("/api/v1/cluster").body().path("members")) {
      if (member.path("isPrimary").asBoolean()) {
        return Integer.parseInt(member.path("name").asText().substring("node-".length()));
      }
    }
    return 0;
  }

  public String host(int k) {
    return network.map(own -> own.host(k)).orElse("127.0.0." + k);
  }

  /** The network of its own, if it has one. */
  public Optional<Network> network() {
    return network;
  }

  public String name(int k) {
    return "node-" + k;
  }

  /** Takes the port by which a node, dead now, is in the Pekko cluster; without it the node can still vote. */
  ServerSocket occupyRemotingPort(int k) throws IOException {
    return new ServerSocket(basePort + 1, 1, InetAddress.getByName(host(k)));
  }

  /** Of remoting; Raft's is the next, and that for streams between nodes the one after it. */
  int remotingPort() {
    return basePort + 1;
  }

  int sftpPort() {
    return basePort + 22;
  }

  /** Where load balancers ask each node. */
  int agentPort() {
    return basePort + 4;
  }

  int otherSftpPort() {
    return basePort + 23;
  }

  int ftpPort() {
    return basePort + 20;
  }

  int otherFtpPort() {
    return basePort + 21;
  }

  int httpPort() {
    return basePort + 13;
  }

  int httpsPort() {
    return basePort + 14;
  }

  int otherHttpsPort() {
    return basePort + 15;
  }

  /** For the data connections of FTP, as a listener's setting. */
  String passivePorts() {
    return basePort + 5 + "-" + (basePort + 12);
  }

  Path state(int k) {
    return directory.resolve(name(k)).resolve("state");
  }

  public Path log(int k) {
    return directory.resolve(name(k)).resolve("node.log");
  }

  Path files() {
    return directory.resolve("files");
  }

  String seeds() {
    return IntStream.rangeClosed(1, size).mapToObj(k -> host(k) + ":" + (basePort + 1)).collect(Collectors.joining(","));
  }

  /** The ends of all logs, for a failure's message. */
  public String logs() {
    return nodes.entrySet().stream().map(node -> "--- node-" + node.getKey() + "\n" + node.getValue().tail())
        .collect(Collectors.joining("\n"));
  }

  @Override
  public void close() {
    nodes.values().forEach(NodeProcess::close);
    network.ifPresent(Network::close);
    guard.ifPresent(TestCluster::release);
  }

  private static void release(ServerSocket guard) {
    try {
      guard.close();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static ServerSocket guardOfFreePorts(int hosts) throws IOException {
    Random random = new Random();
    for (int attempt = 0; attempt < 100; attempt++) {
      int base = FIRST_PORT + random.nextInt(400) * 25;
      Optional<ServerSocket> guard = guard(base);
      if (guard.isPresent() && isFree(base, hosts)) {
        return guard.get();
      }
      guard.ifPresent(TestCluster::release);
    }
    throw new IOException("no free range of ports was found");
  }

  private static Optional<ServerSocket> guard(int base) throws IOException {
    try {
      return Optional.of(new ServerSocket(base + GUARD, 1, InetAddress.getByName("127.0.0.1")));
    } catch (BindException taken) {
      return Optional.empty();
    }
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
