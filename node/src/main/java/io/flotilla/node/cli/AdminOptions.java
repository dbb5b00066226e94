package io.flotilla.node.cli;

import com.typesafe.config.ConfigFactory;
import io.flotilla.http.admin.AdminCertificate;
import io.flotilla.node.NodeSettings;
import java.io.IOException;
import java.net.InetAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import picocli.CommandLine.Option;

/**
 * Where the admin API is and who asks; the defaults find a local cluster that {@code up} started, or else the node that the package has
 * installed on this machine.
 */
final class AdminOptions {
  @Option(names = "--server", paramLabel = "URL", description = "A node's admin address; default: the local cluster, or this machine's node.")
  private String server;

  @Option(names = "--fingerprint", paramLabel = "SHA-256", description = "Of the certificate there, as that node's log tells it; "
      + "default: that of this machine's node, or whatever Java trusts.")
  private String fingerprint;

  @Option(names = "--token-file", paramLabel = "FILE", description = "The admin token; default: the local cluster's, or that of the node that "
      + "has formed the cluster, on its machine.")
  private Path tokenFile;

  @Option(names = "--dir", paramLabel = "DIR", description = "Directory of the local cluster; default: ./data.")
  private Path directory;

  @Option(names = "--node-config", paramLabel = "FILE", description = "The settings of this machine's node, which is asked if no local "
      + "cluster runs; default: ${DEFAULT-VALUE}.")
  private Path nodeConfig = Path.of("/etc/flotilla/node.conf");

  @Option(names = "--output", paramLabel = "FORMAT", description = "table or json; default: table.")
  private Output output = Output.table;

  enum Output { table, json }

  boolean isJson() {
    return output == Output.json;
  }

  AdminClient client() throws IOException {
    Path local = directory == null ? Path.of("data") : directory;
    if (server != null) {
      return AdminClient.of(server, tokenFile == null ? local.resolve("admin-token") : tokenFile, Optional.ofNullable(fingerprint));
    }
    Optional<String> url = LocalCluster.read(local)
        .flatMap(cluster -> cluster.nodes().stream().filter(node -> node.process().isPresent()).findFirst())
        .map(LocalCluster.LocalNode::admin);
    if (url.isEmpty() && directory == null && Files.exists(nodeConfig)) {
      return ofThisMachine();
    }
    return AdminClient.of(
        url.orElseThrow(() -> new CommandFailedException(
            "no local cluster runs in " + local + "; name a server by --server, or start one by 'flotilla up'")),
        tokenFile == null ? local.resolve("admin-token") : tokenFile, Optional.ofNullable(fingerprint));
  }

  private AdminClient ofThisMachine() throws IOException {
    NodeSettings settings = NodeSettings.read(Optional.of(nodeConfig), ConfigFactory.empty(), false, Optional.empty());
    boolean isClear = InetAddress.getByName(settings.admin().host()).isLoopbackAddress();
    Path data = settings.dataDirectory();
    Optional<String> expected = isClear ? Optional.empty()
        : Optional.of(fingerprint == null ? AdminCertificate.fingerprintIn(data) : fingerprint);
    return AdminClient.of((isClear ? "http://" : "https://") + settings.admin(),
        tokenFile == null ? data.resolve("admin-token") : tokenFile, expected);
  }
}
