package io.flotilla.transport;

import java.io.IOException;
import java.io.InputStream;
import java.net.InetSocketAddress;
import java.net.SocketTimeoutException;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.time.Duration;
import java.util.Optional;

/** Waits for the header of a PROXY connection, and reads not one byte more than it has. Blocks its (virtual) thread. */
public final class ProxyReader {
  private final SocketChannel channel;
  private final ByteBuffer bytes = ByteBuffer.allocate(ProxyHeaderParser.MAX_BYTES);

  private ProxyReader(SocketChannel channel) {
    this.channel = channel;
  }

  /** There is no header where there has to be one. */
  public static final class MissingException extends IOException {
    MissingException(String message) {
      super(message);
    }
  }

  /**
   * Reads what a peer has to send by a rule.
   *
   * @return nothing if it has ended the connection without a word, as those do who look whether the server is there
   * @throws MissingException if a header that has to be there isn't, or does not come in time
   * @throws ProxyHeaderParser.MalformedException if it is against the rules
   */
  public static Optional<Incoming> read(SocketChannel channel, ProxyRule rule) throws IOException {
    InetSocketAddress peer = (InetSocketAddress) channel.getRemoteAddress();
    if (rule == ProxyRule.NONE) {
      return Optional.of(new Incoming(channel, peer, false, Incoming.NOTHING));
    }
    Optional<Incoming> read = new ProxyReader(channel).read(peer, rule == ProxyRule.MAYBE);
    channel.socket().setSoTimeout(0);
    return read;
  }

  private Optional<Incoming> read(InetSocketAddress peer, boolean isOptional) throws IOException {
    long began = System.nanoTime();
    while (true) {
      switch (ProxyHeaderParser.parse(bytes.duplicate().flip())) {
        case ProxyHeaderParser.Found(ProxyHeader.Proxied(var client), _) -> {
          return Optional.of(new Incoming(channel, client, true, Incoming.NOTHING));
        }
        case ProxyHeaderParser.Found(ProxyHeader.Own _, _) -> {
          return Optional.of(new Incoming(channel, peer, false, Incoming.NOTHING));
        }
        case ProxyHeaderParser.Absent _ -> {
          return Optional.of(without(peer, isOptional, "something else came instead"));
        }
        case ProxyHeaderParser.Incomplete(int least) -> {
          boolean isFirst = bytes.position() == 0;
          Duration patience = isFirst && isOptional ? ProxyRule.SHORT_PATIENCE : ProxyRule.PATIENCE;
          try {
            if (!receive(least, began + patience.toNanos())) {
              return isFirst ? Optional.empty() : Optional.of(without(peer, isOptional, "the connection ended in it"));
            }
          } catch (SocketTimeoutException e) {
            return Optional.of(without(peer, isOptional, "it did not come in " + patience.toSeconds() + " s"));
          }
        }
      }
    }
  }

  private Incoming without(InetSocketAddress peer, boolean isOptional, String why) throws MissingException {
    if (!isOptional) {
      throw new MissingException("there is no PROXY header: " + why);
    }
    return new Incoming(channel, peer, false, bytes.flip());
  }

  /** Whether there is something more; false at the end of the stream. */
  private boolean receive(int most, long deadline) throws IOException {
    long left = (deadline - System.nanoTime()) / 1_000_000;
    if (left <= 0) {
      throw new SocketTimeoutException();
    }
    channel.socket().setSoTimeout((int) left);
    InputStream in = channel.socket().getInputStream();
    int count = in.read(bytes.array(), bytes.position(), most);
    if (count > 0) {
      bytes.position(bytes.position() + count);
    }
    return count >= 0;
  }
}
