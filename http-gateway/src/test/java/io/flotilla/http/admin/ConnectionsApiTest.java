package io.flotilla.http.admin;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import io.flotilla.config.model.EntityCodec;
import io.flotilla.http.admin.AdminFixture.Answer;
import java.io.IOException;
import java.net.http.HttpRequest;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ConnectionsApiTest {
  @TempDir private static Path directory;
  private static AdminFixture node;

  @BeforeAll
  static void start() throws IOException {
    node = new AdminFixture(directory);
  }

  @AfterAll
  static void stop() throws IOException {
    node.close();
  }

  private static Answer closeBy(String token, String id) {
    return node.send(node.request("DELETE", "/api/v1/connections/" + id, HttpRequest.BodyPublishers.noBody())
        .header("Authorization", "Bearer " + token).build());
  }

  @Test
  void connections_areListedOfAllNodes_andThoseThatAreSilentNamed_andOneIsEnded() throws IOException {
    JsonNode listing = node.get("/connections").expect(200).json();
    assertEquals(EntityCodec.JSON.readTree("""
        {"id": "17@node-1", "node": "node-1", "protocol": "sftp", "user": "alice", "address": "192.0.2.1",
         "since": "2026-11-01T12:00:00Z", "transfer": {"path": "/in/file", "direction": "upload"}, "bytes": 4096}"""),
        listing.path("items").get(0));
    assertEquals("[\"node-2\"]", listing.path("silentNodes").toString());
    assertTrue(node.get("/connections?user=bob").expect(200).json().path("items").isEmpty());
    assertTrue(node.get("/connections?protocol=ftp&node=node-1").expect(200).json().path("silentNodes").isEmpty());
    node.get("/connections?usr=bob").expect(400);

    closeBy(AdminFixture.VIEWER, "17@node-1").expect(403);
    closeBy(AdminFixture.ADMIN, "17").expect(404);
    closeBy(AdminFixture.ADMIN, "17@node-2").expect(503);
    closeBy(AdminFixture.OPERATOR, "17@node-1").expect(200);
    closeBy(AdminFixture.ADMIN, "17@node-1").expect(404);
    node.send("POST", "/connections", "{}").expect(405);
    node.send("PUT", "/connections/17@node-1", "{}").expect(405);
  }
}
