package io.flotilla.system;

import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.net.ServerSocket;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInfo;
import org.junit.jupiter.api.io.TempDir;

/** A cluster whose journal is in a real PostgreSQL: nodes and the database go and come back. */
class PostgresJournalTest {
  private static final OpenSsh.Password PASSWORD = new OpenSsh.Password("a good password");

  @TempDir private static Path databaseDirectory;
  private static PostgresServer server;
  private static int databases;
  @TempDir private Path directory;
  private String database;
  private TestCluster cluster;
  private OpenSsh ssh;
  private int loads;

  @BeforeAll
  static void startServer() throws IOException {
    server = new PostgresServer(databaseDirectory);
  }

  @AfterAll
  static void stopServer() throws IOException {
    server.close();
  }

  @BeforeEach
  void start(TestInfo test) throws IOException {
    database = "flotilla_" + ++databases;
    server.makeDatabase(database);
    cluster = TestCluster.start(directory.resolve("cluster"), test.getTags().contains("one") ? 1 : 3, Optional.empty(),
        server.options(database));
    ssh = new OpenSsh(directory);
    cluster.api(1).put("/api/v1/config/users/alice?wait=applied", "{\"password\":\"a good password\"}").expect(201);
  }

  @AfterEach
  void stop() {
    cluster.close();
  }

  private Load load(int... nodes) {
    return new Load(cluster, "load-" + ++loads, nodes);
  }

  private static boolean isRefusedBecause(String why, AdminApi.Answer answer) {
    return answer.status() == 503 && answer.body().path("detail").asText().contains(why);
  }

  private void login(int k) throws Exception {
    ssh.sftp("alice", PASSWORD, cluster.host(k), cluster.sftpPort(), "pwd\n").expectSuccess();
  }

  @Test
  @Tag("long")
  @Tag("one")
  void largeChanges_leaveLittleInTheDatabase_andStatusTellsWhat() throws Exception {
    assertEquals(0, cluster.node(1).stop());
    cluster.startNode(1, List.of("--set", "flotilla.primary.snapshot-bytes=65536"));
    cluster.awaitConverged();
    for (int i = 0; i < 40; i++) {
      String comment = ("%04d".formatted(i) + "x".repeat(996));
      for (int part = 0; part < 5; part++) {
        cluster.api(1).put("/api/v1/config/users/u" + i + "-" + part + "?comment=" + comment, "{}").expect(201);
      }
    }
    long head = cluster.api(1).version();

    await().atMost(TestCluster.SOON).until(() -> cluster.api(1).get("/api/v1/cluster").expect(200).body().path("journal")
        .path("newestEvent").asLong() == head);

    var journal = cluster.api(1).get("/api/v1/cluster").expect(200).body().path("journal");
    assertEquals("postgresql", journal.path("engine").asText());
    assertTrue(journal.path("events").asLong() <= 60, journal.toString());
    assertEquals(2, journal.path("snapshots").asLong());
    assertEquals(0, journal.path("voters").size());
    assertTrue(journal.path("lastSnapshot").path("version").asLong() > head - 30, journal.toString());
    assertTrue(cluster.api(1).text("/metrics").contains("flotilla_journal_events " + journal.path("events").asDouble()));
    cluster.node(1).kill();
    cluster.startNode(1, List.of());
    cluster.awaitConverged();
    assertEquals(head, cluster.api(1).version());
    cluster.api(1).get("/api/v1/config/users/u0-0").expect(200);
  }

  @Test
  void primaryKilledThenFrozenWhileChangesGoOn_nothingAcknowledgedIsLost() throws Exception {
    int primary = cluster.primary(1);
    int other = primary % 3 + 1;
    try (Load load = load(other)) {
      load.awaitMore(20);
      cluster.node(primary).kill();
      login(other);
      load.awaitMore(20);
      cluster.startNode(primary, List.of());
      await().atMost(TestCluster.SOON).until(() -> cluster.api(primary).version() > 0);
      load.close();
      cluster.awaitConverged();
      load.check(1, 2, 3);
    }
    int frozen = cluster.primary(other);
    try (Load load = load(frozen % 3 + 1)) {
      load.awaitMore(20);
      cluster.node(frozen).freeze();
      load.awaitMore(20);
      cluster.node(frozen).thaw();
      load.awaitMore(20);
      load.close();
      cluster.awaitConverged();
      load.check(1, 2, 3);
    }
  }

  @Tag("long")
  @Test
  void primarySet_movesIt_andThereAreNoVoters() throws Exception {
    assertEquals(Set.of("gateway", "primary"), roles(2));
    AdminApi.Answer voters = cluster.api(2).get("/api/v1/voters").expect(409);
    assertTrue(voters.body().path("detail").asText().contains("PostgreSQL"), voters.body().toString());
    cluster.api(2).send("DELETE", "/api/v1/voters/node-1", "").expect(409);
    int next = cluster.primary(1) % 3 + 1;

    cluster.api(1).send("POST", "/api/v1/cluster/primary", "{\"node\":\"node-" + next + "\"}");

    await().atMost(TestCluster.SOON).until(() -> cluster.primary(next) == next);
    await().atMost(TestCluster.SOON).until(() ->
        cluster.api(next).put("/api/v1/config/users/bob?timeout=2s", "{}").status() / 100 == 2);
    cluster.awaitConverged();
  }

  private Set<String> roles(int k) throws IOException {
    Set<String> roles = new HashSet<>();
    cluster.member(1, cluster.name(k)).path("roles").forEach(role -> roles.add(role.asText()));
    return roles;
  }

  @Test
  void databaseStoppedUnderLoad_changesAreRefused_filesAreServed_andAllIsWellWhenItIsBack() throws Exception {
    try (Load load = load(1, 2, 3)) {
      load.awaitMore(20);

      server.stop();
      try {
        await().atMost(TestCluster.SOON).until(() ->
            isRefusedBecause("the database", cluster.api(2).put("/api/v1/config/users/refused?timeout=1s", "{}")));
        for (int k = 1; k <= 3; k++) {
          login(k);
        }
        cluster.node(3).kill();
        cluster.startNode(3, List.of());
        await().atMost(TestCluster.SOON).until(() -> cluster.api(3).version() > 0);
        login(3);
        await().atMost(TestCluster.SOON).until(() -> cluster.node(3).log().contains("does not answer"));
        assertTrue(cluster.node(1).isAlive() && cluster.node(2).isAlive() && cluster.node(3).isAlive());
      } finally {
        server.start();
      }

      load.awaitMore(20);
      load.close();
      assertEquals(Set.of(), load.answersBut(201, 412, 503, 504));
      cluster.awaitConverged();
      load.check(1, 2, 3);
      cluster.api(3).put("/api/v1/config/users/bob?wait=applied", "{}").expect(201);
    }
  }

  /** Its connections stay, and nothing comes: as when its machine or its disk hangs. */
  @Test
  @Tag("long")
  void databaseFrozenUnderLoad_changesAreRefusedInTime_filesAreServed_andAllIsWellWhenItWakes() throws Exception {
    try (Load load = load(1, 2, 3)) {
      load.awaitMore(20);

      server.freeze();
      try {
        for (int k = 1; k <= 3; k++) {
          int node = k;
          await().atMost(TestCluster.SOON).until(() ->
              isRefusedBecause("the database", cluster.api(node).put("/api/v1/config/users/refused?timeout=1s", "{}")));
          cluster.api(k).get("/api/v1/config/users/alice").expect(200);
          login(k);
        }
        assertEquals(0, cluster.node(3).stop());
        cluster.startNode(3, List.of());
        await().atMost(TestCluster.SOON).until(() -> cluster.api(3).version() > 0);
        login(3);
        await().atMost(TestCluster.SOON).until(() -> cluster.node(3).log().contains("The journal cannot be opened"));
      } finally {
        server.thaw();
      }

      load.awaitMore(20);
      load.close();
      assertEquals(Set.of(), load.answersBut(201, 412, 503, 504));
      cluster.awaitConverged();
      load.check(1, 2, 3);
      cluster.api(3).put("/api/v1/config/users/bob?wait=applied", "{}").expect(201);
    }
  }

  @Test
  @Tag("long")
  void allKilledAtOnce_andStartedInAnotherOrder_haveEverything() throws Exception {
    long version = cluster.api(1).version();
    for (int k = 1; k <= 3; k++) {
      cluster.node(k).kill();
    }

    for (int k : List.of(3, 2, 1)) {
      cluster.startNode(k, List.of());
    }
    cluster.awaitConverged();

    assertEquals(version, cluster.api(1).version());
    cluster.api(3).put("/api/v1/config/users/bob?wait=applied", "{}").expect(201);
  }

  @Test
  @Tag("long")
  void allButOneStayDead_thatOneGoesOn() throws Exception {
    int left = cluster.primary(1) % 3 + 1;
    for (int k = 1; k <= 3; k++) {
      if (k != left) {
        cluster.node(k).kill();
      }
    }

    await().atMost(TestCluster.SOON).until(() ->
        cluster.api(left).put("/api/v1/config/users/bob?timeout=2s", "{}").status() / 100 == 2);
    login(left);
    // The resolver's lease let it stay, so it did not have to found the cluster anew.
    assertFalse(cluster.node(left).log().contains("This node left the cluster"), cluster.node(left).log());
  }

  /** One that can't come up must not found again and again, so that nobody else may. */
  @Test
  @Tag("long")
  void foundersThatCannotComeUp_makeWayForOneThatCan() throws Exception {
    for (int k = 1; k <= 3; k++) {
      cluster.node(k).kill();
    }
    try (ServerSocket first = cluster.occupyRemotingPort(1); ServerSocket second = cluster.occupyRemotingPort(2)) {
      cluster.startNode(1, List.of());
      cluster.startNode(2, List.of());
      await().atMost(TestCluster.SOON).until(() -> (cluster.node(1).log() + cluster.node(2).log())
          .contains("its clustered actor system failed"));
      assertTrue(first.isBound() && second.isBound());

      cluster.startNode(3, List.of());

      await().atMost(TestCluster.SOON).ignoreExceptionsInstanceOf(IOException.class).until(() ->
          cluster.api(3).put("/api/v1/config/users/bob?timeout=2s", "{}").status() / 100 == 2);
    }
    cluster.awaitConverged();
    assertEquals(3, cluster.primary(1));
  }

  /** As after a standby was promoted that lacks the last commits. What it lacks is lost, but nothing stays at odds. */
  @Test
  @Tag("long")
  void databaseRestoredUnderRunningNodes_theyFollowIt() throws Exception {
    cluster.awaitConverged();
    server.execute(database, "CREATE TABLE old_event AS TABLE flotilla_event; CREATE TABLE old_snapshot AS TABLE "
        + "flotilla_snapshot; CREATE TABLE old_writer AS TABLE flotilla_writer; CREATE TABLE old_cluster AS TABLE flotilla_cluster");
    cluster.api(1).put("/api/v1/config/users/lost?wait=applied", "{}").expect(201);

    server.execute(database, "BEGIN; " + Stream.of("event", "snapshot", "writer", "cluster").map(table -> "DELETE FROM flotilla_"
        + table + "; INSERT INTO flotilla_" + table + " SELECT * FROM old_" + table + "; ").collect(Collectors.joining())
        + "COMMIT");

    await().atMost(TestCluster.SOON).until(() ->
        cluster.api(2).put("/api/v1/config/users/bob?timeout=2s", "{}").status() / 100 == 2);
    cluster.awaitConverged();
    for (int k = 1; k <= 3; k++) {
      cluster.api(k).get("/api/v1/config/users/bob").expect(200);
      cluster.api(k).get("/api/v1/config/users/lost").expect(404);
      login(k);
    }
  }

  @Test
  @Tag("long")
  @Tag("one")
  void nodeThatDoesNotFit_saysWhy() throws Exception {
    String key = cluster.state(1).resolve("cluster.key").toString();
    assertRefused("start this node without --form", "former", List.of("--form"));
    assertRefused("has the cluster key", "other-key",
        List.of("--cluster-key", directory.resolve("former/state/cluster.key").toString()));

    server.makeDatabase(database + "_other");
    assertWaits("holds no cluster yet", "empty", List.of("--cluster-key", key), server.options(database + "_other"));
    assertWaits("refuses the user flotilla", "wrong-password", List.of("--cluster-key", key),
        server.options(database, "wrong"));
    assertWaits("does not exist", "wrong-database", List.of("--cluster-key", key), server.options("nowhere"));

    assertEquals(0, cluster.node(1).stop());
    server.execute(database, "INSERT INTO flotilla_schema (version) VALUES (99)");
    cluster.startNode(1, List.of());
    await().atMost(TestCluster.SOON).until(() -> cluster.node(1).log().contains("newer release (schema version 99"));
    login(1);
    assertEquals(0, cluster.node(1).stop());
    server.execute(database, "DELETE FROM flotilla_schema WHERE version = 99; UPDATE flotilla_cluster SET cluster_id = "
        + "'00000000-0000-0000-0000-000000000001'");
    cluster.startNode(1, List.of());
    assertEquals(78, cluster.node(1).awaitExit());
    assertTrue(cluster.node(1).log().contains("holds cluster 00000000-0000-0000-0000-000000000001"));
  }

  private void assertRefused(String expected, String name, List<String> more) throws Exception {
    List<String> options = new ArrayList<>(server.options(database));
    options.addAll(more);
    try (NodeProcess stranger = cluster.startStranger(name, 2, directory.resolve(name).resolve("state"), options)) {
      assertEquals(78, stranger.awaitExit());
      assertTrue(stranger.log().contains(expected), stranger.log());
    }
  }

  private void assertWaits(String expected, String name, List<String> more, List<String> where) throws Exception {
    List<String> options = new ArrayList<>(where);
    options.addAll(more);
    try (NodeProcess stranger = cluster.startStranger(name, 2, directory.resolve(name).resolve("state"), options)) {
      await().atMost(TestCluster.SOON).until(() -> stranger.log().contains(expected));
      assertTrue(stranger.isAlive());
      assertFalse(stranger.log().contains("secret-of-the-database"));
      assertEquals(0, stranger.stop());
    }
  }
}
