package io.flotilla.scp;

import io.flotilla.adapter.TransferLog;
import io.flotilla.vfs.VirtualFileSystem;
import java.io.IOException;
import java.io.InputStream;

/** Serves one command. */
public final class Scp {
  /** The word for logs and events. */
  public static final String PROTOCOL = "scp";

  /** Of directories in one another; the source has each of them open while it sends what is in it. */
  static final int MAX_DEPTH = 200;

  private Scp() {}

  /**
   * Blocks until the command is done.
   *
   * @param in what the client sends; its end is the client's
   * @return the command's exit status, which is 0 if all went well
   * @throws IOException if the client ended in the middle of something, or the channel is gone; a file that was being received
   *     is not published
   */
  public static int serve(ScpCommand command, VirtualFileSystem files, InputStream in, ScpOutput out, TransferLog transfers)
      throws IOException {
    ScpWire wire = new ScpWire(in, out);
    try {
      switch (command.direction()) {
        case SINK -> new ScpSink(command, files, wire, transfers).run();
        case SOURCE -> new ScpSource(command, files, wire, out, transfers).run();
      }
      return wire.hasFailed() ? 1 : 0;
    } catch (ScpException e) {
      wire.fatal(e.getMessage());
      return 1;
    }
  }
}
