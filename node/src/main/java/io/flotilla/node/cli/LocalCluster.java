package io.flotilla.node.cli;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.flotilla.config.model.PrivateFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.Optional;

/**
 * What {@code up} left in its directory about the nodes it started, for {@code down} and for commands that look for a
 * local cluster.
 */
record LocalCluster(List<LocalNode> nodes) {
  private static final String FILE = "cluster.json";
  private static final ObjectMapper JSON = JsonMapper.builder().enable(SerializationFeature.INDENT_OUTPUT).build();

  /** @param started when the process started, in milliseconds since 1970: a pid alone may be somebody else's by now */
  record LocalNode(String name, String admin, String sftp, long pid, long started) {
    /** The process, if it still runs. */
    Optional<ProcessHandle> process() {
      return ProcessHandle.of(pid).filter(handle -> handle.isAlive()
          && handle.info().startInstant().map(at -> at.toEpochMilli() == started).orElse(false));
    }
  }

  static Path file(Path directory) {
    return directory.resolve(FILE);
  }

  /** Of the cluster in a directory that the user has named. */
  static Optional<LocalCluster> read(Path directory) throws IOException {
    Path file = file(directory);
    return Files.exists(file) ? Optional.of(JSON.readValue(file.toFile(), LocalCluster.class)) : Optional.empty();
  }

  /**
   * Of the cluster in a directory that nobody has named.
   *
   * @throws CommandFailedException if another user says what is there: who believed it would send him the token, or stop any process for him
   */
  static Optional<LocalCluster> find(Path directory) throws IOException {
    Optional<OwnedFile> file = OwnedFile.found(directory, FILE);
    return file.isPresent() ? Optional.of(JSON.readValue(file.get().text(), LocalCluster.class)) : Optional.empty();
  }

  /** Writes it so that no other user can change it, whatever rights new files have; anybody may read it. */
  void write(Path directory) throws IOException {
    PrivateFile.write(file(directory), JSON.writeValueAsString(this));
    Files.setPosixFilePermissions(file(directory), PosixFilePermissions.fromString("rw-r--r--"));
  }

  boolean isRunning() {
    return nodes.stream().anyMatch(node -> node.process().isPresent());
  }
}
