package io.flotilla.node.cli;

import com.typesafe.config.Config;
import com.typesafe.config.ConfigFactory;
import io.flotilla.node.JoinClient;
import io.flotilla.node.Node;
import io.flotilla.node.NodeSettings;
import io.flotilla.node.cluster.LoneRecovery;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.atomic.AtomicInteger;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/**
 * Runs one node in the foreground until it is told to stop (SIGTERM or Ctrl-C) or to leave, which ends with status 0, or to restart. With
 * {@code --recover-alone} it runs none, but makes the node's data directory that of the only voter.
 */
@Command(name = "node", description = "Runs one node in the foreground, or has a running one let its clients go.",
    mixinStandardHelpOptions = true)
final class NodeCommand implements Callable<Integer> {
  /** EX_CONFIG of sysexits.h. The JVM ends with statuses of its own: 1, 3 when memory has run out, 128 and more by signals. */
  private static final int REFUSED_STATUS = 78;

  @Option(names = "--name", description = "The node's name, unique in the cluster.")
  private String name;

  @Option(names = "--roles", split = ",", description = "gateway, primary, voter; default by the seed nodes.")
  private List<String> roles;

  @Option(names = "--bind", paramLabel = "HOST:PORT", description = "The address other nodes reach this node at.")
  private String bind;

  @Option(names = "--seed-nodes", split = ",", paramLabel = "HOST:PORT",
      description = "Addresses of the nodes to ask for the cluster; the same list on every node.")
  private List<String> seedNodes;

  @Option(names = "--form", description = "Forms a new cluster if the data directory is empty.")
  private boolean form;

  @Option(names = "--cluster-key", paramLabel = "FILE", description = "The cluster's key, copied from one of its nodes.")
  private Path clusterKey;

  @Option(names = "--join-token", paramLabel = "TOKEN", description = "Joins the cluster that made the token, if the data directory is "
      + "empty; then --cluster-key and --seed-nodes are not needed.")
  private String joinToken;

  @Option(names = "--join-token-file", paramLabel = "FILE", description = "The same, with the token in a file: other users of this machine "
      + "can see command lines.")
  private Path joinTokenFile;

  @Option(names = "--recover-alone", description = "When a majority of the voters' disks is lost: shows what this node, which must "
      + "not run, can go on from, asks, and makes it the only voter. Then start it without this option.")
  private boolean recoverAlone;

  @Option(names = "--yes", description = "With --recover-alone: does not ask.")
  private boolean yes;

  @Option(names = "--admin", paramLabel = "HOST:PORT", description = "Where the admin API listens.")
  private String admin;

  @Option(names = "--data", paramLabel = "DIR", description = "The node's data directory.")
  private Path data;

  @Option(names = "--config", paramLabel = "FILE", description = "Settings over those of application.conf.")
  private Path config;

  @Option(names = "--set", paramLabel = "PATH=VALUE", description = "Sets any setting of application.conf.")
  private Map<String, String> set = new HashMap<>();

  @Command(name = "drain", description = "Closes the listeners of a node; what is being transferred may go on until the deadline.",
      mixinStandardHelpOptions = true)
  int drain(@Mixin AdminOptions options, @Parameters(paramLabel = "NODE") String node, @Mixin Deadline deadline,
      @Option(names = "--wait", description = "Returns when no client is left, and shows who is until then.") boolean wait)
      throws IOException, InterruptedException {
    NodeOrders orders = new NodeOrders(options);
    int status = orders.give(node, "drain", deadline.query());
    return wait ? orders.awaitDrained(node) : status;
  }

  @Command(name = "resume", description = "Opens the listeners of a node that is drained.", mixinStandardHelpOptions = true)
  int resume(@Mixin AdminOptions options, @Parameters(paramLabel = "NODE") String node) throws IOException {
    return new NodeOrders(options).give(node, "resume", List.of());
  }

  @Command(name = "leave", description = "Drains a node, has it leave the cluster, and end.", mixinStandardHelpOptions = true)
  int leave(@Mixin AdminOptions options, @Parameters(paramLabel = "NODE") String node, @Mixin Deadline deadline,
      @Option(names = "--keep-vote", description = "Lets a voter leave though its vote stays.") boolean keepVote) throws IOException {
    List<String> query = new ArrayList<>(deadline.query());
    query.addAll(keepVote ? List.of("keepVote=true") : List.of());
    return new NodeOrders(options).give(node, "leave", query);
  }

  @Command(name = "restart", description = "Drains a node, and has what supervises it start it again.", mixinStandardHelpOptions = true)
  int restart(@Mixin AdminOptions options, @Parameters(paramLabel = "NODE") String node, @Mixin Deadline deadline) throws IOException {
    return new NodeOrders(options).give(node, "restart", deadline.query());
  }

  /** Of orders that let clients go. */
  static final class Deadline {
    @Option(names = "--deadline", paramLabel = "TIME", description = "When the clients that are left are ended, such as 30s or 10m; "
        + "default: the node's setting flotilla.drain-deadline.")
    private String text;

    List<String> query() {
      return text == null ? List.of() : List.of("deadline=" + AdminClient.encode(text));
    }
  }

  @Override
  public Integer call() throws IOException, InterruptedException {
    if (recoverAlone) {
      recoverAlone();
      return 0;
    }
    CompletableFuture<Node> started = new CompletableFuture<>();
    CountDownLatch stopped = new CountDownLatch(1);
    AtomicInteger status = new AtomicInteger();
    // The JVM would end with status 143 on SIGTERM; a node that was told to stop and did ends with 0, also on its way up.
    Thread hook = Thread.ofPlatform().name("stop").unstarted(() -> {
      try {
        started.thenAccept(Node::stop).exceptionally(notStarted -> null).join();
      } finally {
        stopped.countDown();
        Runtime.getRuntime().halt(status.get());
      }
    });
    Runtime.getRuntime().addShutdownHook(hook);
    try {
      Node node = start();
      started.complete(node);
      Node.End end = node.end().get();
      status.set(switch (end) {
        case Node.Refused refused -> {
          System.err.println("flotilla: the cluster refused this node: " + refused.reason());
          yield REFUSED_STATUS;
        }
        case Node.Asked asked -> asked.status();
      });
      node.stop(); // a signal that comes meanwhile waits for it
      if (!isToldToStop(hook)) {
        return status.get();
      }
    } catch (IOException | RuntimeException e) {
      started.completeExceptionally(e);
      if (!isToldToStop(hook)) {
        throw e;
      }
    } catch (ExecutionException e) {
      throw new IOException(e.getCause());
    }
    stopped.await();
    return status.get();
  }

  private Node start() throws IOException {
    if (joinToken != null || joinTokenFile != null) {
      if (form || clusterKey != null || joinToken != null && joinTokenFile != null) {
        throw new CommandFailedException("a join token brings the key of a cluster that is there: leave --form and --cluster-key out, and give one");
      }
      JoinClient.join(settings(), joinToken != null ? joinToken : Files.readString(joinTokenFile), Clock.systemUTC());
    }
    return Node.start(settings());
  }

  private NodeSettings settings() {
    NodeSettings settings = NodeSettings.read(
        Optional.ofNullable(config), commandLine(), form, Optional.ofNullable(clusterKey));
    Node.configureLogging(settings);
    return settings;
  }

  private void recoverAlone() throws IOException {
    if (form) {
      throw new CommandFailedException("--form makes a new cluster, --recover-alone goes on with one: give one of both");
    }
    try (LoneRecovery recovery = LoneRecovery.prepare(settings())) {
      recovery.report().forEach(System.out::println);
      if (!yes) {
        Confirmation.ask("Go on alone with this?", "--yes");
      }
      System.out.println("The cluster goes on as " + recovery.begin() + ", with this node as its only voter. Start the node now, "
          + "without --recover-alone, and then the others.");
    } catch (LoneRecovery.RefusedException e) {
      throw new CommandFailedException("nothing was changed: " + e.getMessage());
    }
  }

  /** Whether SIGTERM has come; if not, the hook is removed, so that the command's own status counts. */
  private static boolean isToldToStop(Thread hook) {
    try {
      Runtime.getRuntime().removeShutdownHook(hook);
      return false;
    } catch (IllegalStateException stopping) {
      return true;
    }
  }

  private Config commandLine() {
    Map<String, Object> values = new HashMap<>();
    Optional.ofNullable(name).ifPresent(value -> values.put("flotilla.name", value));
    Optional.ofNullable(roles).ifPresent(value -> values.put("flotilla.roles", value));
    Optional.ofNullable(bind).ifPresent(value -> values.put("flotilla.bind", value));
    Optional.ofNullable(seedNodes).ifPresent(value -> values.put("flotilla.seed-nodes", value));
    Optional.ofNullable(admin).ifPresent(value -> values.put("flotilla.admin.address", value));
    Optional.ofNullable(data).ifPresent(value -> values.put("flotilla.data-directory", value.toString()));
    values.putAll(set);
    return ConfigFactory.parseMap(values, "the command line");
  }
}
