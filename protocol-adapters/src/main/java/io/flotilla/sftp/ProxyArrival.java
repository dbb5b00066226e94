package io.flotilla.sftp;

import io.flotilla.transport.ProxyFault;
import io.flotilla.transport.ProxyHeader;
import io.flotilla.transport.ProxyHeaderParser;
import io.flotilla.transport.ProxyRule;
import java.io.ByteArrayOutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.util.Optional;
import java.util.concurrent.locks.ReentrantLock;
import org.apache.sshd.common.io.IoSession;
import org.apache.sshd.common.util.Readable;
import org.apache.sshd.common.util.buffer.ByteArrayBuffer;

/** A connection on which SSH begins when its proxy has said for whom it is. Safe for all threads. */
final class ProxyArrival {
  private static final Object KEY = new Object();

  private final IoSession io;
  private final boolean isOptional;
  private final Next next;
  private final ReentrantLock turn = new ReentrantLock();
  private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();
  private volatile boolean isOver;

  /** What follows. Each connection comes to one of them, in the turn of that connection. */
  interface Next {
    /**
     * SSH begins.
     *
     * @param client for whom the connection is
     * @param early what the client has sent already
     */
    void begin(InetAddress client, ByteArrayBuffer early) throws Exception;

    void refuse(ProxyFault fault);

    /** It has ended before anything was known of it. */
    void gone();
  }

  ProxyArrival(IoSession io, ProxyRule rule, Next next) {
    this.io = io;
    this.isOptional = rule == ProxyRule.MAYBE;
    this.next = next;
    io.setAttribute(KEY, this);
  }

  /** Of a connection that is still waited for. */
  static Optional<ProxyArrival> of(IoSession io) {
    return Optional.ofNullable((ProxyArrival) io.getAttribute(KEY)).filter(arrival -> !arrival.isOver);
  }

  /** Takes what has come. */
  void received(Readable message) throws Exception {
    turn.lock();
    try {
      byte[] more = new byte[message.available()];
      message.getRawBytes(more, 0, more.length);
      bytes.writeBytes(more);
      byte[] all = bytes.toByteArray();
      switch (ProxyHeaderParser.parse(ByteBuffer.wrap(all))) {
        case ProxyHeaderParser.Found(ProxyHeader.Proxied(var client), int length) -> begin(client.getAddress(), all, length);
        case ProxyHeaderParser.Found(ProxyHeader.Own _, int length) -> begin(peer(), all, length);
        case ProxyHeaderParser.Incomplete _ -> { }
        case ProxyHeaderParser.Absent _ -> withoutHeader();
      }
    } catch (ProxyHeaderParser.MalformedException e) {
      refuse();
    } finally {
      turn.unlock();
    }
  }

  /** The time for the first byte of a header is over. */
  void expectedByNow() throws Exception {
    turn.lock();
    try {
      if (!isOver && bytes.size() == 0 && isOptional) {
        withoutHeader();
      }
    } finally {
      turn.unlock();
    }
  }

  /** The time for a whole header is over. */
  void lateByNow() throws Exception {
    turn.lock();
    try {
      if (!isOver) {
        withoutHeader();
      }
    } finally {
      turn.unlock();
    }
  }

  private void withoutHeader() throws Exception {
    if (isOptional) {
      begin(peer(), bytes.toByteArray(), 0);
    } else {
      refuse();
    }
  }

  private void begin(InetAddress client, byte[] all, int length) throws Exception {
    isOver = true;
    next.begin(client, new ByteArrayBuffer(all, length, all.length - length));
  }

  private void refuse() {
    isOver = true;
    next.refuse(ProxyFault.NO_HEADER);
  }

  void ended() {
    turn.lock();
    try {
      if (!isOver) {
        isOver = true;
        next.gone();
      }
    } finally {
      turn.unlock();
    }
  }

  private InetAddress peer() {
    return ((InetSocketAddress) io.getRemoteAddress()).getAddress();
  }
}
