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

/**
 * A connection on which SSH begins when its proxy has said for whom it is, or when it has become clear that none will. Safe for all
 * threads: what comes of the connection and the times that run out meet in its turn.
 */
final class ProxyArrival {
  private static final Object KEY = new Object();

  private final IoSession io;
  private final boolean isOptional;
  private final Next next;
  private final ReentrantLock turn = new ReentrantLock();
  private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();
  private boolean isDecided;
  private boolean isRefused;

  /** What follows. Each connection comes to one of them, in its turn. */
  interface Next {
    /**
     * SSH begins.
     *
     * @param client for whom the connection is
     * @param isCheck whether the proxy only looks whether the server is there
     * @param early what the client has sent already
     */
    void begin(InetAddress client, boolean isCheck, ByteArrayBuffer early) throws Exception;

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
    return Optional.ofNullable((ProxyArrival) io.getAttribute(KEY));
  }

  /** Takes what has come, or drops it after a refusal; false if it is SSH's already. */
  boolean received(Readable message) throws Exception {
    turn.lock();
    try {
      if (isDecided) {
        return isRefused;
      }
      byte[] more = new byte[message.available()];
      message.getRawBytes(more, 0, more.length);
      bytes.writeBytes(more);
      byte[] all = bytes.toByteArray();
      switch (ProxyHeaderParser.parse(ByteBuffer.wrap(all))) {
        case ProxyHeaderParser.Found(ProxyHeader.Proxied(var client, _), int length) -> begin(client.getAddress(), false, all, length);
        case ProxyHeaderParser.Found(ProxyHeader.Check _, int length) -> begin(peer(), true, all, length);
        case ProxyHeaderParser.Found(ProxyHeader.Unknown _, int length) -> begin(peer(), false, all, length);
        case ProxyHeaderParser.Incomplete _ -> { }
        case ProxyHeaderParser.Absent _ -> withoutHeader();
      }
    } catch (ProxyHeaderParser.MalformedException e) {
      refuse(ProxyFault.NO_HEADER);
    } finally {
      turn.unlock();
    }
    return true;
  }

  /** The time for the first byte of a header is over. */
  void expectedByNow() throws Exception {
    turn.lock();
    try {
      if (!isDecided && bytes.size() == 0 && isOptional) {
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
      if (!isDecided) {
        withoutHeader();
      }
    } finally {
      turn.unlock();
    }
  }

  private void withoutHeader() throws Exception {
    if (isOptional) {
      begin(peer(), false, bytes.toByteArray(), 0);
    } else {
      refuse(bytes.size() == 0 ? ProxyFault.SILENT : ProxyFault.NO_HEADER);
    }
  }

  private void begin(InetAddress client, boolean isCheck, byte[] all, int length) throws Exception {
    isDecided = true;
    try {
      next.begin(client, isCheck, new ByteArrayBuffer(all, length, all.length - length));
    } finally {
      io.removeAttribute(KEY); // not before: what comes meanwhile has to wait
    }
  }

  private void refuse(ProxyFault fault) {
    isDecided = true;
    isRefused = true;
    next.refuse(fault);
  }

  /** The address that it came by is given up; nothing is served to who has not arrived. */
  void giveUp() {
    turn.lock();
    try {
      if (!isDecided) {
        isDecided = true;
        isRefused = true;
        next.gone();
        io.close(true);
      }
    } finally {
      turn.unlock();
    }
  }

  void ended() {
    turn.lock();
    try {
      if (!isDecided) {
        isDecided = true;
        next.gone();
      }
    } finally {
      turn.unlock();
    }
  }

  /** By which it came. */
  int port() {
    return ((InetSocketAddress) io.getLocalAddress()).getPort();
  }

  private InetAddress peer() {
    return ((InetSocketAddress) io.getRemoteAddress()).getAddress();
  }
}
