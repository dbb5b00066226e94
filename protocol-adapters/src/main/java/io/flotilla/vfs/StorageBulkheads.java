package io.flotilla.vfs;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executor;
import java.util.concurrent.SynchronousQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;

/** The {@link StorageBulkhead} of each storage; one of these per process. Safe for all threads. */
final class StorageBulkheads {
  /** Above it, those that nobody uses are forgotten; there are as many as paths were ever configured for storages. */
  private static final int MANY = 1000;
  private static final long IDLE_SECONDS = 10;

  private final Map<Key, StorageBulkhead> bulkheads = new ConcurrentHashMap<>();
  /** Bounded by what the bulkheads let in, and let wait outside. Idle threads don't keep the process. */
  private final Executor threads = new ThreadPoolExecutor(0, Integer.MAX_VALUE, IDLE_SECONDS, TimeUnit.SECONDS,
      new SynchronousQueue<>(), Thread.ofPlatform().daemon().name("storage-", 1).factory());
  private final CarrierReserve carriers = new CarrierReserve(
      () -> bulkheads.values().stream().anyMatch(StorageBulkhead::hasDataCalls),
      () -> bulkheads.values().stream().mapToInt(StorageBulkhead::countHeld).sum());

  private record Key(String storage, Optional<Path> directory) {}

  /** @param directory another one of a storage is another mount, which may answer where the first one hangs */
  StorageBulkhead of(String storage, Optional<Path> directory) {
    if (bulkheads.size() > MANY) {
      bulkheads.values().removeIf(StorageBulkhead::isIdle);
    }
    return bulkheads.computeIfAbsent(
        new Key(storage, directory), key -> new StorageBulkhead(key.storage(), threads, carriers));
  }

  /** What to tell the operator about storages that don't answer. */
  List<String> problems() {
    return bulkheads.values().stream().flatMap(bulkhead -> bulkhead.problem().stream()).sorted().toList();
  }
}
