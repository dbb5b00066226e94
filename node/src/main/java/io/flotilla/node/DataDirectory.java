package io.flotilla.node;

import io.flotilla.config.model.PrivateFile;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.Optional;
import java.util.UUID;

/**
 * A node's data directory: its permanent node id, the cluster's id and key, the admin token of a forming node, and the
 * places of the journal and the boot cache. Held by one process at a time.
 */
public final class DataDirectory implements AutoCloseable {
  private final Path directory;
  private final FileChannel lockFile;
  private final FileLock lock;
  private final UUID nodeId;

  private DataDirectory(Path directory, FileChannel lockFile, FileLock lock, UUID nodeId) {
    this.directory = directory;
    this.lockFile = lockFile;
    this.lock = lock;
    this.nodeId = nodeId;
  }

  /** Opens and locks the directory, making it if needed; the exception's message tells the operator what is wrong. */
  public static DataDirectory open(Path directory) throws IOException {
    FileChannel channel;
    try {
      Files.createDirectories(directory,
          PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
      channel = FileChannel.open(directory.resolve("lock"), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
    } catch (FileAlreadyExistsException e) {
      throw new IOException("the data directory " + directory + " is not a directory", e);
    } catch (IOException e) {
      throw new IOException("the data directory " + directory + " cannot be written (" + e
          + "); make it writable for the user this node runs as, or set flotilla.data-directory", e);
    }
    FileLock lock;
    try {
      lock = channel.tryLock();
    } catch (OverlappingFileLockException e) {
      lock = null;
    }
    if (lock == null) {
      channel.close();
      throw new IOException("another process uses the data directory " + directory + "; each node needs one of its own");
    }
    Path idFile = directory.resolve("node-id");
    if (!Files.exists(idFile)) {
      PrivateFile.write(idFile, UUID.randomUUID().toString() + "\n");
    }
    return new DataDirectory(directory, channel, lock, readUuid(idFile));
  }

  public UUID nodeId() {
    return nodeId;
  }

  public Optional<UUID> clusterId() throws IOException {
    Path file = directory.resolve("cluster-id");
    return Files.exists(file) ? Optional.of(readUuid(file)) : Optional.empty();
  }

  public void keepClusterId(UUID clusterId) throws IOException {
    PrivateFile.write(directory.resolve("cluster-id"), clusterId + "\n");
  }

  /** Remembers a cluster that others formed: its first configuration is not this node's to make, whatever it was told before. */
  public void keepJoined(UUID clusterId) throws IOException {
    keepInitialized();
    keepClusterId(clusterId);
  }

  /** Where voters were last seen, to be asked when no seed node answers; perhaps old, perhaps none. */
  public List<String> lastVoters() throws IOException {
    Path file = directory.resolve("voters");
    return Files.exists(file) ? Files.readAllLines(file).stream().filter(line -> !line.isBlank()).toList() : List.of();
  }

  public void keepLastVoters(List<String> raftAddresses) throws IOException {
    PrivateFile.write(directory.resolve("voters"), String.join("\n", raftAddresses) + "\n");
  }

  /** Remembers what the cluster that was joined told as its seed nodes, for a node that was told none by its settings. */
  public void keepSeedNodes(List<String> addresses) throws IOException {
    PrivateFile.write(seedNodesFile(directory), String.join("\n", addresses) + "\n");
  }

  /**
   * What the cluster told that was joined from a data directory; nothing if none was. The directory needs not to be held.
   *
   * @throws NodeSettings.InvalidSettingException if the file can't be used: a node that has joined must not form a cluster of its own
   */
  static List<String> joinedSeedNodes(Path directory) {
    if (!Files.exists(seedNodesFile(directory))) {
      return List.of();
    }
    try {
      List<String> seedNodes = Files.readAllLines(seedNodesFile(directory)).stream().filter(line -> !line.isBlank()).toList();
      if (seedNodes.isEmpty()) {
        throw new NodeSettings.InvalidSettingException("the file " + seedNodesFile(directory) + " is empty; set flotilla.seed-nodes");
      }
      return seedNodes;
    } catch (IOException e) {
      throw new NodeSettings.InvalidSettingException("the file " + seedNodesFile(directory) + " cannot be read (" + e
          + "); set flotilla.seed-nodes");
    }
  }

  private static Path seedNodesFile(Path directory) {
    return directory.resolve("seed-nodes");
  }

  public Path clusterKeyFile() {
    return directory.resolve("cluster.key");
  }

  public Path adminTokenFile() {
    return directory.resolve("admin-token");
  }

  /** Whether the first configuration was committed, or has been seen; never again, once true. */
  public boolean isInitialized() {
    return Files.exists(directory.resolve("initialized"));
  }

  public void keepInitialized() throws IOException {
    PrivateFile.write(directory.resolve("initialized"), "");
  }

  public Path bootCacheFile() {
    return directory.resolve("boot-cache");
  }

  /** What has to be known of recent changes at a start. */
  public Path recentChangesFile() {
    return directory.resolve("recent-changes");
  }

  public Path raftDirectory() {
    return directory.resolve("raft");
  }

  public Path path() {
    return directory;
  }

  @Override
  public void close() throws IOException {
    lock.release();
    lockFile.close();
  }

  private static UUID readUuid(Path file) throws IOException {
    try {
      return UUID.fromString(Files.readString(file).strip());
    } catch (IllegalArgumentException e) {
      throw new IOException(file + " does not hold an id; restore it from a backup", e);
    }
  }
}
