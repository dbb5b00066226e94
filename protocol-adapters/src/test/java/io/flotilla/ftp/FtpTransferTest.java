package io.flotilla.ftp;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.flotilla.adapter.ClientEvent;
import io.flotilla.adapter.ClientEvent.Outcome;
import io.flotilla.config.model.Kind;
import io.flotilla.vfs.NamePattern;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.OptionalLong;
import java.util.zip.CRC32;
import java.util.zip.DeflaterOutputStream;
import java.util.zip.InflaterInputStream;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Transfers in every way the protocol has. */
class FtpTransferTest extends FtpFixture {
  private static final int SIZE = 3_000_017;

  @Override
  FtpSettings settings() {
    // The vigil is long enough for a client on a busy machine to die within it.
    return new FtpSettings(Duration.ofSeconds(30), Duration.ofMillis(10), Duration.ofSeconds(5), Duration.ofSeconds(2),
        Duration.ofMillis(500), 100);
  }

  private RawFtp binary() throws IOException {
    RawFtp client = login();
    client.command("TYPE I", 200);
    return client;
  }

  private ClientEvent.TransferFinished lastTransfer() {
    Awaitility.await().until(() -> !events(ClientEvent.TransferFinished.class).isEmpty());
    return events(ClientEvent.TransferFinished.class).getLast();
  }

  private static byte[] text(String text) {
    return text.getBytes(StandardCharsets.ISO_8859_1);
  }

  @Test
  void transfers_areAccountedFor() throws Exception {
    RawFtp client = binary();
    client.upload("STOR a", random(SIZE));
    ClientEvent.TransferFinished up = lastTransfer();
    assertEquals(ClientEvent.Direction.UPLOAD, up.direction());
    assertEquals(SIZE, up.bytes());
    assertEquals("/a", up.path());
    assertEquals(Outcome.COMPLETED, up.outcome());
    client.command("REST 1000000", 350);
    assertEquals(SIZE - 1_000_000, client.download("RETR a").length);
    Awaitility.await().until(() -> events(ClientEvent.TransferFinished.class).size() == 2);
    assertEquals(OptionalLong.of(1_000_000), lastTransfer().resumeOffset());
    assertEquals(SIZE - 1_000_000, lastTransfer().bytes());
  }

  @Test
  void upload_isHiddenUntilItIsWhole() throws Exception {
    RawFtp client = binary();
    Files.writeString(home().resolve("a"), "old");
    RawFtp other = binary();
    try (Socket data = client.data()) {
      client.command("STOR a", 150);
      data.getOutputStream().write(random(SIZE));
      assertEquals("old", Files.readString(home().resolve("a")));
      assertEquals("213 3", other.command("SIZE a", 213));
      assertEquals("a\r\n", other.list("NLST"));
    }
    client.expect(226);
    assertEquals(SIZE, Files.size(home().resolve("a")));
    assertEquals(List.of("a"), homeEntries());
  }

  @Test
  void brokenUpload_staysAPartial_thatAnyOfTheWaysResumes() throws Exception {
    byte[] data = random(SIZE);
    RawFtp client = binary();
    int sent = 2_000_000;
    breakUpload(client, "STOR a", Arrays.copyOf(data, sent));
    client.expect(426);
    assertFalse(Files.exists(home().resolve("a")));
    assertEquals(Outcome.BROKEN, lastTransfer().outcome());
    assertEquals("", client.list("NLST"));
    long kept = Long.parseLong(client.command("SIZE a", 213).substring(4));
    assertTrue(kept > 0 && kept <= sent, "kept " + kept);
    client.command("REST " + kept, 350);
    client.upload("STOR a", Arrays.copyOfRange(data, (int) kept, SIZE));
    assertArrayEquals(data, Files.readAllBytes(home().resolve("a")));
    client.command("DELE a", 250);
    breakUpload(client, "APPE a", Arrays.copyOf(data, sent));
    client.expect(426);
    kept = Long.parseLong(client.command("SIZE a", 213).substring(4));
    client.upload("APPE a", Arrays.copyOfRange(data, (int) kept, SIZE));
    assertArrayEquals(data, Files.readAllBytes(home().resolve("a")));
    assertEquals(List.of("a"), homeEntries());
  }

  /** A drop box: what others put there is not shown, and what broke can be gone on with. */
  @Test
  void userWhoMayOnlyUpload_resumesAndStoresUniquely() throws Exception {
    config.change(Kind.USERS, "ann", json -> {
      json.putObject("permissions").putArray("/").add("upload");
      json.putObject("limits").put("quotaBytes", 2L * SIZE);
    });
    config.commit(adapter);
    Files.createDirectories(home());
    Files.writeString(home().resolve("taken"), "old");
    byte[] data = random(SIZE);
    RawFtp client = binary();
    for (String way : new String[] {"STOR", "APPE"}) {
      breakUpload(client, way + " a", Arrays.copyOf(data, 2_000_000));
      client.expect(426);
      int kept = Integer.parseInt(client.command("SIZE a", 213).substring(4));
      assertTrue(client.command("MLST a", 250).contains("size=" + kept));
      if (way.equals("STOR")) {
        client.command("REST " + kept, 350);
      }
      client.upload(way + " a", Arrays.copyOfRange(data, kept, SIZE));
      assertArrayEquals(data, Files.readAllBytes(home().resolve("a")));
      Files.delete(home().resolve("a"));
    }
    String name;
    try (Socket sent = client.data()) {
      name = client.command("STOU taken", 150).substring("150 FILE: ".length());
      sent.getOutputStream().write(text("new"));
    }
    client.expect(226);
    assertEquals("old", Files.readString(home().resolve("taken")));
    assertEquals("new", Files.readString(home().resolve(name)));
    for (String refused : new String[] {"SIZE taken", "MLST taken", "RETR taken", "NLST", "DELE taken", "MDTM " + name}) {
      client.passivePort();
      client.command(refused, 550);
    }
    try (Socket refused = client.data()) {
      client.command("STOR taken", 550);
      assertEquals(-1, refused.getInputStream().read());
    }
  }

  @Test
  void twoUniqueUploadsOfOneName_getTwoNames() throws Exception {
    RawFtp first = binary();
    RawFtp second = binary();
    try (Socket one = first.data(); Socket two = second.data()) {
      assertEquals("150 FILE: scan", first.command("STOU scan", 150));
      String other = second.command("STOU scan", 150);
      assertTrue(other.startsWith("150 FILE: scan."), other);
      one.getOutputStream().write(text("1"));
      two.getOutputStream().write(text("2"));
    }
    first.expect(226);
    second.expect(226);
    assertEquals("1", Files.readString(home().resolve("scan")));
    assertEquals(2, homeEntries().size());
  }

  private static void breakUpload(RawFtp client, String command, byte[] bytes) throws IOException {
    Socket data = client.data();
    client.command(command, 150);
    data.getOutputStream().write(bytes);
    data.setSoLinger(true, 0);
    data.close();
  }

  @Test
  void restartedStore_keepsTheBeginning_andEndsWhereTheUploadEnds() throws Exception {
    RawFtp client = binary();
    Files.writeString(home().resolve("a"), "0123456789");
    client.command("REST 3", 350);
    client.upload("STOR a", text("xy"));
    assertEquals("012xy", Files.readString(home().resolve("a")));
    client.command("REST 6", 350);
    client.command("STOR a", 554);
    client.command("REST 6", 350);
    client.command("RETR a", 554);
    client.command("REST 5", 350);
    assertEquals(0, client.download("RETR a").length);
    client.command("REST 1", 350);
    client.command("STOR new", 554);
    client.command("REST 2", 350);
    client.command("STOR " + "n".repeat(300), 553);
    client.upload("STOR b", text("whole"));
    assertEquals("whole", Files.readString(home().resolve("b")), "the offset was that of the refused one");
    client.command("DELE b", 250);
    assertEquals(List.of("a"), homeEntries());
    client.upload("APPE a", text("z"));
    assertEquals("012xyz", Files.readString(home().resolve("a")));
    client.upload("STOR a", text(""));
    assertEquals(0, Files.size(home().resolve("a")));
  }

  @Test
  void uniqueStore_neverReplaces() throws Exception {
    RawFtp client = binary();
    Files.writeString(home().resolve("a"), "old");
    try (Socket data = client.data()) {
      String name = client.command("STOU a", 150).substring("150 FILE: ".length());
      data.getOutputStream().write(text("new"));
      data.close();
      assertTrue(client.expect(226).endsWith("(unique file name: " + name + ")"));
      assertEquals("new", Files.readString(home().resolve(name)));
    }
    client.upload("STOU", text("another"));
    assertEquals("old", Files.readString(home().resolve("a")));
    assertEquals(3, homeEntries().size());
  }

  @Test
  void ascii_isConvertedBothWays() throws Exception {
    RawFtp client = login();
    client.upload("STOR a", text("one\r\ntwo\nthree\r\r\nfour\r"));
    assertEquals("one\ntwo\nthree\r\nfour\r", Files.readString(home().resolve("a")));
    assertEquals("one\r\ntwo\r\nthree\r\nfour\r", new String(client.download("RETR a"), StandardCharsets.ISO_8859_1));
    StringBuilder big = new StringBuilder();
    for (int i = 0; big.length() < SIZE; i++) {
      big.append("x".repeat(i % 97)).append('\n');
    }
    String wire = big.toString().replace("\n", "\r\n");
    client.upload("STOR b", text(wire));
    assertEquals(big.toString(), Files.readString(home().resolve("b")));
    assertEquals(wire, new String(client.download("RETR b"), StandardCharsets.ISO_8859_1));
    client.command("REST 2", 350);
    client.command("RETR b", 554);
  }

  @Test
  void deflate_worksForFilesAndListings() throws Exception {
    RawFtp client = binary();
    client.command("MODE Z", 200);
    client.command("OPTS MODE Z LEVEL 9", 200);
    byte[] data = random(SIZE);
    Arrays.fill(data, 100, 1_000_000, (byte) 'x');
    ByteArrayOutputStream packed = new ByteArrayOutputStream();
    try (DeflaterOutputStream out = new DeflaterOutputStream(packed)) {
      out.write(data);
    }
    client.upload("STOR a", packed.toByteArray());
    assertArrayEquals(data, Files.readAllBytes(home().resolve("a")));
    byte[] wire = client.download("RETR a");
    assertTrue(wire.length < SIZE - 900_000, () -> "sent " + wire.length);
    assertArrayEquals(data, inflate(wire));
    assertEquals("a\r\n", new String(inflate(client.download("NLST")), StandardCharsets.US_ASCII));
    client.command("TYPE A", 200);
    client.upload("STOR t", packed(text("a\r\nb\r\n")));
    assertEquals("a\nb\n", Files.readString(home().resolve("t")));
    client.command("TYPE I", 200);
    for (byte[] bad : new byte[][] {Arrays.copyOf(packed.toByteArray(), 1_000_000), text("no zlib stream"), {}}) {
      try (Socket broken = client.data()) {
        client.command("STOR bad", 150);
        broken.getOutputStream().write(bad);
      } catch (java.net.SocketException e) {
        // The server has seen enough.
      }
      client.expect(426);
      assertFalse(Files.exists(home().resolve("bad")));
    }
    client.command("MODE S", 200);
    assertArrayEquals(data, client.download("RETR a"));
  }

  private static byte[] packed(byte[] bytes) throws IOException {
    ByteArrayOutputStream packed = new ByteArrayOutputStream();
    try (DeflaterOutputStream out = new DeflaterOutputStream(packed)) {
      out.write(bytes);
    }
    return packed.toByteArray();
  }

  private static byte[] inflate(byte[] wire) throws IOException {
    return new InflaterInputStream(new java.io.ByteArrayInputStream(wire)).readAllBytes();
  }

  @Test
  void listings_ofFilesDirectoriesAndPatterns() throws Exception {
    RawFtp client = binary();
    Files.createDirectories(home().resolve("sub/inner"));
    Files.writeString(home().resolve("sub/a.txt"), "12345");
    Files.writeString(home().resolve("sub/b.txt"), "");
    Files.writeString(home().resolve("sub/forged\r\n-rw x"), "");
    Files.createSymbolicLink(home().resolve("sub/link"), Path.of("a.txt"));
    Files.createSymbolicLink(home().resolve("dangling"), Path.of("nowhere"));
    assertEquals(List.of("sub/a.txt", "sub/b.txt", "sub/forged??-rw x", "sub/inner", "sub/link"), sorted(client.list("NLST sub")));
    assertEquals(List.of("sub/a.txt", "sub/b.txt"), sorted(client.list("NLST sub/*.txt")));
    assertEquals(List.of(), sorted(client.list("NLST sub/*.exe")));
    client.command("CWD sub", 250);
    assertEquals(List.of("a.txt", "b.txt"), sorted(client.list("NLST -1 ?.txt")));
    assertEquals(List.of("a.txt"), sorted(client.list("NLST a.txt")));
    List<String> lines = sorted(client.list("LIST -la"));
    assertEquals(5, lines.size());
    assertTrue(lines.stream().anyMatch(line -> line.matches("-rw.* ann +ann +5 \\w+ .* a\\.txt")), lines.toString());
    assertTrue(lines.stream().anyMatch(line -> line.startsWith("l") && line.endsWith(" link -> a.txt")), lines.toString());
    assertTrue(lines.stream().anyMatch(line -> line.startsWith("d") && line.endsWith(" inner")), lines.toString());
    List<String> facts = sorted(client.list("MLSD"));
    assertTrue(facts.stream().anyMatch(line -> line.matches("type=file;size=5;modify=\\d{14};perm=adfrw;UNIX.mode=0\\d{3}; a\\.txt")),
        facts.toString());
    assertTrue(facts.stream().anyMatch(line -> line.matches("type=file;size=5;.* link")), facts.toString());
    assertTrue(facts.stream().anyMatch(line -> line.matches("type=dir;modify=.* inner")), facts.toString());
    client.command("MLSD a.txt", 550);
    client.command("LIST missing", 550);
    assertTrue(client.list("LIST /dangling").startsWith("l"));
    String status = client.command("STAT /sub", 213);
    assertEquals(7, status.lines().count(), status);
  }

  private static List<String> sorted(String listing) {
    return listing.isEmpty() ? List.of() : Arrays.stream(listing.split("\r\n")).sorted().toList();
  }

  @Test
  void pattern_thatBacktracks_isMatchedAtOnce() {
    assertFalse(NamePattern.of("*a".repeat(100) + "b").matches("a".repeat(255)));
    assertTrue(NamePattern.of("*a*b?").matches("xxaxxbxbc"));
    assertTrue(NamePattern.ALL.matches(""));
  }

  @Test
  void checksums() throws Exception {
    byte[] data = random(SIZE);
    RawFtp client = binary();
    Files.write(home().resolve("a b"), data);
    Files.write(home().resolve("empty"), new byte[0]);
    CRC32 crc = new CRC32();
    crc.update(data);
    assertEquals(String.format("250 %08X", crc.getValue()), client.command("XCRC \"a b\"", 250));
    assertEquals("213 SHA-256 0-" + (SIZE - 1) + " " + hex("SHA-256", data) + " a b", client.command("HASH a b", 213));
    client.command("RANG 10 19", 350);
    client.command("OPTS HASH md5", 200);
    assertEquals("213 MD5 10-19 " + hex("MD5", Arrays.copyOfRange(data, 10, 20)) + " a b", client.command("HASH a b", 213));
    assertEquals("213 MD5 0-" + (SIZE - 1) + " " + hex("MD5", data) + " a b", client.command("HASH a b", 213));
    assertEquals("250 " + hex("SHA-1", Arrays.copyOfRange(data, 10, 20)).toUpperCase(), client.command("XSHA1 \"a b\" 10 20", 250));
    assertEquals("250 " + hex("SHA-512", data).toUpperCase(), client.command("XSHA512 a b", 250));
    assertEquals("213 MD5 0-0 " + hex("MD5", new byte[0]) + " empty", client.command("HASH empty", 213));
    client.command("OPTS HASH MD4", 504);
    assertTrue(client.command("FEAT", 211).contains("MD5*"));
    client.command("XCRC a b 5 9999999999", 501);
    client.command("RANG 5 9999999999", 350);
    client.command("HASH a b", 556);
    client.command("HASH missing", 550);
    client.command("HASH /", 550);
  }

  private static String hex(String algorithm, byte[] data) throws Exception {
    return java.util.HexFormat.of().formatHex(java.security.MessageDigest.getInstance(algorithm).digest(data));
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void active_connectsToTheClient(boolean extended) throws Exception {
    RawFtp client = binary();
    byte[] data = random(SIZE);
    Files.write(home().resolve("a"), data);
    try (ServerSocket server = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      int number = server.getLocalPort();
      client.command(extended ? "EPRT |1|127.0.0.1|" + number + "|" : "PORT 127,0,0,1," + (number >> 8) + "," + (number & 0xFF), 200);
      client.send("RETR a\r\n");
      try (Socket socket = server.accept()) {
        client.expect(150);
        assertArrayEquals(data, socket.getInputStream().readAllBytes());
      }
      client.expect(226);
    }
    client.command("PORT 127,0,0,1,255,255", 200);
    client.command("LIST", 425); // nobody listens there
    client.command("LIST", 425); // nor is it tried again
  }

  @Test
  void passive_tellsItsAddress_andExtendedOnlyIsKeptTo() throws Exception {
    RawFtp client = binary();
    var address = RawFtp.passiveAddress(client.command("PASV", 227));
    assertEquals("127.0.0.1", address.getAddress().getHostAddress());
    try (Socket data = client.data(address.getPort())) {
      client.command("NLST", 150);
      client.expect(226);
      assertEquals(-1, data.getInputStream().read());
    }
    client.command("EPSV 1", 229);
    assertEquals("522 Network protocol not supported, use (1)", client.command("EPSV 2", 522));
    client.command("EPSV 9", 522);
    client.command("EPSV ALL", 200);
    client.command("PASV", 501);
    client.command("PORT 127,0,0,1,200,200", 501);
    client.command("EPRT |1|127.0.0.1|60000|", 501);
    client.list("LIST");
  }

  @Test
  void ipv6_works() throws Exception {
    port = freePort();
    listener(json -> json.put("address", "::1").put("port", port));
    assertEquals(List.of(), config.commit(adapter));
    try (RawFtp client = new RawFtp("::1", port)) {
      client.expect(220);
      client.command("USER ann", 331);
      client.command("PASS " + PASSWORD, 230);
      client.command("PASV", 425);
      client.upload("STOR a", text("text"));
      assertEquals("text", new String(client.download("RETR a"), StandardCharsets.US_ASCII));
      try (ServerSocket server = new ServerSocket(0, 1, InetAddress.getByName("::1"))) {
        client.command("EPRT |2|::1|" + server.getLocalPort() + "|", 200);
        client.send("NLST\r\n");
        try (Socket socket = server.accept()) {
          client.expect(150);
          assertEquals("a\r\n", new String(socket.getInputStream().readAllBytes(), StandardCharsets.US_ASCII));
        }
        client.expect(226);
      }
    }
  }

  @Test
  void abort_inMidTransfer_isAnsweredTwice_andTheSessionGoesOn() throws Exception {
    RawFtp client = binary();
    sparse("big", 200L << 20);
    try (Socket data = client.data()) {
      client.command("RETR big", 150);
      data.getInputStream().readNBytes(100_000);
      client.send("NOOP\r\nSTAT\r\n");
      client.expect(200);
      assertTrue(client.expect(211).contains("Download of big"));
      client.socket.getOutputStream().write(new byte[] {(byte) 255, (byte) 244, (byte) 255});
      client.socket.sendUrgentData(242);
      client.send("ABOR\r\n");
      client.expect(426);
      client.expect(226);
    }
    try (Socket data = client.data()) {
      client.command("STOR up", 150);
      data.getOutputStream().write(random(SIZE));
      client.command("ABOR", 426);
      client.expect(226);
    }
    assertFalse(Files.exists(home().resolve("up")));
    client.command("HASH big", 213);
    client.send("HASH big\r\nABOR\r\n");
    assertTrue(List.of(426, 213).contains(client.reply().code()), "aborted, or already done");
    client.expect(226);
    client.passivePort();
    client.send("LIST\r\n"); // nobody connects
    client.command("ABOR", 426);
    client.expect(226);
    client.command("NOOP", 200);
    assertEquals(Outcome.BROKEN, events(ClientEvent.TransferFinished.class).getFirst().outcome());
  }

  @Test
  void commandsDuringATransfer_areServedInOrderAfterIt() throws Exception {
    RawFtp client = binary();
    try (Socket data = client.data()) {
      client.command("STOR a", 150);
      client.send("RNFR a\r\nRNTO b\r\nSIZE b\r\nQUIT\r\n");
      client.command("NOOP", 200); // answered at once, so the others are waiting
      client.send("\r\n"); // after QUIT nothing counts
      data.getOutputStream().write(text("text"));
    }
    client.expect(226);
    client.expect(350);
    client.expect(250);
    assertEquals("213 4", client.expect(213));
    client.expect(221);
    assertTrue(client.isEnded());
  }

  private void sparse(String name, long size) throws IOException {
    try (var file = new java.io.RandomAccessFile(home().resolve(name).toFile(), "rw")) {
      file.setLength(size);
    }
  }

  @Test
  void stalledReaderAndWriter_areGivenUp() throws Exception {
    RawFtp client = binary();
    sparse("big", 100L << 20);
    try (Socket data = new Socket()) {
      data.setReceiveBufferSize(64 * 1024);
      data.connect(new java.net.InetSocketAddress("127.0.0.1", client.passivePort()));
      client.command("RETR big", 150);
      long begun = System.nanoTime();
      assertEquals("426 The transfer stood still for too long and was given up", client.expect(426));
      assertTrue(System.nanoTime() - begun > Duration.ofMillis(1900).toNanos());
      assertThrows(IOException.class, () -> data.getInputStream().readNBytes(100 << 20), "it doesn't look complete");
    }
    try (Socket data = client.data()) {
      client.command("STOR up", 150);
      client.expect(426);
    }
    client.command("NOOP", 200);
    assertFalse(Files.exists(home().resolve("up")));
  }

  @Test
  void slowReader_isNotTakenForAStalledOne() throws Exception {
    RawFtp client = binary();
    int size = 100 << 20;
    sparse("big", size);
    try (Socket data = new Socket()) {
      data.setReceiveBufferSize(64 * 1024);
      data.connect(new java.net.InetSocketAddress("127.0.0.1", client.passivePort()));
      client.command("RETR big", 150);
      int read = 0;
      long end = System.nanoTime() + Duration.ofSeconds(5).toNanos(); // over twice the stall time
      while (System.nanoTime() < end) {
        read += data.getInputStream().readNBytes(512 * 1024).length;
        java.util.concurrent.TimeUnit.MILLISECONDS.sleep(100); // the passing of time is what is tested
      }
      assertTrue(read < size / 2, "the transfer was still running");
      assertEquals(size, read + data.getInputStream().readAllBytes().length);
    }
    client.expect(226);
  }

  @Test
  void clientThatDiesAtTheEnd_publishesNothing() throws Exception {
    // Its system may end the two connections in any order, and by a reset or in order.
    for (int variant = 0; variant < 4; variant++) {
      RawFtp client = binary();
      Socket data = client.data();
      client.command("STOR dead", 150);
      data.getOutputStream().write(random(SIZE));
      boolean controlFirst = (variant & 1) == 0;
      if ((variant & 2) == 0) {
        client.socket.setSoLinger(true, 0);
      }
      if (controlFirst) {
        client.close();
        data.close();
      } else {
        data.close();
        client.close();
      }
      int transfers = variant + 1;
      Awaitility.await().until(() -> events(ClientEvent.TransferFinished.class).size() == transfers);
      assertEquals(Outcome.BROKEN, lastTransfer().outcome(), "variant " + variant);
      assertFalse(Files.exists(home().resolve("dead")), "variant " + variant);
    }
  }

  @Test
  void clientThatLeavesAfterQuit_orOnlyStopsSending_publishes() throws Exception {
    RawFtp piped = binary();
    Socket data = piped.data();
    piped.send("STOR piped\r\nQUIT\r\n");
    piped.socket.shutdownOutput();
    data.getOutputStream().write(random(SIZE));
    data.close();
    RawFtp.Answer answer = piped.reply();
    while (answer.code() == 150) {
      answer = piped.reply();
    }
    assertEquals(226, answer.code(), answer.text());
    piped.expect(221);
    assertEquals(SIZE, Files.size(home().resolve("piped")));
    RawFtp hasty = binary();
    data = hasty.data();
    hasty.command("STOR hasty", 150);
    data.getOutputStream().write(random(SIZE));
    data.close();
    Awaitility.await().until(() -> uploadedBytes() == SIZE);
    hasty.send("QUIT\r\n");
    hasty.close();
    Awaitility.await().until(() -> Files.exists(home().resolve("hasty")));
  }

  private long uploadedBytes() throws IOException {
    return homeEntries().stream().filter(name -> name.startsWith(".")).mapToLong(name -> home().resolve(name).toFile().length())
        .sum();
  }

  @Test
  void quitBeforeTheData_provesNothing() throws Exception {
    RawFtp client = binary();
    Socket data = client.data();
    client.send("STOR a\r\nQUIT\r\n");
    client.expect(150);
    data.getOutputStream().write(random(SIZE));
    client.close();
    data.close();
    assertEquals(Outcome.BROKEN, lastTransfer().outcome());
    assertFalse(Files.exists(home().resolve("a")));
  }

  @Test
  void fileRemovedOrCutUnderAReader_harmsNobody() throws Exception {
    RawFtp client = binary();
    sparse("big", 100L << 20);
    try (Socket data = client.data()) {
      client.command("RETR big", 150);
      Files.delete(home().resolve("big"));
      assertEquals(100 << 20, data.getInputStream().readAllBytes().length);
      client.expect(226);
    }
  }

  @Test
  void twoWriters_lastWholeOneWins() throws Exception {
    user("bob");
    RawFtp one = binary();
    RawFtp two = binary();
    try (Socket first = one.data(); Socket second = two.data()) {
      one.command("STOR a", 150);
      first.getOutputStream().write(text("first"));
      Awaitility.await().until(() -> homeEntries().size() == 1);
      two.command("STOR a", 150);
      second.getOutputStream().write(text("second"));
      second.close();
      two.expect(226);
      first.getOutputStream().write(text("more"));
      first.close();
      one.expect(450);
    }
    assertEquals("second", Files.readString(home().resolve("a")));
  }

  @Test
  void manyEntries_areStreamed() throws Exception {
    RawFtp client = binary();
    Path many = Files.createDirectory(home().resolve("many"));
    for (int i = 0; i < 20_000; i++) {
      Files.createFile(many.resolve("file-" + i));
    }
    assertEquals(20_000, client.list("NLST many").lines().count());
    assertEquals(20_000, client.list("MLSD many").lines().count());
    assertEquals(20_002, client.command("STAT many", 213).lines().count());
  }
}
