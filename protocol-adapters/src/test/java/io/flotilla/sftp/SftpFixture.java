package io.flotilla.sftp;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

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
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.io.TempDir;

/** A running adapter with one listener and a user, and the real OpenSSH client. */
abstract class SftpFixture {
  static final String PASSWORD = "correct horse";
  private static final Map<String, HostKeyGenerator.HostKeyText> KEYS = new ConcurrentHashMap<>();
  private static final long CLIENT_SECONDS = 60;

  @TempDir Path temp;
  final TestConfiguration config = new TestConfiguration();
  final ConcurrentLinkedQueue<ClientEvent> events = new ConcurrentLinkedQueue<>();
  final LiveConnections connections = new LiveConnections(Clock.systemUTC());
  final PasswordHasher hasher = new PasswordHasher();
  final ShiftedClock clock = new ShiftedClock();
  private final List<Process> started = new ArrayList<>();
  Path storage;
  ProtocolAdapters adapter;
  int port;
  /** Of the host key that was made last. */
  String fingerprint;

  /** The system's clock, which a test may put forward. */
  static final class ShiftedClock extends Clock {
    volatile Duration ahead = Duration.ZERO;

    @Override
    public Instant instant() {
      return Instant.now().plus(ahead);
    }

    @Override
    public ZoneId getZone() {
      return ZoneOffset.UTC;
    }

    @Override
    public Clock withZone(ZoneId zone) {
      return this;
    }
  }

  @BeforeEach
  void startAdapter() throws Exception {
    storage = Files.createDirectory(temp.resolve("storage"));
    ClientLogins logins = new ClientLogins(config::view, connections, events::add, clock);
    SftpAdapter sftp = new SftpAdapter(config::view, new Authenticator(config::view, hasher, clock), logins,
        new UserHomes(), SftpSettings.DEFAULT, clock);
    adapter = new ProtocolAdapters(List.of(sftp), logins, events::add, Duration.ofMinutes(30), clock);
    port = freePort();
    config.put(Kind.STORAGES, "main", json -> json.put("path", storage.toString()));
    hostKey("host", "ed25519");
    listener("sftp", port);
    user("ann");
    assertEquals(List.of(), config.commit(adapter));
  }

  @AfterEach
  void stopAll() throws Exception {
    for (Process process : started) {
      process.descendants().forEach(ProcessHandle::destroyForcibly); // commands of its batch
      process.destroyForcibly().waitFor();
    }
    adapter.close(Duration.ZERO);
    hasher.close();
  }

  final void hostKey(String name, String algorithm) {
    HostKeyGenerator.HostKeyText key = HostKeyGenerator.generate(HostKeyGenerator.Algorithm.of(algorithm));
    config.secret(Kind.HOST_KEYS, name, "privateKey", key.privateKey(), json ->
        json.put("algorithm", algorithm).put("fingerprint", key.fingerprint()));
    fingerprint = key.fingerprint();
  }

  final void listener(String name, int listenerPort) {
    config.put(Kind.LISTENERS, name, json ->
        json.put("protocol", "sftp").put("address", "127.0.0.1").put("port", listenerPort));
  }

  /** A user with the password and a key of each type. */
  final void user(String name) throws Exception {
    String hash = hasher.hash(PASSWORD).get(CLIENT_SECONDS, TimeUnit.SECONDS);
    config.secret(Kind.USERS, name, "passwordHash", hash, json -> {
      for (String algorithm : new String[] {"ed25519", "ecdsa-256", "rsa-3072"}) {
        json.withArray("publicKeys").add(userKey(algorithm).publicKey() + " test");
      }
    });
  }

  static HostKeyGenerator.HostKeyText userKey(String algorithm) {
    return KEYS.computeIfAbsent(algorithm, id -> HostKeyGenerator.generate(HostKeyGenerator.Algorithm.of(id)));
  }

  final Path home(String user) {
    return storage.resolve("users").resolve(user);
  }

  /** What a client process said and how it ended. */
  record Outcome(int status, String output) {}

  /** Runs sftp as ann with her ed25519 key. */
  final Outcome sftp(String... commands) throws Exception {
    return sftp("ann", "ed25519", List.of(), commands);
  }

  final void sftpOk(String... commands) throws Exception {
    Outcome outcome = sftp(commands);
    assertEquals(0, outcome.status(), outcome.output());
  }

  final Outcome sftp(String user, String algorithm, List<String> options, String... commands) throws Exception {
    return finish(startSftp(user, algorithm, options, commands));
  }

  final Process startSftp(String user, String algorithm, List<String> options, String... commands) throws Exception {
    Path batch = Files.createTempFile(temp, "batch", "");
    Files.writeString(batch, String.join("\n", commands) + "\n");
    List<String> line = new ArrayList<>(List.of("sftp", "-F", "none", "-o", "LogLevel=ERROR"));
    line.addAll(options);
    line.addAll(List.of("-P", Integer.toString(port), "-i", keyFile(algorithm).toString(),
        "-o", "IdentitiesOnly=yes", "-o", "PasswordAuthentication=no",
        "-o", "UserKnownHostsFile=/dev/null", "-o", "StrictHostKeyChecking=no",
        "-b", batch.toString(), user + "@127.0.0.1"));
    return start(line, Map.of());
  }

  final Outcome sftpWithPassword(String user, String password, String... commands) throws Exception {
    return finish(startSftpWithPassword(user, password, List.of(), commands));
  }

  final Process startSftpWithPassword(String user, String password, List<String> options, String... commands)
      throws Exception {
    Path batch = Files.createTempFile(temp, "batch", "");
    Files.writeString(batch, String.join("\n", commands) + "\n");
    Path askpass = Files.createTempFile(temp, "askpass", "");
    Files.writeString(askpass, "#!/bin/sh\nprintf '%s\\n' \"$FLOTILLA_TEST_PASSWORD\"\n");
    assertTrue(askpass.toFile().setExecutable(true));
    List<String> line = new ArrayList<>(List.of("sftp", "-F", "none", "-o", "LogLevel=ERROR", "-o", "BatchMode=no"));
    line.addAll(options);
    line.addAll(List.of("-P", Integer.toString(port), "-o", "PubkeyAuthentication=no", "-o", "NumberOfPasswordPrompts=1", "-o", "UserKnownHostsFile=/dev/null",
        "-o", "StrictHostKeyChecking=no", "-b", batch.toString(), user + "@127.0.0.1"));
    return start(line, Map.of("SSH_ASKPASS", askpass.toString(), "SSH_ASKPASS_REQUIRE", "force",
        "FLOTILLA_TEST_PASSWORD", password));
  }

  /** Runs scp by its own old protocol, as ann with her ed25519 key; {@code HOST:} in an argument stands for the server. */
  final Outcome scp(String... arguments) throws Exception {
    return finish(startScp(arguments));
  }

  final void scpOk(String... arguments) throws Exception {
    Outcome outcome = scp(arguments);
    assertEquals(0, outcome.status(), outcome.output());
  }

  final Process startScp(String... arguments) throws Exception {
    List<String> line = new ArrayList<>(List.of("scp", "-O", "-F", "none", "-P", Integer.toString(port),
        "-i", keyFile("ed25519").toString(), "-o", "IdentitiesOnly=yes", "-o", "BatchMode=yes", "-o", "LogLevel=ERROR",
        "-o", "UserKnownHostsFile=/dev/null", "-o", "StrictHostKeyChecking=no"));
    Arrays.stream(arguments).map(argument -> argument.replace("HOST:", "ann@127.0.0.1:")).forEach(line::add);
    return start(line, Map.of());
  }

  final Outcome ssh(String... arguments) throws Exception {
    List<String> line = new ArrayList<>(List.of("ssh", "-F", "none", "-p", Integer.toString(port),
        "-i", keyFile("ed25519").toString(), "-o", "IdentitiesOnly=yes", "-o", "BatchMode=yes",
        "-o", "UserKnownHostsFile=/dev/null", "-o", "StrictHostKeyChecking=no"));
    line.addAll(Arrays.asList(arguments));
    return finish(start(line, Map.of()));
  }

  final Outcome finish(Process process) throws Exception {
    Path log = logs.get(process);
    assertTrue(process.waitFor(CLIENT_SECONDS, TimeUnit.SECONDS), () -> "the client hangs: " + read(log));
    return new Outcome(process.exitValue(), read(log));
  }

  private final Map<Process, Path> logs = new ConcurrentHashMap<>();

  final Process start(List<String> line, Map<String, String> environment) throws IOException {
    Path log = Files.createTempFile(temp, "client", ".log");
    ProcessBuilder builder = new ProcessBuilder(line).directory(temp.toFile())
        .redirectErrorStream(true).redirectOutput(log.toFile()).redirectInput(new java.io.File("/dev/null"));
    builder.environment().putAll(environment);
    Process process = builder.start();
    started.add(process);
    logs.put(process, log);
    return process;
  }

  private static String read(Path log) {
    try {
      return new String(Files.readAllBytes(log), java.nio.charset.StandardCharsets.ISO_8859_1);
    } catch (IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
  }

  final Path keyFile(String algorithm) throws IOException {
    Path file = temp.resolve("id-" + algorithm);
    if (Files.notExists(file)) {
      Files.writeString(file, userKey(algorithm).privateKey());
      Files.setPosixFilePermissions(file, java.nio.file.attribute.PosixFilePermissions.fromString("rw-------"));
    }
    return file;
  }

  final <T extends ClientEvent> List<T> events(Class<T> type) {
    return events.stream().filter(type::isInstance).map(type::cast).toList();
  }

  static int freePort() throws IOException {
    try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      return socket.getLocalPort();
    }
  }
}
