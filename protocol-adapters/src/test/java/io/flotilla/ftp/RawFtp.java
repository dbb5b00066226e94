package io.flotilla.ftp;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.ByteArrayOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLSocket;

/** A client that sends what the test says, byte by byte. Text is Latin-1, so that any byte can be said. */
final class RawFtp implements AutoCloseable {
  private static final int TIMEOUT_MILLISECONDS = 20_000;
  private static final Pattern EPSV = Pattern.compile("\\(\\|\\|\\|(\\d+)\\|\\)");
  private static final Pattern PASV = Pattern.compile("\\((\\d+),(\\d+),(\\d+),(\\d+),(\\d+),(\\d+)\\)");

  final Socket socket = new Socket();
  private InputStream in;
  private OutputStream out;

  RawFtp(int port) throws IOException {
    this("127.0.0.1", port);
  }

  RawFtp(String address, int port) throws IOException {
    socket.setTcpNoDelay(true);
    socket.connect(new InetSocketAddress(address, port), TIMEOUT_MILLISECONDS);
    socket.setSoTimeout(TIMEOUT_MILLISECONDS);
    in = new java.io.BufferedInputStream(socket.getInputStream());
    out = socket.getOutputStream();
  }

  /** A whole reply, its lines parted by LF. */
  record Answer(int code, String text) {}

  void send(String text) throws IOException {
    out.write(text.getBytes(StandardCharsets.ISO_8859_1));
  }

  /** Sends a line and returns the reply, which must have the code. */
  String command(String line, int code) throws IOException {
    send(line + "\r\n");
    return expect(code);
  }

  /** Goes on under TLS. */
  SSLSocket secure(SSLContext context, String... protocols) throws IOException {
    SSLSocket secured = secure(context, socket, protocols);
    in = new java.io.BufferedInputStream(secured.getInputStream());
    out = secured.getOutputStream();
    return secured;
  }

  static SSLSocket secure(SSLContext context, Socket socket, String... protocols) throws IOException {
    SSLSocket secured = (SSLSocket) context.getSocketFactory()
        .createSocket(socket, socket.getInetAddress().getHostAddress(), socket.getPort(), true);
    if (protocols.length > 0) {
      secured.setEnabledProtocols(protocols);
    }
    secured.startHandshake();
    return secured;
  }

  String expect(int code) throws IOException {
    Answer answer = reply();
    assertEquals(code, answer.code(), answer.text());
    return answer.text();
  }

  Answer reply() throws IOException {
    String first = line();
    StringBuilder text = new StringBuilder(first);
    if (first.charAt(3) == '-') {
      String end = first.substring(0, 3) + " ";
      String line;
      do {
        line = line();
        text.append('\n').append(line);
      } while (!line.startsWith(end));
    }
    return new Answer(Integer.parseInt(first.substring(0, 3)), text.toString());
  }

  private String line() throws IOException {
    ByteArrayOutputStream line = new ByteArrayOutputStream();
    while (true) {
      int value = in.read();
      if (value < 0) {
        throw new EOFException("the server closed the connection after " + line);
      }
      if (value == '\n') {
        assertEquals('\r', line.toByteArray()[line.size() - 1], "a reply ends with CRLF");
        return new String(line.toByteArray(), 0, line.size() - 1, StandardCharsets.ISO_8859_1);
      }
      line.write(value);
    }
  }

  /** Whether a reply, or a part of it, has come. */
  boolean hasReply() throws IOException {
    return in.available() > 0;
  }

  /** Whether the server ends the connection; what it still says is passed over. */
  boolean isEnded() throws IOException {
    try {
      while (in.read() >= 0) {
        // until the end
      }
      return true;
    } catch (java.net.SocketException e) {
      return true;
    } catch (java.net.SocketTimeoutException e) {
      return false;
    }
  }

  int passivePort() throws IOException {
    Matcher matcher = EPSV.matcher(command("EPSV", 229));
    matcher.find();
    return Integer.parseInt(matcher.group(1));
  }

  /** The address and port of a PASV reply. */
  static InetSocketAddress passiveAddress(String reply) {
    Matcher matcher = PASV.matcher(reply);
    matcher.find();
    return new InetSocketAddress(matcher.group(1) + "." + matcher.group(2) + "." + matcher.group(3) + "." + matcher.group(4),
        Integer.parseInt(matcher.group(5)) * 256 + Integer.parseInt(matcher.group(6)));
  }

  /** A data connection, passive. */
  Socket data() throws IOException {
    return data(passivePort());
  }

  Socket data(int port) throws IOException {
    Socket data = new Socket(socket.getInetAddress(), port);
    data.setSoTimeout(TIMEOUT_MILLISECONDS);
    return data;
  }

  byte[] download(String command) throws IOException {
    try (Socket data = data()) {
      command(command, 150);
      byte[] bytes = data.getInputStream().readAllBytes();
      expect(226);
      return bytes;
    }
  }

  String list(String command) throws IOException {
    return new String(download(command), StandardCharsets.ISO_8859_1);
  }

  void upload(String command, byte[] bytes) throws IOException {
    try (Socket data = data()) {
      command(command, 150);
      data.getOutputStream().write(bytes);
    }
    expect(226);
  }

  @Override
  public void close() throws IOException {
    socket.close();
  }
}
