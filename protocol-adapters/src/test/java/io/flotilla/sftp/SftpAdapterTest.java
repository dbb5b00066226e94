package io.flotilla.sftp;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.flotilla.adapter.ClientEvent;
import io.flotilla.adapter.LiveConnections;
import io.flotilla.adapter.TestConfiguration;
import io.flotilla.adapter.UnknownProtocols;
import io.flotilla.config.model.Kind;
import io.flotilla.vfs.StorageDirectories;
import java.io.IOException;
import java.net.ConnectException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.function.Consumer;
import com.fasterxml.jackson.databind.node.ObjectNode;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Assertions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Listeners and sessions follow the configuration while clients are at work. */
class SftpAdapterTest extends SftpFixture {
  private static final int SIZE = 2 * 1024 * 1024;
  private static final List<String> SLOW = List.of("-l", "8000"); // 1 MB/s: a transfer of two seconds

  @Test
  void movedListener_letsTheRunningTransferFinish() throws Exception {
    byte[] data = new byte[SIZE];
    new Random(1).nextBytes(data);
    Files.createDirectories(home("ann"));
    Files.write(home("ann").resolve("file"), data);
    int old = port;
    Process transfer = startSftp("ann", "ed25519", SLOW, "get file back");
    awaitTransfer();
    port = freePort();
    listener("sftp", port);
    assertEquals(List.of(), config.commit(adapter));
    assertRefused(old);
    sftpOk("pwd");
    assertTrue(transfer.isAlive(), "the move must come during the transfer");
    Outcome outcome = finish(transfer);
    assertEquals(0, outcome.status(), outcome.output());
    assertArrayEquals(data, Files.readAllBytes(temp.resolve("back")));
    assertEquals(2, events(ClientEvent.ListenerOpened.class).size());
    assertEquals(old, events(ClientEvent.ListenerClosed.class).getFirst().port());
  }

  @Test
  void closedListener_andChangesElsewhere_leaveSessionsAlone() throws Exception {
    int other = freePort();
    listener("other", other);
    assertEquals(List.of(), config.commit(adapter));
    Files.createDirectories(home("ann"));
    Files.write(home("ann").resolve("file"), new byte[SIZE]);
    Process transfer = startSftp("ann", "ed25519", SLOW, "get file back");
    awaitTransfer();
    config.remove(Kind.LISTENERS, "sftp");
    hostKey("host", "ecdsa-256");
    assertEquals(List.of(), config.commit(adapter));
    assertRefused(port);
    assertEquals(0, finish(transfer).status());
    port = other;
    sftpOk("pwd");
    Awaitility.await().until(() -> connections.list().isEmpty());
  }

  @Test
  void portInUse_isReported_andTheOthersServe() throws Exception {
    try (ServerSocket taken = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      listener("blocked", taken.getLocalPort());
      int free = freePort();
      listener("another", free);
      List<String> problems = config.commit(adapter);
      assertEquals(1, problems.size());
      assertTrue(problems.getFirst().contains("listener blocked") && problems.getFirst().contains("in use")
          && problems.getFirst().contains(Integer.toString(taken.getLocalPort())), problems.toString());
      assertEquals(problems, config.commit(adapter), "it is tried again, and still reported");
      assertEquals(1, events(ClientEvent.ListenerFailed.class).size(), "but told once");
      sftpOk("pwd");
      port = free;
      sftpOk("pwd");
      port = taken.getLocalPort();
    }
    assertEquals(List.of(), config.commit(adapter));
    sftpOk("pwd");
  }

  @Test
  void check_portInUse_isAnObjection_andNothingIsBound() throws Exception {
    try (ServerSocket taken = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      listener("blocked", taken.getLocalPort());
      int free = freePort();
      listener("another", free);

      List<String> objections = config.check(adapter);

      assertEquals(1, objections.size(), objections.toString());
      assertTrue(objections.getFirst().contains("listener blocked") && objections.getFirst().contains("in use"));
      assertRefused(free);
      config.commit(adapter);
      hostKey("second", "ecdsa-256");
      assertEquals(List.of(), config.check(adapter), "a port that was taken before is not this change's fault");
    }
  }

  @Test
  void check_portsGivenUpSwappedOrKept_areFree() throws Exception {
    int first = port;
    int second = freePort();
    listener("other", second);
    assertEquals(List.of(), config.commit(adapter));

    listener("sftp", second);
    listener("other", first);
    assertEquals(List.of(), config.check(adapter));
    listener("sftp", first);
    config.remove(Kind.LISTENERS, "other");
    listener("heir", second);
    assertEquals(List.of(), config.check(adapter));
    config.change(Kind.LISTENERS, "sftp", json -> json.put("maxConnections", 7));
    assertEquals(List.of(), config.check(adapter));
    sftpOk("pwd");
  }

  @Test
  void listenerThatWidensItsAddress_keepsItsPort() throws Exception {
    config.change(Kind.LISTENERS, "sftp", json -> json.put("address", "0.0.0.0"));

    assertEquals(List.of(), config.check(adapter));
    assertEquals(List.of(), config.commit(adapter));

    sftpOk("pwd");
  }

  @Test
  void check_overrideThatPutsTwoListenersOnOnePort_isAnObjection() throws Exception {
    int second = freePort();
    listener("other", second);
    assertEquals(List.of(), config.commit(adapter));
    config.put(Kind.NODES, "n1", json -> json.putObject("listeners").putObject("other").put("port", port));

    assertEquals(List.of("listener other: listener sftp has port " + port + " there"), config.check(adapter));
  }

  @Test
  void check_badHostKeyOrAddress_isAnObjection() throws Exception {
    config.secret(Kind.HOST_KEYS, "host", "privateKey", "nonsense", json -> json.put("algorithm", "ed25519"));
    String objection = config.check(adapter).getFirst();
    assertTrue(objection.contains("host key host") && !objection.contains("nonsense"), objection);
    config.put(Kind.LISTENERS, "elsewhere", json ->
        json.put("protocol", "sftp").put("address", "192.0.2.1").put("port", 2222));
    assertTrue(config.check(adapter).stream().anyMatch(text -> text.contains("does not have the address")));
    sftpOk("pwd");
  }

  @Test
  void otherProblems_areExplained() throws Exception {
    config.put(Kind.LISTENERS, "elsewhere", json ->
        json.put("protocol", "sftp").put("address", "192.0.2.1").put("port", 2222));
    assertTrue(config.commit(adapter).getFirst().contains("does not have the address"));
    config.remove(Kind.LISTENERS, "elsewhere").remove(Kind.HOST_KEYS, "host");
    assertTrue(config.commit(adapter).getFirst().contains("has no host key"));
    sftpOk("pwd"); // with the key it had
    config.secret(Kind.HOST_KEYS, "host", "privateKey", "nonsense", json -> json.put("algorithm", "ed25519"));
    String problem = config.commit(adapter).getFirst();
    assertTrue(problem.contains("host key host") && !problem.contains("nonsense"), problem);
  }

  @Test
  void listenersThatSwapPorts_areBothServed() throws Exception {
    int first = port;
    int second = freePort();
    listener("other", second);
    assertEquals(List.of(), config.commit(adapter));
    listener("sftp", second);
    listener("other", first);
    assertEquals(List.of(), config.commit(adapter));
    sftpOk("pwd");
    port = second;
    sftpOk("pwd");
  }

  /** What an admin can do to a user, and the reason a live session then ends for. */
  enum Revocation {
    DELETED(config -> config.remove(Kind.USERS, "ann")),
    DISABLED(config -> change(config, json -> json.put("enabled", false))),
    EXPIRED(config -> change(config, json -> json.put("expiresAt", "2001-01-01T00:00:00Z"))),
    KEYS_REMOVED(config -> change(config, json -> json.putArray("publicKeys")));

    private final Consumer<TestConfiguration> change;

    Revocation(Consumer<TestConfiguration> change) {
      this.change = change;
    }

    private static void change(TestConfiguration config, Consumer<ObjectNode> change) {
      config.change(Kind.USERS, "ann", change);
    }
  }

  @ParameterizedTest
  @EnumSource
  void revokedUser_isDisconnected(Revocation revocation) throws Exception {
    user("bob");
    assertEquals(List.of(), config.commit(adapter));
    Files.createDirectories(home("ann"));
    Files.write(home("ann").resolve("file"), new byte[20 * SIZE]);
    Process ann = startSftp("ann", "ed25519", SLOW, "get file back");
    awaitTransfer();
    revocation.change.accept(config);
    assertEquals(List.of(), config.commit(adapter));
    Awaitility.await().until(() -> connections.list().isEmpty());
    assertNotEquals(0, finish(ann).status());
    assertNotEquals(0, sftp("pwd").status());
    assertEquals(0, sftp("bob", "ed25519", List.of(), "pwd").status());
  }

  @Test
  void harmlessChange_keepsTheSession_andPasswordsDontEndKeySessions() throws Exception {
    Files.createDirectories(home("ann"));
    Files.write(home("ann").resolve("file"), new byte[SIZE]);
    Process ann = startSftp("ann", "ed25519", SLOW, "get file back");
    awaitTransfer();
    config.change(Kind.USERS, "ann", json -> json.remove("passwordHash"));
    assertEquals(List.of(), config.commit(adapter));
    assertEquals(0, finish(ann).status());
  }

  @Test
  void changedPassword_endsTheSessionsItOpened() throws Exception {
    Files.createDirectories(home("ann"));
    Files.write(home("ann").resolve("file"), new byte[20 * SIZE]);
    Process ann = startSftpWithPassword("ann", PASSWORD, SLOW, "get file back");
    awaitTransfer();
    user("ann"); // the same password, but hashed anew: it was set again
    assertEquals(List.of(), config.commit(adapter));
    Awaitility.await().until(() -> connections.list().isEmpty());
    assertNotEquals(0, finish(ann).status());
    assertEquals(0, sftpWithPassword("ann", PASSWORD, "pwd").status());
  }

  @Test
  void listenerOfAnUnknownProtocol_isAnObjectionAndAProblem_andIsNotOpened() throws Exception {
    UnknownProtocols protocols = new UnknownProtocols();
    int other = freePort();
    config.put(Kind.LISTENERS, "quick", json -> json.put("protocol", "quic").put("port", other));
    List<String> expected = List.of("listener quick: this release does not know the protocol quic, so nothing is opened for it; "
        + "upgrade this node, or name other nodes in the listener");
    assertEquals(expected, config.check(protocols));
    assertEquals(List.of(), config.commit(adapter));
    assertRefused(other);
    int another = freePort();
    config.change(Kind.LISTENERS, "quick", json -> json.put("port", another));
    assertEquals(List.of(), config.check(protocols), "it was unknown before");
    assertEquals(expected, config.commit(protocols));
    assertEquals(expected, config.commit(protocols));
    config.remove(Kind.LISTENERS, "quick");
    assertEquals(List.of(), config.commit(protocols));
  }

  @Test
  void storageOfAnUnknownType_isAnObjectionAndAProblem_andRefusesTheLogin() throws Exception {
    StorageDirectories storages = new StorageDirectories(List::of);
    sftpOk("pwd");
    config.change(Kind.STORAGES, "main", json -> json.put("type", "s3"));
    List<String> expected = List.of("storage main: this release does not know the type s3, so nothing in it is served; "
        + "upgrade this node");
    assertEquals(expected, config.check(storages));
    assertEquals(expected, config.commit(storages));
    assertNotEquals(0, sftp("pwd").status());
    config.change(Kind.STORAGES, "main", json -> json.remove("type"));
    assertEquals(List.of(), config.commit(storages));
    sftpOk("pwd");
  }

  @Test
  void missingStorage_refusesTheLogin_andIsNotCreated() throws Exception {
    Files.delete(storage);
    assertNotEquals(0, sftp("pwd").status());
    assertFalse(Files.exists(storage));
    Files.createDirectory(storage);
    sftpOk("pwd");
    assertTrue(Files.isDirectory(home("ann")));
  }

  @Test
  void guardedStorage_thatIsUnmounted_refusesLoginsAndWrites() throws Exception {
    config.change(Kind.STORAGES, "main", json -> json.put("guard", ".here"));
    assertEquals(List.of(), config.commit(adapter));
    assertNotEquals(0, sftp("pwd").status());
    assertEquals(0, storage.toFile().list().length, "no home was made");
    Files.createFile(storage.resolve(".here"));
    Files.writeString(temp.resolve("local"), "text");
    sftpOk("put local old");

    List<String> commands = new ArrayList<>(List.of("!touch ready", "!while [ ! -e go ]; do sleep 0.05; done"));
    for (int i = 0; i < 10; i++) { // the session looks at the storage again after a second
      commands.addAll(List.of("-put local new", "!sleep 0.3"));
    }
    Process session = startSftp("ann", "ed25519", List.of(), commands.toArray(String[]::new));
    Awaitility.await().until(() -> Files.exists(temp.resolve("ready")));
    Files.move(storage, temp.resolve("away"));
    Files.createDirectory(storage);
    Files.createFile(temp.resolve("go"));
    String output = finish(session).output();
    assertTrue(output.contains("dest open \"/new\": Failure"), output);
    assertEquals(0, storage.toFile().list().length);
    assertNotEquals(0, sftp("pwd").status());
    assertEquals(0, storage.toFile().list().length);
  }

  @Test
  void connectionLimits_hold() throws Exception {
    config.change(Kind.LISTENERS, "sftp", json -> json.put("maxConnections", 3));
    assertEquals(List.of(), config.commit(adapter));
    List<Socket> open = new ArrayList<>();
    try {
      for (int i = 0; i < 3; i++) {
        open.add(new Socket("127.0.0.1", port));
        assertTrue(open.getLast().getInputStream().read() == 'S');
      }
      try (Socket fourth = new Socket("127.0.0.1", port)) {
        fourth.setSoTimeout(10_000);
        assertEquals("this server has as many connections as it may; try again later\r\n",
            new String(fourth.getInputStream().readAllBytes(), StandardCharsets.US_ASCII));
      }
      assertNotEquals(0, sftp("pwd").status());
    } finally {
      for (Socket socket : open) {
        socket.close();
      }
    }
    Awaitility.await().until(() -> sftp("pwd").status() == 0);
  }

  @Test
  void sessionsOfAUser_areLimited_andTheClientIsToldSo() throws Exception {
    config.change(Kind.USERS, "ann", json -> json.putObject("limits").put("sessions", 1));
    config.commit(adapter);
    Process first = startSftp("ann", "ed25519", List.of(), "!touch " + temp.resolve("ready"),
        "!while [ ! -e " + temp.resolve("go") + " ]; do sleep 0.05; done", "pwd");
    Awaitility.await().until(() -> Files.exists(temp.resolve("ready")));
    Outcome second = sftp("pwd");
    assertNotEquals(0, second.status());
    assertTrue(second.output().contains("the user has as many sessions as they may"), second.output());
    Files.createFile(temp.resolve("go"));
    assertEquals(0, finish(first).status());
    Awaitility.await().until(() -> sftp("pwd").status() == 0);
  }

  @Test
  void slowUser_isSentAwayAtOnce_andGetsWholeFiles() throws Exception {
    Files.createDirectories(home("ann"));
    Files.write(home("ann").resolve("file"), new byte[20_000]);
    Files.write(home("ann").resolve("large"), new byte[20 * SIZE]);
    config.change(Kind.USERS, "ann", json -> json.putObject("limits").put("downloadBytesPerSecond", 100_000));
    config.commit(adapter);
    sftpOk("get file");
    assertEquals(20_000, Files.size(temp.resolve("file")));
    Process client = startSftp("ann", "ed25519", List.of(), "get large");
    Awaitility.await().until(() -> connections.list().stream().anyMatch(one -> one.bytes() > 0));
    config.put(Kind.ACCESS_RULES, "nobody", json -> json.put("action", "deny").putArray("from").add("127.0.0.1"));
    config.commit(adapter);
    assertNotEquals(0, finish(client).status());
    Awaitility.await().until(() -> connections.list().isEmpty());
    Outcome denied = sftp("pwd");
    assertNotEquals(0, denied.status());
  }

  @Test
  void liveConnections_areListedAndClosed() throws Exception {
    Files.createDirectories(home("ann"));
    Files.write(home("ann").resolve("file"), new byte[20 * SIZE]);
    Process ann = startSftp("ann", "ed25519", SLOW, "get file back");
    awaitTransfer();
    LiveConnections.Snapshot live = connections.list().getFirst();
    assertEquals("ann", live.user());
    assertEquals("127.0.0.1", live.address());
    assertEquals("/file", live.transfer().orElseThrow().path());
    assertEquals(ClientEvent.Direction.DOWNLOAD, live.transfer().orElseThrow().direction());
    assertTrue(connections.close(live.id(), "maintenance"));
    Outcome outcome = finish(ann);
    assertNotEquals(0, outcome.status());
    assertTrue(outcome.output().contains("maintenance"), outcome.output());
    assertFalse(connections.close(live.id(), "again"));
  }

  @Test
  void close_waitsForTransfers_thenSaysGoodbye() throws Exception {
    byte[] data = new byte[SIZE];
    Files.createDirectories(home("ann"));
    Files.write(temp.resolve("local"), data);
    Process upload = startSftp("ann", "ed25519", SLOW, "put local file");
    awaitTransfer();
    adapter.close(Duration.ofSeconds(60));
    assertRefused(port);
    finish(upload);
    assertArrayEquals(data, Files.readAllBytes(home("ann").resolve("file")));
    assertEquals(List.of(), connections.list());
  }

  private void awaitTransfer() {
    Awaitility.await().until(() -> connections.list().stream()
        .anyMatch(live -> live.transfer().isPresent() && live.bytes() > 0));
  }

  private static void assertRefused(int closedPort) {
    Assertions.assertThrows(ConnectException.class, () -> {
      try (Socket socket = new Socket("127.0.0.1", closedPort)) {
        throw new IOException("still accepts: " + socket);
      }
    });
  }
}
