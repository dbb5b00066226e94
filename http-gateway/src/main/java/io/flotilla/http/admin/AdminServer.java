package io.flotilla.http.admin;

import com.typesafe.config.Config;
import com.typesafe.config.ConfigFactory;
import io.flotilla.http.ProblemErrorHandler;
import io.flotilla.tls.TlsServer;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletionStage;
import javax.net.ssl.SSLContext;
import org.apache.pekko.actor.typed.ActorSystem;
import org.apache.pekko.http.javadsl.ConnectionContext;
import org.apache.pekko.http.javadsl.Http;
import org.apache.pekko.http.javadsl.ServerBinding;
import org.apache.pekko.http.javadsl.ServerBuilder;
import org.apache.pekko.http.javadsl.settings.ServerSettings;
import org.apache.pekko.stream.Materializer;
import org.apache.pekko.stream.SystemMaterializer;

/** The HTTP listener of the admin API. It runs in the node's local actor system, apart from the clustered one. */
public final class AdminServer {
  /** An answer to wait=applied may take its full minute, after the passwords of a large batch were hashed. */
  private static final Duration REQUEST_TIMEOUT = Duration.ofSeconds(110);
  private final ServerBinding binding;

  private AdminServer(ServerBinding binding) {
    this.binding = binding;
  }

  /**
   * Opens the listener; the stage fails with a BindException's message if the address is taken.
   *
   * @param tls without it the listener speaks plain HTTP, which is for loopback addresses only
   */
  public static CompletionStage<AdminServer> open(
      ActorSystem<?> system, String host, int port, AdminContext context, Optional<SSLContext> tls) {
    return open(system, host, port, context, tls, REQUEST_TIMEOUT);
  }

  static CompletionStage<AdminServer> open(
      ActorSystem<?> system, String host, int port, AdminContext context, Optional<SSLContext> tls, Duration requestTimeout) {
    Materializer materializer = SystemMaterializer.get(system).materializer();
    AdminApi api = new AdminApi(context, materializer);
    ServerBuilder server = Http.get(system).newServerAt(host, port).withSettings(ServerSettings.create(
        own(requestTimeout).withFallback(system.settings().config())));
    return tls.map(secure -> server.enableHttps(ConnectionContext.httpsServer(() -> TlsServer.engine(secure, "http/1.1"))))
        .orElse(server).bind(api::handle).thenApply(AdminServer::new);
  }

  private static Config own(Duration requestTimeout) {
    return ConfigFactory.parseMap(Map.of("pekko.http.server.parsing.error-handler", ProblemErrorHandler.class.getName(),
        "pekko.http.server.request-timeout", requestTimeout.toMillis() + "ms"));
  }

  public int port() {
    return binding.localAddress().getPort();
  }

  /** Lets running requests end until the deadline. */
  public CompletionStage<?> close(Duration deadline) {
    return binding.terminate(deadline);
  }
}
