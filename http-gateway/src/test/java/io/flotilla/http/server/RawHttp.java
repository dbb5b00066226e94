package io.flotilla.http.server;

import java.io.ByteArrayOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;

/** One connection of a client that says every byte itself. */
final class RawHttp implements AutoCloseable {
  private static final int MILLISECONDS = 60_000;

  private final Socket socket;
  private final InputStream in;

  /** A response: its head, from the status line to the last field, and its body. */
  record Answer(String head, byte[] body) {
    int status() {
      return Integer.parseInt(head.split(" ", 3)[1]);
    }

    String field(String name) {
      for (String line : head.split("\r\n")) {
        if (line.regionMatches(true, 0, name + ":", 0, name.length() + 1)) {
          return line.substring(name.length() + 1).strip();
        }
      }
      return null;
    }
  }

  RawHttp(int port) throws IOException {
    socket = new Socket(InetAddress.getLoopbackAddress(), port);
    socket.setTcpNoDelay(true);
    socket.setSoTimeout(MILLISECONDS);
    in = socket.getInputStream();
  }

  static String head(String method, String target, String... fields) {
    return method + " " + target + " HTTP/1.1\r\nHost: localhost\r\nAuthorization: "
        + HttpFixture.basic("ann", HttpFixture.PASSWORD) + "\r\n"
        + (fields.length == 0 ? "" : String.join("\r\n", fields) + "\r\n") + "\r\n";
  }

  RawHttp say(String text) throws IOException {
    return say(text.getBytes(StandardCharsets.ISO_8859_1));
  }

  RawHttp say(byte[] bytes) throws IOException {
    socket.getOutputStream().write(bytes);
    return this;
  }

  /** The next response, whose body has to have a Content-Length, or nothing. */
  Answer answer() throws IOException {
    String head = readHead();
    Answer started = new Answer(head, new byte[0]);
    String length = started.field("Content-Length");
    byte[] body = in.readNBytes(length == null ? 0 : Integer.parseInt(length));
    return new Answer(head, body);
  }

  String readHead() throws IOException {
    ByteArrayOutputStream head = new ByteArrayOutputStream();
    while (!head.toString(StandardCharsets.ISO_8859_1).endsWith("\r\n\r\n")) {
      int one = in.read();
      if (one < 0) {
        throw new EOFException("the connection ended after: " + head);
      }
      head.write(one);
    }
    return head.toString(StandardCharsets.ISO_8859_1);
  }

  byte[] read(int count) throws IOException {
    return in.readNBytes(count);
  }

  /** What still comes until the server ends the connection; a reset ends it too. */
  int drain() throws IOException {
    int count = 0;
    try {
      byte[] bytes = new byte[64 * 1024];
      for (int read = in.read(bytes); read >= 0; read = in.read(bytes)) {
        count += read;
      }
    } catch (java.net.SocketException e) {
      return count;
    }
    return count;
  }

  /** Breaks off, so that the server sees a reset. */
  void reset() throws IOException {
    socket.setSoLinger(true, 0);
    socket.close();
  }

  @Override
  public void close() throws IOException {
    socket.close();
  }
}
