package io.flotilla.vfs;

import io.flotilla.config.model.ConfigDelta;
import io.flotilla.config.model.Kind;
import io.flotilla.config.model.Storage;
import io.flotilla.config.view.ConfigListener;
import io.flotilla.config.view.ConfigView;
import io.flotilla.config.view.NodeIdentity;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Looks whether the storages' directories, and the marker files of those that are guarded, are there on this node. It never
 * makes one: a missing directory may be a mount that failed, and files must not go into the place below it. A storage can
 * go at any time, so they are looked at again and again, by a thread of their own: one that hangs must not hold the
 * configuration up. Nodes that serve no clients need no storage.
 */
public final class StorageDirectories implements ConfigListener {
  private static final Logger log = LoggerFactory.getLogger(StorageDirectories.class);
  private static final long HANGS_NANOS = 10_000_000_000L;

  private List<String> problems = List.of();
  private Look look;

  /** One look at all storages, on its way or done. */
  private static final class Look {
    final long since = System.nanoTime();
    volatile List<String> found;

    boolean hangs() {
      return found == null && System.nanoTime() - since > HANGS_NANOS;
    }
  }

  @Override
  public String name() {
    return "storages";
  }

  @Override
  public List<String> apply(ConfigDelta delta, ConfigView view) {
    boolean changed = delta.touches(Kind.STORAGES, Kind.NODES);
    if (look != null && look.hangs() && !changed) {
      return List.of("the storages don't answer; look at the mounts of this node");
    }
    if (changed || !problems.isEmpty()) {
      look = null;
      problems = problems(view);
    } else if (look == null) {
      startLook(view);
    } else if (look.found != null) {
      problems = look.found;
      problems.forEach(problem -> log.error("While serving: {}", problem));
      startLook(view);
    }
    return problems;
  }

  private void startLook(ConfigView view) {
    Look next = new Look();
    look = next;
    Thread.ofPlatform().daemon().name("storage-look").start(() -> next.found = problems(view));
  }

  private static List<String> problems(ConfigView view) {
    return view.config().ofKind(Kind.STORAGES).stream()
        .flatMap(stored -> problem(view, stored.key().name()).stream()).toList();
  }

  @Override
  public boolean isWatchful() {
    return true;
  }

  /** Judges only storages whose directory, type or guard changes. */
  @Override
  public List<String> check(ConfigDelta delta, ConfigView next) {
    ConfigView now = new ConfigView(delta.from(), next.node());
    return next.config().ofKind(Kind.STORAGES).stream().map(stored -> stored.key().name())
        .filter(name -> !next.storagePath(name).equals(now.storagePath(name))
            || !next.storage(name).map(Storage::type).equals(now.storage(name).map(Storage::type))
            || !next.storage(name).flatMap(Storage::guard).equals(now.storage(name).flatMap(Storage::guard)))
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
      // Beneath a mount the directory often belongs to root, so the marker is what tells.
      return found.guard().filter(marker -> !Files.isRegularFile(directory.resolve(marker), LinkOption.NOFOLLOW_LINKS))
          .map(marker -> "storage " + storage + ": " + StorageGuard.missing(directory, marker))
          .or(() -> Files.isWritable(directory) && Files.isExecutable(directory) ? Optional.empty()
              : Optional.of("storage " + storage + ": the directory " + directory + " is not writable for this node; correct "
                  + "its owner or mode"));
    }
    return Optional.of("storage " + storage + ": the directory " + directory + " does not exist; create or mount it, or "
        + "correct the path (a node override can give this node another one)");
  }
}
