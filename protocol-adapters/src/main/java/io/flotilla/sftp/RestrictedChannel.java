package io.flotilla.sftp;

import java.io.IOException;
import org.apache.sshd.common.channel.Channel;
import org.apache.sshd.common.channel.ChannelFactory;
import org.apache.sshd.common.channel.RequestHandler;
import org.apache.sshd.common.session.Session;
import org.apache.sshd.common.util.buffer.Buffer;
import org.apache.sshd.server.channel.ChannelSession;
import org.apache.sshd.server.session.ServerConnectionService;

/**
 * A session channel that knows only subsystems: no shell, command, terminal, environment, agent or X11. What a channel
 * can't be asked for can't be abused.
 */
final class RestrictedChannel extends ChannelSession {
  /**
   * Makes such channels, up to a number in each connection: one more is refused, and the others go on. MINA's own limit
   * would end the whole connection.
   */
  static ChannelFactory factory(int maxChannels) {
    return new ChannelFactory() {
      @Override
      public String getName() {
        return "session";
      }

      @Override
      public Channel createChannel(Session session) {
        ServerConnectionService service = session.getService(ServerConnectionService.class);
        return service != null && service.getChannels().size() >= maxChannels ? null : new RestrictedChannel();
      }
    };
  }

  @Override
  protected RequestHandler.Result handleInternalRequest(String type, boolean wantReply, Buffer buffer)
      throws IOException {
    return type.equals(CHANNEL_SUBSYSTEM)
        ? super.handleInternalRequest(type, wantReply, buffer) : RequestHandler.Result.ReplyFailure;
  }
}
