package io.flotilla.ftp;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.flotilla.adapter.ClientEvent;
import io.flotilla.adapter.ClientLogins;
import io.flotilla.adapter.LiveConnections;
import io.flotilla.adapter.ProtocolAdapters;
import io.flotilla.adapter.TestConfiguration;
import io.flotilla.auth.Authenticator;
import io.flotilla.auth.PasswordHasher;
import io.flotilla.config.model.Kind;
import io.flotilla.vfs.UserHomes;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.io.TempDir;

/** A running adapter with one listener and the user ann, and ways to be its client. */
abstract class FtpFixture {
  static final String PASSWORD = "correct horse";
  private static final long CLIENT_SECONDS = 60;
  private static String hash;

  @TempDir Path temp;
  final TestConfiguration config = new TestConfiguration();
  final ConcurrentLinkedQueue<ClientEvent> events = new ConcurrentLinkedQueue<>();
  final LiveConnections connections = new LiveConnections(Clock.systemUTC());
  final PasswordHasher hasher = new PasswordHasher();
  private final List<Process> started = new ArrayList<>();
  private final List<RawFtp> clients = new ArrayList<>();
  private final Map<Process, Path> logs = new ConcurrentHashMap<>();
  Path storage;
  ProtocolAdapters adapter;
  int port;

  /** What differs from the defaults is what a test can't wait for. */
  FtpSettings settings() {
    return new FtpSettings(Duration.ofSeconds(30), Duration.ofMillis(10), Duration.ofSeconds(5), Duration.ofMinutes(2),
        Duration.ofMillis(5), 100);
  }

  @BeforeEach
  void startAdapter() throws Exception {
    storage = Files.createDirectory(temp.resolve("storage"));
    Clock clock = Clock.systemUTC();
    ClientLogins logins = new ClientLogins(config::view, connections, events::add, clock);
    FtpAdapter ftp = new FtpAdapter(config::view, new Authenticator(config::view, hasher, clock), logins,
        new UserHomes(), settings());
    adapter = new ProtocolAdapters(List.of(ftp), logins, events::add, Duration.ofMinutes(30), clock);
    port = freePort();
    config.put(Kind.STORAGES, "main", json -> json.put("path", storage.toString()));
    listener(json -> { });
    user("ann");
    assertEquals(List.of(), config.commit(adapter));
  }

  @AfterEach
  void stopAll() throws Exception {
    for (Process process : started) {
      process.destroyForcibly().waitFor();
    }
    for (RawFtp client : clients) {
      client.close();
    }
    adapter.close(Duration.ZERO);
    hasher.close();
  }

  final void listener(Consumer<ObjectNode> fields) {
    config.put(Kind.LISTENERS, "ftp", json -> {
      json.put("protocol", "ftp").put("address", "127.0.0.1").put("port", port);
      fields.accept(json);
    });
  }

  final void user(String name) throws Exception {
    synchronized (FtpFixture.class) {
      hash = hash == null ? hasher.hash(PASSWORD).get(CLIENT_SECONDS, TimeUnit.SECONDS) : hash;
    }
    config.secret(Kind.USERS, name, "passwordHash", hash, json -> { });
  }

  final Path home(String user) {
    return storage.resolve("users").resolve(user);
  }

  final Path home() {
    return home("ann");
  }

  /** A connection that has read the greeting. */
  final RawFtp connect() throws IOException {
    RawFtp client = new RawFtp(port);
    clients.add(client);
    client.expect(220);
    return client;
  }

  final RawFtp login() throws IOException {
    RawFtp client = connect();
    client.command("USER ann", 331);
    client.command("PASS " + PASSWORD, 230);
    return client;
  }

  /** What is in a user's home on disk, partials too. */
  final List<String> homeEntries() throws IOException {
    try (Stream<Path> entries = Files.list(home())) {
      return entries.map(path -> path.getFileName().toString()).sorted().toList();
    }
  }

  /** What a client process said and how it ended. */
  record ClientRun(int status, String output) {}

  final ClientRun run(String... line) throws Exception {
    return finish(start(line));
  }

  final void runOk(String... line) throws Exception {
    ClientRun outcome = run(line);
    assertEquals(0, outcome.status(), outcome.output());
  }

  final Process start(String... line) throws IOException {
    Path log = Files.createTempFile(temp, "client", ".log");
    ProcessBuilder builder = new ProcessBuilder(line).directory(temp.toFile())
        .redirectErrorStream(true).redirectOutput(log.toFile()).redirectInput(new java.io.File("/dev/null"));
    builder.environment().put("HOME", temp.toString());
    builder.environment().put("LC_ALL", "C.UTF-8");
    Process process = builder.start();
    started.add(process);
    logs.put(process, log);
    return process;
  }

  final ClientRun finish(Process process) throws Exception {
    Path log = logs.get(process);
    assertTrue(process.waitFor(CLIENT_SECONDS, TimeUnit.SECONDS), () -> "the client hangs: " + read(log));
    return new ClientRun(process.exitValue(), read(log));
  }

  private static String read(Path log) {
    try {
      return new String(Files.readAllBytes(log), StandardCharsets.ISO_8859_1);
    } catch (IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
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
}
