package io.flotilla.auth;

import java.nio.charset.StandardCharsets;
import java.security.SecureRandom;
import java.util.Optional;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Hashes and checks passwords by Argon2id on a few threads of its own, because each costs some 20 ms of processor and
 * 19 MiB of memory: never on a network thread, and never more at once than there are threads. What waits is bounded too;
 * beyond that a request fails at once with {@link HasherBusyException}. Safe for all threads.
 */
public final class PasswordHasher implements AutoCloseable {
  /** Longer passwords are refused before any work. */
  public static final int MAX_PASSWORD_BYTES = 1024;
  private static final int DEFAULT_WAITING = 256;

  private final SecureRandom random = new SecureRandom();
  private final Argon2Hash dummy = Argon2Hash.dummy(random);
  private final ThreadPoolExecutor threads;

  /** As many threads as processors. */
  public PasswordHasher() {
    this(Runtime.getRuntime().availableProcessors(), DEFAULT_WAITING);
  }

  /**
   * @param concurrent how many passwords are worked on at once, 1 or more
   * @param waiting how many may wait, 1 or more
   */
  public PasswordHasher(int concurrent, int waiting) {
    AtomicInteger number = new AtomicInteger();
    threads = new ThreadPoolExecutor(concurrent, concurrent, 30, TimeUnit.SECONDS, new ArrayBlockingQueue<>(waiting),
        task -> Thread.ofPlatform().daemon().name("password-hasher-" + number.incrementAndGet()).unstarted(task));
    threads.allowCoreThreadTimeOut(true);
  }

  /** Too many logins at once. */
  public static final class HasherBusyException extends RuntimeException {
    HasherBusyException(int waiting) {
      super(waiting + " passwords are waiting to be checked already; try again later");
    }
  }

  /**
   * The PHC string of a new password. Fails with IllegalArgumentException for an empty or too long password, with
   * {@link HasherBusyException} if too many wait.
   */
  public CompletableFuture<String> hash(String password) {
    if (password.isEmpty() || isTooLong(password)) {
      return CompletableFuture.failedFuture(new IllegalArgumentException(
          "a password has 1 to " + MAX_PASSWORD_BYTES + " bytes in UTF-8"));
    }
    return submit(() -> Argon2Hash.of(password, random).toPhc());
  }

  /**
   * Whether a password belongs to a hash. Without a hash, or with one that is not acceptable, the same work is done and
   * the answer is false, so that the time doesn't tell whether a user exists. Fails with {@link HasherBusyException} if
   * too many wait.
   */
  public CompletableFuture<Boolean> verify(String password, Optional<String> phc) {
    if (isTooLong(password)) {
      return CompletableFuture.completedFuture(false);
    }
    Optional<Argon2Hash> hash = phc.flatMap(Argon2Hash::parse);
    return submit(() -> hash.orElse(dummy).matches(password) && hash.isPresent());
  }

  /** Whether {@link #verify} would accept such a hash: its format, and its parameters within the bounds. */
  public static boolean isAcceptable(String phc) {
    return Argon2Hash.parse(phc).isPresent();
  }

  @Override
  public void close() {
    threads.shutdownNow();
  }

  /** Whether a password has more than {@link #MAX_PASSWORD_BYTES} bytes in UTF-8. */
  public static boolean isTooLong(String password) {
    return password.length() > MAX_PASSWORD_BYTES
        || password.getBytes(StandardCharsets.UTF_8).length > MAX_PASSWORD_BYTES;
  }

  private <T> CompletableFuture<T> submit(Callable<T> work) {
    CompletableFuture<T> result = new CompletableFuture<>();
    try {
      threads.execute(() -> {
        try {
          result.complete(work.call());
        } catch (Exception | OutOfMemoryError e) {
          result.completeExceptionally(e);
        }
      });
    } catch (RejectedExecutionException e) {
      result.completeExceptionally(new HasherBusyException(threads.getQueue().size()));
    }
    return result;
  }
}
