package io.flotilla.node.cluster;

import io.flotilla.tls.ClusterTls;
import java.time.Duration;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLSession;
import org.apache.pekko.actor.ActorSystem;
import org.apache.pekko.remote.artery.tcp.SSLEngineProvider;
import scala.Option;

/** Puts Pekko's remoting under the TLS of the cluster, and bounds who is not of it. Called by Pekko's threads. */
final class RemotingTls implements SSLEngineProvider {
  /** Some 50 MB, as Pekko has them. */
  private static final int MAX_STRANGERS = 512;
  private static final Duration PATIENCE = Duration.ofSeconds(5);

  private final ClusterTls tls;
  private final Strangers strangers;

  /** @param system whose remoting it is */
  RemotingTls(ClusterTls tls, ActorSystem system) {
    this(tls, new Strangers(system, MAX_STRANGERS, PATIENCE));
  }

  RemotingTls(ClusterTls tls, Strangers strangers) {
    this.tls = tls;
    this.strangers = strangers;
  }

  @Override
  public SSLEngine createServerSSLEngine(String hostname, int port) {
    SSLEngine engine = engine(hostname, port, false);
    strangers.add(engine);
    return engine;
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
