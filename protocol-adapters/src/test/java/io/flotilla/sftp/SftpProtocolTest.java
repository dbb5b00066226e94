package io.flotilla.sftp;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.flotilla.adapter.ClientEvent;
import io.flotilla.sftp.RawClient.Handle;
import io.flotilla.sftp.RawClient.Reply;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What no reasonable client sends, and what OpenSSH's doesn't. */
class SftpProtocolTest extends SftpFixture {
  private static final int OK = 0;
  private static final int END_OF_FILE = 1;
  private static final int NO_SUCH_FILE = 2;
  private static final int PERMISSION_DENIED = 3;
  private static final int FAILURE = 4;
  private static final int UNSUPPORTED = 8;
  private static final int CREATE = Sftp.OPEN_WRITE | Sftp.OPEN_CREATE | Sftp.OPEN_TRUNCATE;

  private RawClient client;

  @BeforeEach
  void connect() throws IOException {
    client = new RawClient(port, "ann", userKey("ed25519"));
  }

  @AfterEach
  void disconnect() {
    client.close();
  }

  @Test
  void framing_thatIsLost_endsTheChannel_butNotTheServer() throws Exception {
    List<byte[]> absurd = List.of(
        ByteBuffer.allocate(4).putInt(0).array(),
        ByteBuffer.allocate(4).putInt(-1).array(),
        ByteBuffer.allocate(8).putInt(Sftp.MAX_INCOMING + 1).putInt(7).array(),
        ByteBuffer.allocate(5).putInt(1).put((byte) Sftp.STAT).array(),
        RawClient.packet(Sftp.STAT, 1, "/"),
        "GET / HTTP/1.1\r\nHost: x\r\n\r\n".getBytes(java.nio.charset.StandardCharsets.US_ASCII));
    for (byte[] bytes : absurd) {
      client.send(bytes);
      assertTrue(client.isEnded());
      client.openChannel();
    }
    client.initialized().send(RawClient.packet(Sftp.INIT, 3));
    assertTrue(client.isEnded(), "INIT comes once");
    client.openChannel();
    client.initialized().send(RawClient.packet(Sftp.STAT, 1, new byte[0]));
    assertEquals(Sftp.ATTRS, client.receive().type(), "the empty path is the root");
    client.send(ByteBuffer.allocate(13).putInt(9).put((byte) Sftp.STAT).putInt(1).putInt(1000).array());
    assertTrue(client.isEnded(), "a string longer than its packet");
  }

  @Test
  void unknownRequests_areAnsweredAsSuch() throws IOException {
    client.initialized();
    assertEquals(UNSUPPORTED, client.ask(99).status());
    assertEquals(UNSUPPORTED, client.ask(Sftp.STATUS).status());
    assertEquals(UNSUPPORTED, client.ask(Sftp.EXTENDED, "vendor-id").status());
  }

  @Test
  void handles_areCheckedLimitedAndFreed() throws IOException {
    client.initialized();
    for (Object handle : new Object[] {new Handle(1), new Handle(-1), "", "four and more", new byte[0]}) {
      assertEquals(FAILURE, client.ask(Sftp.READ, handle, 0L, 10).status());
      assertEquals(FAILURE, client.ask(Sftp.CLOSE, handle).status());
      assertEquals(FAILURE, client.ask(Sftp.FSTAT, handle).status());
    }
    int first = open("/a", CREATE);
    assertEquals(OK, client.ask(Sftp.CLOSE, new Handle(first)).status());
    assertEquals(FAILURE, client.ask(Sftp.CLOSE, new Handle(first)).status(), "closed twice");
    assertEquals(FAILURE, client.ask(Sftp.WRITE, new Handle(first), 0L, "x").status());
    int directory = client.ask(Sftp.OPENDIR, "/").handle();
    assertEquals(FAILURE, client.ask(Sftp.READ, new Handle(directory), 0L, 10).status());
    for (int i = 1; i < Sftp.MAX_HANDLES; i++) {
      open("/a", Sftp.OPEN_READ);
    }
    Reply refused = client.ask(Sftp.OPEN, "/a", Sftp.OPEN_READ, 0);
    assertEquals(FAILURE, refused.status());
    assertTrue(refused.message().contains("no more are allowed"));
    assertEquals(OK, client.ask(Sftp.CLOSE, new Handle(directory)).status());
    open("/a", Sftp.OPEN_READ);
    client.openChannel();
    client.initialized();
    assertEquals(FAILURE, client.ask(Sftp.FSTAT, new Handle(first + 2)).status(), "handles are the channel's own");
  }

  @Test
  void pathsThatAreNone_areRefusedWithoutAWordOfTheServer() throws IOException {
    client.initialized();
    for (Object path : new Object[] {"/a\0b", "x".repeat(256), "/x".repeat(5000), "y".repeat(200_000)}) {
      for (int type : new int[] {Sftp.STAT, Sftp.LSTAT, Sftp.OPENDIR, Sftp.REMOVE, Sftp.RMDIR, Sftp.REALPATH,
          Sftp.READLINK}) {
        Reply reply = client.ask(type, path);
        assertEquals(FAILURE, reply.status());
        assertFalse(reply.message().contains(temp.toString()) || reply.message().length() > 500);
      }
    }
    Reply missing = client.ask(Sftp.STAT, "/no\u001b[31m\nway");
    assertEquals(NO_SUCH_FILE, missing.status());
    assertEquals("/no?[31m?way: no such file or directory", missing.message());
    Reply real = client.ask(Sftp.REALPATH, "/../../etc/./x//..");
    assertEquals(Sftp.NAME, real.type());
    byte[] name = new byte[real.rest().getInt(4)];
    real.rest().get(8, name);
    assertArrayEquals("/etc".getBytes(java.nio.charset.StandardCharsets.US_ASCII), name);
  }

  @Test
  void namesThatAreNotUtf8_areKeptByteForByte() throws IOException {
    client.initialized();
    byte[] name = {'/', (byte) 0xE9, (byte) 0xFF};
    int handle = client.ask(Sftp.OPEN, name, CREATE, 0).handle();
    assertEquals(OK, client.ask(Sftp.CLOSE, new Handle(handle)).status());
    Reply listing = client.ask(Sftp.READDIR, new Handle(client.ask(Sftp.OPENDIR, "/").handle()));
    assertEquals(1, listing.rest().getInt(0));
    byte[] listed = new byte[listing.rest().getInt(4)];
    listing.rest().get(8, listed);
    assertArrayEquals(new byte[] {(byte) 0xE9, (byte) 0xFF}, listed);
    assertEquals(OK, client.ask(Sftp.REMOVE, name).status());
  }

  @Test
  void attributes_thatWouldHarm_areDroppedOrRefused() throws IOException {
    client.initialized();
    int handle = open("/a", CREATE);
    assertEquals(OK, client.ask(Sftp.FSETSTAT, new Handle(handle), Sftp.ATTR_PERMISSIONS, 07755).status());
    assertEquals(OK, client.ask(Sftp.CLOSE, new Handle(handle)).status());
    assertEquals(0755, (int) Files.getAttribute(home("ann").resolve("a"), "unix:mode") & 07777);
    assertEquals(PERMISSION_DENIED, client.ask(Sftp.SETSTAT, "/a", Sftp.ATTR_OWNER, 0, 0).status());
    assertEquals(FAILURE, client.ask(Sftp.SETSTAT, "/a", Sftp.ATTR_SIZE, -1L).status());
    assertEquals(FAILURE, client.ask(Sftp.SETSTAT, "/a", Sftp.ATTR_SIZE, Long.MAX_VALUE).status());
    assertEquals(OK, client.ask(Sftp.SETSTAT, "/a", Sftp.ATTR_TIMES, -1, -1).status());
    assertEquals(OK, client.ask(Sftp.MKDIR, "/d", Sftp.ATTR_PERMISSIONS, 07777).status());
    assertEquals(0, (int) Files.getAttribute(home("ann").resolve("d"), "unix:mode") & 07000);
    int edit = open("/a", Sftp.OPEN_WRITE);
    assertEquals(FAILURE, client.ask(Sftp.WRITE, new Handle(edit), -5L, "x").status());
    assertEquals(FAILURE, client.ask(Sftp.WRITE, new Handle(edit), Long.MAX_VALUE - 1, "xyz").status());
    assertEquals(FAILURE, client.ask(Sftp.OPEN, "/a", 0, 0).status());
  }

  @Test
  void rename_asOpenSsh() throws IOException {
    client.initialized();
    for (String name : new String[] {"/a", "/b"}) {
      int handle = open(name, CREATE);
      client.ask(Sftp.WRITE, new Handle(handle), 0L, name);
      assertEquals(OK, client.ask(Sftp.CLOSE, new Handle(handle)).status());
    }
    assertEquals(FAILURE, client.ask(Sftp.RENAME, "/a", "/b").status());
    assertEquals("/b", Files.readString(home("ann").resolve("b")));
    assertEquals(OK, client.ask(Sftp.EXTENDED, "posix-rename@openssh.com", "/a", "/b").status());
    assertEquals("/a", Files.readString(home("ann").resolve("b")));
    assertEquals(OK, client.ask(Sftp.EXTENDED, "hardlink@openssh.com", "/b", "/c").status());
    assertEquals(Sftp.EXTENDED_REPLY, client.ask(Sftp.EXTENDED, "statvfs@openssh.com", "/").type());
    assertEquals(Sftp.NAME, client.ask(Sftp.EXTENDED, "expand-path@openssh.com", "~/x").type());
    assertEquals(NO_SUCH_FILE, client.ask(Sftp.EXTENDED, "expand-path@openssh.com", "~root").status());
  }

  @Test
  void copyData_copiesWithinTheServer() throws IOException {
    client.initialized();
    byte[] data = new byte[3 * Sftp.MAX_DATA + 17];
    new java.util.Random(5).nextBytes(data);
    Files.write(home("ann").resolve("from"), data);
    Files.createLink(home("ann").resolve("same"), home("ann").resolve("from"));
    Handle from = new Handle(open("/from", Sftp.OPEN_READ));

    Handle whole = new Handle(open("/whole", CREATE));
    assertEquals(OK, copy(from, 0, 0, whole, 0));
    assertEquals(OK, client.ask(Sftp.CLOSE, whole).status());
    assertArrayEquals(data, Files.readAllBytes(home("ann").resolve("whole")));

    Handle part = new Handle(open("/part", CREATE));
    assertEquals(OK, copy(from, 10, 20, part, 5));
    assertEquals(END_OF_FILE, copy(from, data.length - 3, 20, part, 25), "there is less than was asked for");
    assertEquals(OK, client.ask(Sftp.CLOSE, part).status());
    ByteBuffer expected = ByteBuffer.allocate(28).position(5).put(data, 10, 20).put(data, data.length - 3, 3);
    assertArrayEquals(expected.array(), Files.readAllBytes(home("ann").resolve("part")));

    Handle again = new Handle(open("/from", Sftp.OPEN_WRITE));
    assertEquals(FAILURE, copy(from, 0, 0, again, data.length), "it would never end");
    assertEquals(FAILURE, copy(new Handle(open("/same", Sftp.OPEN_READ)), 0, 0, again, data.length));
    assertEquals(FAILURE, copy(from, -1, 0, again, 0));
    assertEquals(FAILURE, copy(from, 0, 0, new Handle(4711), 0));
    assertEquals(data.length, Files.size(home("ann").resolve("from")));
  }

  private int copy(Handle from, long offset, long length, Handle to, long target) throws IOException {
    return client.ask(Sftp.EXTENDED, "copy-data", from, offset, length, to, target).status();
  }

  @Test
  void usersAndGroups_areTheUser_andNoneOfTheServers() throws IOException {
    client.initialized();
    byte[] ids = ByteBuffer.allocate(8).putInt(0).putInt(1000).array();
    Reply names = client.ask(Sftp.EXTENDED, "users-groups-by-id@openssh.com", ids, new byte[4]);
    assertEquals(Sftp.EXTENDED_REPLY, names.type());
    ByteBuffer expected = ByteBuffer.allocate(26);
    expected.putInt(11).putInt(3).put("ann".getBytes()).putInt(0).putInt(7).putInt(3).put("ann".getBytes());
    assertEquals(expected.flip(), names.rest());
    assertEquals(FAILURE, client.ask(Sftp.EXTENDED, "users-groups-by-id@openssh.com", new byte[4 * 1001], new byte[0]).status());
  }

  @Test
  void pipelinedReads_ofAClientThatDoesNotRead_areAllAnsweredInTheEnd() throws IOException {
    client.initialized();
    byte[] data = new byte[Sftp.MAX_DATA];
    new java.util.Random(3).nextBytes(data);
    Files.write(home("ann").resolve("file"), data);
    Handle handle = new Handle(open("/file", Sftp.OPEN_READ));
    int requests = 200; // 50 MB of replies against a window of 2 MB
    for (int i = 0; i < requests; i++) {
      client.send(RawClient.packet(Sftp.READ, 5000 + i, handle, 0L, Integer.MAX_VALUE));
    }
    Set<Integer> answered = new HashSet<>();
    for (int i = 0; i < requests; i++) {
      Reply reply = client.receive();
      assertEquals(Sftp.DATA, reply.type());
      assertEquals(data.length, reply.rest().getInt());
      assertEquals(ByteBuffer.wrap(data), reply.rest());
      assertEquals(5000 + i, reply.id(), "in order");
      answered.add(reply.id());
    }
    assertEquals(requests, answered.size());
    assertEquals(1, client.ask(Sftp.READ, handle, (long) data.length, 10).status(), "end of file");
    assertEquals(1, client.ask(Sftp.READ, handle, -1L, 10).status());
  }

  @Test
  void largestWrite_isTaken_inPieces() throws IOException {
    client.initialized();
    byte[] data = new byte[Sftp.MAX_PACKET];
    new java.util.Random(4).nextBytes(data);
    Handle handle = new Handle(open("/big", CREATE));
    byte[] packet = RawClient.packet(Sftp.WRITE, 7, handle, 0L, data);
    for (int at = 0; at < packet.length; at += 10_007) {
      client.send(java.util.Arrays.copyOfRange(packet, at, Math.min(packet.length, at + 10_007)));
    }
    assertEquals(OK, client.receive().status());
    assertEquals(OK, client.ask(Sftp.EXTENDED, "fsync@openssh.com", handle).status());
    assertEquals(OK, client.ask(Sftp.CLOSE, handle).status());
    assertArrayEquals(data, Files.readAllBytes(home("ann").resolve("big")));
  }

  @Test
  void lastRequests_beforeTheClientsEndOfFile_areServedAndAnswered() throws IOException {
    client.initialized();
    Handle handle = new Handle(open("/last", CREATE));
    client.send(RawClient.packet(Sftp.WRITE, 1, handle, 0L, "x"));
    client.send(RawClient.packet(Sftp.CLOSE, 2, handle));
    client.endInput();
    assertEquals(OK, client.receive().status());
    assertEquals(OK, client.receive().status());
    assertTrue(Files.exists(home("ann").resolve("last")));
    assertTrue(client.isEnded(), "the server closes the channel after the last request");
  }

  @Test
  void vanishedClient_freesEverything_andLeavesAPartial() throws Exception {
    client.initialized();
    Handle handle = new Handle(open("/upload", CREATE));
    client.ask(Sftp.WRITE, handle, 0L, "half");
    open("/other", CREATE);
    client.vanish();
    Awaitility.await().until(() -> connections.list().isEmpty()
        && events(ClientEvent.TransferFinished.class).size() == 2);
    assertFalse(Files.exists(home("ann").resolve("upload")));
    List<ClientEvent.Outcome> outcomes = new ArrayList<>();
    events(ClientEvent.TransferFinished.class).forEach(event -> outcomes.add(event.outcome()));
    assertEquals(List.of(ClientEvent.Outcome.BROKEN, ClientEvent.Outcome.BROKEN), outcomes);
    try (RawClient again = new RawClient(port, "ann", userKey("ed25519"))) {
      again.initialized();
      Reply stat = again.ask(Sftp.STAT, "/upload");
      assertEquals(Sftp.ATTRS, stat.type());
      assertEquals(4, stat.rest().getLong(4), "the size to resume at");
    }
  }

  @Test
  void channels_areLimited() throws IOException {
    client.initialized();
    for (int i = 1; i < SftpSettings.DEFAULT.maxChannels(); i++) {
      client.openChannel();
      client.initialized();
    }
    RawClient.Reply before = client.ask(Sftp.STAT, "/");
    assertThrows(IOException.class, () -> client.openChannel());
    assertEquals(before.type(), client.ask(Sftp.STAT, "/").type(), "the other channels go on");
  }

  private int open(String path, int flags) throws IOException {
    Reply reply = client.ask(Sftp.OPEN, path, flags, 0);
    assertEquals(Sftp.HANDLE, reply.type(), () -> reply.message());
    return reply.handle();
  }
}
