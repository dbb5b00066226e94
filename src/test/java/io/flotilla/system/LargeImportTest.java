package io.flotilla.system;

import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.BufferedWriter;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Base64;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A configuration of 50 MB is imported by one change, with little more than the heap that a node has by default. */
@Tag("long")
class LargeImportTest {
  private static final String CONFIG = "/api/v1/config";
  private static final long BYTES = 50_000_000;
  private static final int MAX_ANSWER = 8 << 20;
  private static final ObjectMapper JSON = new ObjectMapper();

  @TempDir private Path directory;

  @Test
  void documentOf50Megabytes_throughASecondary_reachesAll_alsoWhoWasAway_andANewPrimary() throws Exception {
    Path file = directory.resolve("large.json");
    int users = write(file);
    List<String> options = List.of("-J-Xmx640m", "-J-XX:MaxDirectMemorySize=256m");
    try (TestCluster cluster = TestCluster.start(directory.resolve("cluster"), 3, Optional.empty(), options)) {
      try {
        run(cluster, file, users);
      } catch (Exception | AssertionError e) {
        for (int k = 1; k <= 3; k++) {
          System.err.println("--- " + k + "\n" + cluster.node(k).log());
        }
        throw e;
      }
    }
  }

  private static void run(TestCluster cluster, Path file, int users) throws Exception {
    int primary = cluster.primary(1);
    int away = primary == 3 ? 2 : 3;
    int secondary = 6 - primary - away;
    long before = cluster.api(secondary).version();
    cluster.node(away).kill();
    cluster.node(away).awaitExit();
    await().atMost(TestCluster.SOON).until(() ->
        cluster.member(secondary, "node-" + away).path("state").asText().equals("unreachable"));

    long begun = System.nanoTime();
    JsonNode plan = upload(cluster, secondary, "?dryRun=true", file);
    long planned = System.nanoTime();
    assertEquals(users, plan.path("created").asInt());
    assertTrue(plan.path("truncated").asBoolean());
    assertTrue(plan.toString().length() < MAX_ANSWER);
    JsonNode answer = upload(cluster, secondary, "", file);
    System.out.printf("import of %d users, %d bytes: plan %d ms, change %d ms%n", users, Files.size(file),
        (planned - begun) / 1_000_000, (System.nanoTime() - planned) / 1_000_000);

    long made = answer.path("version").asLong();
    assertEquals(before + 1, made);
    cluster.startNode(away, List.of());
    cluster.awaitConverged();
    assertSameDigest(cluster);
    for (int k = 1; k <= 3; k++) {
      JsonNode list = cluster.api(k).get(CONFIG + "/users?limit=1&minVersion=" + made).expect(200).body();
      assertEquals("u-000000", list.path("items").path(0).path("name").asText());
    }
    JsonNode change = cluster.api(away).get(CONFIG + "/history?limit=5").expect(200).body().path("changes").path(0);
    assertEquals(users, change.path("operationCount").asInt());
    assertTrue(change.path("truncated").asBoolean() && change.toString().length() < MAX_ANSWER);
    JsonNode diff = cluster.api(secondary).get(CONFIG + "/diff?limit=1000&from=" + before + "&to=" + made).expect(200).body();
    assertEquals(users, diff.path("count").asInt());
    assertTrue(!diff.path("next").isNull() && diff.toString().length() < MAX_ANSWER);

    cluster.node(primary).kill();
    cluster.node(primary).awaitExit();
    begun = System.nanoTime();
    await().atMost(TestCluster.SOON).until(() -> {
      AdminApi.Answer put = cluster.api(away).put(CONFIG + "/users/after", "{}");
      return put.status() / 100 == 2;
    });
    System.out.printf("the next change after the primary's end: %d ms%n", (System.nanoTime() - begun) / 1_000_000);
    cluster.startNode(primary, List.of());
    cluster.awaitConverged();
    assertSameDigest(cluster);
    for (int k = 1; k <= 3; k++) {
      assertTrue(!cluster.node(k).log().contains("OutOfMemory"), cluster.node(k).tail());
    }
  }

  private static void assertSameDigest(TestCluster cluster) throws IOException {
    Set<String> digests = new HashSet<>();
    for (JsonNode member : cluster.api(1).get("/api/v1/cluster").expect(200).body().path("members")) {
      digests.add(member.path("digest").asText());
    }
    assertEquals(1, digests.size(), digests.toString());
  }

  private static JsonNode upload(TestCluster cluster, int k, String query, Path file) throws Exception {
    AdminApi api = cluster.api(k);
    try (HttpClient http = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build()) {
      HttpResponse<String> response = http.send(HttpRequest.newBuilder(URI.create(api.url() + CONFIG + "/import" + query))
          .timeout(Duration.ofMinutes(5)).header("Authorization", "Bearer " + api.token())
          .POST(HttpRequest.BodyPublishers.ofFile(file)).build(), HttpResponse.BodyHandlers.ofString());
      assertEquals(200, response.statusCode(), response.body());
      return JSON.readTree(response.body());
    }
  }

  /** Users with a key each, as many as make up the size. */
  private static int write(Path file) throws IOException {
    Random random = new Random(42);
    byte[] type = "ssh-rsa".getBytes(StandardCharsets.US_ASCII);
    int users = 0;
    long bytes = 0;
    try (BufferedWriter out = Files.newBufferedWriter(file)) {
      out.write("{\"format\":1,\"entities\":{\"users\":{");
      while (bytes < BYTES) {
        byte[] key = new byte[397];
        random.nextBytes(key);
        byte[] blob = ByteBuffer.allocate(4 + type.length + key.length).putInt(type.length).put(type).put(key).array();
        String user = "%s%n\"u-%06d\":{\"publicKeys\":[\"ssh-rsa %s user %d of a large company\"],\"home\":{\"path\":\"/u/%d\"}}"
            .formatted(users == 0 ? "" : ",", users, Base64.getEncoder().encodeToString(blob), users, users);
        out.write(user);
        bytes += user.length();
        users++;
      }
      out.write("}}}");
    }
    return users;
  }
}
