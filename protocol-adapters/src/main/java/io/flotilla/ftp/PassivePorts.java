package io.flotilla.ftp;

import io.flotilla.config.model.PortRange;
import java.io.IOException;
import java.net.BindException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.security.SecureRandom;

/**
 * Where passive data connections are awaited.
 *
 * @param first 0 if any free port will do
 */
record PassivePorts(int first, int last) {
  static final PassivePorts ANY = new PassivePorts(0, 0);
  private static final SecureRandom RANDOM = new SecureRandom();
  /** What is looked at before a range counts as exhausted. */
  private static final int MAX_TRIES = 2000;
  private static final int BACKLOG = 4;

  static PassivePorts of(PortRange range) {
    return new PassivePorts(range.first(), range.last());
  }

  /** Listens on a port that can't be guessed from the former one; throws BindException if all are taken. */
  ServerSocketChannel listen(InetAddress address) throws IOException {
    ServerSocketChannel channel = ServerSocketChannel.open();
    try {
      int count = last - first + 1;
      int start = RANDOM.nextInt(count);
      for (int i = 0; i < Math.min(count, MAX_TRIES); i++) {
        try {
          channel.bind(new InetSocketAddress(address, first == 0 ? 0 : first + (start + i) % count), BACKLOG);
          return channel;
        } catch (BindException e) {
          // The next one may be free.
        }
      }
    } catch (IOException | RuntimeException e) {
      channel.close();
      throw e;
    }
    channel.close();
    throw new BindException("all passive ports from " + first + " to " + last + " are in use");
  }

  @Override
  public String toString() {
    return first == 0 ? "any" : first + "-" + last;
  }
}
