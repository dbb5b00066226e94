package io.flotilla.node.cluster;

import io.flotilla.tls.ClusterTls;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLSession;
import org.apache.pekko.remote.artery.tcp.SSLEngineProvider;
import scala.Option;

/** Puts Pekko's remoting under the TLS of the cluster. Immutable; called by Pekko's threads. */
final class RemotingTls implements SSLEngineProvider {
  private final ClusterTls tls;

  RemotingTls(ClusterTls tls) {
    this.tls = tls;
  }

  @Override
  public SSLEngine createServerSSLEngine(String hostname, int port) {
    return engine(hostname, port, false);
  }

  @Override
  public SSLEngine createClientSSLEngine(String hostname, int port) {
    return engine(hostname, port, true);
  }

  private SSLEngine engine(String hostname, int port, boolean isClient) {
    SSLEngine engine = tls.context().createSSLEngine(hostname, port);
    engine.setSSLParameters(tls.parameters());
    engine.setUseClientMode(isClient);
    return engine;
  }

  /** Who is trusted has been decided in the handshake. */
  @Override
  public Option<Throwable> verifyClientSession(String hostname, SSLSession session) {
    return Option.empty();
  }

  @Override
  public Option<Throwable> verifyServerSession(String hostname, SSLSession session) {
    return Option.empty();
  }
}
