package io.flotilla.ftp;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.flotilla.adapter.ClientEvent;
import io.flotilla.adapter.ConnectionGate;
import io.flotilla.config.model.Kind;
import java.io.IOException;
import java.net.ConnectException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Clients that mean harm, or are broken: they get an error, and everybody else goes on. */
class FtpAbuseTest extends FtpFixture {
  private static final int UNAUTHENTICATED = 5;

  @Override
  FtpSettings settings() {
    return new FtpSettings(Duration.ofSeconds(6), Duration.ofMillis(10), Duration.ofSeconds(2), Duration.ofSeconds(2),
        Duration.ofMillis(5), UNAUTHENTICATED);
  }

  /** Some ports in a row that are free now, below those that the system gives to connecting clients. */
  private int passiveRange(int count) throws IOException {
    for (int tries = 0; tries < 100; tries++) {
      int first = ThreadLocalRandom.current().nextInt(10_000, 30_000);
      List<ServerSocket> bound = new ArrayList<>();
      try {
        for (int i = 0; i < count; i++) {
          bound.add(new ServerSocket(first + i, 1, InetAddress.getLoopbackAddress()));
        }
        return first;
      } catch (IOException e) {
        // another one
      } finally {
        for (ServerSocket socket : bound) {
          socket.close();
        }
      }
    }
    throw new IOException("no " + count + " ports in a row are free");
  }

  private void passivePorts(int first, int last) {
    listener(json -> json.putObject("ftp").put("passivePorts", first + "-" + last));
    assertEquals(List.of(), config.commit(adapter));
  }

  @Test
  void passiveFlood_holdsOnePort() throws Exception {
    int first = passiveRange(3);
    passivePorts(first, first + 2);
    RawFtp client = login();
    Set<Integer> seen = new HashSet<>();
    int last = 0;
    for (int i = 0; i < 500; i++) {
      last = client.passivePort();
      seen.add(last);
      assertTrue(last >= first && last <= first + 2);
    }
    assertEquals(3, seen.size(), "the next port can't be told from the last");
    for (int other : seen) {
      if (other != last) {
        assertThrows(ConnectException.class, () -> new Socket("127.0.0.1", other).close());
      }
    }
    RawFtp second = login();
    second.upload("STOR a", new byte[1000]);
    client.download("RETR a");
  }

  @Test
  void usedUpPorts_areAnErrorOnlyForAWhile() throws Exception {
    int first = passiveRange(2);
    passivePorts(first, first + 1);
    RawFtp one = login();
    RawFtp two = login();
    RawFtp three = login();
    one.passivePort();
    int used = two.passivePort();
    three.command("EPSV", 425);
    three.command("PASV", 425);
    three.command("NOOP", 200);
    try (Socket data = two.data(used)) {
      two.command("STOR a", 150);
      three.passivePort(); // a port whose connection has come is free again
    }
    two.expect(226);
    two.command("EPSV", 425);
    Awaitility.await().until(() -> { // those of one and three are given up when nobody comes
      two.send("EPSV\r\n");
      return two.reply().code() == 229;
    });
  }

  @Test
  void passivePorts_thatNobodyUses_areGivenBack() throws Exception {
    int first = passiveRange(1);
    passivePorts(first, first);
    RawFtp one = login();
    RawFtp two = login();
    one.passivePort();
    Awaitility.await().until(() -> {
      two.send("EPSV\r\n");
      return two.reply().code() == 229;
    });
    one.command("LIST", 425);
  }

  @Test
  void newPassiveRangeAndAddress_countAtOnce_andRunningTransfersGoOn() throws Exception {
    RawFtp client = login();
    try (Socket data = client.data()) {
      client.command("STOR a", 150);
      int first = passiveRange(2);
      listener(json -> json.putObject("ftp").put("passivePorts", first + "-" + (first + 1)).put("passiveAddress", "192.0.2.7"));
      assertEquals(List.of(), config.commit(adapter));
      data.getOutputStream().write(new byte[1000]);
      data.close();
      client.expect(226);
      InetSocketAddress told = RawFtp.passiveAddress(client.command("PASV", 227));
      assertEquals("192.0.2.7", told.getAddress().getHostAddress());
      assertTrue(told.getPort() == first || told.getPort() == first + 1);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"PORT 127,0,0,2,200,200", "PORT 10,0,0,1,200,200", "PORT 127,0,0,1,0,22", "PORT 127,0,0,1,3,255",
      "EPRT |1|127.0.0.2|60000|", "EPRT |1|127.0.0.1|25|", "EPRT |2|::1|60000|", "EPRT |2|::ffff:127.0.0.2|60000|",
      "PORT 0,0,0,0,200,200", "EPRT |2|::|60000|"})
  void bounce_isRefused(String command) throws Exception {
    RawFtp client = login();
    client.command(command, 500);
    client.command("LIST", 425);
  }

  @Test
  void dataConnectionOfAnotherAddress_isNotServed() throws Exception {
    RawFtp client = login();
    client.upload("STOR a", new byte[100_000]);
    int number = client.passivePort();
    try (Socket thief = new Socket()) {
      thief.bind(new InetSocketAddress("127.0.0.9", 0));
      thief.connect(new InetSocketAddress("127.0.0.1", number));
      client.send("RETR a\r\n");
      try (Socket data = client.data(number)) {
        client.expect(150);
        assertEquals(100_000, data.getInputStream().readAllBytes().length);
        client.expect(226);
      }
      thief.setSoTimeout(5000);
      assertThrows(IOException.class, () -> {
        if (thief.getInputStream().read() < 0) {
          throw new IOException("closed");
        }
      });
    }
  }

  @Test
  void dataConnectionThatNeverComes_isAnError() throws Exception {
    RawFtp client = login();
    client.upload("STOR old", new byte[10]);
    int number = client.passivePort();
    client.command("STOR old", 425);
    assertThrows(ConnectException.class, () -> new Socket("127.0.0.1", number).close());
    assertEquals(List.of("old"), homeEntries());
    client.command("NOOP", 200);
  }

  @Test
  void slowLogins_areEnded_andOthersAreToldWhy() throws Exception {
    List<RawFtp> slow = new ArrayList<>();
    for (int i = 0; i < UNAUTHENTICATED; i++) {
      slow.add(connect());
    }
    RawFtp refused = new RawFtp(port);
    refused.send("USER ann\r\nPASS x\r\n"); // unread when the connection is closed, and yet the reply arrives
    assertEquals("421 Too many clients are logging in; try again later", refused.expect(421));
    assertTrue(refused.isEnded());
    refused.close();
    for (RawFtp client : slow) {
      client.send("US"); // does not count
    }
    for (RawFtp client : slow) {
      assertEquals("421 The login took too long", client.expect(421));
      assertTrue(client.isEnded());
    }
    Awaitility.await().untilAsserted(() -> login().command("NOOP", 200));
  }

  @Test
  void connectionsOverTheLimit_areToldSo() throws Exception {
    listener(json -> json.put("maxConnections", 2));
    assertEquals(List.of(), config.commit(adapter));
    RawFtp one = login();
    RawFtp two = login();
    for (int i = 0; i < 20; i++) {
      RawFtp refused = new RawFtp(port);
      refused.expect(421);
      assertTrue(refused.isEnded());
      refused.close();
    }
    one.command("NOOP", 200);
    two.command("QUIT", 221);
    two.isEnded();
    Awaitility.await().untilAsserted(() -> login().command("NOOP", 200));
  }

  @Test
  void deniedAddress_isToldSo_alsoDuringASession() throws Exception {
    RawFtp client = login();
    config.put(Kind.ACCESS_RULES, "nobody", json -> json.put("action", "deny").putArray("from").add("127.0.0.0/8"));
    assertEquals(List.of(), config.commit(adapter));
    assertEquals("421 Connections from this address are no longer accepted", client.expect(421));
    assertTrue(client.isEnded());
    RawFtp refused = new RawFtp(port);
    assertEquals("421 Connections from this address are not accepted", refused.expect(421));
    refused.close();
    assertTrue(events.stream().anyMatch(event -> event instanceof ClientEvent.ConnectionRefused told
        && told.reason() == ConnectionGate.Refusal.DENIED));
    config.remove(Kind.ACCESS_RULES, "nobody");
    config.commit(adapter);
    login();
  }

  @Test
  void connectionsOfOneAddressOverTheLimit_areToldSo() throws Exception {
    listener(json -> json.put("maxConnectionsPerAddress", 1));
    assertEquals(List.of(), config.commit(adapter));
    RawFtp client = login();
    RawFtp refused = new RawFtp(port);
    assertEquals("421 Too many connections from this address; try again later", refused.expect(421));
    refused.close();
    client.command("NOOP", 200);
  }

  @Test
  void sessionsOfAUserOverTheLimit_areToldSo_andOneThatLogsOutMakesRoom() throws Exception {
    config.change(Kind.USERS, "ann", json -> json.putObject("limits").put("sessions", 1));
    config.commit(adapter);
    RawFtp client = login();
    RawFtp second = connect();
    second.command("USER ann", 331);
    assertEquals("421 The user has as many sessions as they may", second.command("PASS " + PASSWORD, 421));
    client.command("REIN", 220);
    login().command("NOOP", 200);
  }

  @Test
  void userWhoMayNotComeThisWay_isNotLetIn_andNotToldWhy() throws Exception {
    for (String field : List.of("protocols sftp", "allowFrom 192.0.2.0/24", "denyFrom 127.0.0.1")) {
      String[] words = field.split(" ");
      user("ann");
      config.change(Kind.USERS, "ann", json -> json.putArray(words[0]).add(words[1]));
      config.commit(adapter);
      RawFtp client = connect();
      client.command("USER ann", 331);
      assertEquals("530 Login incorrect", client.command("PASS " + PASSWORD, 530), field);
    }
  }

  @Test
  void slowUser_canAbortAtOnce_andIsNotStalled() throws Exception {
    Files.createDirectories(home());
    Files.write(home().resolve("file"), new byte[8_000_000]);
    config.change(Kind.USERS, "ann", json -> json.putObject("limits")
        .put("downloadBytesPerSecond", 10_000).put("uploadBytesPerSecond", 10_000));
    config.commit(adapter);
    RawFtp client = login();
    try (Socket data = client.data()) {
      client.command("RETR file", 150);
      data.getInputStream().readNBytes(20_000);
      client.command("ABOR", 426);
      client.expect(226);
    }
    try (Socket data = client.data()) {
      client.command("STOR new", 150);
      data.getOutputStream().write(new byte[30_000]);
      Awaitility.await().until(() -> connections.list().getFirst().bytes() > 10_000);
      client.command("ABOR", 426);
      client.expect(226);
    }
    List<ClientEvent.TransferFinished> told = events.stream().filter(ClientEvent.TransferFinished.class::isInstance)
        .map(ClientEvent.TransferFinished.class::cast).toList();
    assertTrue(told.getFirst().bytes() < 1_000_000, "it was sent at once: " + told);
    client.command("NOOP", 200);
  }

  @Test
  void idleSession_isEnded_butNotOneThatTransfers() throws Exception {
    listener(json -> json.put("idleTimeout", "1s"));
    assertEquals(List.of(), config.commit(adapter));
    RawFtp busy = login();
    RawFtp idle = login();
    try (Socket data = busy.data()) {
      busy.command("STOR a", 150);
      long end = System.nanoTime() + Duration.ofSeconds(3).toNanos();
      while (System.nanoTime() < end) {
        data.getOutputStream().write(0);
        TimeUnit.MILLISECONDS.sleep(100); // the passing of time is what is tested
      }
    }
    busy.expect(226);
    assertEquals("421 The session was idle for too long", idle.expect(421));
    assertTrue(idle.isEnded());
  }

  @Test
  void clientThatReadsNoReplies_isEnded() throws Exception {
    RawFtp client = login();
    client.socket.setSoTimeout(100);
    Thread flood = Thread.ofVirtual().start(() -> {
      try {
        while (true) {
          client.send("FEAT\r\n".repeat(1000));
        }
      } catch (IOException e) {
        // the end, at last
      }
    });
    assertTrue(flood.join(Duration.ofSeconds(30)));
    Awaitility.await().until(() -> connections.list().isEmpty());
  }

  @Test
  void commandFloodDuringATransfer_endsTheSession() throws Exception {
    RawFtp client = login();
    Socket data = client.data();
    client.command("STOR a", 150);
    client.send("PWD\r\n".repeat(200));
    client.expect(421);
    assertTrue(client.isEnded());
    data.close();
    assertFalse(Files.exists(home().resolve("a")));
  }

  @Test
  void binaryOnTheControlConnection_endsNothingButItself() throws Exception {
    RawFtp victim = login();
    RawFtp client = connect();
    try {
      client.socket.getOutputStream().write(random(100_000));
      client.send("\n".repeat(10));
    } catch (IOException e) {
      // The server had enough before all was sent.
    }
    client.expect(500);
    assertTrue(client.isEnded());
    victim.command("NOOP", 200);
  }

  @Test
  void fullDisk_isToldAndLeavesTheOldFile() throws Exception {
    Path disk = Files.createDirectory(temp.resolve("disk"));
    Assumptions.assumeTrue(mount(disk), "only root can mount a small tmpfs, so the full disk is not tested");
    try {
      Files.createDirectories(disk.resolve("users/ann"));
      Files.writeString(disk.resolve("users/ann/a"), "old");
      config.put(io.flotilla.config.model.Kind.STORAGES, "main", json -> json.put("path", disk.toString()));
      config.commit(adapter);
      RawFtp client = login();
      client.command("TYPE I", 200);
      try (Socket data = client.data()) {
        client.command("STOR a", 150);
        try {
          data.getOutputStream().write(new byte[8 << 20]);
        } catch (IOException e) {
          // the server has had enough
        }
        assertEquals("452 /a: no space left in the storage", client.expect(452));
      }
      assertEquals("old", Files.readString(disk.resolve("users/ann/a")));
      assertEquals(ClientEvent.Outcome.FAILED, events(ClientEvent.TransferFinished.class).getLast().outcome());
      client.upload("STOR a", "new".getBytes(java.nio.charset.StandardCharsets.US_ASCII));
      assertEquals("new", Files.readString(disk.resolve("users/ann/a")));
      client.command("QUIT", 221);
      Awaitility.await().until(() -> connections.list().isEmpty());
    } finally {
      new ProcessBuilder("umount", "-l", disk.toString()).inheritIO().start().waitFor();
    }
  }

  private static boolean mount(Path directory) throws Exception {
    try {
      return new ProcessBuilder("mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", directory.toString())
          .redirectErrorStream(true).redirectOutput(ProcessBuilder.Redirect.DISCARD).start().waitFor() == 0;
    } catch (IOException e) {
      return false;
    }
  }

  @Test
  void movedListener_letsTransfersFinish() throws Exception {
    RawFtp client = login();
    int old = port;
    try (Socket data = client.data()) {
      client.command("STOR a", 150);
      port = freePort();
      listener(json -> json.put("port", port));
      assertEquals(List.of(), config.commit(adapter));
      assertThrows(ConnectException.class, () -> new RawFtp(old));
      login().command("NOOP", 200);
      data.getOutputStream().write(new byte[1000]);
    }
    client.expect(226);
    RawFtp idle = login();
    try (Socket data = client.data()) {
      client.command("STOR b", 150);
      config.remove(io.flotilla.config.model.Kind.LISTENERS, "ftp");
      assertEquals(List.of(), config.commit(adapter));
      assertThrows(ConnectException.class, () -> new RawFtp(port));
      Awaitility.await().until(() -> {
        data.getOutputStream().write(new byte[1000]);
        return idle.hasReply();
      });
      assertEquals("421 The listener was closed", idle.expect(421));
      data.getOutputStream().write(new byte[1000]);
    }
    client.expect(226);
    client.expect(421);
    assertTrue(client.isEnded());
  }

  /** From one file to the next a client may need a moment; cut off there, its transfer fails. */
  @Test
  void closedListener_letsClientsGoFromCommandToCommand_untilTheyAreQuiet() throws Exception {
    RawFtp client = login();
    adapter.drain();
    Awaitility.await().pollInterval(Duration.ofMillis(200)).during(Duration.ofSeconds(2)).until(() -> {
      client.command("NOOP", 200);
      return true;
    });
    assertEquals("421 The listener was closed", client.expect(421));
  }

  @Test
  void vanishedStorage_isAnErrorAndNothingElse() throws Exception {
    RawFtp client = login();
    client.command("MKD gone", 257);
    client.command("CWD gone", 250);
    Files.delete(home().resolve("gone"));
    client.command("LIST", 550);
    client.command("MKD x", 550);
    try (Socket data = client.data()) {
      client.command("STOR x", 550);
    }
    client.command("PWD", 257);
  }
}
