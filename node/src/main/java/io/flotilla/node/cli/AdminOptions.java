package io.flotilla.node.cli;

import com.sun.security.auth.module.UnixSystem;
import com.typesafe.config.ConfigFactory;
import io.flotilla.http.admin.AdminCertificate;
import io.flotilla.node.NodeSettings;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermission;
import java.util.Optional;
import java.util.Set;
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
    Path local = directory == null ? withoutLinks(working.resolve("data")) : directory;
    if (server != null) {
      return AdminClient.of(server, tokenFile == null ? local.resolve("admin-token") : tokenFile, Optional.ofNullable(fingerprint));
    }
    // Anybody can leave a ./data in a directory such as /tmp, and would be sent the token.
    boolean isStrange = directory == null && Files.exists(LocalCluster.file(local)) && !isMine(local);
    Optional<LocalCluster> cluster = isStrange ? Optional.empty() : LocalCluster.read(local);
    Optional<String> url = cluster
        .flatMap(found -> found.nodes().stream().filter(node -> node.process().isPresent()).findFirst())
        .map(LocalCluster.LocalNode::admin);
    if (url.isEmpty() && directory == null && Files.exists(nodeConfig)) {
      return ofThisMachine();
    }
    return AdminClient.of(
        url.orElseThrow(() -> new CommandFailedException(isStrange
            ? "the local cluster in " + local + " belongs to another user, or others can write there; if you trust it, name it by --dir"
            : "no local cluster runs in " + local + "; name a server by --server, or start one by 'flotilla up'")),
        tokenFile == null ? local.resolve("admin-token") : tokenFile, Optional.ofNullable(fingerprint));
  }

  /** So that whoever made a link can't lead it elsewhere after it was looked at. */
  private static Path withoutLinks(Path path) throws IOException {
    return Files.isSymbolicLink(path) && Files.exists(path) ? path.toRealPath() : path;
  }

  /** Whether nobody but this process's user says what is in the directory and in the file there that names the cluster. */
  private static boolean isMine(Path directory) throws IOException {
    int self = Math.toIntExact(new UnixSystem().getUid());
    for (Path path : new Path[] {directory, LocalCluster.file(directory)}) {
      if (!Files.getAttribute(path, "unix:uid").equals(self)
          || Files.getPosixFilePermissions(path).contains(PosixFilePermission.OTHERS_WRITE)) {
        return false;
      }
    }
    return true;
  }

  private AdminClient ofThisMachine() throws IOException {
    NodeSettings settings = NodeSettings.read(Optional.of(nodeConfig), ConfigFactory.empty(), false, Optional.empty());
    boolean isClear = InetAddress.getByName(settings.admin().host()).isLoopbackAddress();
    Path data = settings.dataDirectory();
    Optional<String> expected = isClear ? Optional.ofNullable(fingerprint)
        : Optional.of(fingerprint == null ? AdminCertificate.fingerprintIn(data) : fingerprint);
    if (isClear) {
      requireNode(new InetSocketAddress(settings.admin().host(), settings.admin().port()), data);
    }
    return AdminClient.of((isClear ? "http://" : "https://") + settings.admin(),
        tokenFile == null ? data.resolve("admin-token") : tokenFile, expected);
  }

  /** In clear nothing proves who answers. While the node is stopped, another user may have taken its port. */
  private static void requireNode(InetSocketAddress admin, Path data) throws IOException {
    int owner = owner(data.toAbsolutePath());
    Set<Integer> users = ListeningUsers.at(admin).orElse(Set.of(owner));
    if (users.isEmpty()) {
      throw new CommandFailedException("nothing listens at " + admin.getHostString() + ":" + admin.getPort()
          + ", the admin address of this machine's node; is it running? Right after its start that takes some seconds");
    }
    if (!users.stream().allMatch(user -> user == owner || user == 0)) {
      throw new CommandFailedException("who listens at " + admin.getHostString() + ":" + admin.getPort() + " is not this machine's node: its files belong "
          + "to the user with the id " + owner + ", that port to " + users + "; nothing was sent there. Find out by 'ss -ltnp' who it is");
    }
  }

  /** Who runs the node; who may not look into its directory is told by the one around it. */
  private static int owner(Path path) throws IOException {
    for (Path at = path; at.getParent() != null; at = at.getParent()) {
      try {
        return (Integer) Files.getAttribute(at, "unix:uid");
      } catch (AccessDeniedException | NoSuchFileException e) {
        continue;
      }
    }
    return 0;
  }
}
