package io.flotilla.scp;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.flotilla.adapter.ClientEvent;
import io.flotilla.adapter.LiveConnections;
import io.flotilla.adapter.TestTransfers;
import io.flotilla.adapter.TransferLog;
import io.flotilla.vfs.ActiveUploads;
import io.flotilla.vfs.Links;
import io.flotilla.vfs.OpenFile;
import io.flotilla.vfs.PublishingFileSystem;
import io.flotilla.vfs.VirtualFileSystem;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Clock;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The protocol byte by byte, as good and as hostile clients speak it. */
class ScpTest {
  @TempDir Path root;
  private final ActiveUploads uploads = new ActiveUploads();
  private final List<ClientEvent> events = new ArrayList<>();
  private final ByteArrayOutputStream sent = new ByteArrayOutputStream();

  @Test
  void sink_fileAndTree_arePublishedWithTimesAndModes() throws Exception {
    assertEquals(0, serve("scp -prt .", "T1700000001 0 1700000002 0\nC0640 5 a\nhello\0"
        + "T1600000001 0 1600000001 0\nD0750 0 d\nC0600 0 empty\n\0D0700 0 e\nC7755 1 x\n!\0E\nE\n"));
    assertEquals("hello", Files.readString(root.resolve("a")));
    assertEquals(FileTime.from(Instant.ofEpochSecond(1700000001)), Files.getLastModifiedTime(root.resolve("a")));
    assertEquals("rw-r-----", mode("a"));
    assertEquals("rwxr-x---", mode("d"));
    assertEquals(FileTime.from(Instant.ofEpochSecond(1600000001)), Files.getLastModifiedTime(root.resolve("d")));
    assertEquals(0, Files.size(root.resolve("d/empty")));
    assertEquals(0755, (int) Files.getAttribute(root.resolve("d/e/x"), "unix:mode") & 07777, "no special bit is kept");
    assertEquals("\0".repeat(13), answers());
    assertEquals(List.of("/a scp COMPLETED", "/d/empty scp COMPLETED", "/d/e/x scp COMPLETED"), transfers());
  }

  @Test
  void sink_targetThatIsNoDirectory_getsTheFile() throws Exception {
    assertEquals(0, serve("scp -t new", "C0644 1 local\na\0"));
    assertEquals("a", Files.readString(root.resolve("new")));
    assertEquals(0, serve("scp -rt fresh", "D0755 0 local\nC0644 1 f\na\0E\n"));
    assertEquals("a", Files.readString(root.resolve("fresh/f")));
    assertEquals(0, serve("scp -rt fresh", "D0755 0 local\nC0644 1 f\nb\0E\n"));
    assertEquals("b", Files.readString(root.resolve("fresh/local/f")));
    assertEquals(1, serve("scp -t missing/", "C0644 1 local\n"));
    assertTrue(answers().endsWith("\1scp: /missing: not a directory\n"), answers());
    assertEquals(1, serve("scp -dt new", ""));
    assertTrue(answers().endsWith("\2scp: new: not a directory\n"), answers());
    assertEquals(1, serve("scp -t missing/f", "C0644 1 local\nC0644 1 local\n"));
    assertTrue(answers().endsWith("\1scp: /missing: no such file or directory\n".repeat(2)), answers());
  }

  @ParameterizedTest
  @ValueSource(strings = {"C0644 5 ../x\n", "C0644 5 a/x\n", "C0644 5 .\n", "C0644 5 ..\n", "C0644 5 \n", "C0644 5 a\0b\n",
      "C0644 -1 x\n", "C0644 99999999999999999999 x\n", "C0644 9999999999999999999 x\n", "C0644 +5 x\n", "C0644 5x\n", "C644 5 x\n",
      "C0844 5 x\n", "C00644 5 x\n", "C0644  5 x\n", "D0755 0 ..\n", "D0755 0 /\n", "E\n", "D0755 0 ok\nE\nE\n", "E1\n", "Tgarbage\n",
      "T1 0 1\n", "T-1 0 1 0\n", "T1 1000000 1 0\n", "X\n", "\3\n", "\377", "\2lost\n"})
  void sink_whatIsNoProtocol_endsIt_andPublishesNothing(String input) throws Exception {
    Files.writeString(root.resolve("x"), "old");
    assertEquals(1, serve("scp -rt .", input + (input.endsWith("\n") ? "" : "\n") + "hello\0"));
    assertTrue(answers().contains("\2scp: "), answers());
    assertEquals("old", Files.readString(root.resolve("x")));
    assertEquals(List.of(), transfers());
  }

  @Test
  void sink_linesAndDepth_areBounded() throws Exception {
    assertEquals(1, serve("scp -t .", "C0644 1 " + "a".repeat(5000) + "\n"));
    assertTrue(answers().contains("a line has over 4096 bytes"), answers());
    assertEquals(1, serve("scp -t .", "C0644 1 " + "a".repeat(256) + "\n"));
    assertTrue(answers().endsWith("\1scp: a file name has over 255 bytes\n"), answers());
    assertEquals(1, serve("scp -t .", "D0755 0 d\n"));
    assertTrue(answers().endsWith("\2scp: a directory was sent without the option -r\n"), answers());
    assertEquals(1, serve("scp -rt .", "D0755 0 d\n".repeat(3000)));
    assertTrue(answers().endsWith("\2scp: over 200 directories are in one another\n"), answers());
  }

  @Test
  void sink_uploadThatEndsEarlyOrThatTheClientDisowns_isNotPublished() throws Exception {
    Files.writeString(root.resolve("a"), "old");
    assertThrows(IOException.class, () -> serve("scp -t .", "C0644 5 a\nhel"));
    assertThrows(IOException.class, () -> serve("scp -rt .", "D0755 0 d\n"));
    assertEquals(1, serve("scp -t .", "C0644 5 a\nhello\2gone\n"));
    assertEquals(1, serve("scp -t .", "C0644 5 a\nhello\1scp: a: read error\nC0644 1 b\nb\0"));
    assertEquals("old", Files.readString(root.resolve("a")));
    assertEquals("b", Files.readString(root.resolve("b")), "what comes after it counts");
    assertEquals(List.of("/a scp BROKEN", "/a scp BROKEN", "/a scp BROKEN", "/b scp COMPLETED"), transfers());
  }

  /** As curl does with libssh2. */
  @Test
  void sink_clientThatEndsInOrderAfterTheLastByte_hasUploaded() throws Exception {
    assertEquals(0, serve("scp -pt a", "T1700000001 0 1700000002 0\nC0644 5 a\nhello"));
    assertEquals("hello", Files.readString(root.resolve("a")));
    assertEquals(FileTime.from(Instant.ofEpochSecond(1700000001)), Files.getLastModifiedTime(root.resolve("a")));
    assertEquals(List.of("/a scp COMPLETED"), transfers());
  }

  @Test
  void sink_fileThatCantBeOpened_isLeftOut() throws Exception {
    Files.createDirectory(root.resolve("dir"));
    assertEquals(1, serve("scp -rt .", "C0644 5 dir\nD0755 0 ok\nC0644 2 f\nhi\0E\n"));
    assertEquals("\0\1scp: /dir: it is a directory\n\0\0\0\0", answers());
    assertEquals("hi", Files.readString(root.resolve("ok/f")));
  }

  @Test
  void source_filesAndTrees_areSentAsTheyAre() throws Exception {
    Files.createDirectories(root.resolve("d/e"));
    Files.writeString(root.resolve("d/e/f"), "hello");
    for (String path : List.of("d/e/f", "d/e", "d")) {
      Files.setPosixFilePermissions(root.resolve(path), PosixFilePermissions.fromString("rwxr-x---"));
      Files.setLastModifiedTime(root.resolve(path), FileTime.from(Instant.ofEpochSecond(1700000000)));
    }
    assertEquals(0, serve("scp -rf d", "\0".repeat(10)));
    assertEquals("D0750 0 d\nD0750 0 e\nC0750 5 f\nhello\0E\nE\n", answers());
    assertEquals(0, serve("scp -pf d/e/f", "\0".repeat(10)));
    assertTrue(answers().matches("T1700000000 0 [0-9]+ 0\nC0750 5 f\nhello\0"), answers());
    Files.createSymbolicLink(root.resolve("link"), Path.of("d/e/f"));
    assertEquals(0, serve("scp -f link", "\0".repeat(10)));
    assertEquals("C0750 5 link\nhello\0", answers());
    assertEquals(List.of("/d/e/f scp COMPLETED", "/d/e/f scp COMPLETED", "/link scp COMPLETED"), transfers());
  }

  @Test
  void source_whatCantBeSent_isTold_andTheRestGoesOn() throws Exception {
    Files.writeString(root.resolve("a"), "a");
    Files.writeString(root.resolve("line\nbreak"), "a");
    Files.createDirectory(root.resolve("d"));
    Files.createSymbolicLink(root.resolve("d/loop"), Path.of(".."));
    assertEquals(1, serve("scp -f missing d . 'line\nbreak' *.c a", "\0".repeat(10)));
    assertEquals("""
        \1scp: /missing: no such file or directory
        \1scp: /d: it is a directory, which is sent with the option -r only
        \1scp: the root has no name to send it under; ask for what is in it, such as by *
        \1scp: /line?break: the protocol can't tell a name with a line break
        \1scp: *.c: no such file or directory
        C0644 1 a
        a\0""", answers().replaceAll("C06[0-7]{2}", "C0644"));
    Files.createSymbolicLink(root.resolve("d/self"), Path.of("../d"));
    Files.delete(root.resolve("d/loop"));
    assertEquals(1, serve("scp -rf d", "\0".repeat(10)));
    assertTrue(answers().contains("\1scp: /d/self: it is a link to a directory that it is in\nE\n"), answers());
  }

  @Test
  void source_clientThatLeavesOutOrGivesUp_isFollowed() throws Exception {
    Files.writeString(root.resolve("a"), "aaa");
    Files.writeString(root.resolve("b"), "bbb");
    assertEquals(1, serve("scp -f a b", "\0\1no\n\0\0"));
    assertTrue(answers().matches("C06[0-7]{2} 3 a\nC06[0-7]{2} 3 b\nbbb\0"), answers());
    assertEquals(1, serve("scp -f a b", "\0\2no\n"));
    assertTrue(answers().endsWith("\2scp: the client gave up\n"), answers());
    assertThrows(IOException.class, () -> serve("scp -f a b", "\0\0"));
    assertEquals(List.of("/b scp COMPLETED", "/a scp BROKEN"), transfers());
  }

  @Test
  void source_fileThatShrinksWhileItIsSent_isPaddedAndDisowned() throws Exception {
    Path file = Files.write(root.resolve("a"), new byte[3_000_000]);
    truncated = file;
    assertEquals(1, serve("scp -f a", "\0".repeat(10)));
    byte[] bytes = sent.toByteArray();
    String tail = "\1scp: /a: it was made shorter while it was sent\n";
    int header = "C0644 3000000 a\n".length();
    assertEquals(header + 3_000_000 + tail.length(), bytes.length);
    assertTrue(answers().endsWith(tail));
    assertEquals(List.of("/a scp FAILED"), transfers());
  }

  @Test
  void namesThatAreNoUtf8_roundTrip() throws Exception {
    assertEquals(0, serve("scp -t .", "C0644 1 \351\n!\0"));
    assertEquals(0, serve("scp -f \351", "\0\0\0\0"));
    assertArrayEquals("!\0".getBytes(StandardCharsets.ISO_8859_1),
        java.util.Arrays.copyOfRange(sent.toByteArray(), sent.size() - 2, sent.size()));
    assertTrue(answers().contains(" 1 \351\n"), answers());
  }

  private Path truncated;

  /** Speaks as a client that does not look at the answers. Characters stand for bytes. */
  private int serve(String line, String input) throws IOException {
    sent.reset();
    LiveConnections connections = new LiveConnections(Clock.systemUTC());
    TransferLog transfers = TestTransfers.of(
        connections.open("sftp", "ann", "127.0.0.1", reason -> { }), Scp.PROTOCOL, events::add);
    try (VirtualFileSystem files =
        new PublishingFileSystem(VirtualFileSystem.open(root), Links.FOLLOW, "ann", uploads)) {
      return Scp.serve(ScpCommand.parse(line.getBytes(StandardCharsets.ISO_8859_1)), files,
          new ByteArrayInputStream(input.getBytes(StandardCharsets.ISO_8859_1)), new Recorder(), transfers);
    } finally {
      assertFalse(connections.list().getFirst().transfer().isPresent(), "every transfer has ended");
    }
  }

  private final class Recorder implements ScpOutput {
    @Override
    public void send(byte[] bytes, int length) {
      sent.write(bytes, 0, length);
    }

    @Override
    public void pause(long nanoseconds) {
      throw new AssertionError("no speed was limited");
    }

    @Override
    public int sendData(OpenFile file, long offset, int length) throws IOException {
      ByteBuffer buffer = ByteBuffer.allocate(length);
      int count = file.read(buffer, offset);
      if (count > 0) {
        sent.write(buffer.array(), 0, count);
      }
      if (truncated != null) {
        Files.write(truncated, new byte[10]);
      }
      return count;
    }
  }

  private String answers() {
    return sent.toString(StandardCharsets.ISO_8859_1);
  }

  private List<String> transfers() {
    return events.stream().map(event -> (ClientEvent.TransferFinished) event)
        .map(event -> event.path() + " " + event.protocol() + " " + event.outcome()).toList();
  }

  private String mode(String path) throws IOException {
    return PosixFilePermissions.toString(Files.getPosixFilePermissions(root.resolve(path)));
  }
}
