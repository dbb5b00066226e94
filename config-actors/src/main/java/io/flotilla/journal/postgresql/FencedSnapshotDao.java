package io.flotilla.journal.postgresql;

import org.apache.pekko.persistence.SnapshotMetadata;
import org.apache.pekko.persistence.jdbc.config.SnapshotConfig;
import org.apache.pekko.persistence.jdbc.snapshot.dao.DefaultSnapshotDao;
import org.apache.pekko.serialization.Serialization;
import org.apache.pekko.stream.Materializer;
import scala.Option;
import scala.Tuple2;
import scala.concurrent.ExecutionContext;
import scala.concurrent.Future;
import scala.jdk.javaapi.FutureConverters;
import slick.jdbc.JdbcBackend;
import slick.jdbc.JdbcProfile;

/**
 * The snapshots' table as pekko-persistence-jdbc uses it. A recovery begins with the newest snapshot, so the epoch is claimed
 * before that is read. Pekko makes it by name.
 */
public final class FencedSnapshotDao extends DefaultSnapshotDao {
  private final DatabaseExtension database;
  private final ExecutionContext executionContext;

  public FencedSnapshotDao(JdbcBackend.JdbcDatabaseDef db, JdbcProfile profile, SnapshotConfig config,
      Serialization serialization, ExecutionContext executionContext, Materializer materializer) {
    super(db, profile, config, serialization, executionContext, materializer);
    this.database = DatabaseExtension.get(materializer.system());
    this.executionContext = executionContext;
  }

  @Override
  public Future<Option<Tuple2<SnapshotMetadata, Object>>> latestSnapshot(String persistenceId) {
    return FutureConverters.asScala(database.call(() -> database.fence().claimForSnapshot(persistenceId)))
        .flatMap(claimed -> super.latestSnapshot(persistenceId), executionContext);
  }
}
