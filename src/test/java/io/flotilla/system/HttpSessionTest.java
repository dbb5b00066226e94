package io.flotilla.system;

import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Users who have logged in once, behind a load balancer that sends each request to another of three nodes. */
class HttpSessionTest {
  private static final String PASSWORD = "correct horse";

  @TempDir private static Path directory;
  private static TestCluster cluster;
  private static HaProxy proxy;

  @BeforeAll
  static void start() throws IOException {
    cluster = TestCluster.start(directory.resolve("cluster"), 3);
    cluster.api(1).put("/api/v1/config/listeners/http?wait=applied",
        "{\"protocol\":\"http\",\"port\":" + cluster.httpPort() + ",\"http\":{\"tls\":false}}").expect(201);
    proxy = HaProxy.start(directory, IntStream.rangeClosed(1, 3).mapToObj(k -> cluster.host(k) + ":" + cluster.httpPort()).toList());
  }

  @AfterAll
  static void stop() {
    proxy.close();
    cluster.close();
  }

  private static String at(int k) {
    return "http://" + cluster.host(k) + ":" + cluster.httpPort();
  }

  private static boolean isKnownNowhere(WebUser session) throws IOException, InterruptedException {
    for (int k = 1; k <= 3; k++) {
      if (cluster.node(k).isAlive() && session.status(at(k)) != 401) {
        return false;
      }
    }
    return true;
  }

  private static void user(String name) throws IOException {
    cluster.api(1).put("/api/v1/config/users/" + name + "?wait=applied", "{\"password\":\"" + PASSWORD + "\"}").expect(201);
  }

  @Test
  void aSession_outlivesTheNodeWhereItBegan_andNobodyIsMistakenForAnother() throws Exception {
    user("ann");
    user("bob");
    List<WebUser> sessions = List.of(WebUser.logIn(proxy.url(), "ann", PASSWORD), WebUser.logIn(proxy.url(), "bob", PASSWORD));
    byte[] content = new byte[200_000];
    new Random(1).nextBytes(content);
    int began = Integer.parseInt(item(sessions.getFirst()).path("node").asText().substring("node-".length()));
    for (int i = 0; i < 12; i++) {
      if (i == 6) {
        cluster.node(began).kill();
      }
      for (WebUser session : sessions) {
        String path = "/files/" + session.id() + "-" + i;
        assertEquals(201, session.put(proxy.url(), path, content).statusCode(), "request " + i);
        HttpResponse<byte[]> back = session.get(proxy.url(), path);
        assertEquals(200, back.statusCode(), "request " + i);
        assertArrayEquals(content, back.body());
        String listing = new String(session.get(proxy.url(), "/files/").body());
        assertTrue(listing.contains(session.id() + "-" + i), listing);
        for (WebUser other : sessions) {
          assertEquals(other.equals(session), listing.contains(other.id()), listing);
        }
      }
    }
    cluster.startNode(began, List.of());
    cluster.awaitConverged();
    await().atMost(TestCluster.SOON).until(() -> cluster.api(began).get("/api/v1/config/listeners/http").status() == 200
        && isServed(sessions.getFirst(), began));
  }

  private static boolean isServed(WebUser session, int k) throws InterruptedException {
    try {
      return session.status(at(k)) == 200;
    } catch (IOException e) {
      return false; // its listener is not open yet
    }
  }

  /** As the third node lists it, which may take a moment to hear of it. */
  private static JsonNode item(WebUser session) {
    return await().atMost(TestCluster.SOON).until(() -> {
      for (JsonNode item : cluster.api(3).get("/api/v1/sessions").expect(200).body().path("items")) {
        if (item.path("id").asText().equals(session.id())) {
          return item;
        }
      }
      return null;
    }, Objects::nonNull);
  }

  @Test
  void logout_holdsOnEveryNode() throws Exception {
    user("carl");
    WebUser session = WebUser.logIn(at(1), "carl", PASSWORD);
    for (int k = 1; k <= 3; k++) {
      assertEquals(200, session.status(at(k)));
    }
    assertEquals(204, session.logOut(at(2)).statusCode());
    await().atMost(TestCluster.SOON).until(() -> isKnownNowhere(session));
  }

  @Test
  void aChangedPassword_aDisabledUser_andAnAdministrator_endSessions() throws Exception {
    user("dora");
    WebUser first = WebUser.logIn(at(1), "dora", PASSWORD);
    assertEquals(200, first.status(at(2)));
    cluster.api(3).send("PATCH", "/api/v1/config/users/dora?wait=applied", "{\"password\":\"another horse\"}").expect(200);
    assertTrue(isKnownNowhere(first));

    WebUser second = WebUser.logIn(at(2), "dora", "another horse");
    JsonNode item = item(second);
    assertEquals("dora node-2 cookie", item.path("user").asText() + " " + item.path("node").asText() + " " + item.path("use").asText());
    cluster.api(3).send("DELETE", "/api/v1/sessions/" + second.id(), "").expect(200);
    await().atMost(TestCluster.SOON).until(() -> isKnownNowhere(second));
    cluster.api(3).send("DELETE", "/api/v1/sessions/" + second.id(), "").expect(404);

    WebUser third = WebUser.logIn(at(3), "dora", "another horse");
    WebUser fourth = WebUser.logIn(at(1), "dora", "another horse");
    await().atMost(TestCluster.SOON).until(() -> cluster.api(2).get("/api/v1/sessions?user=dora").body().path("items").size() == 2);
    assertEquals(2, cluster.api(2).send("DELETE", "/api/v1/sessions?user=dora", "").expect(200).body().path("ended").asInt());
    await().atMost(TestCluster.SOON).until(() -> isKnownNowhere(third) && isKnownNowhere(fourth));

    WebUser fifth = WebUser.logIn(at(1), "dora", "another horse");
    cluster.api(1).send("PATCH", "/api/v1/config/users/dora?wait=applied", "{\"enabled\":false}").expect(200);
    assertTrue(isKnownNowhere(fifth));
  }
}
