package io.flotilla.node.cluster;

import io.flotilla.http.admin.Voters.UnavailableException;
import java.io.IOException;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Semaphore;
import java.util.function.Supplier;

/**
 * What administrators ask of the cluster's registry, which blocks: each request runs on a thread of its own, and only so many
 * at once. A registry that is not open, or does not answer, is an UnavailableException with the reason. Safe for all threads.
 */
final class RegistryWork<R> {
  static final int MAX_AT_ONCE = 32;

  interface Work<R, T> {
    T run(R registry) throws IOException, InterruptedException;
  }

  private final Supplier<Optional<R>> registry;
  private final String whyNone;
  private final Semaphore running = new Semaphore(MAX_AT_ONCE);

  /** @param whyNone what is said while there is no registry */
  RegistryWork(Supplier<Optional<R>> registry, String whyNone) {
    this.registry = registry;
    this.whyNone = whyNone;
  }

  <T> CompletionStage<T> run(Work<R, T> work) {
    if (!running.tryAcquire()) {
      return CompletableFuture.failedFuture(new UnavailableException(
          "this node works on " + MAX_AT_ONCE + " requests about nodes and voters already; try again shortly"));
    }
    CompletableFuture<T> result = new CompletableFuture<>();
    result.whenComplete((done, failure) -> running.release());
    Thread.ofVirtual().name("registry-work").start(() -> {
      try {
        result.complete(work.run(registry.get().orElseThrow(() -> new IOException(whyNone))));
      } catch (IOException e) {
        result.completeExceptionally(new UnavailableException(e.getMessage()));
      } catch (InterruptedException | RuntimeException e) {
        result.completeExceptionally(e);
      }
    });
    return result;
  }
}
