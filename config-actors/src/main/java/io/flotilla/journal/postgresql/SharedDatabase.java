package io.flotilla.journal.postgresql;

import com.typesafe.config.Config;
import org.apache.pekko.actor.ActorSystem;
import org.apache.pekko.persistence.jdbc.db.SlickDatabase;
import org.apache.pekko.persistence.jdbc.db.SlickDatabaseProvider;
import scala.Option;
import slick.jdbc.JdbcBackend;
import slick.jdbc.JdbcBackend$;
import slick.jdbc.JdbcProfile;
import slick.jdbc.PostgresProfile$;
import slick.util.AsyncExecutor;
import slick.util.AsyncExecutor$;

/** Lets pekko-persistence-jdbc use this node's connections instead of pools of its own. Pekko makes it by name. */
public final class SharedDatabase implements SlickDatabaseProvider {
  private static final int MAX_QUEUED = 256;

  private record Shared(JdbcBackend.JdbcDatabaseDef database) implements SlickDatabase {
    @Override
    public JdbcProfile profile() {
      return PostgresProfile$.MODULE$;
    }

    @Override
    public boolean allowShutdown() {
      return false;
    }
  }

  private final Shared shared;

  public SharedDatabase(ActorSystem system) {
    Database database = DatabaseExtension.get(system).database();
    // One connection is left for the writes, which do not go this way.
    int threads = database.size() - 1;
    AsyncExecutor executor = AsyncExecutor$.MODULE$.apply("flotilla-journal", threads, threads, MAX_QUEUED, threads);
    this.shared = new Shared(JdbcBackend$.MODULE$.Database().forDataSource(
        database.dataSource(), Option.apply(threads), executor, false));
    // Its threads end with the system. Slick's own close would also close the connections, which belong to the node.
    system.registerOnTermination(() -> executor.close());
  }

  @Override
  public SlickDatabase database(Config config) {
    return shared;
  }
}
