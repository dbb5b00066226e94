package io.flotilla.node.recent;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.flotilla.vfs.OtherNodes.Location;
import io.flotilla.vfs.RecentChange;
import io.flotilla.vfs.RecentChange.Other;
import io.flotilla.vfs.RecentChange.Removed;
import io.flotilla.vfs.RecentChange.Version;
import io.flotilla.vfs.RecentChange.Written;
import io.flotilla.vfs.RecentChanges.Aged;
import io.flotilla.vfs.RecentChanges.Batch;
import io.flotilla.vfs.RecentChanges.Position;
import io.flotilla.vfs.VfsError;
import io.flotilla.vfs.VfsException;
import io.flotilla.vfs.VirtualPath;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.HexFormat;
import java.util.List;
import java.util.UUID;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.Size;
import org.junit.jupiter.api.Test;

/** What nodes say to each other, also those of other releases. */
class MessagesTest {
  private static final UUID INCARNATION = new UUID(0x0102030405060708L, 0x090a0b0c0d0e0f10L);
  private static final Version VERSION = new Version(5, Instant.ofEpochSecond(7, 9));
  /** As this release says it. Other releases read it, so it does not change; what is new goes to the end of a part. */
  private static final String BATCH = "0102030405060708090a0b0c0d0e0f10" + "0000000000000003" + "0003"
      + "006e" + "0000000000000001" + "0000000000000011" + "0000000000000010" + "00000000000003e8" + "0004" + "6d61696e" + "0004" + "2f642f61"
      + "02" + "0000000000000005" + "0000000000000007" + "00000009" + "0000000000000000" + "0000000000000000" + "00000000"
      + "01" + "0000000000000005" + "0000000000000007" + "00000009" + "000001a4"
      + "0040" + "0000000000000002" + "0000000000000012" + "0000000000000000" + "0000000000000000" + "0004" + "6d61696e" + "0002" + "2f64"
      + "00" + "04" + "0000000000000005" + "0000000000000007" + "00000009"
      + "002d" + "0000000000000003" + "0000000000000013" + "0000000000000000" + "0000000000000000" + "0004" + "6d61696e" + "0003" + "2fff80"
      + "00" + "00";

  private static VirtualPath path(String text) {
    try {
      return VirtualPath.parse(text);
    } catch (VfsException e) {
      throw new AssertionError(e);
    }
  }

  private static Batch batch() throws VfsException {
    return new Batch(new Position(INCARNATION, 3), List.of(
        new Aged(new RecentChange(1, 17, 16, "main", path("/d/a"), new Written(false, VERSION, 0644),
            List.of(VERSION, new Version(0, Instant.EPOCH))), Duration.ofSeconds(1)),
        new Aged(new RecentChange(2, 18, 0, "main", path("/d"), new Removed(true, VERSION), List.of()), Duration.ZERO),
        new Aged(new RecentChange(3, 19, 0, "main", VirtualPath.parse(new byte[] {'/', (byte) 0xff, (byte) 0x80}), new Other(), List.of()),
            Duration.ZERO)));
  }

  private static Frame.Reader reader(String hex) {
    return new Frame.Reader(ByteBuffer.wrap(HexFormat.of().parseHex(hex)));
  }

  private static Frame.Reader reader(Frame.Writer message) {
    return new Frame.Reader(ByteBuffer.wrap(message.toBytes()));
  }

  @Test
  void changes_areSaid_asTheyHaveAlwaysBeen() throws IOException {
    assertEquals(BATCH, HexFormat.of().formatHex(ChangesMessages.batch(batch()).toBytes()));
    assertEquals(batch(), ChangesMessages.batch(reader(BATCH)));
  }

  @Test
  void change_ofAKindThatANewerReleaseHas_orWithMoreAtItsEnd_isUnderstood() throws IOException {
    Frame.Writer part = new Frame.Writer().int64(1).int64(2).int64(0).int64(0).text("main").path(path("/a")).int8(0).int8(77).int64(5);
    Frame.Writer message = new Frame.Writer().uuid(INCARNATION).int64(1).int16(1).int16(part.size()).bytes(part.toBytes()).int64(99);
    assertEquals(new Other(), ChangesMessages.batch(reader(message)).changes().getFirst().change().state());
  }

  @Test
  void malformedChanges_areRefused() {
    for (int length = 0; length < BATCH.length(); length += 2) {
      String cut = BATCH.substring(0, length);
      assertThrows(IOException.class, () -> ChangesMessages.batch(reader(cut)), cut);
    }
    for (String path : List.of("/../a", "a", "/a/", "//a", "/a/./b", "/a\0")) {
      byte[] bytes = path.getBytes(StandardCharsets.US_ASCII);
      assertThrows(IOException.class,
          () -> new Frame.Reader(ByteBuffer.wrap(new Frame.Writer().int16(bytes.length).bytes(bytes).toBytes())).path(), path);
    }
    Frame.Writer negative = new Frame.Writer().int64(-1).int64(0).int32(0);
    assertThrows(IOException.class, () -> reader(negative).version());
    Frame.Writer late = new Frame.Writer().int64(1).int64(Long.MAX_VALUE).int32(0);
    assertThrows(IOException.class, () -> reader(late).version());
    Frame.Writer nanos = new Frame.Writer().int64(1).int64(0).int32(1_000_000_000);
    assertThrows(IOException.class, () -> reader(nanos).version());
  }

  @Test
  void frame_isWhole_orRefused() throws IOException {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    new Frame.Writer().int64(42).writeTo(out);
    assertEquals(42, Frame.read(new ByteArrayInputStream(out.toByteArray())).int64());
    for (String hex : List.of("", "000000", "00000002ff", "00000000", "ffffffff", "00100001")) {
      assertThrows(IOException.class, () -> Frame.read(new ByteArrayInputStream(HexFormat.of().parseHex(hex))), hex);
    }
    assertThrows(EOFException.class, () -> Frame.read(new ByteArrayInputStream(new byte[0])));
  }

  @Test
  void requests_areReadAsTheyWereMade() throws IOException {
    Location location = new Location("main", path("/d/a"));
    for (FilesMessages.Request request : List.of(new FilesMessages.Open(location, VERSION), new FilesMessages.Read(5, 6),
        new FilesMessages.Remove(location, true, VERSION), new FilesMessages.Rename(location, path("/b"), true, false, VERSION))) {
      assertEquals(request, FilesMessages.request(reader(FilesMessages.write(request))));
    }
    assertThrows(IOException.class, () -> FilesMessages.request(reader("63")));
    assertThrows(IOException.class, () -> FilesMessages.request(reader(FilesMessages.write(new FilesMessages.Read(0, 1 << 30)))));
    assertThrows(IOException.class, () -> FilesMessages.request(reader(FilesMessages.write(new FilesMessages.Read(-1, 1)))));
  }

  @Test
  void answers_sayWhatFailed() throws IOException {
    assertTrue(FilesMessages.isDone(reader(FilesMessages.done(new Position(INCARNATION, 1)))));
    assertFalse(FilesMessages.isDone(reader(FilesMessages.another(new Position(INCARNATION, 1)))));
    VfsException failed = assertThrows(VfsException.class,
        () -> FilesMessages.isDone(reader(FilesMessages.failed(new VfsException(VfsError.NOT_EMPTY, path("/d"))))));
    assertEquals(VfsError.NOT_EMPTY, failed.error());
    VfsException unknown = assertThrows(VfsException.class,
        () -> FilesMessages.isDone(reader(new Frame.Writer().int8(2).text("OF_TOMORROW").text("words"))));
    assertEquals(VfsError.IO, unknown.error());
    assertThrows(IOException.class, () -> FilesMessages.isDone(reader("09")));
  }

  /** Whatever comes, nothing but an IOException does. */
  @Property
  void anyBytes_areReadOrRefused(@ForAll @Size(max = 200) byte[] bytes) {
    for (Parse parse : List.<Parse>of(ChangesMessages::batch, FilesMessages::request, FilesMessages::isDone)) {
      try {
        parse.read(new Frame.Reader(ByteBuffer.wrap(bytes)));
      } catch (IOException e) {
        assertTrue(e.getMessage() != null);
      }
    }
  }

  private interface Parse {
    Object read(Frame.Reader reader) throws IOException;
  }
}
