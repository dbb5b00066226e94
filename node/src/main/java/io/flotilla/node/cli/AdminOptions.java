package io.flotilla.node.cli;

import com.typesafe.config.Config;
import com.typesafe.config.ConfigException;
import com.typesafe.config.ConfigFactory;
import io.flotilla.http.admin.AdminCertificate;
import io.flotilla.node.NodeSettings;
import java.io.IOException;
import java.net.InetAddress;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.UserPrincipal;
import java.util.Optional;
import java.util.Set;
import picocli.CommandLine.Option;

/**
 * Where the admin API is and who asks; the defaults find a local cluster that {@code up} started, or else the node that the package has
 * installed on this machine.
 */
final class AdminOptions {
  private static final String TOKEN = "admin-token";
  private static final String DATA = "flotilla.data-directory";

  @Option(names = "--server", paramLabel = "URL", description = "A node's admin address; default: the local cluster, or this machine's node.")
  private String server;

  @Option(names = "--fingerprint", paramLabel = "SHA-256", description = "Of the certificate there, as that node's log tells it; "
      + "default: that of this machine's node, or whatever Java trusts.")
  private String fingerprint;

  @Option(names = "--token-file", paramLabel = "FILE", description = "The admin token; default: the local cluster's, or that of the node that "
      + "has formed the cluster, on its machine.")
  private Path tokenFile;

  @Option(names = "--dir", paramLabel = "DIR", description = "Directory of the local cluster; default: ./data, if it is yours.")
  private Path directory;

  @Option(names = "--node-config", paramLabel = "FILE", description = "The settings of this machine's node, which is asked if no local "
      + "cluster runs; default: ${DEFAULT-VALUE}.")
  private Path nodeConfig = Path.of("/etc/flotilla/node.conf");

  @Option(names = "--output", paramLabel = "FORMAT", description = "table or json; default: table.")
  private Output output = Output.table;

  private final Path working;

  AdminOptions() {
    this(Path.of(""));
  }

  /** @param working where ./data is */
  AdminOptions(Path working) {
    this.working = working;
  }

  enum Output { table, json }

  boolean isJson() {
    return output == Output.json;
  }

  AdminClient client() throws IOException {
    if (server != null) {
      OwnedFile token = tokenFile == null ? localToken() : named(tokenFile);
      return AdminClient.of(server, token, Optional.ofNullable(fingerprint), nodeUser());
    }
    boolean hasNode = directory == null && Files.exists(nodeConfig);
    Optional<LocalCluster> cluster;
    try {
      cluster = directory == null ? LocalCluster.find(local()) : LocalCluster.read(directory);
    } catch (CommandFailedException e) {
      // Anybody can leave a ./data in a directory such as /tmp.
      if (hasNode) {
        return ofThisMachine();
      }
      throw e;
    }
    Optional<String> url = cluster
        .flatMap(found -> found.nodes().stream().filter(node -> node.process().isPresent()).findFirst())
        .map(LocalCluster.LocalNode::admin);
    if (url.isEmpty() && hasNode) {
      return ofThisMachine();
    }
    return AdminClient.of(
        url.orElseThrow(() -> new CommandFailedException(
            "no local cluster runs in " + local() + "; name a server by --server, or start one by 'flotilla up'")),
        tokenFile == null ? localToken() : named(tokenFile), Optional.ofNullable(fingerprint), Set.of());
  }

  private Path local() {
    return directory == null ? working.resolve("data") : directory;
  }

  private OwnedFile localToken() throws IOException {
    return directory == null ? OwnedFile.found(local(), TOKEN).orElseThrow(() -> unreadable(local().resolve(TOKEN))) : named(directory.resolve(TOKEN));
  }

  private static OwnedFile named(Path token) throws IOException {
    return OwnedFile.named(token).orElseThrow(() -> unreadable(token));
  }

  private static CommandFailedException unreadable(Path token) {
    return new CommandFailedException("the token file " + token + " cannot be read; name it by --token-file");
  }

  private AdminClient ofThisMachine() throws IOException {
    NodeSettings settings = NodeSettings.read(Optional.of(nodeConfig), ConfigFactory.empty(), false, Optional.empty());
    boolean isClear = InetAddress.getByName(settings.admin().host()).isLoopbackAddress();
    Path data = settings.dataDirectory();
    Optional<String> expected = isClear ? Optional.ofNullable(fingerprint)
        : Optional.of(fingerprint == null ? AdminCertificate.fingerprintIn(data) : fingerprint);
    OwnedFile token = tokenFile == null ? OwnedFile.ofNode(data, TOKEN).orElseThrow(() -> unreadable(data.resolve(TOKEN))) : named(tokenFile);
    return AdminClient.of((isClear ? "http://" : "https://") + settings.admin(), token, expected, Set.of(owner(data)));
  }

  /**
   * Who runs this machine's node, if its settings say where its data is: the token may be a copy that belongs to whoever asks. Without saying so
   * it would be in the working directory, and that may be anybody's.
   */
  private Set<UserPrincipal> nodeUser() throws IOException {
    if (!Files.isReadable(nodeConfig)) {
      return Set.of();
    }
    try {
      Config settings = ConfigFactory.parseFile(nodeConfig.toFile());
      Optional<Path> data = settings.hasPath(DATA) ? Optional.of(Path.of(settings.getString(DATA))).filter(Path::isAbsolute) : Optional.empty();
      return data.isPresent() ? Set.of(owner(data.get())) : Set.of();
    } catch (ConfigException e) {
      return Set.of();
    }
  }

  /** Whose a directory is; who may not look into it is told by the one around it. */
  private static UserPrincipal owner(Path path) throws IOException {
    for (Path at = path; at.getParent() != null; at = at.getParent()) {
      try {
        return Files.getOwner(at);
      } catch (AccessDeniedException | NoSuchFileException e) {
        continue;
      }
    }
    return LocalUsers.root();
  }
}
