package io.flotilla.http.admin;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.flotilla.config.cluster.ConfigClient;
import io.flotilla.config.model.EntityKey;
import io.flotilla.config.model.Kind;
import io.flotilla.config.model.Operation;
import io.flotilla.http.server.PasswordChanges.Outcome;
import java.net.InetAddress;
import java.nio.file.Path;
import java.util.Optional;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The change of a password as the cluster sees it. */
class UserPasswordsTest {
  @TempDir private static Path directory;
  private static AdminFixture node;

  @BeforeAll
  static void start() throws Exception {
    node = new AdminFixture(directory);
  }

  @AfterAll
  static void stop() throws Exception {
    node.close();
  }

  private static long user(String name) {
    node.put("/config/users/" + name, "{\"password\":\"correct horse\",\"limits\":{\"sessions\":5}}").expect(201);
    return node.live.view().config().stored(EntityKey.of(Kind.USERS, name)).orElseThrow().version();
  }

  private static Outcome change(ConfigClient client, String name, long version, String password) {
    return new UserPasswords(client, new EntityInput(node.codec, node.hasher, node.live), node.live)
        .change(name, version, password, InetAddress.getLoopbackAddress()).toCompletableFuture().join();
  }

  private static boolean isPassword(String name, String password) {
    String hash = node.live.view().user(name).orElseThrow().passwordHash().orElseThrow().reveal();
    return node.hasher.verify(password, Optional.of(hash)).join();
  }

  @Test
  void aChange_isOneOfTheConfiguration_inTheUsersName() {
    long version = user("ann");
    assertInstanceOf(Outcome.Changed.class, change(node.client, "ann", version, "another horse"));
    assertTrue(isPassword("ann", "another horse"));
    assertEquals(5, node.get("/config/users/ann").expect(200).json().path("limits").path("sessions").asInt());
    String last = node.get("/config/history?limit=1").expect(200).text();
    assertTrue(last.contains("changed by the user") && last.contains("\"ann\""), last);
    assertFalse(last.contains("another horse"));
  }

  @Test
  void whatAnAdministratorHasChangedSince_isNotOverwritten() {
    long version = user("bob");
    node.send("PATCH", "/config/users/bob", "{\"password\":\"by the administrator\"}").expect(200);
    assertTrue(assertInstanceOf(Outcome.Refused.class, change(node.client, "bob", version, "another horse")).reason().contains("administrator"));
    assertTrue(isPassword("bob", "by the administrator"));
    assertInstanceOf(Outcome.Refused.class, change(node.client, "nobody", Operation.EXISTS, "another horse"));
  }

  @Test
  void withoutAPrimary_nothingIsChanged() {
    long version = user("carl");
    assertTrue(assertInstanceOf(Outcome.Unavailable.class, change(new ConfigClient(), "carl", version, "another horse")).reason().contains("primary"));
    assertTrue(isPassword("carl", "correct horse"));
  }
}
