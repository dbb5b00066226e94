package io.flotilla.http.server;

import io.flotilla.transport.PlainTransport;
import io.flotilla.transport.TransferBuffers;
import io.flotilla.transport.Transport;
import io.flotilla.vfs.OpenFile;
import java.io.IOException;
import java.net.StandardSocketOptions;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import org.apache.pekko.util.ByteString;

/**
 * What goes out on a connection: what Pekko's layer says, with the contents of files in place of what stands for them. At most one body
 * of files is on its way. Used by the connection's stream only, but for {@link #unseen}; blocks it until the client has taken what is
 * written.
 */
final class ConnectionOutput {
  private static final int SMALL_BUFFER = 8 * 1024;

  private final SocketChannel channel;
  private final Transport transport;
  private final TransferBuffers buffers;
  private final ConnectionTimeouts timeouts;
  private final Pause pause;
  private final Runnable sent;
  /** What is being sent, or was. */
  private OutgoingFile outgoing;
  /** What is being made and sent, or null. */
  private ProducedBody produced;
  /** Whether what was sent is no longer what was meant, so that nothing may follow it. */
  private boolean isBroken;

  /**
   * @param transport over the channel
   * @param pause for keeping to the user's speed
   * @param sent is told when a body of files has gone out
   */
  ConnectionOutput(SocketChannel channel, Transport transport, TransferBuffers buffers, ConnectionTimeouts timeouts, Pause pause,
      Runnable sent) {
    this.channel = channel;
    this.transport = transport;
    this.buffers = buffers;
    this.timeouts = timeouts;
    this.pause = pause;
    this.sent = sent;
  }

  /** From now on what stands for the file is on its way. */
  void send(OutgoingFile file) {
    giveUp();
    outgoing = file;
    timeouts.sending();
  }

  /** From now on what is made is on its way. */
  void send(ProducedBody body) {
    giveUp();
    produced = body;
    timeouts.sending();
  }

  void write(ByteString bytes) throws IOException {
    if (isBroken) {
      throw new IOException("what was being sent was given up");
    }
    if (outgoing != null && outgoing.send(bytes, this::send, pause)) {
      if (outgoing.isEnded()) {
        sent.run();
      }
      return;
    }
    for (ByteBuffer buffer : bytes.compact().getByteBuffers()) {
      write(buffer);
    }
  }

  private void write(ByteBuffer buffer) throws IOException {
    timeouts.writing();
    while (buffer.hasRemaining()) {
      transport.write(buffer, this::taken);
    }
    timeouts.written(0);
  }

  /** Told for each part, so that a slow client isn't taken for a stalled one, nor for a slower one than it is. */
  private void taken(int bytes) {
    timeouts.written(bytes);
    timeouts.writing();
  }

  /**
   * Sends some of a file: past this process where nothing has to be encrypted and the socket has room, else through a buffer, because only
   * that lets a virtual thread wait for the client.
   */
  private long send(OpenFile file, long position, long count) throws IOException {
    if (transport instanceof PlainTransport) {
      long moved = file.transferTo(position, count, channel);
      if (moved > 0) {
        timeouts.written(moved);
        return moved;
      }
    }
    ByteBuffer buffer = bufferForSending();
    try {
      if (file.read(buffer.limit((int) Math.min(buffer.capacity(), count)), position) <= 0) {
        throw OutgoingFile.tooShort();
      }
      int moved = buffer.flip().remaining();
      write(buffer);
      return moved;
    } finally {
      if (buffer.capacity() > SMALL_BUFFER) {
        buffers.give(buffer);
      }
    }
  }

  /** Slow clients may hold all there are; the head of the response has gone out, so it is not the time to refuse anything. */
  private ByteBuffer bufferForSending() {
    try {
      return buffers.take();
    } catch (TransferBuffers.ExhaustedException e) {
      return ByteBuffer.allocate(SMALL_BUFFER);
    }
  }

  /** The next part of what is being made. */
  ByteString produce(ProducedBody body) throws IOException {
    if (body != produced) {
      throw new IOException("the body was given up while it was sent");
    }
    return body.next(pause);
  }

  /** What uses the user's files is over, so the next request may. */
  void endProduced(ProducedBody body) {
    if (body == produced) {
      giveUpProduced();
      sent.run();
    }
  }

  private void giveUpProduced() {
    ProducedBody former = produced;
    if (former != null) {
      produced = null;
      former.close();
    }
  }

  /** What stands for a file that nobody has any more must never go out as it is. */
  void giveUp() {
    giveUpProduced();
    if (outgoing != null && !outgoing.isEnded()) {
      isBroken |= outgoing.isOnItsWay();
      outgoing.giveUp();
    }
  }

  /** Nothing that is written from now on goes out, and the first of it ends the connection. */
  void breakOff() {
    isBroken = true;
  }

  /**
   * The most bytes that the client may have taken since it was seen to take some: Linux lets a full socket take more only when a third of
   * its buffer, which is twice what is told here, has gone. For any thread.
   */
  long unseen() {
    try {
      return channel.getOption(StandardSocketOptions.SO_SNDBUF);
    } catch (IOException e) {
      return 0; // it has been closed
    }
  }

  /** Tells the client that nothing more comes. */
  void end() throws IOException {
    timeouts.writing();
    if (isBroken) {
      PlainTransport.reset(channel); // an orderly end could be taken for that of the body
    } else {
      transport.endOutput();
    }
  }
}
