package io.flotilla.sftp;

import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.KeyPair;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.sshd.client.SshClient;
import org.apache.sshd.client.channel.ChannelSubsystem;
import org.apache.sshd.client.session.ClientSession;

/** An SFTP client that sends whatever a test wants, byte by byte if need be. */
final class RawClient implements AutoCloseable {
  private static final Duration PATIENCE = Duration.ofSeconds(30);
  private final SshClient ssh = SshClient.setUpDefaultClient();
  private final ClientSession session;
  private final AtomicInteger ids = new AtomicInteger(100);
  private ChannelSubsystem channel;
  private OutputStream out;
  private DataInputStream in;

  RawClient(int port, String user, HostKeyGenerator.HostKeyText key) throws IOException {
    this(port, user, HostKeyGenerator.read(key.privateKey()));
  }

  /** @param key its public half may be a certificate */
  RawClient(int port, String user, KeyPair key) throws IOException {
    ssh.setServerKeyVerifier((server, address, serverKey) -> true);
    ssh.start();
    try {
      session = ssh.connect(user, "127.0.0.1", port).verify(PATIENCE).getSession();
      session.addPublicKeyIdentity(key);
      session.auth().verify(PATIENCE);
    } catch (IOException e) {
      ssh.stop();
      throw e;
    }
    openChannel();
  }

  void openChannel() throws IOException {
    ChannelSubsystem opened = session.createSubsystemChannel("sftp");
    opened.open().verify(PATIENCE);
    channel = opened;
    out = channel.getInvertedIn();
    in = new DataInputStream(channel.getInvertedOut());
  }

  RawClient initialized() throws IOException {
    send(packet(Sftp.INIT, 3));
    Reply reply = receive();
    if (reply.type != Sftp.VERSION_REPLY || reply.id != 3) {
      throw new IOException("no version 3: " + reply.type);
    }
    return this;
  }

  /** A reply's type, id and the rest. */
  record Reply(int type, int id, ByteBuffer rest) {
    int status() {
      return type == Sftp.STATUS ? rest.getInt(0) : -1;
    }

    String message() {
      byte[] text = new byte[rest.getInt(4)];
      rest.get(8, text);
      return new String(text, StandardCharsets.UTF_8);
    }

    int handle() {
      return rest.getInt(4);
    }
  }

  void send(byte[] bytes) throws IOException {
    out.write(bytes);
    out.flush();
  }

  /** Sends a request under a fresh id and returns its reply. */
  Reply ask(int type, Object... fields) throws IOException {
    int id = ids.incrementAndGet();
    Object[] all = new Object[fields.length + 1];
    all[0] = id;
    System.arraycopy(fields, 0, all, 1, fields.length);
    send(packet(type, all));
    Reply reply = receive();
    if (reply.id != id) {
      throw new IOException("reply to " + reply.id + " instead of " + id);
    }
    return reply;
  }

  Reply receive() throws IOException {
    byte[] bytes = new byte[in.readInt()];
    in.readFully(bytes);
    ByteBuffer buffer = ByteBuffer.wrap(bytes);
    return new Reply(Byte.toUnsignedInt(buffer.get()), buffer.getInt(), buffer.slice());
  }

  /** True if the server closes the channel. */
  boolean isEnded() throws IOException {
    return in.read() < 0;
  }

  /** Integers, longs, strings and byte arrays as SFTP writes them; a Handle as a string of four bytes. */
  static byte[] packet(int type, Object... fields) {
    ByteArrayOutputStream body = new ByteArrayOutputStream();
    body.write(type);
    for (Object field : fields) {
      switch (field) {
        case Integer number -> body.writeBytes(ByteBuffer.allocate(4).putInt(number).array());
        case Long number -> body.writeBytes(ByteBuffer.allocate(8).putLong(number).array());
        case Handle handle -> body.writeBytes(ByteBuffer.allocate(8).putInt(4).putInt(handle.number()).array());
        case String text -> string(body, text.getBytes(StandardCharsets.UTF_8));
        case byte[] bytes -> string(body, bytes);
        default -> throw new IllegalArgumentException(field.getClass().toString());
      }
    }
    byte[] bytes = body.toByteArray();
    return ByteBuffer.allocate(4 + bytes.length).putInt(bytes.length).put(bytes).array();
  }

  record Handle(int number) {}

  private static void string(ByteArrayOutputStream body, byte[] bytes) {
    body.writeBytes(ByteBuffer.allocate(4).putInt(bytes.length).array());
    body.writeBytes(bytes);
  }

  /** Says that nothing more will be sent (SSH_MSG_CHANNEL_EOF); replies still come. */
  void endInput() throws IOException {
    out.close();
  }

  /** Cuts the connection without a word. */
  void vanish() {
    session.getIoSession().close(true);
  }

  @Override
  public void close() {
    ssh.stop();
  }
}
