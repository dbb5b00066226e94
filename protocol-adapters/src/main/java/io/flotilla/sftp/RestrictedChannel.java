package io.flotilla.sftp;

import java.io.IOException;
import java.util.Optional;
import org.apache.sshd.common.channel.Channel;
import org.apache.sshd.common.channel.ChannelFactory;
import org.apache.sshd.common.channel.RequestHandler;
import org.apache.sshd.common.session.Session;
import org.apache.sshd.common.util.buffer.Buffer;
import org.apache.sshd.server.channel.ChannelSession;
import org.apache.sshd.server.session.ServerConnectionService;
import org.apache.sshd.server.session.ServerSession;

/**
 * A session channel that knows only subsystems and the commands that are served without a shell: no terminal, environment,
 * agent or X11. What a channel can't be asked for can't be abused.
 */
final class RestrictedChannel extends ChannelSession {
  /** Knows the commands that are served. */
  interface Commands {
    /** Nothing if the line is none of them. Doesn't block. */
    Optional<ServedChannel> command(ServerSession session, byte[] line);
  }

  private final Commands commands;

  private RestrictedChannel(Commands commands) {
    this.commands = commands;
  }

  /**
   * Makes such channels, up to a number in each connection: one more is refused, and the others go on. MINA's own limit
   * would end the whole connection.
   */
  static ChannelFactory factory(int maxChannels, Commands commands) {
    return new ChannelFactory() {
      @Override
      public String getName() {
        return "session";
      }

      @Override
      public Channel createChannel(Session session) {
        ServerConnectionService service = session.getService(ServerConnectionService.class);
        return service != null && service.getChannels().size() >= maxChannels ? null : new RestrictedChannel(commands);
      }
    };
  }

  @Override
  protected RequestHandler.Result handleInternalRequest(String type, boolean wantReply, Buffer buffer)
      throws IOException {
    return switch (type) {
      case CHANNEL_SUBSYSTEM -> super.handleInternalRequest(type, wantReply, buffer);
      case CHANNEL_EXEC -> execute(buffer.getBytes());
      default -> RequestHandler.Result.ReplyFailure;
    };
  }

  /** A channel serves one subsystem or command in its life (RFC 4254, section 6.5). */
  private RequestHandler.Result execute(byte[] line) throws IOException {
    Optional<ServedChannel> command = isClosing() || this.type != null ? Optional.empty() : commands.command(getSession(), line);
    if (command.isEmpty()) {
      return RequestHandler.Result.ReplyFailure;
    }
    commandInstance = command.get();
    this.type = CHANNEL_EXEC;
    return prepareChannelCommand(CHANNEL_EXEC, commandInstance);
  }
}
