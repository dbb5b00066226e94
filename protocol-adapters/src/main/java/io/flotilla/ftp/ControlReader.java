package io.flotilla.ftp;

import io.flotilla.transport.Transport;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Arrays;

/**
 * Cuts the control connection into lines (RFC 959, section 5.3; RFC 1123, section 4.1.2.12). A line ends with LF, with or
 * without CR before it. Telnet commands are taken out wherever they stand (IAC IP, IAC DM before ABOR); IAC IAC is the byte
 * 255, and so is a lone IAC before a byte that is no telnet command, because clients send Latin-1 names unescaped. A line
 * over the limit, or one with a NUL, is skipped to its end and reported once, so that the stream stays in step. Used by
 * one thread; memory is bounded by the limit.
 */
final class ControlReader {
  /** Of a line without its end, in bytes. */
  static final int MAX_LINE = 4096;
  private static final int BUFFER = 512;
  private static final int FIRST_LINE = 128;

  private static final int IAC = 255;
  private static final int DONT = 254;
  private static final int DO = 253;
  private static final int WONT = 252;
  private static final int WILL = 251;
  private static final int SB = 250;
  private static final int SE = 240;
  /** A client that goes on asking for options is no longer answered. */
  private static final int MAX_REFUSALS = 32;

  private enum State { DATA, COMMAND, OPTION, SUBNEGOTIATION, SUBNEGOTIATION_COMMAND }

  /** Answers a telnet option. */
  interface Telnet {
    void send(byte[] sequence) throws IOException;
  }

  private final Telnet telnet;
  private Transport transport;
  private final ByteBuffer in = ByteBuffer.allocate(BUFFER).limit(0);
  private byte[] line = new byte[FIRST_LINE];
  private int length;
  private boolean tooLong;
  private boolean hasNul;
  private State state = State.DATA;
  private int verb;
  private int refusals;

  ControlReader(Transport transport, Telnet telnet) {
    this.transport = transport;
    this.telnet = telnet;
  }

  /**
   * Reads from another transport from now on. What the former one brought too early is thrown away: bytes sent in clear
   * must not count as sent under protection (CVE-2011-4130).
   */
  void switchTo(Transport next) {
    transport = next;
    in.limit(0);
    startLine();
    state = State.DATA;
  }

  /** The next line; null at the end of the connection, also if it ends within a line. Blocks. */
  ControlLine next() throws IOException {
    while (true) {
      while (in.hasRemaining()) {
        int value = in.get() & 0xFF;
        if (state != State.DATA || value == IAC) {
          telnet(value);
        } else if (value == '\n') {
          return endLine();
        } else {
          add(value);
        }
      }
      in.clear();
      int count = transport.read(in);
      in.flip();
      if (count < 0) {
        return null;
      }
    }
  }

  private void telnet(int value) throws IOException {
    switch (state) {
      case DATA -> state = State.COMMAND;
      case COMMAND -> {
        state = State.DATA;
        if (value == WILL || value == WONT || value == DO || value == DONT) {
          verb = value;
          state = State.OPTION;
        } else if (value == SB) {
          state = State.SUBNEGOTIATION;
        } else if (value == IAC) {
          add(IAC);
        } else if (value < SE) {
          add(IAC);
          in.position(in.position() - 1); // it is data, perhaps the end of the line
        }
      }
      case OPTION -> {
        state = State.DATA;
        if ((verb == WILL || verb == DO) && refusals < MAX_REFUSALS) {
          refusals++;
          telnet.send(new byte[] {(byte) IAC, (byte) (verb == WILL ? DONT : WONT), (byte) value});
        }
      }
      case SUBNEGOTIATION -> state = value == IAC ? State.SUBNEGOTIATION_COMMAND : State.SUBNEGOTIATION;
      case SUBNEGOTIATION_COMMAND -> state = value == SE ? State.DATA : State.SUBNEGOTIATION;
    }
  }

  private void add(int value) {
    if (length == MAX_LINE + 1) {
      tooLong = true;
      return;
    }
    hasNul |= value == 0;
    if (length == line.length) {
      line = Arrays.copyOf(line, Math.min(line.length * 2, MAX_LINE + 1));
    }
    line[length++] = (byte) value;
  }

  private ControlLine endLine() {
    int end = length > 0 && line[length - 1] == '\r' ? length - 1 : length;
    ControlLine result = tooLong || end > MAX_LINE ? new ControlLine.Bad("the line has over " + MAX_LINE + " bytes")
        : hasNul ? new ControlLine.Bad("the line holds a NUL character")
        : new ControlLine.Text(Arrays.copyOf(line, end));
    startLine();
    return result;
  }

  private void startLine() {
    length = 0;
    tooLong = false;
    hasNul = false;
    if (line.length > FIRST_LINE) {
      line = new byte[FIRST_LINE];
    }
  }
}
