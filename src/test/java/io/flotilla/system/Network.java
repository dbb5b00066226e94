package io.flotilla.system;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;

/**
 * A network of its own for the nodes of one cluster: each node in a network namespace, all joined by a bridge in another
 * one, so that the paths between nodes can be cut while the test still reaches every node. Needs root, iproute2 and
 * iptables. The addresses exist only there, and on one interface of this machine that leads there; closing removes all.
 * Not for use by several threads.
 */
public final class Network implements AutoCloseable {
  private static final int HERE = 254;
  private static final long COMMAND_SECONDS = 20;

  private final String id;
  private final String subnet;
  private final int size;
  private final Thread atExit = new Thread(this::remove);

  private Network(String id, String subnet, int size) {
    this.id = id;
    this.subnet = subnet;
    this.size = size;
  }

  /** Whether this machine lets the test have one. */
  public static boolean isAvailable() {
    try {
      return run(List.of("id", "-u")).strip().equals("0") && !run(List.of("ip", "-V")).isEmpty()
          && !run(List.of("iptables", "--version")).isEmpty() && canMakeNamespaces();
    } catch (IOException e) {
      return false;
    }
  }

  private static boolean canMakeNamespaces() throws IOException {
    String probe = "fl-probe-" + ProcessHandle.current().pid();
    run(List.of("ip", "netns", "add", probe));
    run(List.of("ip", "netns", "delete", probe));
    return true;
  }

  /** Makes the network for nodes 1 to {@code size}. */
  public static Network create(int size) throws IOException {
    Random random = new Random();
    String id = Integer.toString(random.nextInt(36 * 36 * 36, 36 * 36 * 36 * 36), 36);
    Network network = new Network(id, freeSubnet(random), size);
    Runtime.getRuntime().addShutdownHook(network.atExit);
    try {
      network.build();
      return network;
    } catch (IOException e) {
      network.close();
      throw e;
    }
  }

  private static String freeSubnet(Random random) throws IOException {
    String routes = run(List.of("ip", "-4", "route", "show", "table", "all"));
    for (int attempt = 0; attempt < 100; attempt++) {
      String subnet = "10.213." + random.nextInt(1, 255) + ".";
      if (!routes.contains(subnet)) {
        return subnet;
      }
    }
    throw new IOException("no free range of addresses was found in 10.213.0.0/16");
  }

  private void build() throws IOException {
    ip("netns add", hub());
    ip("-n", hub(), "link add bridge type bridge");
    ip("-n", hub(), "link set bridge up");
    ip("link add", outside(), "type veth peer name outside netns", hub());
    ip("-n", hub(), "link set outside master bridge up");
    ip("addr add", subnet + HERE + "/24 dev", outside());
    ip("link set", outside(), "up");
    for (int k = 1; k <= size; k++) {
      ip("netns add", namespace(k));
      ip("-n", namespace(k), "link set lo up");
      ip("-n", namespace(k), "link add inside type veth peer name", "node" + k, "netns", hub());
      ip("-n", hub(), "link set", "node" + k, "master bridge up");
      ip("-n", namespace(k), "addr add", host(k) + "/24 dev inside");
      ip("-n", namespace(k), "link set inside up");
    }
  }

  public String host(int k) {
    return subnet + k;
  }

  /** The command that runs another one as node k's. */
  List<String> prefix(int k) {
    return List.of("ip", "netns", "exec", namespace(k));
  }

  /** Drops what node {@code from} sends to node {@code to}; the other direction is as before. */
  public void cutOneWay(int from, int to) throws IOException {
    filter(to, "-s", host(from), "-j", "DROP");
  }

  public void cut(int a, int b) throws IOException {
    cutOneWay(a, b);
    cutOneWay(b, a);
  }

  /** Cuts a node off from all others. */
  public void isolate(int k) throws IOException {
    for (int other : others(k)) {
      cut(k, other);
    }
  }

  /** Drops a share of what reaches node k from the other nodes. */
  public void lose(int k, double share) throws IOException {
    for (int other : others(k)) {
      filter(k, "-s", host(other), "-m", "statistic", "--mode", "random", "--probability", Double.toString(share),
          "-j", "DROP");
    }
  }

  /** All paths are as they were at the beginning. */
  public void heal() throws IOException {
    for (int k = 1; k <= size; k++) {
      iptables(k, "-F", "INPUT");
    }
  }

  public List<Integer> others(int k) {
    return IntStream.rangeClosed(1, size).filter(other -> other != k).boxed().toList();
  }

  private void filter(int k, String... rule) throws IOException {
    List<String> append = new ArrayList<>(List.of("-A", "INPUT"));
    append.addAll(Arrays.asList(rule));
    iptables(k, append.toArray(String[]::new));
  }

  private void iptables(int k, String... arguments) throws IOException {
    List<String> command = new ArrayList<>(prefix(k));
    command.addAll(List.of("iptables", "-w", "5"));
    command.addAll(Arrays.asList(arguments));
    run(command);
  }

  private String hub() {
    return "fl-" + id + "-hub";
  }

  private String namespace(int k) {
    return "fl-" + id + "-" + k;
  }

  private String outside() {
    return "fl-" + id;
  }

  @Override
  public void close() {
    remove();
    try {
      Runtime.getRuntime().removeShutdownHook(atExit);
    } catch (IllegalStateException alreadyExiting) {
      // The hook runs, or has run.
    }
  }

  private void remove() {
    List<List<String>> commands = new ArrayList<>();
    commands.add(List.of("ip", "link", "delete", outside()));
    IntStream.rangeClosed(1, size).forEach(k -> commands.add(List.of("ip", "netns", "delete", namespace(k))));
    commands.add(List.of("ip", "netns", "delete", hub()));
    for (List<String> command : commands) {
      if (Files.exists(Path.of("/run/netns", command.getLast())) || Files.exists(Path.of("/sys/class/net", command.getLast()))) {
        try {
          run(command);
        } catch (IOException e) {
          System.err.println("Part of the test's network is left behind: " + e.getMessage());
        }
      }
    }
  }

  private static void ip(String... words) throws IOException {
    List<String> command = new ArrayList<>(List.of("ip"));
    command.addAll(List.of(String.join(" ", words).split(" ")));
    run(command);
  }

  /** Returns what the command prints; an IOException says why it failed. */
  private static String run(List<String> command) throws IOException {
    Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
    String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    try {
      if (!process.waitFor(COMMAND_SECONDS, TimeUnit.SECONDS)) {
        process.destroyForcibly();
        throw new IOException(String.join(" ", command) + " still runs after " + COMMAND_SECONDS + " s");
      }
    } catch (InterruptedException e) {
      process.destroyForcibly();
      Thread.currentThread().interrupt();
      throw new IOException(e);
    }
    if (process.exitValue() != 0) {
      throw new IOException(String.join(" ", command) + " failed: " + output.strip());
    }
    return output;
  }
}
