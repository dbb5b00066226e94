package io.flotilla.journal.postgresql;

import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.classic.spi.ThrowableProxyUtil;
import ch.qos.logback.core.Appender;
import ch.qos.logback.core.AppenderBase;
import com.typesafe.config.Config;
import com.typesafe.config.ConfigFactory;
import io.flotilla.journal.StoredJournal;
import io.flotilla.persistence.DeposedWriters;
import io.flotilla.persistence.FencedException;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.apache.pekko.actor.BootstrapSetup;
import org.apache.pekko.actor.setup.ActorSystemSetup;
import org.apache.pekko.actor.testkit.typed.javadsl.ActorTestKit;
import org.apache.pekko.actor.testkit.typed.javadsl.TestProbe;
import org.apache.pekko.actor.typed.ActorRef;
import org.apache.pekko.actor.typed.ActorSystem;
import org.apache.pekko.actor.typed.SupervisorStrategy;
import org.apache.pekko.persistence.typed.PersistenceId;
import org.apache.pekko.persistence.typed.javadsl.CommandHandler;
import org.apache.pekko.persistence.typed.javadsl.EventHandler;
import org.apache.pekko.persistence.typed.javadsl.EventSourcedBehavior;
import org.apache.pekko.persistence.typed.javadsl.RetentionCriteria;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.slf4j.LoggerFactory;

/** Real persistent actors of several systems over one real database. */
@Timeout(180)
class PostgresPersistenceTest {
  private static final Duration PATIENCE = Duration.ofSeconds(30);
  private static final Duration PAUSE = Duration.ofMillis(300);

  @TempDir private static Path directory;
  private static TestPostgres server;
  private final List<Node> nodes = new ArrayList<>();
  private DatabaseSettings settings;

  @BeforeAll
  static void startServer() throws IOException, SQLException {
    server = new TestPostgres(directory);
  }

  @AfterAll
  static void stopServer() throws IOException {
    server.close();
  }

  @BeforeEach
  void makeDatabase() throws SQLException {
    settings = server.newDatabase();
  }

  @AfterEach
  void stop() {
    nodes.forEach(Node::close);
  }

  private Node node() throws IOException {
    return node(PAUSE);
  }

  private Node node(Duration pause) throws IOException {
    Node node = new Node(settings, pause);
    nodes.add(node);
    return node;
  }

  /** Writes lines down, and tells them. */
  private static final class Notebook extends EventSourcedBehavior<Notebook.Command, String, String> {
    sealed interface Command {}

    record Write(List<String> lines, ActorRef<Integer> replyTo) implements Command {}

    record Tell(ActorRef<List<String>> replyTo) implements Command {}

    Notebook() {
      super(PersistenceId.ofUniqueId("notebook"),
          SupervisorStrategy.restartWithBackoff(Duration.ofMillis(10), Duration.ofMillis(200), 0));
    }

    @Override
    public String emptyState() {
      return "";
    }

    @Override
    public CommandHandler<Command, String, String> commandHandler() {
      return newCommandHandlerBuilder().forAnyState()
          .onCommand(Write.class, write -> Effect().persist(write.lines())
              .thenRun(state -> write.replyTo().tell(lines(state).size())))
          .onCommand(Tell.class, (state, tell) -> {
            tell.replyTo().tell(lines(state));
            return Effect().none();
          })
          .build();
    }

    @Override
    public EventHandler<String, String> eventHandler() {
      return (state, line) -> state + line + "\n";
    }

    private static List<String> lines(String state) {
      return state.lines().toList();
    }

    @Override
    public RetentionCriteria retentionCriteria() {
      return RetentionCriteria.snapshotEvery(5, 2).withDeleteEventsOnSnapshot();
    }
  }

  /** One node's actor system, with its own connections. */
  private static final class Node implements AutoCloseable {
    private final Database database;
    private final ActorTestKit system;
    private ActorRef<Notebook.Command> notebook;

    Node(DatabaseSettings settings, Duration pause) throws IOException {
      Config config = ConfigFactory.parseMap(Map.of(
          "pekko.persistence.journal.plugin", "flotilla.journal.jdbc",
          "pekko.persistence.snapshot-store.plugin", "flotilla.snapshot-store.jdbc",
          "flotilla.journal.fenced-pause", pause,
          "pekko.loglevel", "WARNING",
          "pekko.actor.allow-java-serialization", "off")).withFallback(ConfigFactory.load());
      this.database = Database.open(settings);
      ActorSystem<Void> made = ActorSystem.create(org.apache.pekko.actor.typed.javadsl.Behaviors.empty(), "node",
          ActorSystemSetup.create(BootstrapSetup.create(config), new DatabaseSetup(database)));
      this.system = ActorTestKit.create(made);
      open();
    }

    final void open() {
      notebook = system.spawn(new Notebook());
    }

    TestProbe<Integer> send(String... lines) {
      TestProbe<Integer> written = system.createTestProbe();
      notebook.tell(new Notebook.Write(List.of(lines), written.getRef()));
      return written;
    }

    int write(String... lines) {
      return send(lines).receiveMessage(PATIENCE);
    }

    List<String> read() {
      TestProbe<List<String>> told = system.createTestProbe();
      notebook.tell(new Notebook.Tell(told.getRef()));
      return told.receiveMessage(PATIENCE);
    }

    long epoch() {
      return DatabaseExtension.get(system.system().classicSystem()).epoch("notebook");
    }

    @Override
    public void close() {
      system.shutdownTestKit();
      database.close();
    }
  }

  @Test
  void whatWasWritten_isThereAfterARestart_underALaterEpoch() throws Exception {
    Node first = node();
    assertEquals(2, first.write("one", "two"));
    long epoch = first.epoch();
    first.close();

    Node second = node();

    assertEquals(List.of("one", "two"), second.read());
    assertTrue(second.epoch() > epoch);
    assertEquals(3, second.write("three"));
  }

  @Test
  void systemThatEnds_leavesTheConnectionsToTheNextOne() throws Exception {
    Node node = node();
    node.write("one");
    node.system.shutdownTestKit();

    assertTrue(new ClusterTables(node.database).cluster().isEmpty());
  }

  @Test
  void snapshotsAndDeletion_keepEverything() throws Exception {
    Node first = node();
    IntStream.rangeClosed(1, 43).forEach(i -> assertEquals(i, first.write("line " + i)));
    first.close();

    Node second = node();

    assertEquals(43, second.read().size());
    assertEquals(44, second.write("line 44"));
  }

  @Test
  void firstWriter_afterASecondHasRecovered_cannotWrite_butRecoversAndFollows() throws Exception {
    Node first = node();
    first.write("one");
    Node second = node();
    assertEquals(List.of("one"), second.read());

    TestProbe<Integer> refused = first.send("of the deposed");

    // It restarts, so that the next thing it tells is what the journal holds; the refused line isn't there.
    assertEquals(List.of("one"), first.read());
    refused.expectNoMessage(Duration.ofMillis(1));
    // By that it has become the present writer, so now the second is deposed.
    assertEquals(2, first.write("two"));
    second.send("of the deposed as well");
    await().atMost(PATIENCE).until(() -> second.read().equals(List.of("one", "two")));
  }

  /** As of a primary that was frozen and wakes: the cluster will tell it what it doesn't know yet. */
  @Test
  void deposedWriter_leavesTheFenceToItsSuccessor() throws Exception {
    Node woken = node(Duration.ofHours(1));
    woken.write("one");
    Node rightful = node();
    assertEquals(2, rightful.write("two"));
    long epoch = rightful.epoch();

    TestProbe<Integer> refused = woken.send("of the deposed");
    JournalFence fence = DatabaseExtension.get(woken.system.system().classicSystem()).fence();
    assertThrows(FencedException.class, () -> fence.claimForReplay("notebook"));
    woken.open();

    assertEquals(3, rightful.write("three"));
    refused.expectNoMessage(Duration.ofMillis(500));
    assertEquals(4, rightful.write("four"));
    assertEquals(epoch, rightful.epoch());
  }

  @Test
  void writerFarBehind_whoseNumberWasDeletedSince_cannotWrite() throws Exception {
    Node behind = node();
    behind.write("line 1");
    Node present = node();
    IntStream.rangeClosed(2, 40).forEach(i -> assertEquals(i, present.write("line " + i)));
    await().atMost(PATIENCE).until(() -> numberOf("SELECT count(*) FROM flotilla_event WHERE sequence_number = 2") == 0);

    TestProbe<Integer> refused = behind.send("of the deposed");

    assertEquals(40, behind.read().size());
    refused.expectNoMessage(Duration.ofMillis(1));
    assertEquals(0, numberOf("SELECT count(*) FROM flotilla_event WHERE sequence_number = 2"));
  }

  @Test
  void deletedEvents_leaveNoRow_andWhatIsStoredIsCounted() throws Exception {
    try (Database database = Database.open(settings)) {
      assertEquals(StoredJournal.NOTHING, StoredRows.of(database, "notebook"));
      Node node = node();
      IntStream.rangeClosed(1, 43).forEach(i -> assertEquals(i, node.write("line " + i)));

      StoredJournal stored = await().atMost(PATIENCE).until(() -> StoredRows.of(database, "notebook"),
          found -> found.snapshots() == 3 && found.events() == 13);

      assertEquals(13, numberOf("SELECT count(*) FROM flotilla_event"), "the plugin would keep one for the highest number");
      assertEquals(31, stored.oldest());
      assertEquals(43, stored.highest());
      assertEquals(numberOf("SELECT sum(length(event_payload)) FROM flotilla_event"), stored.eventBytes());
      assertEquals(numberOf("SELECT sum(length(snapshot_payload)) FROM flotilla_snapshot"), stored.snapshotBytes());
      StoredJournal.Snapshot newest = stored.newest().orElseThrow();
      assertEquals(40, newest.sequenceNr());
      assertEquals(numberOf("SELECT created FROM flotilla_snapshot WHERE sequence_number = 40"), newest.timestamp());
      assertEquals(numberOf("SELECT length(snapshot_payload) FROM flotilla_snapshot WHERE sequence_number = 40"), newest.bytes());
    }
  }

  @Test
  void append_underAnOldEpochOrNotAfterTheHighest_writesNothing() throws Exception {
    try (Database database = Database.open(settings)) {
      JournalFence one = new JournalFence(database, new DeposedWriters(PAUSE));
      JournalFence other = new JournalFence(database, new DeposedWriters(PAUSE));
      JournalFence.Writer old = one.claimForReplay("p");
      one.append(old, List.of(row(1), row(2)));
      JournalFence.Writer present = other.claimForReplay("p");
      assertEquals(2, present.highest());

      assertThrows(FencedException.class, () -> one.append(old, List.of(row(3))));
      assertThrows(FencedException.class, () -> other.append(present, List.of(row(2))));
      other.append(present, List.of(row(3)));

      assertEquals(3, numberOf("SELECT count(*) FROM flotilla_event"));
      assertEquals(3, numberOf("SELECT highest FROM flotilla_writer"));
    }
  }

  @Test
  void writerFrozenInTheMiddleOfAnAppend_doesNotKeepAnotherFromTakingOver() throws Exception {
    CountDownLatch inside = new CountDownLatch(1);
    CountDownLatch thawed = new CountDownLatch(1);
    try (Database frozen = Database.open(settings); Database other = Database.open(settings)) {
      JournalFence.Writer writer = new JournalFence(frozen, new DeposedWriters(PAUSE)).claimForReplay("p");
      CompletableFuture<Boolean> append = CompletableFuture.supplyAsync(() -> {
        try {
          return frozen.inTransaction(connection -> {
            try (var statement = connection.createStatement()) {
              statement.execute("UPDATE flotilla_writer SET highest = 1");
            }
            inside.countDown();
            return awaited(thawed);
          });
        } catch (DatabaseException e) {
          return false;
        }
      });
      inside.await();

      JournalFence.Writer next = new JournalFence(other, new DeposedWriters(PAUSE)).claimForReplay("p");

      assertEquals(writer.highest(), next.highest());
      thawed.countDown();
      assertEquals(false, append.get());
    }
  }

  /** As when the database's machine hangs or is gone: the connection stays, and no answer comes. */
  @Test
  void statementThatGetsNoAnswer_isGivenUp_andTheDatabaseCanBeAskedAgain() throws Exception {
    try (Database database = Database.open(settings)) {
      DatabaseException failure = assertTimeoutPreemptively(Duration.ofSeconds(60), () -> assertThrows(DatabaseException.class,
          () -> database.inTransaction(connection -> {
            try (var statement = connection.createStatement()) {
              return statement.execute("SELECT pg_sleep(600)");
            }
          })));

      assertTrue(failure.getMessage().contains("does not answer"), failure.getMessage());
      assertEquals(Optional.empty(), new ClusterTables(database).cluster());
    }
  }

  @Test
  void claim_afterTheDatabaseWasRestoredToWhatItHeldEarlier_isLaterThanAllBefore() throws Exception {
    Node node = node();
    node.write("one");
    long before = node.epoch();
    node.database.inTransaction(connection -> {
      try (var statement = connection.createStatement()) {
        return statement.executeUpdate("DELETE FROM flotilla_event; DELETE FROM flotilla_writer");
      }
    });

    TestProbe<Integer> refused = node.send("on top of what is lost");

    assertEquals(List.of(), node.read());
    refused.expectNoMessage(Duration.ofMillis(1));
    assertTrue(node.epoch() > before);
    assertEquals(1, node.write("one again"));
  }

  /** What is written holds sealed secrets, and a database tells with an error which row it is about. */
  @Test
  void rowThatTheDatabaseRefuses_isInNoMessageAndNoLog() throws Exception {
    String secret = "1.sealed.secret";
    refuseRows("event", "event_payload");
    refuseRows("snapshot", "snapshot_payload");
    try (Database database = Database.open(settings); Lines lines = new Lines()) {
      JournalFence fence = new JournalFence(database, new DeposedWriters(PAUSE));
      JournalFence.Writer writer = fence.claimForReplay("p");
      DatabaseException failure = assertThrows(DatabaseException.class,
          () -> fence.append(writer, List.of(row(1, secret), row(2, secret))));
      assertTrue(failure.getMessage().contains("not today"), failure.getMessage());
      assertHides(stackTrace(failure), secret);

      Node node = node();
      node.send(secret);
      assertEquals(List.of(), node.read());
      lines.awaitLine("not today");
      execute("DROP TRIGGER refuse ON flotilla_event");
      IntStream.rangeClosed(1, 5).forEach(i -> assertEquals(i, node.write(secret)));
      lines.awaitLine("Failed to save snapshot");

      assertHides(lines.all(), secret);
      execute("DROP TRIGGER refuse ON flotilla_snapshot");
      node.close();
      assertEquals(5, node().read().size());
    }
  }

  @Test
  void failedTransaction_isKnownToBeUndone_unlessItWasToBeCommitted() throws Exception {
    execute("""
        CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RAISE EXCEPTION 'not today'; END$$;
        CREATE TRIGGER at_once BEFORE INSERT ON flotilla_event FOR EACH ROW EXECUTE FUNCTION refuse();
        CREATE CONSTRAINT TRIGGER at_commit AFTER INSERT ON flotilla_event DEFERRABLE INITIALLY DEFERRED
          FOR EACH ROW EXECUTE FUNCTION refuse()""");
    try (Database database = Database.open(settings)) {
      JournalFence fence = new JournalFence(database, new DeposedWriters(PAUSE));
      JournalFence.Writer writer = fence.claimForReplay("p");

      assertTrue(assertThrows(DatabaseException.class, () -> fence.append(writer, List.of(row(1)))).isUndone());
      execute("DROP TRIGGER at_once ON flotilla_event");
      assertFalse(assertThrows(DatabaseException.class, () -> fence.append(writer, List.of(row(1)))).isUndone());
    }
  }

  private void refuseRows(String table, String payload) throws Exception {
    execute("""
        CREATE FUNCTION refuse_%1$s() RETURNS trigger LANGUAGE plpgsql AS
          $$BEGIN RAISE EXCEPTION 'not today' USING DETAIL = encode(NEW.%2$s, 'escape'); END$$;
        CREATE TRIGGER refuse BEFORE INSERT OR UPDATE ON flotilla_%1$s FOR EACH ROW EXECUTE FUNCTION refuse_%1$s()"""
        .formatted(table, payload));
  }

  private void execute(String sql) throws Exception {
    try (Database database = Database.open(settings)) {
      database.inTransaction(connection -> {
        try (var statement = connection.createStatement()) {
          return statement.execute(sql);
        }
      });
    }
  }

  private static void assertHides(String text, String secret) {
    String hex = HexFormat.of().formatHex(secret.getBytes(StandardCharsets.UTF_8));
    assertFalse(text.contains(secret) || text.toLowerCase(Locale.ROOT).contains(hex), text);
  }

  private static String stackTrace(Throwable failure) {
    StringWriter text = new StringWriter();
    failure.printStackTrace(new PrintWriter(text));
    return text.toString();
  }

  /** All that is logged, also by those that the tests silence. */
  private static final class Lines implements AutoCloseable {
    private final List<String> told = new CopyOnWriteArrayList<>();
    private final Map<Logger, Level> silenced = new LinkedHashMap<>();
    private final Logger root = (Logger) LoggerFactory.getLogger(org.slf4j.Logger.ROOT_LOGGER_NAME);
    private final AppenderBase<ILoggingEvent> appender = new AppenderBase<>() {
      @Override
      protected void append(ILoggingEvent event) {
        told.add(event.getFormattedMessage()
            + (event.getThrowableProxy() == null ? "" : "\n" + ThrowableProxyUtil.asString(event.getThrowableProxy())));
      }
    };

    private final Appender<ILoggingEvent> console = root.getAppender("STDOUT");

    Lines() {
      appender.start();
      root.detachAppender(console);
      root.addAppender(appender);
      for (String name : List.of("com.zaxxer.hikari", "org.apache.pekko.actor.SupervisorStrategy", Notebook.class.getName())) {
        Logger logger = (Logger) LoggerFactory.getLogger(name);
        silenced.put(logger, logger.getLevel());
        logger.setLevel(Level.DEBUG);
        logger.setAdditive(false);
        logger.addAppender(appender);
      }
    }

    void awaitLine(String part) {
      await().atMost(PATIENCE).until(() -> told.stream().anyMatch(line -> line.contains(part)));
    }

    String all() {
      return String.join("\n", told);
    }

    @Override
    public void close() {
      root.detachAppender(appender);
      root.addAppender(console);
      silenced.forEach((logger, level) -> {
        logger.detachAppender(appender);
        logger.setAdditive(true);
        logger.setLevel(level);
      });
    }
  }

  private static boolean awaited(CountDownLatch latch) {
    try {
      return latch.await(PATIENCE.toSeconds(), TimeUnit.SECONDS);
    } catch (InterruptedException e) {
      return false;
    }
  }

  private static JournalFence.Row row(long number) {
    return row(number, "");
  }

  private static JournalFence.Row row(long number, String payload) {
    return new JournalFence.Row(
        "p", number, "w", 0, "", 1, "", payload.getBytes(StandardCharsets.UTF_8), null, null, null);
  }

  private long numberOf(String query) throws IOException {
    try (Database database = Database.open(settings)) {
      return database.inTransaction(connection -> {
        try (var statement = connection.createStatement(); var row = statement.executeQuery(query)) {
          row.next();
          return row.getLong(1);
        }
      });
    }
  }

  @Test
  void databaseStoppedAndStartedAgain_whatWasAcknowledgedIsThereOnce() throws Exception {
    Node node = node();
    node.write("one");

    server.stop();
    TestProbe<Integer> unanswered = node.send("while it is away");
    server.start();

    List<String> lines = node.read();
    unanswered.expectNoMessage(Duration.ofMillis(1));
    assertEquals(List.of("one"), lines);
    assertEquals(2, node.write("two"));
    node.close();
    assertEquals(List.of("one", "two"), node().read());
  }
}
