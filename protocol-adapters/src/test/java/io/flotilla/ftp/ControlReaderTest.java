package io.flotilla.ftp;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import io.flotilla.transport.Transport;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ControlReaderTest {
  private final ByteArrayOutputStream answered = new ByteArrayOutputStream();

  /** Brings the bytes in pieces of a given size. */
  private static final class Pieces implements Transport {
    private final ByteBuffer bytes;
    private final int size;

    Pieces(byte[] bytes, int size) {
      this.bytes = ByteBuffer.wrap(bytes);
      this.size = size;
    }

    @Override
    public int read(ByteBuffer target) {
      int count = Math.min(Math.min(size, target.remaining()), bytes.remaining());
      if (count == 0) {
        return -1;
      }
      target.put(bytes.slice(bytes.position(), count));
      bytes.position(bytes.position() + count);
      return count;
    }

    @Override
    public void write(ByteBuffer source) {
      throw new UnsupportedOperationException();
    }

    @Override
    public void endOutput() {
      throw new UnsupportedOperationException();
    }

    @Override
    public void close() {}
  }

  private static byte[] latin1(String text) {
    return text.getBytes(StandardCharsets.ISO_8859_1);
  }

  private List<String> lines(byte[] input, int size) throws IOException {
    ControlReader reader = new ControlReader(new Pieces(input, size), answered::writeBytes);
    List<String> lines = new ArrayList<>();
    for (ControlLine line = reader.next(); line != null; line = reader.next()) {
      lines.add(switch (line) {
        case ControlLine.Text text -> new String(text.bytes(), StandardCharsets.ISO_8859_1);
        case ControlLine.Bad bad -> "!" + bad.problem();
      });
    }
    return lines;
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3, 7, 512})
  void lines_endWithLf_howeverTheyArrive(int size) throws IOException {
    assertEquals(List.of("USER a", "PASS b ", "", "CWD x\ry"),
        lines(latin1("USER a\r\nPASS b \n\r\nCWD x\ry\r\nNOOP"), size), "a line without its end is no command");
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 512})
  void telnetCommands_areTakenOut(int size) throws IOException {
    assertEquals(List.of("ABOR", "NOOP", "ABOR", "SYST", "CWD \u00ff", "CWD \u00fft", "CWD \u00ff"), lines(latin1(
        "\u00ff\u00f4\u00ff\u00f2ABOR\r\n" // interrupt process, data mark
            + "NO\u00ff\u00f1OP\r\n" // no operation within a word
            + "\u00ff\u00fb\u0001AB\u00ff\u00fd\u0003OR\r\n" // will, do
            + "\u00ff\u00fa\u0018\u0000x\n\u00ff\u00f0SYST\r\n" // a subnegotiation, even with a line's end in it
            + "CWD \u00ff\u00ff\r\n" // the byte 255
            + "CWD \u00fft\r\n" // Latin-1 without escape
            + "CWD \u00ff\r\n"), size));
    assertArrayEquals(latin1("\u00ff\u00fe\u0001\u00ff\u00fc\u0003"), answered.toByteArray(), "don't, won't");
  }

  @Test
  void telnetFlood_isNotAnsweredForEver() throws IOException {
    lines(latin1("\u00ff\u00fd\u0001".repeat(100_000)), 512);
    assertEquals(32 * 3, answered.size());
  }

  @Test
  void longLine_isSkippedToItsEnd() throws IOException {
    String longest = "x".repeat(ControlReader.MAX_LINE);
    assertEquals(List.of(longest, longest, "NOOP", "!the line has over 4096 bytes", "QUIT",
        "!the line has over 4096 bytes", "SYST"),
        lines(latin1(longest + "\r\n" + longest + "\nNOOP\r\n" + longest + "x\r\nQUIT\r\n" + longest.repeat(100) + "\nSYST\r\n"),
            512));
  }

  @Test
  void nul_isRefusedAndNothingBehindItLost() throws IOException {
    assertEquals(List.of("!the line holds a NUL character", "NOOP"), lines(latin1("DELE a\0b\r\nNOOP\r\n"), 512));
  }

  @Test
  void switchTo_forgetsWhatCameInClear() throws IOException {
    ControlReader reader = new ControlReader(new Pieces(latin1("AUTH TLS\r\nUSER x\r\n"), 512), answered::writeBytes);
    assertArrayEquals(latin1("AUTH TLS"), ((ControlLine.Text) reader.next()).bytes());
    reader.switchTo(new Pieces(latin1("PBSZ 0\r\n"), 512));
    assertArrayEquals(latin1("PBSZ 0"), ((ControlLine.Text) reader.next()).bytes());
  }

  @Test
  void anyBytes_areReadToTheEnd() throws IOException {
    Random random = new Random(4);
    for (int i = 0; i < 200; i++) {
      byte[] junk = new byte[random.nextInt(20_000)];
      random.nextBytes(junk);
      byte[] input = Arrays.copyOf(junk, junk.length + 16);
      // Whatever junk left open, this closes: a subnegotiation, a line.
      System.arraycopy(latin1("\u00ff\u00f0\u00ff\u00f0\u00ff\u00f0\n\nNOOP\r\n\r\n"), 0, input, junk.length, 16);
      List<String> whole = lines(input, 512);
      assertEquals(whole, lines(input, 1 + random.nextInt(5)));
      assertEquals("NOOP", whole.get(whole.size() - 2), "the stream is in step");
      assertEquals(true, whole.stream().allMatch(line -> line.length() <= ControlReader.MAX_LINE));
    }
  }

  @Test
  void replies_holdNoControlCharacter_andTheBytesOfNames() {
    assertArrayEquals(latin1("257 \"/a\u00ff\u00ff??\u00c3\u00a4\"\r\n"),
        ControlWriter.line("257 \"/a\udcff\r\n\u00e4\""), "255 is doubled");
    assertEquals("x??", io.flotilla.adapter.TerminalText.of("x\u202e\u001b"));
    Stream.of("\u0085", "\u001b[2J", "\0").forEach(control ->
        assertEquals('?', ControlWriter.line(control)[0]));
  }
}
