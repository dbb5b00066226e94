package io.flotilla.vfs;

import io.flotilla.config.model.ConfigDelta;
import io.flotilla.config.model.Kind;
import io.flotilla.config.model.Storage;
import io.flotilla.config.view.ConfigListener;
import io.flotilla.config.view.ConfigView;
import io.flotilla.config.view.NodeIdentity;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/**
 * Looks whether the storages' directories are there on this node. It never makes one: a missing directory may be a mount
 * that failed, and files must not go into the place below it. Nodes that serve no clients need no storage.
 */
public final class StorageDirectories implements ConfigListener {
  private List<String> problems = List.of();

  @Override
  public String name() {
    return "storages";
  }

  @Override
  public List<String> apply(ConfigDelta delta, ConfigView view) {
    if (!problems.isEmpty() || delta.touches(Kind.STORAGES, Kind.NODES)) {
      problems = view.config().ofKind(Kind.STORAGES).stream()
          .flatMap(stored -> problem(view, stored.key().name()).stream()).toList();
    }
    return problems;
  }

  /** Judges only storages whose directory or type changes. */
  @Override
  public List<String> check(ConfigDelta delta, ConfigView next) {
    ConfigView now = new ConfigView(delta.from(), next.node());
    return next.config().ofKind(Kind.STORAGES).stream().map(stored -> stored.key().name())
        .filter(name -> !next.storagePath(name).equals(now.storagePath(name))
            || !next.storage(name).map(Storage::type).equals(now.storage(name).map(Storage::type)))
        .flatMap(name -> problem(next, name).stream()).toList();
  }

  private static Optional<String> problem(ConfigView view, String storage) {
    if (!view.node().roles().contains(NodeIdentity.GATEWAY)) {
      return Optional.empty();
    }
    Storage found = view.storage(storage).orElseThrow();
    if (!found.isKnown()) {
      return Optional.of("storage " + storage + ": this release does not know the type " + found.type() + ", so nothing in it "
          + "is served; upgrade this node");
    }
    Path directory = view.storagePath(storage).orElseThrow();
    if (Files.isDirectory(directory)) {
      return Files.isWritable(directory) && Files.isExecutable(directory) ? Optional.empty()
          : Optional.of("storage " + storage + ": the directory " + directory + " is not writable for this node; correct "
              + "its owner or mode");
    }
    return Optional.of("storage " + storage + ": the directory " + directory + " does not exist; create or mount it, or "
        + "correct the path (a node override can give this node another one)");
  }
}
