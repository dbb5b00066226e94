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
import io.flotilla.config.model.Listener;
import io.flotilla.config.model.PassiveAddress;
import java.net.InetAddress;
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
    assertEquals(Optional.of("192.0.2.1"), plain.listener().ftp().passiveAddress().address());
    assertEquals(2121, overridden.port());
    assertEquals(Optional.of("192.0.2.2"), overridden.listener().ftp().passiveAddress().address());
    assertEquals(Optional.empty(), of("node-2", NodeIdentity.GATEWAY).listeners().get("sftp").listener().ftp().passiveAddress().address());
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
    assertEquals(new UserSettings.Quota(OptionalLong.of(9), OptionalLong.of(7)), alice.settings().limits().quota());
    assertEquals("/=[list], /in=[upload], /out=[download]", alice.permissions().toString());
  }

  @Test
  void member_comesAsTheFirstSays_whoSaysSomething() {
    ClusterConfig config = commit(initial(), List.of(
        put("groups", "first", "{\"allowFrom\": [\"10.0.0.0/8\"], \"limits\": {\"sessions\": 3}}"),
        put("groups", "second", """
            {"allowFrom": ["192.0.2.0/24"], "denyFrom": ["10.0.0.1"], "protocols": ["ftp"],
             "limits": {"sessions": 4, "uploadBytesPerSecond": 20000, "downloadBytesPerSecond": 30000}}"""),
        put("users", "alice", "{\"groups\": [\"first\", \"second\"], \"limits\": {\"downloadBytesPerSecond\": 40000}}")));
    UserSettings alice = new ConfigView(config, new NodeIdentity(UUID.randomUUID(), "n", "127.0.0.1", Set.of()))
        .user("alice").orElseThrow().settings();

    assertTrue(alice.admits(InetAddress.ofLiteral("10.0.0.2")));
    assertFalse(alice.admits(InetAddress.ofLiteral("10.0.0.1")));
    assertFalse(alice.admits(InetAddress.ofLiteral("192.0.2.1")));
    assertFalse(alice.admits(Listener.Protocol.SFTP));
    assertEquals(3, alice.limits().sessions().orElseThrow());
    assertEquals(20000, alice.limits().uploadBytesPerSecond().orElseThrow());
    assertEquals(40000, alice.limits().downloadBytesPerSecond().orElseThrow());
  }

  @Test
  void passiveAddress_isThatForTheClientsNetwork_andANodesOwnGoFirst() {
    ClusterConfig config = commit(initial(), List.of(
        put("listeners", "ftp", """
            {"protocol": "ftp", "port": 21, "ftp": {"passiveAddress": "203.0.113.1",
             "passiveNetworks": [{"from": ["10.1.0.0/16"], "address": "10.1.0.7"}, {"from": ["10.0.0.0/8", "192.168.0.0/16"]}]}}"""),
        put("nodes", "node-1", "{\"listeners\": {\"ftp\": {\"passiveAddress\": \"203.0.113.2\"}}}")));
    PassiveAddress told = new ConfigView(config,
        new NodeIdentity(UUID.randomUUID(), "node-1", "127.0.0.1", Set.of(NodeIdentity.GATEWAY))).listeners().get("ftp").listener().ftp().passiveAddress();

    assertEquals(Optional.of(InetAddress.ofLiteral("10.1.0.7")), told.towards(InetAddress.ofLiteral("10.1.2.3")));
    assertEquals(Optional.empty(), told.towards(InetAddress.ofLiteral("10.2.2.3")));
    assertEquals(Optional.empty(), told.towards(InetAddress.ofLiteral("192.168.3.4")));
    assertEquals(Optional.of(InetAddress.ofLiteral("203.0.113.2")), told.towards(InetAddress.ofLiteral("198.51.100.9")));
  }

  @Test
  void passivePorts_areANodesOwn_orTheListeners() {
    ClusterConfig config = commit(initial(), List.of(
        put("listeners", "ftp", "{\"protocol\": \"ftp\", \"port\": 21, \"ftp\": {\"passivePorts\": \"20050-20079\"}}"),
        put("nodes", "node-1", "{\"listeners\": {\"ftp\": {\"passivePorts\": \"20150-20179\"}}}")));
    for (String name : List.of("node-1", "node-2")) {
      ConfigView view = new ConfigView(config, new NodeIdentity(UUID.randomUUID(), name, "127.0.0.1", Set.of(NodeIdentity.GATEWAY)));
      assertEquals(name.equals("node-1") ? "20150-20179" : "20050-20079",
          view.listeners().get("ftp").listener().ftp().passivePorts().orElseThrow().toString());
    }
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
