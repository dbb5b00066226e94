package io.flotilla.ftp;

import io.flotilla.transport.TlsTransport;
import io.flotilla.transport.TransferBuffers;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.util.Optional;
import java.util.function.Supplier;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLSession;

/**
 * How far the connections of one client are protected: what AUTH, PBSZ and PROT have agreed on (RFC 4217). Used with the
 * session's turn, or by its task, which nobody else disturbs.
 */
final class Protection {
  /** As the listener had it when the client came; empty if connections are in clear. */
  private final Optional<FtpTls> tls;
  private final Supplier<Optional<FtpTls>> present;
  /** What data connections are made from; null while the control connection is in clear. */
  private SSLContext context;
  private SSLSession session;
  private boolean sized;
  private boolean protectData;

  /** @param present what holds for the listener now */
  Protection(Supplier<Optional<FtpTls>> present) {
    this.tls = present.get();
    this.present = present;
  }

  boolean isOffered() {
    return tls.isPresent();
  }

  boolean isImplicit() {
    return tls.filter(FtpTls::isImplicit).isPresent();
  }

  boolean isSecured() {
    return context != null;
  }

  /** Whether neither a login nor data may go in clear, by what held when the client came or by what holds now. */
  boolean isRequired() {
    return tls.filter(FtpTls::isRequired).isPresent() || present.get().filter(FtpTls::isRequired).isPresent();
  }

  /** Why AUTH is refused, if it is. */
  Optional<Reply> objection(String mechanism) {
    if (tls.isEmpty()) {
      return Optional.of(new Reply(502, "This listener offers no TLS"));
    }
    if (isSecured()) {
      return Optional.of(new Reply(503, "The connection is protected already"));
    }
    return mechanism.equals("TLS") || mechanism.equals("TLS-C") || mechanism.equals("SSL")
        ? Optional.empty() : Optional.of(new Reply(504, "AUTH TLS is offered"));
  }

  /**
   * Protects the control connection; blocks. What goes over the channel from now on goes through what is returned.
   *
   * @param early what has come of it before
   */
  TlsTransport secure(SocketChannel channel, ByteBuffer early) throws IOException {
    SSLContext made = tls.orElseThrow().newContext();
    TlsTransport secured = TlsTransport.small(channel, FtpTls.newEngine(made)).after(early);
    secured.handshake();
    context = made;
    session = secured.session();
    return secured;
  }

  /** Data connections are to be protected without a word about it, or again not. */
  void protectData(boolean now) {
    protectData = now;
  }

  /** PBSZ. */
  Reply size() {
    sized = isSecured();
    return sized ? new Reply(200, "PBSZ=0") : new Reply(503, "AUTH TLS comes first");
  }

  /** PROT. */
  Reply level(char level) {
    if (!sized) {
      return new Reply(503, "PBSZ comes first");
    }
    return switch (level) {
      case 'P' -> {
        protectData = true;
        yield new Reply(200, "Data connections will be protected");
      }
      case 'C' -> {
        if (isRequired()) {
          yield new Reply(534, "Data has to be protected here");
        }
        protectData = false;
        yield new Reply(200, "Data connections will be in clear");
      }
      case 'S', 'E' -> new Reply(536, "The protection levels are C and P");
      default -> new Reply(504, "The protection levels are C and P");
    };
  }

  /** REIN: as for a client that has just come, except that the control connection stays protected. */
  void forgetLevel() {
    sized = false;
    protectData = isImplicit();
  }

  /** Whether a transfer may begin, as far as its protection goes. */
  boolean letsTransfer() {
    return protectData || !isRequired();
  }

  /** Makes a data connection of a socket, as was agreed on. */
  DataConnection wrap(SocketChannel socket, TransferBuffers buffers) throws IOException {
    return protectData
        ? DataConnection.secured(socket, FtpTls.newEngine(context), buffers, tls.filter(FtpTls::requiresReuse).map(required -> session))
        : DataConnection.plain(socket);
  }
}
