package io.flotilla.ftp;

import io.flotilla.transport.PlainTransport;
import io.flotilla.transport.TlsTransport;
import io.flotilla.transport.TransferBuffers;
import io.flotilla.transport.Transport;
import io.flotilla.vfs.OpenFile;
import java.io.IOException;
import java.net.StandardSocketOptions;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.util.Optional;
import java.util.OptionalLong;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLException;
import javax.net.ssl.SSLSession;

/** A data connection in the hands of one thread; others may look how long it has been waiting, and end it. */
final class DataConnection implements AutoCloseable {
  private final SocketChannel channel;
  private final Transport transport;
  private final Optional<SSLSession> mustResume;
  private volatile long waitingSince;

  private DataConnection(SocketChannel channel, Transport transport, Optional<SSLSession> mustResume) {
    this.channel = channel;
    this.transport = transport;
    this.mustResume = mustResume;
  }

  static DataConnection plain(SocketChannel channel) throws IOException {
    channel.setOption(StandardSocketOptions.TCP_NODELAY, true);
    return new DataConnection(channel, new PlainTransport(channel), Optional.empty());
  }

  /**
   * A connection under TLS after its {@link #handshake}.
   *
   * @param mustResume the session of the control connection, if this one has to resume it
   */
  static DataConnection secured(SocketChannel channel, SSLEngine engine, TransferBuffers buffers,
      Optional<SSLSession> mustResume) throws IOException {
    channel.setOption(StandardSocketOptions.TCP_NODELAY, true);
    return new DataConnection(channel, TlsTransport.large(channel, engine, buffers, mustResume.isEmpty()), mustResume);
  }

  /** The data connection is not protected as it has to be; the message is for the client. */
  static final class ProtectionFailed extends IOException {
    ProtectionFailed(String message) {
      super(message);
    }
  }

  boolean isSecured() {
    return transport instanceof TlsTransport;
  }

  /** Protects the connection, if it is to be; blocks. */
  void handshake() throws IOException {
    if (transport instanceof TlsTransport tls) {
      waitingSince = System.nanoTime();
      try {
        tls.handshake();
      } catch (SSLException e) {
        throw new ProtectionFailed("The TLS handshake of the data connection failed");
      }
      waitingSince = 0;
      // A resumed session is as old as the first one, in whatever version of TLS.
      if (mustResume.isPresent() && mustResume.get().getCreationTime() != tls.session().getCreationTime()) {
        throw new ProtectionFailed("The data connection has to resume the TLS session of the control connection");
      }
    }
  }

  /** As {@link Transport#read}. */
  int read(ByteBuffer target) throws IOException {
    waitingSince = System.nanoTime();
    int count = transport.read(target);
    waitingSince = 0;
    return count;
  }

  void write(ByteBuffer source) throws IOException {
    while (source.hasRemaining()) {
      waitingSince = System.nanoTime(); // for each part, so that a slow client isn't taken for a stalled one
      transport.write(source);
    }
    waitingSince = 0;
  }

  /** Whether files can go to the socket without passing through this process. */
  boolean takesFiles() {
    return !isSecured();
  }

  /**
   * Sends a part of a file and returns how much, 0 at its end. As long as the socket has room, the file's bytes don't pass
   * through this process; when it has none, a buffer's worth is written in the usual way, because only that lets a virtual
   * thread wait: a file sent to a socket that blocks holds a platform thread, and can't be broken off.
   *
   * @param buffer of the caller, with anything in it
   * @throws IOException a VfsException if the storage failed, another if the client did
   */
  long send(OpenFile file, long position, long count, ByteBuffer buffer) throws IOException {
    waitingSince = System.nanoTime();
    channel.configureBlocking(false);
    long sent;
    try {
      sent = file.transferTo(position, count, channel);
    } finally {
      channel.configureBlocking(true);
    }
    if (sent == 0 && file.read(buffer.clear().limit((int) Math.min(buffer.capacity(), count)), position) >= 0) {
      sent = buffer.flip().remaining();
      write(buffer);
    }
    waitingSince = 0;
    return sent;
  }

  /** Since when the client is waited for, as System.nanoTime, if it is. */
  OptionalLong waitingSince() {
    long since = waitingSince;
    return since == 0 ? OptionalLong.empty() : OptionalLong.of(since);
  }

  /** Answers the client's close_notify, which some clients wait for; one that has gone by then needs none. */
  void answerEnd() {
    if (isSecured()) {
      try {
        endOutput();
      } catch (IOException e) {
        // Its data ended in order all the same.
      } finally {
        waitingSince = 0; // from now on the server is at work
      }
    }
  }

  /** Ends the output in order. */
  void endOutput() throws IOException {
    waitingSince = System.nanoTime();
    transport.endOutput();
    waitingSince = 0;
  }

  /** Ends it so that the client doesn't take what it got for the whole. */
  void reset() {
    PlainTransport.reset(channel);
  }

  /** Called by the thread whose connection it is, as the last. */
  @Override
  public void close() {
    transport.close();
    if (transport instanceof TlsTransport tls) {
      tls.giveBack();
    }
  }
}
