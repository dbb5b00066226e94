package io.flotilla.node.cli;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Optional;
import picocli.CommandLine.Option;

/** Where the admin API is and who asks; the defaults find a local cluster that {@code up} started. */
final class AdminOptions {
  @Option(names = "--server", paramLabel = "URL", description = "A node's admin address; default: the local cluster.")
  private String server;

  @Option(names = "--token-file", paramLabel = "FILE", description = "The admin token; default: the local cluster's.")
  private Path tokenFile;

  @Option(names = "--dir", paramLabel = "DIR", description = "Directory of the local cluster; default: ./data.")
  private Path directory = Path.of("data");

  @Option(names = "--output", paramLabel = "FORMAT", description = "table or json; default: table.")
  private Output output = Output.table;

  enum Output { table, json }

  boolean isJson() {
    return output == Output.json;
  }

  AdminClient client() throws IOException {
    String url = server;
    if (url == null) {
      Optional<LocalCluster> local = LocalCluster.read(directory);
      url = local.flatMap(cluster -> cluster.nodes().stream().filter(node -> node.process().isPresent()).findFirst())
          .map(node -> node.admin())
          .orElseThrow(() -> new CommandFailedException(
              "no local cluster runs in " + directory + "; name a server by --server, or start one by 'flotilla up'"));
    }
    return AdminClient.of(url, tokenFile == null ? directory.resolve("admin-token") : tokenFile);
  }
}
