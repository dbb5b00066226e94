package io.flotilla.sftp;

import io.flotilla.adapter.TransferLog;
import io.flotilla.scp.Scp;
import io.flotilla.scp.ScpCommand;
import io.flotilla.vfs.VirtualFileSystem;
import java.io.IOException;
import org.apache.sshd.server.channel.ChannelSession;

/**
 * One channel that serves an scp command. The SSH window is opened again only for what was read, so a slow storage slows the
 * client down.
 */
final class ScpChannel extends ServedChannel {
  /** Opens the user's files when the command begins, on the channel's thread. */
  interface Files {
    VirtualFileSystem open() throws IOException;
  }

  private final ScpCommand command;
  private final Files files;
  private final TransferLog transfers;
  private final PacketPool pool;
  private InboundBytes in;

  ScpChannel(ScpCommand command, Files files, TransferLog transfers, PacketPool pool) {
    super(Scp.PROTOCOL);
    this.command = command;
    this.files = files;
    this.transfers = transfers;
    this.pool = pool;
  }

  @Override
  void prepare() {
    in = new InboundBytes(channel().getLocalWindow().getMaxSize(), count -> channel().getLocalWindow().release(count));
  }

  @Override
  public int data(ChannelSession session, byte[] bytes, int start, int length) {
    return in.feed(bytes, start, length) ? 0 : length;
  }

  /** The client's end of file, or the channel's end without one. */
  @Override
  public void close() {
    if (channel().isEofSignalled()) {
      in.end();
    } else {
      in.abort();
    }
  }

  @Override
  int serve() throws IOException {
    try (VirtualFileSystem tree = files.open()) {
      return Scp.serve(command, tree, in, new ChannelOutput(channel(), pool), transfers);
    }
  }

  @Override
  void abort() {
    in.abort();
  }
}
