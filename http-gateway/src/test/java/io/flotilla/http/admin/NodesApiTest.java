package io.flotilla.http.admin;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class NodesApiTest {
  @TempDir private Path directory;
  private AdminFixture node;

  @BeforeEach
  void start() throws IOException {
    node = new AdminFixture(directory);
  }

  @AfterEach
  void stop() throws IOException {
    node.close();
  }

  @Test
  void draining_tellsWhoRemains_untilWhen() {
    JsonNode serving = node.get("/nodes/node-1").expect(200).json();
    assertEquals("serving", serving.get("state").textValue());
    assertTrue(serving.get("ready").booleanValue() && serving.get("drain").isNull(), serving.toString());

    JsonNode draining = node.as(AdminFixture.OPERATOR, "POST", "/nodes/node-1/drain?deadline=10m", "").expect(202).json();

    assertEquals("draining", draining.get("state").textValue());
    assertFalse(draining.get("ready").booleanValue());
    assertEquals("it is drained", draining.at("/reasons/0").textValue());
    assertEquals("drain", draining.at("/drain/purpose").textValue());
    assertEquals("2026-11-01T12:10:00Z", draining.at("/drain/deadline").textValue());
    assertEquals("helper", draining.at("/drain/by").textValue());
    assertEquals(2, draining.get("remaining").intValue());
    JsonNode connection = draining.at("/connections/0");
    assertEquals("17@node-1", connection.get("id").textValue());
    assertEquals("/in/file", connection.at("/transfer/path").textValue());
    assertEquals(4096, connection.get("bytes").intValue());
    assertEquals(draining, node.as(AdminFixture.VIEWER, "GET", "/nodes/node-1", "").expect(202).json());

    node.nodes.isOver = true;
    assertEquals("drained", node.get("/nodes/node-1").expect(200).json().get("state").textValue());
    assertEquals("serving", node.send("POST", "/nodes/node-1/resume", "").expect(200).json().get("state").textValue());
  }

  @Test
  void voterThatLeaves_isRefusedWithTheReason_unlessItsVoteIsKept() {
    assertEquals("this node is a voter", node.send("POST", "/nodes/node-1/leave", "").expect(409).json().get("detail").textValue());
    assertEquals("leave", node.send("POST", "/nodes/node-1/leave?keepVote=true", "").expect(202).json().at("/drain/purpose").textValue());
    assertEquals("restart", node.send("POST", "/nodes/node-1/restart?deadline=1s", "").expect(202).json().at("/drain/purpose").textValue());
  }

  @ParameterizedTest
  @ValueSource(strings = {"drain", "resume", "leave", "restart"})
  void orders_areForAdminsAndOperators_andNodesThatAnswer(String order) {
    node.as(AdminFixture.VIEWER, "POST", "/nodes/node-1/" + order, "").expect(403);
    assertEquals("serving", node.get("/nodes/node-1").expect(200).json().get("state").textValue());
    node.send("POST", "/nodes/node-2/" + order, "").expect(503);
    assertTrue(node.send("POST", "/nodes/node-9/" + order, "").expect(404).text().contains("node-9"));
    node.get("/nodes/node-1/" + order).expect(405);
    node.send("POST", "/nodes/node-1/" + order + "/now", "").expect(404);
  }

  @Test
  void deadlines_outOfTheirBounds_areRefused_andChangeNothing() {
    for (String wrong : new String[] {"deadline=25h", "deadline=soon", "deadline=", "deadline=-1s", "keepVote=perhaps", "dedline=1s"}) {
      node.send("POST", "/nodes/node-1/drain?" + wrong, "").expect(400);
    }
    assertEquals("serving", node.get("/nodes/node-1").expect(200).json().get("state").textValue());
  }

  @Test
  void readiness_tellsItsReasons() {
    assertEquals(200, node.send(node.request("GET", "/health/ready", java.net.http.HttpRequest.BodyPublishers.noBody()).build()).status());
    node.notReady.add("it is drained");
    AdminFixture.Answer answer = node.send(node.request("GET", "/health/ready", java.net.http.HttpRequest.BodyPublishers.noBody()).build());
    assertEquals(503, answer.status());
    assertEquals("it is drained", answer.json().at("/reasons/0").textValue());
    assertEquals(200, node.send(node.request("GET", "/health/live", java.net.http.HttpRequest.BodyPublishers.noBody()).build()).status());
  }
}
