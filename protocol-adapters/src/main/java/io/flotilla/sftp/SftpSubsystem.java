package io.flotilla.sftp;

import java.io.IOException;
import org.apache.sshd.server.channel.ChannelSession;

/**
 * One SFTP channel between MINA and {@link SftpSession}: MINA's threads bring bytes, one virtual thread serves packets.
 * The SSH window is opened again only when a packet has been served, so a slow storage slows the client down.
 */
final class SftpSubsystem extends ServedChannel {
  /** Makes the session of a channel when its client begins, on the channel's thread. */
  interface SessionFactory {
    SftpSession open(SftpOutput output) throws IOException;
  }

  private final SessionFactory sessions;
  private final PacketPool pool;
  private InboundPackets packets;

  SftpSubsystem(SessionFactory sessions, PacketPool pool) {
    super("sftp");
    this.sessions = sessions;
    this.pool = pool;
  }

  @Override
  void prepare() {
    packets = new InboundPackets(channel().getLocalWindow().getMaxSize());
  }

  @Override
  public int data(ChannelSession session, byte[] bytes, int start, int length) {
    // What comes after a broken packet is dropped, and counts as consumed.
    return packets.feed(bytes, start, length) ? 0 : length;
  }

  /** The client's end of file. */
  @Override
  public void close() {
    packets.end();
  }

  @Override
  int serve() throws IOException, SftpProtocolException, InterruptedException {
    try (SftpSession session = sessions.open(new ChannelOutput(channel(), pool))) {
      InboundPackets.Packet packet = packets.take();
      while (packet != null) {
        session.handle(packet.bytes(), packet.length());
        channel().getLocalWindow().release(packet.wireBytes());
        packets.recycle(packet);
        packet = packets.take();
      }
      if (packets.problem() != null) {
        throw new SftpProtocolException(packets.problem());
      }
      return 0;
    }
  }

  @Override
  void abort() {
    packets.abort();
  }
}
