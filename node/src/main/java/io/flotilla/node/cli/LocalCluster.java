package io.flotilla.node.cli;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/**
 * What {@code up} left in its directory about the nodes it started, for {@code down} and for commands that look for a
 * local cluster.
 */
record LocalCluster(List<LocalNode> nodes) {
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
    return directory.resolve("cluster.json");
  }

  static Optional<LocalCluster> read(Path directory) throws IOException {
    Path file = file(directory);
    return Files.exists(file) ? Optional.of(JSON.readValue(file.toFile(), LocalCluster.class)) : Optional.empty();
  }

  void write(Path directory) throws IOException {
    Path next = directory.resolve("cluster.json.next");
    JSON.writeValue(next.toFile(), this);
    Files.move(next, file(directory), java.nio.file.StandardCopyOption.ATOMIC_MOVE);
  }

  boolean isRunning() {
    return nodes.stream().anyMatch(node -> node.process().isPresent());
  }
}
