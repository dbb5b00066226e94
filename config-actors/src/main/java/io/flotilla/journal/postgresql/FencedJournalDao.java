package io.flotilla.journal.postgresql;

import io.flotilla.persistence.NotWrittenException;
import java.util.List;
import java.util.Optional;
import org.apache.pekko.persistence.jdbc.config.JournalConfig;
import org.apache.pekko.persistence.jdbc.journal.dao.DefaultJournalDao;
import org.apache.pekko.persistence.jdbc.journal.dao.JournalTables.JournalPekkoSerializationRow;
import org.apache.pekko.serialization.Serialization;
import org.apache.pekko.stream.Materializer;
import scala.Option;
import scala.Tuple2;
import scala.collection.immutable.Seq;
import scala.collection.immutable.Set;
import scala.concurrent.ExecutionContext;
import scala.concurrent.Future;
import scala.jdk.javaapi.CollectionConverters;
import scala.jdk.javaapi.FutureConverters;
import scala.jdk.javaapi.OptionConverters;
import scala.runtime.BoxedUnit;
import slick.jdbc.JdbcBackend;
import slick.jdbc.JdbcProfile;

/**
 * The journal's tables as pekko-persistence-jdbc uses them, but a write goes through the {@link JournalFence}, and each by
 * itself: the plugin would put those of several writers into one transaction, which the fence of one would undo for all. Pekko
 * makes it by name.
 */
public final class FencedJournalDao extends DefaultJournalDao {
  private final DatabaseExtension database;

  public FencedJournalDao(JdbcBackend.JdbcDatabaseDef db, JdbcProfile profile, JournalConfig config,
      Serialization serialization, ExecutionContext executionContext, Materializer materializer) {
    super(db, profile, config, serialization, executionContext, materializer);
    this.database = DatabaseExtension.get(materializer.system());
  }

  @Override
  public Future<BoxedUnit> queueWriteJournalRows(Seq<Tuple2<JournalPekkoSerializationRow, Set<String>>> tagged) {
    List<JournalFence.Row> rows = CollectionConverters.asJava(tagged).stream().map(row -> row(row._1())).toList();
    if (rows.isEmpty()) {
      return Future.successful(BoxedUnit.UNIT);
    }
    // Who writes is settled now: a recovery that begins meanwhile is another writer.
    String persistenceId = rows.getFirst().persistenceId();
    Optional<JournalFence.Writer> held = database.fence().held(persistenceId);
    return FutureConverters.asScala(database.call(() -> {
      try {
        database.fence().append(held.isPresent() ? held.get() : database.fence().writer(persistenceId), rows);
        return BoxedUnit.UNIT;
      } catch (DatabaseException e) {
        if (e.isUndone()) {
          throw new NotWrittenException(e.getMessage(), e);
        }
        throw e;
      }
    }));
  }

  /** The highest number is kept elsewhere, so no deleted event need stay for it; the plugin would keep one, of whatever size. */
  @Override
  public Future<BoxedUnit> delete(String persistenceId, long toSequenceNr) {
    return FutureConverters.asScala(database.call(() -> {
      database.fence().deleteTo(persistenceId, toSequenceNr);
      return BoxedUnit.UNIT;
    }));
  }

  /** The highest number ever written, whether or not its event was deleted. The beginning of a replay. */
  @Override
  public Future<Object> highestSequenceNr(String persistenceId, long fromSequenceNr) {
    return FutureConverters.asScala(database.<Object>call(() -> database.fence().claimForReplay(persistenceId).highest()));
  }

  private static JournalFence.Row row(JournalPekkoSerializationRow row) {
    return new JournalFence.Row(row.persistenceId(), row.sequenceNumber(), row.writer(), row.writeTimestamp(),
        row.adapterManifest(), row.eventSerId(), row.eventSerManifest(), row.eventPayload(),
        orNull(row.metaSerId()) instanceof Integer id ? id : null, orNull(row.metaSerManifest()), orNull(row.metaPayload()));
  }

  private static <T> T orNull(Option<T> option) {
    return OptionConverters.toJava(option).orElse(null);
  }
}
