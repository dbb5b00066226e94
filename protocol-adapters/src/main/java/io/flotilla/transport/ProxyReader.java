package io.flotilla.transport;

import java.io.IOException;
import java.io.InputStream;
import java.net.SocketTimeoutException;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.time.Duration;
import java.util.Optional;

/** Waits for the header of a PROXY connection, and reads not one byte more than it has. Blocks its (virtual) thread. */
public final class ProxyReader {
  private final SocketChannel channel;
  private final boolean isOptional;
  private final ByteBuffer bytes = ByteBuffer.allocate(ProxyHeaderParser.MAX_BYTES);
  private final long began = System.nanoTime();

  private ProxyReader(SocketChannel channel, boolean isOptional) {
    this.channel = channel;
    this.isOptional = isOptional;
  }

  /** There is no header where there has to be one. */
  public static final class MissingException extends IOException {
    private static final long serialVersionUID = 1L;
    private final boolean isSilent;

    MissingException(String message, boolean isSilent) {
      super(message);
      this.isSilent = isSilent;
    }

    /** Whether nothing at all has come. */
    public boolean isSilent() {
      return isSilent;
    }
  }

  /**
   * Reads what a peer has to send by a rule, which lets it in.
   *
   * @return nothing if it has ended the connection without a word, as those do who look whether the server is there
   * @throws MissingException if a header that has to be there isn't, or does not come in time
   * @throws ProxyHeaderParser.MalformedException if it is against the rules
   */
  public static Optional<Incoming> read(SocketChannel channel, ProxyRule rule) throws IOException {
    if (rule == ProxyRule.NONE) {
      return Optional.of(Incoming.direct(channel, Incoming.NOTHING));
    }
    Optional<Incoming> read = new ProxyReader(channel, rule == ProxyRule.MAYBE).read();
    channel.socket().setSoTimeout(0);
    return read;
  }

  private Optional<Incoming> read() throws IOException {
    while (true) {
      switch (ProxyHeaderParser.parse(bytes.duplicate().flip())) {
        case ProxyHeaderParser.Found(ProxyHeader.Proxied proxied, _) -> {
          return Optional.of(Incoming.proxied(channel, proxied));
        }
        case ProxyHeaderParser.Found(ProxyHeader.Check _, _) -> {
          return Optional.of(Incoming.check(channel));
        }
        case ProxyHeaderParser.Found(ProxyHeader.Unknown _, _) -> {
          return Optional.of(Incoming.direct(channel, Incoming.NOTHING));
        }
        case ProxyHeaderParser.Absent _ -> {
          return Optional.of(without("something else came instead"));
        }
        case ProxyHeaderParser.Incomplete(int least) -> {
          Duration patience = bytes.position() == 0 && isOptional ? ProxyRule.SHORT_PATIENCE : ProxyRule.PATIENCE;
          try {
            if (!receive(least, began + patience.toNanos())) {
              return bytes.position() == 0 ? Optional.empty() : Optional.of(without("the connection ended within it"));
            }
          } catch (SocketTimeoutException e) {
            return Optional.of(without("it did not come within " + patience.toSeconds() + " s"));
          }
        }
      }
    }
  }

  /** What has come belongs to the client, if it may be one. */
  private Incoming without(String why) throws IOException {
    if (!isOptional) {
      throw new MissingException("there is no PROXY header: " + why, bytes.position() == 0);
    }
    byte[] early = new byte[bytes.position()];
    bytes.flip().get(early);
    return Incoming.direct(channel, ByteBuffer.wrap(early));
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
