package io.flotilla.http.server;

import com.typesafe.config.ConfigFactory;
import io.flotilla.adapter.ClientLogins;
import io.flotilla.config.view.ConfigView;
import io.flotilla.http.ProblemErrorHandler;
import io.flotilla.http.sessions.HttpSessions;
import io.flotilla.transport.LastWords;
import io.flotilla.transport.TransferBuffers;
import io.flotilla.vfs.UserHomes;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import org.apache.pekko.NotUsed;
import org.apache.pekko.actor.typed.ActorSystem;
import org.apache.pekko.http.javadsl.Http;
import org.apache.pekko.http.javadsl.model.HttpMethod;
import org.apache.pekko.http.javadsl.model.HttpMethods;
import org.apache.pekko.http.javadsl.model.HttpRequest;
import org.apache.pekko.http.javadsl.model.HttpResponse;
import org.apache.pekko.http.javadsl.model.RequestEntityAcceptances;
import org.apache.pekko.http.javadsl.settings.ServerSettings;
import org.apache.pekko.stream.TLSProtocol.SslTlsInbound;
import org.apache.pekko.stream.TLSProtocol.SslTlsOutbound;
import org.apache.pekko.stream.javadsl.BidiFlow;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What all HTTP connections of a node share. One timer looks at every connection several times a second, because a limit that
 * depends on what a connection is doing can't be set on a socket. Safe for all threads.
 */
final class HttpEngine implements AutoCloseable {
  static final String DISPATCHER = "flotilla.http.dispatcher";
  private static final Logger log = LoggerFactory.getLogger(HttpEngine.class);
  private static final long TICK_MILLISECONDS = 100;

  final HttpSettings settings;
  final Supplier<ConfigView> view;
  final KnownCredentials credentials;
  final ClientLogins logins;
  final UserHomes homes;
  final HttpSessions sessions;
  final ActorSystem<?> system;
  final GuestRequests guests;
  final UserRequests requests;
  final PasswordChanges passwords;
  /** Made once: it holds what has been learnt of header fields, for all connections. */
  final BidiFlow<HttpResponse, SslTlsOutbound, SslTlsInbound, HttpRequest, NotUsed> layer;
  final TransferBuffers buffers = new TransferBuffers();
  final LastWords lastWords = new LastWords();
  private final Set<HttpConnection> connections = ConcurrentHashMap.newKeySet();
  private final ScheduledExecutorService timer = Executors.newSingleThreadScheduledExecutor(
      Thread.ofPlatform().daemon().name("http-timer").factory());

  HttpEngine(HttpSettings settings, Supplier<ConfigView> view, KnownCredentials credentials, ClientLogins logins, UserHomes homes,
      HttpSessions sessions, ActorSystem<?> system, GuestRequests guests, UserRequests requests, PasswordChanges passwords) {
    this.settings = settings;
    this.view = view;
    this.credentials = credentials;
    this.logins = logins;
    this.homes = homes;
    this.sessions = sessions;
    this.system = system;
    this.guests = guests;
    this.requests = requests;
    this.passwords = passwords;
    this.layer = Http.get(system).serverLayer(serverSettings(system));
    timer.scheduleWithFixedDelay(this::watch, TICK_MILLISECONDS, TICK_MILLISECONDS, TimeUnit.MILLISECONDS);
  }

  private static ServerSettings serverSettings(ActorSystem<?> system) {
    // Time limits are kept by the connection, which knows what it waits for.
    ServerSettings settings = ServerSettings.create(ConfigFactory.parseMap(Map.ofEntries(
        Map.entry("pekko.http.server.request-timeout", "infinite"),
        Map.entry("pekko.http.server.pipelining-limit", 1),
        Map.entry("pekko.http.server.transparent-head-requests", "off"),
        Map.entry("pekko.http.server.raw-request-uri-header", "on"),
        Map.entry("pekko.http.server.parsing.error-handler", ProblemErrorHandler.class.getName()),
        Map.entry("pekko.http.server.parsing.max-content-length", "infinite"),
        Map.entry("pekko.http.server.parsing.max-uri-length", "16k"), // a path of 4,096 bytes, each of them escaped
        Map.entry("pekko.http.server.parsing.max-chunk-size", "64k"),
        Map.entry("pekko.http.server.parsing.error-logging-verbosity", "off"),
        Map.entry("pekko.http.server.parsing.illegal-header-warnings", "off"))).withFallback(system.settings().config()));
    return settings.withParserSettings(settings.getParserSettings().withCustomMethods(
        method("MKCOL"), method("MOVE"), method("COPY"), method("PROPFIND"), method("PROPPATCH"), method("LOCK"), method("UNLOCK")));
  }

  /** Of WebDAV (RFC 4918); may be repeated without harm, and may have a body. */
  private static HttpMethod method(String name) {
    return HttpMethods.custom(name, false, true, RequestEntityAcceptances.Tolerated);
  }

  void entered(HttpConnection connection) {
    connections.add(connection);
  }

  void left(HttpConnection connection) {
    connections.remove(connection);
  }

  private void watch() {
    long now = System.nanoTime();
    for (HttpConnection connection : connections) {
      try {
        connection.watch(now);
      } catch (RuntimeException e) {
        log.error("A connection could not be watched", e); // thrown, it would end the timer
      }
    }
  }

  @Override
  public void close() {
    timer.shutdownNow();
  }
}
