package io.flotilla.journal.postgresql;

import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CompletionStage;
import java.util.function.Consumer;
import org.apache.pekko.actor.ExtendedActorSystem;
import org.apache.pekko.coordination.lease.LeaseSettings;
import org.apache.pekko.coordination.lease.javadsl.Lease;

/**
 * A lease in the database, for the split brain resolver: of the sides of a cut, the one that takes it survives. It is held for
 * its time (heartbeat-timeout) without being prolonged, which is longer than the resolver keeps it. Pekko makes it by name.
 */
public final class DatabaseLease extends Lease {
  private final LeaseSettings settings;
  private final DatabaseExtension database;
  private final ClusterTables tables;
  private final Duration time;
  private volatile boolean held;

  public DatabaseLease(LeaseSettings settings, ExtendedActorSystem system) {
    this.settings = settings;
    this.database = DatabaseExtension.get(system);
    this.tables = new ClusterTables(database.database());
    this.time = settings.leaseConfig().getDuration("heartbeat-timeout");
  }

  @Override
  public LeaseSettings getSettings() {
    return settings;
  }

  @Override
  public CompletionStage<Boolean> acquire() {
    return database.call(() -> {
      held = tables.acquire(settings.leaseName(), settings.ownerName(), time);
      return held;
    });
  }

  /** It isn't lost before its time, so nobody has to be told. */
  @Override
  public CompletionStage<Boolean> acquire(Consumer<Optional<Throwable>> lost) {
    return acquire();
  }

  @Override
  public CompletionStage<Boolean> release() {
    return database.call(() -> {
      tables.release(settings.leaseName(), settings.ownerName());
      held = false;
      return true;
    });
  }

  @Override
  public boolean checkLease() {
    return held;
  }
}
