package io.flotilla.vfs;

import io.flotilla.vfs.StorageBulkhead.Patience;
import java.time.Duration;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * One session's way into a storage, on which one call is made at a time. One that gets no answer in time goes on without its
 * caller, and until it has come back every further call fails at once: nothing that it uses may be used by another thread, nor
 * be closed. What is closed meanwhile is closed after it. Used by one thread at a time.
 */
final class StorageLane {
  private final StorageBulkhead bulkhead;
  /** Done when the call that was given up has come back, and what had to wait for it is closed; null if there was none. */
  private CompletableFuture<?> late;

  StorageLane(StorageBulkhead bulkhead) {
    this.bulkhead = bulkhead;
  }

  /** @throws VfsException IO while an earlier call has not come back */
  void checkFree() throws VfsException {
    if (isBusy()) {
      throw bulkhead.silent();
    }
  }

  private boolean isBusy() {
    return late != null && !late.isDone();
  }

  /**
   * Makes a call and waits for it.
   *
   * @throws VfsException as the call does, and IO if it isn't answered in time; it may be done all the same later
   */
  <T> T call(Patience patience, Callable<T> action) throws VfsException {
    checkFree();
    CompletableFuture<T> answer = bulkhead.start(action, patience);
    if (!await(answer, bulkhead.wait(patience))) {
      late = answer.handle((value, failure) -> {
        release(value);
        return null;
      });
      throw bulkhead.silent();
    }
    if (!answer.isCompletedExceptionally()) {
      return answer.resultNow();
    }
    switch (answer.exceptionNow()) {
      case VfsException failed -> throw failed;
      case RuntimeException defect -> throw defect;
      case Throwable other -> throw new IllegalStateException("a call into the storage failed by a defect", other);
    }
  }

  private static boolean await(CompletableFuture<?> answer, Duration wait) {
    try {
      answer.get(wait.toMillis(), TimeUnit.MILLISECONDS);
      return true;
    } catch (ExecutionException e) {
      return true;
    } catch (TimeoutException e) {
      return false;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return false;
    }
  }

  /** Nobody waits any more for what a late call has opened. */
  static void release(Object opened) {
    switch (opened) {
      case OpenFile file -> file.abandon();
      case VirtualFileSystem files -> files.close();
      case DirectoryListing listing -> listing.close();
      case null, default -> { }
    }
  }

  /** Closes something, at once if the storage answers, else when it does again. */
  void close(Runnable closing) {
    if (isBusy()) {
      late = late.handle((value, failure) -> {
        closing.run();
        return null;
      });
      return;
    }
    CompletableFuture<Void> closed = bulkhead.startClosing(closing);
    if (!await(closed, bulkhead.wait(Patience.USUAL))) {
      late = closed;
    }
  }
}
