package io.flotilla.ftp;

import io.flotilla.config.model.Listener;
import io.flotilla.tls.TlsIdentity;
import io.flotilla.tls.TlsServer;
import java.security.GeneralSecurityException;
import javax.net.ssl.KeyManager;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.TrustManager;

/** How a listener protects its clients' connections (RFC 4217). Immutable. */
final class FtpTls {
  private static final String APPLICATION_PROTOCOL = "ftp";

  private final Listener.Tls mode;
  private final KeyManager[] keys;
  private final boolean requiresReuse;

  FtpTls(Listener.Tls mode, TlsIdentity identity, boolean requiresReuse) {
    this(mode, identity.keyManagers(), requiresReuse);
  }

  private FtpTls(Listener.Tls mode, KeyManager[] keys, boolean requiresReuse) {
    this.mode = mode;
    this.keys = keys;
    this.requiresReuse = requiresReuse;
  }

  /** The same certificate, shown as another mode demands. */
  FtpTls with(Listener.Tls changed, boolean reuseRequired) {
    return new FtpTls(changed, keys, reuseRequired);
  }

  /** Whether TLS begins with the connection. */
  boolean isImplicit() {
    return mode == Listener.Tls.IMPLICIT;
  }

  /** Whether neither a login nor data may go in clear. */
  boolean isRequired() {
    return mode != Listener.Tls.EXPLICIT;
  }

  /** Whether a data connection has to resume the session of its control connection. */
  boolean requiresReuse() {
    return requiresReuse;
  }

  /**
   * A context for one client's control connection and its data connections. Sessions are resumed within a context only, so
   * what a data connection resumes is of the same client.
   */
  SSLContext newContext() {
    try {
      SSLContext context = SSLContext.getInstance("TLS");
      // No client shows a certificate, so nobody is trusted; without this, Java would read its list of authorities.
      context.init(keys, new TrustManager[0], null);
      return context;
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("every Java platform has TLS", e);
    }
  }

  static SSLEngine newEngine(SSLContext context) {
    return TlsServer.engine(context, APPLICATION_PROTOCOL);
  }
}
