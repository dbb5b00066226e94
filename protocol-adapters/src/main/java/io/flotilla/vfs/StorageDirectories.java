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
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
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
 * go at any time, so they are looked at again and again, each by a thread of its own: one that hangs must hold up neither the
 * configuration nor the looks at the others. Nodes that serve no clients need no storage. Tells also which ones don't answer
 * their users. Used by one thread at a time.
 */
public final class StorageDirectories implements ConfigListener {
  private static final Logger log = LoggerFactory.getLogger(StorageDirectories.class);
  private static final long HANGS_NANOS = 10_000_000_000L;

  private static final Duration PATIENCE = Duration.ofSeconds(2);
  /** Of threads that look at once, most of which hang then. */
  private static final int MAX_LOOKS = 64;

  private final Supplier<List<String>> silent;
  private final AtomicInteger running = new AtomicInteger();
  private List<String> problems = List.of();
  private Map<Subject, Look> looks = Map.of();

  /** @param silent what to tell of storages that don't answer their users */
  public StorageDirectories(Supplier<List<String>> silent) {
    this.silent = silent;
  }

  /** What is looked at. */
  private record Subject(String name, Storage storage, Optional<Path> directory) {
    static Subject of(ConfigView view, String name) {
      return new Subject(name, view.storage(name).orElseThrow(), view.storagePath(name));
    }

    String silent() {
      return "storage " + name + ": " + directory.map(path -> "the directory " + path).orElse("it")
          + " does not answer; look at its mount on this node";
    }
  }

  /** One look, on its way or done. */
  private static final class Look {
    private final long since = System.nanoTime();
    private final CompletableFuture<Optional<String>> found = new CompletableFuture<>();

    boolean isDone() {
      return found.isDone();
    }

    boolean hangs() {
      return !isDone() && System.nanoTime() - since > HANGS_NANOS;
    }

    /** What it finds, if it does before a deadline. */
    Optional<String> await(Subject subject, long deadline) {
      try {
        return found.get(Math.max(0, deadline - System.nanoTime()), TimeUnit.NANOSECONDS);
      } catch (TimeoutException e) {
        return Optional.of(subject.silent());
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        return Optional.of(subject.silent());
      } catch (ExecutionException e) {
        throw new IllegalStateException("storage " + subject.name() + " could not be looked at", e.getCause());
      }
    }
  }

  @Override
  public String name() {
    return "storages";
  }

  /** Waits only for looks that have just begun, and not for long. */
  @Override
  public List<String> apply(ConfigDelta delta, ConfigView view) {
    boolean mustWait = looks.isEmpty() || delta.touches(Kind.STORAGES, Kind.NODES);
    Map<Subject, Look> next = new LinkedHashMap<>();
    List<String> found = new ArrayList<>();
    List<Subject> awaited = new ArrayList<>();
    for (Subject subject : subjects(view)) {
      Look last = looks.get(subject);
      if (last != null && !last.isDone()) {
        next.put(subject, last);
        if (last.hangs() || problems.contains(subject.silent())) {
          found.add(subject.silent());
        }
        continue;
      }
      next.put(subject, begin(view, subject));
      Optional<String> known = last == null ? Optional.empty() : last.await(subject, System.nanoTime());
      // Whoever has mended it wants to see that at once.
      if (mustWait || last == null || known.isPresent()) {
        awaited.add(subject);
      }
    }
    long deadline = System.nanoTime() + PATIENCE.toNanos();
    awaited.forEach(subject -> next.get(subject).await(subject, deadline).ifPresent(found::add));
    looks = next;
    found.addAll(silent.get());
    found.sort(null);
    if (!mustWait) {
      found.stream().filter(problem -> !problems.contains(problem)).forEach(problem -> log.error("While serving: {}", problem));
    }
    problems = List.copyOf(found);
    return problems;
  }

  private static List<Subject> subjects(ConfigView view) {
    return view.config().ofKind(Kind.STORAGES).stream().map(stored -> Subject.of(view, stored.key().name())).toList();
  }

  /** Those that hang are few at a time, however often the configuration changes; one more gets no answer either. */
  private Look begin(ConfigView view, Subject subject) {
    Look next = new Look();
    if (!view.node().roles().contains(NodeIdentity.GATEWAY)) {
      next.found.complete(Optional.empty());
      return next;
    }
    if (running.incrementAndGet() > MAX_LOOKS) {
      return notBegun(next, subject);
    }
    try {
      Thread.ofPlatform().daemon().name("storage-look").start(() -> {
        try {
          next.found.complete(problem(subject));
        } catch (RuntimeException e) {
          next.found.completeExceptionally(e);
        } finally {
          running.decrementAndGet();
        }
      });
      return next;
    } catch (OutOfMemoryError e) { // there can be no more threads
      return notBegun(next, subject);
    }
  }

  /** It counts as silent until the next look. */
  private Look notBegun(Look look, Subject subject) {
    running.decrementAndGet();
    look.found.complete(Optional.of(subject.silent()));
    return look;
  }

  @Override
  public boolean isWatchful() {
    return true;
  }

  /** Judges only storages whose directory, type or guard changes. */
  @Override
  public List<String> check(ConfigDelta delta, ConfigView next) {
    ConfigView now = new ConfigView(delta.from(), next.node());
    Map<Subject, Look> begun = new LinkedHashMap<>();
    for (Subject subject : subjects(next)) {
      Optional<Storage> former = now.storage(subject.name());
      boolean isSame = now.storagePath(subject.name()).equals(subject.directory())
          && former.map(Storage::type).equals(Optional.of(subject.storage().type()))
          && former.flatMap(Storage::guard).equals(subject.storage().guard());
      if (!isSame) {
        begun.put(subject, begin(next, subject));
      }
    }
    long deadline = System.nanoTime() + PATIENCE.toNanos();
    return begun.entrySet().stream().flatMap(look -> look.getValue().await(look.getKey(), deadline).stream()).toList();
  }

  private static Optional<String> problem(Subject subject) {
    Storage storage = subject.storage();
    String name = subject.name();
    if (!storage.isKnown()) {
      return Optional.of("storage " + name + ": this release does not know the type " + storage.type() + ", so nothing in it "
          + "is served; upgrade this node");
    }
    Path directory = subject.directory().orElseThrow();
    if (Files.isDirectory(directory)) {
      // Beneath a mount the directory often belongs to root, so the marker is what tells.
      return storage.guard().filter(marker -> !Files.isRegularFile(directory.resolve(marker), LinkOption.NOFOLLOW_LINKS))
          .map(marker -> "storage " + name + ": " + StorageGuard.missing(directory, marker))
          .or(() -> Files.isWritable(directory) && Files.isExecutable(directory) ? Optional.empty()
              : Optional.of("storage " + name + ": the directory " + directory + " is not writable for this node; correct "
                  + "its owner or mode"));
    }
    return Optional.of("storage " + name + ": the directory " + directory + " does not exist; create or mount it, or "
        + "correct the path (a node override can give this node another one)");
  }
}
