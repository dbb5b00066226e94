package io.flotilla.system;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;

/** One FTP session that does nothing unless it is asked to. */
final class IdleFtp implements AutoCloseable {
  private static final int PATIENCE_MILLIS = 120_000;

  private final Socket socket;
  private final BufferedReader replies;

  private IdleFtp(Socket socket) throws IOException {
    this.socket = socket;
    this.replies = new BufferedReader(new InputStreamReader(socket.getInputStream(), StandardCharsets.US_ASCII), 128);
  }

  static IdleFtp open(String user, String password, String host, int port) throws IOException {
    Socket socket = new Socket();
    try {
      socket.connect(new InetSocketAddress(host, port), PATIENCE_MILLIS);
      socket.setSoTimeout(PATIENCE_MILLIS);
      IdleFtp ftp = new IdleFtp(socket);
      ftp.expect("220", "the connection");
      ftp.send("USER " + user, "331");
      ftp.send("PASS " + password, "230");
      return ftp;
    } catch (IOException e) {
      socket.close();
      throw e;
    }
  }

  /** A failure unless the server answers. */
  void askForNothing() throws IOException {
    send("NOOP", "200");
  }

  private void send(String command, String expected) throws IOException {
    socket.getOutputStream().write((command + "\r\n").getBytes(StandardCharsets.US_ASCII));
    expect(expected, command.split(" ")[0]);
  }

  private void expect(String code, String what) throws IOException {
    String reply = replies.readLine();
    if (reply == null || !reply.startsWith(code + " ")) {
      throw new IOException(what + " was answered by " + reply);
    }
  }

  @Override
  public void close() throws IOException {
    socket.close();
  }
}
