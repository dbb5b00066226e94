package io.flotilla.system;

import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A cluster whose nodes run two builds, upgraded and taken back node by node, with the primary on either. */
class MixedBuildsTest {
  private static final String NOVA = "/api/v1/config/users/nova";

  @TempDir private Path directory;
  private TestCluster cluster;
  private Optional<Path> next;
  private int users;

  @BeforeEach
  void start() throws IOException {
    next = Optional.of(NextBuild.compile(directory.resolve("next")));
    // Each primary writes snapshots, so that what it does not know has to get through them.
    cluster = TestCluster.start(
        directory.resolve("cluster"), 3, Optional.empty(), List.of("--set", "flotilla.primary.snapshot-every=5"));
  }

  @AfterEach
  void stop() {
    cluster.close();
  }

  @Test
  void whatTheNextBuildAdds_survivesTheOldOne_andOneNodeAfterTheOtherIsUpgradedAndTakenBack() throws Exception {
    replace(3, next);
    changeThroughAll();
    JsonNode refusal = cluster.api(3).put(NOVA, "{\"nickname\":\"Nova\"}").expect(422).body();
    assertTrue(refusal.toString().contains("nickname is not a field of users"), refusal.toString());

    long newPrimary = designate(3);
    long added = version(cluster.api(1).put(NOVA + "?wait=applied", "{\"nickname\":\"Nova\"}").expect(201));
    assertTrue(added > newPrimary);
    assertEquals("Nova", nickname(3));
    for (int i = 0; i < 4; i++) {
      changeThroughAll();
    }
    await().atMost(TestCluster.SOON).until(() -> greetingsIgnored(1) > 0 && greetingsIgnored(2) > 0);
    assertEquals(List.of(1L, 1L), List.of(greetingsIgnored(1), greetingsIgnored(2)), "it is told once, not for each greeting");

    designate(2);
    cluster.api(1).send("PATCH", NOVA + "?wait=applied", "{\"enabled\":false}").expect(200);
    cluster.api(2).put(NOVA + "?wait=applied", "{\"home\":{\"path\":\"/users/other\"}}").expect(200);
    for (int i = 0; i < 4; i++) {
      changeThroughAll();
    }
    assertEquals("Nova", nickname(3));
    cluster.node(2).kill();
    cluster.startNode(2, List.of());
    cluster.awaitConverged();

    int before = cluster.node(3).log().length();
    designate(3);
    await().atMost(TestCluster.SOON).until(() -> cluster.node(3).log().substring(before).contains(
        "Next build: recovered change " + added + " with ticket of-" + added));
    assertTrue(cluster.node(3).log().substring(before).contains(" with ticket null"), "the old build's changes have none");
    assertEquals("Nova", nickname(3));

    replace(1, next);
    replace(2, next);
    changeThroughAll();
    assertEquals("Nova", nickname(1));
    await().atMost(TestCluster.SOON).until(() -> cluster.node(1).log().contains("Next build: heard the hint a hint"));

    replace(3, Optional.empty());
    replace(1, Optional.empty());
    replace(2, Optional.empty());
    changeThroughAll();
    replace(2, next);
    assertEquals("Nova", nickname(2));
    for (int k = 1; k <= 3; k++) {
      // Ratis tells it as an error when the leader calls a voter that is just stopping or starting.
      String errors = String.join("\n", cluster.node(k).log().lines()
          .filter(line -> line.contains(" ERROR ") && !line.contains("Failed appendEntries")).toList());
      assertEquals("", errors, cluster.name(k));
      assertFalse(cluster.node(k).log().contains("set aside"), cluster.name(k));
    }
  }

  @Test
  @Tag("long")
  void journalCommandOfTheNextBuild_isWrittenWhenAllVotersKnowIt_andStopsTheVoterThatMeetsItUnknowing() throws Exception {
    for (int k = 1; k <= 2; k++) {
      replace(k, next);
      AdminApi.Answer refusal = cluster.api(k).send("POST", "/api/v1/voters", "{\"node\":\"node-2\"}");
      assertEquals(409, refusal.status(), refusal.toString());
      assertTrue(refusal.body().toString().contains("runs an older Flotilla"), refusal.toString());
      changeThroughAll();
    }
    assertEquals(0, cluster.node(3).stop());
    // The silent voter does not keep the others: it could be dead for good.
    cluster.api(1).send("POST", "/api/v1/voters?timeout=50s", "{\"node\":\"node-2\"}").expect(200);

    cluster.startNode(3, List.of());
    await().atMost(TestCluster.SOON).until(() -> cluster.node(3).log().contains("install the newer release on this node"));
    cluster.awaitConverged();
    changeThroughAll();
    assertEquals(1, cluster.node(3).log().lines().filter(line -> line.contains(" ERROR ")
        && line.contains("install the newer release on this node")).count(), "it is told once");
    assertFalse(cluster.node(3).log().contains("can't be trusted"), "nothing is damaged");

    replace(3, next);
    cluster.node(2).kill();
    await().atMost(TestCluster.SOON).until(() ->
        cluster.api(3).put("/api/v1/config/users/by-two-voters", "{}").status() / 100 == 2);
    cluster.startNode(2, List.of());
    cluster.awaitConverged();
    changeThroughAll();
  }

  /** Stops a node and starts it again with another build. */
  private void replace(int k, Optional<Path> build) throws Exception {
    assertEquals(0, cluster.node(k).stop());
    cluster.useBuild(k, build);
    cluster.startNode(k, List.of());
    cluster.awaitConverged();
  }

  private long designate(int k) throws IOException {
    cluster.api(k).send("POST", "/api/v1/cluster/primary?timeout=60s", "{\"node\":\"" + cluster.name(k) + "\"}").expect(200);
    cluster.awaitConverged();
    assertEquals(k, cluster.primary(1));
    return cluster.api(k).version();
  }

  /** Makes a change through each node, and checks that all nodes come to the same. */
  private void changeThroughAll() throws IOException {
    long version = 0;
    for (int k = 1; k <= 3; k++) {
      version = version(cluster.api(k).put("/api/v1/config/users/user-" + ++users + "?wait=applied", "{}").expect(201));
    }
    long last = version;
    await().atMost(TestCluster.SOON).untilAsserted(() -> {
      for (int k = 1; k <= 3; k++) {
        Set<String> seen = new HashSet<>();
        for (JsonNode member : cluster.api(k).get("/api/v1/cluster").expect(200).body().path("members")) {
          assertEquals(last, member.path("version").asLong(), member.toString());
          assertEquals("converged", member.path("state").asText(), member.toString());
          seen.add(member.path("digest").asText());
        }
        assertEquals(1, seen.size(), seen.toString());
      }
    });
  }

  private long greetingsIgnored(int k) throws IOException {
    return cluster.node(k).log().lines().filter(line -> line.contains("ConfigAnnouncement$Greeted")).count();
  }

  private String nickname(int k) throws IOException {
    return cluster.api(k).get(NOVA).expect(200).body().findPath("nickname").asText();
  }

  private static long version(AdminApi.Answer answer) {
    return answer.body().path("version").asLong();
  }
}
