package io.flotilla.node.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.sun.net.httpserver.HttpsConfigurator;
import com.sun.net.httpserver.HttpsServer;
import com.sun.security.auth.module.UnixSystem;
import io.flotilla.http.admin.AdminCertificate;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Clock;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

/** Where commands find the admin API, and whether they believe that it is the one. */
class AdminOptionsTest {
  /** What the node is told to listen on; that it is on loopback here is of no account to a certificate that is pinned. */
  private static final String NAME = "node.example";
  @TempDir private Path directory;
  private HttpsServer server;
  private AdminCertificate certificate;

  @BeforeEach
  void serve() throws IOException {
    certificate = AdminCertificate.open(directory, NAME, Clock.systemUTC());
    server = HttpsServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    server.setHttpsConfigurator(new HttpsConfigurator(certificate.context()));
    server.createContext("/", exchange -> {
      byte[] body = ("{\"token\":\"" + exchange.getRequestHeaders().getFirst("Authorization") + "\"}").getBytes(StandardCharsets.UTF_8);
      exchange.sendResponseHeaders(200, body.length);
      exchange.getResponseBody().write(body);
      exchange.close();
    });
    server.start();
    Files.writeString(directory.resolve("admin-token"), "secret\n");
  }

  @AfterEach
  void stop() {
    server.stop(0);
  }

  private static AdminClient client(String... arguments) throws IOException {
    return client(new AdminOptions(), arguments);
  }

  private static AdminClient client(AdminOptions options, String... arguments) throws IOException {
    new CommandLine(CommandLine.Model.CommandSpec.forAnnotatedObject(options)).parseArgs(arguments);
    return options.client();
  }

  private String url() {
    return "https://127.0.0.1:" + server.getAddress().getPort();
  }

  private static void assertAnswered(AdminClient client) throws IOException {
    assertEquals("Bearer secret", client.send("GET", "/", Optional.empty()).orFail().body().path("token").asText());
  }

  @Test
  void certificateWithTheFingerprint_isBelieved_andNoOther() throws IOException {
    String token = directory.resolve("admin-token").toString();
    for (String written : new String[] {certificate.fingerprint(), certificate.fingerprint().replace(":", "").toLowerCase()}) {
      assertAnswered(client("--server", url(), "--token-file", token, "--fingerprint", written));
    }
    String other = "0".repeat(64);
    for (AdminClient client : new AdminClient[] {client("--server", url(), "--token-file", token, "--fingerprint", other),
        client("--server", url(), "--token-file", token)}) {
      IOException refused = assertThrows(IOException.class, () -> client.send("GET", "/", Optional.empty()));
      assertTrue(refused.getMessage().contains("is not trusted") && refused.getMessage().contains("--fingerprint"), refused.getMessage());
    }
    assertTrue(assertThrows(CommandFailedException.class, () -> client("--server", url(), "--token-file", token, "--fingerprint", "x"))
        .getMessage().contains("64 hexadecimal digits"));
  }

  @Test
  void nodeOfThisMachine_isFoundByItsSettings() throws IOException {
    Path settings = Files.writeString(directory.resolve("node.conf"), "flotilla { data-directory = \"" + directory
        + "\", admin.address = \"0.0.0.0:" + server.getAddress().getPort() + "\" }");
    assertAnswered(client("--node-config", settings.toString()));
    Files.delete(directory.resolve("admin-certificate.p12"));
    assertTrue(assertThrows(IOException.class, () -> client("--node-config", settings.toString())).getMessage().contains("cannot be read"));
  }

  @Test
  void withoutACluster_itIsSaidWhatToName() {
    for (String[] arguments : new String[][] {{"--dir", directory.toString()}, {"--node-config", directory.resolve("none").toString()}}) {
      assertTrue(assertThrows(CommandFailedException.class, () -> client(arguments)).getMessage().contains("name a server by --server"));
    }
  }

  private static String refusal(String... arguments) {
    return assertThrows(CommandFailedException.class, () -> client(arguments)).getMessage();
  }

  @Test
  void tokenInClear_goesToThisMachineOnly_andNeverInPlaceOfAFingerprint() throws IOException {
    String token = directory.resolve("admin-token").toString();
    client("--server", "http://127.0.0.2:20000", "--token-file", token);
    client("--server", "http://[::1]:20000", "--token-file", token);
    assertTrue(refusal("--server", "http://192.0.2.1:20000", "--token-file", token).contains("in clear"));
    assertTrue(refusal("--server", "HTTP://127.0.0.1:20000", "--token-file", token, "--fingerprint", certificate.fingerprint())
        .contains("--fingerprint"));
    for (String url : new String[] {"127.0.0.1:20000", "ftp://127.0.0.1", "http:///", "http://a b"}) {
      assertTrue(refusal("--server", url, "--token-file", token).contains("is no URL"), url);
    }
  }

  @Test
  void clusterFoundInTheWorkingDirectory_isAskedOnlyIfNobodyElseCanWriteIt() throws IOException {
    Path data = Files.createDirectory(directory.resolve("data"));
    ProcessHandle self = ProcessHandle.current();
    new LocalCluster(List.of(new LocalCluster.LocalNode("node-1", url(), "", self.pid(), self.info().startInstant().orElseThrow().toEpochMilli())))
        .write(data);
    String[] arguments = {"--token-file", directory.resolve("admin-token").toString(), "--fingerprint", certificate.fingerprint(), "--node-config",
        directory.resolve("none").toString()};
    assertAnswered(client(new AdminOptions(directory), arguments));
    for (Path open : new Path[] {data, LocalCluster.file(data)}) {
      Set<PosixFilePermission> before = Files.getPosixFilePermissions(open);
      Files.setPosixFilePermissions(open, PosixFilePermissions.fromString("rwxrwxrwx"));
      assertTrue(assertThrows(CommandFailedException.class, () -> client(new AdminOptions(directory), arguments)).getMessage().contains("--dir"));
      Files.setPosixFilePermissions(open, before);
    }
    for (Path foreign : new Path[] {data, LocalCluster.file(data)}) {
      assumeTrue(new UnixSystem().getUid() == 0, "only root can give files away");
      Files.setAttribute(foreign, "unix:uid", 65534);
      assertTrue(assertThrows(CommandFailedException.class, () -> client(new AdminOptions(directory), arguments)).getMessage().contains("--dir"));
      Files.setAttribute(foreign, "unix:uid", 0);
    }
    assertAnswered(client(new AdminOptions(directory), arguments));
  }

  @Test
  void portOfThisMachinesNode_isAskedOnlyIfTheNodesUserListensThere() throws IOException {
    Path data = Files.createDirectory(directory.resolve("state"));
    Files.copy(directory.resolve("admin-token"), data.resolve("admin-token"));
    int self = Math.toIntExact(new UnixSystem().getUid());
    Path settings = directory.resolve("node.conf");
    String text = "flotilla { data-directory = \"" + data + "\", admin.address = \"127.0.0.1:%s\" }";
    try (ServerSocket node = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      Files.writeString(settings, text.formatted(node.getLocalPort()));
      client("--node-config", settings.toString());
      assertEquals(Optional.of(Set.of(self)), ListeningUsers.at((InetSocketAddress) node.getLocalSocketAddress()));
    }
    assertTrue(refusal("--node-config", settings.toString()).contains("is it running?"));
    assumeTrue(self == 0, "only root can have another user listen");
    Process stranger = new ProcessBuilder("setpriv", "--reuid", "65534", "--clear-groups", "/usr/bin/python3", "-c",
        "import socket; s = socket.create_server(('127.0.0.1', 0)); print(s.getsockname()[1], flush=True); input()").start();
    try (var output = stranger.inputReader()) {
      Files.writeString(settings, text.formatted(output.readLine()));
      assertTrue(refusal("--node-config", settings.toString()).contains("is not this machine's node"));
      Files.setAttribute(data, "unix:uid", 65534);
      client("--node-config", settings.toString());
    } finally {
      stranger.destroyForcibly();
    }
  }
}
