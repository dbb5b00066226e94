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
 * A channel with a virtual thread of its own that serves what MINA's threads bring; its end is the channel's. MINA's streams
 * are not used.
 */
abstract class ServedChannel implements Command, ChannelSessionAware, ChannelDataReceiver {
  private static final Logger log = LoggerFactory.getLogger(ServedChannel.class);

  private final String protocol;
  private ChannelSession channel;
  private ExitCallback exit;

  /** @param protocol the word for logs */
  ServedChannel(String protocol) {
    this.protocol = protocol;
  }

  /** Serves the channel until its end and returns its exit status. */
  abstract int serve() throws IOException, SftpProtocolException, InterruptedException;

  /** Called before bytes come. */
  abstract void prepare();

  /** Takes no more bytes: the channel is gone, or has been served. Called from any thread, more than once. */
  abstract void abort();

  final ChannelSession channel() {
    return channel;
  }

  @Override
  public final void setChannelSession(ChannelSession session) {
    channel = session;
    prepare();
    session.setDataReceiver(this);
  }

  @Override
  public final void start(ChannelSession session, Environment environment) {
    Thread.ofVirtual().name(protocol + "-" + session.getSession().getUsername()).start(this::run);
  }

  private void run() {
    int status = 1;
    try {
      status = serve();
    } catch (SftpProtocolException e) {
      log.warn("Closed an {} channel of {} because of what the client sent: {}", protocol, channel.getSession(), e.getMessage());
    } catch (IOException e) {
      log.debug("An {} channel of {} ended: {}", protocol, channel.getSession(), e.toString());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } catch (RuntimeException e) {
      log.error("An {} channel of {} failed by a defect", protocol, channel.getSession(), e);
    } finally {
      abort();
      exit.onExit(status);
    }
  }

  @Override
  public final void destroy(ChannelSession session) {
    abort();
  }

  @Override
  public final void setExitCallback(ExitCallback callback) {
    exit = callback;
  }

  @Override
  public final void setInputStream(InputStream in) {
    // Bytes come by data(), without a pipe.
  }

  @Override
  public final void setOutputStream(OutputStream out) {
    // What goes to the client goes in whole packets.
  }

  @Override
  public final void setErrorStream(OutputStream err) {
    // Nothing is said there.
  }
}
