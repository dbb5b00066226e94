package io.flotilla.node;

import com.typesafe.config.Config;
import com.typesafe.config.ConfigException;
import com.typesafe.config.ConfigFactory;
import com.typesafe.config.ConfigParseOptions;
import io.flotilla.config.model.EntityKey;
import io.flotilla.config.view.NodeIdentity;
import io.flotilla.journal.postgresql.DatabaseSettings;
import io.flotilla.node.streams.NodeStreams;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * One node's own settings: what application.conf and the command line say, checked.
 *
 * @param clusterTls whether remoting and Raft are under TLS
 * @param supervised whether something starts the node again when it ends with the status for that
 */
public record NodeSettings(
    String name,
    Path dataDirectory,
    HostPort bind,
    List<HostPort> seedNodes,
    Set<String> roles,
    boolean form,
    Optional<Path> clusterKeyFile,
    HostPort admin,
    long maxBodyBytes,
    long maxImportBytes,
    long httpLeastRate,
    int raftPort,
    boolean clusterTls,
    Duration drainDeadline,
    Duration stopDeadline,
    int agentPort,
    boolean supervised,
    Initial initial,
    Primary primary,
    Optional<DatabaseSettings> database,
    Config config) {

  private static final Set<String> ROLES = Set.of(NodeIdentity.GATEWAY, NodeIdentity.PRIMARY, NodeIdentity.VOTER);

  /** The first configuration of a cluster this node forms. */
  public record Initial(int sftpPort, String storagePath, boolean storageShared) {}

  /**
   * @param snapshotEvery changes between two snapshots of the journal
   * @param snapshotBytes of changes between two snapshots, at most about so many
   */
  public record Primary(Duration headInterval, int snapshotEvery, long snapshotBytes) {}

  /** A setting that can't be used; the message says which and why. */
  public static final class InvalidSettingException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    public InvalidSettingException(String message) {
      super(message);
    }
  }

  /**
   * Reads the settings.
   *
   * @param file the operator's file, over the packaged application.conf
   * @param commandLine what the command line sets, as configuration paths
   */
  public static NodeSettings read(Optional<Path> file, Config commandLine, boolean form, Optional<Path> clusterKeyFile) {
    Config operator = file.map(path -> {
      if (!Files.isReadable(path)) {
        throw new InvalidSettingException("the settings file " + path + " cannot be read");
      }
      try {
        return ConfigFactory.parseFile(path.toFile());
      } catch (ConfigException e) {
        throw new InvalidSettingException("the settings file cannot be used: " + e.getMessage());
      }
    }).orElse(ConfigFactory.empty());
    Config config = commandLine
        .withFallback(operator)
        .withFallback(ConfigFactory.parseResources("application.conf"));
    try {
      return read(ConfigFactory.load(config.withFallback(ConfigFactory.parseResources("cluster.conf"))), form, clusterKeyFile);
    } catch (ConfigException e) {
      throw new InvalidSettingException("a setting cannot be used: " + e.getMessage());
    }
  }

  /** The settings of the local actor system. */
  public static Config localSystem() {
    return ConfigFactory.load(ConfigFactory.parseResources(
        "local.conf", ConfigParseOptions.defaults().setAllowMissing(false)));
  }

  private static NodeSettings read(Config root, boolean form, Optional<Path> clusterKeyFile) {
    Config flotilla = root.getConfig("flotilla");
    String name = flotilla.getString("name");
    EntityKey.problemWithName(name).ifPresent(problem -> {
      throw new InvalidSettingException("flotilla.name: " + problem);
    });
    HostPort bind = HostPort.parse("flotilla.bind", flotilla.getString("bind"));
    within(1, 65535 - NodeStreams.OFFSET, "bind's port", bind.port());
    Path dataDirectory = Path.of(flotilla.getString("data-directory")).toAbsolutePath().normalize();
    List<String> seedNodes = flotilla.getStringList("seed-nodes");
    List<HostPort> seeds = (seedNodes.isEmpty() ? DataDirectory.joinedSeedNodes(dataDirectory) : seedNodes).stream()
        .map(text -> HostPort.parse("flotilla.seed-nodes", text)).toList();
    int raftPort = flotilla.getInt("raft.port");
    Optional<DatabaseSettings> database = database(flotilla.getConfig("journal"));
    return new NodeSettings(
        name,
        dataDirectory,
        bind,
        seeds,
        roles(flotilla.getStringList("roles"), bind, seeds, form, database.isPresent()),
        form,
        clusterKeyFile,
        HostPort.parse("flotilla.admin.address", flotilla.getString("admin.address")),
        flotilla.getBytes("admin.max-body"),
        flotilla.getBytes("admin.max-import"),
        within(0, 1L << 30, "http.least-rate", flotilla.getBytes("http.least-rate")),
        raftPort == 0 ? bind.port() + 1 : raftPort,
        clusterTls(bind, flotilla.getString("cluster-tls")),
        flotilla.getDuration("drain-deadline"),
        flotilla.getDuration("stop-deadline"),
        agentPort(bind, flotilla.getInt("agent.port")),
        flotilla.getBoolean("supervised"),
        new Initial(
            flotilla.getInt("initial.sftp-port"),
            flotilla.getString("initial.storage-path"),
            flotilla.getBoolean("initial.storage-shared")),
        new Primary(
            flotilla.getDuration("primary.head-interval"),
            Math.toIntExact(within(1, Integer.MAX_VALUE, "primary.snapshot-every", flotilla.getLong("primary.snapshot-every"))),
            within(64 << 10, 1L << 30, "primary.snapshot-bytes", flotilla.getBytes("primary.snapshot-bytes"))),
        database,
        root);
  }

  private static boolean clusterTls(HostPort bind, String value) {
    return switch (value) {
      case "on", "true" -> true;
      case "off", "false" -> false;
      case "auto" -> !isLoopback(bind.host());
      default -> throw new InvalidSettingException("flotilla.cluster-tls: '" + value + "' is not known; it is auto, on or off");
    };
  }

  /** A name that can't be resolved now is not one of this machine alone. */
  private static boolean isLoopback(String host) {
    try {
      return InetAddress.getByName(host).isLoopbackAddress();
    } catch (UnknownHostException e) {
      return false;
    }
  }

  /** After remoting come Raft and the streams between nodes. */
  private static int agentPort(HostPort bind, int port) {
    return (int) within(1, 65535, "agent.port", port == 0 ? bind.port() + 3 : port);
  }

  private static long within(long least, long most, String setting, long value) {
    if (value < least || value > most) {
      throw new InvalidSettingException("flotilla." + setting + " must be " + least + " to " + most + ", not " + value);
    }
    return value;
  }

  /** Where the journal is, if it is in a database. */
  private static Optional<DatabaseSettings> database(Config journal) {
    String engine = journal.getString("engine");
    try {
      return switch (engine) {
        case "embedded" -> Optional.empty();
        case "postgresql" -> Optional.of(DatabaseSettings.from(journal.getConfig("postgresql")));
        default -> throw new InvalidSettingException(
            "flotilla.journal.engine: '" + engine + "' is not known; it is embedded or postgresql");
      };
    } catch (IllegalArgumentException e) {
      throw new InvalidSettingException(e.getMessage());
    }
  }

  private static Set<String> roles(
      List<String> wanted, HostPort bind, List<HostPort> seeds, boolean form, boolean inDatabase) {
    Set<String> roles = new LinkedHashSet<>(wanted);
    roles.stream().filter(role -> !ROLES.contains(role)).findFirst().ifPresent(role -> {
      throw new InvalidSettingException("flotilla.roles: '" + role + "' is not a role; known are gateway, primary, voter");
    });
    if (inDatabase && roles.contains(NodeIdentity.VOTER)) {
      throw new InvalidSettingException("flotilla.roles: there is no voter where flotilla.journal.engine is postgresql; "
          + "leave that role out");
    }
    if (!roles.isEmpty()) {
      return Set.copyOf(roles);
    }
    if (!form && !seeds.isEmpty() && !seeds.contains(bind)) {
      return Set.of(NodeIdentity.GATEWAY);
    }
    return inDatabase ? Set.of(NodeIdentity.GATEWAY, NodeIdentity.PRIMARY) : ROLES;
  }

  /** Whether this node may found a cluster when its data directory is empty. */
  public boolean mayForm() {
    return form || seedNodes.isEmpty();
  }

  public boolean isVoter() {
    return roles.contains(NodeIdentity.VOTER);
  }
}
