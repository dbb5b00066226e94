package io.flotilla.scp;

import io.flotilla.adapter.TerminalText;
import io.flotilla.vfs.ByteNames;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/** Reads and writes the protocol's lines and answers, and counts what failed. Used by one thread. */
final class ScpWire {
  static final int OK = 0;
  static final int WARNING = 1;
  static final int FATAL = 2;
  private static final byte[] OK_ANSWER = {OK};

  private final InputStream in;
  private final ScpOutput out;
  private boolean failed;

  ScpWire(InputStream in, ScpOutput out) {
    this.in = in;
    this.out = out;
  }

  /** Whether a warning went in either direction. */
  boolean hasFailed() {
    return failed;
  }

  /** The next byte, or -1 if the client has ended. */
  int read() throws IOException {
    return in.read();
  }

  int read(byte[] buffer, int length) throws IOException {
    return in.read(buffer, 0, length);
  }

  /** As {@link ScpOutput#pause}. */
  void pause(long nanoseconds) throws IOException {
    if (nanoseconds > 0) {
      out.pause(nanoseconds);
    }
  }

  /**
   * The rest of a line, without its end.
   *
   * @param first what of it was read already
   */
  String line(int first) throws IOException, ScpException {
    byte[] line = new byte[ScpRecord.MAX_LINE];
    line[0] = (byte) first;
    int length = 1;
    for (int next = in.read(); next != '\n'; next = in.read()) {
      if (next < 0) {
        throw new EOFException("the client ended in the middle of a line");
      }
      if (length == line.length) {
        throw new ScpException("the protocol was broken: a line has over " + ScpRecord.MAX_LINE + " bytes");
      }
      line[length++] = (byte) next;
    }
    return ByteNames.decode(Arrays.copyOf(line, length));
  }

  /**
   * As {@link #accepted} about a file whose every byte has come; clients that are made with libssh2 then end in order without an
   * answer, and whoever stopped before its end has said so.
   */
  boolean hasSentAll() throws IOException, ScpException {
    int answer = in.read();
    return answer < 0 || accepted(answer);
  }

  /**
   * The client's answer: true if it goes on with what was announced, false if it leaves it out.
   *
   * @throws ScpException if it gives up, or the answer is none
   */
  boolean accepted() throws IOException, ScpException {
    return accepted(in.read());
  }

  private boolean accepted(int answer) throws IOException, ScpException {
    switch (answer) {
      case OK -> {
        return true;
      }
      case WARNING -> {
        line(answer);
        failed = true;
        return false;
      }
      case FATAL -> throw new ScpException("the client gave up");
      case -1 -> throw new EOFException("the client ended without an answer");
      default -> throw new ScpException("the protocol was broken: an answer is 0, 1 or 2");
    }
  }

  /** The client has told of a problem of its own. */
  void clientFailed() {
    failed = true;
  }

  void ok() throws IOException {
    out.send(OK_ANSWER, 1);
  }

  /** Something has failed; the rest goes on. */
  void warning(String message) throws IOException {
    failed = true;
    message(WARNING, message);
  }

  /** Nothing goes on. */
  void fatal(String message) throws IOException {
    message(FATAL, message);
  }

  private void message(int kind, String message) throws IOException {
    send((char) kind + "scp: " + TerminalText.of(message) + "\n");
  }

  /** @param line with its end; names in it are texts of {@link ByteNames} */
  void send(String line) throws IOException {
    byte[] bytes = line.chars().anyMatch(c -> Character.isSurrogate((char) c))
        ? ByteNames.encode(line) : line.getBytes(StandardCharsets.UTF_8);
    out.send(bytes, bytes.length);
  }
}
