package io.flotilla.node.cli;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.flotilla.config.model.ClusterKey;
import io.flotilla.config.model.EntityCodec;
import io.flotilla.config.model.PrivateFile;
import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.StreamSupport;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/**
 * Starts a cluster on this machine: one process a node, node k on 127.0.0.k with the same ports as the others, as on
 * machines of their own. Starting again with the same directory continues with the same configuration and files.
 */
@Command(name = "up", description = "Starts a cluster on this machine.", mixinStandardHelpOptions = true)
final class UpCommand implements Callable<Integer> {
  private static final Duration PATIENCE = Duration.ofSeconds(120);
  private static final int MAX_NODES = 9;
  private static final String DEMO = "demo";
  /** From the base port. */
  private static final int FTP = 21;
  private static final int FTPS = 90;
  private static final int HTTPS = 43;
  private static final int HTTP = 80;
  /** Of all listeners that speak TLS. */
  private static final String CERTIFICATE = "local";
  private static final int PASSIVE_PORTS = 15;

  @Option(names = "--nodes", description = "How many nodes; default: ${DEFAULT-VALUE}.", defaultValue = "3")
  private int count;

  @Option(names = "--dir", paramLabel = "DIR", description = "Where everything is kept; default: ./data, if nobody else can write there.")
  private Path named;

  @Option(names = "--base-port", description = "The admin port; the others follow it; default: ${DEFAULT-VALUE}.",
      defaultValue = "20000")
  private int basePort;

  @Option(names = "--detach", description = "Returns when the cluster is ready and leaves it running.")
  private boolean detach;

  @Override
  public Integer call() throws IOException, InterruptedException {
    checkOptions();
    Path home = (named == null ? Path.of("data") : named).toAbsolutePath().normalize();
    // Commands look into ./data by themselves only if no other user can write there, whatever rights new files have.
    Files.createDirectories(home, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwxr-xr-x")));
    Optional<LocalCluster> before = named == null ? LocalCluster.find(home) : LocalCluster.read(home);
    if (before.map(LocalCluster::isRunning).orElse(false)) {
      throw new CommandFailedException("a cluster runs in " + home + " already; stop it by 'flotilla down" + dirOption()
          + "'");
    }
    boolean first = Files.notExists(home.resolve("admin-token"));
    Path key = home.resolve("cluster.key");
    if (!Files.exists(key)) {
      ClusterKey.generate().writeTo(key);
    }
    LocalProcesses processes = new LocalProcesses(home, basePort, count, detach);
    CountDownLatch interrupted = new CountDownLatch(1);
    CountDownLatch stopped = new CountDownLatch(1);
    Thread hook = Thread.ofPlatform().name("stop").unstarted(() -> {
      interrupted.countDown();
      processes.stop();
      stopped.countDown();
      Runtime.getRuntime().halt(0);
    });
    Runtime.getRuntime().addShutdownHook(hook);
    try {
      LocalCluster cluster = processes.start(first);
      cluster.write(home);
      AdminClient client = awaitConverged(processes, cluster, home);
      Optional<String> password = configure(client, home);
      print(client, cluster, home, password);
    } catch (IOException | RuntimeException e) {
      Runtime.getRuntime().removeShutdownHook(hook);
      processes.stop();
      throw e;
    }
    if (detach) {
      Runtime.getRuntime().removeShutdownHook(hook);
      return 0;
    }
    Optional<String> failure = processes.awaitAnyFailure(interrupted);
    if (interrupted.getCount() == 0) {
      stopped.await();
      return 0;
    }
    Runtime.getRuntime().removeShutdownHook(hook);
    processes.stop();
    if (failure.isPresent()) {
      throw new CommandFailedException(failure.get());
    }
    return 0;
  }

  private String dirOption() {
    return named == null ? "" : " --dir " + named;
  }

  private void checkOptions() {
    if (count < 1 || count > MAX_NODES) {
      throw new CommandFailedException("--nodes must be from 1 to " + MAX_NODES);
    }
    if (basePort < 1 || basePort > 65000) {
      throw new CommandFailedException("--base-port must be from 1 to 65000");
    }
  }

  private AdminClient awaitConverged(LocalProcesses processes, LocalCluster cluster, Path home)
      throws IOException, InterruptedException {
    long deadline = System.nanoTime() + PATIENCE.toNanos();
    Path formed = home.resolve("node-1").resolve("state").resolve("admin-token");
    Path token = home.resolve("admin-token");
    String last = "it did not start";
    while (System.nanoTime() < deadline) {
      processes.failIfEnded();
      if (Files.exists(formed)) {
        String text = Files.readString(formed).strip();
        if (!Files.exists(token) && !text.isEmpty()) {
          PrivateFile.write(token, text + "\n");
        }
        OwnedFile mine = OwnedFile.named(token).orElseThrow(() -> new CommandFailedException("the admin token " + token + " cannot be read"));
        try {
          AdminClient client = AdminClient.of(cluster.nodes().getFirst().admin(), mine, Optional.empty(), Set.of());
          AdminClient.Answer answer = client.send("GET", "/api/v1/cluster", Optional.empty());
          List<String> states = new ArrayList<>();
          StreamSupport.stream(answer.body().path("members").spliterator(), false)
              .filter(member -> !member.path("status").asText().equals("away")) // one that is not to be started this time
              .forEach(member -> states.add(member.path("name").asText() + " is " + member.path("state").asText() + reasons(member)));
          long done = states.stream().filter(state -> state.endsWith(" is converged")).count();
          boolean served = states.stream().allMatch(state -> state.contains(" is converged")
              || state.contains(" is degraded"));
          if (answer.isSuccess() && answer.body().path("version").asLong() > 0
              && (done == count || served && states.size() == count && isSettled(states))) {
            return client;
          }
          last = answer.isSuccess() ? String.join(", ", states) : answer.body().path("detail").asText();
        } catch (IOException notYet) {
          last = notYet.getMessage();
        }
      }
      TimeUnit.MILLISECONDS.sleep(100);
    }
    throw new CommandFailedException("the cluster did not converge within " + PATIENCE.toSeconds() + " s: " + last
        + "; the logs are in " + home);
  }

  private static String reasons(JsonNode member) {
    List<String> reasons = new ArrayList<>();
    member.path("reasons").forEach(reason -> reasons.add(reason.asText()));
    return reasons.isEmpty() ? "" : " (" + String.join("; ", reasons) + ")";
  }

  /** A degraded node has told why; it serves what it can, and waiting would not change that. */
  private static boolean isSettled(List<String> states) {
    return states.stream().filter(state -> state.contains(" is degraded")).allMatch(state -> state.contains("("));
  }

  /**
   * At the first start, one change: the demo user, whose password is shown once and kept nowhere, and FTP and HTTP beside SFTP. It is
   * forced, so that a port that is taken costs a listener and not the cluster.
   */
  private Optional<String> configure(AdminClient client, Path home) throws IOException {
    Path mark = home.resolve("demo-user-created");
    if (Files.exists(mark)) {
      return Optional.empty();
    }
    String password = randomPassword();
    ObjectNode change = EntityCodec.JSON.createObjectNode().put("comment", "the demo user, FTP and HTTP");
    ArrayNode operations = change.putArray("operations");
    put(operations, "users", DEMO).put("password", password);
    ArrayNode names = put(operations, "certificates", CERTIFICATE).putObject("selfSigned").putArray("names").add("localhost");
    IntStream.rangeClosed(1, count).forEach(k -> names.add("127.0.0." + k));
    putFtp(operations, "ftp", "explicit", FTP, 50);
    putFtp(operations, "ftps", "implicit", FTPS, 65);
    put(operations, "listeners", "http").put("protocol", "http").put("port", basePort + HTTP).putObject("http").put("tls", false);
    put(operations, "listeners", "https").put("protocol", "http").put("port", basePort + HTTPS).putObject("http")
        .put("certificate", CERTIFICATE);
    client.send("POST", "/api/v1/config/changes?wait=applied&force=true", Optional.of(change.toString())).orFail();
    Files.createFile(mark);
    return Optional.of(password);
  }

  private void putFtp(ArrayNode operations, String name, String tls, int port, int firstPassive) {
    put(operations, "listeners", name).put("protocol", "ftp").put("port", basePort + port).putObject("ftp")
        .put("tls", tls).put("certificate", CERTIFICATE)
        .put("passivePorts", basePort + firstPassive + "-" + (basePort + firstPassive + PASSIVE_PORTS - 1));
  }

  /** The entity's fields, to be filled. */
  private static ObjectNode put(ArrayNode operations, String kind, String name) {
    return operations.addObject().put("op", "put").put("kind", kind).put("name", name).putObject("value");
  }

  private static String randomPassword() {
    String letters = "abcdefghijkmnpqrstuvwxyz23456789";
    return new SecureRandom().ints(16, 0, letters.length())
        .mapToObj(i -> String.valueOf(letters.charAt(i))).collect(Collectors.joining());
  }

  private void print(AdminClient client, LocalCluster cluster, Path home, Optional<String> password) throws IOException {
    JsonNode status = client.send("GET", "/api/v1/cluster", Optional.empty()).orFail().body();
    List<List<String>> rows = new ArrayList<>();
    rows.add(List.of("NODE", "ADMIN", "SFTP", "FTP", "HTTPS", "CONFIGURATION", ""));
    for (LocalCluster.LocalNode node : cluster.nodes()) {
      JsonNode member = find(status, node.name());
      String host = node.sftp().substring(0, node.sftp().lastIndexOf(':'));
      rows.add(List.of(node.name(), node.admin(), node.sftp(), host + ":" + (basePort + FTP), host + ":" + (basePort + HTTPS), "version " + member.path("version").asText(),
          member.path("state").asText() + reasons(member)));
    }
    LocalCluster.LocalNode last = cluster.nodes().getLast();
    int colon = last.sftp().lastIndexOf(':');
    String dir = dirOption();
    System.out.println(Table.of(rows));
    webPage(client.send("GET", "/api/v1/config/listeners?limit=1000", Optional.empty()).orFail().body(), cluster)
        .ifPresent(url -> System.out.println("The web page for users is at " + url));
    System.out.println("The admin token is in " + home.resolve("admin-token") + ", logs and files are beside it.");
    System.out.println(password
        .map(text -> "User " + DEMO + " has the password " + text + " (shown only now).")
        .orElse("User " + DEMO + " has the password that was shown at the first start."));
    System.out.println("\nTry:");
    System.out.println("  sftp -P " + last.sftp().substring(colon + 1) + " " + DEMO + "@" + last.sftp().substring(0, colon));
    System.out.println("  ./flotilla user add alice" + dir);
    System.out.println("  ./flotilla status" + dir);
    System.out.println();
    System.out.println(detach ? "Stop it with: ./flotilla down" + dir : "Stop it with Ctrl-C.");
  }

  /** By TLS rather than in clear; nothing if no listener has it, since what the first start has configured may have been changed. */
  private static Optional<String> webPage(JsonNode listeners, LocalCluster cluster) {
    LocalCluster.LocalNode node = cluster.nodes().getFirst();
    String host = node.sftp().substring(0, node.sftp().lastIndexOf(':'));
    return StreamSupport.stream(listeners.path("items").spliterator(), false)
        .filter(listener -> listener.path("protocol").asText().equals("http") && listener.path("enabled").asBoolean()
            && listener.at("/http/webClient").asBoolean() && isServedBy(node.name(), listener.path("nodes")))
        .min(Comparator.comparing(listener -> !listener.at("/http/tls").asBoolean()))
        .map(listener -> (listener.at("/http/tls").asBoolean() ? "https://" : "http://")
            + address(listener.path("address").asText(""), host) + ":" + listener.path("port").asInt() + "/");
  }

  private static String address(String configured, String otherwise) {
    boolean isAny = configured.isEmpty() || configured.equals("0.0.0.0") || configured.equals("::");
    return isAny ? otherwise : configured.contains(":") ? "[" + configured + "]" : configured;
  }

  /** Nodes of a local cluster have all roles. */
  private static boolean isServedBy(String node, JsonNode selectors) {
    return StreamSupport.stream(selectors.spliterator(), false).map(JsonNode::asText)
        .anyMatch(selector -> selector.equals("*") || selector.equals(node) || selector.startsWith("role:"));
  }

  private static JsonNode find(JsonNode status, String name) {
    return IntStream.range(0, status.path("members").size()).mapToObj(i -> status.path("members").get(i))
        .filter(member -> member.path("name").asText().equals(name)).findFirst()
        .orElse(EntityCodec.JSON.createObjectNode());
  }

  static List<String> javaCommand(String options) {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.add("@" + System.getProperty("flotilla.jvm.options"));
    command.addAll(java.util.Arrays.stream(options.split(" ")).filter(option -> !option.isEmpty()).toList());
    command.add("-cp");
    command.add(System.getProperty("java.class.path"));
    command.add("-Dflotilla.jvm.options=" + System.getProperty("flotilla.jvm.options"));
    command.add(FlotillaCommand.class.getName());
    command.add("node");
    return command;
  }

  static File logFile(Path home, String node) {
    return home.resolve(node).resolve("node.log").toFile();
  }
}
