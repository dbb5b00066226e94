package io.flotilla.http.server;

import static org.junit.jupiter.api.Assertions.assertEquals;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.flotilla.adapter.ClientEvent;
import io.flotilla.adapter.ClientLogins;
import io.flotilla.adapter.LiveConnections;
import io.flotilla.adapter.ProtocolAdapters;
import io.flotilla.adapter.TestConfiguration;
import io.flotilla.auth.Authenticator;
import io.flotilla.auth.PasswordHasher;
import io.flotilla.claim.ClaimClient;
import io.flotilla.config.model.Kind;
import io.flotilla.http.dav.LockNews;
import io.flotilla.http.dav.Locks;
import io.flotilla.http.dav.WebDav;
import io.flotilla.http.files.FileTarget;
import io.flotilla.http.sessions.HttpSessions;
import io.flotilla.http.uploads.MemoryLeases;
import io.flotilla.http.uploads.UploadsApi;
import io.flotilla.http.web.WebClient;
import io.flotilla.tls.TlsIdentity;
import io.flotilla.tls.TrustingClient;
import io.flotilla.vfs.UserHomes;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.stream.Stream;
import javax.net.ssl.SSLParameters;
import org.apache.pekko.actor.typed.ActorSystem;
import org.apache.pekko.actor.typed.javadsl.Behaviors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.io.TempDir;

/** A running adapter with a listener in clear, one under TLS, and the user ann; and ways to be its client. */
abstract class HttpFixture {
  static final String PASSWORD = "correct horse";
  private static final long SECONDS = 60;
  private static String hash;

  @TempDir Path temp;
  final TestConfiguration config = new TestConfiguration();
  final ConcurrentLinkedQueue<ClientEvent> events = new ConcurrentLinkedQueue<>();
  final LiveConnections connections = new LiveConnections(Clock.systemUTC());
  private final PasswordHasher hasher = new PasswordHasher();
  private final List<RawHttp> raw = new ArrayList<>();
  private final ActorSystem<Void> system = ActorSystem.create(Behaviors.empty(), "http-test");
  private final HttpClient client = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1)
      .sslContext(TrustingClient.context()).sslParameters(anyName()).build();
  private final Locks locks = new Locks(System::nanoTime);
  private final UploadsApi uploads = new UploadsApi(new MemoryLeases(), locks, "node", () -> Duration.ofDays(7));
  /** What becomes of a password that a user changes. */
  PasswordChange passwordChanges = (_, _, _) -> CompletableFuture.completedFuture(new PasswordChanges.Outcome.Unavailable("no cluster"));
  Path storage;
  HttpSessions sessions;
  HttpAdapter http;
  ProtocolAdapters adapter;
  int port;
  int tlsPort;

  interface PasswordChange {
    CompletionStage<PasswordChanges.Outcome> apply(String user, long version, String password);
  }

  /** What differs from the defaults is what a test can't wait for. */
  HttpSettings settings() {
    return new HttpSettings(Duration.ofMinutes(1), Duration.ofMinutes(1), Duration.ofMillis(10), Duration.ofMinutes(2),
        HttpSettings.DEFAULT.leastRate(), Duration.ofMinutes(5), Duration.ofSeconds(1), 100);
  }

  /** What a test has under /more. */
  CompletionStage<org.apache.pekko.http.javadsl.model.HttpResponse> more(UserRequest request) {
    throw new AssertionError("nothing is there");
  }

  @BeforeEach
  void startAdapter() throws Exception {
    storage = Files.createDirectory(temp.resolve("storage"));
    Clock clock = Clock.systemUTC();
    ClientLogins logins = new ClientLogins(config::view, connections, events::add, clock);
    Authenticator authenticator = new Authenticator(config::view, hasher, clock);
    sessions = new HttpSessions(config::view, authenticator, events::add, clock, system);
    http = new HttpAdapter(config::view, authenticator, logins, new UserHomes(), sessions, settings(), system,
        new WebClient(), new UserRoutes(Map.of(FileTarget.ROOT, new WebDav(locks, new ClaimClient(), LockNews.NONE),
            UploadsApi.ROOT, uploads, "/more", this::more)),
        (user, version, password, _) -> passwordChanges.apply(user, version, password));
    adapter = new ProtocolAdapters(List.of(http), logins, events::add, Duration.ofMinutes(30), clock);
    port = freePort();
    tlsPort = freePort();
    config.put(Kind.STORAGES, "main", json -> json.put("path", storage.toString()));
    TlsIdentity identity = TlsIdentity.selfSigned("localhost", List.of("localhost"), Instant.now());
    config.secret(Kind.CERTIFICATES, "web", "privateKey", identity.privateKeyPem(),
        json -> json.put("certificate", identity.certificatePem()));
    listener("http", port, json -> json.putObject("http").put("tls", false));
    listener("https", tlsPort, json -> json.putObject("http").put("certificate", "web"));
    user("ann", json -> { });
    assertEquals(List.of(), config.commit(adapter));
  }

  @AfterEach
  void stopAll() throws Exception {
    for (RawHttp one : raw) {
      one.close();
    }
    client.close();
    adapter.close(Duration.ZERO);
    uploads.close();
    hasher.close();
    system.terminate();
    system.getWhenTerminated().toCompletableFuture().get(SECONDS, TimeUnit.SECONDS);
  }

  final void listener(String name, int at, Consumer<ObjectNode> fields) {
    config.put(Kind.LISTENERS, name, json -> {
      json.put("protocol", "http").put("address", "127.0.0.1").put("port", at);
      fields.accept(json);
    });
  }

  final void user(String name, Consumer<ObjectNode> fields) throws Exception {
    synchronized (HttpFixture.class) {
      hash = hash == null ? hasher.hash(PASSWORD).get(SECONDS, TimeUnit.SECONDS) : hash;
    }
    config.secret(Kind.USERS, name, "passwordHash", hash, fields);
  }

  final Path home() {
    return storage.resolve("users").resolve("ann");
  }

  /** What is in ann's home on disk, partials too. */
  final List<String> homeEntries() throws IOException {
    try (Stream<Path> entries = Files.list(home())) {
      return entries.map(path -> path.getFileName().toString()).sorted().toList();
    }
  }

  final String url(boolean tls, String path) {
    return tls ? "https://localhost:" + tlsPort + path : "http://localhost:" + port + path;
  }

  static String basic(String user, String password) {
    return "Basic " + Base64.getEncoder().encodeToString((user + ":" + password).getBytes(StandardCharsets.UTF_8));
  }

  final HttpRequest.Builder request(boolean tls, String path) {
    return HttpRequest.newBuilder(URI.create(url(tls, path))).header("Authorization", basic("ann", PASSWORD))
        .timeout(Duration.ofSeconds(SECONDS));
  }

  final HttpResponse<byte[]> send(HttpRequest.Builder request) throws Exception {
    return client.send(request.build(), HttpResponse.BodyHandlers.ofByteArray());
  }

  final HttpResponse<byte[]> get(boolean tls, String path) throws Exception {
    return send(request(tls, path).GET());
  }

  final HttpResponse<byte[]> put(boolean tls, String path, byte[] body) throws Exception {
    return send(request(tls, path).PUT(HttpRequest.BodyPublishers.ofByteArray(body)));
  }

  /** A connection in clear on which a test says every byte itself. */
  final RawHttp connect() throws IOException {
    RawHttp connected = new RawHttp(port);
    raw.add(connected);
    return connected;
  }

  final <T extends ClientEvent> List<T> events(Class<T> type) {
    return events.stream().filter(type::isInstance).map(type::cast).toList();
  }

  static byte[] random(int size) {
    byte[] data = new byte[size];
    new Random(size).nextBytes(data);
    return data;
  }

  static int freePort() throws IOException {
    try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      return socket.getLocalPort();
    }
  }

  private static SSLParameters anyName() {
    SSLParameters parameters = new SSLParameters();
    parameters.setEndpointIdentificationAlgorithm("");
    return parameters;
  }
}
