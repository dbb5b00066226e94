package io.flotilla.config.view;

import static io.flotilla.config.model.ConfigExamples.commit;
import static io.flotilla.config.model.ConfigExamples.initial;
import static io.flotilla.config.model.ConfigExamples.put;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.flotilla.config.model.ClusterConfig;
import io.flotilla.config.model.User;
import io.flotilla.config.model.UserSettings;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.UUID;
import org.junit.jupiter.api.Test;

class ConfigViewTest {
  private final ClusterConfig config = commit(initial(), List.of(
      put("listeners", "ftp", "{\"protocol\":\"ftp\",\"port\":21,\"ftp\":{\"passiveAddress\":\"192.0.2.1\"}}"),
      put("nodes", "node-2", "{\"listeners\":{\"ftp\":{\"port\":2121,\"passiveAddress\":\"192.0.2.2\"}}}")));

  private ConfigView of(String node, String role) {
    return new ConfigView(config, new NodeIdentity(UUID.randomUUID(), node, "127.0.0.1", Set.of(role)));
  }

  @Test
  void listener_isOpenedWhereTheNodeSays() {
    ConfigView.OpenListener plain = of("node-1", NodeIdentity.GATEWAY).listeners().get("ftp");
    ConfigView.OpenListener overridden = of("node-2", NodeIdentity.GATEWAY).listeners().get("ftp");

    assertEquals("127.0.0.1", plain.address());
    assertEquals(21, plain.port());
    assertEquals(Optional.of("192.0.2.1"), plain.passiveAddress());
    assertEquals(2121, overridden.port());
    assertEquals(Optional.of("192.0.2.2"), overridden.passiveAddress());
    assertEquals(Optional.empty(), of("node-2", NodeIdentity.GATEWAY).listeners().get("sftp").passiveAddress());
  }

  @Test
  void nodeThatServesNoClients_opensNothing() {
    assertEquals(Set.of(), of("node-1", "voter").listeners().keySet());
  }

  private static User user(String alice) {
    ClusterConfig config = commit(initial(), List.of(
        put("folders", "a", "{\"storage\":\"main\",\"path\":\"/a\"}"),
        put("folders", "b", "{\"storage\":\"main\",\"path\":\"/b\"}"),
        put("groups", "first", """
            {"enabled": false, "limits": {"quotaFiles": 7}, "home": {"path": "/first/${user}"}, "folders": [{"at": "/x", "folder": "a", "permissions": ["list"]}],
             "permissions": {"/": ["list"], "/in": ["upload"]}}"""),
        put("groups", "second", """
            {"expiresAt": "2027-01-31T12:00:00Z", "limits": {"quotaFiles": 8, "quotaBytes": 9}, "home": {"path": "/second"},
             "folders": [{"at": "/x", "folder": "b"}, {"at": "/y", "folder": "b"}],
             "permissions": {"/": ["*"], "/in": [], "/out": ["download"], "/x": ["*"]}}"""),
        put("users", "alice", alice)));
    return new ConfigView(config, new NodeIdentity(UUID.randomUUID(), "n", "127.0.0.1", Set.of())).user("alice").orElseThrow();
  }

  private static String folders(User user) {
    return String.join(" ", user.folders().stream().map(mount -> mount.at() + "=" + mount.folder()).toList());
  }

  @Test
  void member_hasWhatTheFirstGroupSays_thenTheSecond() {
    User alice = user("{\"groups\": [\"first\", \"second\"]}");

    assertFalse(alice.enabled());
    assertEquals(Optional.of(Instant.parse("2027-01-31T12:00:00Z")), alice.expiresAt());
    assertEquals("/first/${user}", alice.home().path());
    assertEquals("/x=a /y=b", folders(alice));
    assertEquals(new UserSettings.Limits(OptionalLong.of(9), OptionalLong.of(7)), alice.settings().limits());
    assertEquals("/=[list], /in=[upload], /out=[download]", alice.permissions().toString());
  }

  @Test
  void member_hasItsOwnWordBeforeThatOfAGroup() {
    User alice = user("""
        {"groups": ["second", "first"], "enabled": true, "home": {"path": "/own"}, "folders": [{"at": "/y", "folder": "a"}],
         "permissions": {"/": ["download"], "/out": []}}""");

    assertTrue(alice.enabled());
    assertEquals("/own", alice.home().path());
    assertEquals("/y=a /x=b", folders(alice));
    assertEquals("/=[download], /in=[], /out=[], /x=[*]", alice.permissions().toString());
  }

  @Test
  void userWithoutGroups_hasTheDefaults() {
    User alice = user("{}");

    assertTrue(alice.enabled());
    assertEquals("/users/${user}", alice.home().path());
    assertEquals("/=[*]", alice.permissions().toString());
  }
}
