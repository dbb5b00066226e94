package io.flotilla.node;

import io.flotilla.claim.ClaimClient;
import io.flotilla.claim.ClaimKeeper;
import io.flotilla.http.uploads.Leases;
import java.time.Duration;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;

/** Leases that are claims of the cluster. Safe for all threads. */
final class ClaimLeases implements Leases {
  private static final Duration TIMEOUT = Duration.ofSeconds(3);

  private final ClaimClient claims;

  ClaimLeases(ClaimClient claims) {
    this.claims = claims;
  }

  @Override
  public Answer acquire(String key, String holder, Duration time) {
    ClaimKeeper.Reply reply;
    try {
      reply = claims.acquire(key, holder, time, TIMEOUT).toCompletableFuture().join();
    } catch (CompletionException e) {
      return new Answer.Unavailable(e.getCause().getMessage());
    }
    return switch (reply) {
      case ClaimKeeper.Granted granted -> new Answer.Granted(granted.claim().number());
      case ClaimKeeper.Held held -> new Answer.Held(Duration.ofMillis(held.remainingMilliseconds()));
      case ClaimKeeper.Refused refused -> new Answer.Unavailable(refused.reason());
      case ClaimKeeper.Lost _, ClaimKeeper.Released _ -> throw new IllegalStateException("no answer to who acquires: " + reply);
    };
  }

  @Override
  public CompletionStage<Boolean> renew(String key, long number, Duration time) {
    return claims.renew(key, number, time, TIMEOUT).thenApply(ClaimKeeper.Granted.class::isInstance);
  }

  @Override
  public void release(String key, long number) {
    claims.release(key, number, TIMEOUT);
  }
}
