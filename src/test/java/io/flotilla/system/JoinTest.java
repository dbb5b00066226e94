package io.flotilla.system;

import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Nodes that know nothing of a cluster but a join token. */
class JoinTest {
  @TempDir private Path directory;

  @Test
  void oneToken_letsOneNodeIn_whichStaysWithoutIt() throws Exception {
    try (TestCluster cluster = TestCluster.start(directory.resolve("cluster"), 1)) {
      String token = cluster.api(1).send("POST", "/api/v1/join-tokens", "").expect(201).body().path("token").asText();
      List<NodeProcess> both = List.of(join(cluster, "left", 2, token), join(cluster, "right", 3, token));
      try {
        // Both ask at once; who comes second ends.
        CompletableFuture.anyOf(both.stream().map(node -> CompletableFuture.runAsync(() -> awaitExit(node))).toArray(CompletableFuture[]::new))
            .get();
        NodeProcess joined = both.getFirst().isAlive() ? both.getFirst() : both.getLast();
        NodeProcess refused = joined == both.getFirst() ? both.getLast() : both.getFirst();
        String name = joined == both.getFirst() ? "left" : "right";
        assertNotEquals(0, refused.awaitExit());
        assertTrue(refused.log().contains("node " + name + " has used it; make another by 'flotilla join-token'"), refused::tail);
        awaitMember(cluster, name);
        assertEquals(0, joined.stop());
        try (TestCluster other = TestCluster.start(directory.resolve("other"), 1);
            NodeProcess strange = join(cluster, name, name.equals("left") ? 2 : 3,
                other.api(1).send("POST", "/api/v1/join-tokens", "").expect(201).body().path("token").asText())) {
          assertNotEquals(0, strange.awaitExit());
          assertTrue(strange.log().contains("of another cluster than the join token's"), strange::tail);
        }
        try (NodeProcess again = join(cluster, name, name.equals("left") ? 2 : 3, "")) {
          awaitMember(cluster, name);
          assertTrue(again.isAlive());
        }
      } finally {
        both.forEach(NodeProcess::close);
      }
    }
  }

  @Test
  void tokens_thatAreNone_endTheNode_withWordsAndWithoutATrace() throws Exception {
    try (TestCluster cluster = TestCluster.start(directory.resolve("cluster"), 1)) {
      String token = cluster.api(1).send("POST", "/api/v1/join-tokens", "{\"time\":\"1s\"}").expect(201).body().path("token").asText();
      try (NodeProcess node = join(cluster, "damaged", 2, token.substring(0, token.length() / 2))) {
        assertNotEquals(0, node.awaitExit());
        assertTrue(node.log().contains("copy it whole"), node::tail);
      }
      await().atMost(TestCluster.SOON).until(() -> {
        try (NodeProcess node = join(cluster, "late", 2, token)) {
          return node.awaitExit() != 0 && node.log().contains("the join token ran out");
        }
      });
      try (Stream<Path> kept = Files.list(data("late"))) {
        assertTrue(kept.noneMatch(file -> file.getFileName().toString().equals("cluster.key")));
      }
    }
  }

  private NodeProcess join(TestCluster cluster, String name, int k, String token) throws IOException {
    String host = cluster.host(k);
    int base = cluster.sftpPort() - 22;
    List<String> arguments = new ArrayList<>(List.of("--bind", host + ":" + (base + 1), "--admin", host + ":" + base,
        "--data", data(name).toString()));
    if (!token.isEmpty()) {
      arguments.addAll(List.of("--join-token", token));
    }
    return NodeProcess.start(name, directory.resolve(name + ".log"), List.of(), arguments);
  }

  private Path data(String name) {
    return directory.resolve(name);
  }

  private static void awaitExit(NodeProcess node) {
    try {
      node.awaitExit();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private static void awaitMember(TestCluster cluster, String name) {
    await().atMost(TestCluster.SOON).until(() -> {
      for (JsonNode member : cluster.api(1).get("/api/v1/cluster").expect(200).body().path("members")) {
        if (member.path("name").asText().equals(name)) {
          return member.path("state").asText().equals("converged");
        }
      }
      return false;
    });
  }
}
