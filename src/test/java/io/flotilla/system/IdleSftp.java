package io.flotilla.system;

import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.security.KeyPair;
import java.time.Duration;
import org.apache.sshd.client.SshClient;
import org.apache.sshd.client.channel.ChannelSubsystem;
import org.apache.sshd.client.session.ClientSession;

/** One SFTP session that does nothing unless it is asked to, in packets of its own (draft-ietf-secsh-filexfer-02). */
final class IdleSftp implements AutoCloseable {
  private static final Duration PATIENCE = Duration.ofMinutes(2);
  private static final int INIT = 1;
  private static final int VERSION = 2;
  private static final int REALPATH = 16;
  private static final int NAME = 104;

  private final ClientSession session;
  private final DataInputStream in;
  private final DataOutputStream out;

  private IdleSftp(ClientSession session, ChannelSubsystem channel) {
    this.session = session;
    this.in = new DataInputStream(channel.getInvertedOut());
    this.out = new DataOutputStream(channel.getInvertedIn());
  }

  /** Logs in and agrees on the version. */
  static IdleSftp open(SshClient client, String user, KeyPair key, String host, int port) throws IOException {
    ClientSession session = client.connect(user, host, port).verify(PATIENCE).getSession();
    try {
      session.addPublicKeyIdentity(key);
      session.auth().verify(PATIENCE);
      ChannelSubsystem channel = session.createSubsystemChannel("sftp");
      channel.open().verify(PATIENCE);
      IdleSftp sftp = new IdleSftp(session, channel);
      sftp.out.writeInt(5);
      sftp.out.writeByte(INIT);
      sftp.out.writeInt(3);
      sftp.out.flush();
      sftp.expect(VERSION);
      return sftp;
    } catch (IOException e) {
      session.close(true);
      throw e;
    }
  }

  /** Asks where it is; a failure unless the server says so. */
  void askForRealPath() throws IOException {
    byte[] path = ".".getBytes(StandardCharsets.US_ASCII);
    out.writeInt(9 + path.length);
    out.writeByte(REALPATH);
    out.writeInt(1);
    out.writeInt(path.length);
    out.write(path);
    out.flush();
    expect(NAME);
  }

  private void expect(int type) throws IOException {
    byte[] packet = in.readNBytes(in.readInt());
    if (packet.length == 0 || packet[0] != type) {
      throw new IOException("expected a packet of type " + type + ", got " + (packet.length == 0 ? "nothing" : packet[0]));
    }
  }

  @Override
  public void close() {
    session.close(true);
  }
}
