package io.flotilla.journal.postgresql;

import io.flotilla.persistence.DeposedWriters;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Semaphore;
import org.apache.pekko.actor.AbstractExtensionId;
import org.apache.pekko.actor.ActorSystem;
import org.apache.pekko.actor.ClassicActorSystemProvider;
import org.apache.pekko.actor.ExtendedActorSystem;
import org.apache.pekko.actor.Extension;
import org.apache.pekko.actor.ExtensionIdProvider;

/**
 * What the journal, the snapshot store and the lease of one actor system share: the database, which comes with
 * {@link DatabaseSetup}, and the epochs held. Calls wait on virtual threads, in a bounded number.
 */
public final class DatabaseExtension implements Extension {
  private static final Id ID = new Id();
  private static final int MAX_CALLS = 256;

  /** Registers the extension with Pekko. */
  public static final class Id extends AbstractExtensionId<DatabaseExtension> implements ExtensionIdProvider {
    private Id() {}

    @Override
    public DatabaseExtension createExtension(ExtendedActorSystem system) {
      return new DatabaseExtension(system);
    }

    @Override
    public Id lookup() {
      return ID;
    }
  }

  /** What is asked of the database. */
  interface Call<T> {
    T run() throws DatabaseException;
  }

  private final Database database;
  private final JournalFence fence;
  private final Semaphore calls = new Semaphore(MAX_CALLS);

  private DatabaseExtension(ExtendedActorSystem system) {
    this.database = system.settings().setup().get(DatabaseSetup.class)
        .orElseThrow(() -> new IllegalStateException("the PostgreSQL journal needs a DatabaseSetup in its actor system"))
        .database();
    this.fence = new JournalFence(database, DeposedWriters.from(system.settings().config()));
  }

  public static DatabaseExtension get(ActorSystem system) {
    return ID.get(system);
  }

  public static DatabaseExtension get(ClassicActorSystemProvider system) {
    return ID.get(system);
  }

  /**
   * The epoch under which this system writes a persistence id. Known once its recovery has begun.
   *
   * @throws IllegalStateException before that
   */
  public long epoch(String persistenceId) {
    return fence.epoch(persistenceId);
  }

  Database database() {
    return database;
  }

  JournalFence fence() {
    return fence;
  }

  <T> CompletionStage<T> call(Call<T> call) {
    CompletableFuture<T> result = new CompletableFuture<>();
    if (!calls.tryAcquire()) {
      result.completeExceptionally(new DatabaseException(
          "more than " + MAX_CALLS + " calls wait for the database; nothing was written"));
      return result;
    }
    Thread.ofVirtual().name("flotilla-database").start(() -> {
      try {
        T value = call.run();
        calls.release();
        result.complete(value);
      } catch (DatabaseException | RuntimeException e) {
        calls.release();
        result.completeExceptionally(e);
      }
    });
    return result;
  }
}
