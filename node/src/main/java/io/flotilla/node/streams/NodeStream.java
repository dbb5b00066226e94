package io.flotilla.node.streams;

import io.flotilla.tls.ClusterTls.Peer;
import java.io.Closeable;
import java.io.FilterInputStream;
import java.io.FilterOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.Socket;
import java.time.Duration;
import javax.net.ssl.SSLSocket;

/**
 * A stream of bytes each way between this node and another, under TLS. One thread may read while another writes; any thread may close it,
 * and whoever reads or writes then gets an IOException. Neither side buffers what it writes: write much at once.
 *
 * <p>Its end is told like that of any TCP connection, so a stream that ends may have been cut; what has to be whole says its own length.
 * Read all that the other node says before you close it: what lies unread makes TCP throw away what was written last.
 */
public final class NodeStream implements Closeable {
  private final Socket connection;
  private final SSLSocket tls;
  private final Peer peer;
  private final Runnable closed;
  private final InputStream in;
  private final OutputStream out;
  /** When the write began that has not ended yet, by System.nanoTime; 0 if there is none. */
  private volatile long writing;

  /**
   * @param connection beneath the TLS; closing it waits for nobody
   * @param closed is run at each call of close
   */
  NodeStream(Socket connection, SSLSocket tls, Peer peer, Runnable closed) throws IOException {
    this.connection = connection;
    this.tls = tls;
    this.peer = peer;
    this.closed = closed;
    this.in = new Reading(tls.getInputStream());
    this.out = new Writing(tls.getOutputStream());
  }

  /** What the other node says. A read fails with SocketTimeoutException when nothing came for the time of {@link #readTimeout}. */
  public InputStream in() {
    return in;
  }

  /** What is said to the other node. A write that gets nowhere for a minute closes the stream. */
  public OutputStream out() {
    return out;
  }

  /** The other node, by its certificate. */
  public Peer peer() {
    return peer;
  }

  /** How long a read may wait from now on: a minute if nobody says otherwise. */
  public void readTimeout(Duration timeout) throws IOException {
    connection.setSoTimeout(Math.toIntExact(Math.max(1, timeout.toMillis())));
  }

  boolean isStuck(long now, Duration patience) {
    long since = writing;
    return since != 0 && now - since > patience.toNanos();
  }

  /**
   * Ends the stream after what was written, telling the other node; blocks as long as a write may. While another thread writes, it is cut
   * off instead.
   */
  @Override
  public void close() {
    if (writing == 0) {
      writing = now();
      try {
        tls.close();
      } catch (IOException e) {
        // The other node is gone, or has closed it: that is what was wanted.
      }
    }
    cut();
  }

  /** Ends the stream at once, which never blocks; what was written just before may be lost. */
  public void cut() {
    try {
      connection.close();
    } catch (IOException e) {
      // There is nothing left to give back.
    } finally {
      closed.run();
    }
  }

  private static long now() {
    long now = System.nanoTime();
    return now == 0 ? 1 : now;
  }

  /** Closing one of the two ends both. */
  private final class Reading extends FilterInputStream {
    Reading(InputStream from) {
      super(from);
    }

    @Override
    public void close() {
      NodeStream.this.close();
    }
  }

  private final class Writing extends FilterOutputStream {
    Writing(OutputStream to) {
      super(to);
    }

    @Override
    public void write(int one) throws IOException {
      write(new byte[] {(byte) one}, 0, 1);
    }

    @Override
    public void write(byte[] bytes, int offset, int length) throws IOException {
      writing = now();
      try {
        out.write(bytes, offset, length);
      } finally {
        writing = 0;
      }
    }

    @Override
    public void close() {
      NodeStream.this.close();
    }
  }
}
