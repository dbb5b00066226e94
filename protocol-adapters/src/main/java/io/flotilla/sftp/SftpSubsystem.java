package io.flotilla.sftp;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import org.apache.sshd.server.Environment;
import org.apache.sshd.server.ExitCallback;
import org.apache.sshd.server.channel.ChannelDataReceiver;
import org.apache.sshd.server.channel.ChannelSession;
import org.apache.sshd.server.channel.ChannelSessionAware;
import org.apache.sshd.server.command.Command;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One SFTP channel between MINA and {@link SftpSession}: MINA's threads bring bytes, one virtual thread serves packets.
 * The SSH window is opened again only when a packet has been served, so a slow storage slows the client down.
 */
final class SftpSubsystem implements Command, ChannelSessionAware, ChannelDataReceiver {
  private static final Logger log = LoggerFactory.getLogger(SftpSubsystem.class);

  /** Makes the session of a channel when its client begins, on the channel's thread. */
  interface SessionFactory {
    SftpSession open(SftpOutput output) throws IOException;
  }

  private final SessionFactory sessions;
  private final PacketPool pool;
  private ChannelSession channel;
  private InboundPackets packets;
  private ExitCallback exit;

  SftpSubsystem(SessionFactory sessions, PacketPool pool) {
    this.sessions = sessions;
    this.pool = pool;
  }

  @Override
  public void setChannelSession(ChannelSession session) {
    channel = session;
    packets = new InboundPackets(session.getLocalWindow().getMaxSize());
    session.setDataReceiver(this);
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
  public void start(ChannelSession session, Environment environment) {
    Thread.ofVirtual().name("sftp-" + session.getSession().getUsername()).start(this::serve);
  }

  private void serve() {
    int status = 0;
    try (SftpSession session = sessions.open(new ChannelOutput(channel, pool))) {
      InboundPackets.Packet packet = packets.take();
      while (packet != null) {
        session.handle(packet.bytes(), packet.length());
        channel.getLocalWindow().release(packet.wireBytes());
        packets.recycle(packet);
        packet = packets.take();
      }
      if (packets.problem() != null) {
        throw new SftpProtocolException(packets.problem());
      }
    } catch (SftpProtocolException e) {
      status = 1;
      log.warn("Closed an SFTP channel of {} because of what the client sent: {}", channel.getSession(), e.getMessage());
    } catch (IOException e) {
      status = 1;
      log.debug("An SFTP channel of {} ended: {}", channel.getSession(), e.toString());
    } catch (InterruptedException e) {
      status = 1;
      Thread.currentThread().interrupt();
    } catch (RuntimeException e) {
      status = 1;
      log.error("An SFTP channel of {} failed by a defect", channel.getSession(), e);
    } finally {
      packets.abort();
      exit.onExit(status);
    }
  }

  @Override
  public void destroy(ChannelSession session) {
    packets.abort();
  }

  @Override
  public void setExitCallback(ExitCallback callback) {
    exit = callback;
  }

  @Override
  public void setInputStream(InputStream in) {
    // Bytes come by data(), without a pipe.
  }

  @Override
  public void setOutputStream(OutputStream out) {
    // Replies go to the channel in whole packets.
  }

  @Override
  public void setErrorStream(OutputStream err) {
    // SFTP says nothing there.
  }
}
