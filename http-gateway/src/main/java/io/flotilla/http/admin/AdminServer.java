package io.flotilla.http.admin;

import com.typesafe.config.Config;
import com.typesafe.config.ConfigFactory;
import io.flotilla.adapter.ConnectionGate;
import io.flotilla.http.ProblemErrorHandler;
import io.flotilla.tls.TlsServer;
import java.net.InetAddress;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.TimeUnit;
import javax.net.ssl.SSLContext;
import org.apache.pekko.NotUsed;
import org.apache.pekko.actor.Cancellable;
import org.apache.pekko.actor.typed.ActorSystem;
import org.apache.pekko.http.javadsl.Http;
import org.apache.pekko.http.javadsl.model.HttpRequest;
import org.apache.pekko.http.javadsl.model.HttpResponse;
import org.apache.pekko.http.javadsl.settings.ServerSettings;
import org.apache.pekko.japi.Pair;
import org.apache.pekko.stream.KillSwitches;
import org.apache.pekko.stream.Materializer;
import org.apache.pekko.stream.SystemMaterializer;
import org.apache.pekko.stream.TLSClosing;
import org.apache.pekko.stream.TLSProtocol.SessionBytes;
import org.apache.pekko.stream.TLSProtocol.SslTlsInbound;
import org.apache.pekko.stream.TLSProtocol.SslTlsOutbound;
import org.apache.pekko.stream.UniqueKillSwitch;
import org.apache.pekko.stream.javadsl.BidiFlow;
import org.apache.pekko.stream.javadsl.Flow;
import org.apache.pekko.stream.javadsl.Keep;
import org.apache.pekko.stream.javadsl.Sink;
import org.apache.pekko.stream.javadsl.TLS;
import org.apache.pekko.stream.javadsl.TLSPlacebo;
import org.apache.pekko.stream.javadsl.Tcp;
import org.apache.pekko.util.ByteString;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The HTTP listener of the admin API. It runs in the node's local actor system, apart from the clustered one. Pekko's own listener would stop
 * accepting at its limit of connections and lets each stay that sends a byte now and then; so here each is run by itself, under
 * {@link AdminConnections}.
 */
public final class AdminServer {
  private static final Logger log = LoggerFactory.getLogger(AdminServer.class);
  /** An answer to wait=applied may take its full minute, after the passwords of a large batch were hashed. */
  private static final Duration REQUEST_TIMEOUT = Duration.ofSeconds(110);
  private static final Duration SWEEP = Duration.ofSeconds(1);

  private final ActorSystem<?> system;
  private final Materializer materializer;
  private final AdminApi api;
  private final ServerSettings settings;
  private final BidiFlow<SslTlsOutbound, ByteString, ByteString, SslTlsInbound, NotUsed> tls;
  private final AdminConnections connections;
  private final Cancellable sweep;
  private volatile Tcp.ServerBinding binding;

  private AdminServer(ActorSystem<?> system, AdminContext context, Optional<SSLContext> tls, Duration requestTimeout,
      AdminConnections.Limits limits) {
    this.system = system;
    this.materializer = SystemMaterializer.get(system).materializer();
    this.api = new AdminApi(context, materializer);
    this.settings = ServerSettings.create(own(requestTimeout).withFallback(system.settings().config()));
    this.tls = tls.map(secure -> TLS.create(() -> TlsServer.engine(secure, "http/1.1"), TLSClosing.eagerClose())).orElseGet(() ->
        BidiFlow.fromFlows(Flow.<SslTlsOutbound>create(), Flow.<SessionBytes>create().map(SslTlsInbound.class::cast))
            .atop(TLSPlacebo.getInstance()));
    this.connections = new AdminConnections(limits);
    this.sweep = system.scheduler().scheduleWithFixedDelay(SWEEP, SWEEP, connections::sweep, system.executionContext());
  }

  /**
   * Opens the listener; the stage fails with a BindException's message if the address is taken.
   *
   * @param tls without it the listener speaks plain HTTP, which is for loopback addresses only
   */
  public static CompletionStage<AdminServer> open(
      ActorSystem<?> system, String host, int port, AdminContext context, Optional<SSLContext> tls) {
    return open(system, host, port, context, tls, REQUEST_TIMEOUT, AdminConnections.Limits.DEFAULT);
  }

  static CompletionStage<AdminServer> open(ActorSystem<?> system, String host, int port, AdminContext context, Optional<SSLContext> tls,
      Duration requestTimeout, AdminConnections.Limits limits) {
    AdminServer server = new AdminServer(system, context, tls, requestTimeout, limits);
    return Tcp.get(system).bind(host, port, server.settings.getBacklog(), server.settings.getSocketOptions(), false, Optional.empty())
        .to(Sink.foreach(server::run)).run(server.materializer)
        .whenComplete((_, failure) -> {
          if (failure != null) {
            server.sweep.cancel();
          }
        })
        .thenApply(binding -> {
          server.binding = binding;
          return server;
        });
  }

  private static Config own(Duration requestTimeout) {
    return ConfigFactory.parseMap(Map.of("pekko.http.server.parsing.error-handler", ProblemErrorHandler.class.getName(),
        "pekko.http.server.request-timeout", requestTimeout.toMillis() + "ms"));
  }

  /** Serves one client. Nothing may be thrown, or no more would be accepted. */
  private void run(Tcp.IncomingConnection incoming) {
    try {
      AdminConnection connection = new AdminConnection(place(incoming.remoteAddress().getAddress()));
      CompletionStage<?> ended = start(connection, incoming);
      connections.add(connection);
      ended.whenComplete((_, _) -> connections.remove(connection));
    } catch (RuntimeException e) {
      log.error("A connection of {} to the admin API failed by a defect", incoming.remoteAddress(), e);
    }
  }

  /** Whoever is on this machine has all of its loopback addresses. */
  private static InetAddress place(InetAddress address) {
    return address.isLoopbackAddress() ? InetAddress.getLoopbackAddress() : ConnectionGate.place(address);
  }

  private CompletionStage<?> start(AdminConnection connection, Tcp.IncomingConnection incoming) {
    Flow<HttpRequest, HttpResponse, UniqueKillSwitch> requests = Flow.<HttpRequest>create().viaMat(KillSwitches.single(), Keep.right())
        .mapAsync(1, request -> {
          connection.began();
          return api.handle(request);
        })
        .map(connection::answered); // in the stream, so that no end of the connection comes between an answer and its way out
    Flow<ByteString, ByteString, UniqueKillSwitch> bytes =
        BidiFlow.fromGraph(KillSwitches.<ByteString, ByteString>singleBidi()).join(incoming.flow());
    Flow<ByteString, ByteString, Transport> transport = Flow.<ByteString>create()
        .map(sent -> {
          connection.moved();
          return sent;
        })
        .watchTermination(Keep.right()).viaMat(bytes, Keep.both())
        .watchTermination((outbound, inbound) -> new Transport(outbound.second(), CompletableFuture.allOf(
            outbound.first().handle((_, _) -> true).toCompletableFuture(), inbound.handle((_, _) -> true).toCompletableFuture())));
    Pair<UniqueKillSwitch, Transport> running = requests
        .join(Http.get(system).serverLayer(settings, Optional.of(incoming.remoteAddress())).atop(tls))
        .joinMat(transport, Keep.both()).run(materializer);
    connection.started(running.first()::shutdown, running.second().stop()::abort);
    return running.second().ended();
  }

  /** @param ended in both directions */
  private record Transport(UniqueKillSwitch stop, CompletionStage<?> ended) {}

  public int port() {
    return binding.localAddress().getPort();
  }

  /** Lets running requests end until the deadline. */
  public CompletionStage<?> close(Duration deadline) {
    sweep.cancel();
    return binding.unbind()
        .thenCompose(_ -> connections.close().toCompletableFuture().copy()
            .completeOnTimeout(null, deadline.toMillis(), TimeUnit.MILLISECONDS))
        .thenRun(connections::abort);
  }
}
