package io.flotilla.ftp;

import io.flotilla.adapter.TerminalText;
import io.flotilla.transport.Transport;
import io.flotilla.vfs.ByteNames;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.OptionalLong;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Writes replies to the control connection, each whole and in the order of the calls. Names go out as the bytes they are
 * made of; a control character in one becomes a question mark, so that no name can forge a reply. Safe for all threads; a
 * client that doesn't read blocks them until its connection is closed.
 */
final class ControlWriter {
  private static final byte IAC = (byte) 255;

  private final ReentrantLock lock = new ReentrantLock();
  private Transport transport;
  private volatile long waitingSince;

  ControlWriter(Transport transport) {
    this.transport = transport;
  }

  /** Writes to another transport from the next reply on. */
  void switchTo(Transport next) {
    lock.lock();
    try {
      transport = next;
    } finally {
      lock.unlock();
    }
  }

  void reply(Reply reply) throws IOException {
    reply(reply.code(), reply.text());
  }

  /** A reply of one line. */
  void reply(int code, String text) throws IOException {
    write(line(code + " " + text));
  }

  /** A reply of several lines: first, body lines set off by a space (RFC 2389, section 3.2), last. */
  void reply(int code, String first, List<String> body, String last) throws IOException {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    out.writeBytes(line(code + "-" + first));
    body.forEach(text -> out.writeBytes(line(" " + text)));
    out.writeBytes(line(code + " " + last));
    write(out.toByteArray());
  }

  /** A part of a reply whose lines are made elsewhere, such as a listing. */
  void raw(byte[] bytes) throws IOException {
    write(bytes);
  }

  /** The last reply of a session; false if another thread was still blocked in writing after the given time. */
  boolean farewell(int code, String text, long milliseconds) throws IOException {
    try {
      if (!lock.tryLock(milliseconds, TimeUnit.MILLISECONDS)) {
        return false;
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return false;
    }
    try {
      send(line(code + " " + text));
      transport.endOutput();
      return true;
    } finally {
      lock.unlock();
    }
  }

  private void write(byte[] bytes) throws IOException {
    lock.lock();
    try {
      send(bytes);
    } finally {
      lock.unlock();
    }
  }

  private void send(byte[] bytes) throws IOException {
    ByteBuffer buffer = ByteBuffer.wrap(bytes);
    while (buffer.hasRemaining()) {
      waitingSince = System.nanoTime();
      transport.write(buffer);
    }
    waitingSince = 0;
  }

  /** Since when the client doesn't take a reply, as System.nanoTime, if it doesn't. */
  OptionalLong waitingSince() {
    long since = waitingSince;
    return since == 0 ? OptionalLong.empty() : OptionalLong.of(since);
  }

  static byte[] line(String text) {
    return escaped(nameBytes(text));
  }

  /** A line as it goes over the wire. */
  static byte[] escaped(byte[] bytes) {
    ByteArrayOutputStream out = new ByteArrayOutputStream(bytes.length + 2);
    for (byte value : bytes) {
      out.write(value);
      if (value == IAC) {
        out.write(value); // telnet's escape, RFC 854
      }
    }
    out.write('\r');
    out.write('\n');
    return out.toByteArray();
  }

  /** The bytes of a text with names in it, without any control character. */
  static byte[] nameBytes(String text) {
    boolean plain = true;
    for (int i = 0; i < text.length() && plain; i++) {
      plain = text.charAt(i) >= ' ' && text.charAt(i) < 0x7F;
    }
    if (plain) {
      return text.getBytes(StandardCharsets.US_ASCII);
    }
    StringBuilder clean = new StringBuilder(text.length());
    text.codePoints().forEach(point -> clean.appendCodePoint(Character.isISOControl(point) ? '?' : point));
    try {
      return ByteNames.encode(clean.toString());
    } catch (IllegalArgumentException e) {
      return TerminalText.of(clean.toString()).getBytes(StandardCharsets.UTF_8);
    }
  }
}
