package io.flotilla.node.cli;

import com.typesafe.config.Config;
import com.typesafe.config.ConfigFactory;
import io.flotilla.node.Node;
import io.flotilla.node.NodeSettings;
import java.io.IOException;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** Runs one node in the foreground until it is told to stop (SIGTERM or Ctrl-C), which ends with status 0. */
@Command(name = "node", description = "Runs one node in the foreground.", mixinStandardHelpOptions = true)
final class NodeCommand implements Callable<Integer> {
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

  @Option(names = "--admin", paramLabel = "HOST:PORT", description = "Where the admin API listens.")
  private String admin;

  @Option(names = "--data", paramLabel = "DIR", description = "The node's data directory.")
  private Path data;

  @Option(names = "--config", paramLabel = "FILE", description = "Settings over those of application.conf.")
  private Path config;

  @Option(names = "--set", paramLabel = "PATH=VALUE", description = "Sets any setting of application.conf.")
  private Map<String, String> set = new HashMap<>();

  @Override
  public Integer call() throws IOException, InterruptedException {
    NodeSettings settings = NodeSettings.read(
        Optional.ofNullable(config), commandLine(), form, Optional.ofNullable(clusterKey));
    Node.configureLogging(settings);
    Node node = Node.start(settings);
    CountDownLatch stopped = new CountDownLatch(1);
    // The JVM would end with status 143 on SIGTERM; a node that was told to stop and did ends with 0.
    Thread hook = Thread.ofPlatform().name("stop").unstarted(() -> {
      try {
        node.stop();
      } finally {
        stopped.countDown();
        Runtime.getRuntime().halt(0);
      }
    });
    Runtime.getRuntime().addShutdownHook(hook);
    try {
      String reason = node.refused().get();
      Runtime.getRuntime().removeShutdownHook(hook);
      System.err.println("flotilla: the cluster refused this node: " + reason);
      node.stop();
      return 3;
    } catch (ExecutionException e) {
      throw new IOException(e.getCause());
    } catch (IllegalStateException alreadyStopping) {
      stopped.await();
      return 0;
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
