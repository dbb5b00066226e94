package io.flotilla.transport;

import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.IntConsumer;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLEngineResult;
import javax.net.ssl.SSLEngineResult.HandshakeStatus;
import javax.net.ssl.SSLException;
import javax.net.ssl.SSLSession;
import jdk.net.ExtendedSocketOptions;

/**
 * TLS over a blocking TCP connection. Only a close_notify ends the stream in order: without one it may have been cut by
 * anybody, and reading fails. One thread reads; writing is open to several, because what is read can call for an answer.
 */
public final class TlsTransport implements Transport {
  private static final ByteBuffer NOTHING = ByteBuffer.allocate(0);
  /** Of what an idle connection holds. */
  private static final int FIRST = 1024;
  private static final int FAST = 16 * 1024;
  private static final String TLS_1_2 = "TLSv1.2";
  private static final String TLS_1_3 = "TLSv1.3";

  private final SocketChannel channel;
  private final SSLEngine engine;
  private final TransferBuffers pool;
  private final boolean withoutTickets;
  private final ReentrantLock writing = new ReentrantLock();
  /** Received and not decrypted yet. */
  private ByteBuffer in = ByteBuffer.allocate(FIRST).limit(0);
  /** Decrypted and not read yet. */
  private ByteBuffer plain = NOTHING;
  /** For records that are sent together; null until there are some. */
  private ByteBuffer out;
  private boolean inIsLent;
  /** Whether the last read brought much, or all that there was room for. */
  private boolean comesFast;
  private boolean established;
  private boolean inputEnded;

  private TlsTransport(SocketChannel channel, SSLEngine engine, TransferBuffers pool, boolean withoutTickets) {
    this.channel = channel;
    this.engine = engine;
    this.pool = pool;
    this.withoutTickets = withoutTickets;
  }

  /** For a connection that never carries much at once. */
  public static TlsTransport small(SocketChannel channel, SSLEngine engine) {
    return new TlsTransport(channel, engine, null, false);
  }

  /** What has come of the connection already, before the handshake begins. */
  public TlsTransport after(ByteBuffer early) {
    if (early.hasRemaining()) {
      in = ByteBuffer.allocate(Math.max(FIRST, early.remaining())).put(early).flip();
    }
    return this;
  }

  /**
   * For bulk data, with buffers of the pool as soon as there is some. {@link #giveBack} has to be called when no thread uses it
   * any more.
   *
   * @param withoutTickets whether the client is given nothing to resume this session with, unless by TLS 1.2
   */
  public static TlsTransport large(SocketChannel channel, SSLEngine engine, TransferBuffers pool, boolean withoutTickets) {
    return new TlsTransport(channel, engine, pool, withoutTickets);
  }

  public void giveBack() {
    if (inIsLent) {
      pool.give(in);
      inIsLent = false;
    }
    if (out != null) {
      pool.give(out);
      out = null;
    }
  }

  public SSLSession session() {
    return engine.getSession();
  }

  /** Makes the connection a protected one; blocks. */
  public void handshake() throws IOException {
    try {
      engine.beginHandshake();
      while (!established) {
        switch (engine.getHandshakeStatus()) {
          case NEED_TASK -> runTasks();
          case NEED_WRAP -> answer();
          case NEED_UNWRAP, NEED_UNWRAP_AGAIN -> {
            withholdTicket();
            readHandshake();
          }
          case FINISHED, NOT_HANDSHAKING -> established = true;
        }
      }
    } catch (SSLException e) {
      sayAlert();
      throw e;
    }
  }

  /**
   * A ticket for a later session would come to the client after its own last word of the handshake. One that has sent a whole file by
   * then and closed its socket answers it with a reset, and its system throws away what had not been taken yet: curl loses
   * uploads so. Java makes no ticket for a session that can't be resumed. With TLS 1.2 tickets are part of the handshake,
   * and the session may be the control connection's.
   */
  private void withholdTicket() {
    SSLSession begun = engine.getHandshakeSession();
    if (withoutTickets && begun != null && begun.getProtocol().equals(TLS_1_3)) {
      begun.invalidate();
    }
  }

  private void readHandshake() throws IOException {
    if (in.hasRemaining()) {
      ByteBuffer scratch = ByteBuffer.allocate(engine.getSession().getApplicationBufferSize());
      SSLEngineResult result = engine.unwrap(in, scratch);
      switch (result.getStatus()) {
        case OK -> {
          return;
        }
        case BUFFER_UNDERFLOW -> { }
        case CLOSED -> throw new SSLException("the client closed the connection in the handshake");
        case BUFFER_OVERFLOW -> throw new SSLException("a handshake record is too long");
      }
    }
    acknowledgeAtOnce();
    receive();
  }

  /**
   * Clients send the end of their handshake in two small pieces, and hold the second back until the first is acknowledged:
   * without this every data connection would wait 40 ms for nothing. Linux forgets the option soon, so it is set each time.
   */
  private void acknowledgeAtOnce() throws IOException {
    if (channel.supportedOptions().contains(ExtendedSocketOptions.TCP_QUICKACK)) {
      channel.setOption(ExtendedSocketOptions.TCP_QUICKACK, true);
    }
  }

  private void runTasks() {
    for (Runnable task = engine.getDelegatedTask(); task != null; task = engine.getDelegatedTask()) {
      task.run();
    }
  }

  /** The client should learn why it was refused. */
  private void sayAlert() {
    try {
      answer();
    } catch (IOException e) {
      // It is gone, or there is nothing to say.
    }
  }

  @Override
  public int read(ByteBuffer target) throws IOException {
    if (plain.hasRemaining()) {
      return takePlain(target);
    }
    while (!inputEnded) {
      int count = decrypt(target);
      if (count > 0) {
        return count;
      }
      if (!inputEnded) {
        receive();
      }
    }
    return -1;
  }

  /** Decrypts the whole records that are there, as far as there is room; the number of bytes, perhaps 0. */
  private int decrypt(ByteBuffer target) throws IOException {
    int start = target.position();
    int record = engine.getSession().getApplicationBufferSize();
    while (in.hasRemaining() && !inputEnded) {
      boolean roomy = target.remaining() >= record;
      if (!roomy && target.position() > start) {
        break;
      }
      ByteBuffer to = roomy ? target : ByteBuffer.allocate(record);
      SSLEngineResult result = engine.unwrap(in, to);
      if (!roomy) {
        plain = to.flip();
        takePlain(target);
      }
      switch (result.getStatus()) {
        case OK -> follow(result.getHandshakeStatus());
        case CLOSED -> inputEnded = true;
        case BUFFER_OVERFLOW -> throw new SSLException("a record is too long");
        case BUFFER_UNDERFLOW -> {
          return target.position() - start;
        }
      }
    }
    return target.position() - start;
  }

  private int takePlain(ByteBuffer target) {
    int count = Math.min(plain.remaining(), target.remaining());
    target.put(plain.slice(plain.position(), count));
    plain.position(plain.position() + count);
    if (!plain.hasRemaining()) {
      plain = NOTHING;
    }
    return count;
  }

  /** What the client sends between data: tickets and new keys of TLS 1.3 are followed, a renegotiation is not. */
  private void follow(HandshakeStatus status) throws IOException {
    if (status == HandshakeStatus.NOT_HANDSHAKING || status == HandshakeStatus.FINISHED) {
      return;
    }
    if (engine.getSession().getProtocol().equals(TLS_1_2)) {
      throw new SSLException("the client wants to renegotiate");
    }
    if (status == HandshakeStatus.NEED_TASK) {
      runTasks();
    }
    answer();
  }

  private void receive() throws IOException {
    ByteBuffer lent = comesFast && !inIsLent ? lend() : null;
    if (lent != null) {
      in = lent.put(in);
      inIsLent = true;
    } else if (in.hasRemaining()) {
      in.compact();
    } else if (in.capacity() > FIRST && !comesFast) {
      if (inIsLent) {
        pool.give(in);
        inIsLent = false;
      }
      in = ByteBuffer.allocate(FIRST);
    } else {
      in.clear();
    }
    if (!in.hasRemaining()) {
      int largest = engine.getSession().getPacketBufferSize();
      if (in.capacity() >= largest) {
        throw new SSLException("a record is too long");
      }
      in = ByteBuffer.allocate(Math.min(in.capacity() * 4, largest)).put(in.flip());
    }
    int count = -1;
    try {
      count = channel.read(in);
      comesFast = established && (count >= FAST || !in.hasRemaining());
    } finally {
      in.flip();
    }
    if (count < 0) {
      throw new EOFException("the connection ended without close_notify");
    }
  }

  /** A large buffer; null if there is none, and then it goes on with small ones. */
  private ByteBuffer lend() {
    return pool == null ? null : pool.takeForRecords();
  }

  /** Nothing is to be sent for a while: gives back what only sending needs. Other threads may read meanwhile. */
  public void restFromWriting() {
    writing.lock();
    try {
      if (out != null) {
        pool.give(out);
        out = null;
      }
    } finally {
      writing.unlock();
    }
  }

  /** Sends what the handshake calls for, in as few packets as the buffer allows. */
  private void answer() throws IOException {
    writing.lock();
    try {
      ByteBuffer buffer = emptyOut();
      int record = engine.getSession().getPacketBufferSize();
      boolean more = true;
      while (more && engine.getHandshakeStatus() == HandshakeStatus.NEED_WRAP) {
        more = engine.wrap(NOTHING, buffer).bytesProduced() > 0;
        if (buffer.remaining() < record) {
          send(buffer);
          buffer.clear();
        }
      }
      send(buffer);
    } finally {
      writing.unlock();
    }
  }

  @Override
  public void write(ByteBuffer source) throws IOException {
    write(source, _ -> { });
  }

  /** Encrypts a buffer's worth and sends it at once: a system call for each record would cost a third of the speed. */
  @Override
  public void write(ByteBuffer source, IntConsumer taken) throws IOException {
    writing.lock();
    try {
      int record = engine.getSession().getPacketBufferSize();
      if (out == null && source.remaining() > record) {
        out = lend();
      }
      ByteBuffer buffer = emptyOut();
      do {
        SSLEngineResult result = engine.wrap(source, buffer);
        if (result.getStatus() == SSLEngineResult.Status.CLOSED) {
          throw new SSLException("the output has ended");
        }
        if (result.bytesProduced() == 0) {
          throw new SSLException("nothing could be encrypted: " + result.getStatus());
        }
      } while (source.hasRemaining() && buffer.remaining() >= record);
      send(buffer, taken);
    } finally {
      writing.unlock();
    }
  }

  private ByteBuffer emptyOut() {
    int record = engine.getSession().getPacketBufferSize();
    return out != null && out.capacity() >= record ? out.clear() : ByteBuffer.allocate(record);
  }

  private void send(ByteBuffer buffer) throws IOException {
    send(buffer, _ -> { });
  }

  private void send(ByteBuffer buffer, IntConsumer taken) throws IOException {
    buffer.flip();
    while (buffer.hasRemaining()) {
      taken.accept(channel.write(buffer));
    }
  }

  /** Says close_notify; then the client knows that it has everything. */
  @Override
  public void endOutput() throws IOException {
    writing.lock();
    try {
      engine.closeOutbound();
      while (!engine.isOutboundDone()) {
        ByteBuffer buffer = emptyOut();
        SSLEngineResult result = engine.wrap(NOTHING, buffer);
        send(buffer);
        if (result.bytesProduced() == 0) {
          break;
        }
      }
      channel.shutdownOutput();
    } finally {
      writing.unlock();
    }
  }

  @Override
  public void close() {
    PlainTransport.close(channel);
  }
}
