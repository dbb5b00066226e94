package io.flotilla.adapter;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.flotilla.auth.Credential;
import io.flotilla.auth.LoginResult;
import io.flotilla.auth.Origin;
import io.flotilla.config.model.ConfigDelta;
import io.flotilla.config.model.EntityCodec;
import io.flotilla.config.model.Kind;
import io.flotilla.config.model.Listener;
import io.flotilla.config.model.User;
import io.flotilla.config.view.ConfigListener;
import io.flotilla.config.view.ConfigView;
import io.flotilla.vfs.VirtualPath;
import java.net.InetAddress;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Whoever is no longer let in is sent away, also if that comes while the login is checked. */
class ClientLoginsTest {
  private static final Instant START = Instant.parse("2026-11-01T12:00:00Z");
  private static final String KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJaLO4rHlCzXFhqSwUrYQ2VvkyWGXkzxvIOKSYJqTHwl ann";

  private final TestConfiguration config = new TestConfiguration();
  private final List<ClientEvent> events = new ArrayList<>();
  private final List<String> reasons = new ArrayList<>();
  private Instant now = START;
  private final Clock clock = new Clock() {
    @Override
    public Instant instant() {
      return now;
    }

    @Override
    public ZoneOffset getZone() {
      return ZoneOffset.UTC;
    }

    @Override
    public Clock withZone(java.time.ZoneId zone) {
      throw new UnsupportedOperationException();
    }
  };
  private final LiveConnections connections = new LiveConnections(clock);
  private final ClientLogins logins = new ClientLogins(config::view, connections, events::add, clock);
  private final ConfigListener revocation = new ConfigListener() {
    @Override
    public String name() {
      return "revocation";
    }

    @Override
    public List<String> apply(ConfigDelta delta, ConfigView view) {
      logins.endRevoked(delta, view);
      return List.of();
    }

    @Override
    public List<String> check(ConfigDelta delta, ConfigView next) {
      return List.of();
    }
  };

  @BeforeEach
  void makeUser() {
    config.put(Kind.USERS, "ann", json -> json.putArray("publicKeys").add(KEY));
    config.commit(revocation);
  }

  private LoginResult.Granted granted() {
    User user = config.view().user("ann").orElseThrow();
    return new LoginResult.Granted(user, new Credential.PublicKey(KEY), config.view().access(user),
        new Origin(Listener.Protocol.SFTP, InetAddress.ofLiteral("192.0.2.1")));
  }

  private ClientLogins.ClientLogin enter(LoginResult.Granted granted) {
    return logins.enter(granted, reasons::add).orElseThrow();
  }

  @Test
  void login_isListedAndTold_untilItIsClosed() {
    ClientLogins.ClientLogin login = enter(granted());
    assertEquals("ann", connections.list().getFirst().user());
    assertEquals(List.of(), reasons);
    login.close();
    login.close();
    assertEquals(List.of(), connections.list());
    assertEquals(List.of(
        new ClientEvent.LoginSucceeded(START, "ann", "sftp", "192.0.2.1", "publickey"),
        new ClientEvent.LoggedOut(START, "ann", "sftp", "192.0.2.1")), events);
  }

  @Test
  void userRevokedWhileTheLoginWasChecked_isSentAway() {
    LoginResult.Granted granted = granted();
    config.remove(Kind.USERS, "ann");
    config.commit(revocation);
    enter(granted);
    assertEquals(List.of("the user was removed"), reasons);
  }

  @Test
  void changeOfAnotherUser_keepsTheSession_andOneOfItsOwnCredentialEndsIt() {
    enter(granted());
    config.put(Kind.USERS, "bob", json -> { });
    config.commit(revocation);
    assertEquals(List.of(), reasons);
    config.change(Kind.USERS, "ann", json -> json.putArray("publicKeys"));
    config.commit(revocation);
    assertEquals(List.of("the public key was removed"), reasons);
  }

  @Test
  void theSameFilesAndPermissionsSaidOtherwise_endNothing() {
    config.put(Kind.STORAGES, "main", json -> json.put("path", "/srv/a"));
    for (String name : new String[] {"a", "b"}) {
      config.put(Kind.FOLDERS, name, json -> json.put("storage", "main").put("path", "/" + name));
      config.put(Kind.GROUPS, "of-" + name, json -> json.putArray("folders").addObject().put("at", "/" + name).put("folder", name));
    }
    config.change(Kind.USERS, "ann", json -> {
      json.putArray("groups").add("of-a").add("of-b");
      json.putObject("permissions").putArray("/").add("list").add("upload");
    });
    config.commit(revocation);
    enter(granted());
    config.change(Kind.USERS, "ann", json -> {
      json.putArray("groups").add("of-b").add("of-a");
      ObjectNode permissions = json.putObject("permissions");
      permissions.putArray("/").add("upload").add("list");
      permissions.putArray("/a/deep").add("list").add("upload");
    });
    config.commit(revocation);
    assertEquals(List.of(), reasons);
    config.change(Kind.USERS, "ann", json -> ((ObjectNode) json.path("permissions")).putArray("/a").add("list"));
    config.commit(revocation);
    assertEquals(1, reasons.size(), "the rule beneath is not redundant any more, and another holds");
  }

  @Test
  void storageThatIsMoved_endsTheSessionsThatHaveItsFiles() {
    config.put(Kind.STORAGES, "main", json -> json.put("path", "/srv/a"));
    config.put(Kind.STORAGES, "other", json -> json.put("path", "/srv/b"));
    config.commit(revocation);
    enter(granted());
    config.change(Kind.STORAGES, "other", json -> json.put("path", "/srv/c"));
    config.put(Kind.NODES, "somewhere", json -> { });
    config.commit(revocation);
    assertEquals(List.of(), reasons);
    config.change(Kind.STORAGES, "main", json -> json.put("path", "/srv/d"));
    config.commit(revocation);
    assertEquals(1, reasons.size(), "what it writes would go to the old place");
  }

  @Test
  void expiryThatWasSetDuringTheSession_endsItInTime() {
    enter(granted());
    config.change(Kind.USERS, "ann", json -> json.put("expiresAt", START.plusSeconds(60).toString()));
    config.commit(revocation);
    now = START.plusSeconds(59);
    logins.endExpired();
    assertEquals(List.of(), reasons);
    now = START.plusSeconds(61);
    logins.endExpired();
    assertEquals(List.of("the user has expired"), reasons);
  }

  @ParameterizedTest
  @CsvSource(delimiter = '|', value = {
      "{\"protocols\": [\"ftp\"]}|the user may not come by this protocol",
      "{\"allowFrom\": [\"198.51.100.0/24\"]}|the user may not come from this address",
      "{\"denyFrom\": [\"192.0.2.0/24\"]}|the user may not come from this address"})
  void wayThatIsTakenAway_endsTheSession_alsoByAGroup(String settings, String reason) throws Exception {
    config.change(Kind.USERS, "ann", json -> json.putArray("groups").add("partners"));
    config.put(Kind.GROUPS, "partners", json -> json.put("enabled", true));
    config.commit(revocation);
    enter(granted());
    assertEquals(List.of(), reasons);
    JsonNode fields = EntityCodec.JSON.readTree(settings);
    config.put(Kind.GROUPS, "partners", json -> json.setAll((ObjectNode) fields));
    config.commit(revocation);
    assertEquals(List.of(reason), reasons);
  }

  @Test
  void accessRule_endsTheSessionsThatItDenies_andNoOthers() {
    enter(granted());
    config.put(Kind.ACCESS_RULES, "ftp-only", json -> {
      json.put("action", "deny").putArray("from").add("192.0.2.0/24");
      json.putArray("protocols").add("ftp");
    });
    config.put(Kind.ACCESS_RULES, "elsewhere", json -> json.put("action", "deny").putArray("from").add("192.0.2.128/25"));
    config.commit(revocation);
    assertEquals(List.of(), reasons);
    config.put(Kind.ACCESS_RULES, "all", json -> json.put("action", "deny").putArray("from").add("0.0.0.0/0"));
    config.commit(revocation);
    assertEquals(List.of("connections from this address are no longer accepted"), reasons);
  }

  @Test
  void sessionsOfAUser_areLimited_andOneThatEndsMakesRoom() {
    config.change(Kind.USERS, "ann", json -> json.putObject("limits").put("sessions", 2));
    config.commit(revocation);
    ClientLogins.ClientLogin first = enter(granted());
    enter(granted());
    assertEquals(Optional.empty(), logins.enter(granted(), reasons::add));
    assertEquals(new ClientEvent.LoginFailed(START, "ann", "sftp", "192.0.2.1", "publickey",
        "the user has as many sessions as they may"), events.getLast());
    assertEquals(2, connections.list().size());
    first.close();
    first.close();
    enter(granted());
    assertEquals(Optional.empty(), logins.enter(granted(), reasons::add), "a login that is closed twice makes room once");
    assertEquals(List.of(), reasons);
  }

  @Test
  void speedOfAUser_isSharedByTheSessions_andAnotherLimitCountsAtOnce() throws Exception {
    config.change(Kind.USERS, "ann", json -> json.putObject("limits").put("downloadBytesPerSecond", 1_000_000));
    config.commit(revocation);
    Transfer one = enter(granted()).transfers().began(VirtualPath.parse("/one"), ClientEvent.Direction.DOWNLOAD);
    Transfer other = enter(granted()).transfers().began(VirtualPath.parse("/other"), ClientEvent.Direction.DOWNLOAD);
    Transfer upload = enter(granted()).transfers().began(VirtualPath.parse("/up"), ClientEvent.Direction.UPLOAD);
    long minute = Duration.ofMinutes(1).toNanos();
    one.moved(0, 100_000_000);
    assertTrue(other.moved(0, 1000) > minute, "it waits for what the first has moved");
    assertEquals(0, upload.moved(0, 1_000_000_000));
    assertEquals(250_000, one.part(8_000_000));
    assertEquals(8_000_000, upload.part(8_000_000));
    config.change(Kind.USERS, "ann", json -> json.remove("limits"));
    config.commit(revocation);
    assertEquals(0, other.moved(0, 1_000_000));
    assertEquals(List.of(), reasons);
  }

  @Test
  void closedLogin_isNotEndedAgain() {
    enter(granted()).close();
    config.remove(Kind.USERS, "ann");
    config.commit(revocation);
    assertEquals(List.of(), reasons);
  }

  @Test
  void transfer_isShownWhileItRuns_andAccountedAtItsEnd() throws Exception {
    ClientLogins.ClientLogin login = enter(granted());
    Transfer transfer = login.transfers()
        .began(VirtualPath.parse("/a/file"), ClientEvent.Direction.UPLOAD);
    transfer.moved(100, 20);
    transfer.moved(120, 30);
    LiveConnections.Snapshot live = connections.list().getFirst();
    assertEquals("/a/file", live.transfer().orElseThrow().path());
    assertEquals(50, live.bytes());
    transfer.ended(ClientEvent.Outcome.BROKEN);
    assertFalse(login.connection().isTransferring());
    ClientEvent.TransferFinished told = assertInstanceOf(ClientEvent.TransferFinished.class, events.getLast());
    assertEquals(50, told.bytes());
    assertEquals(100, told.resumeOffset().orElseThrow());
    assertEquals(ClientEvent.Outcome.BROKEN, told.outcome());
    assertEquals("sftp", told.protocol());
    assertTrue(Duration.ofMillis(told.milliseconds()).compareTo(Duration.ofMinutes(1)) < 0);
  }

  @Test
  void transferThatFailedOnce_isNotCompleted() throws Exception {
    Transfer transfer = enter(granted()).transfers()
        .began(VirtualPath.parse("/file"), ClientEvent.Direction.DOWNLOAD);
    transfer.failed();
    transfer.ended(ClientEvent.Outcome.COMPLETED);
    ClientEvent.TransferFinished told = assertInstanceOf(ClientEvent.TransferFinished.class, events.getLast());
    assertEquals(ClientEvent.Outcome.FAILED, told.outcome());
    assertTrue(told.resumeOffset().isEmpty());
  }
}
