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
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Supplier;
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

  private static final Duration PATIENCE = Duration.ofSeconds(2);
  private static final int MAX_LOOKS = 8;
  private static final List<String> SILENT = List.of("the storages don't answer; look at the mounts of this node");

  private final AtomicInteger looks = new AtomicInteger();
  private List<String> problems = List.of();
  private Look look;

  /** One look, on its way or done. */
  private static final class Look {
    private final long since = System.nanoTime();
    private final CompletableFuture<List<String>> found = new CompletableFuture<>();

    boolean isDone() {
      return found.isDone();
    }

    boolean hangs() {
      return !isDone() && System.nanoTime() - since > HANGS_NANOS;
    }

    /** What it finds, if it does soon. */
    List<String> await() {
      try {
        return found.get(PATIENCE.toMillis(), TimeUnit.MILLISECONDS);
      } catch (TimeoutException e) {
        return SILENT;
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        return SILENT;
      } catch (ExecutionException e) {
        throw new IllegalStateException("the storages could not be looked at", e.getCause());
      }
    }
  }

  @Override
  public String name() {
    return "storages";
  }

  /** Waits only for a look that has just begun, and not for long. */
  @Override
  public List<String> apply(ConfigDelta delta, ConfigView view) {
    if (look == null || delta.touches(Kind.STORAGES, Kind.NODES)) {
      look = begin(() -> problems(view));
      problems = look.await();
    } else if (look.isDone()) {
      List<String> found = look.await();
      if (!found.equals(problems)) {
        found.forEach(problem -> log.error("While serving: {}", problem));
      }
      look = begin(() -> problems(view));
      // Whoever has mended it wants to see that at once.
      problems = found.isEmpty() ? found : look.await();
    } else if (look.hangs()) {
      problems = SILENT;
    }
    return problems;
  }

  /** Those that hang are few at a time, however often the configuration changes; one more gets no answer either. */
  private Look begin(Supplier<List<String>> finding) {
    Look next = new Look();
    if (looks.incrementAndGet() > MAX_LOOKS) {
      looks.decrementAndGet();
      return next;
    }
    Thread.ofPlatform().daemon().name("storage-look").start(() -> {
      try {
        next.found.complete(finding.get());
      } catch (RuntimeException e) {
        next.found.completeExceptionally(e);
      } finally {
        looks.decrementAndGet();
      }
    });
    return next;
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
    List<String> changed = next.config().ofKind(Kind.STORAGES).stream().map(stored -> stored.key().name())
        .filter(name -> !next.storagePath(name).equals(now.storagePath(name))
            || !next.storage(name).map(Storage::type).equals(now.storage(name).map(Storage::type))
            || !next.storage(name).flatMap(Storage::guard).equals(now.storage(name).flatMap(Storage::guard)))
        .toList();
    return changed.isEmpty() ? List.of()
        : begin(() -> changed.stream().flatMap(name -> problem(next, name).stream()).toList()).await();
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
