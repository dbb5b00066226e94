package io.flotilla.node;

import io.flotilla.config.cluster.ConfigClient;
import io.flotilla.config.model.Durations;
import io.flotilla.config.model.Policy;
import io.flotilla.config.view.LiveConfig;
import io.flotilla.config.view.ReplicaStatus;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.LongSupplier;

/** How old what this node serves may be, by its own looks at it. Looks are one thread's; anybody may ask. */
final class Staleness {
  private final LiveConfig live;
  private final ConfigClient client;
  private final LongSupplier nanoTime;
  private volatile long heardNanos;
  private volatile Optional<Long> behindSince = Optional.empty();

  Staleness(LiveConfig live, ConfigClient client, LongSupplier nanoTime) {
    this.live = live;
    this.client = client;
    this.nanoTime = nanoTime;
    this.heardNanos = nanoTime.getAsLong();
  }

  /** To be called about once a second. */
  void look() {
    long now = nanoTime.getAsLong();
    ReplicaStatus status = client.status();
    if (!client.isIsolated()) {
      heardNanos = now;
    }
    if (status.epoch() != 0) { // otherwise it has lost the primary, and with it what it knew of the newest version
      boolean isBehind = live.view().config().version() < status.headVersion();
      behindSince = isBehind ? behindSince.or(() -> Optional.of(now)) : Optional.empty();
    }
  }

  /** Why the policy has the node not ready; empty if it does not. */
  List<String> reasons() {
    Policy.Health policy = Policy.Health.of(live.view().config());
    long now = nanoTime.getAsLong();
    List<String> reasons = new ArrayList<>();
    policy.isolatedAfter().filter(most -> client.isIsolated() && now - heardNanos > most.toNanos()).ifPresent(most -> reasons.add(
        "it has heard no primary for " + seconds(now - heardNanos) + " s, and policies/health has isolatedAfter "
            + Durations.format(most)));
    behindSince.flatMap(since -> policy.maxBehind().filter(most -> now - since > most.toNanos()).map(most ->
        "it has served version " + live.view().config().version() + " for " + seconds(now - since) + " s though there is a newer one, and "
            + "policies/health has maxBehind " + Durations.format(most))).ifPresent(reasons::add);
    return reasons;
  }

  private static long seconds(long nanoseconds) {
    return Duration.ofNanos(nanoseconds).toSeconds();
  }
}
