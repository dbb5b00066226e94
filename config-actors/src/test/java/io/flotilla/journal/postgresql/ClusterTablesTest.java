package io.flotilla.journal.postgresql;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.flotilla.journal.postgresql.ClusterTables.ClusterRow;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.UUID;
import java.util.concurrent.Callable;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What nodes agree about in a real database. */
@Timeout(120)
class ClusterTablesTest {
  private static final UUID A = UUID.randomUUID();
  private static final UUID B = UUID.randomUUID();
  private static final Duration LONG = Duration.ofMinutes(1);

  @TempDir private static Path directory;
  private static TestPostgres server;
  private DatabaseSettings settings;
  private Database database;
  private ClusterTables tables;

  @BeforeAll
  static void startServer() throws IOException, SQLException {
    server = new TestPostgres(directory);
  }

  @AfterAll
  static void stopServer() throws IOException {
    server.close();
  }

  @BeforeEach
  void open() throws IOException, SQLException {
    settings = server.newDatabase();
    database = Database.open(settings);
    tables = new ClusterTables(database);
    tables.form(new ClusterRow(UUID.randomUUID(), "key", A));
    tables.enter(A, "a", "host-a:1", List.of("primary"), Optional.empty());
    tables.enter(B, "b", "host-b:1", List.of("primary"), Optional.empty());
  }

  @AfterEach
  void close() {
    database.close();
  }

  private void sql(String statement) throws SQLException {
    server.execute(settings.address().substring(settings.address().lastIndexOf('/') + 1), statement);
  }

  /** Runs all at the same moment. */
  private static <T> List<T> race(List<Callable<T>> racers) throws Exception {
    CyclicBarrier start = new CyclicBarrier(racers.size());
    List<T> results = new ArrayList<>();
    try (ExecutorService threads = Executors.newFixedThreadPool(racers.size())) {
      List<Future<T>> running = racers.stream().map(racer -> threads.submit(() -> {
        start.await();
        return racer.call();
      })).toList();
      for (Future<T> one : running) {
        results.add(one.get());
      }
    }
    return results;
  }

  @Test
  void open_manyAtOnceOnAnEmptyDatabase_makesTheTablesOnce() throws Exception {
    DatabaseSettings empty = server.newDatabase();
    List<Callable<Boolean>> nodes = new ArrayList<>();
    for (int i = 0; i < 6; i++) {
      nodes.add(() -> {
        try (Database opened = Database.open(empty)) {
          return new ClusterTables(opened).cluster().isEmpty();
        }
      });
    }

    assertEquals(List.of(true, true, true, true, true, true), race(nodes));
  }

  @Test
  void form_atTheSameTime_makesOneCluster() throws Exception {
    DatabaseSettings empty = server.newDatabase();
    try (Database opened = Database.open(empty)) {
      ClusterTables fresh = new ClusterTables(opened);
      List<Boolean> formed = race(List.of(() -> fresh.form(new ClusterRow(UUID.randomUUID(), "one", A)),
          () -> fresh.form(new ClusterRow(UUID.randomUUID(), "other", B))));

      assertEquals(1, formed.stream().filter(done -> done).count());
      assertEquals(formed.getFirst() ? A : B, fresh.cluster().orElseThrow().formedBy());
    }
  }

  @Test
  void found_atTheSameTime_hasOneFounder() throws Exception {
    for (int i = 0; i < 10; i++) {
      long expected = tables.generation();
      List<OptionalLong> founded =
          race(List.of(() -> tables.found(expected, A, "host-a:1"), () -> tables.found(expected, B, "host-b:1")));

      assertEquals(1, founded.stream().filter(OptionalLong::isPresent).count());
      UUID founder = founded.getFirst().isPresent() ? A : B;
      assertTrue(tables.generation() > expected);
      tables.tell(founder, tables.generation(), "");
      tables.tell(founder, 0, "");
    }
  }

  @Test
  void found_whileTheFounderIsOnItsWayUp_isRefused_untilItHadItsTime() throws Exception {
    long first = tables.found(0, A, "host-a:1").orElseThrow();

    assertTrue(tables.found(first, B, "host-b:1").isEmpty());

    sql("UPDATE flotilla_cluster SET lease_until = clock_timestamp() - interval '1 second'");
    assertTrue(tables.found(first, B, "host-b:1").orElseThrow() > first);
  }

  @Test
  void found_afterTheDatabasesClockWasSetBack_doesNotWaitForTheOldTime_norFallBehind() throws Exception {
    long first = tables.found(0, A, "host-a:1").orElseThrow() + 1_000_000_000;
    sql("UPDATE flotilla_cluster SET generation = " + first + ", lease_until = clock_timestamp() + interval '5 hours'");

    assertEquals(first + 1, tables.found(first, B, "host-b:1").orElseThrow());
  }

  @Test
  void found_afterTheDatabaseWasRestoredToWhatItHeldEarlier_isLaterThanAllBefore() throws Exception {
    long before = tables.found(0, A, "host-a:1").orElseThrow();
    sql("UPDATE flotilla_cluster SET generation = 0, lease_holder = NULL");

    assertTrue(tables.found(0, B, "host-b:1").orElseThrow() > before);
  }

  @Test
  void found_whileAnotherNodeLivesInTheGeneration_isRefused_untilItIsSilent() throws Exception {
    long first = tables.found(0, A, "host-a:1").orElseThrow();
    tables.tell(A, first, "");

    assertTrue(tables.found(first, B, "host-b:1").isEmpty());

    sql("UPDATE flotilla_node SET seen_at = clock_timestamp() - interval '1 minute' WHERE name = 'a'");
    assertTrue(tables.found(first, B, "host-b:1").isPresent());
  }

  @Test
  void found_afterTheFounderGaveUp_isTheOthers_andNobodyElsesLeaseIsGivenBack() throws Exception {
    long first = tables.found(0, A, "host-a:1").orElseThrow();
    tables.giveUpFounding(B);
    assertTrue(tables.found(first, B, "host-b:1").isEmpty());

    tables.giveUpFounding(A);

    assertTrue(tables.found(first, B, "host-b:1").orElseThrow() > first);
  }

  @Test
  void nodes_seenInTheFuture_areDead() throws Exception {
    sql("UPDATE flotilla_node SET seen_at = clock_timestamp() + interval '5 hours' WHERE name = 'a'");

    assertEquals(List.of(false, true), tables.nodes().stream().map(ClusterTables.NodeRow::alive).toList());
  }

  @Test
  void enter_underANameThatIsTaken_isRefused_unlessItsHolderIsGivenUp() throws Exception {
    UUID other = UUID.randomUUID();

    assertFalse(tables.enter(other, "a", "host-c:1", List.of(), Optional.empty()));
    assertFalse(tables.enter(other, "a", "host-c:1", List.of(), Optional.of(B)));
    assertTrue(tables.enter(other, "a", "host-c:1", List.of(), Optional.of(A)));

    assertEquals(List.of(other, B), tables.nodes().stream().map(ClusterTables.NodeRow::nodeId).toList());
  }

  @Test
  void enter_twoUnderOneNameAtTheSameTime_oneHasIt() throws Exception {
    List<Boolean> entered = race(List.of(
        () -> tables.enter(UUID.randomUUID(), "new", "host-c:1", List.of(), Optional.empty()),
        () -> tables.enter(UUID.randomUUID(), "new", "host-d:1", List.of(), Optional.empty())));

    assertEquals(1, entered.stream().filter(done -> done).count());
  }

  @Test
  void enter_atAnotherAddressOrUnderAnotherName_replacesTheNodesOwnRow() throws Exception {
    assertTrue(tables.enter(A, "a2", "host-b:1", List.of("gateway"), Optional.empty()));

    assertEquals(List.of("a2"), tables.nodes().stream().map(ClusterTables.NodeRow::name).toList());
  }

  @Test
  void forget_takesOnlyTheDead() throws Exception {
    assertFalse(tables.forget("a"));

    sql("UPDATE flotilla_node SET seen_at = clock_timestamp() - interval '1 minute' WHERE name = 'a'");

    assertTrue(tables.forget("a"));
    assertEquals(1, tables.nodes().size());
  }

  @Test
  void lease_isOneHolders_untilGivenBackOrOverdue() throws Exception {
    assertEquals(1, ClusterTablesTest.<Boolean>race(
        List.of(() -> tables.acquire("l", "a", LONG), () -> tables.acquire("l", "b", LONG))).stream().filter(done -> done).count());
    tables.release("l", "a");
    tables.release("l", "b");
    assertTrue(tables.acquire("l", "a", LONG));
    assertTrue(tables.acquire("l", "a", LONG));
    assertFalse(tables.acquire("l", "b", LONG));
    tables.release("l", "b");
    assertFalse(tables.acquire("l", "b", LONG));

    sql("UPDATE flotilla_lease SET held_until = clock_timestamp() - interval '1 second'");

    assertTrue(tables.acquire("l", "b", LONG));
  }

  @Test
  void open_withWhatIsWrong_saysWhat(@TempDir Path other) throws Exception {
    assertSays("refuses the user flotilla",
        new DatabaseSettings(settings.url(), "flotilla", "wrong", Optional.empty(), 4));
    assertSays("does not exist", server.settings("nowhere"));
    assertSays("does not answer",
        new DatabaseSettings("jdbc:postgresql://127.0.0.1:1/x?password=secret", "flotilla", "", Optional.empty(), 4));
    assertSays("cannot be read", new DatabaseSettings(
        settings.url(), "flotilla", "", Optional.of(other.resolve("missing")), 4));
    sql("INSERT INTO flotilla_schema (version) VALUES (99)");
    assertSays("newer release (schema version 99", settings);
  }

  @Test
  void open_withAPasswordFile_readsIt(@TempDir Path other) throws Exception {
    Path file = Files.writeString(other.resolve("password"), TestPostgres.PASSWORD + "\n");

    Database.open(new DatabaseSettings(settings.url(), "flotilla", "", Optional.of(file), 2)).close();
  }

  private static void assertSays(String expected, DatabaseSettings settings) {
    DatabaseException refused = assertThrows(DatabaseException.class, () -> Database.open(settings).close());

    assertTrue(refused.getMessage().contains(expected), refused.getMessage());
    assertFalse(refused.getMessage().contains("secret"), refused.getMessage());
  }
}
