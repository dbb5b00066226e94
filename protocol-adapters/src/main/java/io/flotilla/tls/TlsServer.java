package io.flotilla.tls;

import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLParameters;

/**
 * How this server speaks TLS, whatever the protocol above it: 1.2 and 1.3, with forward secrecy and authenticated encryption only.
 * AES with 128 bits is preferred, as in Mozilla's recommendations: it is as safe as anybody needs, and takes a sixth less time.
 */
public final class TlsServer {
  private TlsServer() {}

  /**
   * The server's side of one connection.
   *
   * @param protocol the name of what is spoken above TLS (IANA's for ALPN). A client that names only others is refused: somebody
   *     has led it here (ALPACA)
   */
  public static SSLEngine engine(SSLContext context, String protocol) {
    SSLEngine engine = context.createSSLEngine();
    engine.setUseClientMode(false);
    SSLParameters parameters = engine.getSSLParameters();
    parameters.setProtocols(new String[] {"TLSv1.3", "TLSv1.2"});
    parameters.setCipherSuites(Arrays.stream(parameters.getCipherSuites()).filter(TlsServer::isStrong)
        .sorted(Comparator.comparing(suite -> !suite.contains("_AES_128_"))).toArray(String[]::new));
    parameters.setUseCipherSuitesOrder(true);
    engine.setSSLParameters(parameters);
    engine.setHandshakeApplicationProtocolSelector((own, offered) -> choose(protocol, offered));
    return engine;
  }

  private static boolean isStrong(String suite) {
    return (suite.startsWith("TLS_AES") || suite.startsWith("TLS_CHACHA20") || suite.startsWith("TLS_ECDHE"))
        && (suite.contains("_GCM_") || suite.contains("CHACHA20"));
  }

  /** Null refuses the client. */
  private static String choose(String protocol, List<String> offered) {
    return offered.contains(protocol) ? protocol : offered.isEmpty() ? "" : null;
  }
}
